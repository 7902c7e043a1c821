// "Did you mean …": the known word that is most like a typed one.
//
// Misuse: acting on it. A suggestion is for the user to take; a guess that is executed hides the mistake.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::model {

// The candidate most like `typed`, or empty when none is near (more than two edits and a third of it away).
std::string nearest(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace assay::model
