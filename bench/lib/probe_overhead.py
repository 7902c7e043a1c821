"""probe-overhead: CPU time per request that the probe costs a service, switched off and on inside one process.

At 5,000 requests a second, on Node.js and on asyncio; the library alone, and with the shim of the runtime. A pair is
two stretches of 20 ms, off and on, in alternating order, of equally many requests: the schedule is constant. Whatever
else the host does lasts longer, and falls on both. A block is the median ratio of 100 pairs; the interval is Student's
over the blocks' logarithms.
Bars: the interval's upper end <= 1.02 for the library alone, <= 1.03 with the shim.
"""

from __future__ import annotations

import os
import tempfile
import time
from statistics import median
from typing import Any

from lib.inside import Candidate, Inside, Load, Runtime, load_command, runtimes
from lib.peers import Peers
from lib.procs import MeasurementError
from lib.rounds import Settings, show_skipped
from lib.stats import summarise_ratios

RATE_RPS = 5000
CONNECTIONS = 64
STRETCH_S = 0.02
PAIRS_A_BLOCK = 100
LEAST_PAIRS_A_BLOCK = 80
BLOCKS_A_ROUND = 2
WARM_UP_S = 3
LIMITS = {"library": 1.02, "library and shim": 1.03}
PAUSED_AT = 72  # the word `paused` of probe/probe_format.h
LEAST_ANSWERED = 0.99  # of what was offered: else the stretches hold unequal numbers of requests


class Switch:
    """The word in the library's file that a running process looks at; and the shim's, by way of the service."""

    def __init__(self, directory: str, candidate: Candidate, with_shim: bool) -> None:
        self._candidate, self._with_shim = candidate, with_shim
        self._file = os.open(os.path.join(directory, f"{candidate.pid}.probe"), os.O_RDWR | os.O_CLOEXEC)

    def set(self, on: bool) -> None:
        os.pwrite(self._file, int(not on).to_bytes(8, "little"), PAUSED_AT)
        if self._with_shim:
            self._candidate.send(int(on))

    def __enter__(self) -> Switch:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _stretch_ns(candidate: Candidate, switch: Switch, on: bool) -> float:
    """CPU time per second, hence of equally many requests however late this process wakes."""
    switch.set(on)
    begin_ns, begin_s = candidate.cpu_ns(), time.monotonic()
    time.sleep(STRETCH_S)
    return (candidate.cpu_ns() - begin_ns) / (time.monotonic() - begin_s)


def _blocks(candidate: Candidate, switch: Switch, blocks: int) -> tuple[list[float], float]:
    """The ratios on/off, a block each, and the CPU time of a request without the probe."""
    ratios, off_ns = [], []
    for _ in range(blocks):
        pairs = []
        for number in range(PAIRS_A_BLOCK):
            first = number % 2 == 0
            taken = {on: _stretch_ns(candidate, switch, on) for on in (first, not first)}
            if min(taken.values()) > 0:  # else it had no CPU all the while: the host's doing, and no ratio
                pairs.append(taken[True] / taken[False])
                off_ns.append(taken[False])
        if len(pairs) < LEAST_PAIRS_A_BLOCK:
            raise MeasurementError(f"{candidate.name} had no CPU in {PAIRS_A_BLOCK - len(pairs)} of {PAIRS_A_BLOCK} "
                                   "pairs of stretches: the host is too busy")
        ratios.append(median(pairs))
    return ratios, median(off_ns) / RATE_RPS


def _measure(inside: Inside, runtime: Runtime, what: str, assay: str, settings: Settings) -> dict[str, Any]:
    blocks = 2 if settings.quick else BLOCKS_A_ROUND * settings.pairs
    seconds = WARM_UP_S + blocks * PAIRS_A_BLOCK * 2 * (STRETCH_S + 0.002) + 2
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as directory, \
            Candidate(runtime, settings.server_core, 0, inside.environment(directory, runtime)) as candidate, \
            Switch(directory, candidate, what != "library") as switch, \
            Load(load_command(assay, candidate.port, CONNECTIONS, seconds, RATE_RPS)) as load:
        time.sleep(WARM_UP_S)
        ratios, request_ns = _blocks(candidate, switch, blocks)
        report = load.result()
    if report["requests"] < LEAST_ANSWERED * RATE_RPS * seconds:
        raise MeasurementError(f"{runtime.name} answered {report['requests']} of {RATE_RPS * seconds:.0f} requests: "
                               "it does not keep up, and equal stretches are not of equal work")
    summary = summarise_ratios(ratios)
    limit = LIMITS[what]
    # An interval that reaches across the bar is wider than what is asked: the host, not the probe.
    verdict = "PASS" if summary.high <= limit else "FAIL" if summary.low > limit else "INCONCLUSIVE"
    print(f"    {runtime.name:8} {what:16} {request_ns / 1e3:6.1f} us CPU/request without; on/off geometric mean "
          f"{summary.geometric_mean:.4f}, 95 % interval [{summary.low:.4f}, {summary.high:.4f}] of {len(ratios)} "
          f"blocks: {verdict} (upper end <= {limit:g})", flush=True)
    return {"runtime": runtime.name, "what": what, "request_cpu_ns": request_ns, "ratios": ratios,
            "low": summary.low, "high": summary.high, "geometric_mean": summary.geometric_mean,
            "pass": verdict == "PASS"}


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    assay = peers.assay_command()
    if assay is None:
        raise MeasurementError("assay is not built")
    inside = Inside(settings.build)
    known = runtimes(peers, settings.build)
    found = [one for one in (known[name]() for name in ("asyncio", "node")) if one is not None]
    show_skipped(peers)
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {settings.generator_core})
    try:
        results = [_measure(inside, runtime, what, assay, settings) for runtime in found for what in LIMITS]
    finally:
        os.sched_setaffinity(0, usual)
    return {"rate_rps": RATE_RPS, "results": results}
