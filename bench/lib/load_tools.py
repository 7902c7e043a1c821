"""The load generators that others use: how each is told to send at a rate, and what it prints.

Each gets what its manual says for a constant rate, with as many connections as it is given; wrk has no rate, and
runs closed. Their word is taken as it is: nothing is recomputed from it, save for h2load, of whose log the quantiles
are taken, because not every version prints them. A report holds `response_time_us`, and
`expected_response_time_us` where the tool tells the successes apart; errors are told and do not end a measurement.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Callable, Mapping

from lib.peers import UNIT_US, Generator, Load, Peers, Result
from lib.procs import MeasurementError

H2LOAD_LOG, VEGETA_RESULTS, K6_SCRIPT = "h2load.log", "vegeta.bin", "load.js"
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


def _url(load: Load) -> str:
    return f"http://127.0.0.1:{load.port}{load.path}"


def _rate_of_each(load: Load) -> float:
    """For tools whose rate is that of a connection."""
    return (load.rate_rps or 0) / load.connections


def _result(requests: int, times_us: Mapping[str, float], output: str, **more: Any) -> Result:
    if requests == 0 or not times_us:
        raise MeasurementError(f"no response times in the output: {output[:200]!r}")
    return Result(requests, {"response_time_us": dict(times_us), **more})


def _document(output: str) -> dict[str, Any]:
    """The first JSON object; k6 may say something before it."""
    try:
        return json.JSONDecoder().raw_decode(output, output.index("{"))[0]
    except ValueError as error:
        raise MeasurementError(f"no JSON object: {output[:200]!r}") from error


def parse_report(output: str) -> Result:
    """Of assay load and busy_client, where errors belong to what is measured."""
    document = _document(output)
    try:
        return Result(int(document["requests"]), document)
    except (KeyError, TypeError, ValueError) as error:
        raise MeasurementError(f"not a report of a load: {output[:200]!r}") from error


def parse_wrk_text(output: str) -> Result:
    """Of wrk and wrk2: the highest of its threads' maxima stands in the first table; the quantiles below it."""
    total = re.search(r"(\d+) requests in ", output)
    times_us = {f"p{float(percent):g}": float(value) * UNIT_US[unit]
                for percent, value, unit in re.findall(r"^\s+([\d.]+)%\s+([\d.]+)(us|ms|s|m|h)\s*$", output, re.M)}
    most = re.search(r"^\s+Latency(?:\s+[\d.]+\w+){2}\s+([\d.]+)(us|ms|s|m|h)\s", output, re.M)
    if most is not None:
        times_us["max"] = float(most[1]) * UNIT_US[most[2]]
    errors = re.findall(r"Socket errors: .*|Non-2xx or 3xx responses: .*", output)
    return _result(int(total[1]) if total else 0, times_us, output, errors="; ".join(errors))


def parse_hey(output: str) -> Result:
    """A quantile that so few answers cannot tell stands there as 0 %. hey 0.1.5 writes "50%% in"."""
    times_us = {f"p{percent}": float(value) * 1e6
                for percent, value in re.findall(r"^\s+([1-9]\d*)%{1,2} in ([\d.]+) secs", output, re.M)}
    most = re.search(r"^\s+Slowest:\s+([\d.]+) secs", output, re.M)
    if most is not None:
        times_us["max"] = float(most[1]) * 1e6
    answers = sum(int(count) for count in re.findall(r"^\s+\[\d{3}\]\s+(\d+) responses", output, re.M))
    failed = re.findall(r"^\s+\[(\d+)\]\s+(?!\d+ responses)(\S.*)$", output, re.M)
    return _result(answers, times_us, output, errors="; ".join(f"{count} {what}" for count, what in failed))


def parse_h2load_log(log: str, output: str) -> Result:
    """Start, status and microseconds of each request; a status of -1 is a failed one."""
    rows = [line.split("\t") for line in log.splitlines()]
    try:
        times_us = sorted(float(row[2]) for row in rows if row[1] != "-1")
    except (IndexError, ValueError) as error:
        raise MeasurementError(f"not a log of h2load: {log[:200]!r}") from error
    failed = len(rows) - len(times_us)
    told = {name: times_us[max(math.ceil(share * len(times_us) - 1e-9), 1) - 1]
            for name, share in SHARES.items()} if times_us else {}
    return _result(len(times_us), told, output, errors=f"{failed} failed" if failed else "")


def parse_vegeta(report: str, distribution: str) -> Result:
    """The JSON report has no quantile above p99; the distribution for plotting has, close to those asked for."""
    document = _document(report)
    try:
        times, answers = document["latencies"], int(document["requests"])
        times_us = {"p50": times["50th"] / 1e3, "p90": times["90th"] / 1e3, "p99": times["99th"] / 1e3,
                    "max": times["max"] / 1e3}
    except (KeyError, TypeError, ValueError) as error:
        raise MeasurementError(f"not a report of vegeta: {report[:200]!r}") from error
    rows = re.findall(r"^([\d.]+)\s+([\d.]+)\s", distribution, re.M)
    high_ms = next((float(ms) for ms, share in rows if float(share) >= SHARES["p99.9"]), None)
    if high_ms is not None:
        times_us["p99.9"] = high_ms * 1e3
    return _result(answers, times_us, report, errors="; ".join(document.get("errors") or []))


def parse_oha(output: str) -> Result:
    document = _document(output)
    try:
        seconds = {**document["latencyPercentiles"], "max": document["summary"]["slowest"]}
        answers = sum(document["statusCodeDistribution"].values())
    except (KeyError, TypeError, AttributeError) as error:
        raise MeasurementError(f"not a report of oha: {output[:200]!r}") from error
    times_us = {name: value * 1e6 for name, value in seconds.items() if value is not None}
    successes = {name: value * 1e6 for name, value in (document.get("latencyPercentilesSuccessful") or {}).items()
                 if value is not None}
    more = {"expected_response_time_us": successes} if successes else {}
    return _result(answers, times_us, output, errors=str(document.get("errorDistribution") or ""), **more)


def parse_k6(output: str) -> Result:
    """Milliseconds. An arrival that finds no free virtual user is dropped, and told as a counter beside."""
    metrics = _document(output).get("metrics", {})

    def times_us(metric: str) -> dict[str, float]:
        values = metrics.get(metric, {}).get("values", {})
        named = {"p50": "med", "p90": "p(90)", "p99": "p(99)", "p99.9": "p(99.9)", "max": "max"}
        return {name: values[key] * 1e3 for name, key in named.items() if key in values}

    def count(metric: str) -> int:
        return int(metrics.get(metric, {}).get("values", {}).get("count", 0))

    dropped = count("dropped_iterations")
    expected = times_us("http_req_duration{expected_response:true}")
    more = {"expected_response_time_us": expected} if expected else {}
    return _result(count("http_reqs"), times_us("http_req_duration"), output,
                   errors=f"{dropped} dropped" if dropped else "", **more)


def parse_autocannon(output: str) -> Result:
    """Whole milliseconds, of answers with a status of 2xx alone."""
    document = _document(output)
    try:
        times = document["latency"]
        times_us = {"p50": times["p50"] * 1e3, "p90": times["p90"] * 1e3, "p99": times["p99"] * 1e3,
                    "p99.9": times["p99_9"] * 1e3, "max": times["max"] * 1e3}
        answers = int(document["2xx"]) + int(document["non2xx"])
        failed = int(document["errors"])
    except (KeyError, TypeError, ValueError) as error:
        raise MeasurementError(f"not a report of autocannon: {output[:200]!r}") from error
    return _result(answers, times_us, output, errors=f"{failed} errors" if failed else "")


K6_TEXT = """\
import http from 'k6/http';
export const options = {{
  discardResponseBodies: true,
  summaryTrendStats: ['med', 'p(90)', 'p(99)', 'p(99.9)', 'max'],
  scenarios: {{load: {{executor: 'constant-arrival-rate', rate: {rate}, timeUnit: '1s', duration: '{ms}ms',
                      preAllocatedVUs: {connections}}}}},
}};
export default function () {{ http.get('{url}'); }}
export function handleSummary(data) {{ return {{stdout: JSON.stringify(data)}}; }}
"""


class LoadTools:
    """Those found on PATH. Use as a context manager: some write files, into a directory of its own."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def __enter__(self) -> LoadTools:
        self._directory = tempfile.TemporaryDirectory(prefix="assay-bench-")
        self._home = Path(self._directory.name)
        return self

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()

    def found(self, *names: str) -> list[Generator]:
        """Of the named ones those that are there; the others are noted as skipped."""
        every: dict[str, tuple[str | None, Callable[[Load], list[str]], Callable[[str], Result]]] = {
            "wrk": ("-v", lambda load: self._wrk("wrk", load), parse_wrk_text),
            "wrk2": ("-v", lambda load: [*self._wrk("wrk2", load), "-R", f"{load.rate_rps:g}"], parse_wrk_text),
            "hey": (None, self._hey, parse_hey),
            "h2load": ("--version", self._h2load, self._parse_h2load),
            "oha": ("--version", self._oha, parse_oha),
            "vegeta": (None, self._vegeta, self._parse_vegeta),
            "k6": ("version", self._k6, parse_k6),
            "autocannon": ("--version", self._autocannon, parse_autocannon),
        }
        return [Generator(name, command, parse) for name in names
                for version_option, command, parse in [every[name]] if self._peers.on_path(name, version_option)]

    @staticmethod
    def _wrk(name: str, load: Load) -> list[str]:
        return [name, "-t", "1", "-c", str(load.connections), "-d", f"{load.seconds:g}s", "--latency", _url(load)]

    @staticmethod
    def _hey(load: Load) -> list[str]:
        return ["hey", "-z", f"{load.seconds:g}s", "-c", str(load.connections), "-q", f"{_rate_of_each(load):g}",
                _url(load)]

    def _h2load(self, load: Load) -> list[str]:
        log = self._home / H2LOAD_LOG
        log.unlink(missing_ok=True)
        return ["h2load", "--h1", "-t", "1", "-c", str(load.connections), "-D", f"{load.seconds * 1e3:.0f}ms",
                f"--rps={_rate_of_each(load):g}", f"--log-file={log}", _url(load)]

    def _parse_h2load(self, output: str) -> Result:
        log = self._home / H2LOAD_LOG
        return parse_h2load_log(log.read_text() if log.exists() else "", output)

    @staticmethod
    def _oha(load: Load) -> list[str]:
        return ["oha", "-z", f"{load.seconds * 1e3:.0f}ms", "-c", str(load.connections), "-q", f"{load.rate_rps:.0f}",
                "--latency-correction", "--stats-success-breakdown", "--no-tui", "--output-format", "json", _url(load)]

    def _vegeta(self, load: Load) -> list[str]:
        """The attack alone is the generator: its report is made afterwards, and costs it nothing."""
        targets = self._home / "targets"
        targets.write_text(f"GET {_url(load)}\n")
        return ["vegeta", "attack", "-targets", str(targets), "-rate", f"{load.rate_rps:.0f}", "-duration",
                f"{load.seconds:g}s", "-connections", str(load.connections), "-output",
                str(self._home / VEGETA_RESULTS)]

    def _parse_vegeta(self, _: str) -> Result:
        def report(kind: str) -> str:
            shown = subprocess.run(["vegeta", "report", f"-type={kind}", str(self._home / VEGETA_RESULTS)],
                                   capture_output=True, text=True, check=False)
            if shown.returncode != 0:
                raise MeasurementError(f"vegeta report: {shown.stderr[-200:].strip()}")
            return shown.stdout

        return parse_vegeta(report("json"), report("hdrplot"))

    def _k6(self, load: Load) -> list[str]:
        script = self._home / K6_SCRIPT
        script.write_text(K6_TEXT.format(rate=round(load.rate_rps or 0), ms=round(load.seconds * 1e3),
                                         connections=load.connections, url=_url(load)))
        return ["k6", "run", "--quiet", "--no-usage-report", str(script)]

    @staticmethod
    def _autocannon(load: Load) -> list[str]:
        return ["autocannon", "-c", str(load.connections), "-d", f"{math.ceil(load.seconds)}", "-R",
                f"{load.rate_rps:.0f}", "--no-progress", "--json", _url(load)]
