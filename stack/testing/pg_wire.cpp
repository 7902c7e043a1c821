#include "stack/testing/pg_wire.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace assay::testing::detail {
namespace {

constexpr std::uint32_t protocol_version_3 = 196'608;
constexpr std::uint32_t cancel_request = 80'877'102;
constexpr std::size_t length_bytes = 4;

void put(std::string& to, std::uint32_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) to.push_back(static_cast<char>(number >> shift & 0xFFU));
}
void put_text(std::string& to, std::string_view text) { to.append(text).push_back('\0'); }

void put_message(std::string& to, char type, std::string_view body) {
  to.push_back(type);
  put(to, static_cast<std::uint32_t>(body.size() + length_bytes), 4);
  to.append(body);
}

// Reads a message from its front.
struct reader {
  std::string_view rest;

  std::uint32_t number(std::size_t bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < bytes && i < rest.size(); ++i)
      value = value << 8U | static_cast<unsigned char>(rest[i]);
    rest.remove_prefix(std::min(bytes, rest.size()));
    return value;
  }
  std::string_view text() {
    const std::string_view found = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(found.size() + 1, rest.size()));
    return found;
  }
  std::string_view bytes(std::size_t count) {
    const std::string_view found = rest.substr(0, count);
    rest.remove_prefix(found.size());
    return found;
  }
};

std::string first_word(std::string_view sql) {
  std::string word(sql.substr(0, sql.find_first_of(" ;")));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return word;
}

std::string row_description(const std::vector<pg_column>& columns) {
  std::string body;
  put(body, static_cast<std::uint32_t>(columns.size()), 2);
  for (const pg_column& each : columns) {
    put_text(body, each.name);
    put(body, 0, 4);  // of no table
    put(body, 0, 2);
    put(body, each.type, 4);
    put(body, 0xFFFF, 2);  // a size that varies
    put(body, 0xFFFFFFFF, 4);
    put(body, 0, 2);  // as text
  }
  return body;
}

std::string data_row(const std::vector<pg_text>& fields) {
  std::string body;
  put(body, static_cast<std::uint32_t>(fields.size()), 2);
  for (const pg_text& each : fields) {
    put(body, each ? static_cast<std::uint32_t>(each->size()) : 0xFFFFFFFF, 4);
    if (each) body.append(*each);
  }
  return body;
}

std::string failure_fields(const pg_reply& of) {
  std::string body;
  put_text(body, "SERROR");
  put_text(body, "VERROR");
  put_text(body, "C" + of.sqlstate);
  put_text(body, "M" + of.message);
  body.push_back('\0');
  return body;
}

std::string tag_of(const pg_reply& of) {
  return of.tag.empty() ? "SELECT " + std::to_string(of.fields.size()) : of.tag;
}

}  // namespace

bool pg_session::take_startup(std::string& to) {
  if (unread_.size() < 2 * length_bytes) return false;
  reader at{unread_};
  const std::uint32_t size = at.number(4);
  if (unread_.size() < size) return false;
  const std::uint32_t code = at.number(4);
  unread_.erase(0, size);
  if (code == cancel_request) {
    state_ = state::closed;
    return false;
  }
  if (code != protocol_version_3) {  // may it be encrypted? It may not
    to.push_back('N');
    return true;
  }
  started_ = true;
  put_message(to, 'R', std::string(4, '\0'));
  for (const auto& [name, value] : {std::pair("server_version", "16.0"), std::pair("client_encoding", "UTF8"),
                                    std::pair("standard_conforming_strings", "on")}) {
    put_message(to, 'S', std::string(name) + '\0' + value + '\0');
  }
  put_message(to, 'K', std::string(8, '\1'));
  put_message(to, 'Z', "I");
  return true;
}

pg_session::state pg_session::take(std::string_view bytes, std::string& to) {
  unread_.append(bytes);
  while (state_ == state::open) {
    if (!started_) {
      if (!take_startup(to)) break;
      continue;
    }
    if (unread_.size() < 1 + length_bytes) break;
    reader at{std::string_view(unread_).substr(1)};
    const std::size_t size = at.number(4);
    if (unread_.size() < 1 + size) break;
    const std::string body = unread_.substr(1 + length_bytes, size - length_bytes);
    const char type = unread_.front();
    unread_.erase(0, 1 + size);
    if (!skipping_ || type == 'S' || type == 'X') take_message(type, body, to);
  }
  return state_;
}

void pg_session::take_message(char type, std::string_view body, std::string& to) {
  switch (type) {
    case 'P':
      return parse(body, to);
    case 'B':
      return bind(body, to);
    case 'D':
      return describe(to);
    case 'E':
      return execute(to);
    case 'Q':
      return simple_query(body, to);
    case 'C':
      return put_message(to, '3', "");
    case 'S':
      skipping_ = false;
      return put_message(to, 'Z', {&transaction_, 1});
    case 'X':
      state_ = state::closed;
      return;
    default:  // Flush, and what no client of ours sends
      return;
  }
}

void pg_session::parse(std::string_view body, std::string& to) {
  reader at{body};
  const std::string name(at.text());
  statements_[name] = at.text();
  put_message(to, '1', "");
}

void pg_session::bind(std::string_view body, std::string& to) {
  reader at{body};
  std::ignore = at.text();  // the portal; there is one at a time
  const auto known = statements_.find(at.text());
  bound_ = {.sql = known == statements_.end() ? std::string() : known->second, .parameters = {}};
  for (std::uint32_t formats = at.number(2); formats > 0; --formats) std::ignore = at.number(2);
  for (std::uint32_t count = at.number(2); count > 0; --count) {
    const std::uint32_t size = at.number(4);
    bound_.parameters.push_back(size == 0xFFFFFFFF ? pg_text() : pg_text(at.bytes(size)));
  }
  bound_reply_ = reply_to(bound_);
  put_message(to, '2', "");
}

void pg_session::describe(std::string& to) {
  if (bound_reply_ && !bound_reply_->columns.empty())
    return put_message(to, 'T', row_description(bound_reply_->columns));
  put_message(to, 'n', "");
}

void pg_session::execute(std::string& to) {
  if (bound_reply_) finish(*std::exchange(bound_reply_, std::nullopt), to);
}

void pg_session::simple_query(std::string_view body, std::string& to) {
  reader at{body};
  const pg_reply with = reply_to({.sql = std::string(at.text()), .parameters = {}});
  if (!with.columns.empty()) put_message(to, 'T', row_description(with.columns));
  finish(with, to);
  skipping_ = false;
  if (state_ == state::open) put_message(to, 'Z', {&transaction_, 1});
}

pg_reply pg_session::reply_to(const pg_statement& asked) {
  const std::string word = first_word(asked.sql);
  if (transaction_ == 'E' && word != "ROLLBACK" && word != "COMMIT") {
    return pg_fails("25P02", "current transaction is aborted, commands ignored until end of transaction block");
  }
  pg_reply with = execute_(asked);
  if ((word == "BEGIN" || word == "START") && with.what == pg_reply::kind::rows) transaction_ = 'T';
  if (word == "COMMIT" && transaction_ == 'E') with = pg_done("ROLLBACK");
  if (word == "COMMIT" || word == "ROLLBACK") transaction_ = 'I';
  if (with.what == pg_reply::kind::failure && transaction_ == 'T') transaction_ = 'E';
  return with;
}

void pg_session::finish(const pg_reply& with, std::string& to) {
  switch (with.what) {
    case pg_reply::kind::hangs:
      state_ = state::hangs;
      return;
    case pg_reply::kind::closes:
      state_ = state::closed;
      return;
    case pg_reply::kind::failure:
      skipping_ = true;
      return put_message(to, 'E', failure_fields(with));
    case pg_reply::kind::rows:
      for (const auto& each : with.fields) put_message(to, 'D', data_row(each));
      return put_message(to, 'C', tag_of(with) + '\0');
  }
}

}  // namespace assay::testing::detail
