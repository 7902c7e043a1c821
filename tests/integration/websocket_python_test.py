"""Python's `websockets` talks to our server, and our client to its server."""

import asyncio
import contextlib
import http
import os
import threading
import unittest

import websockets
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.sync.client
from service import PATIENCE_S, Service
from websocket_support import BeforeOurServer, our_client

# A short one is not compressed, the others are; the last is as large as a message may be.
MESSAGES = ["", "hello", "κόσμε " * 100, b"\xff\x00" * 70, os.urandom(70_000), "x" * 65_536, "y" * 1_048_576]


class Server(BeforeOurServer):
    """Ours, before websockets' client."""

    def address(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.service.port}{path}"

    def connect(self, path: str, **options):
        return websockets.sync.client.connect(
            self.address(path), open_timeout=PATIENCE_S, max_size=None, **options
        )

    def test_messages(self):
        for path, extensions in (("/plain", 0), ("/fresh", 1), ("/kept", 1)):
            with self.subTest(path), self.connect(path) as peer:
                self.assertEqual(len(peer.protocol.extensions), extensions)
                for message in MESSAGES:
                    peer.send(message)
                    self.assertEqual(peer.recv(timeout=PATIENCE_S), message)

    def test_without_compression_on_the_client_s_side(self):
        with self.connect("/kept", compression=None) as peer:
            peer.send("z" * 5000)
            self.assertEqual(peer.recv(timeout=PATIENCE_S), "z" * 5000)

    def test_fragments(self):
        for path in ("/plain", "/fresh", "/kept"):
            with self.subTest(path), self.connect(path) as peer:
                peer.send(["one, ", "", "two, ", "three" * 1000])
                self.assertEqual(peer.recv(timeout=PATIENCE_S), "one, two, " + "three" * 1000)

    def test_pings(self):
        with self.connect("/plain") as peer:
            for payload in (b"", b"payload", b"x" * 125):
                self.assertTrue(peer.ping(payload).wait(PATIENCE_S))

    def test_subprotocol(self):
        with self.connect("/plain", subprotocols=["echo.v1", "echo.v2"]) as peer:
            self.assertEqual(peer.subprotocol, "echo.v2")

    def test_close_codes(self):
        with self.connect("/plain") as peer:
            peer.send("please close")
            with self.assertRaises(websockets.ConnectionClosed) as closed:
                peer.recv(timeout=PATIENCE_S)
            self.assertEqual((closed.exception.rcvd.code, closed.exception.rcvd.reason), (4321, "as you wish"))
        with self.connect("/plain") as peer:
            peer.close(4999, "done")
            self.assertEqual(peer.close_code, 4999)

    def test_a_message_that_is_too_large(self):
        for path in ("/plain", "/fresh"):
            with self.subTest(path), self.connect(path) as peer:
                with self.assertRaises(websockets.ConnectionClosed) as closed:
                    peer.send("x" * 1_048_577)
                    peer.recv(timeout=PATIENCE_S)
                self.assertEqual(closed.exception.rcvd.code, 1009)

    def test_a_foreign_origin_and_what_is_no_endpoint(self):
        for path, origin, status in (("/plain", "https://evil.example", 403), ("/none", None, 404)):
            with self.subTest(path), self.assertRaises(websockets.InvalidStatus) as refused:
                self.connect(path, origin=origin)
            self.assertEqual(refused.exception.response.status_code, status)

    def test_many_at_the_same_time(self):
        async def one(number: int):
            async with websockets.asyncio.client.connect(
                self.address(("/plain", "/fresh", "/kept")[number % 3]), open_timeout=PATIENCE_S
            ) as peer:
                for turn in range(20):
                    text = f"{number} {turn} " * (turn * 20 + 1)
                    await peer.send(text)
                    self.assertEqual(await asyncio.wait_for(peer.recv(), PATIENCE_S), text)

        async def all_of_them():
            await asyncio.gather(*(one(number) for number in range(60)))

        asyncio.run(all_of_them())

    def test_a_server_that_drains_says_so(self):
        with Service("ASSAY_WEBSOCKET_PEER") as service:
            with websockets.sync.client.connect(f"ws://127.0.0.1:{service.port}/plain") as peer:
                peer.send("here")
                peer.recv(timeout=PATIENCE_S)
                service.ask_to_stop()
                with self.assertRaises(websockets.ConnectionClosed) as closed:
                    peer.recv(timeout=PATIENCE_S)
                self.assertEqual(closed.exception.rcvd.code, 1001)
            self.assertEqual(service.exit_code(), 0)


async def echo(peer):
    async for message in peer:
        if message == "please close":
            await peer.close(4321, "as you wish")
            return
        await peer.send(message)


@contextlib.contextmanager
def python_server(**options):
    """websockets' server on a thread of its own; gives its port."""
    ports: asyncio.Queue = asyncio.Queue()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve():
        async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0, **options) as server:
            ports.put_nowait(server.sockets[0].getsockname()[1])
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(ports.get(), loop).result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(PATIENCE_S)
        loop.close()


class Client(unittest.TestCase):
    """Ours, before websockets' server."""

    def test_plain(self):
        with python_server(compression=None) as port:
            self.assertEqual(our_client(port), "ok\n")
            self.assertEqual(our_client(port, "fresh"), "compression was not agreed on as asked\n")

    def test_compressed(self):
        with python_server() as port:
            for mode in ("fresh", "kept"):
                self.assertEqual(our_client(port, mode), "ok\n", mode)

    def test_refused(self):
        def refuse(connection, _request):
            return connection.respond(http.HTTPStatus.FORBIDDEN, "not you\n")

        with python_server(process_request=refuse) as port:
            self.assertIn("permission", our_client(port))


if __name__ == "__main__":
    unittest.main()
