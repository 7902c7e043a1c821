#include "stack/data/redis/redis_error.hpp"

#include <algorithm>

namespace assay::data::redis {
namespace {

struct mapping {
  std::string_view word;
  redis_condition condition;
  errc code;
};

constexpr std::array mappings{
    mapping{"LOADING", redis_condition::unavailable, errc::refused},
    mapping{"MASTERDOWN", redis_condition::unavailable, errc::refused},
    mapping{"CLUSTERDOWN", redis_condition::unavailable, errc::refused},
    mapping{"OOM", redis_condition::overloaded, errc::limit},
    mapping{"BUSY", redis_condition::overloaded, errc::limit},
    mapping{"TRYAGAIN", redis_condition::overloaded, errc::limit},
    mapping{"NOAUTH", redis_condition::access_denied, errc::permission},
    mapping{"WRONGPASS", redis_condition::access_denied, errc::permission},
    mapping{"NOPERM", redis_condition::access_denied, errc::permission},
    mapping{"MOVED", redis_condition::moved, errc::system},
    mapping{"ASK", redis_condition::moved, errc::system},
    mapping{"CROSSSLOT", redis_condition::moved, errc::system},
    mapping{"WRONGTYPE", redis_condition::wrong_type, errc::system},
    mapping{"READONLY", redis_condition::read_only, errc::system},
    mapping{"MISCONF", redis_condition::read_only, errc::system},
    mapping{"NOSCRIPT", redis_condition::no_script, errc::system},
    mapping{"EXECABORT", redis_condition::aborted, errc::system},
    mapping{"ERR", redis_condition::invalid_command, errc::system},
};

// The code is the first word, when that is in capitals.
std::string_view code_of(std::string_view said) {
  const std::string_view word = said.substr(0, said.find(' '));
  const bool capitals = std::ranges::all_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
  return capitals ? word : std::string_view();
}

// One line without control bytes, and not longer than the limit.
std::string one_line(std::string_view text) {
  std::string line(text.substr(0, redis_error::max_message_bytes));
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

}  // namespace

std::string_view label(redis_condition condition) {
  static constexpr std::array<std::string_view, 12> labels{
      "none",       "unavailable", "pool_exhausted", "overloaded", "access_denied",   "moved",
      "wrong_type", "read_only",   "no_script",      "aborted",    "invalid_command", "other"};
  static_assert(labels.size() == static_cast<std::size_t>(redis_condition::other) + 1);
  return labels[std::min(static_cast<std::size_t>(condition), labels.size() - 1)];
}

std::string describe(const redis_error& failure) {
  std::string text = describe(static_cast<const error&>(failure));
  if (failure.condition != redis_condition::none) text.append(": ").append(label(failure.condition));
  if (!failure.code_word().empty()) text.append(" [").append(failure.code_word()).append("]");
  if (!failure.message.empty()) text.append(": ").append(failure.message);
  return text;
}

redis_error from_reply(std::string_view said, const char* what) {
  const std::string_view word = code_of(said);
  redis_error failure{{.code = errc::system, .what = what}, redis_condition::other, {}, {}};
  std::ranges::copy(word.substr(0, failure.server_code.size() - 1), failure.server_code.begin());
  std::string_view rest = said.substr(word.size());
  if (!word.empty() && rest.starts_with(' ')) rest.remove_prefix(1);
  failure.message = one_line(rest);
  const auto found = std::ranges::find(mappings, word, &mapping::word);
  if (found != mappings.end()) {
    failure.condition = found->condition;
    failure.code = found->code;
  }
  if (rest.starts_with("max number of clients")) {
    failure.condition = redis_condition::overloaded;
    failure.code = errc::limit;
  }
  return failure;
}

redis_error unavailable(errc code, std::string_view message, const char* what) {
  return {{.code = code, .what = what}, redis_condition::unavailable, {}, one_line(message)};
}

redis_error from_wait(const error& failure) { return {failure, redis_condition::none, {}, {}}; }

}  // namespace assay::data::redis
