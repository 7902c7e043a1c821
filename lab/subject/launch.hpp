// The way from a request to a running program: fork, everything that has to be set before exec, and exec.
//
// Misuse: calling it in a process with threads. What runs between fork and exec allocates; the keeper has one thread.
#pragma once

#include "lab/subject/keeper_protocol.hpp"

namespace assay::subject {

// Gives the child its own session, and blocks until its exec() has succeeded or failed. The error names the step.
spawn_reply launch(const spawn_request& request);

}  // namespace assay::subject
