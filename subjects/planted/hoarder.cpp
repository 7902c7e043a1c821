// Every request leaves something behind for ever. The twin keeps as much of each, in a cache that fills and stops.
//
//   PORT=8080 planted_hoarder PORT PEER_PORT fault|clean
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "stack/http/server.hpp"

using namespace assay;

namespace {

constexpr std::size_t kept_bytes = 20'000;
constexpr std::size_t cache_entries = 300;

std::unordered_map<std::size_t, std::string> kept;
std::size_t served = 0;

task<http::response> keeps_all(http::request&) {
  kept.try_emplace(served++, kept_bytes, 'k');
  co_return http::response::text("ok\n");
}

task<http::response> keeps_some(http::request&) {
  kept.try_emplace(served++ % cache_entries, kept_bytes, 'k');
  co_return http::response::text("ok\n");
}

}  // namespace

int main(int argc, char** argv) {
  const bool fault = argc > 3 && std::string_view(argv[3]) == "fault";
  return fault ? http::serve(keeps_all, {}) : http::serve(keeps_some, {});
}
