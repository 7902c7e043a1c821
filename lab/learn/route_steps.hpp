// Which route follows which in sessions.
//
// Of a sample of the clients, which grows thinner as the log grows: all of them within the first requests_of_all, half
// of them until the log is twice as long, a quarter until it is twice as long again. A client is in by its hash, so
// that who is followed was followed before; and each step counts as often as there are clients for one that is followed
// (D. G. Horvitz and D. J. Thompson, Journal of the American Statistical Association 47, 1952).
//
// Misuse: a log of a few clients that ask most: the sample may have them or not. `error` says how well it is known.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lab/learn/session_counts.hpp"
#include "lab/model/profile.hpp"

namespace assay::learn {

inline constexpr std::uint64_t requests_of_all = 16'384;
inline constexpr std::size_t max_steps = 65'536;    // different ones, by an eighth of the clients
inline constexpr std::size_t routes_of_steps = 12;  // that are told apart in the end

class client_sample {
 public:
  // `number` of the requests before it: one more each time.
  bool takes(std::uint64_t client, std::uint64_t number) {
    if (number >= next_halving_) {
      next_halving_ *= 2;
      ++halvings_;
    }
    return halvings_ == 0 || hash(client) >> (64U - halvings_) == 0;
  }
  std::uint8_t halvings() const { return halvings_; }
  static std::uint64_t hash(std::uint64_t client) { return client * 0x9e3779b97f4a7c15U; }

 private:
  std::uint64_t next_halving_ = requests_of_all;
  std::uint8_t halvings_ = 0;
};

class route_steps {
 public:
  route_steps();

  struct visit {
    std::uint64_t client = 0;
    std::uint32_t place = 0;  // path_tree's, never 0
    std::uint8_t halvings = 0;
  };
  void add(const session_step& step, const visit& at);

  // `places`: by the routes' names. Of the first routes_of_steps and the rest; without routes if few were followed.
  model::session_paths describe(const std::vector<model::route>& routes,
                                const std::map<std::string, std::vector<std::uint32_t>>& places) const;

  std::uint64_t uncounted() const { return uncounted_; }  // requests that came after the table was full

 private:
  struct counted_step {
    std::uint64_t key = 0;  // 0: none
    std::uint64_t times = 0;
  };
  static std::uint64_t& times_of(std::vector<counted_step>& table, std::uint64_t key, std::size_t& used);

  std::vector<counted_step> table_;  // open addressing, a power of two, at most half full
  std::size_t used_ = 0;
  std::uint64_t followed_ = 0;
  std::uint64_t uncounted_ = 0;
};

}  // namespace assay::learn
