#include "web/assets.hpp"

namespace assay::web {
namespace {

constexpr char script[] = {
#embed <report.js>
};
constexpr char style[] = {
#embed <report.css>
};

}  // namespace

std::string_view report_script() { return {script, sizeof script}; }
std::string_view report_style() { return {style, sizeof style}; }

}  // namespace assay::web
