# shellcheck shell=bash
# Layout and linters: clang-format over every C and C++ file, clang-tidy over the sources of the product, and
# over the scripts shellcheck. Sourced by ./run.

CLANG_TIDY=.venv/bin/clang-tidy  # of tests/requirements.txt
CXX_FILES=('*.cpp' '*.hpp' '*.c' '*.h')

# check_format: names each file that .clang-format would lay out differently.
check_format() {
  local findings files
  findings=$(project_files "${CXX_FILES[@]}" |
    xargs -r -d '\n' -n 8 -P "$(nproc)" clang-format-19 --dry-run -Werror 2>&1) && return
  files=$(sed -nE 's/^([^: ]+):[0-9]+:[0-9]+: error.*/\1/p' <<<"$findings" | sort -u)
  printf '%s\n' "${files:-$findings}" >&2
  say "not laid out as .clang-format says; ./run format does it"
  return 1
}

format_command() {
  require test
  project_files "${CXX_FILES[@]}" | xargs -r -d '\n' -n 8 -P "$(nproc)" clang-format-19 -i
  say "formatted $(project_files "${CXX_FILES[@]}" | wc -l) files"
}

check_scripts() {
  project_files run .ci/run '*.sh' | xargs -r -d '\n' shellcheck --external-sources --source-path=SCRIPTDIR
}

# lint_context: one hash over all that a finding can depend on beside the file itself.
lint_context() {
  {
    "$CLANG_TIDY" --version
    project_files {stack,lab,cli,web}/'*.hpp' 'probe/*.h' .clang-tidy 'cmake/*' '*CMakeLists.txt' CMakePresets.json |
      xargs -r -d '\n' sha256sum
  } | sha256sum | cut -d' ' -f1
}

# lint_commands: build/lint/compile_commands.json, the release build's with every source alone and no precompiled
# headers, so that a source that includes too little is found.
lint_commands() {
  configure release -B build/lint -DCMAKE_UNITY_BUILD=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
}

# lint_one FILE STAMP: leaves the stamp when the file is clean. Runs in a shell of its own, below.
lint_one() {
  local findings
  # clang-tidy counts the warnings it suppressed on stderr, which is no news; a crash shows in its status.
  if findings=$("$CLANG_TIDY" -p build/lint --quiet "$1" 2>/dev/null); then
    : >"$2"
  else
    printf '%s: clang-tidy failed\n%s\n' "$1" "$findings" >&2
    return 1
  fi
}

# check_clang_tidy: a file found clean is not looked at again until it, a header or the configuration changes:
# build/lint/clean/ holds an empty stamp for each.
check_clang_tidy() {
  local context file stamp
  local -a work=()
  local -i total=0
  context=$(lint_context) || return
  mkdir -p build/lint/clean && lint_commands || return
  while read -r file; do
    total+=1
    stamp=build/lint/clean/$( { printf '%s %s ' "$context" "$file" && cat "$file"; } | sha256sum | cut -d' ' -f1)
    if [[ ! -e $stamp ]]; then work+=("$file" "$stamp"); fi
  done < <(project_files 'stack/*.cpp' 'lab/*.cpp' 'cli/*.cpp')
  say "clang-tidy: $((${#work[@]} / 2)) of $total files changed since they were last clean"
  if ((${#work[@]} == 0)); then return 0; fi
  export -f lint_one
  export CLANG_TIDY
  printf '%s\n' "${work[@]}" | xargs -d '\n' -n 2 -P "$(nproc)" bash -c 'lint_one "$@"' lint_one
}
