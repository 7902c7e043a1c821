"""The services that planted services depend on: each answers every request after the same while."""

import socketserver
import struct
import threading

LATE_S = 0.08


def wait():
    threading.Event().wait(LATE_S)


class SlowHttp(socketserver.StreamRequestHandler):
    """HTTP/1.1, or 1.0 and the connection ends."""

    def handle(self):
        while line := self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            wait()
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            if b"HTTP/1.0" in line:
                return


class SlowDatabase(socketserver.StreamRequestHandler):
    """PostgreSQL's protocol as far as a start and statements without results need it."""

    def message(self, kind: bytes, body: bytes = b"") -> bytes:
        return kind + struct.pack("!I", len(body) + 4) + body

    def handle(self):
        (length,) = struct.unpack("!I", self.rfile.read(4))
        self.rfile.read(length - 4)
        ready = self.message(b"Z", b"I")
        self.wfile.write(self.message(b"R", struct.pack("!I", 0)) + ready)
        while head := self.rfile.read(5):
            kind, length = struct.unpack("!cI", head)
            self.rfile.read(length - 4)
            if kind == b"X":
                return
            wait()
            self.wfile.write(self.message(b"C", b"SELECT 0\0") + ready)


class SlowNames(socketserver.BaseRequestHandler):
    """A name server: every name has the same address."""

    def handle(self):
        query, answering = self.request
        wait()
        question = query[12 : query.index(b"\0", 12) + 5]
        head = query[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
        address = struct.pack("!3HIH4s", 0xC00C, 1, 1, 0, 4, bytes((127, 0, 0, 9)))
        answering.sendto(head + question + address, self.client_address)


class Peer(socketserver.ThreadingMixIn):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type):
        super().__init__(("127.0.0.1", 0), handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A service that is ended in the middle of a request is no news."""

    def stop(self):
        self.shutdown()
        self.server_close()


class TcpPeer(Peer, socketserver.TCPServer):
    pass


class UdpPeer(Peer, socketserver.UDPServer):
    pass


def start(kind: str) -> Peer:
    if kind == "dns":
        return UdpPeer(SlowNames)
    return TcpPeer({"http": SlowHttp, "database": SlowDatabase}[kind])
