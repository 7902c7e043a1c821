"""generator-cost: CPU time of a generator per request, closed model, 64 connections, one thread.

Peers: assay load (everything recorded), wrk --latency, and floor_client, which records nothing. Every run meets
a newly started nginx. Bar: upper 95 % bound of assay / wrk <= 0.95.
"""

from __future__ import annotations

from typing import Any, Callable

from lib.peers import Generator, Load, Peers
from lib.procs import MeasurementError
from lib.rounds import (Measurement, Round, Settings, alternate, compare, measure, rounds_as_json, show_costs,
                        show_skipped, warn_of_company)


def cost(one: Measurement) -> float:
    return one.generator_ns_per_request


def _show_round(title: str, this_round: Round) -> None:
    print(f"  {title}: " + ", ".join(f"{name} {cost(one):.0f} ns" for name, one in this_round.items()), flush=True)


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    found = [peers.assay(), peers.wrk(), peers.bare("floor_client")]
    generators = [generator for generator in found if generator is not None]
    server = peers.nginx() or peers.floor_server()
    show_skipped(peers)
    if server is None or not generators:
        raise MeasurementError("no server or no generator to measure")
    size = None

    def contender(generator: Generator) -> Callable[[int], Measurement]:
        def once(_: int) -> Measurement:
            nonlocal size
            with server:
                size = server.response
                return measure(generator, Load(server.port, settings.connections, settings.seconds), server, settings)

        return once

    rounds = alternate({one.name: contender(one) for one in generators}, settings.pairs, settings.seed, _show_round)
    print(f"  server {server.name}: response of {size.head_bytes} + {size.body_bytes} bytes; "
          f"{settings.connections} connections, {settings.seconds:g} s a run")
    show_costs(rounds, cost)
    warn_of_company(rounds)
    comparisons = [compare(rounds, "assay", "wrk", cost, limit=0.95), compare(rounds, "assay", "floor_client", cost),
                   compare(rounds, "wrk", "floor_client", cost)]
    for comparison in filter(None, comparisons):
        comparison.show()
    return {"server": server.name, "response": vars(size), "rounds": rounds_as_json(rounds),
            "comparisons": [comparison.as_json() for comparison in comparisons if comparison]}
