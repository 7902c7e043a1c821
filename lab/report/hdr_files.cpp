#include "lab/report/hdr_files.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdint>

#include "stack/observe/histogram_codec.hpp"

namespace assay::report {
namespace {

constexpr double ns_a_ms = 1e6;
constexpr std::uint64_t ticks_a_half_distance = 5;

// The reference knows buckets only: the middle of one stands for what is in it.
struct bucket_moments {
  double mean = 0;
  double deviation = 0;
};

double middle_of(std::uint64_t lowest, std::uint64_t highest) {
  const std::uint64_t middle = lowest + (highest - lowest + 1) / 2;  // whole, as the reference has it
  return static_cast<double>(middle);
}

bucket_moments moments_of(const observe::histogram& of) {
  if (of.count() == 0) return {};
  const auto count = static_cast<double>(of.count());
  bucket_moments seen;
  of.for_each_recorded([&](std::uint64_t lowest, std::uint64_t highest, std::uint64_t n) {
    seen.mean += middle_of(lowest, highest) * static_cast<double>(n);
  });
  seen.mean /= count;
  of.for_each_recorded([&](std::uint64_t lowest, std::uint64_t highest, std::uint64_t n) {
    const double off = middle_of(lowest, highest) - seen.mean;
    seen.deviation += off * off * static_cast<double>(n);
  });
  seen.deviation = std::sqrt(seen.deviation / count);
  return seen;
}

// The levels of the reference's iterator: each half of the distance to 100 % is cut into as many ticks.
double next_level(double percent) {
  const auto halvings = static_cast<int>(std::log(100.0 / (100.0 - percent)) / std::log(2.0));
  const double ticks = static_cast<double>(ticks_a_half_distance) * std::exp2(halvings + 1);
  return percent + 100.0 / ticks;
}

void append_rows(std::string& to, const observe::histogram& of) {
  const auto total = static_cast<double>(of.count());
  const int digits = of.options().significant_digits;
  std::uint64_t so_far = 0;
  double level = 0;
  double last_ms = 0;
  of.for_each_recorded([&](std::uint64_t, std::uint64_t highest, std::uint64_t n) {
    so_far += n;
    last_ms = static_cast<double>(highest) / ns_a_ms;
    const double reached = 100.0 * static_cast<double>(so_far) / total;
    // The bucket that completes the count ends the iteration after one row; the row of 100 % is its own.
    for (bool more = reached >= level; more; more = so_far < of.count() && reached >= level) {
      to += fmt::format("{:>12.{}f} {:2.12f} {:>10} {:>14.2f}\n", last_ms, digits, level / 100.0, so_far,
                        1 / (1.0 - level / 100.0));
      level = next_level(level);
    }
  });
  if (of.count() > 0) {
    to += fmt::format("{:>12.{}f} {:2.12f} {:>10}\n", last_ms, digits, 1.0, of.count());
  }
}

std::uint64_t sub_buckets_of(const observe::histogram& of) {
  const double needed = 2 * std::pow(10, of.options().significant_digits);
  return std::uint64_t{1} << static_cast<unsigned>(std::ceil(std::log2(needed)));
}

double highest_ms(const observe::histogram& of) {
  return of.max() == 0 ? 0 : static_cast<double>(of.highest_equivalent(of.max())) / ns_a_ms;
}

void append_interval(std::string& to, std::string_view tag, double start_s, double length_s,
                     const observe::histogram& of) {
  to +=
      fmt::format("{}{:.3f},{:.3f},{:.3f},{}\n", tag, start_s, length_s, highest_ms(of), observe::encode_v2_base64(of));
}

void append_intervals(std::string& to, bool open, double start_s, double length_s,
                      const model::latency_histograms& of) {
  append_interval(to, "", start_s, length_s, of.response_time);
  if (!open) return;  // where the three are one, or nothing
  append_interval(to, "Tag=service_time,", start_s, length_s, of.service_time);
  append_interval(to, "Tag=send_lag,", start_s, length_s, of.send_lag);
}

std::string hlog_head(std::string_view what, const std::string& url, std::chrono::system_clock::time_point started) {
  const double start_s = std::chrono::duration<double>(started.time_since_epoch()).count();
  const auto whole_seconds = std::chrono::floor<std::chrono::seconds>(started);
  return fmt::format(
      "#[assay {}: {} {}]\n#[Histogram log format version 1.3]\n"
      "#[StartTime: {:.3f} (seconds since epoch), {:%a %b %d %H:%M:%S} UTC {:%Y}]\n"
      "#[BaseTime: {:.3f} (seconds since epoch)]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
      ASSAY_VERSION, what, url, start_s, whole_seconds, whole_seconds, start_s);
}

// Of each stage, or of a run that has not several.
template <class Result>
void append_run(std::string& to, bool open, const Result& of) {
  if (of.stages.empty()) {
    append_intervals(to, open, 0, std::chrono::duration<double>(of.duration).count(), of.latency);
  }
  for (const model::load_stage& each : of.stages) {
    append_intervals(to, open, each.start_s, each.length_s, each.latency);
  }
}

}  // namespace

std::string percentile_distribution(const observe::histogram& of) {
  std::string text =
      fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  append_rows(text, of);
  const bucket_moments seen = moments_of(of);
  const int digits = of.options().significant_digits;
  const std::uint64_t sub_buckets = sub_buckets_of(of);
  text += fmt::format("#[Mean    = {:>12.{}f}, StdDeviation   = {:>12.{}f}]\n", seen.mean / ns_a_ms, digits,
                      seen.deviation / ns_a_ms, digits);
  text += fmt::format("#[Max     = {:>12.{}f}, Total count    = {:>12}]\n", highest_ms(of), digits, of.count());
  text += fmt::format("#[Buckets = {:>12}, SubBuckets     = {:>12}]\n", of.counts().size() / (sub_buckets / 2) - 1,
                      sub_buckets);
  return text;
}

std::string hgrm_file(const model::load_result& result) {
  return percentile_distribution(result.latency.response_time);
}

std::string hgrm_file(const model::stream_result& result) {
  return percentile_distribution(result.kind == model::stream_kind::events ? result.gap : result.latency.response_time);
}

std::string hlog_file(const model::load_result& result) {
  std::string text = hlog_head(result.method, result.url, result.started);
  append_run(text, result.model != model::load_model::closed, result);
  return text;
}

std::string hlog_file(const model::stream_result& result) {
  std::string text = hlog_head(label(result.kind), result.url, result.started);
  if (result.kind == model::stream_kind::events) {
    const double length_s = std::chrono::duration<double>(result.duration).count();
    append_interval(text, "", 0, length_s, result.gap);
    append_interval(text, "Tag=first_event,", 0, length_s, result.first_event);
  } else {
    append_run(text, true, result);
  }
  return text;
}

}  // namespace assay::report
