"""view-noise: whether the view on the terminal changes what is measured.

`assay load` at 1,000 requests a second on a pseudo terminal of 200 by 50, whose other end is read as fast as it is
written to: with the view, with the one line in its place, and with that once more, which is what two equal runs differ
by. In rounds, in a random order each. Bar, for each of mean, p50, p90 and p99: the interval of view / line holds 1, or
its middle lies within the interval of line / line.
"""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import select
import struct
import subprocess
import termios
import time
from typing import Any

from lib.peers import Peers
from lib.procs import MeasurementError, Server
from lib.rounds import Settings, show_skipped
from lib.stats import summarise_ratios

RATE_RPS = 1000
ROWS, COLUMNS = 50, 200
QUANTITIES = ("mean", "p50", "p90", "p99")
RUNS = {"view": [], "line": ["--no-tui"], "line again": ["--no-tui"]}
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


def _times_of(summary: str) -> dict[str, float]:
    """The row of the response time, in microseconds; three digits are told of each."""
    row = re.findall(r"response time +" + " +".join([r"([0-9.]+)(us|ms|s)"] * len(QUANTITIES)), summary)
    units = {"us": 1.0, "ms": 1e3, "s": 1e6}
    told = [float(value) * units[unit] for value, unit in zip(row[-1][::2], row[-1][1::2])]
    return dict(zip(QUANTITIES, told, strict=True))


def _run(program: str, server: Server, options: list[str], settings: Settings) -> dict[str, Any]:
    seen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    command = [program, "load", f"http://127.0.0.1:{server.port}/", "-R", str(RATE_RPS), "-d", f"{settings.seconds:g}s",
               "-c", str(settings.connections), *options]

    def pinned() -> None:
        os.sched_setaffinity(0, {settings.generator_core})

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
                **_times_of(summary)}
    except (IndexError, ValueError) as error:
        raise MeasurementError(f"no summary of a load ({error!r}): {summary[-200:]!r}") from error


def _judge(rounds: list[dict[str, Any]], quantity: str, quick: bool) -> dict[str, Any]:
    def ratios(of: str, over: str) -> list[float]:
        return [one[of][quantity] / one[over][quantity] for one in rounds]

    view, chance = summarise_ratios(ratios("view", "line")), summarise_ratios(ratios("line again", "line"))
    passed = view.low <= 1 <= view.high or chance.low <= view.geometric_mean <= chance.high
    verdict = "no bar" if quick else "PASS" if passed else "FAIL"
    print(f"  {quantity:5} view / line {view.geometric_mean:.4f} [{view.low:.4f}, {view.high:.4f}]; line / line "
          f"{chance.geometric_mean:.4f} [{chance.low:.4f}, {chance.high:.4f}] of {view.count}: {verdict}")
    return {"quantity": quantity, "view": [view.low, view.high], "chance": [chance.low, chance.high],
            "verdict": verdict}


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    program, server = peers.assay_command(), peers.floor_server()
    show_skipped(peers)
    if program is None or server is None:
        raise MeasurementError("assay and floor_server have to be built")
    order = random.Random(settings.seed)
    rounds: list[dict[str, Any]] = []
    for _ in range(settings.pairs + 1):
        names = list(RUNS)
        order.shuffle(names)
        one = {}
        with server:
            for name in names:
                one[name] = _run(program, server, RUNS[name], settings)
        rounds.append(one)
    rounds = rounds[1:]  # the first warms up
    if any(run["has_view"] != (name == "view") for one in rounds for name, run in one.items()):
        raise MeasurementError("the view was not shown, or where it should not have been")
    invalid = sum(run["verdict"] != "VALID" for one in rounds for run in one.values())
    print(f"  {len(rounds)} rounds of 3 runs of {settings.seconds:g} s; {invalid} runs INVALID; the view wrote "
          f"{min(one['view']['shown_bytes'] for one in rounds)} bytes or more")
    return {"rounds": rounds, "bars": [_judge(rounds, quantity, settings.quick) for quantity in QUANTITIES]}
