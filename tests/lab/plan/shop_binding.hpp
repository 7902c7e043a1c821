// The shop's binding and a profile of its log, of which tests change a line.
//
// Misuse: reading a refusal where the binding was taken; refusal() says so in its place.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <expected>
#include <string>

#include "lab/model/profile_json.hpp"
#include "lab/plan/binding.hpp"
#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {

// The shop as it stands in the tree, with candidates that need not be built.
class shop_binding : public testing::Test {
 protected:
  shop_binding() : binding_(file_text(ASSAY_ROOT "/subjects/shop/binding.yaml")) {
    for (const char* name : {"schema.sql", "seed.sql", "reset.sql", "conformance.yaml"}) folder_.write(name, "\n");
    for (const char* name : {"flask", "fastapi", "fastapi-blocking", "cpp"}) {
      folder_.write(std::string(name) + "/candidate.yaml",
                    std::string("{name: ") + name + ", command: [x, \"{port}\"]}\n");
    }
    auto read = model::read_profile(ASSAY_ROOT "/tests/lab/plan/data/shop.profile.json");
    EXPECT_TRUE(read.has_value()) << read.error();
    if (read) profile_ = std::move(*read);
  }

  std::expected<bound_plan, std::string> bound(bind_options options = {}) {
    folder_.write("binding.yaml", binding_);
    options.profile_name = "shop.profile.json";
    return bind_profile(profile_, folder_.path("binding.yaml"), options);
  }
  // The usual ones are taken then.
  void without_phases() {
    const std::size_t phases = binding_.find("# Rates are of");
    binding_.erase(phases, binding_.find("dependencies:") - phases);
  }
  std::string refusal() {
    const auto made = bound();
    return made ? "it was not refused" : made.error();
  }

  plan_folder folder_;
  std::string binding_;
  model::profile profile_;
};

inline const model::phase* find_phase(const bound_plan& in, const std::string& name) {
  const auto found = std::ranges::find(in.plan.phases, name, &model::phase::name);
  return found == in.plan.phases.end() ? nullptr : &*found;
}

}  // namespace assay::plan
