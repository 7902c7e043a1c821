"""lag-estimate: event-loop lag as seen from outside against what pings inside the service wait.

Pings come at random moments (Poisson, 500 a second) and do not wait for each other; the service notes how long after
its sending the loop looked at each. At the same time and of the same loop the lag is estimated twice, by the preload
library and by sampling system calls. On asyncio, uvloop, Node.js and a bare epoll loop in C++, at three loads.
Bars, in the median run: p90 and p99 within 10 % or 1 ms of the pings (sampling: 2 ms), p50 within 20 % or 1 ms (2 ms).
"""

from __future__ import annotations

import math
import os
import random
import tempfile
import time
from dataclasses import dataclass
from statistics import median
from typing import Any, Mapping, Sequence

from lib.inside import Candidate, Inside, Load, Runtime, Watch, load_command, runtimes
from lib.peers import Peers
from lib.procs import MeasurementError
from lib.rounds import Settings, show_skipped

PINGS_PER_S = 500
WARM_UP_S = 2.5  # of load, until a loop that the library does not see is sampled
WINDOW_S = 8
REPEATS = 3
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
SHARES = {"p50": 0.20, "p90": 0.10, "p99": 0.10}
FLOORS_MS = {"traced": 1.0, "sampled": 2.0}  # by the library, by sampling


@dataclass(frozen=True)
class Work:
    """A load, and which of its requests compute (10 or 40 ms): each `every`-th. Eight connections at most: so few can
    wait in one turn that what stands before a ping in it is short against the bars."""

    name: str
    connections: int
    rate_rps: float | None  # None: as fast as it is answered
    every: int


WORKS = (Work("100 req/s", 8, 100, 20), Work("400 req/s", 8, 400, 25), Work("2 in a closed loop", 2, None, 200))


def quantile_ms(sorted_ns: Sequence[int], q: float) -> float:
    """Nearest rank."""
    return sorted_ns[min(len(sorted_ns) - 1, max(0, math.ceil(q * len(sorted_ns)) - 1))] / 1e6


def tolerance_ms(method: str, name: str, truth_ms: float) -> float:
    return max(SHARES[name] * truth_ms, FLOORS_MS[method])


def send_pings(candidate: Candidate, seconds: float, seed: int) -> None:
    """Stamped as they are sent: when this process wakes late, the ping is as young as if it had not."""
    chance, due_s = random.Random(seed), time.monotonic()
    end_s = due_s + seconds
    while (due_s := due_s + chance.expovariate(PINGS_PER_S)) < end_s:
        if (wait_s := due_s - time.monotonic()) > 0:
            time.sleep(wait_s)
        candidate.send(time.monotonic_ns())


def _observe(inside: Inside, runtime: Runtime, work: Work, assay: str, settings: Settings, seed: int) -> dict[str, Any]:
    """One run: the pings' quantiles, and what either method made of them."""
    window_s = 2 if settings.quick else WINDOW_S
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as directory, \
            tempfile.TemporaryDirectory(prefix="assay-bench-") as empty, \
            Candidate(runtime, settings.server_core, work.every, inside.environment(directory, runtime)) as candidate:
        command = load_command(assay, candidate.port, work.connections, WARM_UP_S + window_s + 1, work.rate_rps, True)
        with Watch(inside, candidate.pid, directory, runtime) as traced, \
                Watch(inside, candidate.pid, empty, runtime) as sampled, Load(command) as load:
            for watch in (traced, sampled):
                watch.begin("before")
            time.sleep(WARM_UP_S)
            for watch in (traced, sampled):
                watch.begin("steady")
            send_pings(candidate, window_s, seed)
            for watch in (traced, sampled):
                watch.end()
            seen = {"traced": traced.result(), "sampled": sampled.result()}
            load.result()
        lags_ns = sorted(candidate.notes())
    if len(lags_ns) < PINGS_PER_S * window_s / 2:
        raise MeasurementError(f"{runtime.name}: only {len(lags_ns)} pings were noted")
    run: dict[str, Any] = {"pings": len(lags_ns), "truth": {n: quantile_ms(lags_ns, q) for n, q in QUANTILES.items()}}
    for method, document in seen.items():
        lag = document["lag"]["steady"]
        if lag["quality"] != method:
            raise MeasurementError(f"{runtime.name}: its loop was {lag['quality']}, not {method}: {document['notes']}")
        run[method] = {name: lag[f"{name}_ms"] for name in QUANTILES}
        run[f"{method}_utilisation"] = lag["utilisation"]
    return run


def judge(method: str, name: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of all runs of one load: medians, the median difference, the tolerance, and how many runs are within theirs."""
    differences = [run[method][name] - run["truth"][name] for run in runs]
    truth = median(run["truth"][name] for run in runs)
    within = sum(abs(difference) <= tolerance_ms(method, name, run["truth"][name])
                 for difference, run in zip(differences, runs))
    return {"truth_ms": truth, "seen_ms": median(run[method][name] for run in runs),
            "difference_ms": median(differences), "tolerance_ms": tolerance_ms(method, name, truth), "within": within,
            "pass": abs(median(differences)) <= tolerance_ms(method, name, truth)}


def _show(runtime: Runtime, work: Work, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    judged = {}
    for method in FLOORS_MS:
        judged[method] = {name: judge(method, name, runs) for name in QUANTILES}
        cells = "  ".join(f"{name} {one['truth_ms']:6.2f} {one['seen_ms']:6.2f} {one['difference_ms']:+6.2f} "
                          f"{'PASS' if one['pass'] else 'FAIL'} {one['within']}/{len(runs)}"
                          for name, one in judged[method].items())
        busy = median(run[f"{method}_utilisation"] for run in runs)
        print(f"    {runtime.name:10} {work.name:18} {method:7} busy {busy:4.0%}  {cells}", flush=True)
    return judged


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    assay = peers.assay_command()
    if assay is None:
        raise MeasurementError("assay is not built")
    inside = Inside(settings.build)
    found = [one for one in (make() for make in runtimes(peers, settings.build).values()) if one is not None]
    show_skipped(peers)
    repeats = 1 if settings.quick else min(settings.pairs, REPEATS)
    print(f"  milliseconds: pings, seen, difference; the bar in the median of {repeats} runs, how many runs keep it")
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {settings.generator_core})  # and what is started from here
    results = []
    try:
        for runtime in found:
            for work in WORKS:
                runs = [_observe(inside, runtime, work, assay, settings, settings.seed + number)
                        for number in range(repeats)]
                judged = _show(runtime, work, runs)
                results.append({"runtime": runtime.name, "load": work.name, "judged": judged, "runs": runs})
    finally:
        os.sched_setaffinity(0, usual)
    verdicts = [one["pass"] for result in results for method in result["judged"].values() for one in method.values()]
    print(f"  {sum(verdicts)} of {len(verdicts)} quantiles within their bars")
    return {"results": results}
