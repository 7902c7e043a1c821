// A test's world: a loop over simulated I/O, in which an hour takes no time.
//
//   testing::virtual_world world;
//   const http::response got = world.run(testing::ask(serve, {.target = "/items/7"}));
//   EXPECT_EQ(world.elapsed(), 20ms);
//   EXPECT_EQ(world.leftovers(), "");
//
// Time stands still while anything can run and jumps to the next event when nothing can: what waits for ten seconds is
// tested in microseconds, and to the nanosecond. Streams are simulated (stack/runtime/sim_io.hpp, which also injects
// faults); a descriptor of a library, as that of a connection to PostgreSQL, is a real one, and virtual time stands
// still for up to `descriptor_patience` of real time while its answer comes.
//
// Misuse: capturing lambdas as coroutines in tests. Pass what they need as parameters.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "stack/runtime/frame_pool.hpp"
#include "stack/runtime/loop.hpp"
#include "stack/runtime/sim_io.hpp"

namespace assay::testing {

// What a peer that is silent for good costs, a few times over, since virtual time moves on in steps. All others cost
// what they take.
inline constexpr duration usual_patience = std::chrono::seconds(1);

class virtual_world {
 public:
  explicit virtual_world(sim_options options = {.descriptor_patience = usual_patience})
      : virtual_world(std::make_unique<sim_io>(options)) {}

  sim_io& network() { return network_; }
  loop& on() { return on_; }

  // Runs `main` to its end.
  template <class T>
  T run(task<T> main) {
    return on_.run(std::move(main));
  }

  // Virtual time since the world began.
  duration elapsed() { return on_.now() - began_; }

  // Nothing when all that was begun has ended; else what is left: "2 sockets, 1 coroutine".
  std::string leftovers();

 private:
  explicit virtual_world(std::unique_ptr<sim_io> network);

  std::size_t frames_before_;
  sim_io& network_;
  loop on_;
  instant began_;
};

}  // namespace assay::testing
