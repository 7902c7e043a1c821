"""The full circle: nginx in front of a service writes an access log while a plan runs; learning that log gives the
plan's route mix and rate back, within the intervals of what was counted.

The environment names the programs: ASSAY_COMMAND and ASSAY_ECHO_SERVICE; ctest sets them.

The plan's seed is fixed, so every run sends the same requests. The intervals are 99.9 % for all statements together
(Bonferroni): were the seed changed, one in a thousand would fail. The log's own 95 % intervals would fail for about
one seed in six.
"""

import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import unittest

from load_support import INVALID, OK
from service import PATIENCE_S, ServiceTest, connects, free_port, on_the_candidates_cpus, peer, wait_until

LIMIT_S = 60
RATE_PER_S = 150
LENGTH_S = 8
MIX = {"GET /items/{}": 60, "GET /search": 30, "GET /users/{}/orders": 10}
STATEMENTS = len(MIX) + 1  # and the rate
NORMAL = statistics.NormalDist().inv_cdf(1 - 0.001 / STATEMENTS / 2)

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/access.log combined;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000;
  upstream service {{
    server 127.0.0.1:{service_port};
    keepalive 32;
  }}
  server {{
    listen 127.0.0.1:{port};
    location = /health {{
      access_log off;
      return 200;
    }}
    location / {{
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""

PLAN = """
name: circle
seed: 20
repeats: 1
connections: 16
workload:
  - route: GET /items/{{id}}
    weight: 60
    values: {{id: {{zipf: {{low: 1, high: 2000, exponent: 0.9}}}}}}
  - route: GET /search
    target: "/search?q={{word}}&page={{page}}"
    weight: 30
    values: {{word: {{choice: [tea, coffee, cocoa]}}, page: {{integer: [1, 9]}}}}
  - route: GET /users/{{user}}/orders
    weight: 10
    values: {{user: uuid}}
phases:
  - {{name: steady, kind: steady, rate: {rate}, length: {length}s}}
candidates:
  - {{name: nginx, url: "http://127.0.0.1:{port}", ready: {{path: /health}}}}
"""


def wilson(count: int, of: int) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share."""
    share, z = count / of, NORMAL
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return centre - half, centre + half


def poisson(count: int) -> tuple[float, float]:
    """Of the expected count: Anscombe's variance-stabilising root (1948), good from ten on."""
    root = math.sqrt(count + 3 / 8)
    return (root - NORMAL / 2) ** 2, (root + NORMAL / 2) ** 2


def outside(counts: dict[str, int], mix: dict[str, float]) -> list[str]:
    """The routes whose share in the log and weight in the mix do not agree."""
    total, weights = sum(counts.values()), sum(mix.values())
    found = []
    for route, weight in mix.items():
        low, high = wilson(counts.get(route, 0), total)
        if not low <= weight / weights <= high:
            found.append(f"{route}: {weight / weights:.3f} is not within {low:.3f} to {high:.3f}")
    return found


class FullCircle(ServiceTest):
    @classmethod
    def setUpClass(cls):
        nginx = peer("nginx", "nginx-light")
        with on_the_candidates_cpus():
            super().setUpClass()
        cls.temporary = tempfile.TemporaryDirectory(prefix="assay-circle-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.port = free_port()
        file = cls.folder / "nginx.conf"
        file.write_text(
            NGINX.format(folder=cls.folder, port=cls.port, service_port=cls.service.port), encoding="utf-8"
        )
        command = [nginx, "-p", str(cls.folder), "-c", str(file), "-e", str(cls.folder / "error.log")]
        with on_the_candidates_cpus():
            cls.nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: connects(cls.port), "nginx listens")
            cls.profile = cls.run_and_learn()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.nginx.terminate()
        cls.nginx.wait(timeout=PATIENCE_S)
        cls.temporary.cleanup()
        super().tearDownClass()

    @classmethod
    def assay(cls, *arguments: str, fine: tuple[int, ...] = (OK,)) -> str:
        command = [os.environ["ASSAY_COMMAND"], *arguments]
        done = subprocess.run(command, cwd=cls.folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        if done.returncode not in fine:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    @classmethod
    def run_and_learn(cls) -> dict:
        plan = PLAN.format(rate=RATE_PER_S, length=LENGTH_S, port=cls.port)
        (cls.folder / "circle.plan.yaml").write_text(plan, encoding="utf-8")
        # INVALID: on a busy machine requests leave late. They leave all the same, each once, and that is what is read.
        cls.assay("run", "circle.plan.yaml", "-o", "results", fine=(OK, INVALID))
        return json.loads(cls.assay("learn", "access.log", "--json"))

    def counts(self) -> dict[str, int]:
        named = {}
        for route in self.profile["routes"]:
            name = route["method"] + " " + re.sub(r"\{[^}]*\}", "{}", route["path"])
            named[name] = named.get(name, 0) + route["requests"]
        return named

    def test_the_routes_are_the_plans_and_no_others(self):
        self.assertEqual(set(self.counts()), set(MIX))
        statuses = {status for route in self.profile["routes"] for status in route["statuses"]}
        self.assertEqual(statuses, {"200"})
        shapes = {route["path"].split("/")[1]: [each["shape"] for each in route["placeholders"]]
                  for route in self.profile["routes"]}
        self.assertEqual(shapes, {"items": ["integer"], "search": [], "users": ["uuid"]})
        search = next(route for route in self.profile["routes"] if route["path"] == "/search")
        self.assertEqual(search["query_keys"], {"q": search["requests"], "page": search["requests"]})

    def test_the_mix_agrees_with_the_weights(self):
        counts = self.counts()
        self.assertEqual(outside(counts, MIX), [])
        # The same log does not agree with a mix that is a sixth off: the test can fail.
        self.assertNotEqual(outside(counts, {**MIX, "GET /items/{}": 50, "GET /search": 40}), [])

    def test_the_rate_agrees_with_the_plan(self):
        arrival = self.profile["arrivals"]
        low, high = (bound / LENGTH_S for bound in poisson(arrival["requests"]))
        self.assertLessEqual(low, RATE_PER_S)
        self.assertGreaterEqual(high, RATE_PER_S)
        self.assertGreater(low, 0.8 * RATE_PER_S)  # nor would it agree with any rate
        # Stamps of whole seconds: the log cannot tell its own length better than to a second at either end.
        self.assertGreaterEqual(arrival["mean_per_s"], arrival["requests"] / (LENGTH_S + 2))
        self.assertLessEqual(arrival["mean_per_s"], arrival["requests"] / (LENGTH_S - 1))


if __name__ == "__main__":
    unittest.main()
