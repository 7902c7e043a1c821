// What the bare programs share: the clock, the command line, loopback sockets, exact quantiles.
//
// The bare programs are measuring instruments: the least code that can play the part. They keep every sample
// and end the process on any error, because a reference that limps on is worse than none.
//
// Misuse: summary_json() on a run of unknown length. It sorts every sample kept, so memory grows with
// rate x duration; a product uses a histogram, an instrument of ten seconds need not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::bench {

constexpr std::int64_t ns_per_s = 1'000'000'000;

// CLOCK_MONOTONIC, in nanoseconds.
[[nodiscard]] std::int64_t now_ns();

// User plus system time of all threads of this process, in nanoseconds.
[[nodiscard]] std::int64_t process_cpu_ns();

// Prints "what: strerror(errno)" (errno 0: only what) to stderr and exits with status 1.
[[noreturn]] void die(std::string_view what);

// "5ms", "300us", "3s", "250ns" as nanoseconds. Ends the program on anything else.
[[nodiscard]] std::int64_t parse_duration_ns(std::string_view text);

// Command line of the form --name value. A name which is not allowed ends the program with status 2.
class arguments {
 public:
  arguments(int argc, char** argv, std::initializer_list<std::string_view> allowed);
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] std::string text(std::string_view name, std::string_view fallback) const;
  // A required number: its absence ends the program with status 2.
  [[nodiscard]] double number(std::string_view name) const;
  [[nodiscard]] double number(std::string_view name, double fallback) const;
  [[nodiscard]] std::uint16_t port() const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// A listening socket on 127.0.0.1 with TCP_NODELAY, which accepted sockets inherit.
[[nodiscard]] int listen_on(std::uint16_t port);

// A connected blocking socket to 127.0.0.1 with TCP_NODELAY.
[[nodiscard]] int connect_to(std::uint16_t port);

// The request every bare client sends: byte for byte what wrk sends by default.
[[nodiscard]] std::string request_bytes(std::uint16_t port);

// The response every bare server sends: status 200, a body of 13 bytes.
[[nodiscard]] std::string_view response_bytes();

// Status 503 in as many bytes, so that the clients may go on counting bytes.
[[nodiscard]] std::string_view refusal_bytes();

// Sends one request on a blocking socket and returns the size in bytes of the whole response, head and body.
// The clients then only count bytes: they need a server whose responses all have the same size.
[[nodiscard]] std::size_t learn_response_size_bytes(int fd, std::string_view request);

// Counts the requests (CRLF CRLF) completed by a chunk; the matcher carries a split end over to the next one.
class request_counter {
 public:
  [[nodiscard]] unsigned feed(std::string_view chunk);

 private:
  unsigned matched_ = 0;  // bytes of CRLF CRLF seen so far
};

// Nearest-rank quantile (the least value with at least quantile x n values at or below it) of sorted samples.
[[nodiscard]] std::int64_t quantile_ns(std::span<const std::int64_t> sorted_ns, double quantile);

// {"count":..,"mean":..,"max":..,"p50":..,..,"p99.99":..} in microseconds; sorts the samples. Empty: count 0.
[[nodiscard]] std::string summary_json(std::vector<std::int64_t>& samples_ns);

}  // namespace assay::bench
