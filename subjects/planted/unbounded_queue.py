"""Jobs come faster than one worker does them, into a queue without a bound. The twin's queue has one, and drops."""

import asyncio

import web

JOB_S = 0.02
JOB_BYTES = 20_000
jobs = asyncio.Queue(0 if web.FAULT else 50)
workers = []


async def work():
    while True:
        await jobs.get()
        await asyncio.sleep(JOB_S)


async def start_worker():
    workers.append(asyncio.create_task(work()))


async def handler():
    try:
        jobs.put_nowait(bytearray(b"j" * JOB_BYTES))
    except asyncio.QueueFull:
        return b"dropped"
    return b"queued"


web.run(handler, before=start_worker)
