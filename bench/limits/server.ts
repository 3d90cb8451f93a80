// Answers from memory and does nothing else: what a Node process can do at best. Takes its port.
import { createServer } from 'node:http';
import { mib } from '../content.ts';

const small = Buffer.alloc(500, 'small');
const piece = Buffer.alloc(mib, 'large');
const pieces = 256;

const server = createServer((request, response) => {
  if (request.url === '/small') {
    response.writeHead(200, { 'Content-Length': small.length }).end(small);
    return;
  }
  response.writeHead(200, { 'Content-Length': pieces * mib });
  let sent = 0;
  const send = () => {
    while (sent < pieces) {
      sent += 1;
      if (!response.write(piece)) return;
    }
    response.end();
  };
  response.on('drain', send);
  send();
});
server.listen(Number(process.argv[2]), '127.0.0.1');
