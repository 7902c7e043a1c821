// What holds what leaks, as far as the runtime itself can say: memory is in its heap or in buffers outside of it, or
// with tasks that there are more and more of; descriptors, sockets and tasks are of one kind that is.
//
// Misuse: taking this for evidence of a leak. It is asked only after growth.hpp has found one.
#pragma once

#include <span>

#include "lab/model/diagnosis.hpp"
#include "lab/model/runtime_look.hpp"

namespace assay::judge {

/// Says it at the end of each such finding; nothing where there are too few looks, or where nothing has grown. The
/// last look holds on until `end_s`.
void name_holders(model::diagnosis& of, std::span<const model::runtime_look> looks, double end_s = 0);

}  // namespace assay::judge
