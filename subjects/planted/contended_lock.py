"""The loop takes a lock that a thread holds across slow work. The twin waits for it in another thread."""

import asyncio
import threading

import web

HELD_S = 0.06
FREE_S = 0.02
stock = threading.Lock()


def hold_again_and_again():
    pause = threading.Event()
    while True:
        with stock:
            pause.wait(HELD_S)
        pause.wait(FREE_S)


def count_stock():
    with stock:  # planted
        return b"7 left"


async def handler():
    if web.FAULT:
        return count_stock()
    return await asyncio.get_running_loop().run_in_executor(None, count_stock)


threading.Thread(target=hold_again_and_again, daemon=True).start()
web.run(handler)
