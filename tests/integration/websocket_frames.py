"""A WebSocket client that sends any bytes, in any pieces, and reads frames one by one: it shares nothing with ours."""

import base64
import hashlib
import os
import socket
import struct
from typing import NamedTuple

PATIENCE_S = 20
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
RSV1 = 0x40


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0  # as they stand in the first byte: RSV1 is 0x40


def masked(payload: bytes, key: bytes) -> bytes:
    """XOR of whole numbers: a megabyte in a millisecond."""
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(len(payload))


def encoded(frame: Frame) -> bytes:
    """As a client sends it."""
    first = (FIN if frame.fin else 0) | frame.rsv | frame.opcode
    size = len(frame.payload)
    if size < 126:
        head = struct.pack("!BB", first, FIN | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, FIN | 126, size)
    else:
        head = struct.pack("!BBQ", first, FIN | 127, size)
    key = os.urandom(4)
    return head + key + masked(frame.payload, key)


def close_frame(code: int | None = 1000, reason: bytes = b"") -> Frame:
    return Frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def fragments(opcode: int, pieces: list[bytes], rsv: int = 0) -> list[Frame]:
    """A message in frames; RSV1 belongs to the first."""
    last = len(pieces) - 1
    return [
        Frame(opcode if at == 0 else CONTINUATION, piece, at == last, rsv if at == 0 else 0)
        for at, piece in enumerate(pieces)
    ]


class Peer:
    """One connection. `with Peer(port, "/plain") as peer: peer.send(Frame(TEXT, b"hi")); peer.frame()`"""

    def __init__(self, port: int, path: str, extensions: str = ""):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        self.extensions = ""
        key = base64.b64encode(os.urandom(16)).decode()
        offered = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{offered}\r\n".encode()
        )
        self.read_answer(base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode())

    def read_answer(self, accept: str):
        while b"\r\n\r\n" not in self.unread:
            self.unread += self.socket.recv(65_536)
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        status, *lines = head.decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        assert status.startswith("HTTP/1.1 101 "), status
        assert fields["sec-websocket-accept"] == accept, fields
        self.extensions = fields.get("sec-websocket-extensions", "")

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *frames: Frame, chop: int = 0):
        """All of it at once, or in pieces of `chop` bytes."""
        self.send_bytes(b"".join(encoded(frame) for frame in frames), chop)

    def send_bytes(self, wire: bytes, chop: int = 0):
        try:
            for at in range(0, len(wire), chop or len(wire) or 1):
                self.socket.sendall(wire[at : at + (chop or len(wire))])
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has closed: what it said is still to be read

    def take(self, count: int) -> bytes:
        pieces = [self.unread]
        have = len(self.unread)
        while have < count:
            piece = self.socket.recv(1 << 20)
            if not piece:
                raise EOFError(f"the end after {have} of {count} bytes")
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        self.unread = whole[count:]
        return whole[:count]

    def frame(self) -> Frame:
        """The next one; its form is that of a server's."""
        first, second = self.take(2)
        assert second & FIN == 0, "a server does not mask"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.take(2))
            assert size >= 126, "not the shortest form"
        elif size == 127:
            (size,) = struct.unpack("!Q", self.take(8))
            assert size >= 1 << 16, "not the shortest form"
        return Frame(first & 0x0F, self.take(size), bool(first & FIN), first & 0x70)

    def message(self) -> Frame:
        """The next message or control frame, its fragments joined."""
        whole = self.frame()
        while not whole.fin:
            piece = self.frame()
            assert piece.opcode == CONTINUATION and piece.rsv == 0, piece
            whole = Frame(whole.opcode, whole.payload + piece.payload, piece.fin, whole.rsv)
        return whole

    def ends(self) -> bool:
        """Whether the connection is closed, with nothing more said."""
        try:
            return self.unread == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True  # it had bytes of ours that it did not read
