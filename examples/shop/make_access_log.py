#!/usr/bin/env python3
"""Writes a day of a shop's access log, in combined format, to stdout: the log that ./run demo begins with.

It is synthetic, and says so here: nobody's customers are in it. Made the way such a log comes about: visitors arrive
by a Poisson process whose rate follows the day, each walks through the shop with pauses for thought (lognormal), asks
for items by popularity (Zipf), sometimes orders; scanners look for what is not there; and for two minutes in the
afternoon the database is away. Everything is drawn from one seed.

    python3 examples/shop/make_access_log.py --visits 4000 > access.log
"""

from __future__ import annotations

import argparse
import bisect
import datetime
import itertools
import math
import random
import sys

ITEMS, ZIPF = 1000, 0.9
CATEGORIES = ("books", "garden", "kitchen", "music", "office", "outdoor", "sports", "tools", "toys", "travel")
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36",
          "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 Version/17.6 Safari/605.1.15")
SCANS = ("/wp-login.php", "/.env", "/admin/", "/phpmyadmin/", "/robots.txt", "/favicon.ico")
# How the next page depends on this one, in percent.
NEXT = {"list": (("item", 62), ("list", 30), ("leave", 8)),
        "item": (("image", 20), ("price", 18), ("list", 24), ("item", 22), ("checkout", 9), ("leave", 7)),
        "image": (("price", 25), ("item", 40), ("list", 25), ("leave", 10)),
        "price": (("checkout", 22), ("item", 40), ("list", 28), ("leave", 10)),
        "checkout": (("order", 75), ("leave", 25)),
        "order": (("list", 40), ("leave", 60))}
START = datetime.datetime(2026, 9, 15, tzinfo=datetime.timezone.utc)
DAY_S = 86_400
OUTAGE = (15.2 * 3600, 15.2 * 3600 + 120)  # seconds of the day


def day_shape(second: float) -> float:
    """The rate at a time of day over the mean: quiet at night, busiest in the evening."""
    hour = second / 3600
    return max(0.15, 1 + 0.55 * math.sin((hour - 9) / 24 * 2 * math.pi) + 0.35 * math.sin((hour - 14) / 12 * 2 * math.pi))


class Shop:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        weights = [rank ** -ZIPF for rank in range(1, ITEMS + 1)]
        self.cumulated = list(itertools.accumulate(weights))
        # Popularity has nothing to do with the number.
        self.by_rank = self.random.sample(range(1, ITEMS + 1), ITEMS)

    def item(self) -> int:
        return self.by_rank[bisect.bisect_left(self.cumulated, self.random.random() * self.cumulated[-1])]

    def request(self, page: str) -> tuple[str, str, int, int]:
        """Method, target, status and size of one request."""
        draw = self.random
        if page == "list":
            target = f"/items?category={draw.choice(CATEGORIES)}"
            return "GET", target + (f"&page={draw.randint(2, 5)}" if draw.random() < 0.4 else ""), 200, draw.randint(900, 1500)
        if page in ("item", "price", "image"):
            target = f"/items/{self.item()}" + ("" if page == "item" else f"/{page}")
            size = {"item": draw.randint(180, 420), "price": draw.randint(70, 90), "image": 8192}[page]
            return "GET", target, 304 if page == "image" and draw.random() < 0.3 else 200, size
        if page == "checkout":
            return "POST", "/checksum", 200, 92
        sold_out = draw.random() < 0.03
        return "POST", "/orders", 409 if sold_out else 201, 25 if sold_out else 38

    def visit(self, began: float) -> list[tuple[float, str]]:
        draw, at, page, lines = self.random, began, "list", []
        host = f"198.51.{draw.randint(0, 255)}.{draw.randint(1, 254)}"
        agent = draw.choice(AGENTS)
        while page != "leave" and at < DAY_S and len(lines) < 200:
            method, target, status, size = self.request(page)
            if OUTAGE[0] <= at < OUTAGE[1] and page != "image":
                status, size = 503, 22
            lines.append((at, line(at, host, method, target, status, size, agent)))
            at += 0.2 if page == "checkout" else draw.lognormvariate(math.log(8), 1)
            pages, shares = zip(*NEXT[page])
            page = draw.choices(pages, shares)[0]
        return lines

    def scan(self) -> tuple[float, str]:
        at = self.random.uniform(0, DAY_S)
        host = f"203.0.113.{self.random.randint(1, 254)}"
        return at, line(at, host, "GET", self.random.choice(SCANS), 404, 21, "curl/8.5.0")


def line(at: float, host: str, method: str, target: str, status: int, size: int, agent: str) -> str:
    when = (START + datetime.timedelta(seconds=int(at))).strftime("%d/%b/%Y:%H:%M:%S +0000")
    sent = "-" if status == 304 else str(size)
    return f'{host} - - [{when}] "{method} {target} HTTP/1.1" {status} {sent} "-" "{agent}"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visits", type=int, default=2500, help="about nine requests each (default: 2500)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    shop = Shop(arguments.seed)
    lines: list[tuple[float, str]] = []
    for _ in range(arguments.visits):
        # Rejection: the day's shape is at most 2 times the mean.
        began = shop.random.uniform(0, DAY_S)
        while shop.random.random() * 2 > day_shape(began):
            began = shop.random.uniform(0, DAY_S)
        lines.extend(shop.visit(began))
    lines.extend(shop.scan() for _ in range(len(lines) // 60))
    lines.sort(key=lambda each: each[0])
    sys.stdout.writelines(text + "\n" for _, text in lines)


if __name__ == "__main__":
    main()
