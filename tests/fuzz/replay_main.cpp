// Runs a fuzz target over kept inputs without a fuzzer: each argument is a file or a directory of files. The
// corpus so is a regression test of every build, with every compiler.
//
// Misuse: a path that no longer exists. Zero inputs would pass silently, so zero inputs fail.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// False when the file cannot be read.
bool run_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return true;
}

std::size_t run_all(const std::filesystem::path& path, bool& all_read) {
  if (!std::filesystem::is_directory(path)) {
    all_read = run_file(path) && all_read;
    return 1;
  }
  std::size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    all_read = run_file(entry.path()) && all_read;
    ++inputs;
  }
  return inputs;
}

}  // namespace

int main(int argc, char** argv) try {
  bool all_read = true;
  std::size_t inputs = 0;
  for (int index = 1; index < argc; ++index) inputs += run_all(argv[index], all_read);
  std::cout << inputs << " inputs ran\n";
  return inputs != 0 && all_read ? 0 : 1;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
