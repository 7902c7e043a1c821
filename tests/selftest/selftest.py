"""Does `assay watch` name each planted fault, and leave the clean twins alone?

    selftest.py [N] [--case NAME] [--short] [--fresh] [--kept FILE]    N rounds over the table (default 1)

Each planted service of subjects/planted/table.yaml, and its twin, is watched under a small load and its diagnosis
compared with the table (comparing.py). One line each; what is done is kept (results/selftest.jsonl) and not done again,
until the programs or the services change or --fresh is given. At the end a count for each case over all rounds that are
kept, where there are several: all are to be right, of 20 rounds or more 19 of 20 (rounds.py). Exit codes: 0 enough of
each case are as they should be, 1 not, 2 usage.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import peers
from comparing import MODES, PLANTED, Case, is_host_busy, mistakes, read_table
from rounds import Kept

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASSAY = pathlib.Path(os.environ.get("ASSAY_COMMAND", ROOT / "build" / "assay"))
LIBRARY = ROOT / "build" / "probe" / "libassay_probe.so"
BUILT = ROOT / "build" / "subjects"
KEPT = ROOT / "results" / "selftest.jsonl"
PATIENCE_S = 20
MOST_TRIES = 3  # of one case while the host itself is too busy


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the service does not listen")


def load(port: int, *arguments: str) -> None:
    command = [str(ASSAY), "load", f"http://127.0.0.1:{port}/", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    # 3: this machine was late; for this test any load will do.
    if done.returncode not in (0, 3):
        raise RuntimeError(done.stderr.strip())


def burst(port: int, requests: int) -> None:
    """So many at once, each on a connection of its own."""
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) for _ in range(requests)]
    for each in sockets:
        each.sendall(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
    for each in sockets:
        each.recv(4096)
        each.close()


def apply_load(case: Case, port: int) -> None:
    if bursts := case.entry.get("bursts"):
        begin = time.monotonic()
        for number in range(bursts["number"]):
            if (wait := begin + number * bursts["every_s"] - time.monotonic()) > 0:
                time.sleep(wait)
            burst(port, bursts["requests"])
        return
    stages = [word for each in case.load() for word in ("--stage", f"{each['length_s']}s@{each['rate']}")]
    load(port, *stages, "--arrivals", "poisson")


def start_of_command(service: pathlib.Path) -> list[str]:
    if service.suffix == ".py":
        return [sys.executable, service.name]
    if service.suffix == ".cpp":
        return [str(BUILT / f"planted_{service.stem}")]
    node = shutil.which("node") or str(ROOT / ".node" / "commands" / "node")
    if not os.access(node, os.X_OK):
        raise RuntimeError("Node.js is not installed; ./run build does it")
    return [node, service.name]


def watch(case: Case) -> tuple[dict, int]:
    """The document of `assay watch`, and the port of what the service depends on."""
    port = free_port()
    peer = peers.start(case.entry["peer"]) if "peer" in case.entry else None
    peer_port = peer.port if peer else 9
    command = [*start_of_command(case.service), str(port), str(peer_port), case.mode]
    watching = subprocess.Popen(
        [str(ASSAY), "watch", "--json", "--interval", "1h", "--", *command],
        cwd=PLANTED,
        env={**os.environ, "PORT": str(port), "ASSAY_IO": "epoll"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(port, watching)
        apply_load(case, port)
        watching.send_signal(signal.SIGINT)
        out, errors = watching.communicate(timeout=PATIENCE_S)
        if watching.returncode not in (0, 3):
            raise RuntimeError(f"assay watch ended with {watching.returncode}: {errors.strip()}")
        return json.loads(out), peer_port
    finally:
        if watching.poll() is None:
            watching.kill()
            watching.communicate()
        if peer:
            peer.stop()


def run(case: Case) -> dict:
    """The mistakes, what was said, and how often it was tried."""
    for tries in range(1, MOST_TRIES + 1):
        try:
            seen, peer_port = watch(case)
            wrong = mistakes(case, seen, peer_port)
            said = "; ".join([f"{seen['verdict']}: {seen['text']}", *(each["text"] for each in seen["findings"][1:])])
        except (RuntimeError, OSError, subprocess.TimeoutExpired, ValueError) as failed:
            return {"wrong": [str(failed)], "said": "", "tries": tries}
        # The host's fault is not the service's: with others on its cores nothing can be told.
        if not wrong or not is_host_busy(seen) or tries == MOST_TRIES:
            return {"wrong": wrong, "said": said, "tries": tries}
    raise AssertionError("unreachable")


def fingerprint() -> str:
    """Of all that the outcome can depend on."""
    digest = hashlib.sha256()
    shims = [*LIBRARY.parent.glob("python/*.py"), *LIBRARY.parent.glob("node/*.cjs")]
    own = (pathlib.Path(__file__).parent / name for name in ("comparing.py", "peers.py", "selftest.py"))
    for path in [ASSAY, LIBRARY, *sorted(shims), *sorted(PLANTED.iterdir()), *own]:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage="./run selftest [N] [--case NAME] [--short] [--fresh]")
    parser.add_argument("rounds", nargs="?", type=int, default=1)
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--short", action="store_true", help="the cases marked ci")
    parser.add_argument("--fresh", action="store_true", help="forget what was done before")
    parser.add_argument("--kept", type=pathlib.Path, default=KEPT, help="the file of what was done")
    return parser.parse_args()


def cases(asked: argparse.Namespace) -> list[Case]:
    table = read_table((PLANTED / "table.yaml").read_text(encoding="utf-8"))
    if unknown := set(asked.case) - set(table):
        sys.exit(f"./run selftest: no case {', '.join(sorted(unknown))}; there are {', '.join(table)}")
    chosen = asked.case or [name for name, entry in table.items() if entry.get("ci") or not asked.short]
    return [Case(name, mode, table[name]) for name in chosen for mode in MODES]


def line_of(outcome: dict) -> str:
    text = f"MISS: {'; '.join(outcome['wrong'])}" if outcome["wrong"] else "as it should be"
    again = f" (try {outcome['tries']}: the host was busy)" if outcome["tries"] > 1 else ""
    return f"{outcome['round']:>3} {outcome['case']:<18} {outcome['mode']:<6} {text}{again}"


def conclude(todo: list[Case], kept: Kept) -> int:
    """The counts, and the exit code."""
    counts = {(case.name, case.mode): kept.count(case.name, case.mode) for case in todo}
    for (name, mode), count in counts.items():
        if count.rounds > 1:
            print(f"    {name:<18} {mode:<6} {count.text()}")
    enough = sum(count.is_enough() for count in counts.values())
    print(f"{enough} of {len(counts)} cases are as they should be, "
          f"{sum(count.rounds - count.right for count in counts.values())} misses in all")
    return 0 if enough == len(counts) else 1


def main() -> int:
    asked = arguments()
    if asked.rounds < 1:
        sys.exit("./run selftest: N is 1 or more")
    todo, kept = cases(asked), Kept(asked.kept, fingerprint(), asked.fresh)
    for number in range(1, asked.rounds + 1):
        for case in todo:
            outcome = kept.find(case.name, case.mode, number)
            if outcome is None:
                outcome = kept.add({"round": number, "case": case.name, "mode": case.mode, **run(case)})
            print(line_of(outcome), flush=True)
    return conclude(todo, kept)


if __name__ == "__main__":
    sys.exit(main())
