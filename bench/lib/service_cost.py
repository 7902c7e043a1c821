"""service-cost: CPU time of a service per request at an equal rate: a JSON answer, a row of PostgreSQL.

Contenders: this stack with the policies that are on by default; Go's net/http with pgx, Node.js with Fastify and pg
(services/). What no policies and every one of them make is policy_cost.py's. The generator sends an open schedule on
the other core, and spins there; PostgreSQL runs on the service's core, and its time counts for nobody. So nothing that
a service sends has to wake the other core, which on a virtual machine is an exit that costs the sender more than
the answer does, and which no service pays whose clients and database are other machines. A bare server stands beside:
what the kernel takes for the two system calls of an answer at that rate, with nothing in between (floor_server), and
for the two of a statement as well (floor_row_server).

The watchdog of a service that guard::serve runs is a thread that wakes ten times a second, and when a loop has not
turned for a while. Two runs differ by more than it could cost, so the bar is on what its thread takes within one run,
which the service tells: all of the run's CPU time / what is left without that thread. On / off, alternated, stands
beside it, for what it may cost elsewhere: a loop that turns puts a timer off, 80 times a second at most.

Bars: upper 95 % bound of ours / go <= 0.6, of ours / node <= 0.3 (unless the bare server alone is above it), of a
service with its watchdog's thread / the same without <= 1.01.
"""

from __future__ import annotations

import re
import time
import urllib.request
from dataclasses import dataclass, replace
from typing import Any, Callable

from lib.peers import Generator, Load, Peers
from lib.policy_cost import measure_policies
from lib.procs import MeasurementError, Server
from lib.rounds import (Comparison, Measurement, Round, Settings, alternate, compare, measure, rounds_as_json,
                        show_costs, show_skipped, warm_up, warn_of_company)
from lib.services import Postgres, Services
from lib.stats import summarise_ratios

ON = "ours --policies on"
WATCHED, UNWATCHED, BUT_FOR_IT = "ours", "ours --no-watchdog", "ours but for the watchdog's thread"
FLOOR, ROW_FLOOR = "floor_server", "floor_row_server"
WATCHDOG = ((WATCHED, UNWATCHED, None),)
MOST_OF_WATCHDOG = 1.01
# A watchdog costs little beside what two runs differ by: many short pairs tell more than few long ones.
PAIRS_OF_WATCHDOG = 6  # for each of the others
SECONDS_OF_WATCHDOG = 1.0
WARM_UP = 0.5  # of the time that is measured
SCRAPE_S = 10


Bars = tuple[tuple[str, str, float | None], ...]


@dataclass(frozen=True)
class Case:
    path: str
    rate_rps: float
    database_by_socket: bool = False  # else by TCP over loopback, where the sender pays for the receiver's half as well
    tick: str | None = None  # requests leave together so often; else each at its own instant

    @property
    def floor(self) -> str:
        return ROW_FLOOR if self.path.startswith("/rows") else FLOOR

    def bars(self) -> Bars:
        return ((ON, "go", 0.6), (ON, "node", 0.3), (self.floor, "node", None), (ON, self.floor, None))

    def title(self) -> str:
        by = ", the database by a Unix socket" if self.database_by_socket else ""
        ticks = f" in ticks of {self.tick}" if self.tick else ""
        return f"GET {self.path}, {self.rate_rps:g} req/s{ticks}{by}"


# A quiet service and a busy one: at the higher rates the slowest of them still has half of a core to spare. What a
# request costs falls with the rate, least for whoever has least to do beside the system calls. Each request at its own
# instant is a wake of the service for each; in ticks of a millisecond, as wrk2, oha and k6 send, several share one.
CASES = (Case("/json", 1000), Case("/json", 4000), Case("/json", 4000, tick="1ms"), Case("/rows/42", 1000),
         Case("/rows/42", 2000), Case("/rows/42", 3000), Case("/rows/42", 2000, database_by_socket=True))


def cost(one: Measurement) -> float:
    return one.server_ns_per_request


def _show_round(title: str, this_round: Round) -> None:
    print(f"  {title}: " + ", ".join(f"{name} {cost(one):.0f} ns" for name, one in this_round.items()), flush=True)


def _contender(server: Server, generator: Generator, case: Case, settings: Settings) -> Callable[[int], Measurement]:
    def once(_: int) -> Measurement:
        with server:
            load = Load(server.port, settings.connections, settings.seconds, case.rate_rps, case.path)
            # A just-in-time compiler has done its work, and the pools are filled, before it counts.
            warm_up(generator, replace(load, seconds=settings.seconds * WARM_UP), settings)
            return measure(generator, load, server, settings)

    return once


def _compared(rounds: list[Round], bare: str, bars: Bars) -> list[Comparison]:
    """A bar that the bare server is above itself is none: no service of this kernel could meet it here."""
    found = []
    for name, other, limit in bars:
        floor = compare(rounds, bare, other, cost) if limit is not None else None
        if floor is not None and floor.summary.low > limit:
            print(f"  the bare server alone / {other} {floor.summary.geometric_mean:.2f}: "
                  f"a bar of {limit:g} is below it")
            limit = None
        found.append(compare(rounds, name, other, cost, limit=limit))
    return [one for one in found if one is not None]


def _measure_case(case: Case, servers: list[Server], bars: Bars, generator: Generator,
                  settings: Settings) -> dict[str, Any]:
    print(f"  -- {case.title()}, {settings.connections} connections, {settings.seconds:g} s a run")
    contenders = {server.name: _contender(server, generator, case, settings) for server in servers}
    rounds = alternate(contenders, settings.pairs, settings.seed, _show_round)
    show_costs(rounds, cost)
    warn_of_company(rounds)
    comparisons = _compared(rounds, case.floor, bars)
    for comparison in comparisons:
        comparison.show()
    return {"path": case.path, "rate_rps": case.rate_rps, "tick": case.tick,
            "database_by_socket": case.database_by_socket,
            "rounds": rounds_as_json(rounds), "comparisons": [comparison.as_json() for comparison in comparisons]}


def _watchdog_ns(server: Server) -> float:
    """CPU time of the watchdog's thread so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=SCRAPE_S) as answer:
        told = re.search(r"^assay_watchdog_cpu_seconds_total (\S+)$", answer.read().decode(), re.MULTILINE)
    if told is None:
        raise MeasurementError(f"{server.name} does not tell what its watchdog takes")
    return float(told[1]) * 1e9


def _in_turns(peers: Peers, settings: Settings) -> Server:
    server = Services(peers, settings.build, settings.server_core).ours("--policies", "turns")
    if server is None:
        raise MeasurementError("no service to measure")
    return server


def _measure_watchdog(peers: Peers, generator: Generator, settings: Settings) -> dict[str, Any]:
    short = replace(settings, pairs=settings.pairs * PAIRS_OF_WATCHDOG, seconds=SECONDS_OF_WATCHDOG)
    services = Services(peers, settings.build, settings.server_core)
    watched, unwatched = services.ours(), services.ours("--no-watchdog")
    if watched is None or unwatched is None:
        raise MeasurementError("no service to measure")
    alternated = _measure_case(CASES[1], [watched, unwatched], WATCHDOG, generator, short)
    ratios = []
    for _ in range(settings.pairs):
        with watched:
            load = Load(watched.port, settings.connections, settings.seconds, CASES[1].rate_rps, CASES[1].path)
            begin_ns, begin_s = _watchdog_ns(watched), time.monotonic()
            run = measure(generator, load, watched, settings)
            a_second_ns = (_watchdog_ns(watched) - begin_ns) / (time.monotonic() - begin_s)
            ratios.append(run.server_cpu_ns / (run.server_cpu_ns - a_second_ns * run.wall_s))
    share = Comparison(WATCHED, BUT_FOR_IT, ratios, summarise_ratios(ratios), MOST_OF_WATCHDOG)
    share.show()
    return {**alternated, "comparisons": [*alternated["comparisons"], share.as_json()]}


def _servers(peers: Peers, services: Services, *where: str) -> dict[str, Server]:
    """Those that are there: ON, go, node, FLOOR, ROW_FLOOR; `where` tells the last its database."""
    found = [services.ours("--policies", "on"), services.go(), services.node(), peers.floor_server(),
             peers.own_server(ROW_FLOOR, f"bench/{ROW_FLOOR}", *where)]
    return {server.name: server for server in found if server is not None}


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    generator = peers.assay("--spin")
    in_ticks = {case.tick: peers.assay("--spin", "--tick", case.tick) for case in CASES if case.tick}
    with Postgres(settings.server_core) as database:
        by_tcp = _servers(peers, Services(peers, settings.build, settings.server_core, database.url),
                          "--database-port", str(database.port))
        by_socket = _servers(peers, Services(peers, settings.build, settings.server_core, database.socket_url),
                             "--database-socket", database.socket_path)
        show_skipped(peers)
        if generator is None or ON not in by_tcp:
            raise MeasurementError("no service or no generator to measure")
        results = []
        for case in CASES:
            servers = by_socket if case.database_by_socket else by_tcp
            others = {FLOOR, ROW_FLOOR} - {case.floor}
            compared = [server for name, server in servers.items() if name not in others]
            results.append(_measure_case(case, compared, case.bars(), in_ticks.get(case.tick) or generator, settings))
        return {"results": results, "policies": measure_policies(_in_turns(peers, settings), generator, settings),
                "watchdog": _measure_watchdog(peers, generator, settings)}
