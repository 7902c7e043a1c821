#include "stack/testing/virtual_world.hpp"

namespace assay::testing {

virtual_world::virtual_world(std::unique_ptr<sim_io> network)
    : frames_before_(assay::detail::live_frames()), network_(*network), on_(std::move(network)), began_(on_.now()) {}

std::string virtual_world::leftovers() {
  std::string told;
  const auto count = [&told](std::size_t left, const char* what) {
    if (left == 0) return;
    if (!told.empty()) told += ", ";
    told += std::to_string(left) + " " + what + (left == 1 ? "" : "s");
  };
  count(network_.open_sockets(), "socket");
  count(network_.lent_buffers(), "lent buffer");
  count(assay::detail::live_frames() - frames_before_, "coroutine");
  count(on_.timers().size(), "timer");
  return told;
}

}  // namespace assay::testing
