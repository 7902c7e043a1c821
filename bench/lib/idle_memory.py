"""idle-memory: memory of a server per idle connection, at 15,000 connections in one process.

Each connection has had one exchange: a text for HTTP, the handshake for WebSocket. What the process holds of its own
(anonymous pages, not files) is taken before the first and after the last, and the difference shared out. Kernel memory
of the sockets is not in it. The bar is for the C++ service with every default policy: <= 4 KiB in each round.
"""

from __future__ import annotations

import resource
import socket
from statistics import median
from typing import Any, Iterator

from lib.peers import Peers
from lib.procs import MeasurementError, Server
from lib.rounds import Settings, show_skipped
from lib.services import Services

CONNECTIONS = 15_000
ROUNDS = 3
WARM_UP = 100  # connections, opened and closed before the first look
MOST_BYTES = 4096
PLAIN = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
HANDSHAKE = ("GET /socket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
FROM_ADDRESSES = 4  # local ports are per address


def _opened(server: Server, request: str, count: int) -> Iterator[socket.socket]:
    for number in range(count):
        connection = socket.socket()
        connection.bind((f"127.0.0.{2 + number % FROM_ADDRESSES}", 0))
        connection.settimeout(10)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(request.encode())
        answer = connection.recv(4096)
        if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 101")):
            raise MeasurementError(f"{server.name}: connection {number + 1} was answered with {answer[:80]!r}")
        yield connection


def bytes_each(server: Server, request: str, connections: int) -> float:
    with server:
        for each in list(_opened(server, request, WARM_UP)):
            each.close()
        before = server.resident_bytes()
        held = list(_opened(server, request, connections))
        try:
            return (server.resident_bytes() - before) / connections
        finally:
            for each in held:
                each.close()


def measure_all(peers: Peers, settings: Settings) -> dict[str, Any]:
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    connections = 1000 if settings.quick else CONNECTIONS
    if connections + 100 > most_files:
        raise MeasurementError(f"{connections} connections need more descriptors than the limit of {most_files}: "
                               "raise it (ulimit -Hn)")
    services = Services(peers, settings.build, settings.server_core)
    room = ("--max-connections", str(CONNECTIONS + 100))
    cases = [("HTTP", PLAIN, services.ours(*room)), ("HTTP, epoll", PLAIN, services.ours(*room, "--io", "epoll")),
             ("WebSocket", HANDSHAKE, services.ours(*room)), ("HTTP", PLAIN, services.go()),
             ("HTTP", PLAIN, services.node())]
    show_skipped(peers)
    results = []
    for what, request, server in cases:
        if server is None:
            continue
        found = [bytes_each(server, request, connections) for _ in range(1 if settings.quick else ROUNDS)]
        ours = server.name.startswith("ours")
        outcome = ("PASS" if max(found) <= MOST_BYTES else "FAIL") if ours else "no bar"
        print(f"  {server.name.split()[0]:5} {what:12} {median(found):8.0f} bytes each of {connections}"
              f" [{min(found):.0f}, {max(found):.0f}]: {outcome}", flush=True)
        results.append({"service": server.name, "what": what, "bytes": found, "outcome": outcome})
    return {"connections": connections, "results": results}
