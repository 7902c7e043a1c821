// A directory with everything that a small plan refers to, and the plan's text, of which tests change a line.
//
// Misuse: sharing one between tests. Each makes its own, so that they run side by side.
#pragma once

#include <filesystem>
#include <string>

namespace assay::plan {

class plan_folder {
 public:
  plan_folder();
  ~plan_folder();
  plan_folder(const plan_folder&) = delete;
  plan_folder& operator=(const plan_folder&) = delete;

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path folder_;
};

std::string file_text(const std::string& path);

// A plan that is right in every respect; line numbers in tests are of this text.
extern const char* const good_plan;

// `text` with the first `from` replaced by `to`; fails the test when there is none.
std::string changed(std::string text, const std::string& from, const std::string& to);

}  // namespace assay::plan
