// What passes between a process and the keepers of its children: packets on a socket, each a kind and its fields.
//
// Both ends are the same program, so there is no version; yet a keeper runs what it is told as its user, so what it
// reads is checked to the last byte.
//
// Misuse: adding a field to an encoder and not to its decoder: every packet is refused then.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lab/subject/process.hpp"

namespace assay::subject {

// Where the keeper finds its socket, and the argument that makes a program one.
inline constexpr int keeper_fd = 3;
inline constexpr std::string_view keeper_argument = "assay-keeper";
// The socket's buffer takes a packet of this size at once.
inline constexpr std::size_t max_packet_bytes = 128 * 1024;
inline constexpr std::size_t max_strings = 4096;  // in one list

// Set by run_keeper_if_asked(). Without it a program that spawns would run itself as the keeper, without end.
extern bool keeper_is_hooked;

struct spawn_reply {
  pid_t pid = 0;
  std::string error = {};  // empty: it runs
};

struct stop_order {
  std::chrono::milliseconds grace{};
};

std::string encode(const spawn_request& request);
std::string encode(const spawn_reply& reply);
std::string encode(const stop_order& order);
std::string encode(const exit_report& report);

// Nothing when the packet is not exactly one of this kind.
std::optional<spawn_request> decode_spawn_request(std::string_view packet);
std::optional<spawn_reply> decode_spawn_reply(std::string_view packet);
std::optional<stop_order> decode_stop_order(std::string_view packet);
std::optional<exit_report> decode_exit_report(std::string_view packet);

}  // namespace assay::subject
