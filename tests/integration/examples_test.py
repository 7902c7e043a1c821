"""The examples do what their first lines say."""

import concurrent.futures
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import signal
import threading
import unittest
from typing import Iterator

import websockets.sync.client
from service import PATIENCE_S, Service, read_event, wait_until


def get(service: Service, path: str) -> tuple[int, str]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_S)) as client:
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read().decode()


def keep_asking(service: Service, over: threading.Event, statuses: list[int], *kinds: tuple[str, str | None]) -> None:
    """Asks one thing after the other until it is over; the statuses of all answers."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_S)) as client:
        while not over.is_set():
            for method, body in kinds:
                client.request(method, "/a", body)
                answer = client.getresponse()
                answer.read()
                statuses.append(answer.status)


def requests_of(service: Service) -> list[dict]:
    """The lines of its log that are about requests, while it runs: the file's offset is the service's."""
    *whole, _ = os.pread(service.errors.fileno(), 1 << 20, 0).split(b"\n")
    lines = [json.loads(line) for line in whole if line.startswith(b"{")]
    return [line for line in lines if line["message"] == "request"]


def most_memory_kib(of: Service) -> int:
    with open(f"/proc/{of.process.pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


class Store(http.server.BaseHTTPRequestHandler):
    """Keeps the digest of what is put, and gives its body to who asks."""

    protocol_version = "HTTP/1.1"

    def pieces(self) -> Iterator[bytes]:
        if "Content-Length" in self.headers:
            left = int(self.headers["Content-Length"])
            while left > 0 and (piece := self.rfile.read(min(left, 1 << 16))):
                left -= len(piece)
                yield piece
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def do_PUT(self) -> None:  # noqa: N802 (the name that http.server calls)
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        self.server.digest = digest.hexdigest()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:  # noqa: N802
        body = self.server.body if self.path == "/" else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Chat(unittest.TestCase):
    def test_everybody_hears_what_one_says(self) -> None:
        with Service("ASSAY_CHAT") as chat, contextlib.ExitStack() as stack:
            self.addCleanup(chat.errors.close)
            url = f"ws://127.0.0.1:{chat.port}/"
            members = [stack.enter_context(websockets.sync.client.connect(url)) for _ in range(5)]
            for number, each in enumerate(members):
                each.send(f"from {number}")
                self.assertEqual({other.recv(timeout=PATIENCE_S) for other in members}, {f"from {number}"})
            members.pop().close()
            members[0].send("again")
            self.assertEqual({other.recv(timeout=PATIENCE_S) for other in members}, {"again"})


class Feed(unittest.TestCase):
    def follow(self, feed: Service, last_id: str = "") -> http.client.HTTPResponse:
        client = http.client.HTTPConnection("127.0.0.1", feed.port, timeout=PATIENCE_S)
        self.addCleanup(client.close)
        client.request("GET", "/feed", headers={"Last-Event-ID": last_id} if last_id else {})
        return client.getresponse()

    def publish(self, feed: Service, news: str) -> str:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", feed.port, timeout=PATIENCE_S)) as client:
            client.request("POST", "/news", body=news)
            answer = client.getresponse()
            self.assertEqual(answer.status, 201)
            return answer.read().decode().strip()

    def test_news_come_and_are_kept_for_who_comes_back(self) -> None:
        with Service("ASSAY_FEED") as feed:
            self.addCleanup(feed.errors.close)
            # The head of the answer comes with the first event.
            with concurrent.futures.ThreadPoolExecutor() as waiting:
                first = self.publish(feed, "it rains")
                back = waiting.submit(self.follow, feed, first)
                second = self.publish(feed, "it snows")
                stream = back.result()
                self.assertEqual(read_event(stream), {"data": "it snows", "id": second})
            feed.process.send_signal(signal.SIGTERM)
            self.assertEqual(stream.read(), b"")
            self.assertEqual(feed.exit_code(), 0)


    def test_every_loop_ends_its_followers(self) -> None:
        with Service("ASSAY_FEED", LOOPS="2") as feed:
            self.addCleanup(feed.errors.close)
            streams = [self.follow(feed) for _ in range(16)]  # by chance on both loops
            feed.process.send_signal(signal.SIGTERM)
            self.assertEqual({stream.read() for stream in streams}, {b""})
            self.assertEqual(feed.exit_code(), 0, "nobody had to be cut")


class Proxy(unittest.TestCase):
    def test_passes_on_and_leaves_out_who_is_gone(self) -> None:
        with Service("ASSAY_ECHO_SERVICE") as one, Service("ASSAY_ECHO_SERVICE") as other:
            upstreams = f"{one.url('')},{other.url('')}"
            with Service("ASSAY_PROXY", UPSTREAMS=upstreams, LOOPS="2") as proxy:
                for service in (one, other, proxy):
                    self.addCleanup(service.errors.close)
                self.assertEqual(get(proxy, "/status?code=418")[0], 418)
                direct, through = get(one, "/anything?x=1"), get(proxy, "/anything?x=1")
                self.assertEqual(through, direct)
                one.kill()
                self.assertEqual({get(proxy, "/a")[0] for _ in range(20)}, {200})

    def test_a_request_has_one_id_at_each_server_and_one_trace_through_all(self) -> None:
        """One proxy behind another: the inner is a server that has ids of its own."""
        with contextlib.ExitStack() as stack:
            echo = stack.enter_context(Service("ASSAY_ECHO_SERVICE"))
            inner = stack.enter_context(Service("ASSAY_PROXY", UPSTREAMS=echo.url("")))
            outer = stack.enter_context(Service("ASSAY_PROXY", UPSTREAMS=inner.url("")))
            for service in (echo, inner, outer):
                self.addCleanup(service.errors.close)
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", outer.port, timeout=PATIENCE_S)) as client:
                client.request("GET", "/a")
                answer = client.getresponse()
                answer.read()
            lines = [wait_until(lambda service=each: requests_of(service), "its line")[0] for each in (inner, outer)]
            self.assertEqual(answer.headers.get_all("x-request-id"), [lines[1]["request_id"]])
            self.assertEqual(lines[0]["trace_id"], lines[1]["trace_id"])

    def test_a_server_that_drains_costs_no_request(self) -> None:
        """A balancer that follows readiness, and one of three servers that is asked to stop under load."""
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(Service("ASSAY_ECHO_SERVICE", ECHO_SERVICE_DRAIN_MS="2500")) for _ in "abc"]
            upstreams = ",".join(each.url("") for each in servers)
            proxy = stack.enter_context(Service("ASSAY_PROXY", UPSTREAMS=upstreams, LOOPS="2"))
            for service in (*servers, proxy):
                self.addCleanup(service.errors.close)
            over, statuses = threading.Event(), []
            with concurrent.futures.ThreadPoolExecutor() as clients:
                kinds = (("GET", None), ("POST", "news"))  # of which one may not be sent twice
                asking = [clients.submit(keep_asking, proxy, over, statuses, *kinds) for _ in range(8)]
                try:
                    leaving = servers[1]
                    leaving.ask_to_stop()
                    wait_until(lambda: get(leaving, "/health/ready")[0] == 503, "it says that it goes")
                    self.assertEqual(leaving.exit_code(), 0, leaving.stderr())
                finally:
                    over.set()
                for each in asking:
                    each.result()
            self.assertEqual(set(statuses), {200})
            self.assertGreater(len(statuses), 200)

    def test_a_server_that_freezes_costs_no_answer(self) -> None:
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(Service("ASSAY_ECHO_SERVICE")) for _ in "abcd"]
            upstreams = ",".join(each.url("") for each in servers)
            proxy = stack.enter_context(Service("ASSAY_PROXY", UPSTREAMS=upstreams))
            for service in (*servers, proxy):
                self.addCleanup(service.errors.close)
            over, statuses = threading.Event(), []
            with concurrent.futures.ThreadPoolExecutor() as clients:
                asking = [clients.submit(keep_asking, proxy, over, statuses, ("GET", None)) for _ in range(8)]
                try:
                    wait_until(lambda: len(statuses) > 200, "load")
                    servers[2].process.send_signal(signal.SIGSTOP)
                    wait_until(lambda: len(statuses) > 1000, "and no end of it")
                finally:
                    over.set()
                for each in asking:
                    each.result()
            self.assertEqual(set(statuses), {200})

    def test_bodies_pass_in_pieces_both_ways(self) -> None:
        """Larger than the proxy may become: neither body is ever there as a whole."""
        body = os.urandom(1 << 20) * 48
        digest = hashlib.sha256(body).hexdigest()
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store))
            store.body, store.digest = body, ""
            threading.Thread(target=store.serve_forever, daemon=True).start()
            stack.callback(store.shutdown)
            upstream = f"http://127.0.0.1:{store.server_address[1]}"
            proxy = stack.enter_context(Service("ASSAY_PROXY", UPSTREAMS=upstream))
            self.addCleanup(proxy.errors.close)
            before = most_memory_kib(proxy)
            for chunked in (False, True):
                store.digest = ""
                client = stack.enter_context(contextlib.closing(
                    http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE_S)))
                client.request("PUT", "/", iter([body]) if chunked else body, encode_chunked=chunked,
                               headers={"Transfer-Encoding": "chunked"} if chunked else {})
                answer = client.getresponse()
                answer.read()
                self.assertEqual((answer.status, store.digest), (200, digest), proxy.stderr())
                client.request("GET", "/")
                self.assertEqual(hashlib.sha256(client.getresponse().read()).hexdigest(), digest)
            self.assertLess(most_memory_kib(proxy) - before, 16 << 10, "KiB")

    def test_needs_upstreams(self) -> None:
        with self.assertRaisesRegex(AssertionError, "UPSTREAMS: .*expected http://host:port"):
            Service("ASSAY_PROXY", UPSTREAMS="127.0.0.1:80")


class Worker(unittest.TestCase):
    def test_counts(self) -> None:
        with Service("ASSAY_WORKER") as worker:
            self.addCleanup(worker.errors.close)
            status, body = get(worker, "/primes/1000000")
            self.assertEqual((status, json.loads(body)), (200, {"limit": 1_000_000, "primes": 78_498}))
            for limit, status in (("0", 400), ("50000001", 400), ("none", 404)):
                self.assertEqual(get(worker, f"/primes/{limit}")[0], status, limit)


if __name__ == "__main__":
    unittest.main()
