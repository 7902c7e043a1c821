// Which routes of a profile are sent: bound ones with the profile's weight and popularity; the rest is left out with
// its share said, or refused.
//
// Misuse: comparing routes by name. A folded path's placeholder may be called otherwise in a binding; its place in the
// path is what counts.
#pragma once

#include <string>
#include <vector>

#include "lab/model/profile.hpp"
#include "lab/plan/drafts.hpp"
#include "lab/plan/openapi.hpp"
#include "lab/plan/write.hpp"

namespace assay::plan {

struct bound_routes {
  std::vector<model::bound_route> workload;
  plan_notes notes;
  std::vector<std::string> notices;
  std::string refusal;  // of unbound routes, many lines; empty: none
};

// Nobody ever got another answer than 404.
bool is_only_not_found(const model::route& route);

// A binding's lines of one route. What can be inferred is filled in; the user says the rest. `drafted` is the body that
// the service's description in `file` suggests; null: there is none.
std::string binding_lines(const model::route& route, const drafted_body* drafted = nullptr,
                          const std::string& file = {});

// `list` is the binding's `routes`. Errors of the binding itself go into `in`.
bound_routes bind_routes(reader& in, const yaml_node& list, const model::profile& profile, binding_draft& binding);

}  // namespace assay::plan
