#include "stack/runtime/unobserved.hpp"

#include <atomic>
#include <cstdio>

namespace assay {
namespace {

void report_on_stderr(const unobserved_failure& lost) noexcept {
  const std::string during = lost.during.empty() ? std::string() : " during " + std::string(lost.during);
  std::fprintf(stderr, "assay: a task failed unobserved%s: %s; spawned at %s:%u\n", during.c_str(),
               describe(lost).c_str(), lost.where.file_name(), lost.where.line());
}

std::atomic<failure_reporter> current_reporter{&report_on_stderr};

}  // namespace

std::string describe(const unobserved_failure& lost) {
  if (lost.failure) return describe(*lost.failure);
  try {
    std::rethrow_exception(lost.thrown);
  } catch (const std::exception& bug) {
    return bug.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

failure_reporter set_failure_reporter(failure_reporter reporter) noexcept {
  return current_reporter.exchange(reporter != nullptr ? reporter : &report_on_stderr);
}

void report_unobserved(const unobserved_failure& lost) noexcept { current_reporter.load()(lost); }

}  // namespace assay
