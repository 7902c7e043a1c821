"""A database driver that is not asynchronous, in an asynchronous handler. The twin runs its query in a thread.

The driver speaks just enough of PostgreSQL's protocol (version 3) for a statement without parameters.
"""

import asyncio
import socket
import struct
import threading

import web


class Driver:
    def __init__(self):
        self.turn = threading.Lock()
        self.stream = socket.create_connection(("127.0.0.1", web.PEER_PORT)).makefile("rwb")
        names = b"user\0shop\0database\0shop\0\0"
        self.send(b"", struct.pack("!I", 3 << 16) + names)
        self.until_ready()

    def send(self, kind, body):
        self.stream.write(kind + struct.pack("!I", len(body) + 4) + body)
        self.stream.flush()

    def until_ready(self):
        while True:
            kind, length = struct.unpack("!cI", self.stream.read(5))  # planted
            self.stream.read(length - 4)
            if kind == b"Z":
                return

    def query(self, statement):
        with self.turn:
            self.send(b"Q", statement + b"\0")
            self.until_ready()
        return b"done"


async def handler():
    if web.FAULT:
        return driver.query(b"SELECT price FROM items")
    return await asyncio.get_running_loop().run_in_executor(None, driver.query, b"SELECT price FROM items")


driver = Driver()
web.run(handler)
