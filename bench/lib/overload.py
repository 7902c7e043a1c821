"""overload: what is left of a service that is asked for up to four times what it can do.

Each request is a millisecond of CPU (services/, GET /cpu), so that the capacity is near a thousand a second; what it is
exactly, each service says first in a closed loop. Arrivals are Poisson's and do not wait for answers. Goodput counts
answers of status 200 alone, and so does their response time, from the intended instant. The last row of a service is
half of its capacity again, from 2 s after an overload of four times on.

Bars, for ours: goodput at every overload >= 90 % of the highest, p99 <= 3 times that at 0.8, and after an overload
p99 <= 1.5 times that at 0.5. In the median of the rounds.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from lib.peers import Peers
from lib.procs import MeasurementError, Server, run
from lib.rounds import Settings, show_skipped
from lib.services import Services

FACTORS = (0.5, 0.8, 1, 1.5, 2, 4)
AFTER = "0.5 after 4"
CONNECTIONS = 512
ROUNDS = 3
RUN_S = 15  # the onset, for which a server may wait for it to be a burst (0.1 s of ours), is less than a hundredth
PAUSE_S = 2  # after an overload, before the last row counts
LEAST_GOODPUT = 0.9
MOST_P99 = 3.0
MOST_AFTER = 1.5


@dataclass(frozen=True)
class Row:
    offered_rps: float
    goodput_rps: float
    refused_rps: float  # answered with another status
    failed_rps: float   # not answered: timeouts, resets, never sent
    p50_ms: float
    p99_ms: float


class Service:
    """One service under one generator."""

    def __init__(self, server: Server, assay: str, settings: Settings) -> None:
        self._server, self._assay, self._settings = server, assay, settings
        self._seconds = 1 if settings.quick else RUN_S
        self.name = server.name
        self.capacity_rps = 0.0

    def _load(self, *options: str) -> dict[str, Any]:
        command = [self._assay, "load", f"http://127.0.0.1:{self._server.port}/cpu", "--json", *options]
        # 3: the generator itself was late. Told in the row, and not thrown away in silence.
        done = run(command, self._settings.generator_core, 10 * self._seconds + 60, any_exit_code=True)
        try:
            document = json.loads(done.output)
        except ValueError as error:
            raise MeasurementError(f"{self.name}: {done.output[-200:]!r}") from error
        if document["verdict"] != "VALID":
            print(f"     {self.name}: {document['verdict']} {document['reasons']}")
        return document

    def _open(self, *stages: str) -> list[dict[str, Any]]:
        options = [part for stage in stages for part in ("--stage", stage)]
        document = self._load(*options, "-c", str(CONNECTIONS), "--arrivals", "poisson", "--timeout", "5s")
        return document["stages"] or [{**document, "length_s": document["duration_s"]}]  # one alone is the whole run

    def measure(self) -> dict[str, Row]:
        seconds = self._seconds
        rows = {}
        with self._server:
            self.capacity_rps = self._load("-c", "4", "-d", f"{seconds:g}s")["achieved_rps"]
            for factor in FACTORS:
                rows[f"{factor:g}"] = row_of(self._open(f"{seconds:g}s@{factor * self.capacity_rps:.1f}")[0])
            half = f"{0.5 * self.capacity_rps:.1f}"
            overload = f"{seconds:g}s@{4 * self.capacity_rps:.1f}"
            stages = self._open(overload, f"{PAUSE_S}s@{half}", f"{seconds:g}s@{half}")
            rows[AFTER] = row_of(stages[-1])
        return rows


def row_of(stage: dict[str, Any]) -> Row:
    length_s = stage["length_s"]
    refused = sum(count for kind, count in stage["errors"].items() if kind.startswith("status_"))
    failed = sum(stage["errors"].values()) - refused
    good = stage["expected_response_time_us"]
    # Of a whole run: what was answered before it ended, and in time. The backlog that the drain works off is none.
    goodput_rps = stage.get("good_rps", good["count"] / length_s)
    return Row(offered_rps=stage["offered_requests"] / length_s, goodput_rps=goodput_rps,
               refused_rps=refused / length_s, failed_rps=failed / length_s,
               p50_ms=(good["p50"] or float("inf")) / 1e3, p99_ms=(good["p99"] or float("inf")) / 1e3)


def medians(rounds: list[dict[str, Row]]) -> dict[str, Row]:
    fields = [each.name for each in dataclasses.fields(Row)]
    return {name: Row(**{field: median(getattr(one[name], field) for one in rounds) for field in fields})
            for name in rounds[0]}


def show(name: str, capacity_rps: float, rows: dict[str, Row]) -> None:
    print(f"  {name}: capacity {capacity_rps:.0f} req/s")
    print("     of capacity   offered   goodput   refused    failed       p50 ms       p99 ms")
    for factor, row in rows.items():
        print(f"     {factor:>11} {row.offered_rps:9.0f} {row.goodput_rps:9.0f} {row.refused_rps:9.0f}"
              f" {row.failed_rps:9.0f} {row.p50_ms:12.1f} {row.p99_ms:12.1f}")


def judge(rows: dict[str, Row]) -> dict[str, str]:
    """The bars of a service that sheds what it cannot do."""
    over = [row for name, row in rows.items() if name != AFTER and float(name) >= 1]
    least_goodput = min(row.goodput_rps for row in over) / max(row.goodput_rps for row in rows.values())
    most_p99 = max(row.p99_ms for row in over) / rows["0.8"].p99_ms
    after = rows[AFTER].p99_ms / rows["0.5"].p99_ms
    outcomes = {
        f"goodput of every overload >= {LEAST_GOODPUT:.0%} of the highest: {least_goodput:.0%}":
            least_goodput >= LEAST_GOODPUT,
        f"p99 of what is served <= {MOST_P99:g} times that at 0.8: {most_p99:.2f}": most_p99 <= MOST_P99,
        f"p99 {PAUSE_S} s after an overload <= {MOST_AFTER:g} times that before: {after:.2f}": after <= MOST_AFTER,
    }
    return {bar: "PASS" if kept else "FAIL" for bar, kept in outcomes.items()}


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    services = Services(peers, settings.build, settings.server_core)
    servers = [server for server in (services.ours(), services.go(), services.node()) if server is not None]
    assay = peers.assay_command()
    show_skipped(peers)
    if assay is None or not servers:
        raise MeasurementError("no service or no generator to measure")
    under_load = [Service(server, assay, settings) for server in servers]
    rounds: dict[str, list[dict[str, Row]]] = {service.name: [] for service in under_load}
    for number in range(1 if settings.quick else ROUNDS):
        for service in under_load:
            rounds[service.name].append(service.measure())
            print(f"  round {number + 1}: {service.name} measured", flush=True)
    results = []
    for service in under_load:
        rows = medians(rounds[service.name])
        show(service.name, service.capacity_rps, rows)
        outcomes = judge(rows) if service.name == "ours" else {}
        for bar, outcome in outcomes.items():
            print(f"     {bar}: {outcome}")
        results.append({"service": service.name, "outcomes": outcomes,
                        "rounds": [{name: asdict(row) for name, row in one.items()} for one in rounds[service.name]]})
    return {"results": results}
