"""Node's own WebSocket, which is undici's, talks to our server."""

import os
import pathlib
import subprocess
import unittest

from service import PATIENCE_S, Service, peer

OLDEST = 20  # the first with a WebSocket, behind a flag


class Node(unittest.TestCase):
    def test_websocket(self):
        node = os.environ.get("ASSAY_NODE") or peer("node", "nodejs (20 or newer)")
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        self.assertGreaterEqual(int(version.lstrip("v").split(".")[0]), OLDEST, f"node is {version}")
        script = pathlib.Path(__file__).with_name("websocket_node.mjs")
        with Service("ASSAY_WEBSOCKET_PEER") as service:
            done = subprocess.run(
                [node, "--experimental-websocket", "--no-warnings", str(script), str(service.port)],
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            self.assertEqual((done.returncode, done.stdout), (0, "ok\n"), done.stderr)
            self.assertEqual(service.stop(), 0, service.stderr())


if __name__ == "__main__":
    unittest.main()
