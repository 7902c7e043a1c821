// Run by node_test.py with the service's address; prints "ok" or fails.
import assert from 'node:assert/strict';

const base = process.argv[2];

const text = async (path, options) => {
  const response = await fetch(base + path, options);
  assert.equal(response.status, 200);
  return response.text();
};

assert.equal(await text('/a?b=c'), 'GET /a?b=c\n');
assert.equal(await text('/a', { method: 'POST', body: 'hello' }), 'POST /a\nhello');
assert.equal((await text('/large?bytes=5000000')).length, 5_000_000);
assert.equal((await fetch(base + '/large?bytes=10', { method: 'HEAD' })).headers.get('content-length'), '10');
for (const code of [204, 304, 404, 500]) {
  assert.equal((await fetch(`${base}/status?code=${code}`)).status, code);
}

// A body of unknown length: sent in chunks.
const pieces = ['one,', 'two,', 'x'.repeat(1_000_000), ',end'];
const stream = () => new ReadableStream({
  async start(controller) {
    for (const piece of pieces) {
      controller.enqueue(new TextEncoder().encode(piece));
      await new Promise(setImmediate);
    }
    controller.close();
  },
});
const echoed = await text('/echo', { method: 'POST', body: stream(), duplex: 'half' });
assert.equal(echoed, pieces.join(''));
assert.equal(await text('/upload', { method: 'PUT', body: stream(), duplex: 'half' }), String(echoed.length));

// At the same time, and again over the connections that were kept.
for (let round = 0; round < 3; ++round) {
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => text(`/sleep?ms=${i}`)));
  assert.deepEqual(new Set(answers), new Set(['slept\n']));
  const bodies = await Promise.all(
    Array.from({ length: 50 }, (_, i) => text('/echo', { method: 'POST', body: String(i).repeat(1000) })));
  bodies.forEach((body, i) => assert.equal(body, String(i).repeat(1000)));
}

// Giving up in the middle must not disturb the others.
const controller = new AbortController();
const given_up = fetch(base + '/sleep?ms=300', { signal: controller.signal });
setTimeout(() => controller.abort(), 20);
await assert.rejects(given_up, { name: 'AbortError' });
assert.equal(await text('/after'), 'GET /after\n');

console.log('ok');
