"""A large heap that is looked through by the collector every few requests: long pauses. The twin has the same heap and
has told the collector to leave it alone."""

import gc
import itertools

import web

OBJECTS = 1_000_000
EVERY = 10
numbers = itertools.count()
catalogue = [[number] for number in range(OBJECTS)]
if not web.FAULT:
    gc.freeze()


async def handler():
    if next(numbers) % EVERY == 0:
        gc.collect()  # planted
    return b"ok"


web.run(handler)
