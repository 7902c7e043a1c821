// What is sent: the routes of a workload, ready to be rendered. Which route the k-th arrival of a thread takes, and
// every value in it, is a function of the seed, the thread and k, so that a run repeats exactly and the key of a write
// can be told afterwards from its number alone.
//
//   request_source::draft scratch;                      // of a connection; it owns the bytes
//   const std::size_t route = source.route_of(at);
//   const std::string_view bytes = source.render(route, at, scratch);
//
// Misuse: a second render() into a draft whose bytes are still being sent.
#pragma once

#include <bitset>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/alias_table.hpp"
#include "lab/load/value_draw.hpp"
#include "lab/model/plan.hpp"
#include "lab/model/template.hpp"
#include "stack/http/message.hpp"

namespace assay::load {

// Which arrival: the k-th of a thread, of so many threads.
struct arrival_number {
  unsigned thread = 0;
  std::uint64_t k = 0;
  unsigned threads = 1;

  // Its number among those of all threads.
  std::uint64_t ordinal() const { return k * threads + thread; }
};

class request_source {
 public:
  struct draft {
    std::string bytes;
    std::string body;
    std::vector<std::string> values;
  };
  // A value from elsewhere, by the place of its placeholder.
  struct given_value {
    std::size_t placeholder = 0;
    std::string_view value;
  };
  struct route {
    std::string name = {};
    http::method verb = http::method::get;
    bool may_resend = true;
    double share = 1;                     // of the arrivals
    std::optional<std::size_t> key = {};  // the value that identifies this write
    std::bitset<1000> expected = {};      // statuses that are no error
  };

  // The same bytes again and again; every status below 400 is expected where none is named.
  static request_source constant(std::string bytes, http::method verb, bool may_resend,
                                 const std::vector<int>& expected = {});
  // `authority` is the Host of those routes that name none. The error names route and placeholder.
  static std::expected<request_source, std::string> create(std::span<const model::bound_route> routes,
                                                           std::string_view authority, std::uint64_t seed);

  std::size_t size() const { return routes_.size(); }
  const route& operator[](std::size_t index) const { return routes_[index]; }

  std::size_t route_of(arrival_number at) const { return size() == 1 ? 0 : which_.draw(bits_of(at)); }
  // The bytes of the request; they live in the draft, or in here when they are always the same.
  std::string_view render(std::size_t index, arrival_number at, draft& into) const {
    const std::string& constant = recipes_[index].constant;
    return constant.empty() ? fill_in(index, at, into) : std::string_view(constant);
  }
  // The same with values of the caller's in place of those drawn; always into the draft.
  std::string_view render(std::size_t index, arrival_number at, draft& into, std::span<const given_value> given) const;
  // The names of a route's placeholders, in their order.
  std::span<const std::string> placeholders(std::size_t index) const { return recipes_[index].names; }
  // The value of its key, for a route that has one.
  std::string key_of(std::size_t index, arrival_number at) const;

 private:
  // How a route's requests are written.
  struct recipe {
    std::string constant = {};           // the whole request, when it has no placeholder
    model::compiled_template head = {};  // up to Content-Length
    model::compiled_template body = {};
    bool has_body = false;
    std::vector<value_draw> values = {};    // in the order of the templates' placeholders
    std::vector<std::size_t> streams = {};  // of them: see streams_of()
    std::vector<std::string> names = {};
  };
  struct compilation;

  request_source() = default;
  std::expected<void, std::string> add(const model::bound_route& from, std::string_view authority);
  std::uint64_t bits_of(arrival_number at) const { return mix(thread_stream(seed_, at.thread) + at.k); }
  std::string_view fill_in(std::size_t index, arrival_number at, draft& into) const;
  void draw_values(std::size_t index, arrival_number at, draft& into) const;
  std::string_view expand(std::size_t index, draft& into) const;
  draw_stream values_of(arrival_number at, std::size_t placeholder) const;

  std::uint64_t seed_ = 0;
  alias_table which_;
  std::vector<route> routes_;
  std::vector<recipe> recipes_;
};

}  // namespace assay::load
