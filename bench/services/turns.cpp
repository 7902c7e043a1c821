#include "bench/services/turns.hpp"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>

#include "stack/http/json.hpp"

namespace assay::bench {
namespace {

// The first ones find the caches and the branch predictor as another has left them, which no service does that has one
// configuration: with turns of 40 requests every policy seemed to cost a tenth more, and half of it with 160. Longer
// ones would be further apart.
constexpr int first_of_a_turn = 100;
constexpr int counted_of_a_turn = 300;
constexpr std::size_t most_kept = 1'000'000;

std::int64_t thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

struct turn {
  std::size_t whose = 0;
  std::int64_t cpu_ns = 0;  // of its requests but for the first ones
};

class turns {
 public:
  explicit turns(std::vector<std::pair<std::string, http::handler>> contenders) : contenders_(std::move(contenders)) {
    kept_.reserve(most_kept);
    order_.resize(contenders_.size());
    std::iota(order_.begin(), order_.end(), 0U);
  }

  const http::handler& next() {
    if (number_ == counted_of_a_turn) begin_turn();
    if (++number_ == 0) began_cpu_ns_ = thread_cpu_ns();
    return contenders_[whose_].second;
  }

  std::string as_json() const {
    std::string all;
    for (const turn& each : kept_) {
      if (!all.empty()) all += ',';
      all += '[' + std::to_string(each.whose) + ',' + std::to_string(each.cpu_ns) + ']';
    }
    std::string names;
    for (const auto& [name, handler] : contenders_) {
      if (!names.empty()) names += ',';
      names += '"' + name + '"';
    }
    return R"({"contenders":[)" + names + R"(],"requests_of_a_turn":)" + std::to_string(counted_of_a_turn) +
           R"(,"turns":[)" + all + "]}\n";
  }

 private:
  void begin_turn() {
    if (began_cpu_ns_ > 0 && kept_.size() < most_kept) {
      kept_.push_back({.whose = whose_, .cpu_ns = thread_cpu_ns() - began_cpu_ns_});
    }
    if (place_ == order_.size()) {
      std::ranges::shuffle(order_, random_);
      place_ = 0;
    }
    whose_ = order_[place_++];
    number_ = -first_of_a_turn - 1;
  }

  std::vector<std::pair<std::string, http::handler>> contenders_;
  std::vector<std::size_t> order_;
  std::mt19937_64 random_;  // the same in each process
  std::vector<turn> kept_;
  std::size_t place_ = 0;  // in the order, of the turn that is next
  std::size_t whose_ = 0;
  int number_ = -1;  // of the request, from 0 on among those that count
  std::int64_t began_cpu_ns_ = 0;
};

task<http::response> tell(std::shared_ptr<turns> all) { co_return http::response::json(all->as_json()); }

}  // namespace

http::handler in_turn(std::vector<std::pair<std::string, http::handler>> contenders) {
  return [all = std::make_shared<turns>(std::move(contenders))] ASSAY_CORO_WRAPPER(http::request & asked) {
    return asked.path() == "/turns" ? tell(all) : all->next()(asked);
  };
}

}  // namespace assay::bench
