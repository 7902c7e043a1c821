#include "stack/http/static_files.hpp"

#include <fstream>
#include <utility>

namespace assay::http {
namespace {

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && !name.contains('/') && !name.contains('\0');
}

std::shared_ptr<const std::string> read_file(const std::string& path, std::size_t max_bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  if (size < 0 || std::cmp_greater(size, max_bytes)) return nullptr;
  auto bytes = std::make_shared<std::string>(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  file.read(bytes->data(), size);
  return file ? bytes : nullptr;
}

}  // namespace

task<response> static_files::get(std::string name, media_type type) {
  if (!is_plain_name(name)) co_return response::refused(404, "not_found");
  content file;
  if (const auto known = kept_.find(name); known != kept_.end()) {
    file = known->second;
  } else {
    result<content> read = co_await readers_.run(
        [path = options_.folder + "/" + name, most = options_.max_file_bytes] { return read_file(path, most); });
    if (!read) co_return response::from(read.error());
    file = std::move(*read);
    if (file == nullptr) co_return response::refused(404, "not_found");
    const bool fits = kept_bytes_ + file->size() <= options_.max_kept_bytes;
    if (fits && kept_.emplace(std::move(name), file).second) kept_bytes_ += file->size();
  }
  response reply;
  reply.content_type = type;
  reply.body = *file;
  co_return reply;
}

}  // namespace assay::http
