# shellcheck shell=bash
# ./run doctor: what the machine offers against what the project needs, a line each. Sourced by ./run.
#
# ok: as it should be. missing: ./run build or test will install it. note: works, but measures or scales
# worse. Exit status 1 when something is missing.

declare -i DOCTOR_MISSING=0

report() { # report STATUS NAME TEXT
  printf '%-8s %-20s %s\n' "$1" "$2" "$3"
  if [[ $1 == missing ]]; then DOCTOR_MISSING+=1; fi
}

# tool_version COMMAND: the first number with a dot in what it says of itself.
tool_version() {
  local text
  text=$({ "$1" --version 2>&1 || "$1" -v 2>&1 || true; } </dev/null | head -n 3)
  grep -oE '[0-9]+(\.[0-9]+)+' <<<"$text" | head -n 1 || true
}

doctor_packages() {
  local _group package probe why
  while read -r _group package probe why; do
    if ! present "$probe"; then
      report missing "${package%%|*}" "$why -> apt-get install ${package%%|*}"
    elif [[ $probe == cmd:* ]]; then
      report ok "${package%%|*}" "$why ($(tool_version "${probe#cmd:}"))"
    else
      report ok "${package%%|*}" "$why"
    fi
  done < <(needs)
}

# io_uring_answer: "ok", or the errno's name with which the kernel refuses io_uring_setup(1, ...).
io_uring_answer() {
  python3 - <<'PYTHON' 2>/dev/null || printf 'unknown (needs python3)'
import ctypes, errno, os
IO_URING_SETUP = 425  # the same on every architecture
libc = ctypes.CDLL(None, use_errno=True)
descriptor = libc.syscall(IO_URING_SETUP, 1, ctypes.create_string_buffer(120))
if descriptor >= 0:
    os.close(descriptor)
    print("ok")
else:
    print(errno.errorcode.get(ctypes.get_errno(), "refused"))
PYTHON
}

doctor_kernel() {
  local answer release
  release=$(uname -r)
  if version_at_least "${release%%-*}" 6.1; then
    report ok kernel "$release"
  else
    report note kernel "$release: below 6.1 io_uring lacks DEFER_TASKRUN; the stack uses epoll"
  fi
  answer=$(io_uring_answer)
  case $answer in
    ok) report ok io_uring "allowed" ;;
    EPERM) report note io_uring "EPERM: kernel.io_uring_disabled, or a container's seccomp; epoll is used" ;;
    unknown*) report note io_uring "$answer" ;;
    *) report note io_uring "$answer: epoll is used" ;;
  esac
}

doctor_limits() {
  local soft hard locked slack ports governor
  soft=$(ulimit -Sn) hard=$(ulimit -Hn)
  if [[ $hard == unlimited ]] || ((hard >= 65536)); then
    report ok descriptors "soft $soft, hard $hard (a program may raise itself to the hard limit)"
  else
    report note descriptors "hard $hard bounds the connections -> LimitNOFILE=, /etc/security/limits.conf"
  fi
  locked=$(ulimit -l)
  if [[ $locked == unlimited ]] || ((locked >= 8192)); then
    report ok "locked memory" "$locked KiB"
  else
    report note "locked memory" "$locked KiB: large registered buffers are refused -> LimitMEMLOCK="
  fi
  slack=$(cat /proc/self/timerslack_ns 2>/dev/null || printf 'unknown')
  report ok "timer slack" "$slack ns by default; the load generator sets its own to 1 ns"
  ports=$(tr '\t' ' ' </proc/sys/net/ipv4/ip_local_port_range 2>/dev/null || printf 'unknown')
  report ok "local ports" "$ports: the bound on client connections to one address and port"
  governor=$(cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor 2>/dev/null || printf 'none')
  case $governor in
    none | performance) report ok "frequency governor" "$governor" ;;
    *) report note "frequency governor" "$governor: results vary -> cpupower frequency-set -g performance" ;;
  esac
  if (($(nproc) >= 2)); then
    report ok cores "$(nproc)"
  else
    report note cores "1: generator and candidate share it, and results will be INVALID at high rates"
  fi
}

doctor_command() {
  case ${1:-} in
    '') ;;
    --fix) require build sanitize test python peers data browser ;;
    *) die "unknown option '$1': ./run doctor [--fix]" 2 ;;
  esac
  printf '%-8s %-20s %s\n' ok system "$(distribution)"
  doctor_packages
  doctor_kernel
  doctor_limits
  if ((DOCTOR_MISSING > 0)); then
    say "$DOCTOR_MISSING missing: ./run doctor --fix installs them"
    return 1
  fi
}
