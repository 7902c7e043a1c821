// Two services under rising concurrency, for a terminal and for programs: first from where on the second is better.
//
// Misuse: parsing the text. Programs read the document; docs/load.md has its keys, which stay.
#pragma once

#include <cstddef>
#include <string>

#include "lab/model/crossover.hpp"
#include "lab/model/load_result.hpp"

namespace assay::report {

std::string crossover_text(const model::crossover_result& of);
std::string crossover_json(const model::crossover_result& of);
// One run, as it ends: "B at 8 connections: 1234 req/s, p99 12.3ms".
std::string crossover_run_text(unsigned connections, std::size_t side, const model::load_result& seen);

}  // namespace assay::report
