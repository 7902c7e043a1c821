// Plan files and candidates' descriptors, read strictly into complete, checked values.
//
// Every error is one line "FILE:LINE:COLUMN: PATH: what was expected, what was found", the first in the file.
//
// Misuse: reading a plan once and running it later from the path. The hash in the value is of the bytes that were
// read; keep the value.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lab/model/plan.hpp"

namespace assay::plan {

std::expected<model::plan, std::string> read_plan(const std::string& path);
// The same of text that stands nowhere; `path` names it in errors, and relative paths are relative to its directory.
std::expected<model::plan, std::string> decode_plan(const std::string& path, const std::string& text);

std::expected<model::candidate, std::string> read_candidate(const std::string& path);

// "py=http://127.0.0.1:8000": a service that already runs, asked for `/` to see that it is ready.
std::expected<model::candidate, std::string> candidate_at_url(std::string_view name_and_url);

}  // namespace assay::plan
