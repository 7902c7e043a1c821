#include "lab/learn/line/server_config.hpp"

#include <algorithm>
#include <optional>

namespace assay::learn {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Reads the words of a directive: bare, or quoted with backslashes before quotes, up to ';' or an unescaped line end.
class directive_reader {
 public:
  directive_reader(std::string_view text, bool ends_with_line) : text_(text), ends_with_line_(ends_with_line) {}

  std::optional<std::string> next(bool& quoted) {
    skip_space();
    if (text_.empty() || text_[0] == ';' || (ends_with_line_ && text_[0] == '\n')) return std::nullopt;
    quoted = text_[0] == '"' || text_[0] == '\'';
    return quoted ? quoted_word() : bare_word();
  }

 private:
  void skip_space() {
    for (;;) {
      if (text_.starts_with("\\\n")) {
        text_.remove_prefix(2);
      } else if (!text_.empty() &&
                 (text_[0] == ' ' || text_[0] == '\t' || text_[0] == '\r' || (text_[0] == '\n' && !ends_with_line_))) {
        text_.remove_prefix(1);
      } else {
        return;
      }
    }
  }
  std::string quoted_word() {
    const char quote = text_[0];
    std::string word;
    for (text_.remove_prefix(1); !text_.empty() && text_[0] != quote; text_.remove_prefix(1)) {
      const bool escaped = text_[0] == '\\' && text_.size() > 1 && (text_[1] == quote || text_[1] == '\\');
      if (escaped) text_.remove_prefix(1);
      word += text_[0];
    }
    if (!text_.empty()) text_.remove_prefix(1);
    return word;
  }
  std::string bare_word() {
    const std::size_t end = std::min(text_.find_first_of(" \t\r\n;"), text_.size());
    std::string word(text_.substr(0, end));
    text_.remove_prefix(end);
    return word;
  }

  std::string_view text_;
  bool ends_with_line_;
};

named_format read_nginx(std::string_view text) {
  directive_reader words(text, false);
  named_format made;
  bool quoted = false;
  if (const auto name = words.next(quoted)) (quoted ? made.text : made.name) = *name;
  while (const auto word = words.next(quoted)) {
    if (quoted || !word->starts_with("escape=")) made.text += *word;
  }
  return made;
}

named_format read_apache(std::string_view text) {
  directive_reader words(text, true);
  named_format made;
  bool quoted = false;
  if (const auto format = words.next(quoted)) made.text = *format;
  if (const auto name = words.next(quoted)) made.name = *name;
  return made;
}

}  // namespace

std::vector<named_format> formats_in(std::string_view configuration) {
  constexpr std::string_view nginx = "log_format";
  constexpr std::string_view apache = "LogFormat";
  std::vector<named_format> found;
  bool line_begins = true;
  for (std::size_t at = 0; at < configuration.size() && found.size() < max_formats_a_file; ++at) {
    const std::string_view here = configuration.substr(at);
    const char behind_nginx = here.size() > nginx.size() ? here[nginx.size()] : '\0';
    const char behind_apache = here.size() > apache.size() ? here[apache.size()] : '\0';
    if (line_begins && here.starts_with(nginx) && is_space(behind_nginx)) {
      found.push_back(read_nginx(here.substr(nginx.size())));
    } else if (line_begins && here.starts_with(apache) && is_space(behind_apache)) {
      found.push_back(read_apache(here.substr(apache.size())));
    }
    // A comment or another directive begins otherwise.
    line_begins = here[0] == '\n' || here[0] == '{' || here[0] == ';' || (line_begins && is_space(here[0]));
  }
  return found;
}

}  // namespace assay::learn
