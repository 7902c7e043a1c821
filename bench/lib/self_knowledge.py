"""self-knowledge: does assay load know when its own part cannot be trusted, and when it can?

Short runs, each with a newly started server. In six ways the generator is hindered: other work on its core, and a stop
of 200 ms, each in the open model and in the closed one; no descriptors for the connections that the server makes it
open anew; a rate beyond what a core can send. The verdict has to be INVALID, for that reason, in 50 of 50. Left alone,
at a low rate and a high one, for longer, and in the closed model, it has to be VALID in 50 of 50; and so it has to be
when the server collapses (is overloaded tenfold, hangs, or dies), with the collapse in its figures: a candidate's
failure is a result.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Callable, ContextManager, Iterator, Mapping, Sequence

from lib.peers import Peers
from lib.procs import MeasurementError, Server, run
from lib.rounds import Settings, show_skipped

RUNS, QUICK_RUNS = 50, 3
RUN_S, LONGER_RUN_S = 2, 6
CONNECTIONS = 16
MANY_CONNECTIONS = 256  # so that there is always an answer to take, and never a wait for one
TIMEOUT_S = 1
MOST_S = 60  # of a run
HOGS = 8
STOP_S = 0.2
MISHAP_AFTER_S = 0.8  # from the start of the generator
# Below the lowest descriptor that a running generator has to spare: no further one can be opened.
STARVED_DESCRIPTORS = 4
VALID_CODE, INVALID_CODE = 0, 3


@dataclass(frozen=True)
class Seen:
    """One run: what the generator said of itself, and its figures."""

    code: int
    document: Mapping[str, Any]

    def is_valid(self) -> bool:
        return self.document["verdict"] == "VALID" and self.code == VALID_CODE

    def blames_itself_for(self, reasons: Sequence[str]) -> bool:
        told = any(reason in each for each in self.document["reasons"] for reason in reasons)
        return self.document["verdict"] == "INVALID" and self.code == INVALID_CODE and told

    def shows_a_collapse(self) -> bool:
        return bool(self.document["errors"]) and bool(self.document["collapsed"])


@dataclass(frozen=True)
class Case:
    """What is done to whom, and whether a run was seen for what it was."""

    name: str
    expected: str
    right: Callable[[Seen], bool]
    server: str = "healthy"
    options: tuple[str, ...] = ("-R", "1000")
    run_s: float = RUN_S
    hogs: int = 0
    connections: int = CONNECTIONS
    mishap: Callable[[Server, int], None] | None = None  # of the server or the process of the generator


@dataclass
class Tally:
    right: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)


def _after_a_while(mishap: Callable[[Server, int], None]) -> Callable[[Server, int], None]:
    def later(server: Server, generator: int) -> None:
        time.sleep(MISHAP_AFTER_S)
        mishap(server, generator)

    return later


def _stop_generator(_: Server, generator: int) -> None:
    os.kill(generator, signal.SIGSTOP)
    time.sleep(STOP_S)
    os.kill(generator, signal.SIGCONT)


def _starve(_: Server, generator: int) -> None:
    resource.prlimit(generator, resource.RLIMIT_NOFILE, (STARVED_DESCRIPTORS, STARVED_DESCRIPTORS))


def _blames(*reasons: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.blames_itself_for(reasons)


def _valid_collapse(seen: Seen) -> bool:
    return seen.is_valid() and seen.shows_a_collapse()


CASES = (
    Case("nothing", "VALID", Seen.is_valid),
    Case(f"nothing, {LONGER_RUN_S} s", "VALID", Seen.is_valid, run_s=LONGER_RUN_S),
    Case("nothing, 20,000 req/s", "VALID", Seen.is_valid, options=("-R", "20000")),
    Case("nothing, closed", "VALID", Seen.is_valid, "prompt", options=()),
    Case(f"{HOGS} programs on its core, open", "no CPU or late",
         _blames("generator waited for a CPU", "generator late"), options=("-R", "20000"), hogs=HOGS),
    Case(f"{HOGS} programs on its core, closed", "no CPU", _blames("generator waited for a CPU"), options=(),
         hogs=HOGS),
    Case("no descriptors", "no descriptors", _blames("generator out of descriptors"), "closing",
         options=("-R", "200"), mishap=_after_a_while(_starve)),
    Case("2,000,000 req/s asked of a core", "no CPU or late", _blames("generator out of CPU", "generator late"),
         options=("-R", "2000000"), connections=MANY_CONNECTIONS),
    Case(f"stopped for {STOP_S * 1e3:g} ms", "late", _blames("generator late"),
         mishap=_after_a_while(_stop_generator)),
    Case(f"stopped for {STOP_S * 1e3:g} ms, closed", "stalled", _blames("generator stalled"), options=(),
         mishap=_after_a_while(_stop_generator)),
    Case("server overloaded tenfold", "VALID, collapse", _valid_collapse, "slow"),
    Case("server hangs", "VALID, collapse", _valid_collapse, mishap=_after_a_while(lambda server, _: server.stop())),
    Case("server dies", "VALID, collapse", _valid_collapse, mishap=_after_a_while(lambda server, _: server.kill())),
)


@contextmanager
def hogs(program: str, core: int, count: int) -> Iterator[None]:
    """Programs which do nothing but use the core, until the end of the block."""
    command = ["taskset", "-c", str(core), program, "--rate", "1", "--seconds", str(2 * MOST_S)]
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def _company(peers: Peers, case: Case, core: int) -> ContextManager[None]:
    spinner = peers.own_program("bench/spinner")
    if spinner is None:
        raise MeasurementError("spinner is not built")
    return hogs(spinner, core, case.hogs) if case.hogs else nullcontext()


def see(peers: Peers, case: Case, server: Server, assay: str, settings: Settings) -> Seen:
    with server, _company(peers, case, settings.generator_core):
        command = [assay, "load", f"http://127.0.0.1:{server.port}/", "-c", str(case.connections), "-t", "1", "-d",
                   f"{case.run_s:g}s", "--timeout", f"{TIMEOUT_S}s", "--json", *case.options]
        mishap = case.mishap
        done = run(command, settings.generator_core, MOST_S, any_exit_code=True,
                   watch=None if mishap is None else lambda generator: mishap(server, generator))
    try:
        return Seen(done.exit_code, json.loads(done.output))
    except ValueError as error:
        raise MeasurementError(f"{case.name}: ended with {done.exit_code} and no document") from error


def measure_case(peers: Peers, case: Case, server: Server, assay: str, settings: Settings) -> dict[str, Any]:
    tally, wrong = Tally(), []
    runs = QUICK_RUNS if settings.quick else RUNS
    for _ in range(runs):
        seen = see(peers, case, server, assay, settings)
        tally.right += case.right(seen)
        told = [re.split(r"[:\d]", each)[0].strip() for each in seen.document["reasons"]]  # without its figures
        tally.verdicts["; ".join([seen.document["verdict"], *told])] += 1
        if not case.right(seen):
            wrong.append({"code": seen.code, **seen.document, "histograms_ns_v2": None})
    outcome = "PASS" if tally.right == runs else "FAIL"
    said = ", ".join(f"{count} {verdict}" for verdict, count in tally.verdicts.most_common())
    print(f"     {case.name:34} {case.expected:16} {tally.right:3} of {runs}: {outcome}   ({said})", flush=True)
    return {"case": case.name, "expected": case.expected, "right": tally.right, "runs": runs, "outcome": outcome,
            "verdicts": dict(tally.verdicts), "wrong": wrong}


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    # In the closed model a generator on a core of its own can be slower than a server that does nothing: then it is out
    # of CPU, and rightly says so. One that takes its time leaves both cores half idle.
    servers = {"healthy": peers.floor_server(),
               "prompt": peers.own_server("latency_server", "bench/latency_server", "--fixed", "1ms"),
               "closing": peers.own_server("latency_server", "bench/latency_server", "--answers-each", "1"),
               "slow": peers.own_server("latency_server", "bench/latency_server", "--serial", "10ms:0")}
    assay = peers.assay_command()
    show_skipped(peers)
    if assay is None or None in servers.values():
        raise MeasurementError("assay, floor_server or latency_server is not built")
    print(f"     {'what is done':34} {'right answer':16} runs of {RUN_S} s")
    results = [measure_case(peers, case, servers[case.server], assay, settings) for case in CASES]
    return {"results": results}
