"""Each request starts a task that waits for an event which never comes. The twin's tasks give up after a moment."""

import asyncio

import web

PAYLOAD_BYTES = 20_000
PATIENCE_S = 0.5
tasks = set()


async def wait_for_news(payload):
    news = asyncio.Event()
    try:
        await asyncio.wait_for(news.wait(), None if web.FAULT else PATIENCE_S)
    except asyncio.TimeoutError:
        pass
    return len(payload)


async def handler():
    task = asyncio.create_task(wait_for_news(bytearray(b"p" * PAYLOAD_BYTES)))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return b"ok"


web.run(handler)
