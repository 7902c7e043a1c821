"""`assay load` over WebSocket and of server-sent events, against this project's own echo, chat and feed."""

import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import re
import signal
import socket
import tempfile
import unittest
import urllib.request

from load_support import COULD_NOT_RUN, OK, USAGE, LoadTest, connections
from service import PATIENCE_S, wait_until

BACKENDS = ("io_uring", "epoll")


class Streams(LoadTest):
    def test_echoes(self) -> None:
        echo = self.start_service("ASSAY_WEBSOCKET_PEER")
        for backend in BACKENDS:
            with self.subTest(backend=backend):
                outcome = self.load(f"ws://127.0.0.1:{echo.port}/plain", "-c", "20", "-R", "200", "-d", "1s", "--json",
                                    "--io", backend, "--message", '{"say": "{id}"}', "--source", "127.0.0.2",
                                    "--source", "127.0.0.3", "-H", "Sec-WebSocket-Protocol: echo.v1")  # fmt: skip
                document = self.assert_measured(outcome)
                messages = document["messages"]
                self.assertEqual((messages["due"], messages["sent"], messages["received"]), (200, 200, 200))
                self.assertEqual(messages["errors"], {})
                self.assertEqual(messages["unrelated"], 0)
                self.assertEqual(document["connect_time_us"]["count"], 20)
                self.assertEqual((document["open_at_end"], document["lost_connections"]), (20, {}))
                self.assertEqual(document["generator"]["io"], backend)

    def test_objectives(self) -> None:
        echo = self.start_service("ASSAY_WEBSOCKET_PEER")
        load = (f"ws://127.0.0.1:{echo.port}/plain", "-c", "4", "-R", "100", "-d", "1s", "--json")
        held = self.load_undisturbed(*load, "--slo", "p50<5s,errors<1%,rate>10")
        self.assertEqual((held.code, [gate["met"] for gate in held.document()["gates"]]), (OK, [True] * 3))
        missed = self.load_undisturbed(*load, "--slo", "p50<5s,p99.9<5s")
        self.assertEqual((missed.code, [gate["met"] for gate in missed.document()["gates"]]), (1, [True, False]))
        self.assertEqual(missed.document()["gates"][1]["measured"], "not estimable from 100 messages")

    def test_objectives_of_windows(self) -> None:
        echo = self.start_service("ASSAY_WEBSOCKET_PEER")
        load = (f"ws://127.0.0.1:{echo.port}/plain", "-c", "4", "-R", "100", "-d", "1s", "--json")
        outcome = self.load_undisturbed(*load, "--slo", "p50<5s every 500ms,rate>110 every 500ms,errors<1%")
        gates = outcome.document()["gates"]
        self.assertEqual((outcome.code, [gate["met"] for gate in gates]), (1, [True, False, True]))
        self.assertRegex(gates[0]["measured"], r"^[\d.]+ms in (0s to 0.5s|0.5s to 1s)$")
        self.assertEqual(gates[1]["measured"], "100.00/s in 0s to 0.5s, not kept in 2 of 2 windows")

    def test_stages(self) -> None:
        echo = self.start_service("ASSAY_WEBSOCKET_PEER")
        load = (f"ws://127.0.0.1:{echo.port}/plain", "-c", "4", "--stage", "500ms@100", "--stage", "500ms@100..300",
                "--stage", "250ms@100*2")  # fmt: skip
        outcome = self.load_undisturbed(*load, "--json", "--slo", "p50[stage 2]<5s,rate[stage 3]>1")
        document = self.assert_measured(outcome)
        stages = document["stages"]
        self.assertEqual([stage["shape"] for stage in stages], ["100/s", "100..300/s", "100*2/s"])
        for count in ("due", "sent", "received"):
            self.assertEqual([stage[count] for stage in stages], [50, 100, 50])
            self.assertEqual(document["messages"][count], 200)
        self.assertAlmostEqual(document["messages"]["offered_per_s"], 160)
        self.assertEqual([gate["met"] for gate in document["gates"]], [True, True])
        self.assertIn("the level before is not known", stages[2]["burst"]["why_not"])
        self.assertRegex(self.load(*load).out, r"\n  0.5s +100\.\.300/s +100 +100 +100 +0 ")

    def test_how_sure_the_numbers_are(self) -> None:
        echo = self.start_service("ASSAY_WEBSOCKET_PEER")
        load = (f"ws://127.0.0.1:{echo.port}/plain", "-c", "4", "-R", "400", "-d", "2s")
        # Parts of a run that drift on a busy machine rightly have no interval.
        outcome = self.load_undisturbed(*load, "--json", "--slo", "p50<5s", serves=lambda run: bool(
            run.document()["messages"]["response_interval_us"]["p50"]))  # fmt: skip
        document = self.assert_measured(outcome)
        messages = document["messages"]
        self.assertEqual(messages["arrivals_seen"]["offered_share"], 1)
        self.assertGreater(messages["arrivals_seen"]["gaps"], 300)
        low, high = messages["response_interval_us"]["p50"]
        self.assertLessEqual(low, messages["response_time_us"]["p50"])
        self.assertGreaterEqual(high, 0.99 * messages["response_time_us"]["p50"])
        self.assertLessEqual(messages["response_interval_us"]["effective_samples"], 800)
        self.assertEqual(document["gates"][0]["interval_us"], [low, high])
        self.assertTrue(document["gates"][0]["proven"])

    def test_messages_of_a_tick_leave_together_and_none_is_lost(self) -> None:
        url = f"ws://127.0.0.1:{self.start_service('ASSAY_WEBSOCKET_PEER').port}/plain"
        load = (url, "-c", "4", "-R", "1000", "--tick", "4ms", "-d", "1s")
        messages = self.assert_measured(self.load(*load, "--json"))["messages"]
        self.assertEqual((messages["due"], messages["sent"], messages["received"]), (1000, 1000, 1000))
        self.assertEqual(messages["tick_us"], 4000)
        seen = messages["arrivals_seen"]
        self.assertEqual((seen["spans"], seen["span_us"], seen["gaps"]), (250, 4000, 0))
        text = self.load(*load).out
        self.assertIn(", open model, constant arrivals in ticks of 4.00ms, seed 1\n", text)
        self.assertRegex(text, r"\n  arrivals: .* of 250 spans of 4.00ms")
        self.assert_refused(self.load(url, "-c", "4", "--tick", "4ms"), USAGE, "--tick: expected a rate with it")
        self.assert_refused(self.load(url, "-R", "5", "--tick", "1s"), USAGE, "from 10us to 100ms")

    def test_the_spectrum_and_hdr_files(self) -> None:
        echo = self.start_service("ASSAY_WEBSOCKET_PEER")
        with tempfile.TemporaryDirectory() as place:
            files = [f"{place}/echo.hgrm", f"{place}/echo.hlog"]
            said = self.load(f"ws://127.0.0.1:{echo.port}/plain", "-c", "4", "-R", "100", "-d", "1s", "--latency",
                             "--hdr", files[0], "--hdr", files[1]).out  # fmt: skip
            self.assertIn("\n  response time: detailed percentile spectrum\n", said)
            self.assertIn("\n  service time: detailed percentile spectrum\n", said)
            self.assertRegex(said, r"\n  arrivals: .* gaps differ from constant ones")
            self.assertRegex(pathlib.Path(files[0]).read_text(), r"Total count    = +100\]")
            lines = pathlib.Path(files[1]).read_text().splitlines()
            self.assertRegex(lines[0], r"^#\[assay .*: echo ws://")
            self.assertEqual([line.partition(",")[0] for line in lines[-2:]], ["Tag=service_time", "Tag=send_lag"])

    def test_each_second_is_a_line(self) -> None:
        echo = self.start_service("ASSAY_WEBSOCKET_PEER")
        outcome = self.load(f"ws://127.0.0.1:{echo.port}/plain", "-c", "4", "--stage", "1s@100", "--stage", "500ms@200",
                            "--ndjson", "-")  # fmt: skip
        lines = [json.loads(line) for line in outcome.out.splitlines()]
        self.assertEqual([line["at_s"] for line in lines], [0, 1])
        self.assertEqual([line["length_s"] for line in lines], [1, 0.5])
        self.assertEqual([line["offered_requests"] for line in lines], [100, 100])
        self.assertEqual([line["requests"] for line in lines], [100, 100])
        self.assertEqual([line["errors"] for line in lines], [{}, {}])
        for line in lines:
            self.assertLessEqual(line["response_time_us"]["p50"], line["response_time_us"]["max"])
        self.assertRegex(outcome.err, r"^(VALID|INVALID)", "the summary gives way")

    def test_lines_of_deliveries_come_while_it_runs(self) -> None:
        chat = self.start_service("ASSAY_CHAT")
        with tempfile.NamedTemporaryFile("r") as file:
            run = self.start("load", f"ws://127.0.0.1:{chat.port}/", "-c", "5", "-R", "20", "-d", "600s", "--broadcast",
                             "--json", "--ndjson", file.name)  # fmt: skip
            wait_until(lambda: pathlib.Path(file.name).read_text().count("\n") >= 2, "two seconds")
            run.send_signal(signal.SIGINT)
            document = self.assert_measured(run.wait(PATIENCE_S), ended_by=signal.SIGINT)
            lines = [json.loads(line) for line in file.read().splitlines()]
        self.assertEqual([line["offered_requests"] for line in lines[:2]], [100, 100])
        for line_key, of_run in (("offered_requests", 5 * document["messages"]["due"]),
                                 ("requests", document["messages"]["received"])):  # fmt: skip
            self.assertEqual(sum(line[line_key] for line in lines), of_run)

    def test_metrics_grow_while_it_runs(self) -> None:
        echo = self.start_service("ASSAY_WEBSOCKET_PEER")
        run = self.start("load", f"ws://127.0.0.1:{echo.port}/plain", "-c", "4", "-R", "200", "-d", "600s",
                         "--prometheus", "0")  # fmt: skip
        wait_until(lambda: "metrics at" in run.errors_so_far(), "the endpoint")
        url = re.search(r"http://127\.0\.0\.1:\d+/metrics", run.errors_so_far()).group()

        def value(name: str) -> float:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE).group(1))

        first = value("assay_load_responses_total")
        wait_until(lambda: value("assay_load_responses_total") > first + 50, "more messages")
        wait_until(lambda: value("assay_load_second_max_seconds") > 0, "a second that is over")
        self.assertGreater(value("assay_load_offered_total"), 0)
        self.assertGreater(value("assay_load_generator_cpu_seconds_total"), 0)
        run.send_signal(signal.SIGINT)
        self.assertRegex(run.wait(PATIENCE_S).out, r"^(VALID|INVALID)")

    def test_broadcast(self) -> None:
        chat = self.start_service("ASSAY_CHAT")
        outcome = self.load(f"ws://127.0.0.1:{chat.port}/", "-c", "10", "-R", "20", "-d", "1s", "--json", "--broadcast")
        messages = self.assert_measured(outcome)["messages"]
        self.assertEqual((messages["sent"], messages["received"], messages["reach"]), (20, 200, 1.0))

    def test_an_echo_from_a_chat_counts_what_others_hear_apart(self) -> None:
        chat = self.start_service("ASSAY_CHAT")
        outcome = self.load(f"ws://127.0.0.1:{chat.port}/", "-c", "4", "-R", "20", "-d", "500ms", "--json")
        messages = self.assert_measured(outcome)["messages"]
        self.assertEqual((messages["received"], messages["unrelated"]), (10, 0))
        # Of the last message the others' copies may come when all is over.
        self.assertIn(messages["surplus"], range(27, 31))

    def test_events(self) -> None:
        feed = self.start_service("ASSAY_FEED")

        def publish() -> int:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", feed.port, timeout=PATIENCE_S)) as client:
                client.request("POST", "/news", body="tick")
                return client.getresponse().status

        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        log = pathlib.Path(place.name, "feed.hlog")
        run = self.start("load", f"http://127.0.0.1:{feed.port}/feed", "--sse", "-c", "5", "-d", "1s", "--json", "--hdr",
                         str(log))  # fmt: skip
        with concurrent.futures.ThreadPoolExecutor() as publishing:
            while run.running():
                self.assertEqual(publishing.submit(publish).result(), 201)
        document = self.assert_measured(run.wait(PATIENCE_S))
        self.assertEqual(document["events"]["first_event_us"]["count"], 5)
        self.assertGreater(document["events"]["received"], 10)
        self.assertEqual((document["open_at_end"], document["reconnects"]), (5, 0))
        self.assertRegex(log.read_text().splitlines()[-1], r"^Tag=first_event,0\.000,1\.000,")

    def test_what_is_ended_early_says_so(self) -> None:
        feed = self.start_service("ASSAY_FEED")
        for objectives in ((), ("--slo", "errors<1%")):
            url = f"http://127.0.0.1:{feed.port}/feed"
            run = self.start("load", url, "--sse", "-c", "5", "-d", "600s", "--json", *objectives)
            wait_until(lambda: connections(feed.port, "01") >= 5, "the connections")  # its clock runs by then
            run.send_signal(signal.SIGINT)
            document = self.assert_measured(run.wait(PATIENCE_S), ended_by=signal.SIGINT)
            self.assertTrue(document["interrupted"])
            wait_until(lambda: connections(feed.port, "01") == 0, "their end")

    def test_connections_come_from_the_sources_in_turn(self) -> None:
        for backend in BACKENDS:
            with self.subTest(backend=backend), socket.create_server(("127.0.0.1", 0)) as listener:
                listener.settimeout(PATIENCE_S)
                run = self.start("load", f"ws://127.0.0.1:{listener.getsockname()[1]}/", "-c", "4", "--io", backend,
                                 "--source", "127.0.0.2", "--source", "127.0.0.3")  # fmt: skip
                callers = []
                for _ in range(4):
                    peer, (address, _) = listener.accept()
                    peer.close()
                    callers.append(address)
                self.assertEqual(sorted(callers), ["127.0.0.2"] * 2 + ["127.0.0.3"] * 2)
                self.assert_refused(run.wait(PATIENCE_S), COULD_NOT_RUN, "cannot connect to 127.0.0.1")

    def test_what_cannot_be_run(self) -> None:
        for arguments, words in (
            (("wss://127.0.0.1/",), ["wss is not supported"]),
            (("ws://127.0.0.1/", "--latency"), ["--latency", "idle"]),
            (("ws://127.0.0.1/", "--hdr", "a.hgrm"), ["--hdr", "idle"]),
            (("ws://127.0.0.1/", "-R", "1", "--hdr", "/nowhere/a.hgrm"), ["--hdr", "no such directory"]),
            (("ws://127.0.0.1/", "-R", "1", "-t", "2"), ["--threads", "WebSocket"]),
            (("ws://127.0.0.1/", "--ndjson", "-"), ["--ndjson", "-R", "idle"]),
            (("http://127.0.0.1/", "--sse", "--prometheus", "0"), ["--prometheus", "of events"]),
            (("ws://127.0.0.1/", "-R", "1", "--ndjson", "-", "--json"), ["--json and --ndjson -"]),
            (("ws://127.0.0.1/", "--slo", "p99<1ms"), ["--slo", '"p99<1ms"', "idle connections"]),
            (("ws://127.0.0.1/", "-R", "1", "--slo", "max<1s every 1m"), ["--slo", "windows of 100 ms to the 10 s"]),
            (("http://127.0.0.1/", "--sse", "--slo", "max<1s every 1s"), ["--slo", "windows are of messages"]),
            (("ws://127.0.0.1/", "-R", "1", "--slo", "back<1s"), ["--slo", '"back<1s"', "a burst"]),
            (("ws://127.0.0.1/", "--broadcast"), ["--broadcast", "-R"]),
            (("ws://127.0.0.1/", "--stage", "10s"), ["--stage", '"10s"', "LENGTH@RATE"]),
            (("ws://127.0.0.1/", "--stage", "10s@0"), ["--stage", "a rate above 0"]),
            (("http://127.0.0.1/", "--sse", "--stage", "10s@1"), ["--sse", "--stage"]),
            (("ws://127.0.0.1/", "--stage", "1s@1", "--slo", "p99[stage 1]<1s"), ["--slo", "this run has no"]),
            (("http://127.0.0.1/", "--broadcast"), ["--broadcast", "ws://"]),
            (("ws://127.0.0.1/", "--source", "here"), ["--source", "numeric"]),
            (("ws://127.0.0.1/", "--connect-rate", "many"), ["--connect-rate", "many"]),
        ):
            with self.subTest(arguments=arguments):
                self.assert_refused(self.load(*arguments), USAGE, *words)


if __name__ == "__main__":
    unittest.main()
