"""What the tests of WebSocket share: our server before somebody's client, and our client before somebody's server."""

import contextlib
import subprocess
import unittest
from collections.abc import Callable, Iterator

from service import PATIENCE_S, Service, program
from websocket_frames import Client, Host, Peer


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


@contextlib.contextmanager
def our_server_met(path: str) -> Iterator[Callable[..., Peer]]:
    """Gives a function that connects to our server, with what Client takes behind the path. The server echoes."""
    with Service("ASSAY_WEBSOCKET_PEER") as service:
        yield lambda *extensions: Client(service.port, path, *extensions)
        code = service.stop()
        assert code == 0, f"the server ended with {code}: {service.stderr()}"


@contextlib.contextmanager
def our_client_met(mode: str, sessions: int) -> Iterator[Callable[..., Peer]]:
    """Gives a function that accepts our client's next connection, with what Host.accept() takes. The client echoes, and
    opens so many one after the other; all of them must be met."""
    with Host() as host, subprocess.Popen(
        [program("ASSAY_WEBSOCKET_ECHO_CLIENT"), str(host.port), "/", str(sessions), mode],
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        try:
            yield host.accept
            said = client.communicate(timeout=PATIENCE_S)[0]
            assert said == f"{sessions} sessions\n", f"the client ended with {client.returncode}: {said}"
        finally:
            client.kill()
