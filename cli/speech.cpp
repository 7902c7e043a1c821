#include "cli/speech.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "cli/values.hpp"

namespace assay::cli {

int complain(std::string_view command, exit_code code, std::string_view why) {
  fmt::print(stderr, "assay {}: {}\n", command, one_line(why));
  return code;
}

int print(std::string_view command, const std::string& text, std::FILE* into) {
  if (std::fwrite(text.data(), 1, text.size(), into) == text.size() && std::fflush(into) == 0) return ok;
  return complain(command, could_not_run, fmt::format("cannot write the result to stdout: {}", std::strerror(errno)));
}

}  // namespace assay::cli
