// The keeper of one child: a process between this one and the child, so that nothing the child starts can be lost.
//
//   int main(int argc, char** argv) {
//     if (const auto status = subject::run_keeper_if_asked(argc, argv)) return *status;
//
// It is a child subreaper, so what the child leaves behind becomes the keeper's own, whatever sessions it has made. A
// keeper for each child: then what is found below it belongs to that child and no other. It is this program run anew
// (/proc/self/exe) rather than forked: nothing is inherited from a process with threads, and it is the same file even
// when a build has replaced it. It has its own session, so that Ctrl-C in a terminal does not reach the child.
//
// It only ever signals children that it has not reaped, so a process id that is used again is never hit: a killed
// process hands its children to the keeper, which kills those in the next round.
//
// Misuse: calling it late in main(). It expects one thread and no open files that matter.
#pragma once

#include <optional>

namespace assay::subject {

// The exit status when the arguments ask for a keeper and one has run; else nothing.
std::optional<int> run_keeper_if_asked(int argc, const char* const* argv);

}  // namespace assay::subject
