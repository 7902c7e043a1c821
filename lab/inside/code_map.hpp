// Addresses of a process as "module+0x1234", by its memory map: a stack of a program without a shim.
//
// Misuse: translating after the process has ended, or after it has unloaded a library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::inside {

class code_map {
 public:
  explicit code_map(std::string_view maps);  // the text of /proc/PID/maps
  static code_map of(std::uint32_t pid);

  // Innermost first; the preload library's own frames are left out. Own code is what is no system library.
  struct frames {
    std::vector<std::string> stack;
    std::string place;
  };
  frames translate(const std::vector<std::uint64_t>& addresses) const;

 private:
  struct mapped_file {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t base = 0;  // where its file's first byte would be
    std::string path;
  };
  std::vector<mapped_file> modules_;
};

}  // namespace assay::inside
