// The benchmarks' WebSocket service on ws: /socket echoes, /room tells everybody. One process, no compression, as ours.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const { values: options } = parseArgs({ options: { port: { type: 'string' } } });
const server = createServer((_, reply) => {
  reply.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': 13 });
  reply.end('hello, world\n');
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

const echo = (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));

const room = new Set();
const enter = (socket) => {
  room.add(socket);
  socket.on('close', () => room.delete(socket));
  socket.on('message', (data, isBinary) => {
    for (const each of room) each.send(data, { binary: isBinary });
  });
};

sockets.on('connection', (socket, request) => {
  socket.on('error', () => {});
  (request.url === '/room' ? enter : echo)(socket);
});

for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => process.exit(0));
server.listen({ host: '127.0.0.1', port: Number(options.port), backlog: 4096 });
