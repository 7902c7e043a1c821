// A file that answers late is read on the loop. The twin reads it in the thread pool.
//
//   sync_file.js PORT PEER_PORT fault|clean
//
// The file is a FIFO; a worker writes to it a while after it was asked.
'use strict';
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const lateMs = 80;

function serve() {
  const [port, , mode] = process.argv.slice(2);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-planted-'));
  const fifo = path.join(directory, 'slow.fifo');
  execFileSync('mkfifo', [fifo]);
  const file = fs.openSync(fifo, 'r+');
  fs.rmSync(directory, { recursive: true });
  const writer = new Worker(__filename, { workerData: { file } });
  const byte = Buffer.alloc(1);
  http
    .createServer(function answer(request, response) {
      writer.postMessage('asked');
      if (mode === 'fault') {
        fs.readSync(file, byte); // planted
        response.end('ok');
      } else {
        fs.read(file, Buffer.alloc(1), 0, 1, null, () => response.end('ok'));
      }
    })
    .listen(Number(port), '127.0.0.1');
}

if (isMainThread) {
  serve();
} else {
  parentPort.on('message', () => setTimeout(() => fs.writeSync(workerData.file, 'x'), lateMs));
}
