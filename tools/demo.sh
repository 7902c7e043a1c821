# shellcheck shell=bash
# ./run demo: the whole chain on a shop, from its access log to a judged, explained comparison. Sourced by ./run.
#
# Four candidates keep one contract (subjects/README.md): Flask, FastAPI, the same FastAPI with one blocking call, and
# C++ on this project's stack. The log is synthetic (examples/shop/make_access_log.py says how it is made); everything
# after it is real: PostgreSQL, the services in their own runtimes, the load, the faults.

DEMO_DIRECTORY=results/demo

# longer: the binding on stdin with longer phases and Node.js as a fifth candidate.
longer() {
  sed -E -e 's/length: 6s,/length: 15s,/; s/length: 14s,/length: 60s,/; s/length: 4s,/length: 10s,/' \
    -e 's/length: 5s,/length: 20s,/; s/length: 8s/length: 30s/' \
    -e 's#^  - cpp/candidate.yaml#&\n  - node/candidate.yaml#'
}

demo_command() {
  local full='' binding=subjects/shop/binding.yaml
  if [[ ${1:-} == --full ]]; then
    full=yes
    shift
  fi
  (($# == 0)) || die "demo: unknown argument '$1'; there is --full" 2
  require build data
  build release assay shop_cpp || die "build release failed"
  mkdir -p "$DEMO_DIRECTORY"
  rm -rf "${DEMO_DIRECTORY:?}/run"

  say "1. a day of the shop's access log, and the workload in it"
  python3 examples/shop/make_access_log.py >"$DEMO_DIRECTORY/access.log"
  build/assay learn "$DEMO_DIRECTORY/access.log" -o "$DEMO_DIRECTORY/shop.profile.json" || return

  say "2. the routes bound to data, and a plan"
  if [[ -n $full ]]; then
    longer <"$binding" >subjects/shop/full.binding.yaml
    binding=subjects/shop/full.binding.yaml
  fi
  build/assay plan "$DEMO_DIRECTORY/shop.profile.json" --bind "$binding" -o "$DEMO_DIRECTORY/shop.plan.yaml" || return
  build/assay plan --check "$DEMO_DIRECTORY/shop.plan.yaml" || return

  say "3. every candidate, every phase; Ctrl-C keeps what there is"
  build/assay run "$DEMO_DIRECTORY/shop.plan.yaml" -o "$DEMO_DIRECTORY/run"
}
