"""Every request leaves something behind for ever. The twin keeps as much of each, in a cache that fills and stops."""

import itertools

import web

KEPT_BYTES = 20_000
CACHE_ENTRIES = 300
numbers = itertools.count()
kept = {}


async def handler():
    number = next(numbers)
    key = number if web.FAULT else number % CACHE_ENTRIES
    if key not in kept:
        kept[key] = bytes([number % 255 + 1]) * KEPT_BYTES
    return b"ok"


web.run(handler)
