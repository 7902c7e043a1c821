# shellcheck shell=bash
# Everything at once for long (tests/soak), three times one after the other, each for the minutes that were asked for:
# under the address sanitizer with the default backend, under the thread sanitizer on epoll, and as it is shipped, where
# what is resident says something. Each is one process, which is idle after each round and tells what it holds then.
# Sourced by ./run.
#
# Each round that has ended is a line of results/soak/rounds.txt; an interrupted soak goes on behind the last, in a new
# process. One that fails keeps its output beside it and ends the soak; the next does all of its rounds again.

SOAK_ROUND_S=20
SOAK_ROUNDS_A_MINUTE=3
SOAK_ROUNDS_TO_JUDGE=12  # min_rounds of tests/soak/levels.hpp: of fewer in one process nothing is said to grow
SOAK_PRESETS=(asan tsan release)
SOAK_ROUNDS=results/soak/rounds.txt

# soak_note PRESET: reads the output, and notes each round that has ended.
soak_note() {
  local line
  while IFS= read -r line; do
    [[ $line =~ ^round\ ([0-9]+):\ ([0-9]+)\ visits ]] || continue
    printf '%s %s %s\n' "$1" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" >>"$SOAK_ROUNDS"
    say "$1, $line"
  done
}

soak_rounds_of() { grep -c "^$1 " "$SOAK_ROUNDS" || true; }

# soak_process PRESET ROUNDS: those that are missing, in one process; more of them where it could not judge what grows.
soak_process() {
  local preset=$1 output=results/soak/$1.txt program
  local -i ended todo
  local -a with=()
  ended=$(soak_rounds_of "$preset")
  ((ended < $2)) || return 0
  todo=$(($2 - ended))
  if (($2 >= SOAK_ROUNDS_TO_JUDGE && todo < SOAK_ROUNDS_TO_JUDGE)); then todo=$SOAK_ROUNDS_TO_JUDGE; fi
  program=$(build_dir "$preset")/tests/soak/soak_test
  if [[ $preset == tsan ]]; then with=(ASSAY_IO=epoll); fi
  # A small quarantine is full soon; what is resident beyond it is the program's.
  if ! env ASSAY_SOAK_SECONDS=$SOAK_ROUND_S ASSAY_SOAK_SEED=$((ended + 1)) ASSAY_SOAK_ROUNDS=$todo \
    ASAN_OPTIONS=quarantine_size_mb=32 UBSAN_OPTIONS=print_stacktrace=1 \
    ASAN_SYMBOLIZER_PATH="$(command -v llvm-symbolizer-19 || true)" \
    TSAN_SYMBOLIZER_PATH="$(command -v llvm-symbolizer-19 || true)" "${with[@]}" \
    "$program" --gtest_filter='soak.*' 2>&1 </dev/null | tee "$output" | soak_note "$preset"; then
    tail -n 40 "$output" >&2
    # The round that failed was said to have ended, and growth is found after the last: none of them counts.
    sed -i "/^$preset /d" "$SOAK_ROUNDS"
    die "the soak ($preset) failed: $output" 1
  fi
  rm -f "$output"
}

# soak_command [MINUTES]: so long for each kind of build, what an interrupted soak has done included; afresh when it had
# ended.
soak_command() {
  local minutes=${1:-15} preset grows='nothing that grows'
  local -i rounds missing=0
  [[ $minutes =~ ^[1-9][0-9]{0,4}$ ]] || die "usage: ./run soak [MINUTES]" 2
  require build sanitize data
  for preset in "${SOAK_PRESETS[@]}"; do build "$preset" tests/soak/all || return; done
  mkdir -p results/soak
  [[ -e $SOAK_ROUNDS ]] || : >"$SOAK_ROUNDS"
  rounds=$((minutes * SOAK_ROUNDS_A_MINUTE))
  for preset in "${SOAK_PRESETS[@]}"; do
    if (($(soak_rounds_of "$preset") < rounds)); then missing+=1; fi
  done
  if ((missing == 0)); then : >"$SOAK_ROUNDS"; fi
  say "$minutes minutes of each of ${SOAK_PRESETS[*]}"
  for preset in "${SOAK_PRESETS[@]}"; do soak_process "$preset" "$rounds"; done
  if ((rounds < SOAK_ROUNDS_TO_JUDGE)); then
    grows="too few rounds to say what grows ($((SOAK_ROUNDS_TO_JUDGE / SOAK_ROUNDS_A_MINUTE)) minutes are enough)"
  fi
  awk -v grows="$grows" \
    '{ visits += $3 } END { printf "%d rounds, %d visits, nothing left behind, %s\n", NR, visits, grows }' \
    "$SOAK_ROUNDS"
}
