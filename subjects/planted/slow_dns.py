"""On uvloop, a name is looked up with the resolver that blocks, and the name server is slow. The twin looks it up in a
thread.

The name server is the peer, on a port that no file can name: it is put where glibc's resolver keeps its own.
"""

import asyncio
import ctypes
import socket
import struct

import uvloop
import web

NAME = "prices.planted"
SERVERS_AT, FIRST_SERVER_AT = 16, 20  # of glibc's struct __res_state, with long of 64 bits
libc = ctypes.CDLL(None)
libc.__res_state.restype = ctypes.c_void_p


def ask_only_the_peer():
    """Of this thread: each has a state of its own."""
    libc.__res_init()
    state = libc.__res_state()
    ctypes.c_int.from_address(state + SERVERS_AT).value = 1
    server = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s", web.PEER_PORT, bytes((127, 0, 0, 1)))
    ctypes.memmove(state + FIRST_SERVER_AT, server, len(server))


def look_up():
    ask_only_the_peer()
    return socket.gethostbyname(NAME)  # planted


async def handler():
    if web.FAULT:
        return look_up().encode()
    return (await asyncio.get_running_loop().run_in_executor(None, look_up)).encode()


web.run(handler, loop_factory=uvloop.new_event_loop)
