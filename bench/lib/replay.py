"""replay: a recorded log for five real minutes at 1x and at 10x against nginx: on time, in order, all accounted for.

The log is made here, with stamps of a millisecond and the number of its line in each target; a fiftieth are POST, which
no replay sends unasked. `assay replay` sends it, and nginx writes what came: each client's requests have to have come
in the order of the log, and as many as the replay says it sent. The bars: send lag p99 <= 1 ms, order, and accounts, at
either speed. Send lag is from the recorded instant to the send, with whatever the client still had to wait for.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

from lib.peers import Peers, nginx_command
from lib.procs import MeasurementError, Server, run
from lib.rounds import Settings

RATE_PER_S = 100  # of the recording
SPEEDS = (1, 10)
REAL_S = 300
QUICK_REAL_S = 5
CLIENTS = 200  # at a time
REQUESTS_A_CLIENT = 12  # on the average
UNSAFE = 0.02
CONNECTIONS = 512
MOST_LAG_US = 1000
LIMIT_S = 60  # beyond the planned length
EPOCH_S = 1_795_000_000
FORMAT = '$remote_addr [$msec] "$request" $status $body_bytes_sent "$http_user_agent"'

NGINX = """\
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  keepalive_time 24h;
  tcp_nodelay on;
  default_type text/plain;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  log_format came '$connection $request_method $request_uri $http_user_agent';
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = / {{ access_log off; return 200 "hello, world\\n"; }}
    location / {{ access_log {home}/came.log came; return 200 "hello, world\\n"; }}
  }}
}}
"""


def nginx(core: int) -> Server:
    return Server("nginx", lambda port, home: nginx_command(NGINX, port, home), core)


def write_recording(path: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Poisson arrivals of clients who come and go. Returns what is in it."""
    source = random.Random(seed)
    here: list[list[int]] = []  # name, requests left
    names = number = unsafe = 0
    at_s = 0.0
    with open(path, "w", encoding="ascii") as log:
        while True:
            at_s += source.expovariate(RATE_PER_S)
            if at_s >= seconds:
                return {"requests": number, "unsafe": unsafe, "clients": names}
            while len(here) < CLIENTS:
                names += 1
                here.append([names, 1 + int(source.expovariate(1 / (REQUESTS_A_CLIENT - 1)))])
            place = source.randrange(len(here))
            client = here[place]
            client[1] -= 1
            if client[1] == 0:
                here[place] = here[-1]
                here.pop()
            number += 1
            method = "POST" if source.random() < UNSAFE else "GET"
            unsafe += method == "POST"
            log.write(f'127.0.0.1 [{EPOCH_S + at_s:.3f}] "{method} /items/{client[0] % 97}?line={number} HTTP/1.1" '
                      f'200 13 "client-{client[0]}"\n')


def order_of(came: Path) -> dict[str, int]:
    """What nginx saw: requests, those that came before an earlier one of their client, and unsafe ones."""
    latest: dict[str, int] = {}
    seen = {"requests": 0, "out_of_order": 0, "unsafe": 0}
    with open(came, encoding="ascii") as lines:
        for line in lines:
            _, method, target, client = line.split()
            number = int(re.search(r"line=(\d+)", target)[1])
            seen["requests"] += 1
            seen["unsafe"] += method != "GET"
            seen["out_of_order"] += number < latest.get(client, 0)
            latest[client] = max(number, latest.get(client, 0))
    return seen


def accounts(report: dict[str, Any], recorded: dict[str, Any], seen: dict[str, int]) -> list[str]:
    """What does not add up."""
    wrong = []
    ended = (report["answered"] + sum(report["failed"].values()) + sum(report["refused"].values())
             + report["not_reached"])
    if report["requests"] != recorded["requests"]:
        wrong.append(f"{recorded['requests']} recorded, {report['requests']} read")
    if ended != report["requests"]:
        wrong.append(f"{report['requests']} requests, {ended} of them with an end")
    if report["refused"] != {"unsafe_method": recorded["unsafe"]}:
        wrong.append(f"{recorded['unsafe']} unsafe, refused {report['refused']}")
    if not report["answered"] <= seen["requests"] <= report["sent"] + report["resent"]:
        wrong.append(f"{report['sent']} sent, {report['resent']} of them twice; {seen['requests']} came")
    if seen["unsafe"]:
        wrong.append(f"{seen['unsafe']} unsafe ones came")
    return wrong


def replay(assay: str, settings: Settings, speed: int, real_s: float) -> dict[str, Any]:
    with nginx(settings.server_core) as server:
        recording = server.home / "recorded.log"
        recorded = write_recording(recording, real_s * speed, settings.seed)
        command = [assay, "replay", "log", str(recording), "--to", f"http://127.0.0.1:{server.port}",
                   "--format", FORMAT, "--speed", f"{speed}x", "-c", str(CONNECTIONS), "--json"]
        done = run(command, settings.generator_core, real_s + LIMIT_S, any_exit_code=True)
        try:
            report = json.loads(done.output)
        except ValueError as error:
            raise MeasurementError(f"no document of a replay ({error}): {done.output[:200]!r}") from error
        seen = order_of(server.home / "came.log")
    report.pop("histograms_ns_v2", None)
    return {"speed": speed, "recorded": recorded, "seen": seen, "wrong": accounts(report, recorded, seen),
            "report": report, "cpu_us_per_request": done.cpu_ns / 1000 / max(report["sent"], 1)}


def show(found: dict[str, Any]) -> list[dict[str, Any]]:
    report, seen = found["report"], found["seen"]
    lag, own = report["send_lag_us"], report["own_lag_us"]
    print(f"  {found['speed']}x: {report['requests']} recorded, {report['sent']} sent in {report['duration_s']:.1f} s "
          f"for {report['clients']} clients, {sum(report['refused'].values())} refused, "
          f"{sum(report['failed'].values())} failed; {report['verdict']} {report['reasons'] or ''}")
    print(f"      send lag p50 {lag['p50']:.0f} us, p99 {lag['p99']:.0f} us, max {lag['max']:.0f} us; of its own p99 "
          f"{own['p99']:.0f} us; {found['cpu_us_per_request']:.0f} us CPU a request")
    bars = []
    early = seen["out_of_order"]
    for name, holds, why in (("send lag p99", lag["p99"] <= MOST_LAG_US, f"<= {MOST_LAG_US} us"),
                             ("order of each client", early == 0, f"{early} before their turn"),
                             ("accounts", not found["wrong"], "; ".join(found["wrong"]) or "all add up")):
        verdict = "PASS" if holds else "FAIL"
        print(f"      {name}: {verdict} ({why})", flush=True)
        bars.append({"name": f"{found['speed']}x, {name}", "verdict": verdict})
    return bars


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    assay = peers.assay_command()
    if assay is None or not peers.on_path("nginx", "-v"):
        raise MeasurementError("assay has to be built, and nginx on PATH")
    real_s = QUICK_REAL_S if settings.quick else REAL_S
    runs = [replay(assay, settings, speed, real_s) for speed in SPEEDS]
    bars = [bar for each in runs for bar in show(each)]
    return {"runs": runs, "bars": bars}
