"""known-latency: does the generator report what happened?

Known latency: assay load --spin, assay load and the bare busy-polling client alternate against servers whose delays
are known, at 1,000 req/s. The one that spins waits as the reference does: it shows whether what is reported is true.
The one that sleeps shows beside it what this machine's wakes add. The server is started anew for every run with the
round's seed, so all clients of a round meet the same sequence of delays: what differs is the client. Bar: the
systematic difference of p50, p90 and p99 (Hodges-Lehmann over the pairs, with its interval) lies within 1 % or
150 us. A single pair also differs by what the machine did to one of its runs: the stalls of a few milliseconds that a
virtual machine has now and then move a p99 of 10,000 requests up or down.

Stop: a server is stopped (SIGSTOP) for S = 1.5 s of a run of D = 10 s at rate r. Let the server answer at most
mu a second and rho = r / mu. A request due x seconds into the stop is answered when the server goes on (S - x
later) and the r x requests due before it are answered (r x / mu later):

    latency(x) = S - x + r x / mu = S - x (1 - rho),    0 <= x <= S / (1 - rho)

so the latencies affected fall on a straight line from S to 0; that includes requests due after the stop, which
find the backlog not yet drained. (1 - q) D r requests lie above the quantile q, the last of them due at
x = (1 - q) D. Hence, as long as x <= S / (1 - rho),

    max = S,    quantile(q) = S - (1 - q) D (1 - rho)

Bar: max, p99.9 and p99 within 2 % of these, with S as it was (the clock around the signals), mu as the bare
client measured it right before. A client that omits the requests it could not send reports p99 near zero.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Callable, Mapping, Sequence

from lib.peers import Generator, Load, Peers, latency_us
from lib.procs import MeasurementError, Server
from lib.rounds import (Measurement, Round, Settings, alternate, measure, rounds_as_json, show_skipped, verdicts,
                        warn_of_company)
from lib.stats import ShiftSummary, summarise_differences

RATE_RPS = 1000
RUN_S = 10
STOP_S = 1.5
STOP_AFTER_S = 4
TOLERANCE_SHARE, TOLERANCE_US = 0.01, 150
STOP_TOLERANCE_SHARE = 0.02
QUANTILES = ("p50", "p90", "p99")
REFERENCE = "busy_client"


@dataclass(frozen=True)
class KnownServer:
    """A mode of latency_server and its delays' quantiles in microseconds (service excluded)."""

    name: str
    options: tuple[str, ...]
    delay_us: Mapping[str, float]


def freeze_quantile_us(quantile: float, freeze_s: float, period_s: float, run_s: float) -> float:
    """Latency at a quantile when freezes begin at half a period and every period after: arrivals within a
    freeze wait for its end, from freeze_s down to 0; the others nothing."""
    freezes = math.floor((run_s - freeze_s) / period_s - 0.5) + 1
    above_s = (1 - quantile) * run_s
    return max(0.0, freeze_s - above_s / freezes) * 1e6 if freezes > 0 else 0.0


def known_servers(run_s: float) -> list[KnownServer]:
    """No quantile asked for lies where the distribution jumps: there, one request more or less decides
    whether the fast or the slow value is right. Hence 5 % slow requests and not 10 %, and a run of 10 s, in
    which three freezes hit 9 %."""
    exponential = {name: -5000 * math.log1p(-p) for name, p in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}
    freeze = {name: freeze_quantile_us(p, 0.3, 3, run_s) for name, p in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}
    return [
        KnownServer("fixed 5 ms", ("--fixed", "5ms"), dict.fromkeys(QUANTILES, 5000.0)),
        KnownServer("bimodal 2 ms (95 %), 20 ms (5 %)", ("--bimodal", "2ms:0.95,20ms:0.05"),
                    {"p50": 2000.0, "p90": 2000.0, "p99": 20000.0}),
        KnownServer("exponential, mean 5 ms", ("--exponential", "5ms"), exponential),
        KnownServer("freeze of 300 ms every 3 s", ("--freeze", "300ms/3s"), freeze),
    ]


def disagreement(measured_us: float, reference_us: float) -> float:
    """The difference in units of the tolerance: 1 and less is agreement."""
    return abs(measured_us - reference_us) / max(TOLERANCE_SHARE * reference_us, TOLERANCE_US)


def expected_stop_us(stop_s: float, run_s: float, utilisation: float) -> dict[str, float]:
    """The formulas above. Raises ValueError where they do not hold: p99 beyond the affected requests."""
    if not 0 <= utilisation < 1 or 0.01 * run_s > stop_s / (1 - utilisation):
        raise ValueError(f"no straight line for a stop of {stop_s} s in {run_s} s at utilisation {utilisation}")
    share_above = {"max": 0.0, "p99.9": 0.001, "p99": 0.01}
    return {name: (stop_s - above * run_s * (1 - utilisation)) * 1e6 for name, above in share_above.items()}


def _show(title: str, this_round: Round, names: Sequence[str]) -> None:
    for generator, one in this_round.items():
        values = ", ".join(f"{name} {latency_us(one.report, 'response_time_us', name):.0f}" for name in names)
        print(f"    {title} {generator:12} {values} us{verdicts([one])}", flush=True)


def judge_shift(pairs: Sequence[tuple[float, float]], share: float = TOLERANCE_SHARE,
                at_least_us: float = TOLERANCE_US) -> tuple[ShiftSummary, float, str]:
    """The systematic difference of measured and reference, its tolerance, and what it says: PASS when the interval
    lies within the tolerance, FAIL when it lies beyond, and INCONCLUSIVE when the machine's own stalls, which no two
    runs share, make it reach across. An estimate that is itself beyond the tolerance never passes."""
    shift = summarise_differences([measured - reference for measured, reference in pairs])
    tolerance = max(share * median(reference for _, reference in pairs), at_least_us)
    if max(abs(shift.low), abs(shift.high)) <= tolerance:
        return shift, tolerance, "PASS"
    if shift.low > tolerance or shift.high < -tolerance:
        return shift, tolerance, "FAIL"
    return shift, tolerance, "INCONCLUSIVE"


def _judge_known(rounds: Sequence[Round], subject: str, server: KnownServer) -> dict[str, Any]:
    judged: dict[str, Any] = {}
    for name in QUANTILES:
        pairs = [(latency_us(one[subject].report, "response_time_us", name),
                  latency_us(one[REFERENCE].report, "response_time_us", name)) for one in rounds]
        within = sum(disagreement(*pair) <= 1 for pair in pairs)
        shift, tolerance, outcome = judge_shift(pairs)
        ours, theirs = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
        judged[name] = {"pairs_us": pairs, "difference_us": [shift.estimate, shift.low, shift.high],
                        "tolerance_us": tolerance, "within": within, "outcome": outcome}
        print(f"    {name}: {subject} {ours:.0f} us, {REFERENCE} {theirs:.0f} us, configured delay "
              f"{server.delay_us[name]:.0f} us; difference {shift.estimate:+.0f} us "
              f"[{shift.low:+.0f}, {shift.high:+.0f}], allowed +-{tolerance:.0f}; {within} of {len(pairs)} pairs "
              f"within: {outcome}", flush=True)
    return judged


def _known_latency(generators: Sequence[Generator], peers: Peers, settings: Settings, run_s: float) -> list[Any]:
    results = []
    for known in known_servers(run_s):
        print(f"  -- {known.name}")

        def contender(generator: Generator, options: tuple[str, ...]) -> Callable[[int], Measurement]:
            def once(number: int) -> Measurement:
                seed = ("--seed", str(settings.seed + number))
                server = peers.own_server("latency_server", "bench/latency_server", *options, *seed)
                if server is None:
                    raise MeasurementError("latency_server is not built")
                with server:
                    load = Load(server.port, settings.connections, run_s, RATE_RPS)
                    return measure(generator, load, server, settings)

            return once

        contenders = {one.name: contender(one, known.options) for one in generators}
        rounds = alternate(contenders, settings.pairs, settings.seed, lambda title, one: _show(title, one, QUANTILES))
        warn_of_company(rounds)
        subjects = [name for name in contenders if name != REFERENCE]
        results.append({"server": known.name, "delay_us": known.delay_us, "rounds": rounds_as_json(rounds),
                        "judged": {name: _judge_known(rounds, name, known) for name in subjects}})
    return results


@dataclass(frozen=True)
class _Stopped:
    expected_us: Mapping[str, float]
    utilisation: float


def _capacity_rps(client: Generator, server: Server, settings: Settings) -> float:
    """mu of the formulas: what the server answers to as many connections, closed loop."""
    one = measure(client, Load(server.port, settings.connections, 1), server, settings)
    return one.requests / one.wall_s


def _stop(generators: Sequence[Generator], peers: Peers, settings: Settings) -> dict[str, Any]:
    stop_s, run_s = (0.3, 2.0) if settings.quick else (STOP_S, float(RUN_S))
    stop_after_s = STOP_AFTER_S * run_s / RUN_S
    print(f"  -- stop of {stop_s:g} s in a run of {run_s:g} s")
    server, floor_client = peers.floor_server(), peers.bare("floor_client")
    if server is None or floor_client is None:
        raise MeasurementError("floor_server and floor_client are needed, and not built")
    expectations: dict[str, list[_Stopped]] = {one.name: [] for one in generators}

    def contender(generator: Generator) -> Callable[[int], Measurement]:
        def once(_: int) -> Measurement:
            with server:
                utilisation = RATE_RPS / _capacity_rps(floor_client, server, settings)
                stopped_s = 0.0

                def stop() -> None:
                    nonlocal stopped_s
                    time.sleep(stop_after_s)
                    server.stop()
                    since = time.monotonic()
                    time.sleep(stop_s)
                    server.resume()
                    stopped_s = time.monotonic() - since

                load = Load(server.port, settings.connections, run_s, RATE_RPS)
                one = measure(generator, load, server, settings, during=stop)
                expectations[generator.name].append(
                    _Stopped(expected_stop_us(stopped_s, run_s, utilisation), utilisation))
                return one

        return once

    names = ("max", "p99.9", "p99")
    rounds = alternate({one.name: contender(one) for one in generators}, settings.pairs, settings.seed,
                       lambda title, one: _show(title, one, names))
    warn_of_company(rounds)
    # The first expectation is that of the warm-up round.
    judged = {name: _judge_stop([one[name] for one in rounds], name, expectations[name][1:]) for name in expectations}
    return {"stop_s": stop_s, "run_s": run_s, "rounds": rounds_as_json(rounds), "judged": judged}


def _judge_stop(runs: Sequence[Measurement], generator: str, expected: Sequence[_Stopped]) -> dict[str, Any]:
    judged: dict[str, Any] = {"utilisation": [one.utilisation for one in expected]}
    for name in ("max", "p99.9", "p99"):
        errors = [latency_us(run.report, "response_time_us", name) / one.expected_us[name] - 1
                  for run, one in zip(runs, expected)]
        passed = median(map(abs, errors)) <= STOP_TOLERANCE_SHARE
        judged[name] = {"expected_us": [one.expected_us[name] for one in expected], "errors": errors, "pass": passed}
        print(f"    {generator} {name}: expected {median(judged[name]['expected_us']) / 1e3:.1f} ms, error median "
              f"{median(errors):+.2%}, worst {max(errors, key=abs):+.2%}: {'PASS' if passed else 'FAIL'} "
              f"(median size within {STOP_TOLERANCE_SHARE:.0%})")
    omitting_us = median(latency_us(run.report, "service_time_us", "p99") for run in runs)
    print(f"    {generator}: measured from the send instead, p99 would be {omitting_us / 1e3:.1f} ms")
    return judged


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    reference = peers.bare(REFERENCE)
    generators = [one for one in (peers.assay(), peers.assay("--spin"), reference) if one is not None]
    show_skipped(peers)
    if reference is None:
        raise MeasurementError("the reference client is not built")
    run_s = 4.0 if settings.quick else float(RUN_S)
    settings = replace(settings, seconds=run_s)
    return {"rate_rps": RATE_RPS, "run_s": run_s, "known_latency": _known_latency(generators, peers, settings, run_s),
            "stop": _stop(generators, peers, settings)}
