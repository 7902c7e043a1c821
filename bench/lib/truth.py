"""truth: what each load generator says of servers with a scripted pathology, and how far that is off.

1,000 req/s for 10 s. The right answer is that of an ideal open-loop client: by formula (lib/scripted.py), and as
busy_client measures it, with the way through the kernel, right beside. Every tool meets newly started servers with the
same seed in a round; others than assay take part in the first rounds only. Bar, for assay load with --spin and without:
the systematic difference from busy_client (Hodges-Lehmann over the pairs, with its interval) lies within 2 % or 0.2 ms
at p50, p90, p99, p99.9 and max.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import Any, Callable, Mapping, Sequence

from lib.load_tools import LoadTools, parse_report
from lib.peers import Generator, Load, Peers
from lib.procs import MeasurementError
from lib.rounds import (Measurement, Round, Settings, alternate_with_tools, measure, rounds_as_json, show_skipped,
                        verdicts, warn_of_company)
from lib.scripted import QUANTILES, Pathology, pathologies
from lib.known_latency import judge_shift

RATE_RPS = 1000
RUN_S, QUICK_RUN_S = 10.0, 2.0
TOOL_ROUNDS = 3
TOLERANCE_SHARE, TOLERANCE_US = 0.02, 200
REFERENCE = "busy_client"
TOOLS = ("wrk", "wrk2", "hey", "h2load", "oha", "vegeta", "k6", "autocannon")

Contender = Callable[[int], Measurement]


def told_us(one: Measurement, kind: str, quantile: str) -> float | None:
    """What a tool tells: those which do not tell successes apart, of all answers. None where it says nothing."""
    times = one.report.get(kind) or one.report["response_time_us"]
    return times.get(quantile)


def medians_us(runs: Sequence[Measurement], kind: str) -> dict[str, float | None]:
    told = {name: [told_us(one, kind, name) for one in runs] for name in QUANTILES}
    return {name: median(values) if None not in values else None for name, values in told.items()}


def _cell(us: float | None, reference_us: float | None) -> str:
    if us is None:
        return f"{'-':>18}"
    if not reference_us:
        return f"{us / 1e3:>18.2f}"
    return f"{f'{us / 1e3:.2f} ({us / reference_us - 1:+.0%})':>18}"


def _spread(runs: Sequence[Measurement], kind: str, quantile: str) -> str:
    told = [us for one in runs if (us := told_us(one, kind, quantile)) is not None]
    return f"; {quantile} of {len(told)} runs {min(told) / 1e3:.2f} to {max(told) / 1e3:.2f}" if len(told) > 1 else ""


def show_table(pathology: Pathology, table: Mapping[str, Mapping[str, float | None]], rounds: Sequence[Round],
               offered: float) -> None:
    """Milliseconds, and the difference from busy_client: the median run, and how far apart the runs are at p99."""
    print(f"     {'ms':14}" + "".join(f"{name:>18}" for name in QUANTILES) + "   answered")
    print(f"     {'ideal':14}" + "".join(_cell(us, None) for us in pathology.ideal_us().values()))
    for generator, row in table.items():
        runs = [one[generator] for one in rounds if generator in one]
        reference = {} if generator == REFERENCE else table[REFERENCE]
        told = f"; {runs[0].report['errors']}" if generator in TOOLS and runs[0].report.get("errors") else ""
        print(f"     {generator:14}" + "".join(_cell(row[name], reference.get(name)) for name in QUANTILES)
              + f"   {median(one.requests for one in runs) / offered:.0%}{told[:60]}{verdicts(runs)}"
              + _spread(runs, pathology.kind, "p99"))


def judge(pathology: Pathology, rounds: Sequence[Round], subject: str) -> dict[str, Any]:
    judged: dict[str, Any] = {}
    for name in pathology.judged():
        pairs = [(told_us(one[subject], pathology.kind, name), told_us(one[REFERENCE], pathology.kind, name))
                 for one in rounds]
        known = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
        if not known:
            continue  # too few samples in a quick run
        shift, tolerance_us, outcome = judge_shift(known, TOLERANCE_SHARE, TOLERANCE_US)
        judged[name] = {"pairs_us": known, "difference_us": [shift.estimate, shift.low, shift.high],
                        "tolerance_us": tolerance_us, "outcome": outcome}
    print(f"     {subject} - {REFERENCE}, ms: " + "; ".join(
        f"{name} {one['difference_us'][0] / 1e3:+.2f} [{one['difference_us'][1] / 1e3:+.2f}, "
        f"{one['difference_us'][2] / 1e3:+.2f}] of {one['tolerance_us'] / 1e3:.1f} {one['outcome']}"
        for name, one in judged.items()), flush=True)
    return judged


def measure_pathology(number: int, pathology: Pathology, own: Sequence[Generator], tools: Sequence[Generator],
                      peers: Peers, settings: Settings) -> dict[str, Any]:
    print(f"  -- ({number}) {pathology.name}; {pathology.connections} connections", flush=True)

    def contender(generator: Generator) -> Contender:
        def once(round_number: int) -> Measurement:
            seed = ("--seed", str(settings.seed + round_number))
            server = peers.own_server("latency_server", "bench/latency_server", *pathology.options, *seed)
            if server is None:
                raise MeasurementError("latency_server is not built")
            with server:
                load = Load(server.port, pathology.connections, settings.seconds, RATE_RPS)
                return measure(generator, load, server, settings)

        return once

    rounds = alternate_with_tools({one.name: contender(one) for one in own},
                                  {one.name: contender(one) for one in tools}, settings.pairs, TOOL_ROUNDS,
                                  settings.seed)
    warn_of_company(rounds)
    names = [one.name for one in [*own, *tools] if any(one.name in this for this in rounds)]
    table = {name: medians_us([one[name] for one in rounds if name in one], pathology.kind) for name in names}
    show_table(pathology, table, rounds, RATE_RPS * settings.seconds)
    judged = {one.name: judge(pathology, rounds, one.name) for one in own if one.name != REFERENCE}
    return {"pathology": pathology.name, "options": pathology.options, "connections": pathology.connections,
            "ideal_us": pathology.ideal_us(), "table_us": table, "judged": judged, "rounds": rounds_as_json(rounds)}


def show_summary(results: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """p99 of each tool over that of busy_client, a column for each pathology in their order; and assay's outcomes."""
    columns = [f"({number})" for number in range(1, 1 + len(results))]
    print("  p99, difference from busy_client:" + "".join(f"{column:>9}" for column in columns))
    for name in names:
        cells = []
        for one in results:
            ours, right = one["table_us"].get(name, {}).get("p99"), one["table_us"][REFERENCE]["p99"]
            cells.append("-" if ours is None or not right else f"{ours / right - 1:+.0%}")
        print(f"     {name:30}" + "".join(f"{cell:>9}" for cell in cells))
    outcomes = [(subject, quantile["outcome"]) for one in results for subject, judged in one["judged"].items()
                for quantile in judged.values()]
    for subject in sorted({name for name, _ in outcomes}):
        own = [outcome for name, outcome in outcomes if name == subject]
        print(f"  {subject} within {TOLERANCE_SHARE:.0%} or {TOLERANCE_US / 1e3:g} ms of {REFERENCE}: "
              + ", ".join(f"{own.count(each)} {each}" for each in ("PASS", "INCONCLUSIVE", "FAIL")))


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    settings = replace(settings, seconds=QUICK_RUN_S, pairs=1) if settings.quick else replace(settings, seconds=RUN_S)
    with LoadTools(peers) as load_tools:
        tools = load_tools.found(*TOOLS)
        found = [peers.bare(REFERENCE), peers.assay(), peers.assay("--spin")]
        # Refusals are part of a script here, and no reason to throw a run away.
        own = [replace(one, parse=parse_report) for one in found if one is not None]
        show_skipped(peers)
        if not own or own[0].name != REFERENCE:
            raise MeasurementError("the reference client is not built")
        print(f"  {RATE_RPS} req/s for {settings.seconds:g} s; {settings.pairs} rounds, others than assay in "
              f"{min(TOOL_ROUNDS, settings.pairs)}; wrk has no rate and runs closed")
        results = [measure_pathology(number, one, own, tools, peers, settings)
                   for number, one in enumerate(pathologies(RATE_RPS, settings.seconds), start=1)]
        show_summary(results, [one.name for one in [*own[1:], *tools]])
    return {"rate_rps": RATE_RPS, "run_s": settings.seconds, "results": results}
