"""Scripted pathologies: what latency_server is told to do, and what an ideal open-loop client then reports.

An ideal client sends each request when it is due and counts from then. The formulas hold for constant arrivals
at `rate_rps` for `run_s`, and leave out the way through the kernel. tests/test_scripted.py checks each against a
simulation. A quantile that falls where the distribution jumps, or at the foot of a slope, is shown and not judged:
there, one request more or less decides which value is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from lib.known_latency import freeze_quantile_us

# The quantiles of every report here, by name; max is the quantile 1.
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
CONNECTIONS, FEW_CONNECTIONS = 64, 16
JUMP_WITHIN, JUMP = 0.002, 2.0  # of a quantile: by this factor, so near to it


@dataclass(frozen=True)
class Pathology:
    name: str
    options: tuple[str, ...]  # of latency_server
    latency_us: Callable[[float], float]  # the ideal client's, by quantile
    connections: int = CONNECTIONS
    # The response time asked about: of all answers, or of those with a status of success alone.
    kind: str = "response_time_us"

    def ideal_us(self) -> dict[str, float]:
        return {name: self.latency_us(quantile) for name, quantile in QUANTILES.items()}

    def judged(self) -> list[str]:
        return [name for name, quantile in QUANTILES.items()
                if self.latency_us(min(1.0, quantile + JUMP_WITHIN)) <= JUMP * self.latency_us(quantile - JUMP_WITHIN)]


def fixed(delay_ms: float) -> Pathology:
    return Pathology(f"fixed {delay_ms:g} ms", ("--fixed", f"{delay_ms:g}ms"), lambda _: delay_ms * 1e3)


def bimodal(fast_ms: float, slow_ms: float, slow_share: float) -> Pathology:
    return Pathology(f"{fast_ms:g} ms, and {slow_share:.0%} of the requests {slow_ms:g} ms",
                     ("--bimodal", f"{fast_ms:g}ms:{1 - slow_share:g},{slow_ms:g}ms:{slow_share:g}"),
                     lambda quantile: (slow_ms if quantile > 1 - slow_share else fast_ms) * 1e3)


def freeze(stop_s: float, period_s: float, run_s: float) -> Pathology:
    """On few connections: a client that sends nothing while it waits has one slow request a connection and freeze,
    and these are then fewer than one in a hundred."""
    return Pathology(f"freeze of {stop_s * 1e3:g} ms every {period_s:g} s",
                     ("--freeze", f"{stop_s * 1e3:g}ms/{period_s:g}s"),
                     lambda quantile: freeze_quantile_us(quantile, stop_s, period_s, run_s), FEW_CONNECTIONS)


def slow_connection(slow_ms: float, fast_ms: float) -> Pathology:
    """Which request meets the slow connection is the client's choice. Here it is that of busy_client and assay: the
    connection idle for longest. The slow one comes again after `slow_ms` and a turn of all others, at 1,000/s, 40 ms
    and 16 connections with 1.8 % of the requests. A client that prefers the connections used last may leave it aside,
    and is right to report so; one that gives each connection a schedule of its own lets its requests queue there."""
    return Pathology(f"one connection of {FEW_CONNECTIONS} takes {slow_ms:g} ms, the others {fast_ms:g} ms",
                     ("--slow-connection", f"{slow_ms:g}ms,{fast_ms:g}ms"),
                     lambda quantile: (slow_ms if quantile > 0.982 else fast_ms) * 1e3, FEW_CONNECTIONS)


def backlog(service_ms: float, rate_rps: float, run_s: float) -> Pathology:
    """Served one after the other, and slower than they come: the request due at x finds (rate - capacity) x waiting."""
    excess = rate_rps * service_ms / 1e3 - 1
    return Pathology(f"growing backlog: {1e3 / service_ms:g} req/s can be served",
                     ("--serial", f"{service_ms:g}ms:0"), lambda quantile: quantile * run_s * excess * 1e6)


def refusals(refused_ms: float, refused_share: float, served_ms: float) -> Pathology:
    return Pathology(f"{refused_share:.0%} refused in {refused_ms:g} ms, success takes {served_ms:g} ms: of successes",
                     ("--refuse", f"{refused_ms:g}ms:{refused_share:g},{served_ms:g}ms"),
                     lambda _: served_ms * 1e3, kind="expected_response_time_us")


def slow_start(first_ms: float, slow_requests: int, rate_rps: float, run_s: float) -> Pathology:
    """Over the first requests the delay falls in a straight line to nothing."""
    slow_share = slow_requests / (rate_rps * run_s)
    return Pathology(f"slow start: {first_ms:g} ms at first, less with each of {slow_requests} requests",
                     ("--slow-start", f"{first_ms:g}ms:{slow_requests}"),
                     lambda quantile: max(0.0, 1 - (1 - quantile) / slow_share) * first_ms * 1e3)


def pathologies(rate_rps: float, run_s: float) -> list[Pathology]:
    return [fixed(5), bimodal(1, 40, 0.02), freeze(0.3, 3, run_s), freeze(0.5, 5, run_s), slow_connection(40, 1),
            backlog(1.25, rate_rps, run_s), refusals(1, 0.55, 50), slow_start(50, 2000, rate_rps, run_s)]
