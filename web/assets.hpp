// The bundled script and style sheet of the report, embedded when the project is built.
//
// Misuse: editing what these return; change the TypeScript beside this file.
#pragma once

#include <string_view>

namespace assay::web {

std::string_view report_script();
std::string_view report_style();

}  // namespace assay::web
