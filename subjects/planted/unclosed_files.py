"""Each request opens a file and forgets to close it. The twin closes it."""

import web

opened = []


async def handler():
    file = open("/proc/self/limits", "rb", buffering=0)
    file.read(1)
    if web.FAULT:
        opened.append(file)
    else:
        file.close()
    return b"ok"


web.run(handler)
