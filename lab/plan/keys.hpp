// The table of keys: each says its name, type, range, default and what it is for, and how it gets into the value.
// The decoder, its error texts, the JSON Schema and the reference page all come from this one table.
//
// Misuse: checking one key against another here. A section's `finish` sees one object of the file; what spans the
// whole plan is checks.hpp's.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lab/plan/yaml_tree.hpp"

namespace assay::plan {

inline constexpr std::size_t most_items = 1000;            // of any list or free mapping
inline constexpr std::size_t most_text_bytes = 64 * 1024;  // of one text

enum class value_type : std::uint8_t {
  text,
  flag,
  integer,
  number,
  duration,
  rate,      // 100, or 10x of the baseline
  word,      // one of `words`
  texts,     // list
  integers,  // list
  numbers,   // list
  text_map,
  object,
  objects,     // list
  object_map,  // names of the user's choice to objects
};

inline constexpr double least_rate = 0.001;  // a second; of "10x" the factor
inline constexpr double most_rate = 1e6;

// 100, or 10x.
struct rate_text {
  double number = 0;
  bool times_baseline = false;

  double per_s(double baseline_per_s) const { return times_baseline ? number * baseline_per_s : number; }
};

// The first error wins: the user mends a file from the top.
class reader {
 public:
  reader(std::string file, std::filesystem::path directory)
      : file_(std::move(file)), directory_(std::move(directory)) {}

  void refuse(place at, std::string_view why) {
    if (error_.empty()) error_ = error_at(file_, at, why);
  }
  void adopt(std::string error) {
    if (error_.empty()) error_ = std::move(error);
  }
  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }
  // Paths in a file are relative to the file.
  std::string absolute(const std::string& path) const { return (directory_ / path).lexically_normal().string(); }

  // "PATH: expected WHAT, found …"
  void expected(const std::string& path, const yaml_node& node, std::string_view what);
  std::optional<std::string> text(const std::string& path, const yaml_node& node);
  std::optional<double> number(const std::string& path, const yaml_node& node, double least, double greatest);
  std::optional<std::int64_t> integer(const std::string& path, const yaml_node& node, double least, double greatest);
  std::optional<bool> flag(const std::string& path, const yaml_node& node);
  std::optional<std::chrono::nanoseconds> duration(const std::string& path, const yaml_node& node, double least,
                                                   double greatest);
  std::optional<std::size_t> word(const std::string& path, const yaml_node& node,
                                  const std::vector<std::string>& words);
  std::optional<rate_text> rate(const std::string& path, const yaml_node& node);
  // True when it is a list, or a mapping, of a length that is allowed.
  bool list(const std::string& path, const yaml_node& node, std::size_t least = 0, std::size_t most = most_items);
  bool mapping(const std::string& path, const yaml_node& node);

 private:
  std::string file_;
  std::filesystem::path directory_;
  std::string error_;
};

struct section;

struct key {
  std::string name;
  value_type type = value_type::text;
  std::string doc;
  double least = 0;  // of numbers; of durations in seconds
  double greatest = 0;
  std::vector<std::string> words;
  std::string fallback;  // as printed; empty: none
  bool needed = false;
  bool or_text = false;            // a text may stand for the object
  const section* inner = nullptr;  // of objects
  std::function<void(reader&, const key&, const std::string& path, const yaml_node&, void*)> set;
};

struct section {
  std::string name;  // "phase"
  std::string doc;
  std::vector<key> keys;
  std::function<void(reader&, const std::string& path, const yaml_node&, void*)> finish;  // may be empty
};

void decode(reader& in, const section& described, const std::string& path, const yaml_node& node, void* into);

// Each section that is reachable from this one, itself first, every one once.
std::vector<const section*> sections_from(const section& root);

std::string default_text(const std::string& value);
std::string default_text(double value);
std::string default_text(std::chrono::nanoseconds value);

template <typename T>
using from_text = std::function<void(reader&, const yaml_node&, T&)>;

// Describes the keys of a T one after the other; `required()` is said of the last.
template <typename T>
class keys_of {
 public:
  keys_of(std::string name, std::string doc) { made_.name = std::move(name), made_.doc = std::move(doc); }

  template <typename F>
  keys_of& text(std::string name, F field, std::string doc) {
    key& added = add(std::move(name), value_type::text, std::move(doc), field);
    added.set = [field](reader& in, const key&, const std::string& path, const yaml_node& node, void* into) {
      if (auto read = in.text(path, node)) of(into, field) = std::move(*read);
    };
    return *this;
  }
  template <typename F>
  keys_of& flag(std::string name, F field, std::string doc) {
    key& added = add(std::move(name), value_type::flag, std::move(doc));
    added.fallback = default_of(field) ? "true" : "false";
    added.set = [field](reader& in, const key&, const std::string& path, const yaml_node& node, void* into) {
      if (auto read = in.flag(path, node)) of(into, field) = *read;
    };
    return *this;
  }
  template <typename F>
  keys_of& integer(std::string name, F field, double least, double greatest, std::string doc) {
    key& added = add(std::move(name), value_type::integer, std::move(doc), field).within(least, greatest);
    added.set = [field](reader& in, const key& self, const std::string& path, const yaml_node& node, void* into) {
      const auto read = in.integer(path, node, self.least, self.greatest);
      if (!read) return;
      if constexpr (std::is_same_v<value_of<F>, std::optional<std::int64_t>>) {
        of(into, field) = read;
      } else {
        of(into, field) = static_cast<value_of<F>>(*read);
      }
    };
    return *this;
  }
  template <typename F>
  keys_of& number(std::string name, F field, double least, double greatest, std::string doc) {
    key& added = add(std::move(name), value_type::number, std::move(doc), field).within(least, greatest);
    added.set = [field](reader& in, const key& self, const std::string& path, const yaml_node& node, void* into) {
      if (const auto read = in.number(path, node, self.least, self.greatest)) {
        const double value = *read;  // the field may be optional itself
        of(into, field) = value;
      }
    };
    return *this;
  }
  template <typename F>
  keys_of& duration(std::string name, F field, double least_s, double greatest_s, std::string doc) {
    key& added = add(std::move(name), value_type::duration, std::move(doc), field).within(least_s, greatest_s);
    added.set = [field](reader& in, const key& self, const std::string& path, const yaml_node& node, void* into) {
      if (auto read = in.duration(path, node, self.least, self.greatest)) of(into, field) = *read;
    };
    return *this;
  }
  // An enumeration whose words are its labels.
  template <typename F, typename E>
  keys_of& word(std::string name, F field, const std::vector<E>& all, std::string doc) {
    key& added = add(std::move(name), value_type::word, std::move(doc));
    for (const E each : all) added.words.emplace_back(label(each));
    added.fallback = label(default_of(field));
    added.set = [field, all](reader& in, const key& self, const std::string& path, const yaml_node& node, void* into) {
      if (auto read = in.word(path, node, self.words)) of(into, field) = all[*read];
    };
    return *this;
  }
  template <typename F>
  keys_of& rate(std::string name, F field, std::string doc) {
    key& added = add(std::move(name), value_type::rate, std::move(doc)).within(least_rate, most_rate);
    added.set = [field](reader& in, const key&, const std::string& path, const yaml_node& node, void* into) {
      if (const auto read = in.rate(path, node)) of(into, field) = *read;
    };
    return *this;
  }
  template <typename F>
  keys_of& integers(std::string name, F field, double least, double greatest, std::string doc) {
    key& added = add(std::move(name), value_type::integers, std::move(doc)).within(least, greatest);
    added.set = [field](reader& in, const key& self, const std::string& path, const yaml_node& node, void* into) {
      auto& target = of(into, field);
      if (!in.list(path, node)) return;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        const auto read = in.integer(at_index(path, i), node.items[i], self.least, self.greatest);
        if (read) target.push_back(static_cast<typename value_of<F>::value_type>(*read));
      }
    };
    return *this;
  }
  template <typename F>
  keys_of& numbers(std::string name, F field, double least, double greatest, std::string doc) {
    key& added = add(std::move(name), value_type::numbers, std::move(doc)).within(least, greatest);
    added.set = [field](reader& in, const key& self, const std::string& path, const yaml_node& node, void* into) {
      auto& target = of(into, field);
      if (!in.list(path, node)) return;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        const auto read = in.number(at_index(path, i), node.items[i], self.least, self.greatest);
        if (read) target.push_back(*read);
      }
    };
    return *this;
  }
  template <typename F>
  keys_of& texts(std::string name, F field, std::string doc) {
    key& added = add(std::move(name), value_type::texts, std::move(doc));
    added.set = [field](reader& in, const key&, const std::string& path, const yaml_node& node, void* into) {
      if (!in.list(path, node)) return;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        auto read = in.text(at_index(path, i), node.items[i]);
        if (read) of(into, field).push_back(std::move(*read));
      }
    };
    return *this;
  }
  // A mapping of texts, into a map or into a vector of pairs.
  template <typename F>
  keys_of& text_map(std::string name, F field, std::string doc) {
    key& added = add(std::move(name), value_type::text_map, std::move(doc));
    added.set = [field](reader& in, const key&, const std::string& path, const yaml_node& node, void* into) {
      auto& target = of(into, field);
      if (!in.mapping(path, node)) return;
      for (const yaml_entry& each : node.entries) {
        auto read = in.text(path + "." + each.key, each.value);
        if (read) target.insert(target.end(), {each.key, std::move(*read)});
      }
    };
    return *this;
  }
  template <typename F>
  keys_of& object(std::string name, F field, const section& inner, std::string doc) {
    key& added = add(std::move(name), value_type::object, std::move(doc)).holding(inner);
    added.set = [field](reader& in, const key& self, const std::string& path, const yaml_node& node, void* into) {
      decode(in, *self.inner, path, node, object_in(of(into, field)));
    };
    return *this;
  }
  // A scalar in the list is handed to `short_form`, when there is one.
  template <typename F>
  keys_of& objects(
      std::string name, F field, const section& inner, std::string doc,
      const from_text<typename std::remove_cvref_t<std::invoke_result_t<F, T&>>::value_type>& short_form = {}) {
    key& added = add(std::move(name), value_type::objects, std::move(doc)).holding(inner, short_form != nullptr);
    added.set = [field, short_form](reader& in, const key& self, const std::string& path, const yaml_node& node,
                                    void* into) {
      auto& target = of(into, field);
      if (!in.list(path, node, self.needed ? 1 : 0)) return;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        one(in, *self.inner, at_index(path, i), node.items[i], target.emplace_back(), short_form);
      }
    };
    return *this;
  }
  template <typename F>
  keys_of& object_map(
      std::string name, F field, const section& inner, std::string doc,
      const from_text<typename std::remove_cvref_t<std::invoke_result_t<F, T&>>::mapped_type>& short_form = {}) {
    key& added = add(std::move(name), value_type::object_map, std::move(doc)).holding(inner, short_form != nullptr);
    added.set = [field, short_form](reader& in, const key& self, const std::string& path, const yaml_node& node,
                                    void* into) {
      auto& target = of(into, field);
      if (!in.mapping(path, node)) return;
      for (const yaml_entry& each : node.entries) {
        one(in, *self.inner, path + "." + each.key, each.value, target[each.key], short_form);
      }
    };
    return *this;
  }
  keys_of& required() {
    made_.keys.back().needed = true;
    made_.keys.back().fallback.clear();
    return *this;
  }
  // What is printed where the default is not simply the value's.
  keys_of& otherwise(std::string fallback) {
    made_.keys.back().fallback = std::move(fallback);
    return *this;
  }
  // Runs when every key of an object has been read without an error: (reader, path, node, T&).
  template <typename Finish>
  section finished_by(Finish finish) {
    made_.finish = [finish](reader& in, const std::string& path, const yaml_node& node, void* into) {
      finish(in, path, node, *static_cast<T*>(into));
    };
    return std::move(made_);
  }
  section done() { return std::move(made_); }

 private:
  // A key under construction, with the parts that only some types have.
  struct fresh {
    key& made;
    fresh& within(double least, double greatest) {
      made.least = least;
      made.greatest = greatest;
      return *this;
    }
    fresh& holding(const section& inner, bool or_text = false) {
      made.inner = &inner;
      made.or_text = or_text;
      return *this;
    }
    operator key&() const { return made; }  // NOLINT(google-explicit-constructor): it is the key
  };

  // A field is a member of T or of its base, or a function from T& to it.
  template <typename F>
  using value_of = std::remove_cvref_t<std::invoke_result_t<F, T&>>;
  template <typename F>
  static auto& of(void* into, const F& field) {
    return std::invoke(field, *static_cast<T*>(into));
  }
  template <typename F>
  static value_of<F> default_of(const F& field) {
    T fresh_one{};
    return std::invoke(field, fresh_one);
  }
  static std::string at_index(const std::string& path, std::size_t i) { return path + "[" + std::to_string(i) + "]"; }
  template <typename I>
  static void* object_in(I& plain) {
    return &plain;
  }
  template <typename I>
  static void* object_in(std::optional<I>& maybe) {
    return &maybe.emplace();
  }
  template <typename I>
  static void one(reader& in, const section& inner, const std::string& path, const yaml_node& node, I& target,
                  const from_text<I>& short_form) {
    if (short_form && node.is == yaml_node::form::scalar) {
      short_form(in, node, target);
    } else {
      decode(in, inner, path, node, &target);
    }
  }
  fresh add(std::string name, value_type type, std::string doc) {
    key added;
    added.name = std::move(name);
    added.type = type;
    added.doc = std::move(doc);
    return {made_.keys.emplace_back(std::move(added))};
  }
  template <typename F>
  fresh add(std::string name, value_type type, std::string doc, F field) {
    fresh added = add(std::move(name), type, std::move(doc));
    if constexpr (std::integral<value_of<F>>) {
      added.made.fallback = std::to_string(default_of(field));
    } else if constexpr (requires { default_text(default_of(field)); }) {
      added.made.fallback = default_text(default_of(field));
    }
    return added;
  }

  section made_;
};

}  // namespace assay::plan
