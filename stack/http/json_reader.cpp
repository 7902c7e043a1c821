#include "stack/http/json_reader.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

namespace assay::http {
namespace {

constexpr std::size_t shown_bytes = 40;            // of a value that is not what was expected
constexpr double most_exact = 9007199254740991.0;  // 2^53 - 1: 2^53 is also what 2^53 + 1 is read as

struct node;
using node_list = std::vector<node>;
using node_map = std::vector<std::pair<std::string, node>>;

struct node {
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, node_list, node_map> held;
};

// Of UTF-8, in which all text in here is: the reader refuses any other.
bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::string in_quotes(std::string_view text) {
  if (text.size() <= shown_bytes) return "\"" + std::string(text) + "\"";
  std::size_t end = shown_bytes;
  while (end > 0 && is_inside_character(text[end])) end--;
  return "\"" + std::string(text.substr(0, end)) + "...\"";
}

std::string shown(const node& of) {
  struct {
    std::string operator()(std::nullptr_t) const { return "null"; }
    std::string operator()(bool yes) const { return yes ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(std::uint64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return nlohmann::json(number).dump(); }
    std::string operator()(const std::string& text) const { return in_quotes(text); }
    std::string operator()(const node_list&) const { return "a list"; }
    std::string operator()(const node_map&) const { return "an object"; }
  } say;
  return std::visit(say, of.held);
}

// Builds the tree, within limits, and says what is wrong with the text.
class builder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit builder(const json_limits& limits) : limits_(limits) {}

  bool null() { return add(nullptr); }
  bool boolean(bool yes) { return add(yes); }
  bool number_integer(number_integer_t number) { return add(std::int64_t{number}); }
  bool number_unsigned(number_unsigned_t number) { return add(std::uint64_t{number}); }
  bool number_float(number_float_t number, const string_t&) { return add(number); }
  bool string(string_t& text) { return add(std::move(text)); }
  bool binary(binary_t&) { return false; }  // not in text
  bool start_object(std::size_t) { return open(node_map()); }
  bool start_array(std::size_t) { return open(node_list()); }
  bool key(string_t& name) {
    name_ = std::move(name);
    return true;
  }
  bool end_array() {
    open_.pop_back();
    return true;
  }
  bool end_object() {
    std::vector<std::string_view> names;
    for (const auto& [name, of] : std::get<node_map>(open_.back()->held)) names.push_back(name);
    open_.pop_back();
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    return twice == names.end() || fail(in_quotes(*twice) + " is there twice");
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) {
    return fail("not JSON, at byte " + std::to_string(at));
  }

  node root;
  std::string wrong;

 private:
  bool fail(std::string why) {
    if (wrong.empty()) wrong = std::move(why);
    return false;
  }
  template <class T>
  bool add(T value) {
    return place(node{std::move(value)}) != nullptr;
  }
  template <class T>
  bool open(T empty) {
    if (open_.size() >= limits_.max_depth) return fail("nested deeper than " + std::to_string(limits_.max_depth));
    node* const made = place(node{std::move(empty)});
    if (made != nullptr) open_.push_back(made);
    return made != nullptr;
  }
  // A node that is open is the last of its parent's, so it stays where it is.
  node* place(node value) {
    if (values_++ >= limits_.max_values) {
      fail("more than " + std::to_string(limits_.max_values) + " values");
      return nullptr;
    }
    if (open_.empty()) return &(root = std::move(value));
    if (auto* const list = std::get_if<node_list>(&open_.back()->held)) return &list->emplace_back(std::move(value));
    return &std::get<node_map>(open_.back()->held).emplace_back(std::move(name_), std::move(value)).second;
  }

  const json_limits& limits_;
  std::vector<node*> open_;
  std::string name_;
  std::size_t values_ = 0;
};

const node& node_of(const void* at) { return *static_cast<const node*>(at); }

}  // namespace

struct json_reader::document {
  node root;
  std::string wrong;
};

json_reader::json_reader(std::string_view text, const json_limits& limits) : of_(std::make_shared<document>()) {
  builder reads(limits);
  if (!nlohmann::json::sax_parse(text, &reads)) {
    of_->wrong = reads.wrong.empty() ? "not JSON" : std::move(reads.wrong);
    return;
  }
  of_->root = std::move(reads.root);
  node_ = &of_->root;
  if (!std::holds_alternative<node_map>(of_->root.held)) mismatch({.node = node_}, "an object");
}

json_reader::json_reader(std::shared_ptr<document> of, place at)
    : of_(std::move(of)), node_(at.node), path_(std::move(at.path)) {}

bool json_reader::ok() const { return of_->wrong.empty(); }
const std::string& json_reader::wrong() const { return of_->wrong; }

std::string json_reader::path_of(std::string_view member) const {
  return path_.empty() ? std::string(member) : path_ + "." + std::string(member);
}

void json_reader::trouble(const std::string& path, std::string_view sentence) {
  if (of_->wrong.empty()) of_->wrong = path.empty() ? std::string(sentence) : path + ": " + std::string(sentence);
}

void json_reader::mismatch(const place& at, const std::string& expected) {
  trouble(at.path, "expected " + expected + ", is " + shown(node_of(at.node)));
}

void json_reader::refuse(std::string_view member, std::string_view expected) {
  trouble(path_of(member), "expected " + std::string(expected));
}

json_reader::place json_reader::child(std::string_view member, bool required) {
  place at{.path = path_of(member)};
  if (node_ == nullptr) return at;
  const auto* const members = std::get_if<node_map>(&node_of(node_).held);
  if (members == nullptr) {
    mismatch({.node = node_, .path = path_}, "an object");
    return at;
  }
  const auto found = std::ranges::find(*members, member, &node_map::value_type::first);
  const bool there = found != members->end() && !std::holds_alternative<std::nullptr_t>(found->second.held);
  if (there) at.node = &found->second;
  if (!there && required) trouble(at.path, found == members->end() ? "missing" : "expected a value, is null");
  return at;
}

json_reader json_reader::object(std::string_view member) {
  place at = child(member, true);
  if (at.node != nullptr && !std::holds_alternative<node_map>(node_of(at.node).held)) {
    mismatch(at, "an object");
    at.node = nullptr;
  }
  return {of_, std::move(at)};
}

std::vector<json_reader> json_reader::list(std::string_view member) {
  std::vector<json_reader> each;
  const place at = child(member, true);
  if (at.node == nullptr) return each;
  const auto* const elements = std::get_if<node_list>(&node_of(at.node).held);
  if (elements == nullptr) {
    mismatch(at, "a list");
    return each;
  }
  for (const node& element : *elements) {
    each.push_back({of_, {.node = &element, .path = at.path + "[" + std::to_string(each.size()) + "]"}});
  }
  return each;
}

std::optional<std::uint64_t> json_reader::read_whole(const place& at, std::int64_t least, std::uint64_t most) {
  if (at.node == nullptr) return std::nullopt;
  const node& of = node_of(at.node);
  if (const auto* large = std::get_if<std::uint64_t>(&of.held); large != nullptr && *large <= most) return *large;
  if (const auto* below = std::get_if<std::int64_t>(&of.held); below != nullptr && *below >= least) {
    if (*below < 0 || static_cast<std::uint64_t>(*below) <= most) return static_cast<std::uint64_t>(*below);
  }
  if (const auto* real = std::get_if<double>(&of.held); real != nullptr && std::abs(*real) <= most_exact) {
    const auto whole = static_cast<std::int64_t>(*real);
    const bool fits = whole >= least && (whole < 0 || static_cast<std::uint64_t>(whole) <= most);
    if (fits && static_cast<double>(whole) == *real) return static_cast<std::uint64_t>(whole);
  }
  mismatch(at, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<double> json_reader::read_number(const place& at) {
  if (at.node == nullptr) return std::nullopt;
  const node& of = node_of(at.node);
  if (const auto* real = std::get_if<double>(&of.held)) return *real;
  if (const auto* whole = std::get_if<std::uint64_t>(&of.held)) return static_cast<double>(*whole);
  if (const auto* below = std::get_if<std::int64_t>(&of.held)) return static_cast<double>(*below);
  mismatch(at, "a number");
  return std::nullopt;
}

std::optional<bool> json_reader::read_bool(const place& at) {
  if (at.node == nullptr) return std::nullopt;
  if (const auto* yes = std::get_if<bool>(&node_of(at.node).held)) return *yes;
  mismatch(at, "true or false");
  return std::nullopt;
}

std::optional<std::string> json_reader::read_text(const place& at) {
  if (at.node == nullptr) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&node_of(at.node).held)) return *text;
  mismatch(at, "text");
  return std::nullopt;
}

}  // namespace assay::http
