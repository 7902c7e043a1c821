"""Writes a synthetic access log of the example shop, in the combined format.

The log is made up. It shows what a production log of such a shop looks like, so that `assay learn` has something to
read; it says nothing about any real shop. How it is made, from one seed:

- Visitors start a session at a Poisson rate that follows a daily shape: quiet at 4 h, busiest at 20 h, about twice
  the mean. A session has 1 to 60 requests, with log-normal think times (median 6 s); prices, images and orders follow
  the item that they belong to.
- Items are popular by Zipf's law (exponent 0.9) over 1,000 ids that are shuffled, so that low ids are not favoured.
- Routes: GET /items/{id} 45 %, GET /items?category=&page= 25 %, image 12 %, price 10 %, POST /orders 5 %,
  POST /checksum 3 %.
- Answers: 200 and 201, some 304 for images, 404 for items that are gone, 409 out of stock; in four short incidents the
  price and order routes answer 502, 503 or 504 for two minutes.
- Three scanners ask for files that a shop does not have (about 2 % of the lines).
- Addresses are from the ranges reserved for documentation (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24,
  2001:db8::/32).
"""

import argparse
import datetime
import itertools
import math
import random
import sys

HOURLY = (4, 3, 2, 2, 1.5, 2, 4, 7, 10, 12, 13, 13, 14, 13, 12, 12, 13, 15, 18, 21, 23, 20, 14, 8)
CATEGORIES = ("books", "garden", "kitchen", "music", "office", "outdoor", "sports", "tools", "toys", "travel")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile",
    "shop-app/4.2 (build 1187; \\\"beta\\\")",
)
SCANNED = (
    "/.env /wp-login.php /.git/config /admin /phpmyadmin/index.php /cgi-bin/luci /actuator/health /xmlrpc.php"
    " /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php /server-status /login.action /boaform/admin/formLogin"
).split()
ROUTES = {"item": 45, "list": 25, "image": 12, "price": 10, "order": 5, "checksum": 3}
ITEMS = 1000
DAY_S = 24 * 3600
SESSION_MEAN = 12.0
INCIDENTS = ((9.4, "502"), (13.7, "504"), (19.9, "503"), (20.6, "504"))  # hour of the day, status
INCIDENT_S = 120


class Shop:
    def __init__(self, seed: int, day: datetime.date):
        self.random = random.Random(seed)
        self.midnight = datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc)
        self.ids = list(range(1, ITEMS + 1))
        self.random.shuffle(self.ids)
        self.popularity = list(itertools.accumulate(1 / rank**0.9 for rank in range(1, ITEMS + 1)))
        self.lines: list[tuple[float, str]] = []

    def item(self) -> int:
        return self.random.choices(self.ids, cum_weights=self.popularity)[0]

    def address(self) -> str:
        number = self.random.randrange(1, 255)
        net = self.random.choice(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8::"))
        return net + (format(self.random.randrange(1, 65535), "x") if net.endswith("::") else str(number))

    def write(self, at: float, who: str, request: str, status: str, size: int, referer: str, agent: str) -> None:
        stamp = (self.midnight + datetime.timedelta(seconds=int(at))).strftime("%d/%b/%Y:%H:%M:%S +0000")
        line = f'{who} - - [{stamp}] "{request} HTTP/1.1" {status} {size or "-"} "{referer}" "{agent}"'
        self.lines.append((at, line))

    def failure(self, at: float) -> str | None:
        for hour, status in INCIDENTS:
            if 0 <= at - hour * 3600 < INCIDENT_S and self.random.random() < 0.8:
                return status
        return None

    def answer(self, kind: str, item: int, at: float) -> tuple[str, str, int]:
        """(request, status, bytes) of one request."""
        draw = self.random.random()
        if kind in ("price", "order") and (status := self.failure(at)):
            request = f"GET /items/{item}/price" if kind == "price" else "POST /orders"
            return request, status, self.random.randrange(24, 40)
        if kind == "list":
            category = self.random.choice(CATEGORIES)
            page = 1 + min(4, int(self.random.expovariate(1.2)))
            query = f"?category={category}" + (f"&page={page}" if page > 1 or draw < 0.3 else "")
            return f"GET /items{query}", "200", self.random.randrange(950, 1500)
        if kind == "image":
            return f"GET /items/{item}/image", *(("304", 0) if draw < 0.25 else ("200", 18_000 + 2311 * (item % 8)))
        if kind == "price":
            return f"GET /items/{item}/price", "200", self.random.randrange(68, 78)
        if kind == "order":
            return "POST /orders", *(("409", 24) if draw < 0.02 else ("201", self.random.randrange(30, 40)))
        if kind == "checksum":
            return "POST /checksum", "200", self.random.randrange(88, 94)
        if draw < 0.008:
            return f"GET /items/{self.random.randrange(ITEMS + 1, 2 * ITEMS)}", "404", 21
        return f"GET /items/{item}", "200", self.random.randrange(210, 420)

    def session(self, begins: float) -> None:
        who, agent = self.address(), self.random.choice(AGENTS)
        at, item, referer = begins, self.item(), "https://www.example.com/"
        for _ in range(min(60, 1 + int(self.random.expovariate(1 / SESSION_MEAN)))):
            kind = self.random.choices(list(ROUTES), list(ROUTES.values()))[0]
            if kind == "item":
                item = self.item()
            request, status, size = self.answer(kind, item, at)
            self.write(at, who, request, status, size, referer, agent)
            referer = f"https://shop.example.com/items/{item}" if kind == "item" else referer
            # An image comes with its page; everything else after some thought.
            at += 0.2 if kind == "image" else min(900.0, self.random.lognormvariate(math.log(6), 1.2))
            if at >= DAY_S:
                return

    def scanner(self, begins: float, requests: int) -> None:
        who = self.address()
        at = begins
        for _ in range(requests):
            path = self.random.choice(SCANNED)
            self.write(at, who, f"GET {path}", "404", 21, "-", "Mozilla/5.0 zgrab/0.x")
            at = min(DAY_S - 1, at + self.random.expovariate(2))


def make(lines: int, seed: int, day: datetime.date) -> list[str]:
    shop = Shop(seed, day)
    scanned = lines // 50
    while len(shop.lines) < lines - scanned:
        hour = shop.random.choices(range(24), HOURLY)[0]
        shop.session(3600 * (hour + shop.random.random()))
    for hour in (2.2, 11.1, 16.8):
        shop.scanner(3600 * hour, scanned // 3)
    return [line for _, line in sorted(shop.lines)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes a synthetic access log of the example shop to stdout.")
    parser.add_argument("--lines", type=int, default=20_000, help="about so many; default 20000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--day", type=datetime.date.fromisoformat, default=datetime.date(2026, 11, 16))
    arguments = parser.parse_args()
    if arguments.lines < 100:
        parser.error("--lines: expected 100 or more")
    sys.stdout.writelines(line + "\n" for line in make(arguments.lines, arguments.seed, arguments.day))


if __name__ == "__main__":
    main()
