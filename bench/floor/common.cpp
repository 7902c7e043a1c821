#include "bench/floor/common.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <numeric>

namespace assay::bench {
namespace {

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * ns_per_s + now.tv_nsec;
}

[[noreturn]] void usage_error(std::string_view what, std::string_view detail) {
  fmt::print(stderr, "{}: {}\n", what, detail);
  std::exit(2);
}

double parse_number(std::string_view name, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value < 0) {
    usage_error(fmt::format("--{} needs a number, not", name), text);
  }
  return value;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int tcp_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return fd;
}

}  // namespace

std::int64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }

std::int64_t process_cpu_ns() { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

void die(std::string_view what) {
  const int error = errno;
  fmt::print(stderr, "{}{}{}\n", what, error != 0 ? ": " : "", error != 0 ? std::strerror(error) : "");
  std::exit(1);
}

std::int64_t parse_duration_ns(std::string_view text) {
  const std::size_t unit_at = text.find_first_not_of("0123456789.");
  const std::string_view unit = unit_at == std::string_view::npos ? "" : text.substr(unit_at);
  double scale = 0;
  if (unit == "ns") scale = 1;
  if (unit == "us") scale = 1e3;
  if (unit == "ms") scale = 1e6;
  if (unit == "s") scale = 1e9;
  if (scale == 0 || unit_at == 0) usage_error("not a duration (5ms, 300us, 3s)", text);
  return std::llround(parse_number("duration", text.substr(0, unit_at)) * scale);
}

arguments::arguments(int argc, char** argv, std::initializer_list<std::string_view> allowed) {
  const std::span words(argv, static_cast<std::size_t>(argc));
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const std::string_view word = words[i];
    const std::string_view name = word.starts_with("--") ? word.substr(2) : std::string_view{};
    if (std::ranges::find(allowed, name) == allowed.end() || i + 1 == words.size()) {
      usage_error(
          fmt::format("unknown option or no value: {}\nusage: {} --NAME VALUE with NAME one of", word, words[0]),
          fmt::format("{}", fmt::join(allowed, " ")));
    }
    values_.insert_or_assign(std::string(name), words[i + 1]);
  }
}

std::string arguments::text(std::string_view name, std::string_view fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(fallback) : found->second;
}

double arguments::number(std::string_view name) const {
  if (!has(name)) usage_error("missing option", fmt::format("--{}", name));
  return parse_number(name, values_.find(name)->second);
}

double arguments::number(std::string_view name, double fallback) const { return has(name) ? number(name) : fallback; }

std::uint16_t arguments::port() const {
  const double value = number("port");
  if (value < 1 || value > 65535) usage_error("--port", "must be 1 to 65535");
  return static_cast<std::uint16_t>(value);
}

int listen_on(std::uint16_t port) {
  const int fd = tcp_socket();
  const sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) die("bind");
  if (listen(fd, 4096) < 0) die("listen");
  return fd;
}

int connect_to(std::uint16_t port) {
  const int fd = tcp_socket();
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) die("connect");
  return fd;
}

std::string request_bytes(std::uint16_t port) {
  return fmt::format("GET / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port);
}

std::string_view response_bytes() {
  return "HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
         "Connection: keep-alive\r\n\r\nhello, world\n";
}

std::string_view refusal_bytes() {
  return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n"
         "Connection: keep-alive\r\n\r\nunavailable";
}

std::size_t learn_response_size_bytes(int fd, std::string_view request) {
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != std::ssize(request)) die("send");
  constexpr std::string_view length_field = "content-length: ";
  std::string received;
  std::size_t size_bytes = 0;
  while (size_bytes == 0 || received.size() < size_bytes) {
    char chunk[4096];
    const ssize_t count = recv(fd, chunk, sizeof chunk, 0);
    if (count <= 0) die("the server closed before its first response was complete");
    received.append(chunk, static_cast<std::size_t>(count));
    const std::size_t head_end = received.find("\r\n\r\n");
    if (head_end == std::string::npos) continue;
    // Field names are case-insensitive (RFC 9110 section 5.1).
    std::string lower(received);
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
    const std::size_t field_at = lower.find(length_field);
    std::size_t body_bytes = 0;
    errno = 0;
    if (field_at > head_end) die("the server's response has no Content-Length");
    const char* const digits = received.data() + field_at + length_field.size();
    std::from_chars(digits, received.data() + head_end, body_bytes);
    size_bytes = head_end + 4 + body_bytes;
  }
  return size_bytes;
}

unsigned request_counter::feed(std::string_view chunk) {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  unsigned requests = 0;
  for (const char c : chunk) {
    if (c == end_of_head[matched_]) {
      ++matched_;
    } else {
      matched_ = c == '\r' ? 1 : 0;
    }
    if (matched_ == end_of_head.size()) {
      matched_ = 0;
      ++requests;
    }
  }
  return requests;
}

std::int64_t quantile_ns(std::span<const std::int64_t> sorted_ns, double quantile) {
  assert(!sorted_ns.empty() && quantile > 0 && quantile <= 1);
  // The epsilon undoes a product such as 0.9 x 10 that lands a hair above its integer.
  const double rank = std::ceil(quantile * static_cast<double>(sorted_ns.size()) - 1e-9);
  return sorted_ns[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

std::string summary_json(std::vector<std::int64_t>& samples_ns) {
  if (samples_ns.empty()) return R"({"count":0})";
  std::ranges::sort(samples_ns);
  const double sum_ns = std::accumulate(samples_ns.begin(), samples_ns.end(), 0.0);
  const auto us = [](std::int64_t value_ns) { return static_cast<double>(value_ns) / 1e3; };
  std::string json = fmt::format(R"({{"count":{},"mean":{:.3f},"max":{:.3f})", samples_ns.size(),
                                 sum_ns / 1e3 / static_cast<double>(samples_ns.size()), us(samples_ns.back()));
  for (const double percent : {50.0, 90.0, 95.0, 99.0, 99.9, 99.99}) {
    json += fmt::format(R"(,"p{}":{:.3f})", percent, us(quantile_ns(samples_ns, percent / 100)));
  }
  return json + "}";
}

}  // namespace assay::bench
