"""Every tenth request leaves its session to another service open. The twin closes each."""

import asyncio
import itertools

import web

EVERY = 10
numbers = itertools.count()
sessions = []


async def handler():
    reader, writer = await asyncio.open_connection("127.0.0.1", web.PEER_PORT)
    writer.write(b"GET / HTTP/1.1\r\nhost: peer\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(2)
    if web.FAULT and next(numbers) % EVERY == 0:
        sessions.append(writer)
    else:
        writer.close()
    return body


web.run(handler)
