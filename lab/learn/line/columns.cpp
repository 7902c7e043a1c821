#include "lab/learn/line/columns.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "lab/learn/line/field.hpp"
#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

// Takes a column off the front, without its quotes. Empty when a quote is not closed.
std::optional<std::string_view> take_column(std::string_view& rest, char separator) {
  std::string_view column;
  if (rest.starts_with('"')) {
    const auto inside = take_quoted(rest);
    if (!inside || (!rest.empty() && rest[0] != separator)) return std::nullopt;
    column = *inside;
  } else {
    column = rest.substr(0, rest.find(separator));
    rest.remove_prefix(column.size());
  }
  if (!rest.empty()) rest.remove_prefix(1);
  return column;
}

// Hands the columns of a line to their fields; returns how many there were.
std::expected<std::size_t, line_fault> set_columns(std::string_view line, char separator,
                                                   std::span<const field> meanings, line_builder& to) {
  std::size_t columns = 0;
  while (!line.empty() && columns < max_columns) {
    const auto text = take_column(line, separator);
    if (!text) return std::unexpected(line_fault::open_quote);
    if (columns < meanings.size()) {
      if (const auto set = to.set(meanings[columns], *text); !set) return std::unexpected(set.error());
    }
    ++columns;
  }
  return columns;
}

using enum field;

constexpr std::array alb_columns{skipped,      // type
                                 stamp,        // of the response
                                 skipped,      // load balancer
                                 address,      // client:port
                                 skipped,      // target:port
                                 took_part_s,  // request, target and response processing
                                 upstream_part_s,
                                 took_part_s,
                                 status,
                                 skipped,        // target's status
                                 request_bytes,  // received
                                 wire_bytes,
                                 request,
                                 agent,
                                 skipped,
                                 skipped,
                                 skipped,
                                 skipped,
                                 vhost,    // domain name
                                 skipped,  // certificate
                                 skipped,  // rule
                                 start};

constexpr std::array elb_columns{stamp,           skipped,     address, skipped, took_part_s,
                                 upstream_part_s, took_part_s, status,  skipped, request_bytes,
                                 wire_bytes,      request,     agent};

struct column_rules {
  std::string_view name;
  std::span<const field> meanings;
  std::size_t fewest = 0;
  stamped stamp_is = stamped::end;
  std::span<const std::string_view> first_words;  // one of these begins a line; empty: anything
};

class fixed_parser : public line_parser {
 public:
  explicit fixed_parser(column_rules rules) : rules_(rules) {}

  std::string_view name() const override { return rules_.name; }

  std::expected<access_line, line_fault> parse(std::string_view line) override {
    if (const auto sound = check_line(line); !sound) return std::unexpected(sound.error());
    const std::string_view first = line.substr(0, line.find(' '));
    const bool begins =
        rules_.first_words.empty() || std::ranges::find(rules_.first_words, first) != rules_.first_words.end();
    if (!begins) return std::unexpected(line_fault::no_match);
    builder_.begin(rules_.stamp_is);
    const auto columns = set_columns(line, ' ', rules_.meanings, builder_);
    if (!columns) return std::unexpected(columns.error());
    if (*columns < rules_.fewest) return std::unexpected(line_fault::no_match);
    return builder_.finish();
  }

 private:
  column_rules rules_;
  line_builder builder_;
};

constexpr std::array w3c_names{
    std::pair{std::string_view("date"), date},
    std::pair{std::string_view("time"), time},
    std::pair{std::string_view("c-ip"), address},
    std::pair{std::string_view("cs-username"), user},
    std::pair{std::string_view("cs-method"), method},
    std::pair{std::string_view("cs-uri-stem"), path},
    std::pair{std::string_view("cs-uri-query"), query},
    std::pair{std::string_view("cs-uri"), target},
    std::pair{std::string_view("cs-version"), protocol},
    std::pair{std::string_view("cs-protocol-version"), protocol},
    std::pair{std::string_view("cs-host"), vhost},
    std::pair{std::string_view("cs(Host)"), vhost},
    std::pair{std::string_view("x-host-header"), vhost},
    std::pair{std::string_view("sc-status"), status},
    std::pair{std::string_view("sc-bytes"), wire_bytes},
    std::pair{std::string_view("sc-content-len"), bytes},
    std::pair{std::string_view("cs-bytes"), request_bytes},
    std::pair{std::string_view("cs(Referer)"), referer},
    std::pair{std::string_view("cs(User-Agent)"), agent},
    std::pair{std::string_view("cs(X-Forwarded-For)"), forwarded_for},
    std::pair{std::string_view("X-Forwarded-For"), forwarded_for},
    std::pair{std::string_view("x-forwarded-for"), forwarded_for},
    std::pair{std::string_view("time-taken"), took_s},
};

class w3c_parser : public line_parser {
 public:
  std::string_view name() const override { return name_; }
  void reset() override {
    meanings_.clear();
    in_milliseconds_ = false;
  }

  std::expected<access_line, line_fault> parse(std::string_view line) override {
    if (const auto sound = check_line(line); !sound) return std::unexpected(sound.error());
    if (line.starts_with('#')) return read_directive(line);
    if (meanings_.empty()) return std::unexpected(line_fault::no_header);
    builder_.begin(stamped::end);
    const auto columns = set_columns(line, separator_, meanings_, builder_);
    if (!columns) return std::unexpected(columns.error());
    if (*columns != meanings_.size()) return std::unexpected(line_fault::no_match);
    return builder_.finish();
  }

 private:
  std::expected<access_line, line_fault> read_directive(std::string_view line) {
    constexpr std::string_view fields = "#Fields:";
    constexpr std::string_view software = "#Software:";
    if (line.starts_with(software)) in_milliseconds_ = line.find("Microsoft") != std::string_view::npos;
    if (line.starts_with(fields)) read_fields(line.substr(fields.size()));
    return std::unexpected(line_fault::aside);
  }

  void read_fields(std::string_view line) {
    meanings_.clear();
    name_ = line.find("x-edge-location") == std::string_view::npos ? "w3c" : "cloudfront";
    // CloudFront names its columns with spaces between and then separates them by tabs.
    separator_ = name_ == "cloudfront" || line.find('\t') != std::string_view::npos ? '\t' : ' ';
    while (!line.empty() && meanings_.size() < max_columns) {
      const std::string_view word = line.substr(0, line.find_first_of(" \t"));
      line.remove_prefix(std::min(word.size() + 1, line.size()));
      if (word.empty()) continue;
      const auto known = std::ranges::find(w3c_names, word, [](const auto& each) { return each.first; });
      meanings_.push_back(known == w3c_names.end() ? skipped : known->second);
    }
    if (in_milliseconds_) std::ranges::replace(meanings_, took_s, took_ms);
  }

  std::string_view name_ = "w3c";
  std::vector<field> meanings_;
  char separator_ = ' ';
  bool in_milliseconds_ = false;
  line_builder builder_;
};

constexpr std::array<std::string_view, 7> alb_types{"http", "https", "h2", "grpc", "grpcs", "ws", "wss"};

}  // namespace

parser_pointer make_alb_parser() {
  return std::make_unique<fixed_parser>(column_rules{
      .name = "alb", .meanings = alb_columns, .fewest = 16, .stamp_is = stamped::end, .first_words = alb_types});
}

parser_pointer make_elb_parser() {
  // The stamp is that of the request's arrival.
  return std::make_unique<fixed_parser>(column_rules{
      .name = "elb", .meanings = elb_columns, .fewest = 12, .stamp_is = stamped::start, .first_words = {}});
}

parser_pointer make_w3c_parser() { return std::make_unique<w3c_parser>(); }

}  // namespace assay::learn
