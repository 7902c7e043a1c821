#include "lab/inside/runtime_guess.hpp"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>

namespace assay::inside {
namespace {

constexpr std::size_t most_names = 64 * 1024;  // bytes of a program's section names

template <typename Value>
bool read_value(int fd, Value& into, std::uint64_t offset) {
  return offset <= static_cast<std::uint64_t>(LLONG_MAX) &&
         ::pread(fd, &into, sizeof into, static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof into);
}

// The linker of Go leaves this section in every program, stripped ones included.
bool has_go_section(int fd) {
  Elf64_Ehdr head{};
  Elf64_Shdr names{};
  if (!read_value(fd, head, 0) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_shentsize != sizeof names) return false;
  if (!read_value(fd, names, head.e_shoff + std::uint64_t{head.e_shstrndx} * sizeof names)) return false;
  if (names.sh_offset > static_cast<std::uint64_t>(LLONG_MAX)) return false;
  std::string text(std::min<std::uint64_t>(names.sh_size, most_names), '\0');
  const auto got = ::pread(fd, text.data(), text.size(), static_cast<off_t>(names.sh_offset));
  if (got < 0) return false;
  text.resize(static_cast<std::size_t>(got));
  return text.find(".go.buildinfo") != std::string::npos;
}

}  // namespace

std::string runtime_of_program(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto is = [name](std::string_view program) {  // "python", "python3", "python3.11"; not "pythonic"
    return name.starts_with(program) && name.find_first_not_of("0123456789.", program.size()) == std::string_view::npos;
  };
  if (is("python") || is("pypy")) return "python";
  if (is("node") || is("nodejs")) return "node";
  if (is("java")) return "jvm";
  return {};
}

std::string guess_runtime(std::uint32_t pid) {
  const std::string link = fmt::format("/proc/{}/exe", pid);
  std::array<char, PATH_MAX> target{};
  const auto length = ::readlink(link.c_str(), target.data(), target.size());
  if (length <= 0) return {};
  auto known = runtime_of_program({target.data(), static_cast<std::size_t>(length)});
  if (!known.empty()) return known;
  const int fd = ::open(link.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const bool go = has_go_section(fd);
  ::close(fd);
  return go ? "go" : "";
}

}  // namespace assay::inside
