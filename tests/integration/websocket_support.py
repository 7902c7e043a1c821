"""What the tests of WebSocket share: our server before somebody's client, and our client before somebody's server."""

import subprocess
import unittest

from service import PATIENCE_S, Service, program


class BeforeOurServer(unittest.TestCase):
    """`service` is our server, one for the class, which must end well."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service("ASSAY_WEBSOCKET_PEER")

    @classmethod
    def tearDownClass(cls):
        with cls.service:
            code = cls.service.stop()
            if code != 0:
                raise AssertionError(f"the server ended with {code}: {cls.service.stderr()}")


def our_client(port: int, *mode: str) -> str:
    """What our client says of the server at this port."""
    done = subprocess.run(
        [program("ASSAY_WEBSOCKET_PEER"), str(port), "/", *mode],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.stdout + done.stderr
