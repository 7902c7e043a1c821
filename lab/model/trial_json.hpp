// A trial as one JSON document, format "assay.trial/3"; docs/trial-json.md lists the keys.
//
// Reading gives back the trial that was written, histograms with their exact extremes and sum included. Text that is no
// UTF-8 (a path, a line of a log) is written with U+FFFD in place of its bad bytes, a number that is not finite as
// null, read as NaN.
//
// Misuse: editing the quantiles beside a histogram; they are for readers without an HdrHistogram library and are
// ignored here.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "lab/model/trial.hpp"

namespace assay::model {

/// A trial with every list at its limit is smaller by far.
inline constexpr std::size_t max_trial_document_bytes = std::size_t{256} << 20;

[[nodiscard]] std::string trial_to_json(const trial& measured);

/// Strict: a missing, unknown or mistyped key is refused with its path, for example
/// "phases[2].all.answered: expected a whole number, found a string".
[[nodiscard]] std::expected<trial, std::string> trial_from_json(std::string_view document);

}  // namespace assay::model
