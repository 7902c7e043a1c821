// The names of the functions that addresses of this process lie in, from the symbol tables of its program and its
// libraries. Those that are not exported are found too, which is where coroutines are.
//
//   observe::symbolizer names;
//   names.describe(frame);   // "stall_here(int) [clone .resume]+0x41 (service)"
//
// A stripped file leaves "service+0x51c3", which addr2line reads together with the file that was not stripped.
//
// Misuse: on a loop, or in a signal handler. The first name of a file reads the whole of its table.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay::observe {

class symbolizer {
 public:
  std::string describe(std::uintptr_t address);

 private:
  struct symbol {
    std::uintptr_t begin = 0;  // as in the file: without the base at which it is loaded
    std::uintptr_t size = 0;
    std::string name;
  };
  const std::vector<symbol>& symbols_of(const std::string& path);
  static std::vector<symbol> read_symbols(const std::string& path);

  std::map<std::string, std::vector<symbol>> files_;
};

}  // namespace assay::observe
