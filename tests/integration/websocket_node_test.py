"""Node's own WebSocket, which is undici's, and the package ws talk to our server; our client to the server of ws."""

import contextlib
import os
import pathlib
import subprocess
import unittest

from service import PATIENCE_S, Service, peer
from websocket_support import our_client

OLDEST = 20  # the first with a WebSocket, behind a flag
HERE = pathlib.Path(__file__).parent


def node() -> str:
    return os.environ.get("ASSAY_NODE") or peer("node", "nodejs (20 or newer)")


class Server(unittest.TestCase):
    """Ours."""

    def visited_by(self, *arguments: str):
        with Service("ASSAY_WEBSOCKET_PEER") as service:
            done = subprocess.run(
                [node(), "--experimental-websocket", "--no-warnings", HERE / "websocket_node.mjs", str(service.port)]
                + list(arguments),
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            self.assertEqual((done.returncode, done.stdout), (0, "ok\n"), done.stderr)
            self.assertEqual(service.stop(), 0, service.stderr())

    def test_node_s_own(self):
        version = subprocess.run([node(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
        self.assertGreaterEqual(int(version.lstrip("v").split(".")[0]), OLDEST, f"node is {version}")
        self.visited_by()

    def test_ws(self):
        self.visited_by(os.environ["ASSAY_WS"])


@contextlib.contextmanager
def ws_server(*mode: str):
    """That of ws; gives its port."""
    with subprocess.Popen(
        [node(), HERE / "websocket_ws_server.mjs", os.environ["ASSAY_WS"], *mode], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


class Client(unittest.TestCase):
    """Ours, before ws's server."""

    def test_plain(self):
        with ws_server() as port:
            self.assertEqual(our_client(port), "ok\n")

    def test_compressed(self):
        with ws_server("deflate") as port:
            for mode in ("fresh", "kept"):
                self.assertEqual(our_client(port, mode), "ok\n", mode)


if __name__ == "__main__":
    unittest.main()
