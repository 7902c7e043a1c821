// Commands as bytes: a batch of one or more, encoded as they are added, that is sent in one go.
//
//   redis::batch both;
//   both.add("SET", key, value).add("EXPIRE", key, 60);
//
// Each word is sent with its length, so it may hold any bytes and can never become a part of another: there is no
// format string, and nothing to escape.
//
// Misuse: one word for several, as in add("SET key value"): the server looks for a command of that name.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <span>
#include <string>
#include <string_view>

namespace assay::data::redis {

// A word of a command: bytes, or a number as its digits. A view: what it is made of must outlive it.
class word {
 public:
  word(std::string_view text) : text_(text) {}    // NOLINT(google-explicit-constructor)
  word(const std::string& text) : text_(text) {}  // NOLINT(google-explicit-constructor)
  word(const char* text) : text_(text) {}         // NOLINT(google-explicit-constructor)
  template <class Number>
    requires(std::integral<Number> || std::floating_point<Number>) && (!std::same_as<Number, bool>) &&
            (!std::same_as<Number, char>)
  word(Number number) {  // NOLINT(google-explicit-constructor)
    size_ = static_cast<std::size_t>(std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr -
                                     digits_.data());
  }

  std::string_view text() const { return size_ > 0 ? std::string_view(digits_.data(), size_) : text_; }

 private:
  std::string_view text_;
  std::array<char, 32> digits_{};
  std::size_t size_ = 0;
};

class batch {
 public:
  template <class... Words>
  batch& add(std::string_view name, const Words&... rest) {
    const std::array<word, sizeof...(rest) + 1> words{word(name), word(rest)...};
    return add_words(words);
  }
  // For a number of words that is known only when it runs.
  batch& add_words(std::span<const word> words);
  // Those of another, behind these.
  batch& append(const batch& other);

  std::size_t size() const { return size_; }  // commands
  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::size_t size_ = 0;
};

}  // namespace assay::data::redis
