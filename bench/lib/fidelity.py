"""fidelity: a log is learnt, planned and really driven against nginx; is nginx's own log the same workload?

The log is made here: an hour of a shop's site, bursty at two scales, with visitors who ask once or several times, items
of unequal popularity and an answer's size that depends on the item. `assay plan` binds its profile to nginx, which
serves files of those sizes; `assay run` drives it for ten minutes (`like_log: hour`), and `assay learn --compare` holds
the hour against what nginx wrote. The bar: the same, within the margins, in every measure that can be compared.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any, Iterator

from lib.peers import Peers, nginx_command
from lib.procs import MeasurementError, Server, run
from lib.rounds import Settings

RATE_PER_S = 200
HOUR_S = 3600
DRIVEN_S = 600
QUICK_HOUR_S, QUICK_DRIVEN_S = 400, 15
SECOND_VARIANCE, TEN_VARIANCE = 0.04, 0.02  # of the rate, relative to its mean
ITEMS = 500
POPULARITY = 0.9
VISITORS_AT_A_TIME = 100
ONCE = 0.4  # of the visitors
MORE = 4.0  # requests of the others beyond the second, on the average
TARGETS = ["/items/{id}", "/items", "/cart", "/search"]
WEIGHTS = [50, 30, 15, 5]
LIMIT_S = 120  # of a command that does not drive
EPOCH_S = 1_795_000_000 // HOUR_S * HOUR_S

NGINX = """\
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  keepalive_time 24h;
  default_type application/json;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  access_log {home}/access.log combined;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = / {{ access_log off; default_type text/plain; return 200 "hello, world\\n"; }}
    location = /items {{ alias {home}/files/list; }}
    location = /cart {{ alias {home}/files/cart; }}
    location = /search {{ alias {home}/files/search; }}
    location /items/ {{ alias {home}/files/; }}
  }}
}}
"""

BINDING = """\
name: fidelity
seed: 11
repeats: 1
connections: 64
baseline_rate: {rate:.4f}
smallest_share: 0.02
candidates:
  - {{name: nginx, url: "http://127.0.0.1:{port}", ready: {{path: /}}}}
routes:
{routes}phases:
  - {{name: as-in-the-log, kind: steady, rate: 1x, length: {seconds}s, like_log: hour}}
"""
ROUTE = """\
  - route: GET {target}
    headers: {{user-agent: "visitor-{{who}}"}}
    values:
      who: {{visitor: {{like_log: true, at_a_time: {at_a_time}}}}}
"""
ITEM = "      id: {{zipf: {{low: 1, high: {items}, exponent: 1, popularity: profile}}}}\n"


def sizes_of_files(seed: int) -> dict[str, int]:
    """Of each target; the same for the same seed."""
    source = random.Random(seed)
    targets = [f"/items/{number}" for number in range(1, ITEMS + 1)] + TARGETS[1:]
    return {target: 400 + int(source.expovariate(1 / 2000)) for target in targets}


class Crowd:
    """Those who are on the site at a time; the next request is of any of them."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._there: list[list[int]] = []  # name, requests left
        self._names = 0

    def next(self) -> int:
        while len(self._there) < VISITORS_AT_A_TIME:
            left = 1
            if self._source.random() >= ONCE:
                left = 2 + int(self._source.expovariate(1 / MORE) + 0.5)
            self._names += 1
            self._there.append([self._names, left])
        at = self._source.randrange(len(self._there))
        name, left = self._there[at]
        if left > 1:
            self._there[at][1] -= 1
        else:
            self._there[at] = self._there[-1]
            self._there.pop()
        return name


def poisson(source: random.Random, mean: float) -> int:
    """Large means: the normal law is near enough for a log that is only a source."""
    return max(0, round(source.gauss(mean, mean ** 0.5))) if mean > 0 else 0


def lines_of(seconds: int, sizes: dict[str, int], seed: int) -> Iterator[str]:
    source = random.Random(seed)
    crowd = Crowd(source)
    ranks = range(1, ITEMS + 1)
    popularity = [rank ** -POPULARITY for rank in ranks]
    of_ten = 1.0
    for second in range(seconds):
        if second % 10 == 0:
            of_ten = source.gammavariate(1 / TEN_VARIANCE, TEN_VARIANCE)
        of_second = source.gammavariate(1 / SECOND_VARIANCE, SECOND_VARIANCE)
        count = poisson(source, RATE_PER_S * of_ten * of_second)
        clock = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(EPOCH_S + second))
        items = iter(source.choices(ranks, popularity, k=count))
        for target in source.choices(TARGETS, WEIGHTS, k=count):
            target = target.format(id=next(items))
            yield (f'127.0.0.1 - - [{clock}] "GET {target} HTTP/1.1" 200 {sizes[target]} "-" '
                   f'"visitor-{crowd.next()}"\n')


def write_files(home: Path, sizes: dict[str, int]) -> None:
    folder = home / "files"
    folder.mkdir()
    names = {"/items": "list", "/cart": "cart", "/search": "search"}
    for target, size in sizes.items():
        (folder / names.get(target, target.rpartition("/")[2])).write_bytes(b"x" * size)


def nginx(sizes: dict[str, int], core: int) -> Server:
    def command(port: int, home: Path) -> list[str]:
        home.chmod(0o755)  # started by root, nginx reads files as somebody else
        write_files(home, sizes)
        return nginx_command(NGINX, port, home)

    return Server("nginx", command, core)


def binding_of(rate: float, port: int, seconds: int) -> str:
    routes = "".join(ROUTE.format(target=target, at_a_time=VISITORS_AT_A_TIME)
                     + (ITEM.format(items=ITEMS) if "{id}" in target else "") for target in TARGETS)
    return BINDING.format(rate=rate, port=port, seconds=seconds, routes=routes)


def drive(assay: str, server: Server, folder: Path, seconds: int, core: int) -> int:
    """The exit code of `assay run`: 3 is a run that was not valid, whose requests were sent all the same."""
    profile = json.loads((folder / "source.profile.json").read_text())
    binding = folder / "binding.yaml"
    binding.write_text(binding_of(profile["arrivals"]["mean_per_s"], server.port, seconds))
    plan = folder / "fidelity.plan.yaml"
    run([assay, "plan", str(folder / "source.profile.json"), "--bind", str(binding), "-o", str(plan)], core, LIMIT_S)
    command = [assay, "run", str(plan), "-o", str(folder / "results")]
    try:
        run(command, core, seconds + LIMIT_S)
        return 0
    except MeasurementError as error:
        if " ended with 3 " not in str(error):
            raise
        return 3


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    assay = peers.assay_command()
    if assay is None or not peers.on_path("nginx", "-v"):
        raise MeasurementError("assay has to be built, and nginx on PATH")
    hour_s, driven_s = (QUICK_HOUR_S, QUICK_DRIVEN_S) if settings.quick else (HOUR_S, DRIVEN_S)
    sizes = sizes_of_files(settings.seed)
    core = settings.generator_core
    with nginx(sizes, settings.server_core) as server:
        folder = server.home
        source = folder / "source.log"
        with open(source, "w", encoding="ascii") as log:
            log.writelines(lines_of(hour_s, sizes, settings.seed))
        run([assay, "learn", str(source), "-o", str(folder / "source.profile.json")], core, LIMIT_S)
        code = drive(assay, server, folder, driven_s, core)
        compare = [assay, "learn", "--compare", str(folder / "source.profile.json"), str(folder / "access.log")]
        text = run(compare, core, LIMIT_S, any_exit_code=True).output
        found = json.loads(run([*compare, "--json"], core, LIMIT_S, any_exit_code=True).output)
    print("  " + text.replace("\n", "\n  ").rstrip())
    if code != 0:
        print("  the run was INVALID: its requests left late; they left all the same")
    verdict = "PASS" if found["verdict"] == "same" else "FAIL"
    print(f"  an hour learnt, {driven_s} s of it driven, learnt again: {found['verdict']}: {verdict} (the same)")
    return {"hour_s": hour_s, "driven_s": driven_s, "run_exit_code": code, "comparison": found,
            "bars": [{"name": "the same workload", "verdict": verdict}]}
