#include "lab/subject/keeper_protocol.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace assay::subject {
namespace {

enum class packet_kind : std::uint64_t { spawn = 1, reply, stop, exit };

// Numbers are eight bytes of this machine; strings and lists have their count in front.
class packet_writer {
 public:
  explicit packet_writer(packet_kind kind) { number(static_cast<std::uint64_t>(kind)); }

  packet_writer& number(std::uint64_t value) {
    const auto bytes = std::bit_cast<std::array<char, sizeof(value)>>(value);
    packet_.append(bytes.data(), bytes.size());
    return *this;
  }
  packet_writer& real(double value) { return number(std::bit_cast<std::uint64_t>(value)); }
  packet_writer& text(std::string_view value) {
    number(value.size());
    packet_.append(value);
    return *this;
  }
  std::string take() { return std::move(packet_); }

 private:
  std::string packet_;
};

class packet_reader {
 public:
  packet_reader(std::string_view packet, packet_kind kind) : rest_(packet) {
    if (number() != static_cast<std::uint64_t>(kind)) good_ = false;
  }

  std::uint64_t number() {
    std::array<char, sizeof(std::uint64_t)> bytes{};
    const std::string_view taken = take(bytes.size());
    if (good_) std::memcpy(bytes.data(), taken.data(), bytes.size());
    return std::bit_cast<std::uint64_t>(bytes);
  }
  double real() { return std::bit_cast<double>(number()); }
  // Every value that is handed to the system as a C string: a NUL inside would cut it.
  std::string text() {
    const std::string_view taken = take(number());
    if (taken.find('\0') != std::string_view::npos) good_ = false;
    return std::string(taken);
  }
  std::size_t count() {
    const std::uint64_t value = number();
    if (value > max_strings) good_ = false;
    return good_ ? value : 0;
  }
  bool finished() const { return good_ && rest_.empty(); }
  bool good() const { return good_; }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) good_ = false;
    if (!good_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool good_ = true;
};

template <class T>
std::optional<T> complete(const packet_reader& from, T value) {
  if (!from.finished()) return std::nullopt;
  return value;
}

}  // namespace

std::string encode(const spawn_request& request) {
  packet_writer to(packet_kind::spawn);
  to.number(request.command.size());
  for (const std::string& word : request.command) to.text(word);
  to.number(request.environment.size());
  for (const auto& [name, value] : request.environment) to.text(name).text(value);
  to.number(request.cpus.size());
  for (const unsigned cpu : request.cpus) to.number(cpu);
  to.text(request.directory).text(request.user).text(request.output).text(request.errors).text(request.scratch);
  to.number(request.max_descriptors).number(static_cast<std::uint64_t>(request.stop_signal));
  return to.take();
}

std::optional<spawn_request> decode_spawn_request(std::string_view packet) {
  packet_reader from(packet, packet_kind::spawn);
  spawn_request request;
  for (std::size_t left = from.count(); left > 0 && from.good(); left--) request.command.push_back(from.text());
  for (std::size_t left = from.count(); left > 0 && from.good(); left--) {
    std::string name = from.text();
    request.environment[std::move(name)] = from.text();
  }
  for (std::size_t left = from.count(); left > 0 && from.good(); left--) {
    request.cpus.push_back(static_cast<unsigned>(from.number()));
  }
  request.directory = from.text();
  request.user = from.text();
  request.output = from.text();
  request.errors = from.text();
  request.scratch = from.text();
  request.max_descriptors = from.number();
  request.stop_signal = static_cast<int>(from.number());
  if (request.command.empty() || request.stop_signal <= 0 || request.stop_signal > 64) return std::nullopt;
  return complete(from, std::move(request));
}

std::string encode(const spawn_reply& reply) {
  return packet_writer(packet_kind::reply).number(static_cast<std::uint64_t>(reply.pid)).text(reply.error).take();
}

std::optional<spawn_reply> decode_spawn_reply(std::string_view packet) {
  packet_reader from(packet, packet_kind::reply);
  spawn_reply reply;
  reply.pid = static_cast<pid_t>(from.number());
  reply.error = from.text();
  return complete(from, std::move(reply));
}

std::string encode(const stop_order& order) {
  return packet_writer(packet_kind::stop).number(static_cast<std::uint64_t>(order.grace.count())).take();
}

std::optional<stop_order> decode_stop_order(std::string_view packet) {
  packet_reader from(packet, packet_kind::stop);
  const std::uint64_t grace = from.number();
  constexpr std::uint64_t longest_ms = 24ULL * 3600 * 1000;
  return complete(from, stop_order{.grace = std::chrono::milliseconds(std::min(grace, longest_ms))});
}

std::string encode(const exit_report& report) {
  return packet_writer(packet_kind::exit)
      .number(static_cast<std::uint64_t>(report.status))
      .number(static_cast<std::uint64_t>(report.signal))
      .real(report.user_s)
      .real(report.system_s)
      .number(report.max_rss_bytes)
      .take();
}

std::optional<exit_report> decode_exit_report(std::string_view packet) {
  packet_reader from(packet, packet_kind::exit);
  exit_report report;
  report.status = static_cast<int>(from.number());
  report.signal = static_cast<int>(from.number());
  report.user_s = from.real();
  report.system_s = from.real();
  report.max_rss_bytes = from.number();
  return complete(from, report);
}

}  // namespace assay::subject
