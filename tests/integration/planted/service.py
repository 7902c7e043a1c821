"""A planted service: an asyncio HTTP server whose handlers hold one fault each, and a clean twin beside each.

    service.py PORT PEER_PORT FIFO    PEER_PORT answers slowly; the FIFO has something to read every now and then
    service.py --fork PORT PEER_PORT FIFO    a parent that forks one worker, as gunicorn does

On standard input `pings RATE` begins the ground truth of the lag: callbacks at random moments that note how late
they run; `result` prints them as JSON.
"""

import asyncio
import http.client
import json
import os
import random
import socket
import sys
import threading
import time

ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--fork"]
PORT, PEER_PORT, FIFO = int(ARGUMENTS[0]), int(ARGUMENTS[1]), ARGUMENTS[2]
served = 0


def call_peer(timeout=None):
    peer = http.client.HTTPConnection("127.0.0.1", PEER_PORT, timeout=timeout)
    peer.request("GET", "/")
    body = peer.getresponse().read()
    peer.close()
    return body


async def price_blocking(_):
    return call_peer()


async def price_timeout(_):
    return call_peer(timeout=5)


async def price_executor(loop):
    return await loop.run_in_executor(None, call_peer, 5)


async def price_streams(_):
    reader, writer = await asyncio.open_connection("127.0.0.1", PEER_PORT)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    body = await reader.read()
    writer.close()
    return body


async def resolve(loop):
    await loop.getaddrinfo("localhost", 80)
    return b"resolved"


async def nap(_):
    time.sleep(0.06)
    return b"slept"


async def nap_clean(_):
    await asyncio.sleep(0.06)
    return b"slept"


async def slow_file(_):
    with open(FIFO, "rb", buffering=0) as file:
        return file.read(1)


async def burn(_):
    global served
    served += 1
    if served % 40 == 0:
        until = time.perf_counter() + 0.05
        while time.perf_counter() < until:
            pass
    return b"ok"


HANDLERS = {
    "/price-blocking": price_blocking,
    "/price-timeout": price_timeout,
    "/price-executor": price_executor,
    "/price-streams": price_streams,
    "/resolve": resolve,
    "/nap": nap,
    "/nap-clean": nap_clean,
    "/slow-file": slow_file,
    "/burn": burn,
}


async def serve_connection(reader, writer):
    try:
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            handler = HANDLERS[line.split()[1].decode()]
            body = await handler(asyncio.get_running_loop())
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


class Pings:
    """Poisson arrivals that do not wait for each other: what a request that becomes ready would wait."""

    def __init__(self, loop):
        self.loop = loop
        self.lags_ms = []

    def note(self, due):
        self.lags_ms.append((time.monotonic() - due) * 1e3)

    def run(self, rate):
        chance, due = random.Random(7), time.monotonic()
        while True:
            due += chance.expovariate(rate)
            if (wait := due - time.monotonic()) > 0:
                threading.Event().wait(wait)
            self.loop.call_soon_threadsafe(self.note, due)


def listen_to_commands(loop):
    pings = Pings(loop)
    for line in sys.stdin:
        if line.startswith("pings"):
            threading.Thread(target=pings.run, args=(float(line.split()[1]),), daemon=True).start()
        elif line.startswith("result"):
            print(json.dumps(pings.lags_ms), flush=True)


async def main():
    await asyncio.start_server(serve_connection, "127.0.0.1", PORT)
    threading.Thread(target=listen_to_commands, args=(asyncio.get_running_loop(),), daemon=True).start()
    print(f"listening on http://127.0.0.1:{PORT}", flush=True)
    await asyncio.Event().wait()


if "--fork" in sys.argv:
    if (child := os.fork()) > 0:
        os.waitpid(child, 0)
        sys.exit(0)
asyncio.run(main())
