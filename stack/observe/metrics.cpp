#include "stack/observe/metrics.hpp"

#include <algorithm>
#include <cassert>
#include <map>

#include "stack/observe/text_escape.hpp"

namespace assay::observe {
namespace {

constexpr std::string_view other_value = "other";
constexpr char key_separator = '\xFF';  // in no UTF-8

std::vector<std::string> split_key(std::string_view key) {
  std::vector<std::string> values;
  while (!key.empty()) {
    const std::size_t end = key.find(key_separator);
    values.emplace_back(key.substr(0, end));
    key.remove_prefix(end + 1);
  }
  return values;
}

// A metric's name in OpenMetrics: a counter "x_total" and a gauge "x" would be one.
std::string_view base_name(const metric_spec& spec, metric_kind kind) {
  std::string_view name = spec.name;
  if (kind == metric_kind::counter) name.remove_suffix(std::string_view("_total").size());
  return name;
}

void add_cells(const detail::series& from, metric_kind kind, merged_series& to) {
  for (std::size_t i = 0; i < to.cells.size(); ++i) {
    if (kind == metric_kind::gauge) {
      to.cells[i] =
          std::bit_cast<std::uint64_t>(std::bit_cast<double>(to.cells[i]) + std::bit_cast<double>(from.read(i)));
    } else {
      to.cells[i] += from.read(i);
    }
  }
}

}  // namespace

namespace detail {

bool family::admit(const std::string& key, bool* full) {
  const std::lock_guard lock(mutex_);
  const bool known = admitted_.contains(key);
  const bool fits = known || admitted_.size() < spec.max_series;
  if (fits && !known) admitted_.insert(key);
  *full = admitted_.size() == spec.max_series;
  return fits;
}

std::vector<std::string> family::admitted_keys() const {
  const std::lock_guard lock(mutex_);
  return {admitted_.begin(), admitted_.end()};
}

// Bytes that are no UTF-8 are put right here: the key is the value that is exposed, and the separator is in none.
void append_key(std::string& to, std::span<const std::string_view> values) {
  for (std::string_view rest : values) {
    rest = cut_to(rest, max_label_value_bytes);
    while (!rest.empty()) {
      const std::size_t bytes = utf8_character_bytes(rest);
      to += bytes != 0 ? rest.substr(0, bytes) : std::string_view("\xEF\xBF\xBD");
      rest.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    to += key_separator;
  }
}

}  // namespace detail

// --- a shard ---------------------------------------------------------------------------------------------------------

detail::series& shard::find(detail::family& of, std::span<const std::string_view> values) {
  assert(values.size() == of.spec.labels.size() && "a value for each label");
  std::unique_ptr<detail::family_part>& part = owned_[of.index];
  if (part == nullptr) {
    part = std::make_unique<detail::family_part>(of.spec.labels.empty() ? 1 : of.spec.max_series);
    parts_[of.index].store(part.get(), std::memory_order_release);
  }
  key_.clear();
  detail::append_key(key_, values);
  const auto found = part->index.find(key_);
  if (found != part->index.end()) return *found->second;
  if (!part->complete) return find_new(of, *part);
  return other(of, *part);
}

detail::series& shard::find_new(detail::family& of, detail::family_part& part) {
  bool full = false;
  const bool admitted = of.admit(key_, &full);
  if (full) {
    // The set of label sets is final: with all of them here, no later look-up has to ask.
    for (const std::string& key : of.admitted_keys()) {
      if (!part.index.contains(key)) add_series(of, part, key);
    }
    part.complete = true;
    return admitted ? *part.index.at(key_) : other(of, part);
  }
  return add_series(of, part, key_);
}

detail::series& shard::add_series(const detail::family& of, detail::family_part& part, const std::string& key) {
  const std::size_t at = part.published.load(std::memory_order_relaxed);
  auto& slot = part.slots[at];
  slot = std::make_unique<detail::series>(split_key(key), std::vector<detail::cell_line>((of.cells() + 7) / 8));
  part.index.emplace(key, slot.get());
  part.published.store(at + 1, std::memory_order_release);
  return *slot;
}

detail::series& shard::other(const detail::family& of, detail::family_part& part) {
  detail::bump(part.overflowed, 1);
  if (part.other_owned == nullptr) {
    part.other_owned =
        std::make_unique<detail::series>(std::vector<std::string>(of.spec.labels.size(), std::string(other_value)),
                                         std::vector<detail::cell_line>((of.cells() + 7) / 8));
    part.other.store(part.other_owned.get(), std::memory_order_release);
  }
  return *part.other_owned;
}

// --- the registry ----------------------------------------------------------------------------------------------------

std::expected<detail::family*, std::string> registry::add(metric_spec spec, metric_kind kind) {
  if (const auto checked = check(spec, kind); !checked) return std::unexpected(checked.error());
  if (spec.name == overflow_metric_name) {
    return std::unexpected("metric \"" + spec.name + "\": the name is the registry's own");
  }
  const std::lock_guard lock(mutex_);
  const auto same_name = std::ranges::find_if(families_, [name = base_name(spec, kind)](const auto& each) {
    return base_name(each->spec, each->kind) == name;
  });
  if (same_name != families_.end()) {
    if ((*same_name)->kind == kind && (*same_name)->spec == spec) return same_name->get();
    return std::unexpected("metric \"" + spec.name + "\": registered before as something else");
  }
  if (families_.size() == max_metrics) return std::unexpected("metric \"" + spec.name + "\": 256 metrics are the most");
  families_.push_back(std::make_unique<detail::family>(std::move(spec), kind, families_.size()));
  return families_.back().get();
}

std::expected<counter_family, std::string> registry::counter(metric_spec spec) {
  const auto added = add(std::move(spec), metric_kind::counter);
  if (!added) return std::unexpected(added.error());
  return counter_family{*added};
}

std::expected<gauge_family, std::string> registry::gauge(metric_spec spec) {
  const auto added = add(std::move(spec), metric_kind::gauge);
  if (!added) return std::unexpected(added.error());
  return gauge_family{*added};
}

std::expected<distribution_family, std::string> registry::distribution(metric_spec spec) {
  const auto added = add(std::move(spec), metric_kind::distribution);
  if (!added) return std::unexpected(added.error());
  return distribution_family{*added};
}

shard& registry::add_shard() {
  const std::lock_guard lock(mutex_);
  assert(shards_.size() < max_shards && "a shard is a loop's, not a request's");
  return *shards_.emplace_back(std::make_unique<shard>());
}

merged_family registry::merge(const detail::family& of) const {
  merged_family merged{.spec = &of.spec, .kind = of.kind, .series = {}, .overflowed = 0};
  std::map<std::vector<std::string>, merged_series> by_values;
  const auto take = [&by_values, &of](const detail::series& from) {
    merged_series& to = by_values[from.values];
    to.values = from.values;
    to.cells.resize(of.cells());
    add_cells(from, of.kind, to);
  };
  for (const std::unique_ptr<shard>& each : shards_) {
    const detail::family_part* part = each->parts_[of.index].load(std::memory_order_acquire);
    if (part == nullptr) continue;
    const std::size_t published = part->published.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < published; ++i) take(*part->slots[i]);
    if (const detail::series* other = part->other.load(std::memory_order_acquire)) take(*other);
    merged.overflowed += part->overflowed.load(std::memory_order_relaxed);
  }
  // Without labels there is one series from the start: a counter that appears with its first count hides that count.
  if (by_values.empty() && of.spec.labels.empty()) by_values[{}].cells.resize(of.cells());
  for (auto& [values, series] : by_values) merged.series.push_back(std::move(series));
  return merged;
}

std::vector<merged_family> registry::scrape() const {
  const std::lock_guard lock(mutex_);
  std::vector<merged_family> all;
  for (const auto& each : families_) all.push_back(merge(*each));
  std::ranges::sort(all, {}, [](const merged_family& each) { return std::string_view(each.spec->name); });
  return all;
}

}  // namespace assay::observe
