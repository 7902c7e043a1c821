// A report is computed on the loop, for a tenth of a second in one go. The twin computes the same in pieces, and lets
// the loop turn between them.
//
//   cpu_report.js PORT PEER_PORT fault|clean
'use strict';
const http = require('node:http');

const [port, , mode] = process.argv.slice(2);
const steps = 20_000_000;
const stepsOfPiece = 200_000;

function total(sum, from, to) {
  let made = sum;
  for (let i = from; i < to; i += 1) made = (made * 31 + i) % 65_537; // planted
  return made;
}

function inPieces(sum, from, done) {
  if (from >= steps) return done(sum);
  const to = Math.min(from + stepsOfPiece, steps);
  return setImmediate(() => inPieces(total(sum, from, to), to, done));
}

http
  .createServer((request, response) => {
    if (mode === 'fault') response.end(String(total(0, 0, steps)));
    else inPieces(0, 0, (sum) => response.end(String(sum)));
  })
  .listen(Number(port), '127.0.0.1');
