// What the tests of the room share: directories that go, waiting for a condition, processes found by a mark.
//
// Misuse: a mark that is not unique to the test; leftovers of another would be found.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lab/subject/process.hpp"

namespace assay::subject {

class temporary_directory {
 public:
  temporary_directory();
  ~temporary_directory();
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string read_text(const std::string& path);
void write_text(const std::string& path, const std::string& text);

// Polls until it holds; false after the limit.
bool wait_until(const std::function<bool()>& holds, std::chrono::milliseconds limit = std::chrono::seconds(10));

// An environment with PATH and a mark by which every descendant is found.
std::map<std::string, std::string> marked(const std::string& mark);
// Processes (zombies excluded) in whose environment the mark stands.
std::vector<pid_t> find_marked(const std::string& mark);
std::string fresh_mark();

spawn_request shell(const std::string& script, const std::string& mark = "none");

}  // namespace assay::subject
