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

// The kernel's states by their numbers (net/tcp_states.h).
constexpr std::array<const char*, 13> state_names{"",          "ESTABLISHED", "SYN_SENT",    "SYN_RECV",   "FIN_WAIT1",
                                                  "FIN_WAIT2", "TIME_WAIT",   "CLOSE",       "CLOSE_WAIT", "LAST_ACK",
                                                  "LISTEN",    "CLOSING",     "NEW_SYN_RECV"};
constexpr unsigned established = 1;
constexpr unsigned syn_received = 3;
constexpr unsigned time_wait = 6;
constexpr unsigned close_wait = 8;
constexpr unsigned listening = 10;
constexpr timeval patience{.tv_sec = 1, .tv_usec = 0};
// Of what no process has open any more, or none has yet: there may be tens of thousands.
constexpr double ownerless_every_s = 1;

// Address and port of the other side, as the kernel has them.
using endpoint = std::pair<std::array<std::uint32_t, 4>, std::uint16_t>;

struct tcp_socket {
  unsigned state = 0;
  std::uint16_t port = 0;
  endpoint other = {};
  std::string peer;
  // Bytes; of a listening socket connections that wait to be accepted, and how many may.
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;
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

// A socket that no process owns.
struct ownerless {
  unsigned state = 0;
  std::uint16_t port = 0;
  endpoint other = {};
};

struct dumped {
  std::vector<tcp_socket> sockets;
  std::vector<ownerless> others;
  std::size_t looked_at = 0;
};

endpoint other_side(const inet_diag_msg& of) {
  endpoint made{{}, ntohs(of.id.idiag_dport)};
  std::copy_n(std::begin(of.id.idiag_dst), made.first.size(), made.first.begin());
  return made;
}

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
  tcp_socket made{.state = of.idiag_state,
                  .port = ntohs(of.id.idiag_sport),
                  .other = other_side(of),
                  .peer = address_text(of),
                  .receive_queue = of.idiag_rqueue,
                  .send_queue = of.idiag_wqueue};
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

bool ask(int netlink, std::uint8_t family, bool with_ownerless) {
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
  constexpr std::uint32_t all = (1U << (state_names.size() - 1)) - 2;
  question.body.idiag_states = with_ownerless ? all : all & ~((1U << time_wait) | (1U << syn_received));
  return ::send(netlink, &question, sizeof question, 0) == static_cast<ssize_t>(sizeof question);
}

enum class step : std::uint8_t { more, done, failed };

// One datagram of the answer: several messages.
step take(const std::byte* data, std::size_t size, const std::set<std::uint64_t>& inodes, dumped& into) {
  for (std::size_t at = 0; at + sizeof(nlmsghdr) <= size;) {
    nlmsghdr head{};
    std::memcpy(&head, data + at, sizeof head);
    if (head.nlmsg_len < sizeof head || at + head.nlmsg_len > size || head.nlmsg_type == NLMSG_ERROR)
      return step::failed;
    if (head.nlmsg_type == NLMSG_DONE) return step::done;
    const std::size_t body = head.nlmsg_len - NLMSG_HDRLEN;
    if (body >= sizeof(inet_diag_msg) && ++into.looked_at <= connection_census::most_sockets) {
      const auto* message = data + at + NLMSG_HDRLEN;
      inet_diag_msg of{};
      std::memcpy(&of, message, sizeof of);
      if (of.idiag_inode == 0) {
        into.others.push_back({of.idiag_state, ntohs(of.id.idiag_sport), other_side(of)});
      } else if (inodes.contains(of.idiag_inode)) {
        into.sockets.push_back(read_socket(message, body));
      }
    }
    at += NLMSG_ALIGN(head.nlmsg_len);
  }
  return step::more;
}

bool dump(int netlink, std::uint8_t family, bool with_ownerless, const std::set<std::uint64_t>& inodes, dumped& into) {
  if (!ask(netlink, family, with_ownerless)) return false;
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  into.looked_at = 0;
  while (true) {
    const ssize_t got = ::recv(netlink, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    const step next = take(buffer.data(), static_cast<std::size_t>(got), inodes, into);
    if (next != step::more) return next == step::done;
  }
}

const char* name_of(unsigned state) { return state < state_names.size() ? state_names[state] : ""; }

// One that waits to be accepted is known by the socket that it waits on.
void add_listener(model::connection_look& to, const tcp_socket& listener) {
  const std::uint32_t limit = std::max(listener.send_queue, 1U);
  const bool fuller = static_cast<std::uint64_t>(listener.receive_queue) * std::max(to.accept_limit, 1U) >=
                      static_cast<std::uint64_t>(to.accept_queue) * limit;
  if (to.accept_limit != 0 && !fuller) return;
  to.accept_queue = listener.receive_queue;
  to.accept_limit = limit;
}

void add_outgoing(std::map<std::string, model::peer_connections>& peers, const tcp_socket& each) {
  if (peers.size() >= connection_census::most_peers && !peers.contains(each.peer)) return;
  auto& of = peers[each.peer];
  of.open += each.state == established;
  of.waiting += each.state == established && each.waits();
  of.close_wait += each.state == close_wait;
}

model::connection_look summary(const dumped& from, double at_s, std::map<std::string, unsigned>& of_nobody,
                               bool with_ownerless) {
  std::set<std::uint16_t> own_ports;
  for (const auto& each : from.sockets) {
    if (each.state == listening) own_ports.insert(each.port);
  }
  model::connection_look made{.at_s = at_s};
  std::map<std::string, model::peer_connections> peers;
  std::set<endpoint> other_sides;
  for (const auto& each : from.sockets) {
    ++made.states[name_of(each.state)];
    if (each.state == listening) {
      add_listener(made, each);
      continue;
    }
    made.unread_bytes += each.receive_queue;
    made.unacked_bytes += each.send_queue;
    if (own_ports.contains(each.port)) {
      made.in_flight += each.state == established && each.is_asked();
      continue;
    }
    other_sides.insert(each.other);
    add_outgoing(peers, each);
  }
  for (auto& [peer, of] : peers) {
    of.peer = peer;
    made.outgoing.push_back(std::move(of));
  }
  if (with_ownerless) {
    of_nobody.clear();
    for (const auto& each : from.others) {
      if (own_ports.contains(each.port) || other_sides.contains(each.other)) ++of_nobody[name_of(each.state)];
    }
  }
  for (const auto& [state, count] : of_nobody) made.states[state] += count;
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
  const bool with_ownerless = !ownerless_at_s_ || at_s - *ownerless_at_s_ >= ownerless_every_s;
  if (with_ownerless) ownerless_at_s_ = at_s;
  dumped found;
  for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    if (dump(netlink_, family, with_ownerless, inodes, found)) continue;
    ::close(netlink_);  // the rest of an answer must not be taken for the next
    netlink_ = -1;
    return std::nullopt;
  }
  return summary(found, at_s, of_nobody_, with_ownerless);
}

}  // namespace assay::inside
