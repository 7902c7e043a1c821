"""websocket-load: 15,000 WebSockets from one process, a message a second each, broadcasts, and 45,000 of three.

The server is the C++ service, and `ws` on Node.js beside it; the generator is `assay load`, which says whether its own
part can be trusted. The 45,000 are three generators at once, each to a server of its own: no process has as many
descriptors. On one core they wait for each other if each message wakes its sender, so theirs leave in ticks of 2 ms.
Memory of both sides is their own (anonymous pages, not files), the kernel's for the sockets is not in it. The bars are
for our own client against our own server: <= 5 KiB a connection, every message of the echoes received, and every
broadcast by everybody; and as much of the echoes of each of the three.
"""

from __future__ import annotations

import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lib.peers import Peers
from lib.procs import MeasurementError, Server, run
from lib.rounds import Settings, show_skipped
from lib.services import Services

CONNECTIONS = 15_000
QUICK_CONNECTIONS = 200
CONNECTS_PER_S = 2000
MOST_BYTES = 5 * 1024
FROM_ADDRESSES = 4  # local ports are per address
DRAIN_S = 15  # of the last messages, and of closing
ROUNDS = 3
PROCESSES = 3  # of the many


@dataclass(frozen=True)
class Case:
    path: str
    per_connection_s: float  # messages a second each
    broadcasts_s: float = 0  # or of all together, each to all
    tick: str = ""

    def arguments(self, connections: int) -> list[str]:
        rate = self.broadcasts_s or self.per_connection_s * connections
        return ["-R", f"{rate:g}", *(["--broadcast"] if self.broadcasts_s else []),
                *(["--tick", self.tick] if self.tick else [])]


CASES = (Case("/socket", 1), Case("/room", 0, broadcasts_s=1))
OF_MANY = Case("/socket", 1, tick="2ms")


def _load(program: str, server: Server, case: Case, connections: int, seconds: float) -> list[str]:
    sources = [part for number in range(FROM_ADDRESSES) for part in ("--source", f"127.0.0.{2 + number}")]
    return [program, "load", f"ws://127.0.0.1:{server.port}{case.path}", "-c", str(connections), "-d", f"{seconds:g}s",
            "--connect-rate", str(CONNECTS_PER_S), "--json", *sources, *case.arguments(connections)]


def measure_one(program: str, server: Server, case: Case, settings: Settings) -> dict[str, Any]:
    connections = QUICK_CONNECTIONS if settings.quick else CONNECTIONS
    opening_s = connections / CONNECTS_PER_S
    with server:
        before_bytes, before_ns = server.resident_bytes(), server.cpu_ns()
        seen = {"bytes": 0}

        def half_way() -> None:
            time.sleep(opening_s + settings.seconds / 2)
            seen["bytes"] = server.resident_bytes()

        done = run(_load(program, server, case, connections, settings.seconds), settings.generator_core,
                   opening_s * 3 + settings.seconds + DRAIN_S, half_way, any_exit_code=True)
        server_ns = server.cpu_ns() - before_ns
    try:
        report = json.loads(done.output)
        messages, generator = report["messages"], report["generator"]
        passed = messages["sent"] + messages["received"]
    except (ValueError, KeyError, TypeError) as error:
        raise MeasurementError(f"no document of a load ({error!r}): {done.output[:200]!r}") from error
    if passed == 0:
        raise MeasurementError(f"{server.name}: no message passed; {report['reasons']}")
    return {"service": server.name, "path": case.path, "connections": connections, "open": report["open_at_end"],
            "verdict": report["verdict"], "reasons": report["reasons"], "messages": messages,
            "lost_connections": report["lost_connections"], "connect_time_us": report["connect_time_us"],
            "answer_time_us": report["answer_time_us"], "generator": generator,
            "server_bytes_per_connection": (seen["bytes"] - before_bytes) / connections,
            "server_cpu_us_per_message": server_ns / 1e3 / passed}


def _shown(us: float | None) -> str:
    return "-" if us is None else f"{us / 1e3:.2f}"


def _show(one: dict[str, Any]) -> None:
    messages, generator = one["messages"], one["generator"]
    times = messages["response_time_us"]
    reach = "" if messages["reach"] is None else f", reach {messages['reach']:.4%}"
    print(f"  {one['service'].split()[0]:5} {one['path']:8} {one['verdict']}: {one['open']} open, "
          f"{messages['received']} received of {messages['sent']} sent{reach}; p50 {_shown(times['p50'])}, "
          f"p99 {_shown(times['p99'])}, max {_shown(times['max'])} ms; errors {messages['errors'] or 'none'}\n"
          f"    a message: server {one['server_cpu_us_per_message']:.1f} us, generator "
          f"{generator['cpu_per_message_us']:.1f} us of CPU; a connection: server "
          f"{one['server_bytes_per_connection']:.0f}, generator {generator['bytes_per_connection'] or 0:.0f} bytes",
          flush=True)
    for reason in one["reasons"]:
        print(f"    {reason}", flush=True)


def measure_many(program: str, services: Services, settings: Settings) -> list[dict[str, Any]]:
    """As many generators at the same time, on the one core, each with its connections to a server of its own."""
    servers = [services.ours("--max-connections", str(CONNECTIONS + 100)) for _ in range(PROCESSES)]
    if None in servers:
        return []
    with ThreadPoolExecutor(PROCESSES) as together:
        runs = list(together.map(lambda server: measure_one(program, server, OF_MANY, settings), servers))
    print(f"  {PROCESSES} generators at once: {sum(one['open'] for one in runs)} open", flush=True)
    for one in runs:
        _show(one)
    return runs


def _outcome(runs: list[dict[str, Any]]) -> str:
    """Of our own server's echoes: the client's memory, and nothing lost, in each round."""
    kept = all(one["generator"]["bytes_per_connection"] is not None and not one["messages"]["errors"]
               and one["generator"]["bytes_per_connection"] <= MOST_BYTES and one["verdict"] == "VALID" for one in runs)
    return "PASS" if runs and kept else "FAIL"


def _outcome_of_reach(runs: list[dict[str, Any]]) -> str:
    """Of our own server's broadcasts: in each round each came to everybody."""
    return "PASS" if runs and all(one["messages"]["reach"] == 1 for one in runs) else "FAIL"


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not settings.quick and CONNECTIONS + 100 > most_files:
        raise MeasurementError(f"{CONNECTIONS} connections need more descriptors than the limit of {most_files}: "
                               "raise it (ulimit -Hn)")
    program = peers.assay_command()
    services = Services(peers, settings.build, settings.server_core)
    found = [services.ours("--max-connections", str(CONNECTIONS + 100)), services.node_sockets()]
    servers = [server for server in found if server is not None]
    show_skipped(peers)
    if program is None or not servers:
        raise MeasurementError("no service or no generator to measure")
    results = []
    for case in CASES:
        for _ in range(1 if settings.quick else ROUNDS):
            for server in servers:
                results.append(measure_one(program, server, case, settings))
                _show(results[-1])
    own, heard = ([one for one in results if one["service"].startswith("ours") and one["path"] == case.path]
                  for case in CASES)
    many = measure_many(program, services, settings)
    outcome = "no bar" if settings.quick else _outcome(own)
    of_reach = "no bar" if settings.quick else _outcome_of_reach(heard)
    of_many = "no bar" if settings.quick else _outcome(many)
    print(f"  client <= {MOST_BYTES} bytes a connection, nothing lost, ours {CASES[0].path}: {outcome}\n"
          f"  reach of 100 %, ours {CASES[1].path}: {of_reach}\n"
          f"  the echoes of {PROCESSES} at once, {PROCESSES * CONNECTIONS} connections: {of_many}")
    return {"results": results, "many": many, "outcome": outcome, "outcome_of_reach": of_reach,
            "outcome_of_many": of_many}
