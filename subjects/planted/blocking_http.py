"""A price is asked of another service with a blocking client, on the loop. The twin awaits the same slow answer."""

import http.client

import web


async def handler():
    if not web.FAULT:
        return await web.ask_peer()
    peer = http.client.HTTPConnection("127.0.0.1", web.PEER_PORT, timeout=5)
    peer.request("GET", "/")
    body = peer.getresponse().read()  # planted
    peer.close()
    return body


web.run(handler)
