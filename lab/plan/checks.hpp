// What spans a whole plan: names are unique and lead somewhere, every placeholder has a value, every value is used,
// every file is there, every request can be written as HTTP.
//
// Misuse: checking the types or ranges of a key here; those stand in its table.
#pragma once

#include "lab/model/plan.hpp"
#include "lab/plan/keys.hpp"

namespace assay::plan {

inline constexpr std::size_t most_background_tasks = 16;  // each has a thread of its own

// The first error goes into `in`, at its place in the file. `root` is the tree that the plan was read from.
void check(reader& in, const yaml_node& root, const model::plan& plan);

// Only the route's own data. `node` is the route's, `path` what errors call it.
void check_route(reader& in, const std::string& path, const yaml_node& node, const model::bound_route& route);

// Templates of a candidate: {port} and the names of dependencies.
void check_dependencies(reader& in, const yaml_node& list, const std::vector<model::dependency>& dependencies);
void check_candidates(reader& in, const yaml_node& list, const std::vector<model::candidate>& candidates,
                      const std::vector<model::dependency>& dependencies);

}  // namespace assay::plan
