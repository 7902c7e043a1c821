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
  std::string node_shim = {};    // shim.cjs
  std::string allocations = {};  // libassay_allocations.so; empty: nobody has asked for it
};

// Set to "1" in assay's own environment, what a candidate allocates is counted too: that costs more than what is
// compared should bear without a reason.
inline constexpr auto allocations_variable = "ASSAY_PROBE_ALLOCATIONS";

// Beside the running program, in the build tree's probe/ or in ../lib/assay; else where this build has put it.
std::expected<probe_files, std::string> find_probe();

// The variables to set. Those that hold lists are put in front of what `existing` has. `runtime` is the candidate's,
// "python", "node", "cpp", …; with "auto" the shims of all go along. The directory must be absolute.
std::map<std::string, std::string> environment(const probe_files& probe, const std::string& probe_directory,
                                               const std::string& runtime,
                                               const std::map<std::string, std::string>& existing = {});

// Set to "1" beside them, the shim also looks where the loop computes: by a thread of its own, which costs more than
// what is compared should bear.
inline constexpr auto stacks_variable = "ASSAY_PROBE_STACKS";

}  // namespace assay::inside
