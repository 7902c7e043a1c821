# shellcheck shell=bash
# ./run selftest: is every planted fault named, and every clean twin left alone? And do the runtimes' own tests come out
# alike with and without the probe? Sourced by ./run.

selftest_command() {
  require build python
  node_bin >/dev/null || die "cannot install Node.js"
  build release assay assay_probe planted_sleepy planted_held_lock planted_hoarder || die "build release failed"
  python_packages || die "cannot install the Python packages of tests/requirements.txt"
  if [[ ${1:-} == runtimes ]]; then
    runtimes_command "${@:2}"
    return
  fi
  exec "$PYTHON" -B tests/selftest/selftest.py "$@"
}

runtimes_command() {
  if [[ ${1:-} == node && " $* " != *" --tests"* ]]; then
    node_suite || die "Node.js's tests cannot be fetched (build/node-suite.log); --tests DIRECTORY names a copy"
    PATH=$NODE_SUITE/node/bin:$PATH
    set -- "$@" --tests "$NODE_SUITE/test"
  fi
  exec "$PYTHON" -B tests/probe/runtime_tests.py "$@"
}
