#include "cli/load_outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "lab/model/write_file.hpp"
#include "lab/report/hdr_files.hpp"
#include "lab/report/load_seconds.hpp"

namespace assay::cli {
namespace {

// At least; about once a line.
constexpr duration cpu_interval = std::chrono::milliseconds(900);

double in_seconds(duration span) { return std::chrono::duration<double>(span).count(); }

template <class Result>
std::expected<void, std::string> write_each(const std::vector<std::string>& paths, const Result& result) {
  for (const std::string& path : paths) {
    const std::string text = path.ends_with(".hlog") ? report::hlog_file(result) : report::hgrm_file(result);
    if (const auto wrote = model::write_file(path, text); !wrote) {
      return std::unexpected(fmt::format("--hdr {}: {}", path, wrote.error()));
    }
  }
  return {};
}

}  // namespace

std::expected<second_writer, std::string> second_writer::open(const std::string& path) {
  if (path == "-") return second_writer(stdout);
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return std::unexpected(fmt::format("--ndjson {}: {}", path, std::strerror(errno)));
  return second_writer(file);
}

void second_writer::write(const load::live_source& of, double until_s, bool at_end) {
  for (; next_ < of.seconds(); ++next_) {
    if (of.is_gone(next_)) {
      ++lost_;
      continue;
    }
    const auto begins_s = static_cast<double>(next_);
    std::optional<model::live_second> second = of.second(next_);
    // Seconds that an early end leaves over are over as well, and not of this run.
    if (!second || begins_s + (at_end ? 0 : second->length_s) >= until_s) break;
    second->length_s = std::min(second->length_s, until_s - begins_s);
    const std::string line = report::second_line(*second, cpu_.share());
    const bool wrote = std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size();
    failed_ = failed_ || !wrote;
  }
  failed_ = std::fflush(file_.get()) != 0 || failed_;
}

void second_writer::follow(const load::live_source& running) {
  const load::live_view seen = running.look();
  if (!cpu_.has_looked() || seen.elapsed - cpu_.looked_at() >= cpu_interval) cpu_.look(seen);
  write(running, in_seconds(seen.elapsed), false);
}

bool second_writer::finish(const load::live_source& ended, std::chrono::nanoseconds measured) {
  write(ended, in_seconds(measured), true);
  return !failed_;
}

std::expected<live_outputs, std::string> live_outputs::open(const load_arguments& typed, const load::live_source& of) {
  live_outputs opened;
  opened.path_ = typed.ndjson;
  if (!typed.ndjson.empty()) {
    auto rows = second_writer::open(typed.ndjson);
    if (!rows) return std::unexpected(rows.error());
    opened.rows_ = std::move(*rows);
  }
  if (typed.prometheus) {
    auto metrics = load::live_metrics::open(*typed.prometheus, [&of] { return of.look(); });
    if (!metrics) return std::unexpected("--prometheus: " + metrics.error());
    opened.metrics_ = std::move(*metrics);
    fmt::print(stderr, "assay load: metrics at http://127.0.0.1:{}/metrics\n", opened.metrics_->port());
  }
  return opened;
}

std::expected<void, std::string> live_outputs::finish(const load::live_source& ended,
                                                      std::chrono::nanoseconds measured) {
  if (!rows_) return {};
  const bool wrote = rows_->finish(ended, measured);
  if (wrote && rows_->lost() == 0) return {};
  if (wrote) {
    return std::unexpected(fmt::format("--ndjson {}: {} seconds are missing: it was more than an hour behind the run",
                                       path_, rows_->lost()));
  }
  return std::unexpected("--ndjson " + path_ + ": cannot write all of it");
}

std::expected<void, std::string> check_hdr_files(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code none;
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    if (path.empty() || std::filesystem::is_directory(path, none)) {
      return std::unexpected(fmt::format("--hdr \"{}\": expected the name of a file", path));
    }
    if (!parent.empty() && !std::filesystem::is_directory(parent, none)) {
      return std::unexpected(fmt::format("--hdr {}: no such directory", path));
    }
  }
  return {};
}

std::expected<void, std::string> write_hdr_files(const std::vector<std::string>& paths,
                                                 const model::load_result& result) {
  return write_each(paths, result);
}

std::expected<void, std::string> write_hdr_files(const std::vector<std::string>& paths,
                                                 const model::stream_result& result) {
  return write_each(paths, result);
}

}  // namespace assay::cli
