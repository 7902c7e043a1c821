#include "stack/observe/symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace assay::observe {
namespace {

struct module {
  std::string path;
  std::uintptr_t base = 0;
};

struct search {
  std::uintptr_t address;
  std::optional<module> found;
};

int visit_module(dl_phdr_info* info, std::size_t, void* data) {
  auto& sought = *static_cast<search*>(data);
  for (const ElfW(Phdr) & part : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
    const std::uintptr_t begin = info->dlpi_addr + part.p_vaddr;
    if (part.p_type != PT_LOAD || sought.address < begin || sought.address >= begin + part.p_memsz) continue;
    const std::string_view name = info->dlpi_name != nullptr ? info->dlpi_name : "";
    sought.found = module{.path = name.empty() ? "/proc/self/exe" : std::string(name), .base = info->dlpi_addr};
    return 1;
  }
  return 0;
}

std::string hexadecimal(std::uintptr_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

std::string demangled(const std::string& name) {
  // A part of a coroutine has an ending that the demangler does not know.
  const std::size_t dot = name.find('.');
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name.substr(0, dot).c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0 || plain == nullptr) return name;
  return plain.get() + (dot == std::string::npos ? std::string() : " [clone " + name.substr(dot) + "]");
}

std::string base_name(const std::string& path) {
  if (path != "/proc/self/exe") return path.substr(path.rfind('/') + 1);
  std::ifstream named("/proc/self/comm");
  std::string name;
  std::getline(named, name);
  return name;
}

// Empty when it cannot be read. Not mapped: a file that is replaced meanwhile would end the process.
std::vector<char> read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = in ? std::streamoff(in.tellg()) : 0;
  std::vector<char> bytes(size > 0 ? static_cast<std::size_t>(size) : 0);
  in.seekg(0);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) bytes.clear();
  return bytes;
}

// A value of the file at an offset, when it lies within.
template <class T>
std::optional<T> value_at(std::span<const char> file, std::uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

std::string_view text_at(std::span<const char> file, std::uint64_t offset) {
  if (offset >= file.size()) return {};
  const std::string_view rest(file.data() + offset, file.size() - offset);
  return rest.substr(0, std::min(rest.find('\0'), rest.size()));
}

}  // namespace

std::string symbolizer::describe(std::uintptr_t address) {
  search sought{.address = address, .found = {}};
  ::dl_iterate_phdr(&visit_module, &sought);
  if (!sought.found) return hexadecimal(address);
  const std::uintptr_t in_file = address - sought.found->base;
  const std::vector<symbol>& symbols = symbols_of(sought.found->path);
  auto after = std::ranges::upper_bound(symbols, in_file, {}, &symbol::begin);
  const std::string file = base_name(sought.found->path);
  if (after == symbols.begin()) return file + "+" + hexadecimal(in_file);
  const symbol& here = *std::prev(after);
  if (here.size != 0 && in_file - here.begin >= here.size) return file + "+" + hexadecimal(in_file);
  return demangled(here.name) + "+" + hexadecimal(in_file - here.begin) + " (" + file + ")";
}

const std::vector<symbolizer::symbol>& symbolizer::symbols_of(const std::string& path) {
  const auto known = files_.find(path);
  return known != files_.end() ? known->second : files_.emplace(path, read_symbols(path)).first->second;
}

// Every function of .symtab and .dynsym, by address. Whatever is not as ELF has it ends the list.
std::vector<symbolizer::symbol> symbolizer::read_symbols(const std::string& path) {
  const std::vector<char> bytes = read_whole(path);
  const std::span<const char> file(bytes);
  std::vector<symbol> symbols;
  const auto header = value_at<ElfW(Ehdr)>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return symbols;
  const auto section = [&](std::size_t index) {
    return value_at<ElfW(Shdr)>(file, header->e_shoff + index * sizeof(ElfW(Shdr)));
  };
  for (std::size_t i = 0; i < header->e_shnum; ++i) {
    const auto table = section(i);
    if (!table || (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM)) continue;
    const auto names = section(table->sh_link);
    for (std::uint64_t at = 0; names && at < table->sh_size; at += sizeof(ElfW(Sym))) {
      const auto entry = value_at<ElfW(Sym)>(file, table->sh_offset + at);
      if (!entry) break;
      if (ELF64_ST_TYPE(entry->st_info) != STT_FUNC || entry->st_shndx == SHN_UNDEF) continue;
      symbols.push_back({.begin = entry->st_value,
                         .size = entry->st_size,
                         .name = std::string(text_at(file, names->sh_offset + entry->st_name))});
    }
  }
  std::ranges::sort(symbols, {}, &symbol::begin);
  return symbols;
}

}  // namespace assay::observe
