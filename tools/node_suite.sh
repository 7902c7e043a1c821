# shellcheck shell=bash
# Node.js's own tests of net and http, and the Node.js that they belong to, for ./run selftest runtimes node. Sourced by
# ./run.
#
# No package of npm or PyPI has them: they are in the source of the distribution's package. Both come from the system's
# own sources by apt-get, with lists, cache and files in build/node-suite alone: nothing is installed, and root is not
# needed.

NODE_SUITE=$ROOT/build/node-suite

# apt-get that keeps what it knows and fetches in the suite's folder.
suite_apt() {
  apt-get -q -y -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$NODE_SUITE/sources" \
    -o Dir::State::lists="$NODE_SUITE/lists" -o Dir::State::status="$NODE_SUITE/status" \
    -o Dir::Cache="$NODE_SUITE/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
    -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}

# The system's sources, with those of the packages' sources beside them.
suite_sources() {
  local file name
  mkdir -p "$NODE_SUITE"/{sources,lists/partial,cache/archives/partial}
  : >"$NODE_SUITE/status" # as if nothing were installed: all that Node.js needs is fetched
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    name=$(basename "$file")
    case $file in
      *.list) sed -E 's/^(deb)( .*)$/\1\2\n\1-src\2/' "$file" >"$NODE_SUITE/sources/$name" ;;
      *.sources) sed -E 's/^Types:.*/Types: deb deb-src/' "$file" >"$NODE_SUITE/sources/$name" ;;
    esac
  done
}

# The tests of the newest source package that there is a Node.js of, and that Node.js.
suite_fetch() {
  local version source
  suite_apt update || return
  (cd "$NODE_SUITE" && suite_apt source --download-only nodejs) || return
  version=$(sed -n 's/^Version: *//p' "$NODE_SUITE"/nodejs_*.dsc | tail -1)
  suite_apt install --download-only --no-install-recommends "nodejs=$version" || return
  for source in "$NODE_SUITE"/cache/archives/*.deb; do
    case $(basename "$source") in
      libc6_* | libgcc-* | libstdc++6_*) ;; # the system's, or there would be two
      *) dpkg-deb -x "$source" "$NODE_SUITE/root" || return ;;
    esac
  done
  source=$(compgen -G "$NODE_SUITE/nodejs_*.orig.tar.*z" | head -1)
  tar -xf "$source" -C "$NODE_SUITE" --strip-components=1 --wildcards '*/test' || return
}

# Its libraries are where no loader looks. Children inherit that.
suite_command() {
  local libraries
  libraries=$(find "$NODE_SUITE/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
  mkdir -p "$NODE_SUITE/commands"
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$libraries" "$NODE_SUITE/root/usr/bin/node" \
    >"$NODE_SUITE/commands/node"
  chmod +x "$NODE_SUITE/commands/node"
  "$NODE_SUITE/commands/node" --version
}

# node_suite: fetches both, once; afterwards $NODE_SUITE/test and $NODE_SUITE/commands/node are there.
node_suite() {
  [[ -f $NODE_SUITE/complete ]] && return
  command -v apt-get >/dev/null || return
  say "Node.js's own tests and the Node.js that they belong to, into build/node-suite"
  rm -rf "$NODE_SUITE"
  suite_sources
  suite_fetch >"$ROOT/build/node-suite.log" 2>&1 || return
  say "Node.js $(suite_command)" || return
  touch "$NODE_SUITE/complete"
}
