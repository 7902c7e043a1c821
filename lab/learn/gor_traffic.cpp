#include "lab/learn/gor_traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "lab/learn/byte_source.hpp"
#include "lab/learn/client_numbers.hpp"
#include "lab/learn/input_paths.hpp"
#include "lab/learn/line/gor_record.hpp"
#include "lab/learn/line/text.hpp"
#include "lab/learn/log_input.hpp"
#include "lab/learn/text_hash.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t piece_bytes = std::size_t{256} * 1024;

class recording_reader {
 public:
  std::expected<void, std::string> read(const std::string& path) {
    auto bytes = byte_source::open(path);
    if (!bytes) return std::unexpected(bytes.error());
    traffic_.sources.push_back(path);
    gor_cutter cutter;
    records_ = refused_ = 0;
    while (true) {
      const auto got = bytes->read(buffer_);
      if (!got) return std::unexpected(got.error());
      if (*got == 0) break;
      std::string_view piece(buffer_.data(), *got);
      while (cutter.feed(piece)) {
        if (const auto added = add(cutter); !added) return std::unexpected(name_of(path) + ": " + added.error());
      }
    }
    if (cutter.is_inside()) reject(line_fault::cut_short);
    if (records_ == 0) return std::unexpected(name_of(path) + ": expected a GoReplay recording; it holds no record");
    if (static_cast<double>(refused_) <= most_rejected * static_cast<double>(records_)) return {};
    return std::unexpected(
        fmt::format("{}: expected a GoReplay recording; {} of {} records are none", name_of(path), refused_, records_));
  }

  model::recorded_traffic finish() {
    for (const auto& [id, status] : statuses_) {
      if (const auto asked = requests_.find(id); asked != requests_.end()) traffic_.set_status(asked->second, status);
    }
    traffic_.order();
    if (without_client_ > 0) {
      traffic_.notes.push_back(
          fmt::format("{} ids name no connection: each request has one of its own", without_client_));
    }
    return std::move(traffic_);
  }

 private:
  std::expected<void, std::string> add(const gor_cutter& cut) {
    if (cut.too_long()) {
      reject(line_fault::too_long);
      return {};
    }
    auto message = read_gor_record(cut.record());
    if (!message) {
      const line_fault fault = message.error();
      if (fault == line_fault::aside) ++records_;
      if (fault != line_fault::aside && fault != line_fault::unfinished) reject(fault);
      return {};
    }
    if (message->kind == '1' && !is_method(message->method)) {
      reject(line_fault::no_request);
      return {};
    }
    ++records_;
    return message->kind == '1' ? add_request(*message) : add_status(*message);
  }

  std::expected<void, std::string> add_request(const gor_message& message) {
    const std::string_view connection = connection_of(message.id);
    without_client_ += connection.empty();
    requests_.emplace(message.id, traffic_.size());
    const bool added =
        traffic_.add({.at = std::min(message.at.at.time_since_epoch(), model::last_recorded),
                      .client = connection.empty() ? clients_.fresh() : clients_.of(text_hash(connection)),
                      .method = message.method,
                      .target = message.target,
                      .host = message.host,
                      .fields = message.fields,
                      .body = message.body,
                      .whole = message.whole});
    if (added) return {};
    return std::unexpected(fmt::format("more than {} requests, or {} MiB of them: name fewer files",
                                       model::max_recorded_requests, model::max_recorded_bytes >> 20));
  }

  // Of a recording of responses without end no more is kept than of requests.
  std::expected<void, std::string> add_status(const gor_message& message) {
    if (statuses_.size() < model::max_recorded_requests) statuses_.emplace(message.id, message.status);
    return {};
  }

  void reject(line_fault fault) {
    ++records_;
    ++refused_;
    ++traffic_.rejected[std::string(label(fault))];
  }

  model::recorded_traffic traffic_;
  client_numbers clients_;
  std::unordered_map<std::string, std::size_t> requests_;  // by id
  std::unordered_map<std::string, int> statuses_;
  std::uint64_t without_client_ = 0;
  std::uint64_t records_ = 0;  // of this file
  std::uint64_t refused_ = 0;
  std::vector<char> buffer_ = std::vector<char>(piece_bytes);
};

}  // namespace

std::expected<model::recorded_traffic, std::string> read_gor_traffic(const std::vector<std::string>& files) {
  const auto paths = input_paths(files);
  if (!paths) return std::unexpected(paths.error());
  recording_reader reader;
  for (const std::string& path : *paths) {
    if (const auto read = reader.read(path); !read) return std::unexpected(read.error());
  }
  return reader.finish();
}

}  // namespace assay::learn
