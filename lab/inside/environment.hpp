// What a candidate's environment needs so that it can be observed, and where the build has put it.
//
// Misuse: giving two candidates one probe directory: their files stand beside each other, and each is taken for both.
#pragma once

#include <expected>
#include <map>
#include <string>

namespace assay::inside {

struct probe_files {
  std::string library;           // libassay_probe.so
  std::string python_directory;  // holds sitecustomize.py
};

// Beside the running program, in the build tree's probe/ or in ../lib/assay; else where this build has put it.
std::expected<probe_files, std::string> find_probe();

// The variables to set. Those that hold lists are put in front of what `existing` has. `runtime` is the candidate's,
// "python", "node", "cpp", …: the shim is for Python alone. The directory must be absolute.
std::map<std::string, std::string> environment(const probe_files& probe, const std::string& probe_directory,
                                               const std::string& runtime,
                                               const std::map<std::string, std::string>& existing = {});

}  // namespace assay::inside
