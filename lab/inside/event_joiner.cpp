#include "lab/inside/event_joiner.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace assay::inside {
namespace {

std::uint64_t end_of(const blocking_event& event) { return event.start_ns + event.length_ns; }

std::uint64_t shared_ns(std::uint64_t a_start, std::uint64_t a_end, std::uint64_t b_start, std::uint64_t b_end) {
  const auto from = std::max(a_start, b_start);
  const auto to = std::min(a_end, b_end);
  return to > from ? to - from : 0;
}

// Takes out what the predicate says, in order.
template <typename Item, typename Predicate>
std::vector<Item> taken_from(std::vector<Item>& items, const Predicate& predicate) {
  std::vector<Item> taken;
  std::vector<Item> rest;
  for (auto& item : items) (predicate(item) ? taken : rest).push_back(std::move(item));
  items = std::move(rest);
  return taken;
}

blocking_event computing(std::uint32_t pid, const shim_note& note, std::uint64_t end_ns) {
  return {.tid = pid,  // shims look at the first thread alone
          .start_ns = note.start_ns,
          .length_ns = end_ns - note.start_ns,
          .call = std::string(computing_call),
          .peer = note.kind == assay_note_call ? note.what : std::string(),
          .stack = note.stack,
          .place = note.place,
          .frames = {}};
}

// V8 looks where JavaScript goes on: a sample that was asked for during a call into native code is of the moment right
// after that. Of the calls that ended before it in its segment it is the last one's, if that was there to be met.
void lend_samples(const std::vector<shim_note>& samples, std::uint32_t tid, std::vector<blocking_event>& to) {
  for (const auto& sample : samples) {
    blocking_event* last = nullptr;
    for (auto& event : to) {
      if (event.tid != tid || event.call == call_name(assay_call_collection)) continue;
      if (event.start_ns < sample.start_ns || end_of(event) > sample.end_ns) continue;
      if (last == nullptr || end_of(event) > end_of(*last)) last = &event;
    }
    if (last == nullptr || last->by_shim) continue;
    if (end_of(*last) < sample.start_ns + event_joiner::sampled_after_ns) continue;
    last->stack = sample.stack;
    last->place = sample.place;
  }
}

// What the collector's threads wait for one another is part of its pause. `later` may have pauses too.
void leave_out_waits_of_pauses(std::uint32_t tid, const std::vector<blocking_event>& later,
                               std::vector<blocking_event>& from) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pauses;
  for (const auto* events : {&std::as_const(from), &later}) {
    for (const auto& each : *events) {
      if (each.tid == tid && each.call == call_name(assay_call_collection)) {
        pauses.emplace_back(each.start_ns, end_of(each));
      }
    }
  }
  std::erase_if(from, [&](const blocking_event& each) {
    return each.tid == tid && each.call == call_name(assay_call_lock) &&
           std::ranges::any_of(pauses, [&each](const auto& pause) {
             return 2 * shared_ns(each.start_ns, end_of(each), pause.first, pause.second) > each.length_ns;
           });
  });
}

}  // namespace

event_joiner::process* event_joiner::of(std::uint32_t pid) {
  const auto known = processes_.find(pid);
  if (known != processes_.end()) return &known->second;
  if (processes_.size() >= most_processes) {
    std::erase_if(processes_, [](const auto& each) {
      return each.second.events.empty() && each.second.calls.empty() && each.second.samples.empty();
    });
  }
  if (processes_.size() < most_processes) return &processes_[pid];
  ++dropped_;
  return nullptr;
}

void event_joiner::add(std::uint32_t pid, blocking_event event) {
  process* const in = of(pid);
  if (in == nullptr) return;
  if (in->events.size() >= most_pending) {
    ++dropped_;
  } else {
    in->events.push_back(std::move(event));
  }
}

void event_joiner::add(std::uint32_t pid, const thread_stall& stall) {
  process* const in = stall.tid == pid ? of(pid) : nullptr;  // shims look at the first thread alone
  if (in == nullptr) return;
  if (in->segments.size() >= most_pending) in->segments.erase(in->segments.begin());
  const bool computed = !stall.use || 2 * stall.use->cpu_ns >= stall.length_ns;
  in->segments.push_back({stall.start_ns, stall.start_ns + stall.length_ns, computed});
}

void event_joiner::add(std::uint32_t pid, shim_note note) {
  process* const in = of(pid);
  if (in == nullptr) return;
  if (note.kind == assay_note_collection) {
    blocking_event event = computing(pid, note, note.end_ns);
    event.call = call_name(assay_call_collection);
    add(pid, std::move(event));
    return;
  }
  auto& into = note.kind == assay_note_call ? in->calls : in->samples;
  if (into.size() >= most_pending) {
    ++dropped_;
  } else {
    into.push_back(std::move(note));
  }
}

// A note belongs to the calls that fill most of their time inside of it; one that they fill less than half of has
// computed.
void event_joiner::settle_calls(std::uint32_t pid, process& in, std::uint64_t before_ns,
                                std::vector<blocking_event>& out) {
  auto notes = taken_from(in.calls, [before_ns](const shim_note& note) { return note.end_ns < before_ns; });
  std::vector<std::uint64_t> filled_ns(notes.size(), 0);
  auto events = taken_from(in.events, [&](const blocking_event& each) { return end_of(each) < before_ns; });
  lend_samples(in.samples, pid, events);
  leave_out_waits_of_pauses(pid, in.events, events);
  for (auto& event : events) {
    for (std::size_t i = 0; i < notes.size() && event.tid == pid; ++i) {
      const auto shared = shared_ns(event.start_ns, end_of(event), notes[i].start_ns, notes[i].end_ns);
      if (2 * shared < event.length_ns || shared == 0) continue;
      filled_ns[i] += shared;
      event.stack = notes[i].stack;
      event.place = notes[i].place;
    }
    out.push_back(std::move(event));
  }
  for (std::size_t i = 0; i < notes.size(); ++i) {
    if (2 * filled_ns[i] < notes[i].end_ns - notes[i].start_ns)
      out.push_back(computing(pid, notes[i], notes[i].end_ns));
  }
}

// A sample is of the segment that began at its own beginning; where calls fill half of that, it only saw one of them,
// and where the thread had no CPU for half of it, it saw a thread that was ready.
void event_joiner::settle_samples(std::uint32_t pid, process& in, std::uint64_t before_ns,
                                  std::vector<blocking_event>& out) {
  for (const auto& event : out) {
    if (event.tid == pid) in.explained.push_back({.start_ns = event.start_ns, .end_ns = end_of(event)});
  }
  const auto excess = in.explained.size() - std::min(in.explained.size(), most_pending);
  in.explained.erase(in.explained.begin(), in.explained.begin() + static_cast<std::ptrdiff_t>(excess));
  std::erase_if(in.samples, [&](const shim_note& sample) {
    const auto segment = std::ranges::find(in.segments, sample.start_ns, &stretch::start_ns);
    if (segment == in.segments.end()) return before_ns == UINT64_MAX;  // it goes on, or its end was not read yet
    if (segment->end_ns >= before_ns) return false;
    std::uint64_t filled = 0;
    for (const auto& each : in.explained) {
      filled += shared_ns(each.start_ns, each.end_ns, segment->start_ns, segment->end_ns);
    }
    if (segment->computed && 2 * filled < segment->end_ns - segment->start_ns)
      out.push_back(computing(pid, sample, segment->end_ns));
    return true;
  });
}

std::vector<event_joiner::settled> event_joiner::settle(std::uint64_t before_ns) {
  std::vector<settled> all;
  for (auto& [pid, in] : processes_) {
    std::vector<blocking_event> events;
    settle_calls(pid, in, before_ns, events);
    settle_samples(pid, in, before_ns, events);
    for (auto& event : events) all.push_back({pid, std::move(event)});
  }
  return all;
}

}  // namespace assay::inside
