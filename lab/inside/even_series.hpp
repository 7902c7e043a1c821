// Looks over any length of time in bounded memory: at the limit every second one goes, and from then on only every
// second is kept, so that they stay evenly spaced. The first stays; the last is the present, kept or not.
//
// Misuse: of counts since the look before. What is dropped must not be missed: cumulative counts, levels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace assay::inside {

template <typename Look>
class even_series {
 public:
  explicit even_series(std::size_t most) : most_(most) {}  // 2 or more

  void add(Look look) {
    const bool last_stays = added_ == 0 || (added_ - 1) % stride_ == 0;
    if (!last_stays) looks_.pop_back();
    if (looks_.size() >= most_) thin_out();
    looks_.push_back(std::move(look));
    ++added_;
  }

  const std::vector<Look>& looks() const { return looks_; }
  std::vector<Look> take() { return std::exchange(looks_, {}); }

 private:
  void thin_out() {
    std::size_t kept = 1;
    for (std::size_t i = 2; i < looks_.size(); i += 2) looks_[kept++] = std::move(looks_[i]);
    looks_.resize(kept);
    stride_ *= 2;
  }

  std::size_t most_;
  std::uint64_t stride_ = 1;  // looks, from one that is kept to the next
  std::uint64_t added_ = 0;
  std::vector<Look> looks_;
};

}  // namespace assay::inside
