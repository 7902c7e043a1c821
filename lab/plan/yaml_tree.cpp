#include "lab/plan/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

namespace assay::plan {
namespace {

constexpr std::size_t most_quoted = 60;

struct refusal {
  place at;
  std::string why;
};

place place_of(const YAML::Mark& mark) { return {.line = mark.line + 1, .column = mark.column + 1}; }

// Builds the tree from the parser's events. Leaves by an exception, as the parser itself does.
class builder final : public YAML::EventHandler {
 public:
  explicit builder(const yaml_limits& limits) : limits_(limits) {}

  yaml_node take() { return std::move(root_); }
  bool begun() const { return begun_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, "", anchor, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw refusal{place_of(mark), "aliases are not supported; write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // Plain and empty or one of the words for nothing; quoted scalars are text whatever they hold.
    const bool nothing = tag == "?" && (value.empty() || value == "~" || value == "null");
    yaml_node node;
    node.is = nothing ? yaml_node::form::nothing : yaml_node::form::scalar;
    node.text = value;
    node.quoted = tag == "!";
    add(mark, tag, anchor, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, yaml_node::form::list);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, yaml_node::form::map);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct level {
    yaml_node* node;
    bool key_read = false;
    std::unordered_map<std::string, int> lines = {};  // of a map: where each key stands
  };

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, yaml_node::form form) {
    if (open_.size() >= limits_.nesting) {
      throw refusal{place_of(mark), fmt::format("nested deeper than {} levels", limits_.nesting)};
    }
    yaml_node node;
    node.is = form;
    // Only the innermost level grows, so the pointers of the outer ones stay good.
    open_.push_back({.node = &add(mark, tag, anchor, std::move(node))});
  }

  yaml_node& add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, yaml_node node) {
    node.at = place_of(mark);
    if (anchor != 0) throw refusal{node.at, "anchors are not supported; write the value out"};
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw refusal{node.at, fmt::format("tag {} is not supported", in_quotes(tag))};
    }
    if (++nodes_ > limits_.nodes) throw refusal{node.at, fmt::format("more than {} values", limits_.nodes)};
    begun_ = true;
    if (open_.empty()) return root_ = std::move(node);
    yaml_node& parent = *open_.back().node;
    if (parent.is == yaml_node::form::list) return parent.items.emplace_back(std::move(node));
    if (!open_.back().key_read) return add_key(parent, std::move(node));
    open_.back().key_read = false;
    // The parser notices a missing value at the next thing it finds; the user missed it behind the key.
    if (node.is == yaml_node::form::nothing) node.at = parent.entries.back().at;
    return parent.entries.back().value = std::move(node);
  }

  yaml_node& add_key(yaml_node& map, yaml_node key) {
    if (key.is != yaml_node::form::scalar) throw refusal{key.at, "expected a key, a word"};
    const bool control = std::ranges::any_of(key.text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
    if (control || key.text.size() > most_key_bytes)
      throw refusal{key.at, "expected a key, found " + in_quotes(key.text)};
    const auto [first, is_new] = open_.back().lines.try_emplace(key.text, key.at.line);
    if (!is_new) {
      throw refusal{key.at, fmt::format("duplicate key {}, first in line {}", in_quotes(key.text), first->second)};
    }
    if (map.entries.size() >= limits_.keys) throw refusal{key.at, fmt::format("more than {} keys", limits_.keys)};
    open_.back().key_read = true;
    return map.entries.emplace_back(yaml_entry{.key = key.text, .at = key.at, .value = {}}).value;
  }

  static constexpr std::size_t most_key_bytes = 200;

  yaml_limits limits_;
  yaml_node root_;
  std::vector<level> open_;
  std::size_t nodes_ = 0;
  bool begun_ = false;
};

// The offset of the first byte that is no UTF-8 text, or npos. Control characters but tab and line ends count as none.
std::size_t find_foreign_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t offset) -> unsigned {
      return i + offset < text.size() ? static_cast<unsigned char>(text[i + offset]) : 0;
    };
    const unsigned first = byte(0);
    const bool control = (first < 0x20 && first != '\t' && first != '\n' && first != '\r') || first == 0x7f;
    const std::size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (control || length == 0 || first > 0xf4) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(k) & 0xc0) != 0x80) return i;
    }
    const unsigned second = byte(1);  // overlong forms, surrogates, beyond the last code point
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f)) {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

place place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return {.line = static_cast<int>(std::ranges::count(before, '\n')) + 1,
          .column = static_cast<int>(offset - line_start) + 1};
}

}  // namespace

const yaml_node* yaml_node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &yaml_entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

std::string error_at(const std::string& file, place at, std::string_view why) {
  return fmt::format("{}:{}:{}: {}", file, at.line, at.column, why);
}

std::string in_quotes(std::string_view text) {
  std::string shown(text.substr(0, most_quoted));
  std::ranges::replace_if(shown, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return fmt::format("\"{}{}\"", shown, text.size() > most_quoted ? "..." : "");
}

std::expected<yaml_node, std::string> parse_yaml(const std::string& file, const std::string& text,
                                                 const yaml_limits& limits) {
  if (text.size() > limits.bytes) {
    return std::unexpected(fmt::format("{}: larger than {} bytes", file, limits.bytes));
  }
  if (const std::size_t foreign = find_foreign_byte(text); foreign != std::string_view::npos) {
    return std::unexpected(error_at(file, place_at(text, foreign), "this byte is no UTF-8 text"));
  }
  try {
    std::istringstream input(text);
    YAML::Parser parser(input);
    builder built(limits);
    if (!parser.HandleNextDocument(built) || !built.begun()) return std::unexpected(file + ": the file is empty");
    yaml_node root = built.take();
    if (builder further(limits); parser.HandleNextDocument(further)) {
      return std::unexpected(file + ": more than one YAML document");
    }
    return root;
  } catch (const refusal& refused) {
    return std::unexpected(error_at(file, refused.at, refused.why));
  } catch (const YAML::Exception& wrong) {
    const place at = wrong.mark.is_null() ? place{} : place_of(wrong.mark);
    return std::unexpected(error_at(file, at, fmt::format("no valid YAML: {}", wrong.msg)));
  }
}

}  // namespace assay::plan
