"""A validation that computes for a tenth of a second on the loop. The twin is busy for a third of the time, in pieces
of a millisecond: a loop that is loaded, and healthy."""

import time

import web

FAULT_S = 0.1
CLEAN_S = 0.001
CARDS = "4111 1111 1111 1111" * 100


async def handler():
    until = time.perf_counter() + (FAULT_S if web.FAULT else CLEAN_S)
    checked = 0
    while time.perf_counter() < until:
        checked += sum(map(ord, CARDS))  # planted
    return b"valid"


web.run(handler)
