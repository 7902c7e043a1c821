// A service on Node.js that tells how long its loop kept what became ready waiting. What it does on which input is told
// in asyncio_service.py; 0 and 1 switch the probe's own shim, where there is one.
//
//   node_service.js --port N [--every N]
'use strict';
const http = require('node:http');
const { parseArgs } = require('node:util');

const { values: options } = parseArgs({ options: { port: { type: 'string' }, every: { type: 'string' } } });
const every = Number(options.every ?? 0);
const burnsMs = [10, 40];
const answer = 'hello, world\n';
const shim = globalThis[Symbol.for('assay.probe')];
const lagsNs = [];
let served = 0;

function burn() {
  const until = performance.now() + burnsMs[Math.floor(served / every) % burnsMs.length];
  while (performance.now() < until);
}

http
  .createServer((request, response) => {
    served += 1;
    if (every > 0 && served % every === 0) burn();
    response.setHeader('content-length', answer.length);
    response.end(answer);
  })
  .listen(Number(options.port), '127.0.0.1', 1024);

process.stdin.on('data', (data) => {
  const now = process.hrtime.bigint();
  for (let at = 0; at + 8 <= data.length; at += 8) {
    const number = data.readBigUInt64LE(at);
    if (number > 1n) lagsNs.push(Number(now - number));
    else if (number === 1n) shim?.resume();
    else shim?.pause();
  }
});
process.stdin.on('end', () => process.stdout.write(`${JSON.stringify(lagsNs)}\n`, () => process.exit(0)));
