#include "stack/guard/trace/policy.hpp"

#include <algorithm>
#include <span>

#include "stack/observe/trace_context.hpp"

namespace assay::guard::trace {
namespace {

std::uint64_t seed_from_system() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

void fill(std::span<std::uint8_t, 8> into, std::uint64_t id) {
  for (std::uint8_t& each : into) {
    each = static_cast<std::uint8_t>(id >> 56);
    id <<= 8;
  }
}

}  // namespace

policy::policy(const options& given) : options_(given), random_(given.seed != 0 ? given.seed : seed_from_system()) {}

// Never 0, which is no id.
std::uint64_t policy::next_id() {
  std::uint64_t id = 0;
  while (id == 0) id = random_();
  return id;
}

identity policy::identify(const http::header_list& fields) {
  identity mine{.request_id = next_id(), .trace = {}, .state = {}};
  if (options_.keep_request_ids && fields.count(request_id_field) == 1) {
    mine.request_id = observe::parse_request_id(*fields.find(request_id_field)).value_or(mine.request_id);
  }
  const std::size_t parents = options_.continue_traces ? fields.count(parent_field) : 0;
  if (parents == 1) {
    if (const auto parent = observe::parse_traceparent(*fields.find(parent_field))) {
      counters_.continued++;
      mine.trace = *parent;
      take_state(fields, mine);
    }
  }
  if (mine.trace.trace_id == trace_identity{}.trace_id) {
    counters_.malformed += parents > 0 ? 1U : 0U;
    begin_trace(mine);
  }
  fill(mine.trace.span_id, next_id());
  return mine;
}

void policy::begin_trace(identity& mine) {
  counters_.begun++;
  const std::span<std::uint8_t, 16> id(mine.trace.trace_id);
  fill(id.first<8>(), next_id());
  fill(id.last<8>(), next_id());
  mine.trace.flags = observe::trace_random;
  if (options_.sample_new) mine.trace.flags |= observe::trace_sampled;
}

// It may come in several fields, which are one list in their order.
void policy::take_state(const http::header_list& fields, identity& mine) {
  for (const http::header_field& each : fields) {
    if (!http::equals_ignoring_case(each.name, state_field)) continue;
    if (!mine.state.empty()) mine.state += ',';
    mine.state += each.value;
  }
  if (mine.state.empty() || observe::valid_tracestate(mine.state)) return;
  counters_.dropped_states++;
  mine.state.clear();
}

}  // namespace assay::guard::trace
