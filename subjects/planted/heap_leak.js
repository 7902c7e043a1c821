// Every request leaves something behind for ever. The twin keeps as much of each, in a cache that fills and stops.
//
//   heap_leak.js PORT PEER_PORT fault|clean
'use strict';
const http = require('node:http');

const [port, , mode] = process.argv.slice(2);
const keptBytes = 40_000;
const cacheEntries = 300;
const kept = new Map();
let number = 0;

http
  .createServer((request, response) => {
    number += 1;
    const key = mode === 'fault' ? number : number % cacheEntries;
    if (!kept.has(key)) kept.set(key, Buffer.alloc(keptBytes, 1 + (number % 255)));
    response.end('ok');
  })
  .listen(Number(port), '127.0.0.1');
