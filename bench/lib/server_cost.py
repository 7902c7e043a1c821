"""server-cost: CPU time of a server per request, at 64 and at 512 connections, one generator on the other core.

The generator is floor_client, the cheapest at hand: the server has to be what saturates, or its idle time and its
wake-ups would be measured instead of its work.

Peers: the stack's plaintext example on io_uring and on epoll, nginx (`return 200`), and floor_server, which
does not even parse. Bar: upper 95 % bound of plaintext / nginx <= 0.9.
"""

from __future__ import annotations

from typing import Any, Callable

from lib.peers import Generator, Load, Peers
from lib.procs import MeasurementError, ResponseSize, Server
from lib.rounds import (Measurement, Round, Settings, alternate, compare, measure, rounds_as_json, show_costs,
                        show_skipped, warn_of_company)

CONNECTIONS = (64, 512)
OURS = ("plaintext/io_uring", "plaintext/epoll")


def cost(one: Measurement) -> float:
    return one.server_ns_per_request


def _show_round(title: str, this_round: Round) -> None:
    print(f"  {title}: " + ", ".join(f"{name} {cost(one):.0f} ns" for name, one in this_round.items()), flush=True)


def _contender(server: Server, generator: Generator, connections: int, settings: Settings,
               sizes: dict[str, ResponseSize]) -> Callable[[int], Measurement]:
    def once(_: int) -> Measurement:
        with server:
            sizes[server.name] = server.response
            return measure(generator, Load(server.port, connections, settings.seconds), server, settings)

    return once


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    found = [peers.plaintext("io_uring"), peers.plaintext("epoll"), peers.nginx(), peers.floor_server()]
    servers = [server for server in found if server is not None]
    generator = peers.bare("floor_client") or peers.wrk()
    show_skipped(peers)
    if generator is None or not servers:
        raise MeasurementError("no server or no generator to measure")
    sizes: dict[str, ResponseSize] = {}
    results = []
    for connections in CONNECTIONS:
        print(f"  -- {connections} connections, generator {generator.name}, {settings.seconds:g} s a run")
        contenders = {server.name: _contender(server, generator, connections, settings, sizes) for server in servers}
        rounds = alternate(contenders, settings.pairs, settings.seed, _show_round)
        show_costs(rounds, cost)
        warn_of_company(rounds)
        comparisons = [compare(rounds, name, "nginx", cost, limit=0.9) for name in OURS]
        comparisons += [compare(rounds, name, "floor_server", cost) for name in (*OURS, "nginx")]
        for comparison in filter(None, comparisons):
            comparison.show()
        results.append({"connections": connections, "rounds": rounds_as_json(rounds),
                        "comparisons": [comparison.as_json() for comparison in comparisons if comparison]})
    for name, size in sizes.items():
        print(f"  {name}: response of {size.head_bytes} + {size.body_bytes} bytes")
    return {"generator": generator.name, "responses": {name: vars(size) for name, size in sizes.items()},
            "results": results}
