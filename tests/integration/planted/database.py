"""The least of PostgreSQL's protocol (version 3) that runs a statement: no password, no parameters, no pool."""

import asyncio
import struct
import urllib.parse


class Database:
    """One connection, made anew after an error. Every failure is an OSError or an EOFError."""

    def __init__(self, url: str):
        self.at = urllib.parse.urlsplit(url)
        self.turn = asyncio.Lock()
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def run(self, statement: str) -> None:
        async with self.turn:
            try:
                if self.writer is None:
                    await self.connect()
                self.send(b"Q", statement.encode() + b"\0")
                await self.until_ready()
            except (OSError, EOFError):
                if self.writer is not None:
                    self.writer.close()
                self.writer = None
                raise

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.at.hostname, self.at.port)
        names = f"user\0{self.at.username}\0database\0{self.at.path[1:]}\0\0".encode()
        self.send(b"", struct.pack("!I", 3 << 16) + names)
        await self.until_ready()

    def send(self, kind: bytes, body: bytes) -> None:
        self.writer.write(kind + struct.pack("!I", len(body) + 4) + body)

    async def until_ready(self) -> None:
        error = b""
        while True:
            kind, length = struct.unpack("!cI", await self.reader.readexactly(5))
            body = await self.reader.readexactly(length - 4)
            if kind == b"E":
                error = body
            if kind == b"E" and b"FATAL" in body or kind == b"Z" and error:
                raise OSError(error.replace(b"\0", b" ").decode(errors="replace"))
            if kind == b"Z":
                return
