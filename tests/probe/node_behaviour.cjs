// Things that a shim in front of Node.js could change, one line each; node_probe_test.py runs it with and without.
'use strict';
const child = require('node:child_process');
const crypto = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const zlib = require('node:zlib');

const say = (what, value) => console.log(`${what}: ${JSON.stringify(value)}`);
const digest = (data) => crypto.createHash('sha256').update(data).digest('hex');
const codeOf = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error.name} ${error.code ?? ''} ${error.syscall ?? ''} ${error.message}`;
  }
};

async function overHttp() {
  const server = http.createServer((request, response) => {
    if (request.url === '/late') return setTimeout(() => response.end('late'), 20);
    if (request.url === '/away') return request.socket.destroy();
    request.pipe(response);
  });
  server.on('clientError', (error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
  const ask = async (url, body) => {
    const request = http.request({ port, host: '127.0.0.1', path: url, method: 'POST', agent });
    request.end(body);
    const [response] = await once(request, 'response');
    let text = '';
    for await (const piece of response) text += piece;
    return [response.statusCode, text.length, digest(text)];
  };
  const many = Array.from({ length: 20 }, (_, n) => ask('/', 'x'.repeat(n * 5000)));
  say('echoed over two kept connections', await Promise.all(many));
  say('late', await ask('/late', ''));
  say('away', await ask('/away', '').catch((error) => error.code));
  const garbage = net.connect(port, '127.0.0.1', () => garbage.write('NO HTTP\r\n\r\n'));
  let answer = '';
  for await (const piece of garbage) answer += piece;
  say('garbage', answer);
  const cut = new AbortController();
  const request = http.get({ port, host: '127.0.0.1', path: '/late', signal: cut.signal });
  request.on('socket', () => cut.abort());
  say('aborted', await once(request, 'response').catch((error) => error.name));
  agent.destroy();
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

async function overSockets() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-node-'));
  const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  server.listen(path.join(folder, 'socket'));
  await once(server, 'listening');
  const client = net.connect({ path: path.join(folder, 'socket'), allowHalfOpen: true });
  client.end(Buffer.alloc(1 << 20, 'probe'));
  const pieces = [];
  for await (const piece of client) pieces.push(piece);
  say('a mebibyte and back', digest(Buffer.concat(pieces)));
  server.close();
  await once(server, 'close');
  const refused = net.connect(path.join(folder, 'socket'));
  say('refused', await once(refused, 'connect').catch((error) => error.code));
  fs.rmSync(folder, { recursive: true });
}

function synchronously() {
  say('no file', codeOf(() => fs.readFileSync('/nowhere')));
  say('bad argument', codeOf(() => fs.openSync(null)));
  say('folder', codeOf(() => fs.statSync('/').isDirectory()));
  say('exists', [fs.existsSync('/'), fs.existsSync('/nowhere')]);
  say('native', [typeof fs.realpathSync.native, fs.realpathSync.native('/')]);
  say('shapes', Object.keys(fs).map((name) => [name, typeof fs[name], fs[name]?.name, fs[name]?.length]));
  say('crypto', Object.keys(crypto).filter((name) => name.endsWith('Sync')).map((name) => crypto[name].length));
  say('hash', crypto.pbkdf2Sync('password', 'salt', 20_000, 32, 'sha256').toString('hex'));
  say('zipped', zlib.gunzipSync(zlib.gzipSync('probe'.repeat(1000))).length);
  say('echo', child.execFileSync('/bin/echo', ['said']).toString());
  say('no program', child.spawnSync('/nowhere').error.code);
  say('failed', codeOf(() => child.execSync('exit 7', { stdio: 'ignore' })));
  say('waited', Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20));
}

async function main() {
  synchronously();
  await overSockets();
  await overHttp();
  const modern = await import('node:fs');
  say('the same by import', modern.readFileSync === fs.readFileSync && modern.default === fs);
  const worker = new Worker('require("worker_threads").parentPort.postMessage(require("fs").existsSync("/"))',
    { eval: true });
  const ended = once(worker, 'exit'); // perhaps in the same turn as its message
  say('worker', await once(worker, 'message'));
  say('worker ended', await ended);
  say('listeners', ['uncaughtException', 'unhandledRejection', 'exit', 'SIGTERM', 'SIGUSR2'].map((name) =>
    process.listenerCount(name)));
  say('global', Object.keys(globalThis));
  say('limit', Error.stackTraceLimit);
  say('stack traces', typeof Error.prepareStackTrace);
  process.exitCode = 3;
}

if (process.argv[2] === 'rejects') Promise.reject(new TypeError('nobody listens'));
else main();
