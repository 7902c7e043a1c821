#include "lab/learn/block_reader.hpp"

#include <cstring>
#include <span>

namespace assay::learn {

std::expected<bool, std::string> block_reader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) return false;
  const auto got = bytes_.read(std::span(buffer_).subspan(end_));
  if (!got) return std::unexpected(got.error());
  end_ += *got;
  return *got > 0;
}

}  // namespace assay::learn
