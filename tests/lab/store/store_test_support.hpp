// A directory of its own for each test, small trials, and a child process to be limited or killed.
//
// Misuse: expectations in the child; it reports by its exit status or a pipe.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "lab/store/campaign_store.hpp"

namespace assay::store {

class temporary_directory {
 public:
  temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory();
  std::string file() const { return path_ + "/campaign.db"; }

 private:
  std::string path_;
};

campaign_header some_header();
model::trial some_trial(const std::string& candidate, unsigned repeat, unsigned order);

/// Runs `body` in a child; its result is the exit status.
pid_t start_child(const std::function<int()>& body);
/// Waits for it; the status as of waitpid.
int end_of(pid_t child);

}  // namespace assay::store
