"""A service on asyncio, or on uvloop, that tells how long its loop kept what became ready waiting.

    asyncio_service.py --port N [--every N] [--uvloop]

GET / is answered with 200 and 13 bytes; each N-th request computes for 10 or 40 ms first, by turns. Standard input
brings numbers of eight bytes. One is the moment at which it was sent, in CLOCK_MONOTONIC nanoseconds, and the loop
notes how long ago that was; 0 and 1 take what others have hung on the collector away and give it back. When the input
ends, the notes are printed as JSON.
"""

import argparse
import asyncio
import gc
import json
import os
import time

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nhello, world\n"
BURNS_S = (0.010, 0.040)
SWITCH_OFF, SWITCH_ON = 0, 1


class Work:
    def __init__(self, every: int):
        self.every, self.served = every, 0

    async def serve(self, transport: asyncio.Transport) -> None:
        self.served += 1
        if self.every and self.served % self.every == 0:
            until = time.perf_counter() + BURNS_S[self.served // self.every % len(BURNS_S)]
            while time.perf_counter() < until:
                pass
        transport.write(ANSWER)


class Connection(asyncio.Protocol):
    """Requests are small and wait for their answers: what arrives at once is one."""

    def __init__(self, work: Work, tasks: set):
        self.work, self.tasks = work, tasks

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data.endswith(b"\r\n\r\n"):
            task = asyncio.get_running_loop().create_task(self.work.serve(self.transport))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)


class Pings:
    def __init__(self, ended: asyncio.Event):
        self.ended, self.lags_ns, self.hung = ended, [], list(gc.callbacks)

    def read(self) -> None:
        now, data = time.monotonic_ns(), os.read(0, 1 << 16)
        if not data:
            asyncio.get_running_loop().remove_reader(0)
            self.ended.set()
        for at in range(0, len(data), 8):
            number = int.from_bytes(data[at : at + 8], "little")
            if number in (SWITCH_OFF, SWITCH_ON):
                gc.callbacks[:] = self.hung if number == SWITCH_ON else []
            else:
                self.lags_ns.append(now - number)


async def main(port: int, every: int) -> None:
    loop, work, tasks, ended = asyncio.get_running_loop(), Work(every), set(), asyncio.Event()
    pings = Pings(ended)
    os.set_blocking(0, False)
    loop.add_reader(0, pings.read)
    await loop.create_server(lambda: Connection(work, tasks), "127.0.0.1", port, backlog=1024)
    await ended.wait()
    print(json.dumps(pings.lags_ns), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--every", type=int, default=0)
    parser.add_argument("--uvloop", action="store_true")
    arguments = parser.parse_args()
    if arguments.uvloop:
        import uvloop

        uvloop.install()
    asyncio.run(main(arguments.port, arguments.every))
