"""Alternation: contenders run in rounds, each round in a new random order, the first round thrown away.

What drifts (frequency, other guests, cache state) then falls on every contender alike, and a ratio is formed
within a round only, between runs that are seconds apart.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Callable, Mapping, Sequence

from lib import host
from lib.peers import Generator, Load, Peers, Result
from lib.procs import MeasurementError, Run, Server, run
from lib.stats import RatioSummary, summarise_ratios


# Times that a round is run again. One hiccup of a shared machine must not cost an hour's measurement; who fails again
# and again has no figure.
MOST_FAILED = 2


@dataclass(frozen=True)
class Settings:
    build: Path
    generator_core: int = 0
    server_core: int = 1
    pairs: int = 10
    seconds: float = 5
    seed: int = 1
    connections: int = 64
    quick: bool = False
    log: Path | None = None  # an access log to be read as well

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "build": str(self.build), "log": None if self.log is None else str(self.log)}


@dataclass(frozen=True)
class Measurement:
    """One run: CPU time of both sides, what the generator reported, and the shares of the time in which each core
    was busy, taken by the hypervisor (steal) and busy with neither program (foreign)."""

    requests: int
    wall_s: float
    generator_cpu_ns: int
    server_cpu_ns: int
    generator_core: Mapping[str, float]
    server_core: Mapping[str, float]
    report: Mapping[str, Any] = field(repr=False)

    @property
    def generator_ns_per_request(self) -> float:
        return self.generator_cpu_ns / self.requests

    @property
    def server_ns_per_request(self) -> float:
        return self.server_cpu_ns / self.requests


def _generate(generator: Generator, load: Load, settings: Settings, during: Callable[[], None] | None = None) -> Run:
    return run(generator.command(load), settings.generator_core, load.seconds * 3 + 30, during,
               generator.exit_tells_verdict)


def measure(generator: Generator, load: Load, server: Server | None, settings: Settings,
            during: Callable[[], None] | None = None) -> Measurement:
    cores = (settings.generator_core, settings.server_core)
    before = [host.core_times(core) for core in cores]
    server_before_ns = server.cpu_ns() if server else 0
    done = _generate(generator, load, settings, during)
    server_cpu_ns = server.cpu_ns() - server_before_ns if server else 0
    shares = [earlier.shares_until(host.core_times(core)) for earlier, core in zip(before, cores)]
    for share, own_ns in zip(shares, (done.cpu_ns, server_cpu_ns)):
        share["foreign"] = max(0.0, share["busy"] - share["steal"] - own_ns / 1e9 / done.wall_s)
    try:
        result: Result = generator.parse(done.output)
    except MeasurementError as error:
        of_server = f" on {server.name}, which says {server.last_words()!r}" if server else ""
        raise MeasurementError(f"{generator.name}{of_server}: {error}") from error
    return Measurement(result.requests, done.wall_s, done.cpu_ns, server_cpu_ns, shares[0], shares[1], result.report)


def warm_up(generator: Generator, load: Load, settings: Settings) -> None:
    """A run of which nothing is taken: a pool that fills may refuse somebody meanwhile."""
    _generate(generator, load, settings)


Round = dict[str, Measurement]


def _whole_round(contenders: Mapping[str, Callable[[int], Measurement]], names: Sequence[str], number: int) -> Round:
    """The round again, from its begin, where somebody failed in it, which is told."""
    for _ in range(MOST_FAILED):
        try:
            return {name: contenders[name](number) for name in names}
        except MeasurementError as error:
            print(f"  round {number:2}: FAILED, and is run again: {error}", flush=True)
    return {name: contenders[name](number) for name in names}


def alternate(contenders: Mapping[str, Callable[[int], Measurement]], rounds: int, seed: int,
              show: Callable[[str, Round], None]) -> list[Round]:
    """Runs every contender once a round (with the round's number as argument) and returns `rounds` rounds; one
    more, the first, warms up and is not among them. A round keeps the order in which it ran."""
    order = random.Random(seed)
    kept: list[Round] = []
    for number in range(rounds + 1):
        names = list(contenders)
        order.shuffle(names)
        this_round = _whole_round(contenders, names, number)
        show("warm-up" if number == 0 else f"round {number:2}", this_round)
        if number > 0:
            kept.append(this_round)
    return kept


def alternate_with_tools(own: Mapping[str, Callable[[int], Measurement]],
                         tools: Mapping[str, Callable[[int], Measurement]], rounds: int, tool_rounds: int,
                         seed: int) -> list[Round]:
    """As alternate(), of programs that are not ours too: these take part in the first `tool_rounds` alone, and one
    that fails is said to have, and missing in its round. Every round is returned."""
    order = random.Random(seed)
    kept: list[Round] = []
    for number in range(rounds):
        once = {**own, **(tools if number < tool_rounds else {})}
        names = list(once)
        order.shuffle(names)
        this_round: Round = {}
        for name in names:
            try:
                this_round[name] = once[name](number)
            except MeasurementError as error:
                if name in own:
                    raise
                print(f"     round {number}: no figure of {name}: {str(error).strip()[-150:]}", flush=True)
        kept.append(this_round)
    return kept


@dataclass(frozen=True)
class Comparison:
    """numerator/denominator in every round; `limit` is the bar for the interval's upper bound, if there is one."""

    numerator: str
    denominator: str
    ratios: Sequence[float]
    summary: RatioSummary
    limit: float | None

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return "no bar"
        return f"{'PASS' if self.summary.high <= self.limit else 'FAIL'} (upper bound <= {self.limit:g})"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}

    def show(self) -> None:
        print(f"  {self.numerator} / {self.denominator}: " + " ".join(f"{ratio:.3f}" for ratio in self.ratios))
        print(f"    median {self.summary.median:.3f}, geometric mean {self.summary.geometric_mean:.3f}, 95 % interval "
              f"[{self.summary.low:.3f}, {self.summary.high:.3f}] of {self.summary.count} pairs: {self.verdict}")


def compare(rounds: Sequence[Round], numerator: str, denominator: str, cost: Callable[[Measurement], float],
            limit: float | None = None) -> Comparison | None:
    """Of the rounds in which both took part; None when these are not two or more: one of them was skipped."""
    ratios = [cost(one[numerator]) / cost(one[denominator]) for one in rounds
              if numerator in one and denominator in one]
    if len(ratios) < 2:
        return None
    return Comparison(numerator, denominator, ratios, summarise_ratios(ratios), limit)


def _worst(runs: Sequence[Measurement], share: str) -> float:
    return max(max(one.generator_core[share], one.server_core[share]) for one in runs)


def warn_of_company(rounds: Sequence[Round], most: float = 0.05) -> None:
    """Says so when something else ran on the measured cores: such figures are not to be quoted."""
    crowded = [_worst(list(one.values()), "foreign") > most or _worst(list(one.values()), "steal") > most
               for one in rounds]
    if any(crowded):
        print(f"  WARNING: in {sum(crowded)} of {len(rounds)} rounds other work took more than {most:.0%} of a core")


def verdicts(runs: Sequence[Measurement]) -> str:
    """What a generator with a verdict of its own says of its runs; empty for the others."""
    told = sorted({f"{one.report['verdict']} {one.report.get('reasons') or ''}".strip()
                   for one in runs if "verdict" in one.report})
    return f"; says {' | '.join(told)}" if told else ""


def show_costs(rounds: Sequence[Round], cost: Callable[[Measurement], float]) -> None:
    """A line for each contender. Both cores' busy shares tell which side was saturated."""
    for name in sorted({name for one in rounds for name in one}):
        runs = [one[name] for one in rounds if name in one]
        print(f"  {name:20} {median(map(cost, runs)):9.0f} ns CPU/request"
              f"  {median(one.requests / one.wall_s for one in runs):9.0f} req/s"
              f"  generator core {median(one.generator_core['busy'] for one in runs):4.0%} busy"
              f"  server core {median(one.server_core['busy'] for one in runs):4.0%} busy"
              f"  worst foreign {_worst(runs, 'foreign'):.0%}, steal {_worst(runs, 'steal'):.0%}{verdicts(runs)}")


def rounds_as_json(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    return [{name: asdict(one) for name, one in this_round.items()} for this_round in rounds]


def show_skipped(peers: Peers) -> None:
    for name, reason in peers.skipped.items():
        print(f"  SKIPPED {name}: {reason}")
