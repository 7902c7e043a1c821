#include "bench/services/turns.hpp"

#include <time.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "stack/runtime/clock.hpp"

namespace assay::bench {
namespace {

// The first ones find the caches and the branch predictor as another has left them, which no service does that has one
// configuration: with turns of 40 requests every policy seemed to cost a tenth more, and half of it with 160. Longer
// ones would be further apart.
constexpr int first_of_a_turn = 100;
constexpr int counted_of_a_turn = 300;
constexpr std::size_t most_kept = 1'000'000;

duration thread_cpu() { return detail::read_clock(CLOCK_THREAD_CPUTIME_ID); }

// Whose it was, and the CPU time in ns of its requests but for the first ones.
using turn = std::pair<std::size_t, duration::rep>;

class turns {
 public:
  explicit turns(std::vector<std::pair<std::string, http::handler>> contenders) : contenders_(std::move(contenders)) {
    kept_.reserve(most_kept);
    order_.resize(contenders_.size());
    std::iota(order_.begin(), order_.end(), 0U);
  }

  const http::handler& next() {
    if (number_ == counted_of_a_turn) begin_turn();
    if (++number_ == 0) began_cpu_ = thread_cpu();
    return contenders_[whose_].second;
  }

  std::string as_json() const {
    nlohmann::json names = nlohmann::json::array();
    for (const auto& [name, handler] : contenders_) names.push_back(name);
    const nlohmann::json all = {{"contenders", names}, {"requests_of_a_turn", counted_of_a_turn}, {"turns", kept_}};
    return all.dump();
  }

 private:
  void begin_turn() {
    if (began_cpu_ > duration::zero() && kept_.size() < most_kept) {
      kept_.emplace_back(whose_, (thread_cpu() - began_cpu_).count());
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
  int number_ = counted_of_a_turn;  // of the request, from 0 on among those that count; the first begins a turn
  duration began_cpu_{};
};

task<http::response> tell(std::shared_ptr<turns> all) { co_return http::response::json(all->as_json()); }

}  // namespace

http::handler in_turn(std::vector<std::pair<std::string, http::handler>> contenders) {
  return [all = std::make_shared<turns>(std::move(contenders))] ASSAY_CORO_WRAPPER(http::request & asked) {
    return asked.path() == "/turns" ? tell(all) : all->next()(asked);
  };
}

}  // namespace assay::bench
