// Cuts a HAR file into its entries as its bytes come: the objects in log.entries, in any layout.
//
// Texts beyond max_entry_text_bytes come out empty: bodies of responses are not wanted, and may be as large as the
// file. What is not JSON is not noticed here but by the parser of the entry.
//
// Misuse: keeping entry() over the next feed().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace assay::learn {

inline constexpr std::size_t max_entry_bytes = std::size_t{1024} * 1024;
inline constexpr std::size_t max_entry_text_bytes = std::size_t{16} * 1024;

// {"log": { is how a HAR file begins, and no line of a log.
bool begins_archive(std::string_view text);

class archive_cutter {
 public:
  // Takes bytes off the front until an entry is whole: true then. False when all are taken.
  bool feed(std::string_view& bytes);
  std::string_view entry() const { return entry_; }
  // Whether there is a begun entry that no end has come for.
  bool is_inside() const { return collects_; }

 private:
  bool step(char c);
  void step_text(char c);

  std::string entry_;
  std::string key_;  // the last text among the members of "log"
  std::size_t depth_ = 0;
  std::size_t text_begins_ = 0;  // in entry_
  bool in_text_ = false;
  bool escaped_ = false;
  bool cuts_ = false;  // the text that is being read is too long
  bool in_entries_ = false;
  bool collects_ = false;
};

}  // namespace assay::learn
