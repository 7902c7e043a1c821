"""The ideal answers of the truth table against a simulation of the scripted servers."""

import heapq
import math
import random
import unittest
from collections import deque

from lib import scripted
from lib.scripted import QUANTILES, Pathology

RATE_RPS, RUN_S = 1000, 10.0


def arrivals() -> list[float]:
    return [number / RATE_RPS for number in range(round(RATE_RPS * RUN_S))]


def with_stops(stops: list[tuple[float, float]]) -> list[float]:
    waits = []
    for due_s in arrivals():
        waits.append(next((until_s - due_s for since_s, until_s in stops if since_s <= due_s < until_s), 0.0))
    return waits


def one_after_the_other(service_s: float) -> list[float]:
    waits, free_s = [], 0.0
    for due_s in arrivals():
        free_s = max(due_s, free_s) + service_s
        waits.append(free_s - due_s)
    return waits


def over_connections(slow_s: float, fast_s: float, connections: int) -> list[float]:
    """Connection 0 is the slow one; a request takes the connection idle for longest."""
    idle = deque(range(connections))
    busy: list[tuple[float, int]] = []
    waits = []
    for due_s in arrivals():
        while busy and busy[0][0] <= due_s:
            idle.append(heapq.heappop(busy)[1])
        taken = idle.popleft()
        takes_s = slow_s if taken == 0 else fast_s
        waits.append(takes_s)
        heapq.heappush(busy, (due_s + takes_s, taken))
    return waits


class Ideal(unittest.TestCase):
    def agree(self, pathology: Pathology, waits_s: list[float], delta_us: float) -> None:
        ordered = sorted(waits_s)
        for name in pathology.judged():
            seen_us = ordered[math.ceil(QUANTILES[name] * len(ordered) - 1e-9) - 1] * 1e6
            self.assertAlmostEqual(seen_us, pathology.ideal_us()[name], delta=delta_us,
                                   msg=f"{pathology.name}: {name}")

    def test_freezes(self) -> None:
        self.agree(scripted.freeze(0.3, 3, RUN_S), with_stops([(1.5, 1.8), (4.5, 4.8), (7.5, 7.8)]), 1000)
        self.agree(scripted.freeze(0.5, 5, RUN_S), with_stops([(2.5, 3.0), (7.5, 8.0)]), 1000)

    def test_the_named_points(self) -> None:
        self.assertAlmostEqual(scripted.freeze(0.5, 5, RUN_S).ideal_us()["p99"], 450_000)
        self.assertEqual(scripted.bimodal(1, 40, 0.02).ideal_us()["p50"], 1000)
        self.assertEqual(scripted.bimodal(1, 40, 0.02).ideal_us()["p99"], 40_000)

    def test_bimodal(self) -> None:
        draw = random.Random(1)
        self.agree(scripted.bimodal(1, 40, 0.02), [0.04 if draw.random() < 0.02 else 0.001 for _ in arrivals()], 1)

    def test_a_slow_connection(self) -> None:
        waits = over_connections(0.04, 0.001, 16)
        self.agree(scripted.slow_connection(40, 1), waits, 1)
        self.assertAlmostEqual(sum(wait > 0.03 for wait in waits) / len(waits), 1 / 54, delta=1e-4)

    def test_a_growing_backlog(self) -> None:
        self.agree(scripted.backlog(1.25, RATE_RPS, RUN_S), one_after_the_other(0.00125), 1500)

    def test_a_slow_start(self) -> None:
        waits = [0.05 * max(0.0, 1 - number / 2000) for number in range(len(arrivals()))]
        self.agree(scripted.slow_start(50, 2000, RATE_RPS, RUN_S), waits, 30)


class Judged(unittest.TestCase):
    def test_all_quantiles_but_those_at_a_jump_or_the_foot_of_a_slope(self) -> None:
        every = list(QUANTILES)
        not_judged = {one.name: [name for name in every if name not in one.judged()]
                      for one in scripted.pathologies(RATE_RPS, RUN_S) if one.judged() != every}
        self.assertEqual(not_judged, {"freeze of 500 ms every 5 s": ["p90"]})
        self.assertNotIn("p99", scripted.bimodal(1, 40, 0.01).judged())

    def test_only_refusals_ask_about_successes_alone(self) -> None:
        kinds = [one.kind for one in scripted.pathologies(RATE_RPS, RUN_S)]
        self.assertEqual(kinds.count("expected_response_time_us"), 1)


if __name__ == "__main__":
    unittest.main()
