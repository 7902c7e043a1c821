import io
import socket
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

from lib.peers import Load, Peers, latency_us, parse_json, parse_wrk
from lib.procs import MeasurementError, Server, free_port, run
from lib.rounds import MOST_FAILED, Measurement, alternate, alternate_with_tools, compare
from lib.host import CoreTimes

WRK_OUTPUT = """\
Running 1s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   398.21us   77.74us   2.01ms   92.02%
    Req/Sec   155.24k     2.28k  159.09k    80.00%
  Latency Distribution
     50%  391.00us
     99%    0.87ms
  310168 requests in 2.05s, 34.61MB read
{trouble}Requests/sec: 151597.26
Transfer/sec:     16.92MB
"""


class Parsing(unittest.TestCase):
    def test_wrk(self) -> None:
        result = parse_wrk(WRK_OUTPUT.format(trouble=""))
        self.assertEqual(result.requests, 310168)
        self.assertEqual(result.report, {"response_time_us": {"p50": 391.0, "p99": 870.0}})

    def test_wrk2_names_its_quantiles_in_full(self) -> None:
        spectrum = " 50.000%    1.23ms\n 99.900%    1.20s \n  100 requests in 1.00s, 1KB read\n"
        self.assertEqual(parse_wrk(spectrum).report["response_time_us"], {"p50": 1230.0, "p99.9": 1_200_000.0})

    def test_wrk_errors_make_the_run_unusable(self) -> None:
        for trouble in ("  Socket errors: connect 0, read 3, write 0, timeout 0\n",
                        "  Non-2xx or 3xx responses: 5\n"):
            with self.assertRaisesRegex(MeasurementError, trouble.strip()):
                parse_wrk(WRK_OUTPUT.format(trouble=trouble))

    def test_json(self) -> None:
        result = parse_json('{"requests": 5, "errors": {"timeout": 0}, "send_lag_us": {"p99": 1.5}}')
        self.assertEqual((result.requests, latency_us(result.report, "send_lag_us", "p99")), (5, 1.5))
        with self.assertRaisesRegex(MeasurementError, r"send_lag_us\.p50"):
            latency_us(result.report, "send_lag_us", "p50")

    def test_json_that_is_no_result_is_refused(self) -> None:
        for output in ("", "[]", "{}", '{"requests": 0}', '{"requests": 5, "errors": 1}',
                       '{"requests": 5, "errors": {"reset": 2}}'):
            with self.assertRaises(MeasurementError):
                parse_json(output)


class Processes(unittest.TestCase):
    def test_output_and_cpu_time_of_a_child(self) -> None:
        done = run([sys.executable, "-c", "print('out')"], core=0, timeout_s=30)
        self.assertEqual(done.output, "out\n")
        self.assertGreater(done.cpu_ns, 0)

    def test_a_child_is_pinned(self) -> None:
        done = run([sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"], core=0, timeout_s=30)
        self.assertEqual(done.output, "{0}\n")

    def test_a_child_is_watched_and_its_memory_and_exit_code_told(self) -> None:
        watched: list[int] = []
        done = run([sys.executable, "-c", "import os; held = b\"x\" * (60 << 20); print(os.getpid()); exit(3)"], 0, 30,
                   any_exit_code=True, watch=watched.append)
        self.assertEqual((done.exit_code, done.output), (3, f"{watched[0]}\n"))
        self.assertGreater(done.max_rss_bytes, 60 << 20)

    def test_failure_shows_what_the_child_said(self) -> None:
        with self.assertRaisesRegex(MeasurementError, "(?s)ended with 3.*the reason"):
            run([sys.executable, "-c", "import sys; print('the reason', file=sys.stderr); sys.exit(3)"], 0, 30)


    def test_an_exit_code_may_be_a_verdict_but_a_signal_never(self) -> None:
        done = run([sys.executable, "-c", "print('{}'); exit(4)"], 0, 30, any_exit_code=True)
        self.assertEqual(done.output, "{}\n")
        with self.assertRaisesRegex(MeasurementError, "ended with -9"):
            run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 0, 30, any_exit_code=True)


ANSWERING = """\
import http.server, sys
class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello, world\\n")
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Hello).serve_forever()
"""


class Servers(unittest.TestCase):
    def test_a_port_that_somebody_took_is_no_end(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            ports = [taken.getsockname()[1], free_port()]
            with mock.patch("lib.procs.free_port", side_effect=list(ports)):
                with Server("python", lambda port, _: [sys.executable, "-c", ANSWERING, str(port)], 0) as server:
                    self.assertEqual((server.port, server.response.body_bytes), (ports[1], 13))

    def test_another_failure_is_told_at_once(self) -> None:
        with mock.patch("lib.procs.free_port", side_effect=[free_port()]):
            with self.assertRaisesRegex(MeasurementError, "the reason"):
                with Server("python", lambda *_: [sys.executable, "-c", "raise SystemExit('the reason')"], 0):
                    pass


class Finding(unittest.TestCase):
    def test_what_is_not_built_is_skipped_and_named(self) -> None:
        with tempfile.TemporaryDirectory() as empty:
            peers = Peers(Path(empty), server_core=1)
            self.assertIsNone(peers.assay())
            self.assertIsNone(peers.plaintext("epoll"))
            self.assertEqual(set(peers.skipped), {"assay", "examples/plaintext"})

    def test_the_command_of_the_tool_under_measurement(self) -> None:
        with tempfile.TemporaryDirectory() as build:
            program = Path(build, "assay")
            program.touch()
            generator = Peers(Path(build), 1, ("--seed", "7")).assay("--spin")
            assert generator is not None
            self.assertEqual(generator.command(Load(80, 64, 2.5, 1000)),
                             [str(program), "load", "http://127.0.0.1:80/", "-c", "64", "-t", "1", "-d", "2.5s",
                              "--json", "-R", "1000", "--spin", "--seed", "7"])
            self.assertNotIn("-R", generator.command(Load(80, 64, 2.5)))


def measurement(cpu_ns: int) -> Measurement:
    return Measurement(1, 1.0, cpu_ns, 0, {}, {}, {})


class Rounds(unittest.TestCase):
    def run_rounds(self, seed: int) -> tuple[list[str], list[dict[str, Measurement]]]:
        calls: list[str] = []

        def contender(name: str, factor: int):
            def once(number: int) -> Measurement:
                calls.append(f"{name}{number}")
                return measurement(factor * (number + 1))

            return once

        rounds = alternate({"a": contender("a", 3), "b": contender("b", 1)}, 8, seed, lambda *_: None)
        return calls, rounds

    def test_the_first_round_is_thrown_away(self) -> None:
        calls, rounds = self.run_rounds(1)
        self.assertEqual(len(calls), 18)
        self.assertEqual([one["b"].generator_cpu_ns for one in rounds], [2, 3, 4, 5, 6, 7, 8, 9])

    def test_the_order_changes_and_is_a_function_of_the_seed(self) -> None:
        calls, rounds = self.run_rounds(1)
        self.assertEqual({list(one)[0] for one in rounds}, {"a", "b"})
        self.assertEqual(calls, self.run_rounds(1)[0])
        self.assertNotEqual(calls, self.run_rounds(2)[0])

    def test_ratios_are_formed_within_a_round(self) -> None:
        _, rounds = self.run_rounds(1)
        comparison = compare(rounds, "a", "b", lambda one: one.generator_ns_per_request, limit=2.9)
        assert comparison is not None
        self.assertEqual(comparison.ratios, [3.0] * 8)
        self.assertTrue(comparison.verdict.startswith("FAIL"))
        self.assertIsNone(compare(rounds, "a", "missing", lambda one: 1.0))

    def test_a_ratio_is_formed_where_both_took_part(self) -> None:
        rounds = [{"a": measurement(2), "b": measurement(1)}, {"a": measurement(9)},
                  {"a": measurement(8), "b": measurement(4)}]
        comparison = compare(rounds, "a", "b", lambda one: one.generator_ns_per_request)
        assert comparison is not None
        self.assertEqual(comparison.ratios, [2.0, 2.0])
        self.assertIsNone(compare(rounds[:2], "a", "b", lambda one: 1.0))

    def test_a_round_in_which_somebody_fails_is_run_again_and_not_for_ever(self) -> None:
        asked: list[int] = []

        def fails(times: int):
            def once(number: int) -> Measurement:
                asked.append(number)
                if len(asked) <= times:
                    raise MeasurementError("a hiccup")
                return measurement(1)

            return once

        with redirect_stdout(io.StringIO()) as said:
            rounds = alternate({"a": fails(MOST_FAILED)}, 1, 1, lambda *_: None)
        self.assertEqual((len(rounds), asked), (1, [0] * (MOST_FAILED + 1) + [1]))
        self.assertEqual(said.getvalue().count("round  0: FAILED, and is run again: a hiccup"), MOST_FAILED)
        asked.clear()
        with redirect_stdout(io.StringIO()), self.assertRaisesRegex(MeasurementError, "a hiccup"):
            alternate({"a": fails(MOST_FAILED + 1)}, 1, 1, lambda *_: None)

    def test_tools_of_others_take_part_first_and_may_fail(self) -> None:
        def fails(number: int) -> Measurement:
            raise MeasurementError(f"no figure in {number}")

        own, tools = {"a": lambda _: measurement(1)}, {"b": lambda _: measurement(2), "c": fails}
        with redirect_stdout(io.StringIO()) as said:
            rounds = alternate_with_tools(own, tools, 3, 2, seed=1)
        self.assertEqual([set(one) for one in rounds], [{"a", "b"}, {"a", "b"}, {"a"}])
        self.assertEqual(said.getvalue().count("no figure of c"), 2)
        with self.assertRaises(MeasurementError):
            alternate_with_tools({"c": fails}, {}, 1, 1, seed=1)


class Host(unittest.TestCase):
    def test_shares_between_two_readings(self) -> None:
        shares = CoreTimes(10, 1, 20).shares_until(CoreTimes(14, 2, 30))
        self.assertAlmostEqual(shares["busy"], 0.6)
        self.assertAlmostEqual(shares["steal"], 0.1)


if __name__ == "__main__":
    unittest.main()
