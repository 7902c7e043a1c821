# shellcheck shell=bash
# ./run demo: the mistake most load generators make, and what Assay shows instead, on a real server. Sourced
# by ./run.
#
# A server of the stack is stopped (SIGSTOP) for 1.5 s in the middle of a 10 s run, as a long garbage
# collection or a blocking call would stop it.

DEMO_RATE=2000
DEMO_SECONDS=10
DEMO_FREEZE_SECONDS=1.5
DEMO_SERVER='' DEMO_LOAD='' DEMO_FILES=''

demo_cleanup() {
  local process
  for process in $DEMO_LOAD $DEMO_SERVER; do
    # A stopped process takes no SIGTERM before it goes on.
    kill -CONT "$process" 2>/dev/null || true
    kill -TERM "$process" 2>/dev/null || true
  done
  for process in $DEMO_LOAD $DEMO_SERVER; do
    timeout 5 tail --pid="$process" -f /dev/null || kill -KILL "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  DEMO_LOAD='' DEMO_SERVER=''
  if [[ -n $DEMO_FILES ]]; then rm -rf "$DEMO_FILES"; fi
}

# demo_serve: starts the example on a port the kernel chooses; prints the URL that the server says it listens
# on.
demo_serve() {
  PORT=0 build/examples/hello >"$DEMO_FILES/server" 2>&1 </dev/null &
  DEMO_SERVER=$!
  local -i attempt
  for ((attempt = 0; attempt < 100; attempt++)); do
    DEMO_URL=$(grep -oEm 1 'http://[^ ]+:[0-9]+' "$DEMO_FILES/server" || true)
    if [[ -n $DEMO_URL ]]; then return 0; fi
    kill -0 "$DEMO_SERVER" 2>/dev/null || break
    sleep 0.1
  done
  cat "$DEMO_FILES/server" >&2
  return 1
}

demo_command() {
  local -i status=0
  require build
  build release || die "build release failed"
  DEMO_FILES=$(mktemp -d)
  trap demo_cleanup EXIT
  trap 'exit 130' INT TERM HUP

  demo_serve || die "the example server did not come up" 4
  say "serving $DEMO_URL; $DEMO_SECONDS s at $DEMO_RATE requests/s, frozen for $DEMO_FREEZE_SECONDS s midway"
  build/assay load -t 1 -c 50 -d "${DEMO_SECONDS}s" -R "$DEMO_RATE" --latency "$DEMO_URL/" \
    >"$DEMO_FILES/summary" </dev/null &
  DEMO_LOAD=$!
  sleep 4
  kill -STOP "$DEMO_SERVER"
  say "server stopped"
  sleep "$DEMO_FREEZE_SECONDS"
  kill -CONT "$DEMO_SERVER"
  say "server goes on"
  wait "$DEMO_LOAD" || status=$?
  DEMO_LOAD=''

  cat "$DEMO_FILES/summary"
  cat <<TEXT

What one sees: each request is timed from the instant it was due, so the maximum is near the freeze of 1.5 s.
15 % of all requests were due during it; a tenth of all waited longer than 0.5 s, which is the p90 shown.
A generator that waits for its answers sends 50 requests into the freeze, not 3000, and its p99 stays small.
TEXT
  return "$status"
}
