// Traffic as somebody recorded it, to be sent again: requests in the order of time, each of a client.
//
// All of it is in memory, text behind text in one buffer: 40 bytes a request beside what it says. Both limits are the
// reader's to keep: add() refuses what is beyond.
//
//   recorded_traffic traffic;
//   traffic.add({.at = 1500ms, .client = 7, .method = "GET", .target = "/items/17"});
//   traffic.order();
//
// Misuse: keeping a traffic_request over an add(); its views point into the buffer. Sending what was recorded anywhere
// but to a place that may have it: it holds that day's cookies and credentials.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assay::model {

inline constexpr std::size_t max_recorded_requests = 5'000'000;
inline constexpr std::size_t max_recorded_bytes = std::size_t{1} << 30;
// Nanoseconds end in 2262: what claims to be later is put here, in 2255.
inline constexpr std::chrono::microseconds last_recorded{9'000'000'000'000'000};

struct traffic_request {
  std::chrono::nanoseconds at{};  // from any instant that all share; after order() from the first request
  std::uint32_t client = 0;       // whose requests go over one connection; numbered from 0
  int status = 0;                 // of the answer that was recorded; 0: none is known
  std::string_view method = {};
  std::string_view target = {};  // "/path?query"; what stands before the path of "http://host/path" becomes the host
  std::string_view host = {};    // empty: not known
  std::string_view fields = {};  // "Name: value\r\n" each; none of the connection's, of the framing, or Host
  std::string_view body = {};
  bool whole = true;  // the recorder kept all of its body
};

class recorded_traffic {
 public:
  // False, and nothing is added, beyond the limits above.
  bool add(const traffic_request& request);
  // What was answered, learnt after it was added.
  void set_status(std::size_t index, int status) { entries_[index].status = static_cast<std::uint16_t>(status); }
  // When it was meant, likewise.
  void set_at(std::size_t index, std::chrono::nanoseconds at) { entries_[index].at = at; }
  // Into the order of time; those of one instant stay as they came. Indices change.
  void order();

  std::size_t size() const { return entries_.size(); }
  traffic_request operator[](std::size_t index) const;
  std::uint32_t clients() const { return clients_; }  // one more than the highest number

  // What else the reader knows.
  std::vector<std::string> sources = {};               // paths
  std::map<std::string, std::uint64_t> rejected = {};  // records that are no request, by reason
  std::vector<std::string> notes = {};                 // what was assumed, a sentence each

 private:
  struct entry {
    std::chrono::nanoseconds at;
    std::uint64_t begins;  // in text_
    std::uint32_t client;
    std::uint32_t target_bytes;
    std::uint32_t fields_bytes;
    std::uint32_t body_bytes;
    std::uint16_t host_bytes;
    std::uint16_t status;
    std::uint8_t method_bytes;
    bool whole;
  };

  std::string text_;
  std::vector<entry> entries_;
  std::uint32_t clients_ = 0;
};

// Adds "Name: value\r\n"; false when either holds what would end the line.
bool append_field(std::string& to, std::string_view name, std::string_view value);

// Calls use(name, value) for each of the fields as append_field() wrote them.
template <typename Fn>
void each_field(std::string_view fields, Fn&& use) {
  while (!fields.empty()) {
    const std::size_t end = fields.find("\r\n");
    const std::string_view line = fields.substr(0, end);
    const std::size_t colon = line.find(": ");
    if (colon != std::string_view::npos) use(line.substr(0, colon), line.substr(colon + 2));
    fields.remove_prefix(end == std::string_view::npos ? fields.size() : end + 2);
  }
}

}  // namespace assay::model
