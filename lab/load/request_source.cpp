#include "lab/load/request_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "stack/http/client.hpp"

namespace assay::load {
namespace {

// Sets the numbers of the request apart from those of the schedule, which come from the same seed.
constexpr std::uint64_t request_salt = 0x72657175657374ULL;

using fields = std::vector<std::pair<std::string, std::string>>;

bool is_text_source(const model::value_source& source) {
  return source.from == model::value_source::kind::constant || source.from == model::value_source::kind::choice;
}

// Every text that the source can give; digits and uuids may stand anywhere.
std::span<const std::string> texts_of(const model::value_source& source) {
  if (!is_text_source(source)) return {};
  if (source.from == model::value_source::kind::constant) return {&source.text, 1};
  return source.choices;
}

std::bitset<1000> expected_statuses(const std::vector<int>& named) {
  std::bitset<1000> expected;
  for (int status = 0; named.empty() && status < 400; ++status) expected.set(static_cast<std::size_t>(status));
  for (const int status : named) expected.set(static_cast<std::size_t>(status));
  return expected;
}

void append_pieces(model::compiled_template& to, const model::compiled_template& from) {
  to.pieces.insert(to.pieces.end(), from.pieces.begin(), from.pieces.end());
}

void append_text(model::compiled_template& to, std::string_view text) {
  to.pieces.push_back({.literal = std::string(text)});
}

bool goes_into(const model::compiled_template& text, std::size_t placeholder) {
  return std::ranges::any_of(text.pieces, [=](const auto& piece) { return piece.placeholder == placeholder; });
}

bool is_constant(const model::compiled_template& text) {
  return std::ranges::all_of(text.pieces,
                             [](const auto& piece) { return piece.placeholder == model::template_piece::is_literal; });
}

}  // namespace

// One route on its way to a recipe. Each step says what is wrong, without the route's name.
struct request_source::compilation {
  using checked = std::expected<void, std::string>;

  const model::bound_route& from;
  std::uint64_t seed = 0;
  std::vector<std::string> names = {};
  model::compiled_template target = {};
  std::vector<model::compiled_template> headers = {};  // their values
  recipe made = {};

  checked parse();
  checked bind_values();
  checked check_framing() const;
  checked check_text(std::size_t placeholder, const std::string& text) const;
  void assemble(std::string_view authority);
  checked run(std::string_view authority) {
    checked done = parse();
    if (done) done = bind_values();
    if (done) done = check_framing();
    if (done) assemble(authority);
    return done;
  }
};

std::expected<void, std::string> request_source::compilation::parse() {
  auto parsed = model::parse_template(from.target, names);
  if (!parsed) return std::unexpected("target, " + parsed.error());
  target = std::move(*parsed);
  for (const auto& [name, value] : from.headers) {
    parsed = model::parse_template(value, names);
    if (!parsed) return std::unexpected(fmt::format("header {}, {}", name, parsed.error()));
    headers.push_back(std::move(*parsed));
  }
  parsed = model::parse_template(from.body, names);
  if (!parsed) return std::unexpected("body, " + parsed.error());
  made.body = std::move(*parsed);
  return {};
}

std::expected<void, std::string> request_source::compilation::bind_values() {
  for (const std::string& name : names) {
    const auto source = from.values.find(name);
    if (source == from.values.end()) return std::unexpected(fmt::format("{{{}}}: expected a value for it", name));
    auto drawn = value_draw::create(source->second, seed);
    if (!drawn) return std::unexpected(fmt::format("{{{}}}: {}", name, drawn.error()));
    made.values.push_back(std::move(*drawn));
  }
  made.streams = streams_of(made.values);
  if (!from.acknowledged_by.empty() && std::ranges::find(names, from.acknowledged_by) == names.end()) {
    return std::unexpected(
        fmt::format("acknowledged_by {}: expected a placeholder that the request carries", from.acknowledged_by));
  }
  return {};
}

// A value with a line break in a header, or a space in the target, would be another request than the one meant.
std::expected<void, std::string> request_source::compilation::check_text(std::size_t placeholder,
                                                                         const std::string& text) const {
  if (goes_into(target, placeholder) && !http::valid_request({.target = "/" + text})) {
    return std::unexpected(fmt::format("{{{}}}: expected what a URL may hold, others as %XX", names[placeholder]));
  }
  const bool in_header = std::ranges::any_of(headers, [=](const auto& each) { return goes_into(each, placeholder); });
  if (in_header && !http::valid_request({.headers = {{"x", text}}})) {
    return std::unexpected(fmt::format("{{{}}}: expected no control characters in a header", names[placeholder]));
  }
  return {};
}

std::expected<void, std::string> request_source::compilation::check_framing() const {
  // Stands for every value: their own texts are checked one by one.
  const std::vector<std::string> sample(names.size(), "0");
  if (!http::valid_request({.verb = from.method})) return std::unexpected("method: expected a word such as GET");
  http::client_request probe;
  probe.target.clear();
  target.expand(sample, probe.target);
  if (!probe.target.starts_with('/') || !http::valid_request(probe)) {
    return std::unexpected("target: expected a path from / on, of what a URL may hold, others as %XX");
  }
  for (std::size_t i = 0; i < headers.size(); ++i) {
    std::string value;
    headers[i].expand(sample, value);
    if (http::valid_request({.headers = {{from.headers[i].first, value}}})) continue;
    return std::unexpected(fmt::format(
        "header {}: expected a name that is not the framing's, and no control characters", from.headers[i].first));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (const std::string& text : texts_of(made.values[i].source())) {
      if (const checked fits = check_text(i, text); !fits) return fits;
    }
  }
  return {};
}

void request_source::compilation::assemble(std::string_view authority) {
  append_text(made.head, from.method + " ");
  append_pieces(made.head, target);
  append_text(made.head, " HTTP/1.1\r\n");
  const bool own_host = std::ranges::any_of(
      from.headers, [](const auto& field) { return http::equals_ignoring_case(field.first, "host"); });
  if (!own_host) append_text(made.head, fmt::format("Host: {}\r\n", authority));
  for (std::size_t i = 0; i < headers.size(); ++i) {
    append_text(made.head, from.headers[i].first + ": ");
    append_pieces(made.head, headers[i]);
    append_text(made.head, "\r\n");
  }
  made.has_body = !from.body.empty() || from.method == "POST" || from.method == "PUT" || from.method == "PATCH";
}

request_source request_source::constant(std::string bytes, http::method verb, bool may_resend,
                                        const std::vector<int>& expected) {
  request_source made;
  made.routes_.push_back({.name = {}, .verb = verb, .may_resend = may_resend, .expected = expected_statuses(expected)});
  made.recipes_.push_back({.constant = std::move(bytes)});
  return made;
}

std::expected<void, std::string> request_source::add(const model::bound_route& from, std::string_view authority) {
  if (!std::isfinite(from.weight) || from.weight <= 0) return std::unexpected("expected a weight above 0");
  for (const int status : from.expected) {
    if (status < 200 || status > 999) return std::unexpected(fmt::format("expected status {}: not 200 to 999", status));
  }
  compilation step{.from = from, .seed = seed_};
  if (auto done = step.run(authority); !done) return done;
  route made{.name = from.name,
             .verb = http::method_from(from.method),
             .may_resend = http::may_resend({.verb = from.method, .headers = from.headers}),
             .share = from.weight,
             .expected = expected_statuses(from.expected)};
  const auto key = std::ranges::find(step.names, from.acknowledged_by);
  if (key != step.names.end()) made.key = static_cast<std::size_t>(key - step.names.begin());
  routes_.push_back(std::move(made));
  step.made.names = std::move(step.names);
  recipes_.push_back(std::move(step.made));
  if (recipe& last = recipes_.back(); is_constant(last.head) && is_constant(last.body)) {
    draft whole;
    render(size() - 1, {}, whole);
    last.constant = std::move(whole.bytes);
  }
  return {};
}

std::expected<request_source, std::string> request_source::create(std::span<const model::bound_route> routes,
                                                                  std::string_view authority, std::uint64_t seed) {
  if (routes.empty()) return std::unexpected("a workload: expected at least one route");
  request_source source;
  source.seed_ = mix(seed ^ request_salt);
  std::vector<double> weights;
  for (const model::bound_route& each : routes) {
    if (const auto added = source.add(each, authority); !added) {
      return std::unexpected(fmt::format("route \"{}\": {}", each.name, added.error()));
    }
    weights.push_back(each.weight);
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (route& each : source.routes_) each.share /= sum;
  source.which_ = alias_table(weights);
  return source;
}

draw_stream request_source::values_of(arrival_number at, std::size_t placeholder) const {
  return draw_stream(mix(bits_of(at) ^ ((placeholder + 1) * golden_gamma)));
}

void request_source::draw_values(std::size_t index, arrival_number at, draft& into) const {
  const recipe& how = recipes_[index];
  if (into.values.size() < how.values.size()) into.values.resize(how.values.size());
  for (std::size_t i = 0; i < how.values.size(); ++i) {
    how.values[i].draw(values_of(at, how.streams[i]), at.ordinal(), into.values[i]);
  }
}

std::string_view request_source::fill_in(std::size_t index, arrival_number at, draft& into) const {
  draw_values(index, at, into);
  return expand(index, into);
}

std::string_view request_source::render(std::size_t index, arrival_number at, draft& into,
                                        std::span<const given_value> given) const {
  draw_values(index, at, into);
  for (const given_value& each : given) into.values[each.placeholder].assign(each.value);
  return expand(index, into);
}

std::string_view request_source::expand(std::size_t index, draft& into) const {
  const recipe& how = recipes_[index];
  into.bytes.clear();
  how.head.expand(into.values, into.bytes);
  if (how.has_body) {
    into.body.clear();
    how.body.expand(into.values, into.body);
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), into.body.size()).ptr;
    into.bytes.append("Content-Length: ").append(digits.data(), end).append("\r\n\r\n").append(into.body);
  } else {
    into.bytes.append("\r\n");
  }
  return into.bytes;
}

std::string request_source::key_of(std::size_t index, arrival_number at) const {
  const std::size_t placeholder = routes_[index].key.value();
  const recipe& how = recipes_[index];
  std::string value;
  how.values[placeholder].draw(values_of(at, how.streams[placeholder]), at.ordinal(), value);
  return value;
}

}  // namespace assay::load
