// What only some formats log: how long requests took and waited for what is behind, their own sizes, protocols and
// connections.
//
// Misuse: reading a duration as the client's. It is the server's, or the proxy's that writes the log: without the way
// to the client, and with the time that a slow client took, where the whole answer is timed.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "lab/learn/line/access_line.hpp"
#include "lab/learn/route_counts.hpp"
#include "lab/model/profile.hpp"

namespace assay::learn {

// In microseconds.
std::uint64_t microseconds(double seconds);

class service_counts {
 public:
  void add(const access_line& line) {
    count_protocol(line.protocol);
    if (line.request_time_s) times_.record(microseconds(*line.request_time_s));
    if (line.upstream_time_s) upstream_times_.record(microseconds(*line.upstream_time_s));
    if (line.request_bytes) request_sizes_.record(*line.request_bytes);
    if (line.on_connection > 0) ++on_connections_;
    if (line.on_connection == 1) ++connections_;
  }

  model::service describe(const model::arrivals& arrivals) const;

 private:
  // Nearly all are "HTTP/1.1" or another of eight letters.
  void count_protocol(std::string_view name) {
    protocol_word word = 0;
    if (name.size() == sizeof word) {
      std::memcpy(&word, name.data(), sizeof word);
    } else {
      word = short_word(name);
    }
    for (protocol& each : protocols_) {
      if (each.name != word && each.times > 0) continue;
      each.name = word;
      ++each.times;
      return;
    }
    ++other_protocols_;
  }
  using protocol_word = std::uint64_t;
  static protocol_word short_word(std::string_view name);

  struct protocol {
    protocol_word name = 0;  // 0: none is logged, or it is too long for one
    std::uint64_t times = 0;
  };
  std::array<protocol, 6> protocols_{};
  std::uint64_t other_protocols_ = 0;
  size_table times_, upstream_times_, request_sizes_;
  std::uint64_t on_connections_ = 0;
  std::uint64_t connections_ = 0;
};

}  // namespace assay::learn
