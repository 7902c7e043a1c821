// What the counter of allocations must get right, looked at from within: a process reads its own counts.
#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "probe/allocations_format.h"
#include "tests/probe/probe_children.hpp"

namespace assay::inside {
namespace {

struct counts {
  std::uint64_t allocations = 0;
  std::uint64_t frees = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t freed_bytes = 0;
};

// -1: there is none.
int open_own_file() {
  const char* const directory = std::getenv("ASSAY_PROBE_DIR");
  const std::string path =
      (directory == nullptr ? "" : directory) + std::string("/") + std::to_string(::getpid()) + ".alloc";
  return ::open(path.c_str(), O_RDWR | O_CLOEXEC);
}

counts own_counts(int file) {
  counts sum;
  assay_allocations_file copy{};
  if (::pread(file, &copy, sizeof copy, 0) != static_cast<ssize_t>(sizeof copy)) return sum;
  for (const auto& place : copy.places) {
    sum.allocations += place.allocations;
    sum.frees += place.frees;
    sum.allocated_bytes += place.allocated_bytes;
    sum.freed_bytes += place.freed_bytes;
  }
  return sum;
}

// A malloc and its free that no compiler leaves out. Its own variable: several threads do it at once, and one that
// they shared would free what another has made, twice.
void pair_of(std::size_t bytes) {
  void* volatile made = std::malloc(bytes);
  std::free(made);
}

bool counts_each_kind(int file) {
  const counts before = own_counts(file);
  std::array<void*, 1000> held{};
  for (void*& each : held) each = std::malloc(100);
  const counts made = own_counts(file);
  if (made.allocations != before.allocations + held.size() || made.frees != before.frees) return false;
  if (made.allocated_bytes < before.allocated_bytes + 100 * held.size()) return false;
  for (void* each : held) std::free(each);
  const counts freed = own_counts(file);
  // As many bytes went as had come.
  return freed.frees == before.frees + held.size() && freed.allocated_bytes == made.allocated_bytes &&
         freed.freed_bytes - before.freed_bytes == made.allocated_bytes - before.allocated_bytes;
}

bool all_names_work(int file) {
  const counts before = own_counts(file);
  auto* zeroed = static_cast<unsigned char*>(std::calloc(100, 7));
  bool right = zeroed != nullptr;
  for (int i = 0; right && i < 700; ++i) right = zeroed[i] == 0;
  auto* text = static_cast<char*>(std::realloc(nullptr, 10));
  std::memcpy(text, "remember", 9);
  char* const grown = static_cast<char*>(std::realloc(text, 100'000));
  right &= std::strcmp(grown, "remember") == 0;
  void* aligned = nullptr;
  right &= ::posix_memalign(&aligned, 4096, 10) == 0 && reinterpret_cast<std::uintptr_t>(aligned) % 4096 == 0;
  void* also = std::aligned_alloc(64, 128);
  void* old = ::memalign(256, 10);
  right &= reinterpret_cast<std::uintptr_t>(also) % 64 == 0 && reinterpret_cast<std::uintptr_t>(old) % 256 == 0;
  void* volatile refused = std::malloc(SIZE_MAX / 2 - 1);  // and not counted
  right &= refused == nullptr && errno == ENOMEM;
  for (void* each : {static_cast<void*>(zeroed), static_cast<void*>(grown), aligned, also, old}) std::free(each);
  const counts after = own_counts(file);
  return right && after.allocations == before.allocations + 6 && after.frees == before.frees + 6 &&
         after.allocated_bytes - before.allocated_bytes == after.freed_bytes - before.freed_bytes;
}

bool is_paused(int file) {
  constexpr auto at = static_cast<off_t>(offsetof(assay_allocations_file, paused));
  std::uint64_t paused = 1;
  if (::pwrite(file, &paused, sizeof paused, at) != static_cast<ssize_t>(sizeof paused)) return false;
  const counts before = own_counts(file);
  for (int i = 0; i < 100; ++i) pair_of(50);
  const bool none = own_counts(file).allocations == before.allocations;
  paused = 0;
  return ::pwrite(file, &paused, sizeof paused, at) == static_cast<ssize_t>(sizeof paused) && none;
}

bool threads_are_counted(int file) {
  constexpr unsigned number = 70;  // more than there are places
  constexpr unsigned each_makes = 1000;
  const counts before = own_counts(file);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < number; ++i) {
    threads.emplace_back([] {
      for (unsigned n = 0; n < each_makes; ++n) pair_of(n);
    });
  }
  for (auto& each : threads) each.join();
  const counts after = own_counts(file);
  return after.allocations >= before.allocations + number * each_makes &&
         after.frees >= before.frees + number * each_makes;
}

bool a_child_has_its_own(int file) {
  const counts before = own_counts(file);
  const pid_t child = ::fork();
  if (child == 0) {
    const int own = open_own_file();
    if (own < 0) ::_exit(1);
    const counts begin = own_counts(own);
    for (int i = 0; i < 100; ++i) pair_of(10);
    const counts end = own_counts(own);
    ::_exit(end.allocations == begin.allocations + 100 && end.frees == begin.frees + 100 ? 0 : 2);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
         own_counts(file).allocations == before.allocations;
}

}  // namespace

int allocates() {
  const int file = open_own_file();
  if (file < 0) return 10;
  if (!counts_each_kind(file)) return 11;
  if (!all_names_work(file)) return 12;
  if (!is_paused(file)) return 13;
  if (!threads_are_counted(file)) return 14;
  return a_child_has_its_own(file) ? 0 : 15;
}

}  // namespace assay::inside
