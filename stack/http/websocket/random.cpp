#include "stack/http/websocket/random.hpp"

#include <sys/random.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace assay::websocket {
namespace {

constexpr std::size_t store_bytes = 256;  // the kernel gives as much at once, never less (getrandom(2))

struct random_store {
  std::array<char, store_bytes> bytes;
  std::size_t used = store_bytes;
};

thread_local random_store store;

}  // namespace

void fill_random(std::span<char> bytes) {
  assert(bytes.size() <= store_bytes);
  ssize_t got = 0;
  do {
    got = ::getrandom(bytes.data(), bytes.size(), 0);
  } while (got < 0 && errno == EINTR);  // only while the system starts and has no entropy yet
  if (got != static_cast<ssize_t>(bytes.size())) throw std::system_error(errno, std::generic_category(), "getrandom");
}

mask_key random_mask() {
  mask_key key;
  if (store.used + key.size() > store.bytes.size()) {
    fill_random(store.bytes);
    store.used = 0;
  }
  std::memcpy(key.data(), store.bytes.data() + store.used, key.size());
  store.used += key.size();
  return key;
}

}  // namespace assay::websocket
