#include "lab/inside/refusal.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>

#include "lab/inside/proc.hpp"

namespace assay::inside {
namespace {

// Of ptrace_scope; below that, and above 0, ancestors may as well.
constexpr int root_alone_may = 2;
constexpr int nobody_may = 3;
constexpr std::string_view superuser = "root";

std::string user_name(uid_t user) {
  std::array<char, 4096> text{};
  passwd entry{};
  passwd* found = nullptr;
  const bool known = ::getpwuid_r(user, &entry, text.data(), text.size(), &found) == 0 && found != nullptr;
  return known ? entry.pw_name : std::to_string(user);
}

int ptrace_scope() {
  int scope = 0;
  if (const auto text = read_text("/proc/sys/kernel/yama/ptrace_scope")) {
    std::from_chars(text->data(), text->data() + text->size(), scope);
  }
  return scope;
}

struct reason {
  std::string why;
  std::string cure;  // beside a start under the watch
};

reason reason_of(const refusal& of) {
  const std::string scope = fmt::format("kernel.yama.ptrace_scope is {}", of.ptrace_scope);
  if (of.ptrace_scope >= nobody_may) return {scope + ", by which nobody may look", "set it lower and start again"};
  if (of.self == superuser) return {"root is without CAP_SYS_PTRACE here, as in a container", "watch with it"};
  if (of.owner != of.self) {
    const bool needs_root = of.owner == superuser || of.ptrace_scope > 0;
    return {fmt::format("it runs as {}, the watch as {}", of.owner, of.self),
            needs_root ? "watch as root" : fmt::format("watch as {} or root", of.owner)};
  }
  if (of.of_root) return {"it has changed its user or rights, and its files in /proc are root's", "watch as root"};
  if (of.ptrace_scope > 0) {
    const auto* who = of.ptrace_scope == root_alone_may ? "root alone" : "its ancestors and root alone";
    return {fmt::format("{}, by which {} may look", scope, who), "watch as root"};
  }
  return {"a rule of the container or of a security module forbids it", "watch as root from outside of it"};
}

}  // namespace

std::string describe(const refusal& of) {
  const auto [why, cure] = reason_of(of);
  return fmt::format("{}: {}; {}{}", std::strerror(of.error), why,
                     of.attached ? "start it under `assay watch -- CMD`, or " : "", cure);
}

refusal refusal_of(std::uint32_t pid, int error, bool attached) {
  const uid_t self = ::geteuid();
  const auto status = read_text(fmt::format("/proc/{}/status", pid));
  const uid_t owner = status ? static_cast<uid_t>(status_value(*status, "Uid")) : self;
  struct stat folder{};
  const bool is_there = ::stat(fmt::format("/proc/{}/fd", pid).c_str(), &folder) == 0;
  return {.error = error,
          .owner = user_name(owner),
          .self = user_name(self),
          .of_root = owner == self && is_there && folder.st_uid == 0 && self != 0,
          .ptrace_scope = ptrace_scope(),
          .attached = attached};
}

std::optional<std::string> refusals::tell(std::uint32_t pid, int error) {
  if (!is_refusal(error) || told_.size() >= most_told || !told_.insert(pid).second) return std::nullopt;
  return describe(refusal_of(pid, error, attached_));
}

}  // namespace assay::inside
