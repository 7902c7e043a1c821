#!/usr/bin/env python3
"""Runs the benchmarks: python3 bench/run.py NAME, or all.

Prints every pair and every bar (PASS or FAIL) and writes build/bench/results/NAME.json. The exit code tells
whether it measured, not whether a bar was met: 0 measured, 1 could not measure, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from lib import (capacity, fidelity, generator_cost, generator_cost_open, host, idle_memory, known_latency,
                 lag_estimate, log_reading, overload, pacing, probe_overhead, replay, self_knowledge, server_cost,
                 service_cost, slow_peer, truth, view_noise, websocket_load)
from lib.peers import Peers
from lib.procs import MeasurementError
from lib.rounds import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
BENCHMARKS = {"generator-cost": generator_cost, "generator-cost-open": generator_cost_open, "server-cost": server_cost,
              "truth": truth, "known-latency": known_latency, "self-knowledge": self_knowledge, "pacing": pacing,
              "view-noise": view_noise, "capacity": capacity,
              "log-reading": log_reading, "fidelity": fidelity, "replay": replay,
              "service-cost": service_cost, "overload": overload, "slow-peer": slow_peer, "idle-memory": idle_memory,
              "websocket-load": websocket_load, "lag-estimate": lag_estimate, "probe-overhead": probe_overhead}
# Truth compares values with a tolerance, not costs with an interval: fewer pairs say as much.
DEFAULT_PAIRS = {"pacing": 5, "capacity": 20, "truth": 6, "self-knowledge": 50, "view-noise": 20}
USUAL_PAIRS = 10


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", choices=[*BENCHMARKS, "all"])
    parser.add_argument("--build", type=Path, default=REPOSITORY / "build", help="build directory (default: build)")
    parser.add_argument("--pairs", type=int, help="rounds kept; pacing always keeps 5, capacity 20, self-knowledge "
                        "50, overload, idle-memory and websocket-load 3 (default: 10, truth: 6)")
    parser.add_argument("--seconds", type=float, default=5, help="length of a run; truth and known-latency always take "
                        "10 (default: 5)")
    parser.add_argument("--seed", type=int, default=1, help="of the order in the rounds and of random delays")
    parser.add_argument("--cores", default="0,1", help="GENERATOR,SERVER (default: 0,1)")
    parser.add_argument("--assay-arguments", default="", help="more options for assay load, in one string")
    parser.add_argument("--log", type=Path, metavar="FILE", help="log-reading: this access log too, repeated to 1 GB")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to try the harness; no result")
    arguments = parser.parse_args()
    if arguments.pairs is not None and arguments.pairs < 2:
        parser.error("--pairs: an interval needs two or more")
    if arguments.log is not None and not (arguments.log.is_file() and arguments.log.stat().st_size > 0):
        parser.error(f"--log: {arguments.log} is no file with anything in it")
    if not arguments.build.is_dir():
        parser.error(f"--build: {arguments.build} is no directory; build first")
    try:
        generator_core, server_core = map(int, arguments.cores.split(","))
    except ValueError:
        parser.error("--cores needs two numbers, as in 0,1")
    if generator_core == server_core or not {generator_core, server_core} <= os.sched_getaffinity(0):
        parser.error(f"--cores: two different ones of {sorted(os.sched_getaffinity(0))} are needed")
    arguments.cores = (generator_core, server_core)
    return arguments


def run_one(name: str, arguments: argparse.Namespace) -> None:
    pairs = 2 if arguments.quick else arguments.pairs or DEFAULT_PAIRS.get(name, USUAL_PAIRS)
    settings = Settings(build=arguments.build, generator_core=arguments.cores[0], server_core=arguments.cores[1],
                        pairs=pairs, seconds=1 if arguments.quick else arguments.seconds, seed=arguments.seed,
                        quick=arguments.quick, log=arguments.log)
    peers = Peers(arguments.build, settings.server_core, tuple(arguments.assay_arguments.split()))
    facts = host.facts()
    print(f"{name}: {BENCHMARKS[name].__doc__.splitlines()[0].partition(': ')[2]}")
    print("  " + ", ".join(f"{key} {value}" for key, value in facts.items()))
    print(f"  generator on core {settings.generator_core}, server on core {settings.server_core}, seed {settings.seed}")
    if settings.quick:
        print("  QUICK: this tries the harness. The figures are no result.")
    if facts["load_average"][0] > 0.5:
        print("  WARNING: the machine is not idle; expect wide intervals")
    started = time.time()
    measured = BENCHMARKS[name].measure_all(peers, settings)
    for peer, version in peers.versions.items():
        print(f"  {peer}: {version}")
    # What only tried the harness takes no result's place.
    results = arguments.build / "bench" / "results" / f"{name}{'.quick' if settings.quick else ''}.json"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps({"benchmark": name, "started_unix_s": started, "took_s": time.time() - started,
                                   "host": facts, "settings": settings.as_json(), "versions": peers.versions,
                                   "skipped": peers.skipped, **measured}, indent=1) + "\n")
    print(f"  written: {results}\n", flush=True)


def main() -> int:
    arguments = parse_arguments()
    failed = False
    for name in BENCHMARKS if arguments.benchmark == "all" else [arguments.benchmark]:
        try:
            run_one(name, arguments)
        except MeasurementError as error:
            print(f"{name}: NOT MEASURED: {error}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
