"""Each request starts a thread that waits for an event which never comes. The twin's threads give up after a moment."""

import threading

import web

PATIENCE_S = 0.2


def wait_for_news():
    threading.Event().wait(None if web.FAULT else PATIENCE_S)


async def handler():
    threading.Thread(target=wait_for_news, daemon=True).start()
    return b"ok"


web.run(handler)
