"""slow-peer: what other routes feel of a third party that has become slow, behind a bulkhead and without.

The service has all default policies and asks a second one, at two fifths of its requests, through a guarded client
(guard::remote): that answers after 10 ms, or is slow and takes 4 s, beyond the 3 s of an attempt. The other requests
take a millisecond of CPU each, and come at random, as many as make the service busy for a third of the time: their p99
is of their own queue, some milliseconds, where that of an answer without work is what the host does, and twice as high
in the next run. The route that asks has a wall of 16 places; once more, it has none, and nothing but the breaker of its
client. All are sent by one generator in an open schedule, the same in all runs of a round; the peer, which only sleeps,
runs on the generator's core.

Bars, for the route that asks nobody: p99 with a slow peer / with a prompt one, both with the wall: upper 95 % bound
<= 1.1; and every answer as expected.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Callable

from lib.peers import Peers
from lib.procs import MeasurementError, Server, run
from lib.rounds import Comparison, Settings, show_skipped
from lib.stats import summarise_ratios

PROMPT_MS, SLOW_MS = 10, 4000
WALL = 16
WORK_RPS, PEER_RPS = 300, 200
CONNECTIONS = 1024  # so that whoever waits for the peer keeps nobody from being sent
SECONDS = 8
MOST = 1.1
WALLED, PROMPT, OPEN = "slow peer, walled", "prompt peer, walled", "slow peer, no wall"


@dataclass(frozen=True)
class Run:
    """Of the route that asks nobody, and of all."""

    p99_ms: float
    answered: float  # of its requests, as expected
    verdict: str
    reasons: list[str]


def _requests() -> str:
    routes = ({"route": "GET /cpu", "weight": WORK_RPS},
              {"route": "GET /peer", "weight": PEER_RPS, "expected": [200, 503, 504]})
    return "".join(json.dumps(each) + "\n" for each in routes)


def read(document: dict[str, Any]) -> Run:
    route = next(each for each in document["routes"] if each["route"].endswith("/cpu"))
    failed = sum(route["errors"].values())
    return Run(route["response_time_us"]["p99"] / 1e3, 1 - failed / route["offered_requests"], document["verdict"],
               document["reasons"])


class Contenders:
    def __init__(self, peers: Peers, settings: Settings) -> None:
        program = peers.assay_command()
        if program is None:
            raise MeasurementError("no generator to measure with")
        self._program, self._settings = program, settings
        self._peers = peers

    def run(self, nap_ms: int, wall: int, seed: int) -> Run:
        with self._service("peer", "--nap", str(nap_ms), core=self._settings.generator_core) as peer:
            with self._service("ours", "--peer", str(peer.port), "--peer-wall", str(wall)) as service:
                return self._load(service, seed)

    def _service(self, name: str, *options: str, core: int | None = None) -> Server:
        found = self._peers.own_server(name, "bench/service", *options, core=core)
        if found is None:
            raise MeasurementError("no service to measure")
        return found

    def _load(self, service: Server, seed: int) -> Run:
        requests = service.home / "requests.jsonl"
        requests.write_text(_requests())
        seconds = 1 if self._settings.quick else SECONDS
        command = [self._program, "load", f"http://127.0.0.1:{service.port}", "--requests", str(requests), "-c",
                   str(CONNECTIONS), "-R", str(WORK_RPS + PEER_RPS), "-d", f"{seconds}s", "--arrivals", "poisson",
                   "--seed", str(seed), "--timeout", "5s", "--json"]
        done = run(command, self._settings.generator_core, seconds * 3 + 30, any_exit_code=True)
        try:
            return read(json.loads(done.output))
        except (ValueError, KeyError, TypeError) as error:
            raise MeasurementError(f"no document of a load ({error!r}): {done.output[:300]!r}") from error


def _show(name: str, one: Run) -> None:
    print(f"    {name:20} {one.verdict}: p99 {one.p99_ms:.2f} ms, {one.answered:.2%} answered as expected"
          + "".join(f"; {reason}" for reason in one.reasons), flush=True)


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    found = Contenders(peers, settings)
    show_skipped(peers)
    kinds: dict[str, Callable[[int], Run]] = {PROMPT: lambda seed: found.run(PROMPT_MS, WALL, seed),
                                              WALLED: lambda seed: found.run(SLOW_MS, WALL, seed),
                                              OPEN: lambda seed: found.run(SLOW_MS, 0, seed)}
    rounds: list[dict[str, Run]] = []
    for number in range(settings.pairs):
        names = list(kinds)[::-1] if number % 2 else list(kinds)
        print(f"  round {number + 1}", flush=True)
        rounds.append({name: kinds[name](settings.seed + number) for name in names})
        for name in kinds:
            _show(name, rounds[-1][name])
    ratios = [each[WALLED].p99_ms / each[PROMPT].p99_ms for each in rounds]
    bar = Comparison(WALLED, PROMPT, ratios, summarise_ratios(ratios), MOST)
    bar.show()
    whole = all(each[WALLED].answered == 1 for each in rounds)
    print(f"  every answer of the other route as expected, walled: {'PASS' if whole else 'FAIL'}")
    return {"rounds": [{name: asdict(one) for name, one in each.items()} for each in rounds],
            "comparisons": [bar.as_json()], "all_answered": whole}
