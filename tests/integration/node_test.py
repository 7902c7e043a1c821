"""Node's fetch, which is undici, talks to the echo service."""

import pathlib
import unittest

from service import ServiceTest, peer

OLDEST = 18  # the first with fetch


class Node(ServiceTest):
    def test_fetch(self):
        node = peer("node", "nodejs (18 or newer)")
        version = self.run_peer(node, "--version").stdout.decode().strip()
        self.assertGreaterEqual(int(version.lstrip("v").split(".")[0]), OLDEST, f"node is {version}")
        script = pathlib.Path(__file__).with_name("node_fetch.mjs")
        done = self.run_peer(node, str(script), self.service.url(""))
        self.assertEqual(done.stdout, b"ok\n")


if __name__ == "__main__":
    unittest.main()
