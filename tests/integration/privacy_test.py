"""What a log says of people and of secrets is in nothing that is made of it: profile, portrait, page, comparison,
binding, plan, report and store. Planted in logs of several formats, in paths, queries, headers and in lines that are
refused.

The environment names the program: ASSAY_COMMAND; ctest sets it.
"""

import json
import os
import pathlib
import subprocess
import unittest
from typing import Callable, Iterator

import campaign_support
from campaign_support import CAMPAIGN_FILES, MEASURED, CampaignTest, candidate

ASSAY = os.environ["ASSAY_COMMAND"]
OK, USAGE = 0, 2
LIMIT_S = 30
TIMES = 30  # of each request: what comes so often is no accident, and a word would be a route

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"
SECRETS = {
    "address": "198.51.100.77",
    "IPv6 address": "2001:db8:cafe::1234",
    "e-mail": "jane.roe@example.org",
    "user": "jane.roe",
    "token": TOKEN,
    "part of the token": TOKEN[:20],
    "key": "sk_live_9aB3cD7eF1gH5jK2",
    "session": "9f86d081884c7d659a2feaa0c55ad015",
    "uuid": "6fa459ea-ee8a-4ca4-894e-db77e160355e",
    "order": "ORD-2026-000471",
    "account": "918273645",
    "password": "hunter2-correct-horse",
}
TARGETS = [
    "/accounts/918273645/orders/ORD-2026-000471",
    f"/reset/{TOKEN}",
    "/mail/jane.roe@example.org/inbox",
    "/mail/jane.roe%40example.org/sent",
    "/sessions/9f86d081884c7d659a2feaa0c55ad015?token=sk_live_9aB3cD7eF1gH5jK2&next=/home",
    f"/verify?{TOKEN}",
    "/files/6fa459ea-ee8a-4ca4-894e-db77e160355e/raw",
    "/keys/sk_live_9aB3cD7eF1gH5jK2",
    "/clients/198.51.100.77/limits",
    "/clients/2001:db8:cafe::1234/limits",
    "/search?email=jane.roe@example.org&password=hunter2-correct-horse",
    "/items/7",
    "/items",
]
BROKEN = f'198.51.100.77 - jane.roe "GET /reset/{TOKEN}" jane.roe@example.org 918273645'
AGENT = "app/1.0 (9f86d081884c7d659a2feaa0c55ad015)"
REFERER = f"https://shop.example/?token={TOKEN}"


def combined(i: int, address: str, target: str) -> str:
    clock = f"16/Nov/2026:10:{i // 60 % 60:02}:{i % 60:02} +0000"
    return f'{address} - jane.roe [{clock}] "GET {target} HTTP/1.1" 200 100 "{REFERER}" "{AGENT}"'


def forwarded(i: int, address: str, target: str) -> str:
    return combined(i, "10.0.0.1", target) + f' "{address}" 0.012'


def caddy(i: int, address: str, target: str) -> str:
    request = {
        "remote_ip": address, "client_ip": address, "proto": "HTTP/2.0", "method": "GET", "host": "shop.example",
        "uri": target, "headers": {"User-Agent": [AGENT], "Authorization": [f"Bearer {TOKEN}"]},
    }
    line = {"level": "info", "ts": 1794823200.5 + i, "logger": "http.log.access", "msg": "handled request",
            "request": request, "user_id": "jane.roe", "duration": 0.01, "size": 100, "status": 200}
    return json.dumps(line)


def envoy(i: int, address: str, target: str) -> str:
    clock = f"2026-11-16T10:{i // 60 % 60:02}:{i % 60:02}.310Z"
    return (f'[{clock}] "GET {target} HTTP/1.1" 200 - 0 100 12 10 "{address}" "{AGENT}" '
            f'"6fa459ea-ee8a-4ca4-894e-db77e160355e" "shop.example" "10.0.0.2:8080"')


def w3c(i: int, address: str, target: str) -> str:
    path, _, query = target.partition("?")
    head = "#Fields: date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status sc-bytes time-taken\n"
    line = f"2026-11-16 10:{i // 60 % 60:02}:{i % 60:02} {address} jane.roe GET {path} {query or '-'} 200 100 12"
    return (head if i == 0 else "") + line


def alb(i: int, address: str, target: str) -> str:
    clock = f"2026-11-16T10:{i // 60 % 60:02}:{i % 60:02}.310000Z"
    client = f"[{address}]:443" if ":" in address else f"{address}:443"
    return (f"https {clock} app/lb/1 {client} 10.0.0.2:80 0.000 0.001 0.000 200 200 34 366 "
            f'"GET https://shop.example:443{target} HTTP/1.1" "{AGENT}" - - arn:x "Root=1-{TOKEN}" "shop.example" "-"')


FORMATS: dict[str, Callable[[int, str, str], str]] = {
    "combined": combined, "forwarded": forwarded, "caddy": caddy, "envoy": envoy, "w3c": w3c, "alb": alb,
}


def lines_of(form: Callable[[int, str, str], str]) -> Iterator[str]:
    for i in range(TIMES * len(TARGETS)):
        yield form(i, SECRETS["address" if i % 3 else "IPv6 address"], TARGETS[i % len(TARGETS)])
    yield BROKEN


class Privacy(CampaignTest):
    def assay(self, *arguments: str, codes: tuple[int, ...] = (OK,)) -> str:
        done = subprocess.run([ASSAY, *arguments], cwd=self.folder, capture_output=True, timeout=LIMIT_S, check=False)
        self.assertIn(done.returncode, codes, done.stderr)
        return (done.stdout + done.stderr).decode()

    def clean(self, what: str, text: str) -> None:
        for name, secret in SECRETS.items():
            self.assertNotIn(secret.lower(), text.lower(), f"{what} holds the {name}")

    def profile_of(self, name: str) -> pathlib.Path:
        log = self.folder / f"{name}.log"
        log.write_text("".join(line + "\n" for line in lines_of(FORMATS[name])))
        profile = self.folder / f"{name}.profile.json"
        page = self.folder / f"{name}.html"
        portrait = self.assay("learn", str(log), "-o", str(profile), "--html", str(page))
        self.clean(f"the portrait of {name}", portrait)
        self.clean(f"the page of {name}", page.read_text(encoding="utf-8"))
        return profile

    def test_no_format_lets_anything_through(self) -> None:
        for name in FORMATS:
            with self.subTest(name):
                text = self.profile_of(name).read_text()
                self.clean(f"the profile of {name}", text)
                profile = json.loads(text)
                self.assertEqual(profile["requests"], TIMES * len(TARGETS), profile["sources"])
                routes = {each["path"]: each for each in profile["routes"]}
                self.assertEqual(sum(profile["sources"][0]["rejected"].values()), 1, "the broken line")
                self.assertIn("/items", routes, "words stay")
                self.assertEqual(routes["/search"]["query_keys"], {"email": TIMES, "password": TIMES})

    def test_nor_do_comparison_binding_plan_report_and_store(self) -> None:
        profile = self.profile_of("combined")
        other = self.profile_of("caddy")
        compared = self.assay("learn", "--compare", str(profile), str(other), codes=(OK, 1))
        self.clean("the comparison", compared)
        binding = {"version": 1, "name": "tiny", "repeats": 1, "baseline_rate": 50,
                   "phases": list(campaign_support.SHORT), "candidates": [candidate("good")],
                   "routes": [{"route": "GET /items"}]}
        path = self.folder / "binding.yaml"
        path.write_text(json.dumps(binding))
        proposed = self.assay("plan", str(profile), "--bind", str(path), codes=(USAGE,))
        self.assertIn("- route: ", proposed)
        self.clean("the proposed binding", proposed)
        self.clean("what is said of a draft", self.assay("plan", str(profile), "--draft", "draft.yaml"))
        draft = (self.folder / "draft.yaml").read_text()
        self.assertIn("route: GET /items", draft.replace('"', ""))
        self.clean("the draft of a binding", draft)
        self.clean("an explanation", self.assay("learn", str(profile), "--explain", "GET /accounts/{id}/orders/{x}"))
        binding["routes"] = [
            {"route": f'{each["method"]} {each["path"]}',
             **({"values": {one["name"]: {"integer": [1, 9]} for one in each["placeholders"]}}
                if each["placeholders"] else {})}
            for each in json.loads(profile.read_text())["routes"]
        ]
        path.write_text(json.dumps(binding))
        self.clean("plan's messages", self.assay("plan", str(profile), "--bind", str(path), "-o", "tiny.plan.yaml"))
        self.clean("the plan", (self.folder / "tiny.plan.yaml").read_text())
        outcome = self.run_plan()
        self.assertIn(outcome.code, MEASURED, outcome.err)
        for name in sorted(CAMPAIGN_FILES - {"logs"}):
            self.clean(name, (self.results / name).read_bytes().decode(errors="replace"))


if __name__ == "__main__":
    unittest.main()
