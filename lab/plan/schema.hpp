// The table of keys as a JSON Schema (draft 2020-12), for editors, and as a reference page.
//
// Misuse: editing either by hand. A test compares docs/plan-yaml.md with the page.
#pragma once

#include <string>

namespace assay::plan {

std::string plan_schema();  // of *.plan.yaml
std::string keys_page();    // Markdown: plan files, descriptors, bindings

}  // namespace assay::plan
