#include "web/assets.hpp"

namespace assay::web {
namespace {

// clang-format off: it takes the file's name for an expression.
constexpr char script[] = {
#embed <report.js>
};
constexpr char style[] = {
#embed <report.css>
};
// clang-format on

}  // namespace

std::string_view report_script() { return {script, sizeof script}; }
std::string_view report_style() { return {style, sizeof style}; }

}  // namespace assay::web
