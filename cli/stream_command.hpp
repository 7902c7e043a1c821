// `assay load` over long connections: a ws:// URL, or --sse.
//
// Misuse: passing over what was typed and means nothing here; it is refused by its name.
#pragma once

#include "cli/load_command.hpp"

namespace assay::cli {

// Whether it is one.
bool is_stream_load(const load_arguments& typed);
int stream_command(const load_arguments& typed);

}  // namespace assay::cli
