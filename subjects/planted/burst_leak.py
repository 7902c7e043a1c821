"""Leaks under bursts alone: what overflows a handful of buffers is never given back. The twin allocates as much in a
burst and frees it; the allocator keeps some of that, which is no leak."""

import asyncio

import web

BUFFERS = 4
BUFFER_BYTES = 100_000
WORK_S = 0.02
in_use = 0
overflow = []


async def handler():
    global in_use
    in_use += 1
    buffer = bytearray(BUFFER_BYTES)
    buffer[::4096] = b"x" * len(buffer[::4096])
    if in_use > BUFFERS and web.FAULT:
        overflow.append(buffer)
    await asyncio.sleep(WORK_S)
    in_use -= 1
    return b"ok"


web.run(handler)
