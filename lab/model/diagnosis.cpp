#include "lab/model/diagnosis.hpp"

#include <algorithm>

namespace assay::model {

std::string_view label(cause what) {
  switch (what) {
    case cause::healthy:
      return "healthy";
    case cause::not_enough_data:
      return "not_enough_data";
    case cause::mixed:
      return "mixed";
    case cause::blocking_call:
      return "blocking_call";
    case cause::garbage_collection:
      return "garbage_collection";
    case cause::cpu_bound:
      return "cpu_bound";
    case cause::waiting_for_cpu:
      return "waiting_for_cpu";
    case cause::pool_exhausted:
      return "pool_exhausted";
    case cause::idle_in_transaction:
      return "idle_in_transaction";
    case cause::lock_wait:
      return "lock_wait";
    case cause::accept_queue_full:
      return "accept_queue_full";
    case cause::memory_leak:
      return "memory_leak";
    case cause::descriptor_leak:
      return "descriptor_leak";
    case cause::socket_leak:
      return "socket_leak";
    case cause::thread_leak:
      return "thread_leak";
    case cause::task_leak:
      return "task_leak";
  }
  return "";
}

std::string in_words(cause what) {
  std::string text(label(what));
  std::ranges::replace(text, '_', ' ');
  return text;
}

bool is_leak(cause what) {
  return what == cause::memory_leak || what == cause::descriptor_leak || what == cause::socket_leak ||
         what == cause::thread_leak || what == cause::task_leak;
}

}  // namespace assay::model
