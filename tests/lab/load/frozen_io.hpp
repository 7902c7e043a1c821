// Simulated I/O whose loop may sleep through a while, as a process without a CPU does: the loop, the generator on it
// and whoever else is on it. All else is passed on.
//
//   auto outer = std::make_unique<frozen_io>(std::move(network));
//   outer->freeze(start + 2s, start + 2200ms);
//
// Misuse: freezing out of order.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "stack/runtime/sim_io.hpp"

namespace assay::load {

class frozen_io final : public io {
 public:
  explicit frozen_io(std::unique_ptr<sim_io> inner) : inner_(std::move(inner)) {}
  void freeze(instant from, instant to) { coming_.emplace_back(from, to); }

  std::string_view name() const override { return inner_->name(); }
  instant now() override { return inner_->now(); }
  result<io_socket*> listen(const socket_address& at, const listen_options& how) override {
    return inner_->listen(at, how);
  }
  socket_address local_address(const io_socket& of) const override { return inner_->local_address(of); }
  bool accept(io_socket& listener, accept_op& op) override { return inner_->accept(listener, op); }
  bool connect(connect_op& op) override { return inner_->connect(op); }
  bool recv(io_socket& from, recv_op& op) override { return inner_->recv(from, op); }
  bool send(io_socket& to, send_op& op) override { return inner_->send(to, op); }
  void want(send_op& op) noexcept override { inner_->want(op); }
  bool wait_ready(poll_op& op) override { return inner_->wait_ready(op); }
  void cancel(io_op& op) noexcept override { inner_->cancel(op); }
  bool withdraw(recv_op& op) noexcept override { return inner_->withdraw(op); }
  void release(const lent_buffer& buffer) noexcept override { inner_->release(buffer); }
  bool has_received(const io_socket& on) const noexcept override { return inner_->has_received(on); }
  bool stamp_received(io_socket& of) noexcept override { return inner_->stamp_received(of); }
  void hold_back(instant until) noexcept override { inner_->hold_back(until); }
  void shutdown_write(io_socket& of) noexcept override { inner_->shutdown_write(of); }
  void close(io_socket* closed) noexcept override { inner_->close(closed); }
  void wake() noexcept override { inner_->wake(); }
  void poll(instant until, ready_queue& completed) override {
    if (coming_.empty()) return inner_->poll(until, completed);
    const auto [from, to] = coming_.front();
    if (inner_->now() < from) return inner_->poll(std::min(until, from), completed);
    coming_.pop_front();
    while (inner_->now() < to) inner_->poll(to, completed);
    inner_->poll(until, completed);
  }

 private:
  std::unique_ptr<sim_io> inner_;
  std::deque<std::pair<instant, instant>> coming_;
};

}  // namespace assay::load
