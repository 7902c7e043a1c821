// A libpq URI taken apart, so that nothing in it can make libpq block: names are resolved before libpq sees them.
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>

#include "stack/data/connection.hpp"
#include "stack/net/address.hpp"

namespace assay::data {
namespace {

struct free_options {
  void operator()(PQconninfoOption* held) const noexcept { PQconninfoFree(held); }
};

sql_error refuse_url(std::string_view why) {
  sql_error refused = from_wait({.code = errc::invalid_argument, .what = "database URL"});
  refused.message = std::string(why.substr(0, sql_error::max_message_bytes));
  return refused;
}

bool is_numeric(const std::string& host) { return net::parse_address(host, 1).has_value(); }

std::string* find(std::vector<std::pair<std::string, std::string>>& words, std::string_view key) {
  const auto found = std::ranges::find(words, key, [](const auto& word) -> const std::string& { return word.first; });
  return found == words.end() ? nullptr : &found->second;
}

}  // namespace

sql_result<connection_target> connection_target::parse(const std::string& url, duration statement_timeout,
                                                       duration idle_in_transaction) {
  char* said = nullptr;
  const std::unique_ptr<PQconninfoOption, free_options> options(PQconninfoParse(url.c_str(), &said));
  if (options == nullptr) {
    // Not libpq's own words: they quote the URL, its password included.
    const sql_error refused = refuse_url(said == nullptr ? "out of memory" : "libpq cannot read it");
    PQfreemem(said);
    return std::unexpected(refused);
  }
  connection_target to;
  for (const PQconninfoOption* each = options.get(); each->keyword != nullptr; ++each) {
    if (each->val != nullptr && *each->val != '\0') to.words.emplace_back(each->keyword, each->val);
  }
  const std::string* const host = find(to.words, "host");
  const std::string* const numeric = find(to.words, "hostaddr");
  for (const std::string* each : {host, numeric}) {
    if (each != nullptr && each->contains(',')) return std::unexpected(refuse_url("more than one host"));
  }
  if (numeric != nullptr && !is_numeric(*numeric)) return std::unexpected(refuse_url("hostaddr is not an address"));
  if (host == nullptr && numeric == nullptr) return std::unexpected(refuse_url("no host"));
  const bool is_directory = host != nullptr && (host->starts_with('/') || host->starts_with('@'));
  if (numeric == nullptr && !is_directory && !is_numeric(*host)) to.host = *host;

  const auto with_default = [&to](const char* key, std::string text) {
    if (find(to.words, key) == nullptr) to.words.emplace_back(key, std::move(text));
  };
  with_default("client_encoding", "UTF8");
  with_default("fallback_application_name", "assay");
  with_default("gssencmode", "disable");  // its handshake asks name services while it holds the thread
  const auto set_in_server = [&](const char* what, duration span) {
    if (span <= duration::zero()) return;
    constexpr std::int64_t most_ms = 2'147'483'647;  // what the server takes
    const auto limit_ms = std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(span).count(), most_ms);
    with_default("options", "");
    std::string& settings = *find(to.words, "options");
    // First, so that the URL's own setting wins.
    settings = std::string("-c ") + what + "=" + std::to_string(limit_ms) + (settings.empty() ? "" : " ") + settings;
  };
  set_in_server("idle_in_transaction_session_timeout", idle_in_transaction);
  set_in_server("statement_timeout", statement_timeout);
  return to;
}

}  // namespace assay::data
