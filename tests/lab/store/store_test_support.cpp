#include "tests/lab/store/store_test_support.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace assay::store {

temporary_directory::temporary_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "assay-store-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

campaign_header some_header() {
  return {.plan_name = "shop",
          .plan_sha256 = "0123456789abcdef0123456789abcdef",
          .plan_text = "name: shop\n# 'quotes' and ümlauts\n",
          .seed = 0xffff'ffff'ffff'fff1,
          .tool_version = "0.1.0",
          .host_facts = R"({"cpu": "some"})",
          .created = "2026-01-02T03:04:05Z"};
}

model::trial some_trial(const std::string& candidate, unsigned repeat, unsigned order) {
  model::trial made;
  made.candidate = candidate;
  made.repeat = repeat;
  made.order = order;
  made.started_at = "2026-01-02T03:04:05Z";
  made.reasons = {std::string(4000, 'x')};  // several pages each
  made.phases.emplace_back().name = "steady";
  made.phases.back().all.latency.response_time.record(1'000'000 + order, 100);
  return made;
}

pid_t start_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  return child;
}

int end_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace assay::store
