"""A pool of two connections before a dependency that needs more: requests wait for a turn. The twin's has twenty."""

import asyncio

import web

pool = asyncio.Queue()


async def fill():
    for _ in range(2 if web.FAULT else 20):
        pool.put_nowait(await asyncio.open_connection("127.0.0.1", web.PEER_PORT))


async def handler():
    reader, writer = connection = await pool.get()
    try:
        writer.write(b"GET / HTTP/1.1\r\nhost: peer\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        return await reader.readexactly(2)
    finally:
        pool.put_nowait(connection)


web.run(handler, before=fill)
