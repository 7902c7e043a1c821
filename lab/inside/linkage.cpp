#include "lab/inside/linkage.hpp"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>

namespace assay::inside {
namespace {

constexpr unsigned most_segments = 256;
constexpr std::uint64_t most_interpreter = 4096;  // bytes of its path

bool read_part(int fd, void* into, std::size_t size, std::uint64_t offset) {
  return offset <= static_cast<std::uint64_t>(LLONG_MAX) &&
         ::pread(fd, into, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

std::string interpreter_at(int fd, const Elf64_Phdr& segment) {
  std::string path(std::min<std::uint64_t>(segment.p_filesz, most_interpreter), '\0');
  if (!read_part(fd, path.data(), path.size(), segment.p_offset)) return {};
  path.resize(::strnlen(path.data(), path.size()));
  return path;
}

// What the kernel looks at: the segment that names the dynamic linker.
std::string obstacle_in(int fd) {
  Elf64_Ehdr head{};
  if (!read_part(fd, &head, sizeof head, 0)) return {};
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
      head.e_phentsize != sizeof(Elf64_Phdr)) {
    return "a program that is no 64-bit ELF file";
  }
  const unsigned segments = std::min<unsigned>(head.e_phnum, most_segments);
  for (unsigned i = 0; i < segments; ++i) {
    Elf64_Phdr segment{};
    if (!read_part(fd, &segment, sizeof segment, head.e_phoff + std::uint64_t{i} * sizeof segment)) return {};
    if (segment.p_type != PT_INTERP) continue;
    return interpreter_at(fd, segment).find("ld-musl") != std::string::npos ? "a program of musl's" : "";
  }
  return "a static program";
}

}  // namespace

std::string preload_obstacle(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {};
  struct stat about{};
  const bool lends_rights = ::fstat(fd, &about) == 0 && (about.st_mode & (S_ISUID | S_ISGID)) != 0;
  auto found = lends_rights ? std::string("a set-uid program") : obstacle_in(fd);
  ::close(fd);
  return found;
}

std::string preload_obstacle(std::uint32_t pid) { return preload_obstacle(fmt::format("/proc/{}/exe", pid)); }

}  // namespace assay::inside
