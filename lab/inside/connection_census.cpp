#include "lab/inside/connection_census.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace assay::inside {
namespace {

// The kernel's numbers of states (net/tcp_states.h).
constexpr unsigned established = 1;
constexpr unsigned listening = 10;
constexpr timeval patience{.tv_sec = 1, .tv_usec = 0};

struct tcp_socket {
  bool listens = false;
  std::uint16_t port = 0;
  std::string peer;
  // Milliseconds ago, in ticks of the kernel's.
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  // Segments with data.
  std::uint32_t segments_sent = 0;
  std::uint32_t segments_received = 0;

  // Something was sent after anything came. Within one tick the segments tell: one more question than answers.
  bool waits() const { return sent != received ? sent < received : segments_sent > segments_received; }
  // Something came after anything was sent; the other way round.
  bool is_asked() const { return sent != received ? received < sent : segments_received > segments_sent; }
};

std::string address_text(const inet_diag_msg& of) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_ntop(of.idiag_family, of.id.idiag_dst, text.data(), text.size()) == nullptr) return {};
  const auto port = ntohs(of.id.idiag_dport);
  return of.idiag_family == AF_INET6 ? fmt::format("[{}]:{}", text.data(), port)
                                     : fmt::format("{}:{}", text.data(), port);
}

// The message's attributes lie behind it; `size` is of both.
tcp_socket read_socket(const std::byte* message, std::size_t size) {
  inet_diag_msg of{};
  std::memcpy(&of, message, sizeof of);
  tcp_socket made{.listens = of.idiag_state == listening, .port = ntohs(of.id.idiag_sport), .peer = address_text(of)};
  for (std::size_t at = NLMSG_ALIGN(sizeof of); at + sizeof(rtattr) <= size;) {
    rtattr attribute{};
    std::memcpy(&attribute, message + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > size) break;
    const std::size_t length = attribute.rta_len - sizeof attribute;
    if (attribute.rta_type == INET_DIAG_INFO &&
        length >= offsetof(tcp_info, tcpi_data_segs_out) + sizeof(std::uint32_t)) {
      tcp_info info{};
      std::memcpy(&info, message + at + sizeof attribute, std::min(length, sizeof info));
      made.sent = info.tcpi_last_data_sent;
      made.received = info.tcpi_last_data_recv;
      made.segments_sent = info.tcpi_data_segs_out;
      made.segments_received = info.tcpi_data_segs_in;
    }
    at += RTA_ALIGN(attribute.rta_len);
  }
  return made;
}

bool ask(int netlink, std::uint8_t family) {
  struct {
    nlmsghdr head;
    inet_diag_req_v2 body;
  } question{};
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.body.sdiag_family = family;
  question.body.sdiag_protocol = IPPROTO_TCP;
  question.body.idiag_ext = 1U << (INET_DIAG_INFO - 1);
  question.body.idiag_states = (1U << established) | (1U << listening);
  return ::send(netlink, &question, sizeof question, 0) == static_cast<ssize_t>(sizeof question);
}

enum class step : std::uint8_t { more, done, failed };

// One datagram of the answer: several messages.
step take(const std::byte* data, std::size_t size, const std::set<std::uint64_t>& inodes, std::vector<tcp_socket>& into,
          std::size_t& looked_at) {
  for (std::size_t at = 0; at + sizeof(nlmsghdr) <= size;) {
    nlmsghdr head{};
    std::memcpy(&head, data + at, sizeof head);
    if (head.nlmsg_len < sizeof head || at + head.nlmsg_len > size || head.nlmsg_type == NLMSG_ERROR)
      return step::failed;
    if (head.nlmsg_type == NLMSG_DONE) return step::done;
    const std::size_t body = head.nlmsg_len - NLMSG_HDRLEN;
    if (body >= sizeof(inet_diag_msg) && ++looked_at <= connection_census::most_sockets) {
      const auto* message = data + at + NLMSG_HDRLEN;
      std::uint32_t inode = 0;
      std::memcpy(&inode, message + offsetof(inet_diag_msg, idiag_inode), sizeof inode);
      if (inodes.contains(inode)) into.push_back(read_socket(message, body));
    }
    at += NLMSG_ALIGN(head.nlmsg_len);
  }
  return step::more;
}

bool dump(int netlink, std::uint8_t family, const std::set<std::uint64_t>& inodes, std::vector<tcp_socket>& into) {
  if (!ask(netlink, family)) return false;
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  std::size_t looked_at = 0;
  while (true) {
    const ssize_t got = ::recv(netlink, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    const step next = take(buffer.data(), static_cast<std::size_t>(got), inodes, into, looked_at);
    if (next != step::more) return next == step::done;
  }
}

model::connection_look summary(const std::vector<tcp_socket>& sockets, double at_s) {
  std::set<std::uint16_t> own_ports;
  for (const auto& each : sockets) {
    if (each.listens) own_ports.insert(each.port);
  }
  model::connection_look made{.at_s = at_s};
  std::map<std::string, model::peer_connections> peers;
  for (const auto& each : sockets) {
    if (each.listens) continue;
    if (own_ports.contains(each.port)) {
      made.in_flight += each.is_asked();
      continue;
    }
    if (peers.size() >= connection_census::most_peers && !peers.contains(each.peer)) continue;
    auto& of = peers[each.peer];
    ++of.open;
    of.waiting += each.waits();
  }
  for (auto& [peer, of] : peers) {
    of.peer = peer;
    made.outgoing.push_back(std::move(of));
  }
  return made;
}

}  // namespace

connection_census::~connection_census() {
  if (netlink_ >= 0) ::close(netlink_);
}

std::optional<model::connection_look> connection_census::look(const std::set<std::uint64_t>& inodes, double at_s) {
  if (netlink_ < 0) {
    netlink_ = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink_ < 0) return std::nullopt;
    ::setsockopt(netlink_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  std::vector<tcp_socket> sockets;
  for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    if (dump(netlink_, family, inodes, sockets)) continue;
    ::close(netlink_);  // the rest of an answer must not be taken for the next
    netlink_ = -1;
    return std::nullopt;
  }
  return summary(sockets, at_s);
}

}  // namespace assay::inside
