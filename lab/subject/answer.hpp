// One answer against what a check expects of it; pure, apart from the requests.
//
// Misuse: none known; it keeps nothing.
#pragma once

#include "lab/subject/conformance.hpp"
#include "stack/http/client.hpp"

namespace assay::subject {

// Empty when all is as expected; else the first thing that is not, and the beginning of the body.
std::string compare(const conformance_check& check, const http::client_response& got);

}  // namespace assay::subject
