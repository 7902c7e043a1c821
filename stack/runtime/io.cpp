#include "stack/runtime/io.hpp"

#include <atomic>
#include <bit>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace assay {
namespace {

// Says once a process why the slower backend serves, and what would change that.
void tell_fallback(const error& refused) {
  static std::atomic<bool> told{false};
  if (told.exchange(true)) return;
  const char* hint = "";
  switch (refused.code) {
    case errc::permission:
      hint = " (a seccomp profile, or the sysctl kernel.io_uring_disabled)";
      break;
    case errc::unsupported:
      hint = " (the kernel was built without it, or a seccomp profile hides it)";
      break;
    case errc::invalid_argument:
      hint = " (the kernel is older than 6.1)";
      break;
    case errc::no_memory:
      hint = " (raise the locked-memory limit: ulimit -l)";
      break;
    default:
      break;
  }
  const std::string line = "assay: using epoll, io_uring was refused: " + describe(refused) + hint + "\n";
  std::fputs(line.c_str(), stderr);
}

result<io_kind> kind_from_environment() {
  const char* value = std::getenv("ASSAY_IO");
  if (value == nullptr) return io_kind::automatic;
  const std::string_view name(value);
  if (name == "epoll") return io_kind::epoll;
  if (name == "io_uring") return io_kind::io_uring;
  return std::unexpected(error{.code = errc::invalid_argument, .what = "ASSAY_IO is neither epoll nor io_uring"});
}

}  // namespace

result<std::unique_ptr<io>> make_io(io_options options) {
  assert(std::has_single_bit(options.buffer_count) && options.buffer_bytes > 0 && options.ring_entries > 0);
  const result<io_kind> kind = options.kind == io_kind::automatic ? kind_from_environment() : options.kind;
  if (!kind) return std::unexpected(kind.error());
  switch (*kind) {
    case io_kind::io_uring:
      return make_io_uring(options);
    case io_kind::epoll:
      return make_epoll(options);
    case io_kind::automatic:
      break;
  }
  result<std::unique_ptr<io>> ring = make_io_uring(options);
  if (ring) return ring;
  tell_fallback(ring.error());
  return make_epoll(options);
}

}  // namespace assay
