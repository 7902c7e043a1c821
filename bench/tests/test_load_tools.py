"""The parsers of other load generators, on what these printed; of some, shortened."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib.load_tools import (LoadTools, parse_autocannon, parse_h2load_log, parse_hey, parse_k6, parse_oha, parse_report,
                            parse_vegeta, parse_wrk_text)
from lib.peers import Load, Peers
from lib.procs import MeasurementError

WRK = """\
Running 1s test @ http://127.0.0.1:21985/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    32.15ms   73.46ms 300.44ms   86.14%
    Req/Sec    74.47k    28.55k  102.31k    88.89%
  Latency Distribution
     50%   67.00us
     75%  112.00us
     90%  159.85ms
     99%  286.40ms
  68191 requests in 1.10s, 7.61MB read
Requests/sec:  61834.76
Transfer/sec:      6.90MB
"""
WRK2 = """\
Running 2s test @ http://127.0.0.1:21985/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    46.99ms   84.80ms 301.31ms   82.50%
    Req/Sec       -nan      -nan   0.00      0.00%
  Latency Distribution (HdrHistogram - Recorded Latency)
 50.000%    1.18ms
 90.000%  202.62ms
 99.000%  291.84ms
 99.900%  301.57ms
100.000%  301.57ms

  Detailed Percentile spectrum:
       Value   Percentile   TotalCount 1/(1-Percentile)

       0.126     0.000000            1         1.00
     301.567     1.000000          200          inf
#[Mean    =       46.992, StdDeviation   =       84.799]
----------------------------------------------------------
  201 requests in 2.00s, 22.97KB read
Requests/sec:    100.43
"""
HEY = """\

Summary:
  Total:\t1.0429 secs
  Slowest:\t0.2309 secs
  Fastest:\t0.0001 secs
  Average:\t0.0196 secs
  Requests/sec:\t92.0480

Response time histogram:
  0.000 [1]\t|
  0.231 [8]\t|■■■■


Latency distribution:
  10% in 0.0002 secs
  50% in 0.0003 secs
  90% in 0.0022 secs
  95% in 0.2307 secs
  0% in 0.0000 secs

Details (average, fastest, slowest):
  DNS+dialup:\t0.0001 secs, 0.0001 secs, 0.2309 secs

Status code distribution:
  [200]\t96 responses
"""
HEY_ERRORS = """
  [503]\t4 responses

Error distribution:
  [3]\tGet "http://127.0.0.1:9/": dial tcp 127.0.0.1:9: connect: connection refused
"""
H2LOAD_LOG = "1795698245296720\t200\t214\n1795698245296728\t200\t228\n1795698245296755\t503\t100\n" \
             "1795698245296748\t-1\t9\n"
VEGETA = """\
{"latencies":{"total":4647254216,"mean":46472542,"50th":415056,"90th":204282602,"95th":253665237,"99th":293683427,\
"max":298757060,"min":174509},"bytes_in":{"total":1300,"mean":13},"bytes_out":{"total":0,"mean":0},\
"duration":990215280,"wait":297932,"requests":100,"rate":100.98814067987317,"throughput":100.95776491268045,\
"success":1,"status_codes":{"200":100},"errors":["503 Service Unavailable"]}
"""
VEGETA_PLOT = """\
Value(ms)   Percentile  TotalCount  1/(1-Percentile)
0.415056    0.500000    50          2.000000
298.281153  0.994531    99          182.848784
298.757059  0.998828    100         853.242321
298.757060  0.999023    100         1023.541453
298.757061  0.999121    100         1137.656428
"""
AUTOCANNON = """\
{"url":"http://127.0.0.1:21985/","connections":8,"duration":1.01,"errors":0,"timeouts":0,"non2xx":3,"2xx":109,\
"latency":{"average":4.18,"min":1,"max":15,"p50":2,"p75":7,"p90":12,"p97_5":14,"p99":14.5,"p99_9":15,"totalCount":261}}
"""
# As its documentation shows the object that handleSummary() gets.
K6 = """\
{"metrics":{"http_req_duration":{"type":"trend","contains":"time","values":{"med":1.5,"p(90)":2,"p(99)":40.25,\
"p(99.9)":41,"max":42.5}},"http_req_duration{expected_response:true}":{"type":"trend","contains":"time",\
"values":{"med":40,"p(90)":40.5,"p(99)":41,"p(99.9)":42,"max":42.5}},"http_reqs":{"type":"counter",\
"contains":"default","values":{"count":990,"rate":99}},"dropped_iterations":{"type":"counter","contains":"default",\
"values":{"count":10,"rate":1}}},"state":{"testRunDurationMs":10000}}
"""
OHA = """\
{
  "summary": {
    "successRate": 1.0,
    "total": 1.001188061,
    "slowest": 0.054899715,
    "fastest": 0.00113958,
    "average": 0.0266577387628866,
    "requestsPerSec": 99.88133488139948
  },
  "latencyPercentiles": {
    "p10": 0.002315576,
    "p50": 0.006890733,
    "p90": 0.053411998,
    "p99": 0.054899715,
    "p99.9": 0.054899715,
    "p99.99": 0.054899715
  },
  "latencyPercentilesSuccessful": {
    "p10": 0.05025507,
    "p50": 0.052213675,
    "p90": 0.054779798,
    "p99": 0.054899715,
    "p99.9": 0.054899715,
    "p99.99": 0.054899715
  },
  "statusCodeDistribution": {
    "503": 52,
    "200": 45
  },
  "errorDistribution": {
    "aborted due to deadline": 3
  }
}
"""


class Parsers(unittest.TestCase):
    def times(self, result, **expected_us: float) -> None:
        told = result.report["response_time_us"]
        for name, us in expected_us.items():
            self.assertAlmostEqual(told[name.replace("_", ".")], us, delta=1e-6 * us, msg=name)

    def test_wrk(self) -> None:
        result = parse_wrk_text(WRK)
        self.assertEqual((result.requests, result.report["errors"]), (68191, ""))
        self.times(result, p50=67, p90=159_850, p99=286_400, max=300_440)
        self.assertNotIn("p99.9", result.report["response_time_us"])

    def test_wrk_errors_are_told(self) -> None:
        refused = WRK.replace("Requests/sec", "  Non-2xx or 3xx responses: 5\nRequests/sec")
        self.assertEqual(parse_wrk_text(refused).report["errors"], "Non-2xx or 3xx responses: 5")

    def test_wrk2(self) -> None:
        result = parse_wrk_text(WRK2)
        self.assertEqual(result.requests, 201)
        self.times(result, p50=1180, p90=202_620, p99=291_840, p99_9=301_570, max=301_310)

    def test_hey(self) -> None:
        result = parse_hey(HEY)
        self.assertEqual((result.requests, result.report["errors"]), (96, ""))
        self.times(result, p50=300, p90=2200, max=230_900)
        self.assertEqual(parse_hey(HEY.replace("% in", "%% in")).report, result.report, "as 0.1.5 writes it")
        self.assertFalse({"p0", "p99"} & set(result.report["response_time_us"]))
        failed = parse_hey(HEY + HEY_ERRORS)
        self.assertEqual(failed.requests, 100)
        self.assertRegex(failed.report["errors"], "^3 Get .*connection refused$")

    def test_h2load(self) -> None:
        result = parse_h2load_log(H2LOAD_LOG, "")
        self.assertEqual((result.requests, result.report["errors"]), (3, "1 failed"))
        self.times(result, p50=214, p90=228, max=228)
        with self.assertRaisesRegex(MeasurementError, "not a log"):
            parse_h2load_log("1 2\n", "")

    def test_vegeta(self) -> None:
        result = parse_vegeta(VEGETA, VEGETA_PLOT)
        self.assertEqual((result.requests, result.report["errors"]), (100, "503 Service Unavailable"))
        self.times(result, p50=415.056, p90=204_282.602, p99=293_683.427, p99_9=298_757.060, max=298_757.060)

    def test_oha(self) -> None:
        result = parse_oha(OHA)
        self.assertEqual(result.requests, 97)
        self.times(result, p50=6890.733, p90=53_411.998, p99=54_899.715, p99_9=54_899.715, max=54_899.715)
        self.assertAlmostEqual(result.report["expected_response_time_us"]["p50"], 52_213.675)
        self.assertIn("deadline", result.report["errors"])

    def test_k6(self) -> None:
        result = parse_k6("a notice of its own\n" + K6)
        self.assertEqual((result.requests, result.report["errors"]), (990, "10 dropped"))
        self.times(result, p50=1500, p90=2000, p99=40_250, p99_9=41_000, max=42_500)
        self.assertEqual(result.report["expected_response_time_us"]["p50"], 40_000)

    def test_autocannon(self) -> None:
        result = parse_autocannon(AUTOCANNON)
        self.assertEqual((result.requests, result.report["errors"]), (112, ""))
        self.times(result, p50=2000, p90=12_000, p99=14_500, p99_9=15_000, max=15_000)

    def test_a_report_with_errors_is_a_report(self) -> None:
        result = parse_report('{"requests": 5, "errors": {"status_5xx": 2}, "response_time_us": {"p50": 1}}')
        self.assertEqual(result.requests, 5)

    def test_what_is_no_result_is_refused(self) -> None:
        for parse in (parse_wrk_text, parse_hey, parse_oha, parse_k6, parse_autocannon, parse_report,
                      lambda output: parse_vegeta(output, ""), lambda output: parse_h2load_log("", output)):
            for output in ("", "{}", "command not found", '{"latencies": null, "requests": "x"}'):
                with self.assertRaises(MeasurementError):
                    parse(output)


class Commands(unittest.TestCase):
    def commands(self, *names: str) -> dict[str, list[str]]:
        with mock.patch.object(Peers, "on_path", return_value=True), tempfile.TemporaryDirectory() as build, \
                LoadTools(Peers(Path(build), 1)) as tools:
            return {one.name: one.command(Load(80, 16, 2, 1000)) for one in tools.found(*names)}

    def test_the_rate_is_that_of_all_connections_or_of_each(self) -> None:
        found = self.commands("wrk", "wrk2", "hey", "h2load", "oha", "vegeta", "k6", "autocannon")
        self.assertNotIn("1000", found["wrk"])
        for name in ("wrk2", "oha", "vegeta", "autocannon"):
            self.assertIn("1000", found[name])
        self.assertEqual(found["hey"][found["hey"].index("-q") + 1], "62.5")
        self.assertIn("--rps=62.5", found["h2load"])
        self.assertEqual(found["k6"][:2], ["k6", "run"])

    def test_the_script_of_k6(self) -> None:
        with mock.patch.object(Peers, "on_path", return_value=True), tempfile.TemporaryDirectory() as build, \
                LoadTools(Peers(Path(build), 1)) as tools:
            script = Path(tools.found("k6")[0].command(Load(80, 16, 2.5, 1000))[-1]).read_text()
        for part in ("rate: 1000,", "duration: '2500ms'", "preAllocatedVUs: 16}", "http.get('http://127.0.0.1:80/')"):
            self.assertIn(part, script)

    def test_what_is_missing_is_skipped_and_named(self) -> None:
        with tempfile.TemporaryDirectory() as empty, mock.patch.dict("os.environ", PATH=empty):
            peers = Peers(Path(empty), 1)
            with LoadTools(peers) as tools:
                self.assertEqual(tools.found("hey", "k6"), [])
        self.assertEqual(peers.skipped, {"hey": "hey is not on PATH", "k6": "k6 is not on PATH"})


if __name__ == "__main__":
    unittest.main()
