// The tables of routes and of the values in them.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "lab/model/feed.hpp"
#include "lab/plan/drafts.hpp"

namespace assay::plan {
namespace {

constexpr double most_integer = 9007199254740992;  // 2^53: exact in every reader of the file
constexpr double most_exponent = 10;
constexpr double most_weight = 1e15;
constexpr double most_visitors = 65'536;
constexpr int least_status = 100;
constexpr int most_status = 599;

const section& zipf_section() {
  static const section table = [] {
    keys_of<zipf_draft> keys("zipf", "popularity by rank: LOW is drawn most, rank r with probability ~ r^-exponent");
    keys.integer("low", &zipf_draft::low, -most_integer, most_integer, "the most popular value").required();
    keys.integer("high", &zipf_draft::high, -most_integer, most_integer, "the least popular value").required();
    keys.number("exponent", &zipf_draft::exponent, 0, most_exponent, "0 is uniform; web pages lie between 0.6 and 1.2")
        .otherwise("1");
    keys.word("popularity", &zipf_draft::from, std::vector{popularity::written, popularity::profile},
              "profile, in a binding only: the exponent is the profile's, `exponent` where the profile has none");
    return keys.finished_by([](reader& in, const std::string& path, const yaml_node& node, zipf_draft& into) {
      if (into.low > into.high) in.refuse(node.at, path + ": expected low not above high");
    });
  }();
  return table;
}

const section& visitor_section() {
  static const section table = [] {
    keys_of<visitor_draft> keys("visitor",
                                "a number that comes back, so that in a header such as `user-agent: visitor-{visitor}` "
                                "the requests of all routes "
                                "together make sessions");
    keys.number("requests_mean", &visitor_draft::requests_mean, 1, most_requests_mean, "of a visitor").otherwise("1");
    keys.number("single_share", &visitor_draft::single_share, 0, 1, "of the visitors: those that ask once")
        .otherwise("1 / requests_mean");
    keys.integer("at_a_time", &visitor_draft::at_a_time, 1, most_visitors,
                 "visitors, a power of two or the next above; between two requests of one lie about as many of others, "
                 "which "
                 "is its time to think: at most some minutes of them, or its session falls apart")
        .otherwise(fmt::format("{}", model::value_source().at_a_time));
    keys.flag(
        "like_log", &visitor_draft::like_log,
        "in a binding only: the first two are the profile's, those written where it has none; `at_a_time`, unless "
        "written, is so many that at the baseline they think as long as the profile's do on the average");
    return keys.done();
  }();
  return table;
}

void finish_source(reader& in, const std::string& path, const yaml_node& node, source_draft& into) {
  using kind = model::value_source::kind;
  const bool choice = node.find("choice") != nullptr;
  const int forms = !into.integer.empty() + into.zipf.has_value() + choice + !into.feed.empty() +
                    into.constant.has_value() + into.uuid + into.sequence.has_value() + into.visitor.has_value();
  const auto refuse = [&](std::string_view why) { in.refuse(node.at, path + ": " + std::string(why)); };
  if (forms != 1)
    return refuse("expected exactly one of integer, zipf, choice, feed, uuid, sequence, visitor, constant");
  if (!into.column.empty() && into.feed.empty()) return refuse("\"column\" is of a feed, and there is none");
  into.from = into.uuid ? kind::uuid : into.constant ? kind::constant : into.zipf ? kind::zipf : kind::choice;
  if (into.constant) into.text = *into.constant;
  if (into.sequence) {
    into.from = kind::sequence;
    into.low = *into.sequence;
  }
  if (into.visitor) {
    into.from = kind::visitor;
    into.requests_mean = into.visitor->requests_mean.value_or(1);
    into.single_share = into.visitor->single_share.value_or(1 / into.requests_mean);
    into.at_a_time = into.visitor->at_a_time.value_or(into.at_a_time);
    // Those who ask again ask twice at least, and 513 times on the average at most (lab/load/visitor_draw.hpp).
    const double again = 1 - into.single_share;
    const double mean = again > 0 ? (into.requests_mean - into.single_share) / again : 2;
    const bool can_be = again > 0 ? mean >= 1.99 && mean <= 513 : into.requests_mean <= 1;
    if (!into.visitor->like_log && !can_be) {
      return refuse("visitor: expected a requests_mean of 2 - single_share or more, and few enough of those who stay");
    }
  }
  if (choice && into.choices.empty()) return refuse("expected at least one choice");
  if (!into.integer.empty()) {
    if (into.integer.size() != 2 || into.integer[0] > into.integer[1]) {
      return refuse("expected integer: [LOW, HIGH] with LOW not above HIGH");
    }
    into.from = kind::integer;
    into.low = into.integer[0];
    into.high = into.integer[1];
  }
  if (into.zipf) {
    into.low = into.zipf->low;
    into.high = into.zipf->high;
    into.exponent = into.zipf->exponent.value_or(1);
  }
  if (into.feed.empty()) return;
  into.feed = in.absolute(into.feed);
  auto lines = model::read_feed(into.feed, into.column);
  if (!lines) return refuse(lines.error());
  into.choices = std::move(*lines);
}

// The method and, when none is written, the target come from the route's name.
void finish_route(reader& in, const std::string& path, const yaml_node& node, route_draft& route) {
  const std::size_t space = std::min(route.name.find(' '), route.name.size());
  route.method = route.name.substr(0, space);
  const bool upper = std::ranges::all_of(route.method, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (route.method.empty() || !upper || !route.name.substr(space).starts_with(" /")) {
    return in.expected(path + ".route", *node.find("route"), "a method and a path such as GET /items/{id}");
  }
  if (route.target.empty()) route.target = route.name.substr(space + 1);
  for (const auto& [name, source] : route.sources) route.values[name] = source;
}

}  // namespace

std::string_view label(popularity from) { return from == popularity::profile ? "profile" : "exponent"; }

void refuse_likeness(reader& in, const std::string& path, const yaml_node& route, const route_draft& draft) {
  for (const auto& [name, source] : draft.sources) {
    if (!source.visitor || !source.visitor->like_log) continue;
    in.refuse(
        route.at,
        fmt::format("{}.values.{}.visitor.like_log: for bindings only; assay plan writes the numbers out", path, name));
  }
}

void source_from_text(reader& in, const yaml_node& node, source_draft& into) {
  into.uuid = node.text == "uuid";
  into.from = model::value_source::kind::uuid;
  if (into.uuid) return;
  in.refuse(node.at,
            "expected uuid, or one of {integer: ...}, {zipf: ...}, {choice: ...}, {feed: ...}, "
            "{sequence: ...}, {visitor: ...}, {constant: ...}, found " +
                in_quotes(node.text));
}

const section& values_section() {
  static const section table = [] {
    keys_of<source_draft> keys("value", "where a placeholder's value comes from: exactly one of these, or just `uuid`");
    keys.integers("integer", &source_draft::integer, -most_integer, most_integer,
                  "[LOW, HIGH]: uniform, both ends included");
    keys.object("zipf", &source_draft::zipf, zipf_section(), "integers of unequal popularity");
    keys.texts("choice", &source_draft::choices, "one of these texts, all alike likely");
    keys.text("feed", &source_draft::feed,
              "a file: .csv with a header line, .jsonl, else one value a line; columns of one file by the row");
    keys.text("column", &source_draft::column, "of a .csv feed; the member of a .jsonl one");
    keys.flag("uuid", &source_draft::uuid, "a fresh UUID for each request, from the seed");
    keys.integer("sequence", &source_draft::sequence, -most_integer, most_integer,
                 "this number and upwards, with the requests of all routes together: none comes twice");
    keys.object("visitor", &source_draft::visitor, visitor_section(), "whose request it is: sessions");
    keys.text("constant", &source_draft::constant, "always this text");
    return keys.finished_by(finish_source);
  }();
  return table;
}

const section& route_section() {
  static const section table = [] {
    keys_of<route_draft> keys("route", "a route of the workload, bound to data");
    keys.text("route", &route_draft::name, "method and path, as in the profile: GET /items/{id}").required();
    keys.text("target", &route_draft::target, "what is sent, with {placeholders}: /items/{id}?page={page}")
        .otherwise("the route's path");
    keys.number("weight", &route_draft::weight, 0, most_weight,
                "its part of the requests, in proportion to the other weights");
    keys.text_map("headers", &route_draft::headers, "name to value, with {placeholders}");
    keys.text("body", &route_draft::body, "with {placeholders}; {{ and }} are literal braces");
    keys.object_map("values", &route_draft::sources, values_section(),
                    "each placeholder's name to where its value comes from", source_from_text);
    keys.integers("expected", &route_draft::expected, least_status, most_status, "statuses that are no error")
        .otherwise("every one below 400");
    keys.text("acknowledged_by", &route_draft::acknowledged_by,
              "the placeholder whose value identifies a write; acknowledged ones are looked up afterwards");
    return keys.finished_by(finish_route);
  }();
  return table;
}

}  // namespace assay::plan
