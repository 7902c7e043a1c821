# shellcheck shell=bash
# The whole test: unit and integration tests, the sanitizers, layout, linter. Sourced by ./run.
#
# release     every test there is, house style (tests/tidy) too
# asan        under address and undefined-behaviour sanitizers the stack, and of the lab what tests/CMakeLists.txt names
# tsan        the tests of runtime and net under the thread sanitizer, on epoll: it cannot see the order that the rings
#             of io_uring give, and would report races that are none. Of net not what runs in virtual time.
# format      clang-format on every C and C++ file
# scripts     shellcheck on the shell scripts
# clang-tidy  the linter on stack/, lab/ and cli/
#
# A failed stage does not stop the others; the last line counts test programs and linters.

STAGES=(release asan tsan format scripts clang-tidy)
TSAN_TESTS=(tests/stack/runtime tests/stack/net)
declare -i PASSED=0 FAILED=0

count() { # count OUTCOME: one linter, or one stage that could not even run its tests
  if [[ $1 == passed ]]; then PASSED+=1; else FAILED+=1; fi
}

# ctest_in DIRECTORY OPTION...: runs the tests below a build directory that the options select, and adds to the counts.
ctest_in() {
  local log summary
  local -i status=0
  log=$(mktemp)
  ctest --test-dir "$1" --output-on-failure "${@:2}" </dev/null | tee "$log" || status=$?
  # "97% tests passed, 1 tests failed out of 33"
  summary=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log" |
    tail -n 1)
  rm -f "$log"
  if [[ -z $summary ]]; then
    FAILED+=$((status != 0))  # no test is selected, or ctest could not run them
    return
  fi
  FAILED+=${summary% *}
  PASSED+=$((${summary#* } - ${summary% *}))
}

# run_ctest DIRECTORY FILTER [NAME=VALUE...]: the tests whose names the filter matches, with these variables. Those that
# compute run beside each other, one more than there are cores, since each waits now and then; those that mostly wait
# after them, more at a time (tests/integration/CMakeLists.txt).
run_ctest() {
  local directory=$1
  local -i before=$((PASSED + FAILED))
  local -a select=()
  if [[ -n $2 ]]; then select=(-R "$2"); fi
  if (($# > 2)); then local -x "${@:3}"; fi
  ctest_in "$directory" "${select[@]}" -LE '^waits$' -j "$(($(nproc) + 1))"
  ctest_in "$directory" "${select[@]}" -L '^waits$' -j 8
  if ((PASSED + FAILED == before)); then
    say "no test of $directory ran"
    return 1
  fi
}

# stage NAME FILTER: fails when it could not run; failed tests are counted where they run.
stage() {
  local symbolizer
  symbolizer=$(command -v llvm-symbolizer-19 || true)
  case $1 in
    release) build release && run_ctest build "$2" ;;
    asan)
      build asan tests/all &&
        run_ctest build-asan "$2" ASAN_SYMBOLIZER_PATH="$symbolizer" UBSAN_SYMBOLIZER_PATH="$symbolizer" \
          UBSAN_OPTIONS=print_stacktrace=1
      ;;
    tsan)
      build tsan "${TSAN_TESTS[@]/%//all}" || return
      local room
      local -i before=$((PASSED + FAILED))
      for room in "${TSAN_TESTS[@]}"; do  # with a filter a room may have no such test
        run_ctest "build-tsan/$room" "$2" TSAN_SYMBOLIZER_PATH="$symbolizer" ASSAY_IO=epoll \
          GTEST_FILTER='-*/simulated:soak_test.*' || [[ -n $2 ]] || return
      done
      ((PASSED + FAILED > before))
      ;;
    format) check_format && count passed ;;
    scripts) check_scripts && count passed ;;
    clang-tidy) check_clang_tidy && count passed ;;
  esac
}

test_command() {
  local word filter='' name outcome
  local -a stages=() times=()
  local -i from start=$SECONDS before
  for word in "$@"; do
    if [[ " ${STAGES[*]} " == *" $word "* ]]; then stages+=("$word"); else filter=$word; fi
  done
  if ((${#stages[@]} == 0)); then
    if [[ -n $filter ]]; then stages=(release); else stages=("${STAGES[@]}"); fi
  fi

  require build sanitize test python peers data browser
  python_packages || die "cannot install the Python packages of tests/requirements.txt"
  for name in "${stages[@]}"; do
    from=$SECONDS
    before=$FAILED
    say "stage $name"
    stage "$name" "$filter" || count failed
    outcome=ok
    if ((FAILED > before)); then outcome=FAILED; fi
    times+=("$(printf '%-10s %s  %s' "$name" "$(elapsed "$from")" "$outcome")")
  done

  printf '\n'
  printf '%s\n' "${times[@]}"
  printf '%-10s %s\n\n' total "$(elapsed "$start")"
  printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  ((FAILED == 0))
}
