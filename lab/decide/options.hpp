// What the evidence says about each option, sorted into what a decision record needs.
//
// Misuse: reading a choice out of it. It says what is ruled out and what is known against the reference; two options
// that were both compared with the reference were not compared with each other.
#pragma once

#include <string>
#include <vector>

#include "lab/decide/evidence.hpp"
#include "lab/model/comparison.hpp"
#include "lab/model/plan.hpp"

namespace assay::decide {

struct option {
  const model::candidate_summary* candidate = nullptr;
  bool is_reference = false;
  std::string ruled_out;            // why it must not be chosen, with evidence ids; empty: it may be
  bool measured = false;            // at least one complete run
  std::vector<std::string> better;  // phases, by their primary verdict, each with its figure and evidence id
  std::vector<std::string> worse;
  std::vector<std::string> equivalent;
  std::vector<std::string> inconclusive;  // not estimable ones as well
  std::vector<std::string> more_runs;     // the reasons of the inconclusive ones
};

std::vector<option> options_of(const model::comparison& judged, evidence_table& evidence);

/// Good, Neutral and Bad, each pointing to its evidence.
std::string pros_and_cons(const model::comparison& judged, const model::plan& plan, const option& of,
                          evidence_table& evidence);

std::string joined(const std::vector<std::string>& parts);

}  // namespace assay::decide
