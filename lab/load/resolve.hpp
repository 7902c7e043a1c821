// Where a host name leads to, before a run.
//
// Misuse: calling it while something is measured; it blocks, and runs a thread of its own.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "stack/runtime/io.hpp"

namespace assay::load {

// The first address of a name, or the numeric address itself. The error is one line.
std::expected<socket_address, std::string> resolve_host(const std::string& host, std::uint16_t port);

}  // namespace assay::load
