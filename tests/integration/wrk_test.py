"""wrk: many connections, keep-alive and pipelined, and not one socket error."""

import re
import tempfile
import unittest

from service import Service, ServiceTest, peer

PIPELINE = """
init = function(args)
  local requests = {}
  for i = 1, 16 do requests[i] = wrk.format("GET", "/large?bytes=" .. i * 100) end
  pipeline = table.concat(requests)
end
request = function() return pipeline end
"""


class Wrk(ServiceTest):
    def wrk(self, url: str, *arguments: str) -> int:
        """Runs for a second; how many answers came."""
        command = (peer("wrk", "wrk"), "--threads", "1", "--connections", "50", "--duration", "1s", *arguments, url)
        text = self.run_peer(*command).stdout.decode()
        self.assertNotIn("Socket errors", text)
        self.assertNotIn("Non-2xx", text)
        return int(re.search(r"(\d+) requests in", text).group(1))

    def test_hello(self):
        with Service("ASSAY_HELLO") as hello:
            self.assertGreater(self.wrk(hello.url("/")), 1000)
            self.assertEqual(hello.stop(), 0)

    def test_answers_that_wait(self):
        self.assertGreater(self.wrk(self.service.url("/sleep?ms=20")), 500)

    def test_pipelined(self):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(PIPELINE)
            script.flush()
            self.assertGreater(self.wrk(self.service.url("/"), "--script", script.name), 1000)


if __name__ == "__main__":
    unittest.main()
