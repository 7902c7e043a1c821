#include "lab/learn/line/format_string.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace assay::learn {
namespace {

using meaning = std::pair<std::string_view, field>;

constexpr std::array nginx_variables{
    meaning{"remote_addr", field::address},
    meaning{"remote_user", field::user},
    meaning{"host", field::vhost},
    meaning{"http_host", field::vhost},
    meaning{"server_name", field::vhost},
    meaning{"time_local", field::stamp},
    meaning{"time_iso8601", field::stamp},
    meaning{"msec", field::stamp},
    meaning{"request", field::request},
    meaning{"request_method", field::method},
    meaning{"request_uri", field::target},
    meaning{"uri", field::path},
    meaning{"document_uri", field::path},
    meaning{"args", field::query},
    meaning{"query_string", field::query},
    meaning{"server_protocol", field::protocol},
    meaning{"status", field::status},
    meaning{"body_bytes_sent", field::bytes},
    meaning{"bytes_sent", field::wire_bytes},
    meaning{"request_time", field::took_s},
    meaning{"upstream_response_time", field::upstream_s},
    meaning{"request_length", field::request_bytes},
    meaning{"connection_requests", field::on_connection},
    meaning{"http_referer", field::referer},
    meaning{"http_user_agent", field::agent},
    meaning{"http_x_forwarded_for", field::forwarded_for},
    meaning{"proxy_add_x_forwarded_for", field::forwarded_for},
};

constexpr std::array envoy_operators{
    meaning{"START_TIME", field::start},
    meaning{"PROTOCOL", field::protocol},
    meaning{"RESPONSE_CODE", field::status},
    meaning{"BYTES_SENT", field::bytes},
    meaning{"DURATION", field::took_ms},
    meaning{"BYTES_RECEIVED", field::request_bytes},
    meaning{"RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)", field::upstream_ms},
    meaning{"REQ(:METHOD)", field::method},
    meaning{"REQ(X-ENVOY-ORIGINAL-PATH?:PATH)", field::target},
    meaning{"REQ(:PATH)", field::target},
    meaning{"PATH", field::target},
    meaning{"REQ(:AUTHORITY)", field::vhost},
    meaning{"REQ(USER-AGENT)", field::agent},
    meaning{"REQ(REFERER)", field::referer},
    meaning{"REQ(X-FORWARDED-FOR)", field::forwarded_for},
    meaning{"DOWNSTREAM_REMOTE_ADDRESS", field::address},
    meaning{"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", field::address},
    meaning{"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", field::address},
};

constexpr std::array apache_letters{
    meaning{"h", field::address},
    meaning{"a", field::address},
    meaning{"u", field::user},
    meaning{"v", field::vhost},
    meaning{"V", field::vhost},
    meaning{"r", field::request},
    meaning{"m", field::method},
    meaning{"U", field::path},
    meaning{"q", field::query},
    meaning{"H", field::protocol},
    meaning{"s", field::status},
    meaning{"b", field::bytes},
    meaning{"B", field::bytes},
    meaning{"O", field::wire_bytes},
    meaning{"I", field::request_bytes},
    meaning{"k", field::kept_alive},
    meaning{"D", field::took_us},
    meaning{"T", field::took_s},
    meaning{"{ms}T", field::took_ms},
    meaning{"{us}T", field::took_us},
    meaning{"{s}T", field::took_s},
    meaning{"{c}a", field::address},
    meaning{"{referer}i", field::referer},
    meaning{"{user-agent}i", field::agent},
    meaning{"{x-forwarded-for}i", field::forwarded_for},
    meaning{"{host}i", field::vhost},
};

template <std::size_t Count>
field meaning_of(const std::array<meaning, Count>& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, [](const meaning& each) { return each.first; });
  return found == table.end() ? field::skipped : found->second;
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

std::string lower(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return small;
}

// Collects literals and fields in their order.
class assembler {
 public:
  void literal(std::string_view text) { (made_.steps.empty() ? made_.before : made_.steps.back().after) += text; }
  void add(field what, bool is_list = false) { made_.steps.push_back({.what = what, .after = {}, .is_list = is_list}); }
  void stamps(stamped what) { made_.stamp_is = what; }
  bool may_add() const { return made_.steps.size() < max_pattern_fields; }

  std::expected<line_pattern, std::string> finish();

 private:
  void join_targets();
  void join_requests();
  bool has(field what) const {
    return std::ranges::any_of(made_.steps, [&](const pattern_step& each) { return each.what == what; });
  }

  line_pattern made_;
};

// %U%q and $uri$is_args$args stand together and are one: the target.
void assembler::join_targets() {
  std::vector<pattern_step>& steps = made_.steps;
  for (std::size_t i = 0; i + 1 < steps.size();) {
    const bool joined = steps[i].after.empty() && steps[i + 1].what == field::query &&
                        (steps[i].what == field::path || steps[i].what == field::target);
    if (!joined) {
      ++i;
      continue;
    }
    steps[i] = {.what = field::target, .after = steps[i + 1].after};
    steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
}

// "%m %U %H" reads as "%r" does: a target may hold spaces, and the protocol tells where it ends.
void assembler::join_requests() {
  std::vector<pattern_step>& steps = made_.steps;
  for (std::size_t i = 0; i + 2 < steps.size(); ++i) {
    const bool in_a_row = steps[i].what == field::method && steps[i].after == " " &&
                          (steps[i + 1].what == field::target || steps[i + 1].what == field::path) &&
                          steps[i + 1].after == " " && steps[i + 2].what == field::protocol;
    // Between spaces a request of several words would have no end.
    if (steps[i + 2].after.starts_with(' ')) continue;
    if (!in_a_row) continue;
    steps[i] = {.what = field::request, .after = steps[i + 2].after};
    steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(i) + 1, steps.begin() + static_cast<std::ptrdiff_t>(i) + 3);
  }
}

std::expected<line_pattern, std::string> assembler::finish() {
  join_targets();
  join_requests();
  for (std::size_t i = 0; i + 1 < made_.steps.size(); ++i) {
    if (made_.steps[i].after.empty()) return std::unexpected("expected text between each field and the next");
  }
  const bool has_target = has(field::target) || has(field::path);
  if (!has(field::request) && !(has(field::method) && has_target)) {
    return std::unexpected("expected the request in the format: $request, %r, or method and path");
  }
  if (!has(field::stamp) && !has(field::start)) {
    return std::unexpected("expected a time in the format: $time_local, $msec, %t or %START_TIME%");
  }
  return std::move(made_);
}

std::expected<line_pattern, std::string> compile_nginx(std::string_view text) {
  assembler made;
  made.stamps(stamped::end);
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    made.literal(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    const bool braced = text.starts_with('{');
    if (braced) text.remove_prefix(1);
    std::size_t length = 0;
    while (length < text.size() && is_word(text[length])) ++length;
    const std::string_view name = text.substr(0, length);
    const bool closed = !braced || text.substr(length).starts_with('}');
    if (length == 0 || !closed) return std::unexpected("expected a variable's name behind each $");
    text.remove_prefix(length + (braced ? 1 : 0));
    if (!made.may_add()) return std::unexpected("expected at most 128 fields");
    if (name == "is_args") continue;  // the '?' between $uri and $args, or nothing
    const bool is_list = name.starts_with("upstream_");
    made.add(meaning_of(nginx_variables, name), is_list);
  }
  return made.finish();
}

// Of "START_TIME(%Y-%m-%d)%": the second '%' of the operator, not one between its parentheses.
std::size_t operator_end(std::string_view text) {
  const std::size_t close = text.find('%');
  const std::size_t opens = text.substr(0, close).find('(');
  if (opens == std::string_view::npos) return close;
  const std::size_t shuts = text.find(')', opens);
  return shuts == std::string_view::npos ? shuts : text.find('%', shuts);
}

std::expected<line_pattern, std::string> compile_envoy(std::string_view text) {
  assembler made;
  made.stamps(stamped::start);
  while (!text.empty()) {
    const std::size_t percent = text.find('%');
    made.literal(text.substr(0, percent));
    if (percent == std::string_view::npos) break;
    text.remove_prefix(percent + 1);
    const std::size_t close = operator_end(text);
    if (close == std::string_view::npos) return std::unexpected("expected a second % behind each operator");
    std::string_view name = text.substr(0, close);
    text.remove_prefix(close + 1);
    if (name.empty()) {
      made.literal("%");
      continue;
    }
    if (name.starts_with("START_TIME(")) name = "START_TIME";
    if (const std::size_t limit = name.rfind("):"); limit != std::string_view::npos) name = name.substr(0, limit + 1);
    if (!made.may_add()) return std::unexpected("expected at most 128 fields");
    made.add(meaning_of(envoy_operators, name));
  }
  return made.finish();
}

// Of %{…}t: how the time is written. What any_instant() reads as it is printed will do.
std::expected<void, std::string> add_apache_time(assembler& made, std::string_view form) {
  bool ends = false;
  if (form.starts_with("begin:")) form.remove_prefix(6);
  if (form.starts_with("end:")) {
    ends = true;
    form.remove_prefix(4);
  }
  constexpr std::array readable{"sec",
                                "msec",
                                "usec",
                                "%d/%b/%Y:%H:%M:%S %z",
                                "%d/%b/%Y:%T %z",
                                "%d/%b/%Y:%T",
                                "%Y-%m-%dT%H:%M:%S%z",
                                "%Y-%m-%dT%T%z",
                                "%FT%T%z",
                                "%Y-%m-%d %H:%M:%S",
                                "%Y-%m-%dT%H:%M:%SZ",
                                "%FT%T",
                                "%F %T"};
  if (form == "msec_frac" || form == "usec_frac") {
    made.add(field::skipped);
    return {};
  }
  if (std::ranges::find(readable, form) == readable.end()) {
    return std::unexpected("cannot read times of the form %{" + std::string(form) + "}t; use %t or %{usec}t");
  }
  made.add(field::stamp);
  if (ends) made.stamps(stamped::end);
  return {};
}

// One directive, behind its '%': "h", ">s", "!200,304{Referer}i", "{ms}T".
std::expected<void, std::string> add_apache(assembler& made, std::string_view& text) {
  const std::size_t begins = text.find_first_not_of("!,0123456789<>");
  text.remove_prefix(std::min(begins, text.size()));
  std::string name;
  if (text.starts_with('{')) {
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) return std::unexpected("expected a } for each %{");
    name = text.substr(0, close + 1);
    text.remove_prefix(close + 1);
  }
  if (text.empty()) return std::unexpected("expected a letter behind each %");
  std::size_t letters = 1;
  if (text.starts_with('^')) letters = std::min<std::size_t>(text.size(), 3);  // %{Name}^ti
  const std::string_view letter = text.substr(0, letters);
  text.remove_prefix(letters);
  if (letter == "t" && !name.empty()) return add_apache_time(made, std::string_view(name).substr(1, name.size() - 2));
  if (letter == "t") {
    made.literal("[");
    made.add(field::stamp);
    made.literal("]");
    return {};
  }
  made.add(meaning_of(apache_letters, name.empty() ? letter : lower(name) + std::string(letter)));
  return {};
}

std::expected<line_pattern, std::string> compile_apache(std::string_view text) {
  assembler made;
  made.stamps(stamped::start);
  while (!text.empty()) {
    const std::size_t percent = text.find('%');
    made.literal(text.substr(0, percent));
    if (percent == std::string_view::npos) break;
    text.remove_prefix(percent + 1);
    if (text.starts_with('%')) {
      made.literal("%");
      text.remove_prefix(1);
      continue;
    }
    if (!made.may_add()) return std::unexpected("expected at most 128 fields");
    if (const auto added = add_apache(made, text); !added) return std::unexpected(added.error());
  }
  return made.finish();
}

}  // namespace

std::expected<line_pattern, std::string> compile_format(std::string_view text) {
  if (text.find("%START_TIME") != std::string_view::npos) return compile_envoy(text);
  if (text.find('$') != std::string_view::npos) return compile_nginx(text);
  if (text.find('%') != std::string_view::npos) return compile_apache(text);
  return std::unexpected("expected a name or a format string with $variables or %directives");
}

}  // namespace assay::learn
