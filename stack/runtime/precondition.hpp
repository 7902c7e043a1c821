// What a caller of the stack owes it, checked in every build type: who breaks it is told so in a sentence, and the
// program ends. Internal to the stack.
//
//   ASSAY_PRECONDITION(frame_, "a task is awaited once");
//   // stack/runtime/task.hpp:125: assay: a task is awaited once (does not hold: frame_)
//
// For headers, which users compile with flags of their own: in a Release build of theirs (-DNDEBUG) an assert is gone,
// and what it guards is undefined behaviour. Sources keep assert: cmake/AssayCompiler.cmake leaves it on everywhere.
//
// Misuse: for what others send or set, bytes or an option or an errno: that is a result with a reason. For what costs
// more than a compare or two: nobody can switch it off.
#pragma once

namespace assay::detail {

// Writes that line to stderr and aborts. Allocates nothing, and lies apart from the code that calls it.
[[noreturn, gnu::cold]] void precondition_failed(const char* condition, const char* sentence, const char* file,
                                                 unsigned line) noexcept;

}  // namespace assay::detail

#define ASSAY_PRECONDITION(condition, sentence)        \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::assay::detail::precondition_failed(#condition, sentence, __FILE__, __LINE__))
