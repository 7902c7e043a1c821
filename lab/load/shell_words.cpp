#include "lab/load/shell_words.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace assay::load {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::optional<unsigned> digit_of(char c, unsigned base) {
  const unsigned value = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                         : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10
                                                : base;
  return value < base ? std::optional(value) : std::nullopt;
}

void append_utf8(std::string& to, std::uint32_t point) {
  const auto byte = [&to](std::uint32_t value) { to += static_cast<char>(static_cast<unsigned char>(value)); };
  const auto rest = [&byte](std::uint32_t six_bits) { byte(0x80 | (six_bits & 0x3f)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | (point >> 6));
    rest(point);
  } else {
    byte(0xe0 | (point >> 12));
    rest(point >> 6);
    rest(point);
  }
}

// What is within one pair of quotes, or one bare piece, at a time; `at` stands behind it afterwards.
class splitter {
 public:
  explicit splitter(std::string_view text) : text_(text) {}

  std::expected<std::vector<std::string>, std::string> run() {
    while (at_ < text_.size() && error_.empty()) {
      const char c = text_[at_++];
      if (is_space(c)) {
        end_word();
      } else if (!quoted(c)) {
        bare(c);
      }
    }
    end_word();
    if (!error_.empty()) return std::unexpected(error_);
    return std::move(words_);
  }

 private:
  void end_word() {
    if (in_word_) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }
  void refuse(std::string why) {
    if (error_.empty()) error_ = std::move(why);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool quoted(char c) {
    const bool ansi = c == '$' && peek() == '\'';
    if (ansi) ++at_;
    if (!ansi && c != '\'' && c != '"') return false;
    in_word_ = true;
    if (c == '\'') {
      single();
    } else if (c == '"') {
      twice();
    } else {
      escaped_quote();
    }
    return true;
  }

  void bare(char c) {
    if (c == '\\') {
      if (at_ == text_.size()) return refuse("a backslash at the end: expected what it quotes");
      c = text_[at_++];
      if (c == '\n') return;
      if (c == '\r' && peek() == '\n') return void(++at_);
    } else if (std::string_view("$`|&;<>()*").contains(c)) {
      return refuse(std::string("a bare '") + c + "' is for a shell, and there is none here: put it in quotes");
    }
    in_word_ = true;
    word_ += c;
  }

  void single() {
    const std::size_t end = text_.find('\'', at_);
    if (end == text_.npos) return refuse("a single quote that is not closed");
    word_ += text_.substr(at_, end - at_);
    at_ = end + 1;
  }

  void twice() {
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '"') return void(++at_);
      if (c == '$' || c == '`') {
        return refuse(std::string("'") + c + "' within double quotes is for a shell, and there is none here: write \\" +
                      c);
      }
      if (c == '\\' && at_ + 1 < text_.size() && std::string_view("$`\"\\\n").contains(text_[at_ + 1])) {
        c = text_[++at_];
        if (c == '\n') continue;
      }
      word_ += c;
    }
    refuse("a double quote that is not closed");
  }

  // $'...'
  void escaped_quote() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\'') return;
      if (c != '\\') {
        word_ += c;
      } else if (at_ < text_.size()) {
        escape(text_[at_++]);
      }
    }
    refuse("$' that is not closed");
  }

  void escape(char c) {
    constexpr std::string_view letters = "abefnrtv\\'\"?";
    constexpr std::string_view meant = "\a\b\x1b\f\n\r\t\v\\'\"?";
    if (const std::size_t which = letters.find(c); which != letters.npos) {
      word_ += meant[which];
    } else if (c == 'x') {
      word_ += static_cast<char>(static_cast<unsigned char>(number(2, 16)));
    } else if (c == 'u') {
      append_utf8(word_, number(4, 16));
    } else if (digit_of(c, 8)) {
      --at_;
      word_ += static_cast<char>(static_cast<unsigned char>(number(3, 8)));
    } else {
      refuse(std::string("\\") + c + " within $'...': expected an escape such as \\n, \\x41 or \\u00e9");
    }
  }

  std::uint32_t number(int most_digits, unsigned base) {
    std::uint32_t value = 0;
    int digits = 0;
    for (; digits < most_digits && digit_of(peek(), base); ++digits)
      value = value * base + *digit_of(text_[at_++], base);
    if (digits == 0) refuse("an escape within $'...' without digits");
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> words_;
  std::string word_;
  bool in_word_ = false;
  std::string error_;
};

}  // namespace

std::expected<std::vector<std::string>, std::string> shell_words(std::string_view text) { return splitter(text).run(); }

}  // namespace assay::load
