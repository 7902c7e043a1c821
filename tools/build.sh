# shellcheck shell=bash
# Configures and builds a preset of CMakePresets.json; keeps the Python packages of the tests. Sourced by
# ./run.

# build_dir PRESET
build_dir() {
  if [[ $1 == release ]]; then printf 'build'; else printf 'build-%s' "$1"; fi
}

# What the release build's configuration found of the compiler's coroutines holds for the same compiler, flags and suite
# in each other preset; the key says of which (cmake/AssayCoroutineConformance.cmake).
known_conformance() {
  sed -nE 's/^(ASSAY_CONFORMANCE_PASSED:INTERNAL=.*)/-D\1/p' build/CMakeCache.txt 2>/dev/null || true
}

# configure PRESET [OPTION...]: quiet while it succeeds, the whole output when it does not.
configure() {
  local log node
  local -a known
  mapfile -t known < <(known_conformance)
  node=$(node_bin) || return
  log=$(mktemp)
  if ! cmake --preset "$1" -DASSAY_PYTHON="$PYTHON" -DASSAY_NPM="$node/npm" "${known[@]}" \
    "${@:2}" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# build PRESET [TARGET...]: without a target everything of the preset.
build() {
  local preset=$1 directory
  local -i from=$SECONDS
  directory=$(build_dir "$preset")
  say "build $preset in $directory/ (${*:2}${2:+; }$(jobs_count) at a time)"
  configure "$preset" || return
  ninja -C "$directory" -j "$(jobs_count)" "${@:2}" >&2 || return
  say "build $preset: $(elapsed "$from")"
}

build_command() {
  local preset=${1:-release}
  case $preset in
    release) require build ;;
    asan | tsan | fuzz) require build sanitize ;;
    *) die "unknown preset '$preset': release, asan, tsan or fuzz" 2 ;;
  esac
  if [[ $preset == release ]]; then
    build release product || die "build release failed"
    [[ -x build/assay ]] || die "the build went well but left no build/assay"
    say "build/assay is ready"
  else
    build "$preset" || die "build $preset failed"
  fi
}

# python_packages: .venv with exactly tests/requirements.txt, made anew only when that file or the interpreter
# changes.
python_packages() {
  local want
  want=$(python3 --version && sha256sum <tests/requirements.txt) || return
  if [[ -x $PYTHON && $(cat .venv/requirements.stamp 2>/dev/null) == "$want" ]]; then return 0; fi
  say "Python packages of tests/requirements.txt into .venv"
  rm -rf .venv
  python3 -m venv .venv || return
  "$PYTHON" -m pip install --quiet --no-input --disable-pip-version-check --retries 3 \
    -r tests/requirements.txt >&2 </dev/null || return
  printf '%s\n' "$want" >.venv/requirements.stamp
}

bench_command() {
  require build python peers
  build release || die "build release failed"
  python_packages || die "cannot install the Python packages of tests/requirements.txt"
  exec "$PYTHON" bench/run.py "$@"
}
