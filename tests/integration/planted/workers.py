"""Handlers that hold their worker up, for servers of ASGI and of WSGI. `?PORT` names whom they ask: it hears who asks,
and answers when it likes.

/           does nothing
/hold       waits for the answer in a blocking call
/lose       the same, after an error that nobody handles
/ask        the same as /hold, in a line of its own
/nap        sleeps; this and the following are there for ASGI alone
/collect    lets the collector go through a lot
/wait       leaves a task that never ends
"""

import asyncio
import gc
import os
import socket
import sys
import threading
import time

NAP_S = 0.06
HEAP = 800_000  # objects: more than 5 ms for any collector
tasks = []


def introduce(port):
    peer = socket.create_connection(("127.0.0.1", port))
    peer.sendall(b"%d\n" % os.getpid())
    return peer


def hold(port):
    with introduce(port) as peer:
        peer.recv(1)


def ask(port):
    with introduce(port) as peer:
        peer.recv(1)  # asked


def nap(_):
    time.sleep(NAP_S)


def collect(_):
    heap = [[] for _ in range(HEAP)]
    gc.collect()
    return heap


def fail():
    raise LookupError("in a thread of a worker")


async def fail_later():
    raise LookupError("in a task of a worker")


async def wait_for_ever():
    await asyncio.Event().wait()


def lose_thread(port):
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    hold(port)


def lose_task(port):
    asyncio.ensure_future(fail_later())
    hold(port)


def wait(_):
    tasks.append(asyncio.ensure_future(wait_for_ever()))


def handle(path, query, handlers):
    """The head of the answer says whether the sitecustomize behind the shim was loaded. There is no body: uvicorn's
    workers on asyncio leave Nagle's algorithm on, which would keep a second packet for 40 ms."""
    if path in handlers:
        handlers[path](int(query or 0))
    return [("content-length", "0"), ("next-sitecustomize", getattr(sys, "next_sitecustomize", "missing"))]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    handlers = {"/hold": hold, "/ask": ask, "/nap": nap, "/collect": collect, "/lose": lose_task, "/wait": wait}
    head = [(name.encode(), value.encode()) for name, value in handle(scope["path"], scope["query_string"], handlers)]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b""})


def wsgi(environ, start_response):
    handlers = {"/hold": hold, "/ask": ask, "/lose": lose_thread}
    start_response("200 OK", handle(environ["PATH_INFO"], environ["QUERY_STRING"], handlers))
    return []
