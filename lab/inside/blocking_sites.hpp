// Blocking calls taken together by call, peer and place.
//
// Misuse: adding events while a result is read: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lab/inside/probe_reader.hpp"
#include "lab/model/trial.hpp"

namespace assay::inside {

// "third-party (127.0.0.1:40123)" for an address whose port has a name; what has none stays as it is.
std::string named_peer(const std::string& peer, const std::map<std::uint16_t, std::string>& port_names);

class blocking_sites {
 public:
  static constexpr std::size_t most_sites = 256;
  static constexpr std::size_t most_calls = 50'000;  // that are kept one by one; the longest
  static constexpr std::size_t most_moments = 100;   // at_s of one site
  static constexpr std::size_t most_summed_threads = 4096;

  explicit blocking_sites(std::map<std::uint16_t, std::string> port_names) : port_names_(std::move(port_names)) {}

  void add(std::uint32_t pid, const blocking_event& event);

  // Of the calls that began in [begin, end); at_s counts from the origin. The most time first. Of a site's calls that
  // are no longer kept one by one, all or none are taken: by whether any of them began in it.
  std::vector<model::blocking_site> sites(std::uint64_t begin_ns, std::uint64_t end_ns, std::uint64_t origin_ns) const;

  // "recv (poll), third-party (127.0.0.1:40123) at app.py:87 in price, 3 times": the site whose calls on this thread
  // fill at least half of [start, end), one by one or together; empty when none does.
  std::string cause_of(std::uint32_t pid, std::uint32_t tid, std::uint64_t start_ns, std::uint64_t end_ns) const;

  // What is kept one by one, by thread (process, thread) and in order of time.
  struct stretch {
    std::uint64_t start_ns = 0;
    std::uint64_t length_ns = 0;
    bool computing = false;  // it was no call, but the loop's own code
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<stretch>> by_thread() const;
  // Of the others on this thread; of the first most_summed_threads that had any.
  double summed_s(std::uint32_t pid, std::uint32_t tid) const;

  std::uint64_t calls() const { return calls_.size() + summed_ + dropped_; }
  std::uint64_t dropped() const { return dropped_; }  // of sites beyond most_sites: in no sum

 private:
  // Calls that are not kept one by one.
  struct sum {
    std::uint64_t count = 0;
    std::uint64_t total_ns = 0;
    std::uint64_t longest_ns = 0;
    std::uint64_t first_ns = UINT64_MAX;  // they began in [first, last]
    std::uint64_t last_ns = 0;
  };
  struct site {
    std::string call;
    std::string peer;
    std::string place;
    std::vector<std::string> stack;
    sum shorter = {};
  };
  struct call {
    std::size_t site = 0;
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;
    std::uint64_t start_ns = 0;
    std::uint64_t length_ns = 0;
  };

  void sum_up_the_shorter_half();
  void add_to_thread(const call& one);

  std::map<std::uint16_t, std::string> port_names_;
  std::map<std::vector<std::string>, std::size_t> index_;
  std::vector<site> sites_;
  std::vector<call> calls_;
  std::uint64_t summed_ = 0;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> summed_ns_;  // by thread, without computing
  std::uint64_t dropped_ = 0;
};

}  // namespace assay::inside
