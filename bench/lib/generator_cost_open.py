"""generator-cost-open: CPU time of a generator per request at an equal rate, and its memory at 10,000 connections.

5,000 and 50,000 req/s on 64 connections, one core. Peers: the load generators that have a rate, as far as they are
on PATH; every run meets a newly started nginx. Which share of the rate each achieved stands beside: one that cannot
reach it has its core to itself, and its CPU time per request is then what it can do. So do the response times that each
told of it, from the intended instant where the tool knows of one: what a coarse wait costs the service's clients.

wrk2 and oha wait by timers of a millisecond and send what has become due meanwhile; `assay load --tick 1ms` does as
much, with ticks of 5 ms it waits more coarsely than they do, and `assay load` as it is sends each request at its own
instant. Bars, of each with a tick: upper 95 % bound of it / wrk2 <= 0.9, / k6, oha, vegeta and hey <= 0.4. floor_client
stands beside, closed and so with as much in one go as the server answers: what the kernel takes of a request at its
cheapest, which no generator goes below.

Memory: 10,000 plaintext connections, all with a request under way, against floor_server, for 5 s and for 30 s. All that
is resident counts (wait4), the pages of programs and libraries included; what is the process's own (anonymous pages)
is told beside. Bar: at most 64 MiB in each, and within 1 MiB of each other: constant over a run of any length.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path
from statistics import median
from typing import Any, Callable, Sequence

from lib.generator_cost import cost
from lib.load_tools import LoadTools
from lib.peers import Generator, Load, Peers, parse_json
from lib.procs import MeasurementError, Server, run
from lib.rounds import (Measurement, Round, Settings, alternate_with_tools, compare, measure, rounds_as_json,
                        show_costs, show_skipped, warn_of_company)

RATES_RPS = (5_000, 50_000)
LIMITS = {"wrk2": 0.9, "k6": 0.4, "oha": 0.4, "vegeta": 0.4, "hey": 0.4}
TICKS = ("1ms", "5ms")
FLOOR = "floor_client"
LEANEST = "oha"  # of those with the bar of 0.4: whether a bar is above the floor is told by it
MEMORY_CONNECTIONS, QUICK_MEMORY_CONNECTIONS = 10_000, 500
MEMORY_RUNS_S = (5, 30)
MEMORY_ROUNDS = 3
MOST_BYTES, MOST_GROWTH_BYTES = 64 << 20, 1 << 20
CONNECTING_S = 60
LOOK_AT = 0.9  # of the run


def _show_achieved(rounds: Sequence[Round], rate_rps: int, seconds: float) -> dict[str, float]:
    names = sorted({name for one in rounds for name in one})
    achieved = {name: median(one[name].requests for one in rounds if name in one) / (rate_rps * seconds)
                for name in names}
    told = ", ".join(f"{name} {share:.0%}" for name, share in achieved.items() if name != FLOOR)
    print(f"  achieved of the rate: {told}")
    return achieved


def _show_times(rounds: Sequence[Round]) -> None:
    for name in sorted({name for one in rounds for name in one}):
        told = [one[name].report["response_time_us"] for one in rounds
                if name in one and "response_time_us" in one[name].report]
        known = [times for times in told if times.get("p50") is not None and times.get("p99") is not None]
        if known:
            print(f"  {name:20} p50 {median(times['p50'] for times in known):8.0f} us  "
                  f"p99 {median(times['p99'] for times in known):8.0f} us, as it says")


def _measure_rate(rate_rps: int, ours: Sequence[Generator], tools: Sequence[Generator], server: Server,
                  settings: Settings) -> dict[str, Any]:
    print(f"  -- {rate_rps} req/s on {server.name}; {settings.connections} connections, {settings.seconds:g} s a run",
          flush=True)

    def contender(generator: Generator) -> Callable[[int], Measurement]:
        def once(_: int) -> Measurement:
            with server:
                rate = None if generator.name == FLOOR else rate_rps
                load = Load(server.port, settings.connections, settings.seconds, rate)
                return measure(generator, load, server, settings)

        return once

    every = alternate_with_tools({one.name: contender(one) for one in ours},
                                 {one.name: contender(one) for one in tools},
                                 settings.pairs + 1, settings.pairs + 1, settings.seed)
    rounds = every[1:]  # the first warms up
    show_costs(rounds, cost)
    _show_times(rounds)
    achieved = _show_achieved(rounds, rate_rps, settings.seconds)
    warn_of_company(rounds)
    comparisons = [compare(rounds, own.name, one.name, cost, LIMITS[one.name] if "--tick" in own.name else None)
                   for own in ours for one in tools if own.name != FLOOR or one.name == LEANEST]
    for comparison in filter(None, comparisons):
        comparison.show()
    return {"rate_rps": rate_rps, "achieved": achieved, "rounds": rounds_as_json(rounds),
            "comparisons": [comparison.as_json() for comparison in comparisons if comparison]}


def _own_bytes_of(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    raise MeasurementError("the generator ended before its memory was looked at")


def _memory_of_run(assay: Generator, server: Server, connections: int, seconds: int,
                   settings: Settings) -> tuple[int, int]:
    """The most that was resident, and what of it was its own towards the end."""
    own_bytes = 0

    def look(process: int) -> None:
        nonlocal own_bytes
        time.sleep(LOOK_AT * seconds)
        own_bytes = _own_bytes_of(process)

    with server:
        done = run(assay.command(Load(server.port, connections, seconds)), settings.generator_core,
                   seconds + CONNECTING_S, any_exit_code=True, watch=look)
    parse_json(done.output)  # errors would make it another measurement
    return done.max_rss_bytes, own_bytes


def _memory(assay: Generator, server: Server, settings: Settings) -> dict[str, Any]:
    connections = QUICK_MEMORY_CONNECTIONS if settings.quick else MEMORY_CONNECTIONS
    least_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"  -- memory at {connections} connections; less than this process's {least_bytes >> 20} MiB cannot be seen")
    most_bytes: dict[int, list[int]] = {length_s: [] for length_s in MEMORY_RUNS_S}
    for _ in range(1 if settings.quick else MEMORY_ROUNDS):
        for length_s in MEMORY_RUNS_S:
            seconds = 1 if settings.quick else length_s
            resident_bytes, own_bytes = _memory_of_run(assay, server, connections, seconds, settings)
            most_bytes[length_s].append(resident_bytes)
            print(f"     {seconds} s: {resident_bytes / 2**20:.1f} MiB at most, {own_bytes / 2**20:.1f} MiB its own",
                  flush=True)
    short_bytes, long_bytes = (median(most_bytes[length_s]) for length_s in MEMORY_RUNS_S)
    within = max(max(found) for found in most_bytes.values()) <= MOST_BYTES
    constant = abs(long_bytes - short_bytes) <= MOST_GROWTH_BYTES
    outcome = "no bar" if settings.quick else "PASS" if within and constant else "FAIL"
    print(f"     at most {MOST_BYTES >> 20} MiB in each run, and the same for {MEMORY_RUNS_S[0]} s and "
          f"{MEMORY_RUNS_S[1]} s: {outcome}")
    return {"connections": connections, "max_rss_bytes": most_bytes, "outcome": outcome}


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not settings.quick and MEMORY_CONNECTIONS + 100 > most_files:
        raise MeasurementError(f"{MEMORY_CONNECTIONS} connections need more descriptors than {most_files} (ulimit -Hn)")
    assay, floor_server = peers.assay(), peers.floor_server()
    ours = [one for one in (*(peers.assay("--tick", tick) for tick in TICKS), assay, peers.bare(FLOOR)) if one]
    server = peers.nginx() or floor_server
    with LoadTools(peers) as load_tools:
        tools = load_tools.found(*LIMITS)
        show_skipped(peers)
        if assay is None or server is None or floor_server is None:
            raise MeasurementError("assay and floor_server are needed, and not built")
        results = [_measure_rate(rate_rps, ours, tools, server, settings) for rate_rps in RATES_RPS]
    return {"server": server.name, "results": results, "memory": _memory(assay, floor_server, settings)}
