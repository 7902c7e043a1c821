"""What policies cost a service a request: with none, with the default and with every one, in turns of 0.1 s inside one
process (services/turns.hpp).

Two runs of the same service differ by several percent, whatever is alternated: where a process's memory lies, and what
else the host does in those seconds. Turns that follow each other share both: a ratio is of two turns of one round, in
which each contender has had one. What a turn takes has a long tail, of interrupts and of the host: that of a run is the
geometric mean of the middle half of its ratios. The run, in a process of its own, is the unit of the interval.

Bars: upper 95 % bound of the default / none and of every one but the cache / none <= 1.05.
"""

from __future__ import annotations

import json
import math
import urllib.request
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Mapping, Sequence

from lib.peers import Generator, Load
from lib.procs import MeasurementError, Server
from lib.rounds import Comparison, Settings, measure, warn_of_company
from lib.stats import summarise_ratios

LIMIT = 1.05
LEVELS = ("on", "every")  # beside "off"
RATE_RPS = 4000
RUNS_A_PAIR = 2
SECONDS = 24.0
ASK_S = 10
LEAST_ROUNDS = 20


@dataclass(frozen=True)
class Turns:
    """CPU ns a request of each contender, in each round of one turn each."""

    rounds: Sequence[Mapping[str, float]]

    def cost_ns(self, name: str) -> float:
        return middle_half([one[name] for one in self.rounds])

    def ratio(self, one: str, other: str) -> float:
        return math.exp(middle_half([math.log(each[one] / each[other]) for each in self.rounds]))


def middle_half(values: Sequence[float]) -> float:
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return fmean(ordered[quarter:len(ordered) - quarter])


def parse_turns(told: str) -> Turns:
    """What GET /turns answers: of each turn [whose, CPU ns]."""
    try:
        report = json.loads(told)
        names, requests = [str(name) for name in report["contenders"]], int(report["requests_of_a_turn"])
        turns = [(names[whose], cpu_ns / requests) for whose, cpu_ns in report["turns"]]
        rounds = [dict(turns[at:at + len(names)]) for at in range(0, len(turns) - len(names) + 1, len(names))]
    except (ValueError, KeyError, TypeError, IndexError, ZeroDivisionError) as error:
        raise MeasurementError(f"no turns ({error!r}): {told[:200]!r}") from error
    if len(rounds) < LEAST_ROUNDS:
        raise MeasurementError(f"{len(rounds)} rounds of turns, less than {LEAST_ROUNDS}")
    if any(set(one) != set(names) or min(one.values()) <= 0 for one in rounds):
        raise MeasurementError("a round of turns in which not everybody has had one")
    return Turns(rounds)


def _asked(port: int) -> Turns:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/turns", timeout=ASK_S) as answer:
        return parse_turns(answer.read().decode())


def measure_policies(server: Server, generator: Generator, settings: Settings) -> dict[str, Any]:
    runs = settings.pairs * RUNS_A_PAIR
    seconds = SECONDS / 3 if settings.quick else SECONDS
    print(f"  -- policies in turns of one process, GET /json, {RATE_RPS} req/s, {settings.connections} connections, "
          f"{runs} runs of {seconds:g} s")
    found, kept = [], []
    for number in range(runs):
        with server:
            one = measure(generator, Load(server.port, settings.connections, seconds, RATE_RPS, "/json"), server,
                          settings)
            turns = _asked(server.port)
        found.append(turns)
        kept.append({server.name: one})
        print(f"  run {number + 1:2}: {turns.cost_ns('off'):.0f} ns without; " +
              ", ".join(f"{level} {turns.ratio(level, 'off'):.4f}" for level in LEVELS) +
              f" ({len(turns.rounds)} turns each)", flush=True)
    warn_of_company(kept)
    comparisons = []
    for level in LEVELS:
        ratios = [turns.ratio(level, "off") for turns in found]
        comparisons.append(Comparison(f"policies {level}", "policies off", ratios, summarise_ratios(ratios), LIMIT))
        comparisons[-1].show()
    return {"rate_rps": RATE_RPS, "off_ns": [turns.cost_ns("off") for turns in found],
            "comparisons": [comparison.as_json() for comparison in comparisons]}
