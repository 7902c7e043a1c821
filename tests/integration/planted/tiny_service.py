"""A planted candidate: an asyncio HTTP/1.1 service that is good, or bad in exactly one way.

    tiny_service.py PORT [MODE] [COUNT]

good            GET /item/N: 200; POST /order with an Idempotency-Key: 201; /health/live and /health/ready: 200
patient         as good; an order awaits 60 ms: the clean twin of blocking
blocking        an order blocks the loop for 60 ms
late            as good, and listens 2 s after its start
never-starts    says why and exits with 3
dies            says why and exits with 7 at request COUNT that is not about its health
errors          500 to all but the health
hangs           accepts and never answers
mute            answers about its health only, and says that it has been asked more
wrong           another body than it should

With a DATABASE_URL each order is a row of the table orders, or else 503; what is done to one is printed with its key:

loses           acknowledges every third order without storing it
doubles         stores every third order twice
"""

import asyncio
import json
import os
import sys
import time

import database

PORT = int(sys.argv[1])
MODE = sys.argv[2] if len(sys.argv) > 2 else "good"
COUNT = int(sys.argv[3]) if MODE == "dies" else 0
PAUSE_S = 0.06
LATE_S = 2
EVERY = 3
served = 0
orders = 0
rows = database.Database(os.environ["DATABASE_URL"]) if "DATABASE_URL" in os.environ else None


async def item(number: str) -> tuple[int, dict]:
    if not number.isdigit():
        return 404, {"error": "no such item"}
    return 200, {"id": int(number), "name": "another" if MODE == "wrong" else f"item {number}"}


async def order(headers: dict[str, str]) -> tuple[int, dict]:
    if "idempotency-key" not in headers:
        return 400, {"error": "Idempotency-Key is missing"}
    if MODE == "blocking":
        time.sleep(PAUSE_S)
    if MODE == "patient":
        await asyncio.sleep(PAUSE_S)
    if rows is not None and not await store(headers["idempotency-key"]):
        return 503, {"error": "no database"}
    return 201, {"order": headers["idempotency-key"]}


async def store(key: str) -> bool:
    global orders
    orders += 1
    bad = MODE in ("loses", "doubles") and orders % EVERY == 0
    done = f"{MODE} {key}" if bad else f"stores {key}"
    try:
        for _ in range({"loses": 0, "doubles": 2}[MODE] if bad else 1):
            await rows.run(f"INSERT INTO orders VALUES ('{key}')")
    except (OSError, EOFError):
        return False
    print(done, flush=True)
    return True


def misbehave() -> None:
    global served
    served += 1
    if MODE == "dies" and served >= COUNT:
        print("tiny_service: planted death", file=sys.stderr, flush=True)
        os._exit(7)


async def answer(method: str, target: str, headers: dict[str, str]) -> tuple[int, dict]:
    if MODE == "hangs":
        await asyncio.Event().wait()
    if (method, target) in (("GET", "/health/ready"), ("GET", "/health/live")):
        return 200, {"status": "ok"}
    misbehave()
    if MODE == "mute":
        print("mute from here on", flush=True)
        await asyncio.Event().wait()
    if MODE == "errors":
        return 500, {"error": "planted"}
    if method == "GET" and target.startswith("/item/"):
        return await item(target.removeprefix("/item/"))
    if (method, target) == ("POST", "/order"):
        return await order(headers)
    return 404, {"error": "no such route"}


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            fields = (line.partition(":") for line in head[1:] if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in fields}
            await reader.readexactly(int(headers.get("content-length", "0")))
            status, document = await answer(method, target, headers)
            body = json.dumps(document).encode()
            begin = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(begin.encode() + body)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main() -> None:
    if MODE == "late":
        await asyncio.sleep(LATE_S)
    await asyncio.start_server(serve_connection, "127.0.0.1", PORT)
    await asyncio.Event().wait()


if MODE == "never-starts":
    print("tiny_service: planted refusal", file=sys.stderr)
    sys.exit(3)
asyncio.run(main())
