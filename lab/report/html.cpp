#include "lab/report/html.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

namespace assay::report {

std::string escape(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return safe;
}

std::string number(double value) {
  if (!std::isfinite(value)) return "–";
  const double size = std::abs(value);
  if (size >= 1000) return fmt::format("{:.0f}", value);
  if (size >= 100) return fmt::format("{:.0f}", value);
  if (size >= 10) return fmt::format("{:.1f}", value);
  if (size >= 1) return fmt::format("{:.2f}", value);
  return size == 0 ? "0" : fmt::format("{:.3g}", value);
}

std::string milliseconds(double value_ms) {
  if (std::abs(value_ms) >= 1000) return number(value_ms / 1000) + " s";
  return number(value_ms) + " ms";
}

std::string probability(double p) { return p < 0.001 ? "&lt; 0.001" : number(p); }

std::optional<model::estimate> metric_form::scaled(const std::optional<model::estimate>& of) const {
  if (!of) return of;
  return model::estimate{.value = of->value * scale, .low = of->low * scale, .high = of->high * scale, .n = of->n};
}

metric_form form_of(const std::string& metric) {
  static const std::map<std::string, metric_form> forms{
      {"response_p50_ms", {"response time p50", "ms"}},
      {"response_p90_ms", {"response time p90", "ms"}},
      {"response_p99_ms", {"response time p99", "ms"}},
      {"error_share", {"failed requests", "%", 100}},
      {"goodput_rps", {"answered well", "requests/s"}},
      {"cpu_ms_per_request", {"CPU a request", "ms"}},
      {"rss_mib", {"most memory", "MiB"}},
      {"lag_p99_ms", {"event loop lag p99", "ms"}},
      {"utilisation", {"event loop busy", "%", 100}},
      {"start_up_s", {"start-up", "s"}},
      {"recovery_s", {"recovery after the fault", "s"}},
  };
  const auto found = forms.find(metric);
  return found == forms.end() ? metric_form{.title = metric, .unit = {}} : found->second;
}

std::string with_interval(const std::optional<model::estimate>& of, std::string_view unit, std::string_view why_not) {
  if (!of) return fmt::format("<span class=\"muted\">not estimable</span><small>{}</small>", escape(why_not));
  return fmt::format("{}{} <small>[{}, {}] n={}</small>", number(of->value), unit, number(of->low), number(of->high),
                     of->n);
}

std::string_view tone(model::finding verdict) {
  switch (verdict) {
    case model::finding::better:
      return "better";
    case model::finding::worse:
      return "worse";
    case model::finding::equivalent:
      return "same";
    default:
      return "open";
  }
}

}  // namespace assay::report
