// Refusals and failures in JSON, for services whose clients read nothing else: {"error":"overloaded"}.
//
//   wanted.observe = guard::json_errors::layer();   // outside of whatever refuses, inside of the access log
//
// Only what has a reason and a body of plain text: the answers of other layers, of the router and of
// response::refused(). What a handler has put into words of its own stays as it is.
//
// Misuse: a reason that is not static text in snake_case. It goes into the JSON as it is.
#pragma once

#include "stack/guard/layer.hpp"

namespace assay::guard::json_errors {

handler_layer layer();

}  // namespace assay::guard::json_errors
