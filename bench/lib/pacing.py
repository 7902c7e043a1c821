"""pacing: how late an open-model generator sends, and what a request costs it, at three rates.

Peers: assay load as it is and with --spin, busy_client (spins always, measures little), wrk2 where it can be had,
and the spinner, which sends nothing: its lateness is what the machine does to any loop on that core. The server
is floor_server, so that the generator is not waiting for it. Bar: send lag p99 of assay --spin <= 50 us at 20,000
req/s, median of 5 runs.
"""

from __future__ import annotations

from statistics import median
from typing import Any, Callable, Sequence

from lib.peers import Generator, Load, Peers, latency_us
from lib.procs import MeasurementError, Server
from lib.rounds import (Measurement, Round, Settings, alternate, measure, rounds_as_json, show_skipped,
                        verdicts, warn_of_company)

RATES_RPS = (1_000, 20_000, 100_000)
BAR_RATE_RPS, BAR_US = 20_000, 50
RUNS = 5
SUBJECT = "assay --spin"
# wrk2 calibrates for its first 10 s and records after.
WRK2_LEAST_S = 15


def _lag(one: Measurement, quantile: str) -> str:
    if "send_lag_us" not in one.report:
        return "not reported"
    return f"{latency_us(one.report, 'send_lag_us', quantile):.1f} us"


def _achieved_rps(one: Measurement) -> float:
    told = one.report.get("achieved_rps")
    return float(told) if told is not None else one.requests / one.wall_s


def _show_round(title: str, this_round: Round) -> None:
    print(f"  {title}: " + ", ".join(f"{name} p99 {_lag(one, 'p99')}" for name, one in this_round.items()), flush=True)


def _contender(generator: Generator, server: Server, rate_rps: int, settings: Settings) -> Callable[[int], Measurement]:
    seconds = max(settings.seconds, WRK2_LEAST_S) if generator.name == "wrk2" else settings.seconds

    def once(_: int) -> Measurement:
        if generator.name == "spinner":
            return measure(generator, Load(0, 0, seconds, rate_rps), None, settings)
        with server:
            return measure(generator, Load(server.port, settings.connections, seconds, rate_rps), server, settings)

    return once


def _summarise(name: str, runs: Sequence[Measurement], rate_rps: int) -> dict[str, Any]:
    """Prints the line of one generator at one rate: medians over the runs."""
    summary: dict[str, Any] = {"cpu_ns_per_request": median(one.generator_ns_per_request for one in runs),
                               "achieved_rps": median(_achieved_rps(one) for one in runs)}
    if "send_lag_us" in runs[0].report:
        for quantile in ("p50", "p99"):
            summary[f"send_lag_{quantile}_us"] = median(
                latency_us(one.report, "send_lag_us", quantile) for one in runs)
        told = f"send lag p50 {summary['send_lag_p50_us']:8.1f}  p99 {summary['send_lag_p99_us']:8.1f} us"
    else:
        # wrk2 does not tell send lag; its response time from the intended instant contains it.
        p99_us = median(latency_us(one.report, "response_time_us", "p99") for one in runs)
        told = f"send lag not reported; response time p99 {p99_us:.0f} us"
    print(f"    {name:14} {told}  {summary['cpu_ns_per_request']:8.0f} ns CPU/request  "
          f"{summary['achieved_rps'] / rate_rps:.1%} of the rate{verdicts(runs)}")
    if name == SUBJECT and rate_rps == BAR_RATE_RPS:
        summary["pass"] = summary["send_lag_p99_us"] <= BAR_US
        print(f"    {name}: send lag p99 <= {BAR_US} us at {rate_rps} req/s, median of {len(runs)} runs: "
              f"{'PASS' if summary['pass'] else 'FAIL'}")
    return summary


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    found = [peers.assay(), peers.assay("--spin"), peers.wrk2(), peers.bare("busy_client"), peers.bare("spinner")]
    generators = [one for one in found if one is not None]
    server = peers.floor_server()
    show_skipped(peers)
    if server is None:
        raise MeasurementError("floor_server is not built")
    results = []
    for rate_rps in RATES_RPS:
        print(f"  -- {rate_rps} req/s, {settings.connections} connections, {settings.seconds:g} s a run")
        contenders = {one.name: _contender(one, server, rate_rps, settings) for one in generators}
        rounds = alternate(contenders, 2 if settings.quick else RUNS, settings.seed, _show_round)
        warn_of_company(rounds)
        summaries = {name: _summarise(name, [one[name] for one in rounds], rate_rps) for name in contenders}
        results.append({"rate_rps": rate_rps, "summaries": summaries, "rounds": rounds_as_json(rounds)})
    return {"server": server.name, "results": results}
