// Files of a folder that do not change while the process runs: each is read once, by a thread of a pool since a disk
// may keep a loop waiting, and is kept.
//
//   http::static_files images({.folder = "images"}, workers);       // of one loop
//   co_return co_await images.get("7.png", "image/png");
//
// Misuse: files that change, or more of them than max_kept_bytes: those beyond are read each time.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "stack/http/handler.hpp"
#include "stack/runtime/offload.hpp"

namespace assay::http {

struct static_file_options {
  std::string folder;
  std::size_t max_file_bytes = 1024 * 1024;  // a larger one is not served
  std::size_t max_kept_bytes = 64 * 1024 * 1024;
};

class static_files {
 public:
  // `readers` must outlive it.
  static_files(static_file_options options, offload_pool& readers) : options_(std::move(options)), readers_(readers) {}

  // 404 when there is no such file, or none that can be read; 503 when too much is being read. A name that leads out of
  // the folder, or into a folder of it, names no file.
  task<response> get(std::string name, media_type type);

 private:
  using content = std::shared_ptr<const std::string>;

  static_file_options options_;
  offload_pool& readers_;
  std::unordered_map<std::string, content> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace assay::http
