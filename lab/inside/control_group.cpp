#include "lab/inside/control_group.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "lab/inside/proc.hpp"
#include "lab/inside/words.hpp"

namespace assay::inside {
namespace {

constexpr std::uint64_t no_limit = std::uint64_t{1} << 62U;  // version 1 has a number for it, near 2^63
constexpr std::size_t most_levels = 32;

std::optional<std::uint64_t> number_in(const std::string& path) {
  auto text = read_text(path);
  if (!text) return std::nullopt;
  std::string_view line(*text);
  return whole_number(cut(line, '\n'));
}

// The folders of the group and of those above it, as far as they are there, the innermost first.
std::vector<std::string> folders_of(const group_place& place) {
  std::vector<std::string> folders;
  std::string path = place.path;
  for (std::size_t level = 0; level < most_levels; ++level) {
    while (path.ends_with('/')) path.pop_back();
    struct stat about{};
    if (const std::string folder = place.mount + path; ::stat(folder.c_str(), &about) == 0) folders.push_back(folder);
    if (path.empty()) break;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  return folders;
}

void keep_nearest(model::resource_limit& nearest, std::string_view of, std::optional<std::uint64_t> limit,
                  std::uint64_t used) {
  if (!limit || *limit == 0 || *limit >= no_limit) return;
  const model::resource_limit one{.of = std::string(of), .limit = *limit, .used = used};
  if (nearest.limit == 0 || one.room() < nearest.room()) nearest = one;
}

// Pages of files that were not used for long go when memory is short: they press against no limit.
std::optional<std::uint64_t> memory_in(const std::string& folder, bool version_1) {
  const auto used = number_in(folder + (version_1 ? "/memory.usage_in_bytes" : "/memory.current"));
  if (!used) return std::nullopt;
  std::uint64_t droppable = 0;
  const auto text = read_text(folder + "/memory.stat");
  std::string_view stat(text ? std::string_view(*text) : std::string_view());
  while (!stat.empty()) {
    auto line = cut(stat, '\n');
    if (cut(line, ' ') == (version_1 ? "total_inactive_file" : "inactive_file")) {
      droppable = whole_number(line).value_or(0);
    }
  }
  return *used - std::min(*used, droppable);
}

void look_at_memory(group_look& into, const group_place& place) {
  for (const std::string& folder : folders_of(place)) {
    const auto used = memory_in(folder, place.version_1);
    if (!used) continue;
    if (into.memory_bytes == 0) into.memory_bytes = *used;
    keep_nearest(into.memory, "the memory limit of its control group",
                 number_in(folder + (place.version_1 ? "/memory.limit_in_bytes" : "/memory.max")), *used);
  }
}

void look_at_tasks(group_look& into, const group_place& place) {
  for (const std::string& folder : folders_of(place)) {
    const auto used = number_in(folder + "/pids.current");
    if (!used) continue;
    keep_nearest(into.threads, "the limit of tasks of its control group", number_in(folder + "/pids.max"), *used);
  }
}

void look_at_pressure(group_look& into, const std::string& folder) {
  const auto total = [&](std::string_view what) -> std::uint64_t {
    const auto text = read_text(fmt::format("{}/{}.pressure", folder, what));
    return text ? parse_pressure(*text).value_or(0) : 0;
  };
  into.cpu_pressure_us = total("cpu");
  into.memory_pressure_us = total("memory");
  into.io_pressure_us = total("io");
}

}  // namespace

std::optional<std::uint64_t> parse_pressure(std::string_view text) {
  constexpr std::string_view total = " total=";
  const auto line = cut(text, '\n');
  const auto at = line.find(total);
  if (!line.starts_with("some ") || at == std::string_view::npos) return std::nullopt;
  return whole_number(line.substr(at + total.size()));
}

std::optional<group_place> group_place_of(std::string_view cgroup, std::string_view controller,
                                          const std::string& root) {
  std::optional<group_place> found;
  while (!cgroup.empty()) {
    auto line = cut(cgroup, '\n');
    cut(line, ':');  // a number
    auto controllers = cut(line, ':');
    if (controllers.empty() && !found) found = {.mount = root, .path = std::string(line)};
    const auto all = controllers;
    while (!controllers.empty()) {
      if (cut(controllers, ',') != controller) continue;
      return group_place{.mount = fmt::format("{}/{}", root, all), .path = std::string(line), .version_1 = true};
    }
  }
  return found;
}

group_look look_at_group(std::string_view cgroup, const std::string& root) {
  group_look seen;
  if (const auto place = group_place_of(cgroup, "memory", root)) look_at_memory(seen, *place);
  if (const auto place = group_place_of(cgroup, "pids", root)) look_at_tasks(seen, *place);
  // Beside the mounts of version 1 that of version 2 has a folder of its own.
  const auto second = group_place_of(cgroup, "", root);
  if (!second) return seen;
  for (const std::string& mount : {root, root + "/unified"}) {
    const auto folders = folders_of({.mount = mount, .path = second->path});
    struct stat about{};
    if (folders.empty() || ::stat((folders.front() + "/cpu.pressure").c_str(), &about) != 0) continue;
    look_at_pressure(seen, folders.front());
    break;
  }
  return seen;
}

}  // namespace assay::inside
