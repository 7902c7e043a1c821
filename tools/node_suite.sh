# shellcheck shell=bash
# Node.js's own tests of net and http, and the Node.js that they belong to, for ./run selftest runtimes node. Sourced by
# ./run.
#
# No package of npm or PyPI has the tests: they are in the source of the distribution's package, which apt-get fetches
# from the system's own sources, with lists and files in build/node-suite alone. Nothing is installed, and root is not
# needed.
# The Node.js of the same version comes from npm: Debian's looks for parts of itself in /usr/share.

NODE_SUITE=$ROOT/build/node-suite

# What apt-get and apt-cache keep and fetch, in the suite's folder.
suite_apt() {
  local tool=$1
  "$tool" -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$NODE_SUITE/sources" \
    -o Dir::State::lists="$NODE_SUITE/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$NODE_SUITE/cache" \
    -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none "${@:2}"
}

# The system's sources, as those of the packages' sources.
suite_sources() {
  local file name
  mkdir -p "$NODE_SUITE"/{sources,lists/partial,cache/archives/partial}
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [[ -f $file ]] || continue
    name=$(basename "$file")
    case $file in
      *.list) sed -E 's/^deb /deb-src /' "$file" >"$NODE_SUITE/sources/$name" ;;
      *.sources) sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$NODE_SUITE/sources/$name" ;;
    esac
  done
}

# The newest source whose files are all there; a mirror may lag behind its own lists. Prints its version, "18.20.4".
suite_source() {
  local version
  for version in $(suite_apt apt-cache showsrc nodejs | sed -n 's/^Version: *//p' | sort -rVu); do
    rm -f "$NODE_SUITE"/nodejs_*
    (cd "$NODE_SUITE" && suite_apt apt-get source --download-only "nodejs=$version" >&2) || continue
    version=${version%%[+~-]*}
    printf '%s\n' "${version#*:}"
    return
  done
  return 1
}

suite_fetch() {
  local version npm machine
  suite_apt apt-get update || return
  version=$(suite_source) || return
  tar -xf "$(compgen -G "$NODE_SUITE/nodejs_*.orig.tar.*z")" -C "$NODE_SUITE" --strip-components=1 \
    --wildcards '*/test' || return
  npm=$(node_bin)/npm || return
  machine=$(uname -m)
  machine=${machine/x86_64/x64}
  PATH=$(dirname "$npm"):$PATH "$npm" install --prefix "$NODE_SUITE" --no-save --no-audit --no-fund \
    "node-linux-${machine/aarch64/arm64}@$version" || return
  mv "$NODE_SUITE"/node_modules/node-linux-* "$NODE_SUITE/node"
}

# node_suite: fetches both, once; afterwards $NODE_SUITE/test is there, and node in $NODE_SUITE/node/bin.
node_suite() {
  [[ -f $NODE_SUITE/complete ]] && return
  command -v apt-get >/dev/null || return
  say "Node.js's own tests and the Node.js that they belong to, into build/node-suite"
  rm -rf "$NODE_SUITE"
  suite_sources
  suite_fetch >"$ROOT/build/node-suite.log" 2>&1 </dev/null || return
  touch "$NODE_SUITE/complete"
}
