// Run by websocket_node_test.py with the server's port; prints "ok" or fails. With the path of the package ws as well it
// is that which talks, else Node's own.
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const Socket = process.argv[3] ? (await import(pathToFileURL(process.argv[3]))).WebSocket : WebSocket;
const base = `ws://127.0.0.1:${process.argv[2]}`;

const open = async (path, protocols = []) => {
  const socket = new Socket(base + path, protocols);
  socket.binaryType = 'arraybuffer';
  const queue = [];
  const waiting = [];
  const tell = (event) => (waiting.length > 0 ? waiting.shift()(event) : queue.push(event));
  for (const name of ['message', 'close']) socket.addEventListener(name, tell);
  const next = () => (queue.length > 0 ? queue.shift() : new Promise((resolve) => waiting.push(resolve)));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`cannot open ${path}`)));
  });
  return { socket, next };
};

for (const path of ['/plain', '/fresh', '/kept']) {
  const { socket, next } = await open(path);
  for (const text of ['', 'hello', 'κόσμε '.repeat(100), 'x'.repeat(70_000), 'y'.repeat(1_000_000)]) {
    socket.send(text);
    assert.equal((await next()).data, text);
  }
  const bytes = new Uint8Array(300_000).map((_, i) => (i * 7919) >> 3);
  socket.send(bytes);
  assert.deepEqual(new Uint8Array((await next()).data), bytes);

  // Many at once come back in order.
  for (let i = 0; i < 1000; ++i) socket.send(`message ${i}`);
  for (let i = 0; i < 1000; ++i) assert.equal((await next()).data, `message ${i}`);

  socket.send('please close');
  const closed = await next();
  assert.deepEqual([closed.code, closed.reason, closed.wasClean], [4321, 'as you wish', true]);
}

const { socket, next } = await open('/plain', ['echo.v1', 'echo.v2']);
assert.equal(socket.protocol, 'echo.v2');
socket.close(4000, 'done');
const closed = await next();
assert.deepEqual([closed.code, closed.wasClean], [4000, true]);

await assert.rejects(open('/none'));

console.log('ok');
