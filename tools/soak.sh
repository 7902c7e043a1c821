# shellcheck shell=bash
# Everything at once for long (tests/soak), in rounds of a minute: by turns under the address sanitizer with the default
# backend, and under the thread sanitizer on epoll. Sourced by ./run.
#
# Each round that has ended is a line of results/soak/rounds.txt; an interrupted soak goes on behind the last. A round
# that fails keeps its output beside it and ends the soak.

SOAK_ROUND_S=60
SOAK_ROUNDS=results/soak/rounds.txt

# soak_round NUMBER: one round, its output in results/soak/.
soak_round() {
  local -i number=$1
  local preset=asan output=results/soak/round-$1.txt
  local -a with=()
  if ((number % 2 == 0)); then preset=tsan with=(ASSAY_IO=epoll); fi
  say "round $number ($preset)"
  if ! env ASSAY_SOAK_SECONDS=$SOAK_ROUND_S ASSAY_SOAK_SEED="$number" UBSAN_OPTIONS=print_stacktrace=1 \
    ASAN_SYMBOLIZER_PATH="$(command -v llvm-symbolizer-19 || true)" \
    TSAN_SYMBOLIZER_PATH="$(command -v llvm-symbolizer-19 || true)" "${with[@]}" \
    "build-$preset/tests/soak/soak_test" >"$output" 2>&1 </dev/null; then
    tail -n 40 "$output" >&2
    die "round $number ($preset) failed: $output" 1
  fi
  printf '%s %s %s\n' "$number" "$preset" "$(sed -nE 's/^([0-9]+ visits)$/\1/p' "$output")" >>"$SOAK_ROUNDS"
  rm -f "$output"
}

# soak_command [MINUTES]: so many rounds in all, those of an interrupted soak included; afresh when it had ended.
soak_command() {
  local minutes=${1:-15}
  local -i rounds=0 number
  [[ $minutes =~ ^[1-9][0-9]{0,4}$ ]] || die "usage: ./run soak [MINUTES]" 2
  require build sanitize data
  build asan tests/soak/all || return
  build tsan tests/soak/all || return
  mkdir -p results/soak
  if [[ -e $SOAK_ROUNDS ]]; then rounds=$(wc -l <"$SOAK_ROUNDS"); fi
  if ((rounds >= minutes)); then rounds=0 && : >"$SOAK_ROUNDS"; fi
  if ((rounds > 0)); then say "goes on behind round $rounds of $minutes"; fi
  for ((number = rounds + 1; number <= minutes; ++number)); do soak_round "$number"; done
  awk '{ visits += $3 } END { printf "%d rounds, %d visits, nothing left behind\n", NR, visits }' "$SOAK_ROUNDS"
}
