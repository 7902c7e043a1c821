"""The benchmarks' service in three stacks (services/), and the database that it reads a row of.

Peers are built from what is pinned beside their sources, by `go` and `npm` as found on PATH; without one of them its
service is skipped and named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from lib.peers import Peers
from lib.procs import MeasurementError, Server, free_port

SOURCES = Path(__file__).resolve().parent.parent / "services"
BUILD_S = 300  # downloads, the first time
START_S = 30
ROWS = """
create table items (id integer primary key, name text not null, price_cents integer not null);
insert into items select n, 'item ' || n, 100 + n from generate_series(1, 1000) n;
analyze items;
"""


def _build(name: str, command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if done.returncode != 0:
        raise MeasurementError(f"{name} cannot be built: {(done.stderr + done.stdout)[-800:].strip()}")


def _with_database(database: str | None) -> list[str]:
    return [] if database is None else ["--database", database]


class Services:
    def __init__(self, peers: Peers, build: Path, core: int, database: str | None = None) -> None:
        self._peers, self._core = peers, core
        self._folder = build.resolve() / "bench"
        self._database = _with_database(database)

    def ours(self, *options: str) -> Server | None:
        return self._peers.own_server(" ".join(["ours", *options]), "bench/service", *options, *self._database)

    def go(self) -> Server | None:
        if not self._peers.on_path("go", "version"):
            return None
        program = self._folder / "service_go"
        _build("the Go service", ["go", "build", "-o", str(program), "."], SOURCES / "go")
        return self._server("go", [str(program)])

    def node(self) -> Server | None:
        folder = self._node_folder()
        return None if folder is None else self._server("node", ["node", str(folder / "server.js")])

    def node_sockets(self) -> Server | None:
        folder = self._node_folder()
        return None if folder is None else self._server("ws", ["node", str(folder / "sockets.js")])

    def _node_folder(self) -> Path | None:
        if not self._peers.on_path("node", "--version") or not self._peers.on_path("npm", "--version"):
            return None
        folder = self._folder / "service_node"
        shutil.copytree(SOURCES / "node", folder, dirs_exist_ok=True)
        _build("the Node.js service", ["npm", "ci", "--no-audit", "--no-fund"], folder)
        return folder

    def _server(self, name: str, command: list[str]) -> Server:
        return Server(name, lambda port, _: [*command, "--port", str(port), *self._database], self._core)


class Postgres:
    """A private server on one core, with a table of a thousand rows. It ends with this process."""

    def __init__(self, core: int) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            raise MeasurementError("PostgreSQL is not installed: install the package postgresql")
        self._programs, self._core = programs[-1], core
        self.port = free_port()
        self._home = tempfile.mkdtemp(prefix="assay-bench-postgres-")
        self.url = f"postgresql://bench@127.0.0.1:{self.port}/postgres"
        self.socket_url = f"postgresql://bench@/postgres?host={self._home}&port={self.port}"
        self.socket_path = f"{self._home}/.s.PGSQL.{self.port}"

    def _command(self, program: str, *arguments: str) -> list[str]:
        # It refuses to run as root.
        user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return ["setpriv", *user, "--pdeathsig", "INT", "taskset", "-c", str(self._core),
                str(self._programs / program), *arguments]

    def __enter__(self) -> Postgres:
        if os.geteuid() == 0:
            shutil.chown(self._home, "postgres", "postgres")
        data = f"{self._home}/data"
        initdb = self._command("initdb", "-D", data, "-U", "bench", "-A", "trust", "--no-sync")
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL)
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._home}"]
        options = [part for setting in settings for part in ("-c", setting)]
        self._process = subprocess.Popen(self._command("postgres", "-D", data, *options), stderr=subprocess.DEVNULL)
        try:
            self._wait_until_ready()
            where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "-d", "postgres"]
            psql = [str(self._programs / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", *where]
            subprocess.run(psql, input=ROWS, text=True, check=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_ready(self) -> None:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline_s = time.monotonic() + START_S
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise MeasurementError("PostgreSQL does not become ready")
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)
