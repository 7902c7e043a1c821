"""Servers that misbehave, each in one way: what a load generator meets in the field and must survive.

    with BadServer("one_byte_per_100_ms") as server:
        ... server.port ...

KINDS names every way. A kind gets each accepted connection on a thread of its own and does what it likes with it until
the client has gone or the server is closed.

Misuse: a kind that waits without asking for `closing`; close() joins every thread.
"""
import dataclasses
import gzip
import socket
import struct
import threading
from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
GZIP_BOMB = gzip.compress(b"\x00" * 10_000_000)


class Connection:
    """One accepted connection, and whether the server is still there to serve it."""

    def __init__(self, peer: socket.socket, closing: threading.Event, count: Callable[[], None]):
        self.peer = peer
        self.closing = closing
        self._count = count
        self._received = b""

    def request(self) -> bool:
        """Reads one request head; False when the client has gone."""
        while b"\r\n\r\n" not in self._received:
            piece = self.peer.recv(4096)
            if not piece:
                return False
            self._received += piece
        self._received = self._received.split(b"\r\n\r\n", 1)[1]
        self._count()
        return True

    def send(self, data: bytes) -> None:
        self.peer.sendall(data)

    def until_gone(self) -> None:
        while self.peer.recv(4096):
            pass

    def reset(self) -> None:
        """Closes with a reset instead of an orderly end."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()


def answer_well(to: Connection) -> None:
    """No kind of misbehaviour: for tests that misbehave themselves."""
    while to.request():
        to.send(HELLO)


Behaviour = Callable[[Connection], None]
KINDS: dict[str, Behaviour] = {}


def kind(behaviour: Behaviour) -> Behaviour:
    KINDS[behaviour.__name__] = behaviour
    return behaviour


def answers(**named: bytes) -> None:
    """Kinds that answer every request with these bytes and leave the connection open."""
    for name, data in named.items():

        def behave(to: Connection, data: bytes = data) -> None:
            while to.request():
                to.send(data)

        KINDS[name] = behave


def answers_and_closes(**named: bytes) -> None:
    """Kinds that answer the first request with these bytes and close."""
    for name, data in named.items():

        def behave(to: Connection, data: bytes = data) -> None:
            if to.request():
                to.send(data)

        KINDS[name] = behave


# Start lines.
answers(
    garbage=b"\x00\xff\xfe these are not the bytes you are looking for\r\n\r\n",
    status_99=b"HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n",
    status_1000=b"HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n",
    status_abc=b"HTTP/1.1 abc Letters\r\nContent-Length: 0\r\n\r\n",
    status_negative=b"HTTP/1.1 -200 OK\r\nContent-Length: 0\r\n\r\n",
    no_status=b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    http_2_version=b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    http_0_9=b"<html>hello</html>\r\n",
    http_2_preface=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    http_2_settings=b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    tls_alert=b"\x15\x03\x01\x00\x02\x02\x46",
    echo_of_a_request=b"GET / HTTP/1.1\r\nHost: you\r\n\r\n",
    switching_protocols=b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    not_found=b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    overloaded=b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    early_hints_first=b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + HELLO,
)

# Fields.
answers(
    two_lengths=OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    length_and_chunked=OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    signed_length=OK + b"Content-Length: +5\r\n\r\nhello",
    negative_length=OK + b"Content-Length: -5\r\n\r\nhello",
    huge_length=OK + b"Content-Length: 99999999999999999999\r\n\r\nhello",
    hex_length=OK + b"Content-Length: 0x5\r\n\r\nhello",
    unknown_coding=OK + b"Transfer-Encoding: rot13\r\n\r\nhello",
    bare_lf=b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    bare_cr=OK + b"X-A: 1\rX-B: 2\r\nContent-Length: 5\r\n\r\nhello",
    nul_in_field=OK + b"X-A: a\x00b\r\nContent-Length: 5\r\n\r\nhello",
    obs_fold=OK + b"X-A: one\r\n two\r\nContent-Length: 5\r\n\r\nhello",
    no_colon=OK + b"this line has none\r\nContent-Length: 5\r\n\r\nhello",
    space_before_colon=OK + b"Content-Length : 5\r\n\r\nhello",
    empty_name=OK + b": value\r\nContent-Length: 5\r\n\r\nhello",
    seventy_fields=OK + b"".join(b"X-%d: v\r\n" % i for i in range(70)) + b"Content-Length: 5\r\n\r\nhello",
    field_of_100_kb=OK + b"X-A: " + b"a" * 100_000 + b"\r\nContent-Length: 5\r\n\r\nhello",
)

# Bodies.
answers(
    bad_chunk_size=OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    negative_chunk_size=OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    huge_chunk_size=OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    chunk_overrun=OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
    endless_chunk_line=OK + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 100_000,
    chunk_with_bare_lf=OK + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    forbidden_trailer_line=OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nno colon here\r\n\r\n",
    gzip_garbage=OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x00\x01\x02\x03\x04",
    gzip_bomb=OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIP_BOMB) + GZIP_BOMB,
    extra_bytes=HELLO + b"and more",
    two_answers=HELLO + HELLO,
    body_to_no_content=b"HTTP/1.1 204 No Content\r\n\r\nhello",
    body_missing=OK + b"Content-Length: 5\r\n\r\n",
    half_a_head=OK + b"Content-Le",
)

answers_and_closes(
    closes_without_answer=b"",
    closes_in_start_line=b"HTTP/1.",
    closes_in_head=OK + b"Content-Le",
    closes_in_body=OK + b"Content-Length: 500\r\n\r\nhello",
    closes_in_chunk=OK + b"Transfer-Encoding: chunked\r\n\r\n500\r\nhello",
    closes_before_last_chunk=OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    closes_after_interim=b"HTTP/1.1 100 Continue\r\n\r\n",
    closes_after_each=HELLO,
    closes_as_said=OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello",
    ends_by_close=OK + b"\r\nhello",
    http_1_0=b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
)


@kind
def never_answers(to: Connection) -> None:
    if to.request():
        to.until_gone()


@kind
def closes_at_once(to: Connection) -> None:
    del to  # without reading: the client's request may meet a reset


@kind
def resets_at_once(to: Connection) -> None:
    if to.request():
        to.reset()


@kind
def resets_in_body(to: Connection) -> None:
    if to.request():
        to.send(OK + b"Content-Length: 500\r\n\r\nhello")
        to.reset()


@kind
def interim_flood(to: Connection) -> None:
    if to.request():
        while not to.closing.is_set():
            to.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


@kind
def endless_head(to: Connection) -> None:
    if to.request():
        to.send(OK)
        while not to.closing.is_set():
            to.send(b"X-Filler: " + b"a" * 1000 + b"\r\n")


@kind
def endless_body(to: Connection) -> None:
    if to.request():
        to.send(OK + b"\r\n")
        while not to.closing.is_set():
            to.send(b"a" * 65536)


@kind
def endless_chunks(to: Connection) -> None:
    if to.request():
        to.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        while not to.closing.is_set():
            to.send(b"1\r\na\r\n" * 10_000)


@kind
def endless_trailers(to: Connection) -> None:
    if to.request():
        to.send(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
        while not to.closing.is_set():
            to.send(b"X-Filler: " + b"a" * 1000 + b"\r\n")


@kind
def one_byte_per_100_ms(to: Connection) -> None:
    if to.request():
        for byte in HELLO:
            if to.closing.wait(0.1):
                return
            to.send(bytes([byte]))


@kind
def answers_before_the_request(to: Connection) -> None:
    to.send(HELLO)
    while to.request():
        to.send(HELLO)


@kind
def second_answer_late(to: Connection) -> None:
    """Answers twice, the second time when the client believes the connection to be idle."""
    while to.request():
        to.send(HELLO)
        if to.closing.wait(0.005):
            return
        to.send(HELLO)


@dataclasses.dataclass
class Budget:
    """Requests that dies_half_way answers before it takes the port down with it."""

    left: int
    spent: threading.Event = dataclasses.field(default_factory=threading.Event)


def dies_half_way(budget: Budget) -> Behaviour:
    lock = threading.Lock()

    def behave(to: Connection) -> None:
        while to.request():
            with lock:
                budget.left -= 1
                if budget.left <= 0:
                    budget.spent.set()
                    return
            to.send(HELLO)

    return behave


class BadServer:
    """Listens on a free port of 127.0.0.1 and gives each connection to the behaviour."""

    def __init__(self, behaviour: str | Behaviour):
        self._behave = KINDS[behaviour] if isinstance(behaviour, str) else behaviour
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.requests = 0  # received so far
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> "BadServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the port and every connection, and waits for the threads."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            for peer in self._open:
                try:
                    peer.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the other side was faster
        for thread in self._threads:
            thread.join()

    def _count(self) -> None:
        with self._lock:
            self.requests += 1

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(peer)
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(threading.Thread(target=self._serve, args=(peer,)))
            self._threads[-1].start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            self._behave(Connection(peer, self._closing, self._count))
        except OSError:
            pass  # the client has gone: what the kinds provoke
        finally:
            with self._lock:
                self._open.discard(peer)
            peer.close()
