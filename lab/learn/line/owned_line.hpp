// A line that outlives the text it was read from: its parts copied into one buffer.
//
// Misuse: copying one; the views of the copy would point into the original. It can be moved.
#pragma once

#include <string>
#include <string_view>

#include "lab/learn/line/access_line.hpp"

namespace assay::learn {

class owned_line {
 public:
  owned_line() = default;
  owned_line(const owned_line&) = delete;
  owned_line& operator=(const owned_line&) = delete;
  owned_line(owned_line&& other) noexcept { *this = std::move(other); }
  owned_line& operator=(owned_line&& other) noexcept;
  ~owned_line() = default;

  // The buffer is used again, so that keeping lines one after another does not allocate.
  void keep(const access_line& line);
  const access_line& line() const { return line_; }
  access_line& line() { return line_; }

 private:
  std::string bytes_;
  access_line line_;
};

}  // namespace assay::learn
