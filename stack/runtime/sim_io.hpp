// Simulated I/O with virtual time: the whole stack in one thread, deterministic from a seed, without a sleep.
//
// Time stands still while anything can run and jumps to the next event when nothing can. Sockets are pairs of byte
// pipes with latency; faults (short reads and writes, exhausted buffers, descriptor limits, resets, held peers) are
// drawn from the seed or scripted. A program that waits for something that can never happen aborts with a message
// instead of hanging.
//
//   auto world = std::make_unique<sim_io>(sim_options{.seed = 7, .latency = 50us});
//   sim_io& network = *world;
//   loop on(std::move(world));
//
// Misuse: mixing with real time in the same loop, or with real descriptors without descriptor_patience; two loops on
// one simulation.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "stack/runtime/io.hpp"

namespace assay {

struct sim_faults {
  double short_read = 0;              // probability that a receive gives fewer bytes than are there
  double short_write = 0;             // probability that a send takes fewer bytes than it could
  double no_buffers = 0;              // probability that a receive finds the lent buffers used up, and waits
  double deferred = 0;                // probability that an operation that could complete inline is queued instead
  double reset = 0;                   // probability that a send resets the connection instead
  unsigned max_sockets = UINT32_MAX;  // beyond it accept and connect fail with EMFILE
};

struct sim_options {
  std::uint64_t seed = 1;
  duration latency = duration::zero();  // one way
  std::size_t window_bytes = 65536;     // in flight or unread; a sender beyond it waits
  std::size_t buffer_bytes = 4096;      // the largest receive
  // Real time for which another thread may still wake a loop that has nothing left to do; then it is a deadlock.
  duration patience = std::chrono::seconds(10);
  // Real time for which virtual time stands still while somebody waits for a foreign descriptor, which is then a real
  // one, asked by poll(2). 0: they are scripted by set_ready().
  duration descriptor_patience = duration::zero();
  // Receives can be stamped, and what completes on the sockets that have connected is held back when that is asked for.
  bool stamps = false;
  sim_faults faults{};
};

class sim_io final : public io {
 public:
  explicit sim_io(sim_options options = {});
  ~sim_io() override;

  // --- for the test's script ---
  void set_faults(const sim_faults& faults) { options_.faults = faults; }
  // Runs `event` at `at` on the loop's thread.
  void at(instant at, std::function<void()> event);
  // Whoever listens on `port` receives nothing until `until`, as a process that was stopped with SIGSTOP.
  void hold(std::uint16_t port, instant until) { held_until_[port] = until; }
  // The code that runs computes for so long: nothing else happens meanwhile.
  void pass(duration span) { now_ += span; }
  // What poll(2) says of the foreign descriptor `fd` from now on; 0: not ready. Any number serves as a descriptor.
  void set_ready(int fd, std::uint32_t events);
  std::size_t open_sockets() const { return sockets_.size(); }
  std::size_t lent_buffers() const { return lent_.size(); }

  std::string_view name() const override { return "simulated"; }
  instant now() override { return now_; }
  bool real_time() const override { return false; }
  result<io_socket*> listen(const socket_address& at, const listen_options& options) override;
  socket_address local_address(const io_socket& of) const override;
  bool accept(io_socket& listener, accept_op& op) override;
  bool connect(connect_op& op) override;
  bool recv(io_socket& from, recv_op& op) override;
  bool send(io_socket& to, send_op& op) override;
  void want(send_op& op) noexcept override;
  bool wait_ready(poll_op& op) override;
  void cancel(io_op& op) noexcept override;
  bool withdraw(recv_op& op) noexcept override;
  void release(const lent_buffer& buffer) noexcept override;
  bool has_received(const io_socket& on) const noexcept override;
  bool stamp_received(io_socket& of) noexcept override;
  void hold_back(instant until) noexcept override {
    if (options_.stamps) held_back_until_ = until;
  }
  void shutdown_write(io_socket& of) noexcept override;
  void close(io_socket* closed) noexcept override;
  void poll(instant until, ready_queue& completed) override;
  void wake() noexcept override;

 private:
  struct socket;
  struct event {
    instant at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator<(const event& other) const {  // std::priority_queue gives the largest: the earliest here
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void arrange(instant at, std::function<void()> run);
  bool chance(double probability);
  std::size_t some_of(std::size_t count, double probability);
  socket& create(std::uint16_t port);
  socket* find(std::uint64_t id);
  bool complete(io_op& op, std::int32_t status);
  void finish(io_op& op, std::int32_t status);
  void deliver(socket& to, std::string bytes, std::int32_t end);
  void on_arrival(std::uint64_t to_id);
  bool try_recv(socket& from, recv_op& op);
  bool try_send(socket& to, send_op& op);
  bool send_at_once(socket& to, send_op& op);
  bool try_accept(socket& listener, accept_op& op);
  void finish_connect(std::uint64_t id);
  void wait_for_descriptors(instant until);
  bool step(instant until);
  void wait_for_wake();
  void tell_held_back(bool wait_is_over, ready_queue& completed);

  sim_options options_;
  instant now_{std::chrono::seconds(1000)};
  std::mt19937_64 random_;
  std::uint64_t next_id_ = 1;
  std::uint16_t next_port_ = 40000;
  std::map<std::uint64_t, std::unique_ptr<socket>> sockets_;
  std::map<std::uint16_t, std::uint64_t> listeners_;
  std::map<std::uint16_t, instant> held_until_;
  struct foreign {
    std::uint32_t ready = 0;
    poll_op* waiting = nullptr;
  };
  std::map<int, foreign> foreign_;  // descriptors that it does not own
  std::map<std::uint32_t, std::unique_ptr<char[]>> lent_;
  std::uint32_t next_buffer_ = 0;
  std::priority_queue<event> events_;
  std::uint64_t next_order_ = 0;
  ready_queue done_;
  ready_queue held_back_;  // it has completed, and ends no wait
  instant held_back_until_ = instant::min();
  bool scripted_ = false;       // an event of the script ran in this poll
  std::vector<send_op*> sent_;  // at once, and told as late as is allowed: who needs it earlier has to say so
  std::mutex wake_mutex_;
  std::condition_variable woken_;
  bool wake_pending_ = false;
};

}  // namespace assay
