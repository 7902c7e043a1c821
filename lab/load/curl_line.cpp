#include "lab/load/curl_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "lab/load/shell_words.hpp"
#include "lab/model/feed.hpp"
#include "stack/http/message.hpp"

namespace assay::load {
namespace {

enum class meaning : std::uint8_t {
  method,
  header,
  data,         // @FILE without its line ends
  data_raw,     // @ is an @
  data_binary,  // @FILE as it is
  json,
  user_agent,
  referer,
  cookie,
  url,
  get,
  head,
  compressed,
  shown,          // of no effect on the request
  shown_with,     // the same, with an argument
  not_supported,  // said why
};

struct option {
  std::string_view name;
  char letter = '\0';
  meaning is = meaning::shown;
  std::string_view why = {};  // of not_supported

  bool takes_argument() const { return is <= meaning::url || is == meaning::shown_with; }
};

constexpr std::array known_options{
    option{"--request", 'X', meaning::method},
    option{"--header", 'H', meaning::header},
    option{"--data", 'd', meaning::data},
    option{"--data-ascii", '\0', meaning::data},
    option{"--data-raw", '\0', meaning::data_raw},
    option{"--data-binary", '\0', meaning::data_binary},
    option{"--json", '\0', meaning::json},
    option{"--user-agent", 'A', meaning::user_agent},
    option{"--referer", 'e', meaning::referer},
    option{"--cookie", 'b', meaning::cookie},
    option{"--url", '\0', meaning::url},
    option{"--get", 'G', meaning::get},
    option{"--head", 'I', meaning::head},
    option{"--compressed", '\0', meaning::compressed},
    option{"--silent", 's'},
    option{"--show-error", 'S'},
    option{"--verbose", 'v'},
    option{"--include", 'i'},
    option{"--fail", 'f'},
    option{"--progress-bar", '#'},
    option{"--no-progress-meter"},
    option{"--http1.1"},
    option{"--insecure", 'k'},
    option{"--output", 'o', meaning::shown_with},
    option{"--write-out", 'w', meaning::shown_with},
    option{"--location", 'L', meaning::not_supported, "--follow follows redirects"},
    option{"--user", 'u', meaning::not_supported, "write -H 'Authorization: ...'"},
    option{"--form", 'F', meaning::not_supported, "write the body with --data-binary @FILE"},
    option{"--max-time", 'm', meaning::not_supported, "see --timeout of assay load"},
    option{"--http2", '\0', meaning::not_supported, "requests are sent in HTTP/1.1"},
};

using failure = std::optional<std::string>;  // what is wrong; nothing when all is well

class command {
 public:
  explicit command(std::vector<std::string> words) : words_(std::move(words)) {}

  std::expected<recorded_request, std::string> read();

 private:
  failure take_word();
  failure take_letters(const std::string& word);
  failure take(const option& known, std::string_view shown, std::optional<std::string> attached);
  failure apply(const option& known, std::string argument);
  failure add_header(std::string_view text);
  failure add_data(meaning how, std::string_view text);
  failure finish();
  bool has(std::string_view name) const {
    return std::ranges::any_of(made_.headers,
                               [name](const auto& each) { return http::equals_ignoring_case(each.first, name); });
  }
  void set_unless(std::string_view name, std::string_view value) {
    const bool removed = std::ranges::any_of(
        removed_, [name](const std::string& each) { return http::equals_ignoring_case(each, name); });
    if (!has(name) && !removed) made_.headers.emplace_back(name, value);
  }

  std::vector<std::string> words_;
  std::size_t at_ = 1;
  recorded_request made_;
  std::vector<std::string> removed_;  // header fields that curl is told not to send
  std::optional<std::string> data_;
  std::string content_type_ = "application/x-www-form-urlencoded";
  bool get_ = false;
  bool head_ = false;
};

failure command::take(const option& known, std::string_view shown, std::optional<std::string> attached) {
  if (known.is == meaning::not_supported) return fmt::format("curl's {} is not supported: {}", shown, known.why);
  if (!known.takes_argument()) return apply(known, {});
  if (attached) return apply(known, std::move(*attached));
  if (at_ == words_.size()) return fmt::format("curl's {} without its argument", shown);
  return apply(known, std::move(words_[at_++]));
}

// "-sSd@file" is -s, -S and -d with "@file".
failure command::take_letters(const std::string& word) {
  for (std::size_t i = 1; i < word.size(); ++i) {
    const auto known = std::ranges::find(known_options, word[i], &option::letter);
    const std::string shown = {'-', word[i]};
    if (word[i] == '\0' || known == known_options.end()) return fmt::format("curl's {} is not supported", shown);
    const bool last = known->takes_argument();
    const bool attached = last && i + 1 < word.size();
    if (auto wrong = take(*known, shown, attached ? std::optional(word.substr(i + 1)) : std::nullopt)) return wrong;
    if (last) break;
  }
  return std::nullopt;
}

failure command::take_word() {
  const std::string word = words_[at_++];
  if (word.starts_with("--") && word.size() > 2) {
    const auto known = std::ranges::find(known_options, word, &option::name);
    if (known == known_options.end()) return fmt::format("curl's {} is not supported", word);
    return take(*known, word, std::nullopt);
  }
  if (word.starts_with('-') && word.size() > 1) return take_letters(word);
  return apply({.name = "--url", .is = meaning::url}, word);
}

failure command::apply(const option& known, std::string argument) {
  switch (known.is) {
    case meaning::method:
      made_.method = std::move(argument);
      return std::nullopt;
    case meaning::header:
      return add_header(argument);
    case meaning::data:
    case meaning::data_raw:
    case meaning::data_binary:
    case meaning::json:
      return add_data(known.is, argument);
    case meaning::user_agent:
      return add_header("User-Agent: " + argument);
    case meaning::referer:
      return add_header("Referer: " + argument);
    case meaning::cookie:
      if (!argument.contains('=')) return "curl's --cookie with a file is not supported: write \"name=value\"";
      return add_header("Cookie: " + argument);
    case meaning::url:
      if (!made_.url.empty()) return fmt::format("a second URL, \"{}\": expected one a line", argument);
      made_.url = argument.contains("://") ? std::move(argument) : "http://" + argument;
      return std::nullopt;
    case meaning::get:
      get_ = true;
      return std::nullopt;
    case meaning::head:
      head_ = true;
      return std::nullopt;
    case meaning::compressed:
      return add_header("Accept-Encoding: deflate, gzip, br, zstd");
    case meaning::shown:
    case meaning::shown_with:
    case meaning::not_supported:
      break;
  }
  return std::nullopt;
}

// "Name: value"; "Name;" sends it empty, "Name:" not at all.
failure command::add_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos && text.size() > 1 && text.ends_with(';')) {
    made_.headers.emplace_back(text.substr(0, text.size() - 1), "");
    return std::nullopt;
  }
  if (colon == text.npos || colon == 0) return fmt::format("curl's header \"{}\": expected \"Name: value\"", text);
  const std::string_view name = text.substr(0, colon);
  const std::size_t value = text.find_first_not_of(' ', colon + 1);
  if (value == text.npos) {
    removed_.emplace_back(name);
  } else if (http::equals_ignoring_case(name, "connection") &&
             http::equals_ignoring_case(text.substr(value), "keep-alive")) {
    return std::nullopt;  // as it is anyhow
  } else {
    made_.headers.emplace_back(name, text.substr(value));
  }
  return std::nullopt;
}

failure command::add_data(meaning how, std::string_view text) {
  std::string piece(text);
  if (text.starts_with('@') && how != meaning::data_raw) {
    auto read = model::read_whole(std::string(text.substr(1)), model::most_feed_bytes);
    if (!read) return "curl's data, " + read.error();
    piece = std::move(*read);
    if (how == meaning::data) std::erase_if(piece, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  }
  if (how == meaning::json) {
    content_type_ = "application/json";
    set_unless("Accept", content_type_);
  }
  if (!data_) {
    data_ = std::move(piece);
  } else {
    data_->append(how == meaning::json ? "" : "&").append(piece);
  }
  return std::nullopt;
}

failure command::finish() {
  if (made_.url.empty()) return "expected a URL";
  if (!made_.url.starts_with("http://") && !made_.url.starts_with("https://")) {
    return fmt::format("\"{}\": expected an http URL", made_.url);
  }
  if (data_ && get_) {
    const std::size_t fragment = std::min(made_.url.find('#'), made_.url.size());
    made_.url.resize(fragment);
    const std::size_t path = made_.url.find('/', made_.url.find("://") + 3);
    if (path == made_.url.npos) made_.url += '/';
    made_.url.append(made_.url.contains('?') ? "&" : "?").append(*data_);
  } else if (data_) {
    made_.body = *data_;
    set_unless("Content-Type", content_type_);
  }
  if (made_.method.empty()) made_.method = head_ ? "HEAD" : data_ && !get_ ? "POST" : "GET";
  set_unless("Accept", "*/*");
  return std::nullopt;
}

std::expected<recorded_request, std::string> command::read() {
  if (words_.empty() || words_.front() != "curl") return std::unexpected("expected a line that begins with curl");
  while (at_ < words_.size()) {
    if (auto wrong = take_word()) return std::unexpected(std::move(*wrong));
  }
  if (auto wrong = finish()) return std::unexpected(std::move(*wrong));
  return std::move(made_);
}

}  // namespace

std::expected<recorded_request, std::string> parse_curl(std::string_view line) {
  auto words = shell_words(line);
  if (!words) return std::unexpected(words.error());
  return command(std::move(*words)).read();
}

std::expected<std::vector<recorded_request>, std::string> read_curl(const std::string& line_or_path) {
  std::vector<recorded_request> requests;
  if (line_or_path == "curl" || line_or_path.starts_with("curl ")) {
    auto read = parse_curl(line_or_path);
    if (!read) return std::unexpected("--curl: " + read.error());
    requests.push_back(std::move(*read));
    return requests;
  }
  const auto text = model::read_whole(line_or_path, most_recorded_bytes);
  if (!text) return std::unexpected("--curl: expected a line that begins with curl, or a file: " + text.error());
  std::string_view left = *text;
  for (int number = 1; !left.empty();) {
    const int begins = number;
    std::size_t end = 0;
    while (true) {  // to a line end that is not escaped
      end = std::min(left.find('\n', end), left.size());
      ++number;
      const bool goes_on = left.substr(0, end).ends_with('\\') || left.substr(0, end).ends_with("\\\r");
      if (end == left.size() || !goes_on) break;
      ++end;
    }
    std::string_view line = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line.starts_with('#')) continue;
    auto read = parse_curl(line);
    if (!read) return std::unexpected(fmt::format("{}:{}: {}", line_or_path, begins, read.error()));
    requests.push_back(std::move(*read));
  }
  if (requests.empty()) return std::unexpected(line_or_path + ": holds no curl line");
  return requests;
}

}  // namespace assay::load
