"""Either side of a WebSocket, sending any bytes, in any pieces, and reading frames one by one: it shares nothing with
ours.

`Client(port, path)` opens one to a server; `Host()` listens, and its accept() gives what a client has opened.
"""

import base64
import hashlib
import os
import socket
import struct
from collections.abc import Callable
from typing import NamedTuple

PATIENCE_S = 20
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
MASK = 0x80
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


def encoded(frame: Frame, mask: bool) -> bytes:
    """As a client sends it when it is masked, as a server does when it is not."""
    first = (FIN if frame.fin else 0) | frame.rsv | frame.opcode
    bit = MASK if mask else 0
    size = len(frame.payload)
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not mask:
        return head + frame.payload
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


def cut(payload: bytes, size: int) -> list[bytes]:
    """In pieces of `size` bytes, at least one."""
    return [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]


def accept_key(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


class Peer:
    """One connection, from the side that Client or Host give it. `with ... as peer: peer.send(Frame(TEXT, b"hi"))`"""

    def __init__(self, connected: socket.socket, is_client: bool):
        self.socket = connected
        self.socket.settimeout(PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_client = is_client  # and so it masks, and the other one does not
        self.unread = b""

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read_head(self) -> tuple[str, dict[str, str]]:
        """The first line of an HTTP message, and its fields."""
        while b"\r\n\r\n" not in self.unread:
            some = self.socket.recv(65_536)
            if not some:
                raise EOFError("the end within a head")
            self.unread += some
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        return first, {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}

    def encoded(self, frame: Frame) -> bytes:
        return encoded(frame, mask=self.is_client)

    def send(self, *frames: Frame, chop: int = 0):
        """All of it at once, or in pieces of `chop` bytes."""
        self.send_bytes(b"".join(self.encoded(frame) for frame in frames), chop)

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
        """The next one; its form is that of the other side."""
        first, second = self.take(2)
        assert bool(second & MASK) != self.is_client, "a client masks, a server does not"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.take(2))
            assert size >= 126, "not the shortest form"
        elif size == 127:
            (size,) = struct.unpack("!Q", self.take(8))
            assert size >= 1 << 16, "not the shortest form"
        key = b"" if self.is_client else self.take(4)
        payload = self.take(size)
        return Frame(first & 0x0F, masked(payload, key) if key else payload, bool(first & FIN), first & 0x70)

    def message(self) -> Frame:
        """The next message or control frame, its fragments joined."""
        whole = self.frame()
        while not whole.fin:
            piece = self.frame()
            assert piece.opcode == CONTINUATION and piece.rsv == 0, piece
            whole = Frame(whole.opcode, whole.payload + piece.payload, piece.fin, whole.rsv)
        return whole

    def ends(self) -> bool:
        """Whether the connection ends in good order, with nothing more said. A server is the first to end it."""
        if not self.is_client:
            self.socket.shutdown(socket.SHUT_WR)
        return self.unread == b"" and self.socket.recv(1) == b""


class Client(Peer):
    """Opens a connection to a server; `extensions` is what it offers, then what the server has chosen."""

    def __init__(self, port: int, path: str, extensions: str = ""):
        super().__init__(socket.create_connection(("127.0.0.1", port), PATIENCE_S), is_client=True)
        key = base64.b64encode(os.urandom(16)).decode()
        offered = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        self.send_bytes(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{offered}\r\n".encode()
        )
        status, fields = self.read_head()
        assert status.startswith("HTTP/1.1 101 "), status
        assert fields["sec-websocket-accept"] == accept_key(key), fields
        self.extensions = fields.get("sec-websocket-extensions", "")


class Host:
    """Listens for clients."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.listener.settimeout(PATIENCE_S)
        self.port = self.listener.getsockname()[1]

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self, choose: Callable[[str], str] = lambda offered: "") -> Peer:
        """The next client's connection; `choose` makes an answer of the extensions that it offers."""
        peer = Peer(self.listener.accept()[0], is_client=False)
        request, fields = peer.read_head()
        assert request.startswith("GET ") and fields["upgrade"].lower() == "websocket", request
        chosen = choose(fields.get("sec-websocket-extensions", ""))
        extensions = f"Sec-WebSocket-Extensions: {chosen}\r\n" if chosen else ""
        peer.send_bytes(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(fields['sec-websocket-key'])}\r\n{extensions}\r\n".encode()
        )
        return peer
