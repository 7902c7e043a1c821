// The machine as the fairness record needs it, and how its CPUs are shared out.
//
// Misuse: pinning the lab and the candidate to the same CPU where there are two: each would measure the other.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace assay::subject {

struct cpu_split {
  std::vector<unsigned> candidate;
  std::vector<unsigned> lab;  // the generator, the dependencies, everything else
  std::string remark;         // why the split is not clean; empty when it is
};

// Of the CPUs that this process may use, the last half to the candidate. With one CPU both get it.
cpu_split split_cpus();
// The same of the CPUs given; `siblings` names those that share a core with each.
cpu_split split_cpus(const std::vector<unsigned>& cpus, const std::map<unsigned, std::vector<unsigned>>& siblings);

// "cpu", "cpus", "memory", "kernel", "governor", "virtual". What cannot be seen is said to be so.
std::map<std::string, std::string> host_facts();

// "0-3,8" as the kernel writes sets of CPUs; empty when it is nothing of the kind.
std::vector<unsigned> parse_cpu_list(const std::string& text);
std::string format_cpu_list(const std::vector<unsigned>& cpus);

}  // namespace assay::subject
