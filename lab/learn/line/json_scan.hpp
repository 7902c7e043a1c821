// Walks one JSON object and names its leaves by their path: "request.headers.User-Agent".
//
// Written here and not taken from a library: logs hold bytes that are no UTF-8 (nginx's escape=json passes Latin-1
// through), which strict libraries refuse, lines lie in a buffer without padding, and a line must not allocate. The
// grammar is strict but for those bytes.
//
// Misuse: keeping a leaf's text beyond the next scan(); what had escapes lies in the scanner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay::learn {

inline constexpr std::size_t max_json_depth = 16;
inline constexpr std::size_t max_json_path_bytes = 256;  // leaves below longer ones are passed over

class json_leaves {
 public:
  virtual ~json_leaves() = default;
  // Text without quotes and escapes; a number, true or false as written. null is no leaf. The elements of an array bear
  // the name of the array.
  virtual void leaf(std::string_view path, std::string_view text) = 0;

 protected:
  json_leaves() = default;
  json_leaves(const json_leaves&) = default;
  json_leaves& operator=(const json_leaves&) = default;
};

class json_scanner {
 public:
  // False when `text` is not one whole object; leaves that came before have been handed on then.
  bool scan(std::string_view text, json_leaves& to);

 private:
  bool object(std::size_t depth);
  bool array(std::size_t depth);
  bool value(std::size_t depth);
  bool string(std::string_view& to);
  bool decode(std::string_view raw, std::string_view& to);
  bool scalar();
  void skip_space();
  bool take(char c);
  void hand_on(std::string_view text);

  json_leaves* to_ = nullptr;
  std::string_view rest_;
  std::string path_;
  std::string decoded_;  // reserved for a whole line, so that views into it stay
};

}  // namespace assay::learn
