"""Things that a shim in front of CPython could change: every failure that Python tells of by itself, and what the
program can see of the hooks. python_probe_test.py runs it with and without, and compares what it prints."""

import asyncio
import gc
import logging
import sys
import threading
import warnings


async def audit():
    return "never awaited"


async def mail():
    raise ValueError("no mail server")


async def news():
    await asyncio.Event().wait()


class Leaves:
    def __del__(self):
        raise OSError("not now")


def call_back():
    raise KeyError("callback")


def run_in_thread():
    raise RuntimeError("thread")


def let_go():
    audit()


async def start_and_forget():
    loop = asyncio.get_running_loop()
    audit()
    let_go()
    loop.call_soon(call_back)
    asyncio.ensure_future(mail())
    loop.create_future().set_exception(LookupError("of a future"))
    Leaves()
    for _ in range(3):
        await asyncio.sleep(0)


def destroy_a_task_that_waits():
    loop = asyncio.new_event_loop()
    loop.create_task(news())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    gc.collect()


async def hand_to_own_handler():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: print("own handler:", context["message"], context["exception"]))
    asyncio.ensure_future(mail())
    for _ in range(3):
        await asyncio.sleep(0)


def main():
    logging.basicConfig(format="%(levelname)s %(name)s %(funcName)s: %(message)s")
    print("hooks:", sys.excepthook is sys.__excepthook__, sys.unraisablehook is sys.__unraisablehook__,
          threading.excepthook is threading.__excepthook__)
    asyncio.run(start_and_forget())
    destroy_a_task_that_waits()
    asyncio.run(hand_to_own_handler())
    thread = threading.Thread(target=run_in_thread)
    thread.start()
    thread.join()
    with warnings.catch_warnings(record=True) as caught:
        let_go()
    print("caught:", [(each.lineno, str(each.message)) for each in caught])
    print("threads:", threading.active_count(), "of", [each.name for each in threading.enumerate()])
    raise SystemError("uncaught")


main()
