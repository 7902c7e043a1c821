"""log-reading: how fast `assay learn` reads access logs, beside programs that do less.

The log is made here: lines of the combined format as a shop's site has them, the same for the same seed; and another
of which hardly two lines have one client, so that no table of clients stays in the CPU's caches. `wc -l` looks at every
byte and no more; `zcat` unpacks and no more. goaccess, where it is there, makes a report of the same lines. And 10 GB
of the log of many clients go through a pipe, for the memory that it takes. A log of one's own (--log FILE) is read too.
"""

from __future__ import annotations

import gzip
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, Callable

from lib.peers import Peers
from lib.procs import MeasurementError, run
from lib.rounds import Settings, show_skipped
from lib.stats import summarise_ratios

LOG_BYTES = 400_000_000
OWN_BYTES = 1_000_000_000
OWN_LOG = "learn, --log"
LEAST_MB_PER_S = {"read": 400.0, "learn": 400.0, OWN_LOG: 400.0, "learn, many clients": 250.0}
BLOCK_LINES = 40_000
MOST_OF_ZCAT = 1.25
PIPED_BYTES = 10_000_000_000
MOST_MIB = 256
SHORTER = 20  # of the log, for goaccess, which takes a minute for the whole
PEAK_MEMORY = Path(__file__).parent / "peak_memory.py"
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1 Version/17.1 Mobile Safari/604.1",
          "curl/8.4.0", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"]
PATHS = ["/items/{id}", "/items/{id}/price", "/items/{id}/image", "/items?category={id}&page=2", "/orders",
         "/static/app.js"]


def make_log(path: Path, size: int, seed: int, many_clients: bool = False) -> None:
    """One block of lines, written again and again with later hours, since making lines is slower than reading them.

    With many clients each line of a block has one of its own, and each block others: 1.6 million in 400 MB.
    """
    source = random.Random(seed)
    block = []
    for i in range(BLOCK_LINES):
        target = source.choice(PATHS).format(id=int(source.paretovariate(0.9)) % 5000)
        address = f"{i // 256}.{i % 256}" if many_clients else f"{source.randrange(64)}.{source.randrange(256)}"
        block.append(f'10.NN.{address} - - [DD/Nov/2026:HH:{i // 667:02}:'
                     f'{i % 667 // 12:02} +0000] "GET {target} HTTP/1.1" {source.choice([200, 200, 200, 304, 404])} '
                     f'{source.randrange(50_000)} "https://shop.example{target}" "{source.choice(AGENTS)}"\n')
    text = "".join(block)
    with open(path, "w", encoding="ascii") as log:
        for part in range(size // len(text) + 1):
            hour = text.replace("DD/Nov/2026:HH:", f"{1 + part // 24:02}/Nov/2026:{part % 24:02}:")
            log.write(hour.replace("10.NN.", f"10.{part if many_clients else 0}."))


def repeat_log(source: Path, path: Path, size: int) -> None:
    """The whole of it again and again, until there is as much."""
    text = source.read_bytes()
    with open(path, "wb") as log:
        for _ in range(-(-size // len(text))):
            log.write(text)


class Contender:
    def __init__(self, name: str, command: list[str], size: int) -> None:
        self.name, self.command, self.size = name, command, size
        self.cpu_s: list[float] = []
        self.wall_s: list[float] = []

    def measure(self, core: int) -> None:
        done = run(self.command, core, 120)
        self.cpu_s.append(done.cpu_ns / 1e9)
        self.wall_s.append(done.wall_s)

    def show(self) -> None:
        print(f"  {self.name:22} {self.size / 1e6 / median(self.cpu_s):7.0f} MB/s CPU"
              f"  {self.size / 1e6 / median(self.wall_s):7.0f} MB/s")


def contenders(peers: Peers, build: Path, log: Path, packed: Path, clients: Path, shorter: Path) -> list[Contender]:
    size = log.stat().st_size
    reader = str(build / "tests" / "integration" / "log_lines")
    assay = peers.assay_command()
    if assay is None or not Path(reader).exists():
        raise MeasurementError("assay and tests/integration/log_lines have to be built")
    made = [Contender("wc -l", ["wc", "-l", str(log)], size), Contender("zcat", ["zcat", str(packed)], size),
            Contender("read", [reader, str(log)], size), Contender("read gz", [reader, str(packed)], size),
            Contender("learn", [assay, "learn", str(log), "--json"], size),
            Contender("learn gz", [assay, "learn", str(packed), "--json"], size),
            Contender("learn, many clients", [assay, "learn", str(clients), "--json"], clients.stat().st_size)]
    if shutil.which("goaccess"):
        command = ["goaccess", str(shorter), "--log-format=COMBINED", "-o", "json"]
        made.append(Contender("goaccess", command, shorter.stat().st_size))
    else:
        peers.skipped["goaccess"] = "goaccess is not on PATH"
    return made


def bar(name: str, ratios: list[float], holds: Callable[[Any], bool], what: str) -> dict[str, Any]:
    found = summarise_ratios(ratios)
    verdict = "PASS" if holds(found) else "FAIL"
    print(f"  {name}: geometric mean {found.geometric_mean:.3g}, 95 % interval [{found.low:.3g}, {found.high:.3g}] of "
          f"{found.count}: {verdict} ({what})")
    return {"name": name, "ratios": ratios, "low": found.low, "high": found.high, "verdict": verdict}


def speed_bar(of: Contender, least: float) -> dict[str, Any]:
    return bar(f"{of.name}, MB/s of a core", [of.size / 1e6 / each for each in of.cpu_s],
               lambda found: found.low >= least, f"lower bound >= {least:g}")


def piped_mib(assay: str, log: Path, times: int) -> float:
    """What `assay learn -` holds at most when the log comes so many times through a pipe."""
    asked = [sys.executable, "-B", str(PEAK_MEMORY), assay, "learn", "-", "--json"]
    with subprocess.Popen(["cat", *[str(log)] * times], stdout=subprocess.PIPE) as source:
        told = subprocess.run(asked, stdin=source.stdout, stdout=subprocess.PIPE, text=True, check=False)
    if told.returncode != 0:
        raise MeasurementError(f"assay learn - ended with {told.returncode}")
    return int(told.stdout) / 1024


def memory_bar(assay: str, log: Path, quick: bool) -> dict[str, Any]:
    size = log.stat().st_size
    times = -(-PIPED_BYTES // (20 if quick else 1) // size)  # rounded up
    mib = piped_mib(assay, log, times)
    verdict = "PASS" if mib <= MOST_MIB else "FAIL"
    print(f"  learn, {times * size / 1e9:.1f} GB of many clients through a pipe: {mib:.0f} MiB at most: {verdict} "
          f"(<= {MOST_MIB} MiB)")
    return {"name": "learn, memory, MiB", "bytes": times * size, "mib": mib, "verdict": verdict}


def alternate(running: list[Contender], settings: Settings) -> None:
    order = random.Random(settings.seed)
    for number in range(settings.pairs + 1):
        order.shuffle(running)
        for each in running:
            each.measure(settings.generator_core)
        if number == 0:  # warm-up: the log comes into memory
            for each in running:
                each.cpu_s.clear()
                each.wall_s.clear()


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as home:
        log, packed = Path(home) / "access.log", Path(home) / "access.log.gz"
        clients = Path(home) / "clients.log"
        size = LOG_BYTES // (10 if settings.quick else 1)
        make_log(log, size, settings.seed)
        make_log(clients, size, settings.seed, many_clients=True)
        shorter = Path(home) / "shorter.log"
        make_log(shorter, size // SHORTER, settings.seed)
        with open(log, "rb") as plain, gzip.open(packed, "wb", compresslevel=6) as out:
            shutil.copyfileobj(plain, out, 1 << 20)
        running = contenders(peers, settings.build, log, packed, clients, shorter)
        if settings.log is not None:
            own = Path(home) / "own.log"
            repeat_log(settings.log, own, OWN_BYTES // (10 if settings.quick else 1))
            running.append(Contender(OWN_LOG, [str(peers.assay_command()), "learn", str(own), "--json"],
                                     own.stat().st_size))
        alternate(running, settings)
        memory = memory_bar(str(peers.assay_command()), clients, settings.quick)
    by_name = {each.name: each for each in running}
    for name in sorted(by_name):
        by_name[name].show()
    zcat, gz = by_name["zcat"], by_name["read gz"]
    bars = [speed_bar(by_name[name], least) for name, least in LEAST_MB_PER_S.items() if name in by_name]
    bars += [bar("read gz / zcat, time", [ours / theirs for ours, theirs in zip(gz.wall_s, zcat.wall_s)],
                 lambda found: found.high <= MOST_OF_ZCAT, f"upper bound <= {MOST_OF_ZCAT:g}"), memory]
    show_skipped(peers)
    return {"runs": {name: {"bytes": each.size, "cpu_s": each.cpu_s, "wall_s": each.wall_s}
                     for name, each in by_name.items()}, "bars": bars}
