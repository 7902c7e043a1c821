// An echo server on the package ws, whose path is given; compresses when asked to. Prints its port.
import { pathToFileURL } from 'node:url';

const { WebSocketServer } = await import(pathToFileURL(process.argv[2]));
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: process.argv[3] === 'deflate' });
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    if (data.toString() === 'please close') socket.close(4321, 'as you wish');
    else socket.send(data, { binary: isBinary });
  });
});
server.on('listening', () => console.log(server.address().port));
