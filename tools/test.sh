# shellcheck shell=bash
# The whole test: unit and integration tests, the sanitizers, layout, linter. Sourced by ./run.
#
# release     every test there is, house style (tests/tidy) too
# asan        every test but integration and house style, under address and undefined-behaviour sanitizers
# tsan        the tests of runtime and net under the thread sanitizer, on epoll: it cannot see the order that the rings
#             of io_uring give, and would report races that are none
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

# run_ctest DIRECTORY FILTER [NAME=VALUE...]: runs the tests below a build directory and adds to the counts.
run_ctest() {
  local directory=$1 filter=$2 log summary
  local -a select=()
  log=$(mktemp)
  if [[ -n $filter ]]; then select=(-R "$filter"); fi
  env "${@:3}" ctest --test-dir "$directory" --output-on-failure --no-tests=error -j "$(nproc)" \
    "${select[@]}" </dev/null | tee "$log" || true
  # "97% tests passed, 1 tests failed out of 33"
  summary=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log" |
    tail -n 1)
  rm -f "$log"
  if [[ -z $summary ]]; then
    say "no test of $directory ran"
    return 1
  fi
  FAILED+=${summary% *}
  PASSED+=$((${summary#* } - ${summary% *}))
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
      for room in "${TSAN_TESTS[@]}"; do
        run_ctest "build-tsan/$room" "$2" TSAN_SYMBOLIZER_PATH="$symbolizer" ASSAY_IO=epoll || return
      done
      ;;
    format) check_format && count passed ;;
    scripts) check_scripts && count passed ;;
    clang-tidy) configure release && check_clang_tidy && count passed ;;
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
