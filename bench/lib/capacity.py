"""capacity: does `assay capacity` find what a server of known capacity can do?

latency_server --serial answers one request after the other, each in SERVICE_MS: its capacity is 1 / SERVICE_MS, of
which each search knows nothing. Once always the same, once drawn anew for each run with a spread of 10 %. A search that
ends with an interval around the capacity, open to neither side, has found it. Bar: 19 of 20 searches, with the spread
18 of 20.

A run of D seconds above capacity keeps p90 < L as long as its queue reaches L no earlier than after 0.9 D: what a
search finds lies up to L / 0.9 D above the capacity, here 0.6 %. The interval has to hold the capacity all the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median
from typing import Any

from lib.peers import Peers
from lib.procs import MeasurementError, run
from lib.rounds import Settings

SERVICE_MS = 2
CAPACITY_RPS = 1000 / SERVICE_MS
RUN_S = 2
OBJECTIVES = "p90<10ms,errors<1%"
SEARCHES = 20
MOST_RUNS = 40


@dataclass(frozen=True)
class Case:
    name: str
    spread: float
    least_share: float  # of the searches that are to hold the capacity


CASES = (Case("always the same", 0, 0.95), Case("differs by 10 % from run to run", 0.1, 0.90))


def search(peers: Peers, settings: Settings, case: Case, number: int) -> dict[str, Any]:
    options = ("--serial", f"{SERVICE_MS}ms:{case.spread}", "--seed", str(settings.seed + number))
    server = peers.own_server("latency_server", "bench/latency_server", *options)
    assay = peers.assay_command()
    if server is None or assay is None:
        raise MeasurementError("latency_server or assay is not built")
    with server:
        command = [assay, "capacity", f"http://127.0.0.1:{server.port}/", "--slo", OBJECTIVES, "-d", f"{RUN_S}s",
                   "--runs", str(MOST_RUNS), "--no-curve", "--seed", str(settings.seed + number), "--json"]
        # A run may wait for the answers to a queue that a client of 5 s patience has left.
        done = run(command, settings.generator_core, timeout_s=MOST_RUNS * (RUN_S + 8))
    return json.loads(done.output)


def holds(document: dict[str, Any]) -> bool:
    low, high = document["low_rps"], document["high_rps"]
    return low is not None and high is not None and low <= CAPACITY_RPS <= high


def measure_case(peers: Peers, settings: Settings, case: Case) -> dict[str, Any]:
    print(f"  -- capacity {CAPACITY_RPS:g} req/s, {case.name}; {OBJECTIVES}, runs of {RUN_S} s")
    found = []
    for number in range(2 if settings.quick else SEARCHES):
        document = search(peers, settings, case, number)
        found.append(document)
        high = document["high_rps"] or float("inf")
        print(f"     search {number + 1}: [{document['low_rps']:.1f}, {high:.1f}] after {len(document['runs'])} runs, "
              f"{'holds it' if holds(document) else 'MISSES it'}, {document['outcome']}", flush=True)
    held = sum(map(holds, found))
    widths = [document["high_rps"] / document["low_rps"] for document in found if holds(document)]
    print(f"     upper end / lower end, where it is held: {median(widths):.3f}" if widths else "     none is held")
    outcome = "PASS" if held >= case.least_share * len(found) else "FAIL"
    print(f"     held in {held} of {len(found)} searches (at least {case.least_share:.0%}): {outcome}")
    return {"case": case.name, "spread": case.spread, "held": held, "outcome": outcome, "searches": found}


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    return {"capacity_rps": CAPACITY_RPS, "cases": [measure_case(peers, settings, case) for case in CASES]}
