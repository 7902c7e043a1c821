"""Ctrl-C and SIGTERM end `assay load` soon, and what was measured until then is reported."""

import signal
import socket
import time
import unittest

from bad_server import BadServer, answer_well
from load_support import LoadTest, Run, connections, fill_backlog
from service import wait_until

SOON_S = 2.0
ENDED = 128 + signal.SIGINT
LONG = ("-d", "600s", "--timeout", "300s", "--json")


class Signals(LoadTest):
    def interrupt(self, run: Run, number: signal.Signals = signal.SIGINT) -> dict:
        run.send_signal(number)
        return self.assert_measured(run.wait(SOON_S), ended_by=number)

    def test_in_the_middle_of_a_run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            for rate in ((), ("-R", "200")):
                for backend in ("io_uring", "epoll"):
                    with self.subTest(signal=number.name, rate=rate, backend=backend), BadServer(answer_well) as server:
                        run = self.start("load", server.url, *LONG, *rate, "-c", "4", "-t", "2", "--io", backend)
                        wait_until(lambda at=server: at.requests >= 10, "requests")
                        document = self.interrupt(run, number)
                        self.assertTrue(document["interrupted"])
                        self.assertGreater(document["requests"], 0)
                        self.assertLess(document["duration_s"], 600)
                        self.assertEqual(document["errors"], {})

    def test_the_text_says_so(self) -> None:
        with BadServer(answer_well) as server:
            run = self.start("load", server.url, "-d", "600s", "-R", "200")
            wait_until(lambda: server.requests >= 10, "requests")
            run.send_signal(signal.SIGINT)
            outcome = run.wait(SOON_S)
        self.assertEqual(outcome.code, ENDED)
        self.assertIn(" (interrupted)", outcome.out.splitlines()[1])
        self.assertRegex(outcome.out.splitlines()[0], "^(VALID|INVALID)")

    def test_while_every_answer_is_awaited(self) -> None:
        for rate in ((), ("-R", "100")):
            with self.subTest(rate=rate), BadServer("never_answers") as server:
                run = self.start("load", server.url, *LONG, *rate, "-c", "4")
                wait_until(lambda at=server: at.requests >= 4, "the requests of every connection")
                document = self.interrupt(run)
                self.assertTrue(document["interrupted"])
                self.assertEqual(document["requests"], 0)
                self.assertEqual(document["errors"]["undrained"], 4)

    def test_during_the_drain(self) -> None:
        """The run is over and waits for answers that do not come: 300 s of it, if nobody interrupted."""
        with BadServer("never_answers") as server:
            run = self.start("load", server.url, "-d", "100ms", "--timeout", "300s", "--json", "-R", "100", "-c", "2")
            wait_until(lambda: server.requests >= 2, "the requests of both connections")
            over_at = time.monotonic() + 0.1  # at the latest: the first arrival was before the first request
            wait_until(lambda: time.monotonic() > over_at, "the end of the run")
            run.send_signal(signal.SIGINT)
            document = self.assert_measured(run.wait(SOON_S))  # it had reached its end
        self.assertTrue(document["interrupted"])
        self.assertAlmostEqual(document["duration_s"], 0.1, delta=0.001)
        self.assertEqual(document["errors"], {"undrained": 2, "unsent": 8})

    def test_before_the_start(self) -> None:
        """No connection opens: there is nothing to report, but it ends, with one line."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        for waiting in fill_backlog(port):
            self.addCleanup(waiting.close)
        own = connections(port, "02")
        for number in (signal.SIGINT, signal.SIGTERM):
            for backend in ("io_uring", "epoll"):
                with self.subTest(signal=number.name, backend=backend):
                    wait_until(lambda: connections(port, "02") <= own, "the end of the attempts before")
                    run = self.start("load", f"http://127.0.0.1:{port}/", *LONG, "-c", "4", "-t", "2", "--io", backend)
                    wait_until(lambda: connections(port, "02") >= own + 4, "the connection attempts")
                    run.send_signal(number)
                    outcome = run.wait(SOON_S)
                    self.assert_refused(outcome, 128 + number, "interrupted before every connection was open")

    def test_a_search_before_its_first_run(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        for waiting in fill_backlog(port):
            self.addCleanup(waiting.close)
        url = f"http://127.0.0.1:{port}/"
        for command in (("capacity", url, "--slo", "p90<1s"), ("load", "--crossover", url, url)):
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(command=command[0], signal=number.name):
                    own = connections(port, "02")
                    run = self.start(*command, "-d", "600s", "--timeout", "300s", "-c", "4")
                    wait_until(lambda least=own: connections(port, "02") > least, "a connection attempt")
                    run.send_signal(number)
                    self.assertEqual(run.wait(SOON_S).code, 128 + number)
                    wait_until(lambda most=own: connections(port, "02") <= most, "the end of the attempts")

    def test_as_early_as_possible(self) -> None:
        """The moment it takes the signal over, wherever it is then."""
        server = self.hello()
        for _ in range(20):
            run = self.start("load", server.url("/"), *LONG, "-c", "4", "-t", "2")
            run.wait_ready()
            run.send_signal(signal.SIGINT)
            outcome = run.wait(SOON_S)
            if not outcome.out:
                self.assert_refused(outcome, 128 + signal.SIGINT, "interrupted")
            else:
                self.assertTrue(self.assert_measured(outcome, ended_by=signal.SIGINT)["interrupted"])

    def test_an_objective_that_half_a_run_keeps_is_not_kept(self) -> None:
        with BadServer(answer_well) as server:
            for objective in ("errors<1%", "errors<1%,rate>1000000"):
                run = self.start("load", server.url, *LONG, "-R", "200", "--slo", objective)
                wait_until(lambda at=server.requests: server.requests >= at + 10, "requests")
                run.send_signal(signal.SIGINT)
                document = self.assert_measured(run.wait(SOON_S), ended_by=signal.SIGINT)
                self.assertTrue(document["gates"][0]["met"])

    def test_twice_keeps_the_summary(self) -> None:
        with BadServer("never_answers") as server:
            run = self.start("load", server.url, *LONG, "-c", "4")
            wait_until(lambda: server.requests >= 4, "the requests of every connection")
            run.send_signal(signal.SIGINT)
            run.wait_taken(signal.SIGINT)
            document = self.interrupt(run)
        self.assertTrue(document["interrupted"])
        self.assertEqual(document["errors"], {"undrained": 4})


if __name__ == "__main__":
    unittest.main()
