// How a connection to PostgreSQL comes to be: the host's addresses, one after the other, and libpq's non-blocking
// steps.
#include <libpq-fe.h>

#include <utility>

#include "stack/data/connection.hpp"
#include "stack/net/address.hpp"
#include "stack/net/connect.hpp"
#include "stack/net/readiness.hpp"
#include "stack/net/resolver.hpp"

namespace assay::data {
namespace {

// libpq gives a refused connection no SQLSTATE but in its text: "FATAL:  57P03: the database system is starting up".
sql_error connect_failure(std::string_view said) {
  constexpr std::string_view mark = "FATAL:  ";
  constexpr std::size_t state_length = 5;
  const auto found = said.find(mark);
  if (found == std::string_view::npos) return unavailable(errc::refused, said, "connect to PostgreSQL");
  const std::string_view rest = said.substr(found + mark.size());
  if (rest.size() <= state_length || rest[state_length] != ':') {
    return unavailable(errc::refused, said, "connect to PostgreSQL");
  }
  const std::string_view message = rest.substr(state_length + 2);
  return from_sqlstate(rest.substr(0, state_length), message.substr(0, message.find('\n')), "connect to PostgreSQL");
}

// As libpq has it: without port and brackets.
std::string host_text(const socket_address& address) {
  std::string text = net::format_address(address);
  text.resize(text.rfind(':'));
  return text.starts_with('[') ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

// `address` is what libpq is to connect to, when that is not among the words.
task<sql_result<std::unique_ptr<connection>>> connection::open_one(const connection_target& to, std::string address) {
  std::vector<const char*> keys;
  std::vector<const char*> texts;
  for (const auto& [key, text] : to.words) {
    keys.push_back(key.c_str());
    texts.push_back(text.c_str());
  }
  if (!address.empty()) {
    keys.push_back("hostaddr");
    texts.push_back(address.c_str());
  }
  keys.push_back(nullptr);
  texts.push_back(nullptr);

  handle held(PQconnectStartParams(keys.data(), texts.data(), 0));
  if (held == nullptr) co_return std::unexpected(from_wait({.code = errc::no_memory, .what = "PQconnectStart"}));
  PQsetNoticeReceiver(held.get(), &ignore_notice, nullptr);
  PQsetErrorVerbosity(held.get(), PQERRORS_VERBOSE);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (PQstatus(held.get()) != CONNECTION_BAD && next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
    const std::uint32_t wanted = next == PGRES_POLLING_READING ? net::want_read : net::want_write;
    const result<net::readiness> ready = co_await net::wait_ready(PQsocket(held.get()), wanted);
    if (!ready) {
      sql_error failure = from_wait(ready.error());
      failure.what = "connect to PostgreSQL";
      co_return std::unexpected(std::move(failure));
    }
    next = PQconnectPoll(held.get());
  }
  if (next != PGRES_POLLING_OK || PQsetnonblocking(held.get(), 1) != 0) {
    co_return std::unexpected(connect_failure(PQerrorMessage(held.get())));
  }
  co_return std::unique_ptr<connection>(new connection(std::move(held), to.max_statements));
}

task<sql_result<std::unique_ptr<connection>>> connection::open_at(const connection_target& to,
                                                                  std::vector<socket_address> addresses) {
  const context& ctx = co_await this_context();
  sql_result<std::unique_ptr<connection>> opened =
      std::unexpected(unavailable(errc::unresolved, to.host, "no address"));
  for (std::size_t tried = 0; tried < addresses.size(); ++tried) {
    const instant now = ctx.on->turn_time();
    if (tried > 0 && (ctx.cancel->cancelled() || now >= ctx.deadline)) break;
    const instant limit = net::share_of_time(now, ctx.deadline, addresses.size() - tried);
    opened = co_await with_deadline(limit, open_one(to, host_text(addresses[tried])));
    // What a server has said, another of its addresses would say as well.
    if (opened || !opened.error().sqlstate().empty()) break;
  }
  co_return opened;
}

task<sql_result<std::unique_ptr<connection>>> connection::open(const connection_target& to, offload_pool* resolver) {
  if (to.host.empty()) co_return co_await open_one(to, {});
  constexpr std::uint16_t any_port = 1;  // libpq knows which
  result<std::vector<socket_address>> found =
      co_await net::resolve(resolver != nullptr ? *resolver : net::default_resolver(), to.host, any_port);
  if (!found && found.error().reason != cancel_reason::none) co_return std::unexpected(from_wait(found.error()));
  if (!found) co_return std::unexpected(unavailable(found.error().code, to.host, "resolve"));
  co_return co_await open_at(to, std::move(*found));
}

}  // namespace assay::data
