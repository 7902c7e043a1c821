"""view-noise: whether the view on the terminal changes what is measured.

`assay load` on a pseudo terminal of 200 by 50, whose other end is read as fast as it is written to, at 1,000 requests
a second and as fast as it goes: with the view, with the one line in its place, and with that once more, which is what
two equal runs differ by. All threads of it share one core. In rounds, in a random order each. Bar, for mean, p50, p90,
p99 and p99.9, and for the throughput of the latter: the interval of view / line lies within the spread of line / line,
in which 19 of 20 pairs of equal runs lie. Beyond it is FAIL, across its edge INCONCLUSIVE.
"""

from __future__ import annotations

import fcntl
import math
import os
import pty
import random
import re
import select
import struct
import subprocess
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from lib.peers import Peers
from lib.procs import MeasurementError, Server
from lib.rounds import Settings, show_skipped
from lib.stats import student_quantile, summarise_ratios

ROWS, COLUMNS = 50, 200
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
RUNS = {"view": [], "line": ["--no-tui"], "line again": ["--no-tui"]}
WORKLOADS = {"1,000 req/s": ["-R", "1000"], "as fast as it goes": []}
AFTER_S = 15  # for the drain
ALTERNATE_SCREEN = b"\x1b[?1049h"


def _read_screen(child: subprocess.Popen[bytes], screen: int, until_s: float) -> bytes:
    """All that it put on the screen: the view is there only where stdout is one, too."""
    shown = b""
    while True:
        if time.monotonic() > until_s:
            child.kill()
            raise MeasurementError("assay load does not end")
        if not select.select([screen], [], [], 0.5)[0]:
            continue
        try:
            chunk = os.read(screen, 65536)
        except OSError:  # a terminal that nobody has any more
            return shown
        shown += chunk


def times_of(distribution: str) -> dict[str, float]:
    """The mean and the quantiles in a file of `--hdr`, and how many answers there were. Of a quantile the first row
    that reaches it. Raises ValueError where it is none of these files."""
    rows = [[float(cell) for cell in line.split()[:3]] for line in distribution.splitlines()
            if re.match(r"\s*[0-9.]+ [0-9.]+ +[0-9]+", line)]
    mean = re.search(r"#\[Mean += +([0-9.]+)", distribution)
    if mean is None or not rows:
        raise ValueError("no distribution of percentiles")
    told = {name: next(value for value, reached, _ in rows if reached >= level) for name, level in QUANTILES.items()}
    return {"answers": rows[-1][2], "mean": float(mean[1]), **told}


def _run(program: str, server: Server, options: list[str], settings: Settings) -> dict[str, Any]:
    seen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def pinned() -> None:
        os.sched_setaffinity(0, {settings.generator_core})

    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "times.hgrm"
        command = [program, "load", f"http://127.0.0.1:{server.port}/", "-d", f"{settings.seconds:g}s", "-c",
                   str(settings.connections), "--hdr", str(file), *options]
        try:
            with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal,
                                  env=os.environ | {"TERM": "xterm-256color"}, preexec_fn=pinned) as child:
                os.close(terminal)
                shown = _read_screen(child, seen, time.monotonic() + settings.seconds + AFTER_S)
        finally:
            os.close(seen)
        summary = shown.decode("utf-8", "replace")
        try:
            verdict = re.findall(r"INVALID|VALID", summary)[-1]
            return {"verdict": verdict, "shown_bytes": len(shown), "has_view": ALTERNATE_SCREEN in shown,
                    **times_of(file.read_text())}
        except (IndexError, ValueError, OSError, StopIteration) as error:
            raise MeasurementError(f"no summary of a load ({error!r}): {summary[-200:]!r}") from error


@dataclass(frozen=True)
class Judged:
    low: float
    high: float
    spread: float  # 19 of 20 ratios of equal runs lie between 1 / spread and spread
    outcome: str


def judge(view: Sequence[float], equal: Sequence[float]) -> Judged:
    """The ratios view / line and line / line, of the same rounds."""
    effect = summarise_ratios(view)
    root_mean_square = math.sqrt(sum(math.log(one) ** 2 for one in equal) / len(equal))
    spread = math.exp(student_quantile(0.975, len(equal)) * root_mean_square)
    if 1 / spread <= effect.low and effect.high <= spread:
        return Judged(effect.low, effect.high, spread, "PASS")
    beyond = effect.low > spread or effect.high < 1 / spread
    return Judged(effect.low, effect.high, spread, "FAIL" if beyond else "INCONCLUSIVE")


def _judge(rounds: list[dict[str, Any]], quantity: str, quick: bool) -> dict[str, Any]:
    def ratios(of: str, over: str) -> list[float]:
        return [one[of][quantity] / one[over][quantity] for one in rounds]

    judged = judge(ratios("view", "line"), ratios("line again", "line"))
    outcome = "no bar" if quick else judged.outcome
    print(f"  {quantity:7} view / line [{judged.low:.4f}, {judged.high:.4f}] of {len(rounds)}; line / line in 19 of 20 "
          f"within [{1 / judged.spread:.4f}, {judged.spread:.4f}]: {outcome}", flush=True)
    return {"quantity": quantity, "view": [judged.low, judged.high], "spread": judged.spread, "verdict": outcome}


def _measure(program: str, server: Server, workload: str, settings: Settings) -> dict[str, Any]:
    print(f"  -- {workload}; {settings.connections} connections", flush=True)
    order = random.Random(settings.seed)
    rounds: list[dict[str, Any]] = []
    for _ in range(settings.pairs + 1):
        names = list(RUNS)
        order.shuffle(names)
        with server:
            rounds.append({name: _run(program, server, [*WORKLOADS[workload], *RUNS[name]], settings)
                           for name in names})
    rounds = rounds[1:]  # the first warms up
    if any(run["has_view"] != (name == "view") for one in rounds for name, run in one.items()):
        raise MeasurementError("the view was not shown, or where it should not have been")
    invalid = sum(run["verdict"] != "VALID" for one in rounds for run in one.values())
    print(f"  {len(rounds)} rounds of 3 runs of {settings.seconds:g} s; {invalid} runs INVALID; the view wrote "
          f"{min(one['view']['shown_bytes'] for one in rounds)} bytes or more")
    throughput = [] if WORKLOADS[workload] else ["answers"]  # of a given rate they are as many each time
    bars = [_judge(rounds, quantity, settings.quick) for quantity in (*throughput, "mean", *QUANTILES)]
    return {"workload": workload, "rounds": rounds, "bars": bars}


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    program, server = peers.assay_command(), peers.floor_server()
    show_skipped(peers)
    if program is None or server is None:
        raise MeasurementError("assay and floor_server have to be built")
    return {"workloads": [_measure(program, server, each, settings) for each in WORKLOADS]}
