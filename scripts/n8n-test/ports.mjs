// Prints so many free ports.
import { createServer } from 'node:net';

const servers = [];
for (let count = Number(process.argv[2]); count > 0; count -= 1) {
  const server = createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  servers.push(server);
}
console.log(servers.map((server) => server.address().port).join(' '));
for (const server of servers) server.close();
