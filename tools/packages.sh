# shellcheck shell=bash
# What the project needs of the machine, and how it gets it: one table for ./run build, test, bench, demo and
# doctor.
#
# A need is looked for by what it provides (a command, a header), not by its package: a Node.js or a library
# from elsewhere counts. Nothing is asked of apt while nothing is missing. docs/dependencies.md says why each
# is here.

# needs: group, package (or alternatives a|b, first one known to apt), probe, what for.
# Debian 12 and Ubuntu 24.04 name these packages alike; nginx-core stands in where nginx-light is gone.
needs() {
  cat <<'TABLE'
build clang-19              cmd:clang++-19               the reference compiler
build lld-19                cmd:ld.lld-19                the linker
build cmake                 cmake:3.25                   describes the build
build ninja-build           cmd:ninja                    runs the build
build ccache                cmd:ccache                   builds the second time in seconds
build pkgconf               cmd:pkg-config               tells CMake where liburing is
build liburing-dev          inc:liburing.h               asynchronous I/O
build libfmt-dev            inc:fmt/format.h             text formatting
build nlohmann-json3-dev    inc:nlohmann/json.hpp        JSON documents
build libcli11-dev          inc:CLI/CLI.hpp              the command line
build zlib1g-dev            inc:zlib.h                   histogram encoding, packed logs
build libzstd-dev           inc:zstd.h                   packed logs
build libssl-dev            inc:openssl/evp.h            SHA-256 of what a result came from
build libyaml-cpp-dev       inc:yaml-cpp/yaml.h          plan files
build libsqlite3-dev        inc:sqlite3.h                results of a campaign
build libpq-dev             pg:libpq-fe.h                PostgreSQL client
build libboost-math-dev     inc:boost/math/distributions/students_t.hpp distributions of the statistics
build libgtest-dev          inc:gtest/gtest.h            unit tests
build libgmock-dev          inc:gmock/gmock.h            matchers of the unit tests
sanitize libclang-rt-19-dev file:/usr/lib/llvm-19/lib/clang/19/lib/*/libclang_rt.asan* sanitizers
sanitize llvm-19            cmd:llvm-symbolizer-19       names in sanitizer reports
test clang-format-19        cmd:clang-format-19          layout check
test shellcheck             cmd:shellcheck               linter of these scripts
test git                    cmd:git                      lists the files to check
test procps                 cmd:ps                       tests look at processes
test libpython3.11-testsuite|libpython3.12-testsuite py:test.test_asyncio  asyncio's own tests, under the probe
build python3               cmd:python3                  the tests are registered with it, and written in it
build python3-venv          py:venv,ensurepip            Python packages of the tests; Node.js where the system's is old
build ca-certificates      file:/etc/ssl/certs/ca-certificates.crt fetching those packages
peers curl                  cmd:curl                     HTTP peer of the tests
peers wrk                   cmd:wrk                      load generator to compare with
peers nginx-light|nginx-core cmd:nginx                   HTTP server to compare with
data postgresql             file:/usr/lib/postgresql/*/bin/postgres the database of a campaign
peers redis-server          cmd:redis-server             the Redis that the tests start and kill
browser chromium            cmd:chromium                 opens the report as a reader would
browser chromium-driver     cmd:chromedriver             drives that browser
peers nodejs                cmd:node                     HTTP client (fetch) that the server must satisfy
TABLE
}

# version_at_least HAVE WANT
version_at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# present PROBE: is what the probe names there?
present() {
  local kind=${1%%:*} what=${1#*:}
  case $kind in
    cmd) command -v "$what" >/dev/null ;;
    inc) [[ -e /usr/include/$what || -e /usr/local/include/$what ]] ;;
    pg) compgen -G "/usr/include/postgresql/$what" >/dev/null || compgen -G "/usr/include/$what" >/dev/null ;;
    file) compgen -G "$what" >/dev/null ;;
    py) python3 -c "import $what" 2>/dev/null ;;
    cmake) version_at_least "$(cmake --version 2>/dev/null | awk 'NR == 1 { print $3 }')" "$what" ;;
    *) die "tools/packages.sh: unknown probe '$1'" ;;
  esac
}

# require GROUP...: installs what the groups need and the machine lacks; without a gap it only looks.
require() {
  local group package probe why wanted=" $* "
  local -a missing=()
  while read -r group package probe why; do
    if [[ $wanted != *" $group "* ]] || present "$probe"; then continue; fi
    say "missing: $package ($why)"
    missing+=("$package")
  done < <(needs)
  if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
}

# distribution: "debian 12", "ubuntu 24.04" or whatever /etc/os-release says.
distribution() {
  # shellcheck source=/dev/null
  (source /etc/os-release && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-}") 2>/dev/null || printf unknown
}

# Without a terminal sudo must not wait for a password.
SUDO=(sudo -n)
if [[ -t 0 ]]; then SUDO=(sudo); fi

# as_root COMMAND...: directly, or through sudo.
as_root() {
  if ((EUID == 0)); then "$@"; else "${SUDO[@]}" "$@"; fi
}

can_be_root() { ((EUID == 0)) || { command -v sudo >/dev/null && "${SUDO[@]}" true 2>/dev/null; }; }

# apt_get COMMAND...: never asks, waits for another apt's lock, and tries thrice, since mirrors hiccup.
apt_get() {
  local attempt
  for attempt in 1 2 3; do
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 \
      -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@" >&2 </dev/null; then
      return 0
    fi
    say "apt-get $1: attempt $attempt of 3 failed"
    sleep $((attempt * 2))
  done
  return 1
}

# pick ALTERNATIVES: the first of a|b that apt knows.
pick() {
  local name
  for name in ${1//|/ }; do
    if [[ -n $(apt-cache madison "$name" 2>/dev/null) ]]; then
      printf '%s' "$name"
      return
    fi
  done
  return 1
}

# install_packages PACKAGE...: by apt, or one line that says what is to be done by hand.
install_packages() {
  local names="${*//|*/}" system package name
  local -a chosen=()
  system=$(distribution)
  if ! command -v apt-get >/dev/null; then
    die "cannot install on '$system' (written for Debian 12 and Ubuntu 24.04); install what provides: $names"
  fi
  can_be_root || die "neither root nor sudo; run as root: apt-get install --no-install-recommends $names"

  say "apt-get update"
  apt_get update || say "apt-get update failed; going on with the lists there are"
  for package in "$@"; do
    name=$(pick "$package") || die "apt on '$system' knows no ${package//|/ or }$(hint_for "$system")"
    chosen+=("$name")
  done
  hush_postgresql "${chosen[@]}"
  say "apt-get install --no-install-recommends ${chosen[*]}"
  apt_get install --no-install-recommends "${chosen[@]}" || die "apt-get install failed: ${chosen[*]}"
  hush_service nginx 'nginx-*' "${chosen[@]}"
  hush_service redis-server redis-server "${chosen[@]}"
}

hint_for() {
  case $1 in
    ubuntu*) printf '; it is in universe (24.04: noble-updates): sudo add-apt-repository universe' ;;
    debian\ 12*) printf '; it is in bookworm main: see /etc/apt/sources.list' ;;
    *) printf '; written for Debian 12 and Ubuntu 24.04' ;;
  esac
}

# hush_postgresql PACKAGE...: the package makes a database cluster and starts it; the lab makes its own, private
# ones. This has to be said before it is installed, and only where nobody has said anything yet.
hush_postgresql() {
  local settings=/etc/postgresql-common/createcluster.conf
  if [[ " $* " != *" postgresql "* || -e $settings ]]; then return 0; fi
  as_root mkdir -p "${settings%/*}"
  as_root tee "$settings" >/dev/null <<<'create_main_cluster = false'
}

# hush_service NAME PATTERN PACKAGE...: packages that match start a server on its usual port that nobody asked for; here
# it is a peer that the tests start themselves.
hush_service() {
  local name=$1 pattern=$2 package
  shift 2
  [[ -d /run/systemd/system ]] || return 0
  for package in "$@"; do
    # shellcheck disable=SC2053  # a pattern
    if [[ $package == $pattern ]]; then
      say "systemctl disable --now $name (just installed as a peer of the tests, not as a service)"
      as_root systemctl disable --now "$name" >&2 || true
    fi
  done
}
