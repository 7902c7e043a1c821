// What the test's process does when it is started again under the preload library.
//
// Misuse: a child that needs the globals of a file: it runs before they are there.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

namespace assay::inside {

inline constexpr int turns = 60;
inline constexpr int waits_before_a_loop = 32;
inline constexpr int slow_ms = 20;
inline constexpr int pairs = 30;  // of loops; nearly all the places that there are
inline constexpr int threads_in_a_row = 2000;
inline constexpr int vforked = 20;
inline constexpr unsigned nobody = 65534;  // a user without rights

/// The exit code: 0 is well, 126 is a name that no child has.
int run_child(const std::string& name);

// What they are made of.
void turn(int epoll, int count);
std::uint64_t clock_ns(clockid_t clock);
void lets_wait(int pid);
int is_away_twice();
int waits_for_locks();
int waits_by_the_system_call();
int opens_what_is_slow();
int allocates();
int forks_in_the_middle();
int waits_for_others();
int has_slow_files();

}  // namespace assay::inside
