"""Chromium talks to our servers: over WebSocket in every mode of compression, and as a reader of events."""

import pathlib
import shutil
import tempfile
import unittest

from report_browser_test import browser
from service import PATIENCE_S, Service

# Asynchronous scripts: the last argument is the callback. What goes wrong is the text that they give back.
TALK = """
const [path, done] = arguments;
const socket = new WebSocket(`ws://${location.host}${path}`, path === '/plain' ? ['echo.v1', 'echo.v2'] : []);
socket.binaryType = 'arraybuffer';
const texts = ['', 'hello', 'κόσμε '.repeat(100), 'x'.repeat(70000), 'y'.repeat(1000000)];
const bytes = new Uint8Array(300000).map((_, i) => (i * 7919) >> 3);
const many = Array.from({ length: 500 }, (_, i) => `message ${i}`);
const expected = [...texts, bytes, ...many];
let received = 0;
socket.onopen = () => { for (const each of expected) socket.send(each); };
socket.onmessage = (event) => {
  const want = expected[received++];
  const same = typeof want === 'string' ? event.data === want
    : new Uint8Array(event.data).every((byte, i) => byte === want[i]);
  if (!same) done(`message ${received} is another`);
  if (received === expected.length) socket.send('please close');
};
socket.onclose = (event) => done([received, event.code, event.reason, event.wasClean, socket.extensions,
                                  socket.protocol]);
"""
REFUSED = """
const [path, done] = arguments;
const socket = new WebSocket(`ws://${location.host}${path}`);
socket.onopen = () => done('opened');
socket.onclose = (event) => done([event.code, event.wasClean]);
"""
LEAVE = """
const [path, done] = arguments;
const socket = new WebSocket(`ws://${location.host}${path}`);
socket.onopen = () => socket.close(4000, 'done');
socket.onclose = (event) => done([event.code, event.wasClean]);
"""
FOLLOW = """
const done = arguments[arguments.length - 1];
const seen = [];
const source = new EventSource('/feed');
source.onopen = () => fetch('/news', { method: 'POST', body: 'it rains' });
source.onmessage = (event) => {
  seen.push(event.data);
  if (seen.length === 1) fetch('/news', { method: 'POST', body: 'two\\nlines' });
  if (seen.length === 2) { source.close(); done(seen); }
};
"""


class Browser(unittest.TestCase):
    def setUp(self) -> None:
        profile = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, profile, True)
        self.chrome = browser(profile)
        self.addCleanup(self.chrome.quit)
        self.chrome.set_script_timeout(PATIENCE_S)

    def test_websocket(self) -> None:
        with Service("ASSAY_WEBSOCKET_PEER") as service:
            self.chrome.get(service.url("/"))
            for path, extension in (("/plain", ""), ("/fresh", "permessage-deflate"), ("/kept", "permessage-deflate")):
                with self.subTest(path):
                    received, *closed, extensions, protocol = self.chrome.execute_async_script(TALK, path)
                    self.assertEqual((received, closed), (506, [4321, "as you wish", True]))
                    self.assertEqual(extensions.split(";")[0], extension)
                    self.assertEqual(protocol, "echo.v2" if path == "/plain" else "")
            self.assertEqual(self.chrome.execute_async_script(LEAVE, "/plain"), [4000, True])
            self.assertEqual(self.chrome.execute_async_script(REFUSED, "/none"), [1006, False])
            self.assertEqual(service.stop(), 0, service.stderr())

    def test_a_page_of_another_origin_is_refused(self) -> None:
        with Service("ASSAY_WEBSOCKET_PEER") as service, Service("ASSAY_WEBSOCKET_PEER") as stranger:
            self.chrome.get(stranger.url("/"))
            script = REFUSED.replace("${location.host}", f"127.0.0.1:{service.port}")
            self.assertEqual(self.chrome.execute_async_script(script, "/plain"), [1006, False])

    def test_events(self) -> None:
        with Service("ASSAY_FEED") as feed:
            self.chrome.get(feed.url("/none"))  # a page of its origin, whatever it says
            self.assertEqual(self.chrome.execute_async_script(FOLLOW), ["it rains", "two\nlines"])


if __name__ == "__main__":
    unittest.main()
