import unittest

from lib.slow_peer import Run, read


class Read(unittest.TestCase):
    def test_the_route_that_asks_nobody_is_what_counts(self) -> None:
        def route(name: str, p99_us: float, failed: int) -> dict:
            return {"route": name, "offered_requests": 1000, "errors": {"status_5xx": failed} if failed else {},
                    "response_time_us": {"p99": p99_us}}

        document = {"verdict": "VALID", "reasons": [],
                    "routes": [route("GET /peer", 9e6, 900), route("GET /cpu", 2500.0, 10)]}
        self.assertEqual(read(document), Run(2.5, 0.99, "VALID", []))


if __name__ == "__main__":
    unittest.main()
