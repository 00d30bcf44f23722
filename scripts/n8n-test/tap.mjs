// Stands between Outbound and N8N: checks every hand-off's signature with the Standard Webhooks library, hands it on,
// and makes trouble: some hand-offs reach N8N twice, at once or one after the other; what says REFUSED is refused.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(process.env.TOOLS + '/');
const { Webhook } = require('standardwebhooks');

/** The library, for a secret in plain text. */
export const library = (secret) => new Webhook(Buffer.from(secret).toString('base64'));

/** Listens at `port`; hands on to `target()`. `secrets` are those in force: a signature of each must be there. */
export async function startTap(port, secrets, target) {
  const seen = { handOffs: 0, repeats: [], wrong: [], answers: {} };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString();
    const headers = Object.fromEntries(
      ['content-type', 'idempotency-key', 'webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, request.headers[name]]),
    );
    seen.handOffs += 1;
    for (const secret of secrets) {
      try {
        library(secret).verify(raw, headers);
      } catch (error) {
        seen.wrong.push(String(error));
      }
    }
    // What the workflow signs again is JSON.stringify of what N8N parsed.
    const message = JSON.parse(raw);
    if (JSON.stringify(message) !== raw) seen.wrong.push(`not written as JavaScript writes it: ${raw}`);
    if (message.text === 'REFUSED') return response.writeHead(403).end();
    const send = async () => {
      const answer = await fetch(target(message), { method: 'POST', headers, body: raw });
      return { status: answer.status, body: await answer.text(), type: answer.headers.get('content-type') };
    };
    try {
      const twiceAtOnce = seen.handOffs % 10 === 3;
      const twiceInTurn = seen.handOffs % 10 === 7;
      const [first, second] = twiceAtOnce ? await Promise.all([send(), send()]) : [await send(), null];
      if (second) seen.repeats.push([first, second]);
      if (twiceInTurn) setTimeout(async () => seen.repeats.push([await send()]), 3_000);
      seen.answers[first.status] = (seen.answers[first.status] ?? 0) + 1;
      response.writeHead(first.status, { 'content-type': first.type ?? 'text/plain' }).end(first.body);
    } catch (error) {
      seen.answers[String(error.cause?.code ?? error)] = (seen.answers[String(error.cause?.code ?? error)] ?? 0) + 1;
      response.writeHead(502).end();
    }
  });
  await new Promise((ready) => server.listen(port, '127.0.0.1', ready));
  return { seen, close: () => server.close() };
}
