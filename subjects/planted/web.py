"""The least of an asyncio HTTP/1.1 server, so that each planted service is its fault and little else.

A service is started as `NAME.py PORT PEER_PORT MODE`; MODE is `fault`, or `clean` for its twin. Every GET is handed to
the handler, a coroutine that returns the body.
"""

import asyncio
import sys

PORT, PEER_PORT, MODE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if MODE not in ("fault", "clean"):
    sys.exit(f"MODE is fault or clean, not {MODE!r}")
FAULT = MODE == "fault"
BACKLOG = 256


async def serve_connection(reader, writer, handler):
    try:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            body = await handler()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(handler, before=None):
    if before is not None:
        await before()
    await asyncio.start_server(
        lambda reader, writer: serve_connection(reader, writer, handler), "127.0.0.1", PORT, backlog=BACKLOG
    )
    await asyncio.Event().wait()


def run(handler, before=None, loop_factory=None):
    """`before` is a coroutine function that runs on the loop before the port is open."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(serve(handler, before))


async def ask_peer() -> bytes:
    """A slow service, asked and awaited properly."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PEER_PORT)
    try:
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        return await reader.read()
    finally:
        writer.close()
