"""A file that answers late, a network file system say, is read on the loop. The twin reads it in a thread.

The file is a FIFO; somebody writes to it a while after it was asked.
"""

import asyncio
import os
import tempfile
import threading

import web

LATE_S = 0.08
asked = threading.Semaphore(0)


def write_late(path):
    with open(path, "wb", buffering=0) as file:
        while True:
            asked.acquire()
            threading.Event().wait(LATE_S)
            file.write(b"x")


def read_file(file):
    asked.release()
    return file.read(1)  # planted


async def handler():
    if web.FAULT:
        return read_file(file)
    return await asyncio.get_running_loop().run_in_executor(None, read_file, file)


with tempfile.TemporaryDirectory() as directory:
    fifo = os.path.join(directory, "slow.fifo")
    os.mkfifo(fifo)
    threading.Thread(target=write_late, args=(fifo,), daemon=True).start()
    with open(fifo, "rb", buffering=0) as file:
        web.run(handler)
