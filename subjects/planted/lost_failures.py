"""Work that is started on the side fails, and nobody ever asks it: an audit that is never awaited, a mail whose task
ends in an error. The twin awaits the one and asks the other."""

import asyncio
import itertools

import web

EVERY = 5
numbers = itertools.count()


async def write_audit():
    return b"written"


async def send_mail():
    raise ConnectionRefusedError("no mail server")  # planted


async def watch_mail(mail):
    try:
        await mail
    except ConnectionRefusedError:
        pass  # and tries again later


async def handler():
    if next(numbers) % EVERY == 0:
        if web.FAULT:
            write_audit()
            asyncio.ensure_future(send_mail())
        else:
            await write_audit()
            await watch_mail(asyncio.ensure_future(send_mail()))
    return b"ok"


web.run(handler)
