"""What a candidate of the shop needs around it: PostgreSQL of its own, and a third party.

    with Postgres() as database, ThirdParty() as quotes, Candidate("flask", database.url, quotes.url) as flask:
        flask.port, database.number(...)
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import conformance
import yaml
from service import PATIENCE_S, connects, free_port, peer, wait_until

SHOP = pathlib.Path(__file__).parents[2] / "subjects" / "shop"
END_S = 5  # from SIGTERM
SETUP_S = 300  # downloads, the first time
FAILING_FROM = 900  # the third party's rule, subjects/README.md
HANGING = 899
HANG_S = 3


class Postgres:
    """A private server with the shop's tables. It ends when this process does, however that comes."""

    def __init__(self):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            raise AssertionError("PostgreSQL is not installed: install the package postgresql")
        self.programs = programs[-1]
        self.port = free_port()
        self.url = f"postgresql://shop@127.0.0.1:{self.port}/shop"
        self.folder = tempfile.TemporaryDirectory(prefix="assay-postgres-")
        # It refuses to run as root.
        self.user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if self.user:
            subprocess.run(["chown", "postgres:postgres", self.folder.name], check=True)
        self.process = None
        try:
            self.prepare()
        except BaseException:
            self.close()
            raise

    def prepare(self):
        initdb = ["-D", f"{self.folder.name}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(self.command("initdb", *initdb, "--no-sync"), check=True, stdout=subprocess.DEVNULL)
        self.start()
        self.psql("create role shop login", database="postgres", role="postgres")
        self.psql("create database shop owner shop", database="postgres", role="postgres")
        for name in ("schema.sql", "seed.sql"):
            self.psql((SHOP / name).read_text())

    def __enter__(self) -> "Postgres":
        return self

    def __exit__(self, *_):
        self.close()

    def command(self, program: str, *arguments: str) -> list[str]:
        return ["setpriv", *self.user, "--pdeathsig", "INT", str(self.programs / program), *arguments]

    def start(self):
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        self.process = subprocess.Popen(
            self.command("postgres", "-D", f"{self.folder.name}/data", *options), stderr=subprocess.DEVNULL
        )
        ready = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        wait_until(lambda: subprocess.run(ready).returncode == 0, "PostgreSQL is ready")

    def stop(self):
        """At once: its connections break."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_S)

    def kill(self):
        """As a crash does it: nothing is finished or written, and the next start recovers."""
        self.process.send_signal(signal.SIGQUIT)  # which the postmaster hands on to all of its processes
        self.process.wait(PATIENCE_S)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.folder.cleanup()

    def psql_command(self, database: str = "shop", role: str = "shop") -> list[str]:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", role, "-d", database]
        return [peer("psql", "postgresql-client"), "-qAtX", "-v", "ON_ERROR_STOP=1", *where]

    def psql(self, sql: str, **where: str) -> str:
        """What the statements print, without the last line end."""
        done = subprocess.run(self.psql_command(**where), input=sql, check=True, capture_output=True, text=True)
        return done.stdout.rstrip("\n")

    def number(self, sql: str) -> int:
        return int(self.psql(sql))

    def reset(self):
        self.psql((SHOP / "reset.sql").read_text())


class Redis:
    """A private server that keeps nothing. It ends when this process does, however that comes."""

    def __init__(self):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def __enter__(self) -> "Redis":
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", peer("redis-server", "redis-server"), *settings],
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: connects(self.port), "Redis is there")

    def stop(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)


class ThirdParty:
    """Answers quotes by the rule."""

    def __init__(self):
        closing = self.closing = threading.Event()
        self.hung = 0  # requests so far
        self.away = False  # says nothing, and ends its connections
        party = self

        class Quotes(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one segment an answer
            disable_nagle_algorithm = True

            def do_GET(self):
                if party.away:
                    self.close_connection = True
                    return
                item = int(self.path.removeprefix("/quotes/"))
                if item == HANGING:
                    party.hung += 1
                    closing.wait(HANG_S)
                body = json.dumps({"discount_percent": item * 7 % 31}).encode()
                self.send_response(500 if item >= FAILING_FROM else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Quotes)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self) -> "ThirdParty":
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Candidate:
    """A candidate as its descriptor says, running and ready; `more` are variables beside those of the descriptor."""

    def __init__(self, name: str, database: str, third_party: str, **more: str):
        self.folder = SHOP / name
        self.port = free_port()
        self.output = tempfile.TemporaryFile(mode="w+")
        with open(self.folder / "candidate.yaml") as file:
            descriptor = yaml.safe_load(file)
        self.values = {"{port}": str(self.port), "{database}": database, "{third-party}": third_party}
        if "build" in descriptor:
            subprocess.run(descriptor["build"], cwd=self.folder, check=True, timeout=SETUP_S, stdin=subprocess.DEVNULL)
        environment = {key: self.filled(text) for key, text in descriptor["environment"].items()}
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *(self.filled(part) for part in descriptor["command"])],
            cwd=self.folder,
            env={**os.environ, **environment, **more},
            stdout=self.output,
            stderr=self.output,
            start_new_session=True,
        )
        try:
            wait_until(lambda: self.ready(descriptor["ready"]["path"]), f"{name} is ready")
        except BaseException as failure:
            printed = self.printed()
            self.close()
            raise AssertionError(f"{name} did not start: {printed}") from failure

    def __enter__(self) -> "Candidate":
        return self

    def __exit__(self, *_):
        self.close()

    def filled(self, text: str) -> str:
        for placeholder, value in self.values.items():
            text = text.replace(placeholder, value)
        return text

    def ready(self, path: str) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}")
        try:
            return conformance.send(self.port, "GET", path).status == 200
        except OSError:
            return False

    def printed(self) -> str:
        self.output.seek(0)
        return self.output.read()

    def close(self):
        """Ends it; its children too, should they outlive it."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()
