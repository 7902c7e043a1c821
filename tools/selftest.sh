# shellcheck shell=bash
# ./run selftest: is every planted fault named, and every clean twin left alone? Sourced by ./run.

selftest_command() {
  require build python
  node_bin >/dev/null || die "cannot install Node.js"
  build release assay assay_probe planted_sleepy || die "build release failed"
  python_packages || die "cannot install the Python packages of tests/requirements.txt"
  exec "$PYTHON" -B tests/selftest/selftest.py "$@"
}
