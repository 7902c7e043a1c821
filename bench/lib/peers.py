"""The programs which are compared: where they are, how they are called, what they print.

Own programs come from the build directory, peers from PATH; what is missing is skipped and named.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping

from lib.procs import MeasurementError, Server

NGINX_CONFIG = """\
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
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
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 "hello, world\\n"; }}
  }}
}}
"""


def nginx_command(configuration: str, port: int, home: Path) -> list[str]:
    """Of a configuration in which {port} and {home} stand for these."""
    config = home / "nginx.conf"
    config.write_text(configuration.format(port=port, home=home))
    return ["nginx", "-p", str(home), "-c", str(config), "-e", str(home / "error.log")]


@dataclass(frozen=True)
class Result:
    """What a generator reports of a run. `report` is its JSON, empty for peers which print text."""

    requests: int
    report: Mapping[str, object]


def parse_json(output: str) -> Result:
    """Of assay load, busy_client, floor_client, spinner: one JSON object with `requests` and perhaps `errors`."""
    try:
        report = json.loads(output)
        requests, errors = int(report["requests"]), report.get("errors", 0)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MeasurementError(f"no JSON object with requests ({error!r}): {output[:200]!r}") from error
    count = sum(errors.values()) if isinstance(errors, dict) else int(errors)
    if requests == 0 or count != 0:
        raise MeasurementError(f"{requests} requests and errors: {errors}")
    return Result(requests, report)


UNIT_US = {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}


def parse_wrk(output: str) -> Result:
    """Of wrk and wrk2. Errors they only mention in passing make the run unusable here."""
    total = re.search(r"(\d+) requests in ", output)
    trouble = re.search(r"Socket errors: .*|Non-2xx or 3xx responses: .*", output)
    if total is None or int(total[1]) == 0 or trouble is not None:
        raise MeasurementError(trouble[0] if trouble else f"no requests in the output: {output[:200]!r}")
    # Both print lines such as " 50.000%    1.23ms" in their latency distribution.
    latency_us = {f"p{float(percent):g}": float(value) * UNIT_US[unit]
                  for percent, value, unit in re.findall(r"^\s+([\d.]+)%\s+([\d.]+)(us|ms|s|m|h)\s*$", output, re.M)}
    return Result(int(total[1]), {"response_time_us": latency_us} if latency_us else {})


def latency_us(report: Mapping[str, object], kind: str, quantile: str) -> float:
    try:
        return float(report[kind][quantile])  # type: ignore[index]
    except (KeyError, TypeError) as error:
        raise MeasurementError(f"the report has no {kind}.{quantile}") from error


@dataclass(frozen=True)
class Load:
    """One run of a generator; rate_rps None is the closed model: as fast as the server answers."""

    port: int
    connections: int
    seconds: float
    rate_rps: float | None = None
    path: str = "/"


@dataclass(frozen=True)
class Generator:
    name: str
    command: Callable[[Load], list[str]]
    parse: Callable[[str], Result]
    # assay load has exit codes for a measurement it calls invalid; its report is read all the same, and shown.
    exit_tells_verdict: bool = False


class Peers:
    """Finds the programs. A lookup which fails notes the reason in `skipped` and returns None."""

    def __init__(self, build: Path, server_core: int, assay_arguments: tuple[str, ...] = ()) -> None:
        self._build = build
        self._server_core = server_core
        self._assay_arguments = assay_arguments
        self.skipped: dict[str, str] = {}
        self.versions: dict[str, str] = {}

    def _own(self, path: str) -> str | None:
        program = self._build / path
        if program.exists():
            return str(program)
        self.skipped[path] = f"{program} is not built"
        return None

    def on_path(self, name: str, version_option: str | None) -> bool:
        """With None it has no option that tells its version."""
        if shutil.which(name) is None:
            self.skipped[name] = f"{name} is not on PATH"
            return False
        if version_option is None:
            self.versions[name] = "does not tell its version"
            return True
        shown = subprocess.run([name, version_option], capture_output=True, text=True, check=False)
        self.versions[name] = (shown.stdout + shown.stderr).strip().splitlines()[0]
        return True

    def nginx(self) -> Server | None:
        if not self.on_path("nginx", "-v"):
            return None
        return Server("nginx", lambda port, home: nginx_command(NGINX_CONFIG, port, home), self._server_core)

    def own_server(self, name: str, path: str, *options: str, core: int | None = None) -> Server | None:
        program = self._own(path)
        if program is None:
            return None
        return Server(name, lambda port, _: [program, "--port", str(port), *options],
                      self._server_core if core is None else core)

    def floor_server(self) -> Server | None:
        return self.own_server("floor_server", "bench/floor_server")

    def plaintext(self, io: str) -> Server | None:
        return self.own_server(f"plaintext/{io}", "examples/plaintext", "--io", io)

    def assay_command(self) -> str | None:
        return self._own("assay")

    def own_program(self, path: str) -> str | None:
        return self._own(path)

    def assay(self, *options: str) -> Generator | None:
        program = self._own("assay")
        if program is None:
            return None
        extra = [*options, *self._assay_arguments]

        def command(load: Load) -> list[str]:
            rate = [] if load.rate_rps is None else ["-R", f"{load.rate_rps:g}"]
            return [program, "load", f"http://127.0.0.1:{load.port}{load.path}", "-c", str(load.connections), "-t", "1",
                    "-d", f"{load.seconds:g}s", "--json", *rate, *extra]

        return Generator(" ".join(["assay", *options]), command, parse_json, exit_tells_verdict=True)

    def wrk(self) -> Generator | None:
        return self._wrk_like("wrk") if self.on_path("wrk", "-v") else None

    def wrk2(self) -> Generator | None:
        return self._wrk_like("wrk2") if self.on_path("wrk2", "-v") else None

    @staticmethod
    def _wrk_like(name: str) -> Generator:
        def command(load: Load) -> list[str]:
            rate = [] if load.rate_rps is None else ["-R", f"{load.rate_rps:g}"]
            return [name, "-t", "1", "-c", str(load.connections), "-d", f"{load.seconds:g}s", *rate, "--latency",
                    f"http://127.0.0.1:{load.port}{load.path}"]

        return Generator(name, command, parse_wrk)

    def bare(self, name: str) -> Generator | None:
        """floor_client (closed), busy_client (open) or spinner (a schedule with nothing to send)."""
        program = self._own(f"bench/{name}")
        if program is None:
            return None

        def command(load: Load) -> list[str]:
            where = [] if name == "spinner" else ["--port", str(load.port), "--connections", str(load.connections)]
            rate = [] if load.rate_rps is None else ["--rate", f"{load.rate_rps:g}"]
            return [program, *where, *rate, "--seconds", f"{load.seconds:g}"]

        return Generator(name, command, parse_json)
