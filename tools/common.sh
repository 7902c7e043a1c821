# shellcheck shell=bash
# What every command shares: how it speaks, where the tree is, what it may use of the machine. Sourced by
# ./run.
#
# Functions that a stage calls in an `if` do not stop at a failing line (bash turns `set -e` off there): each
# step in them ends in `|| return`.

ROOT=$PWD
# shellcheck disable=SC2034  # the other rooms use it
PYTHON=$ROOT/.venv/bin/python

# nginx and other servers live where an ordinary user's PATH does not look.
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# ccache and pip keep their caches under HOME, which a bare service environment lacks.
if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
  export HOME
fi

# say TEXT...: one notice on stderr; stdout stays for results.
say() { printf '==> %s\n' "$*" >&2; }

# die TEXT [STATUS]: one clear line, then out.
die() {
  printf './run: %s\n' "$1" >&2
  exit "${2:-1}"
}

# elapsed FROM: whole time since SECONDS was FROM, as 1m05s.
elapsed() {
  local -i spent=$((SECONDS - $1))
  printf '%dm%02ds' $((spent / 60)) $((spent % 60))
}

# jobs_count: compilers to run at a time. One a core, but no more than memory carries at 1.5 GiB each, since a
# compiler killed for memory looks like a bug of the code.
jobs_count() {
  if [[ -n ${ASSAY_JOBS:-} ]]; then
    printf '%s' "$ASSAY_JOBS"
    return
  fi
  local -i cores available_kib jobs
  cores=$(nproc)
  available_kib=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null || true)
  jobs=$((available_kib > 0 ? available_kib / (1536 * 1024) : cores))
  jobs=$((jobs > cores ? cores : jobs))
  printf '%d' $((jobs < 1 ? 1 : jobs))
}

# project_files PATTERN...: what git tracks or would track, one a line, so that a file is checked before its
# first commit. Files deleted from the work tree are left out. safe.directory: a clone mounted into a
# container often belongs to somebody else.
project_files() {
  local file
  git -c safe.directory="$ROOT" ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
    if [[ -f $file ]]; then printf '%s\n' "$file"; fi
  done
}
