// A password is hashed on the loop. The twin hashes it in the thread pool.
//
//   sync_hash.js PORT PEER_PORT fault|clean
'use strict';
const crypto = require('node:crypto');
const http = require('node:http');

const [port, , mode] = process.argv.slice(2);
const rounds = 150_000;

http
  .createServer(function answer(request, response) {
    if (mode === 'fault') {
      crypto.pbkdf2Sync('secret', 'salt', rounds, 64, 'sha512'); // planted
      response.end('ok');
    } else {
      crypto.pbkdf2('secret', 'salt', rounds, 64, 'sha512', () => response.end('ok'));
    }
  })
  .listen(Number(port), '127.0.0.1');
