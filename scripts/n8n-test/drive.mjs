// Queues messages, waits until N8N has had them all, and compares. Asks scripts/test-n8n for what starts and stops
// programs, by a word in a file.
import { readFileSync, writeFileSync } from 'node:fs';
import { expected, startProvider } from './provider.mjs';
import { library, startTap } from './tap.mjs';

const { OUTBOUND_URL, N8N_URL, TOKEN, SERVICE_TOKEN, MESSAGES, PROVIDER_PORT, TAP_PORT, TAP_SECRETS } = process.env;
const [stepsFile] = process.argv.slice(2);
const secrets = TAP_SECRETS.split(',');
const channels = ['ZALO', 'FB', 'SMS', 'CALL_NOTE'];
const problems = [];
const check = (fits, what) => {
  if (!fits) problems.push(what);
  return fits;
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const log = (text) => console.log(text);

async function until(what, seconds, met) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(300)) {
    if (await met()) return true;
  }
  return check(false, `${what}: not within ${seconds} s`);
}

async function please(step) {
  writeFileSync(stepsFile, step);
  await until(step, 180, () => readFileSync(stepsFile, 'utf8') === 'done');
}

async function call(method, path, body, headers = { authorization: `Bearer ${TOKEN}` }) {
  const answer = await fetch(OUTBOUND_URL + path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

let number = 0;
/** A recipient that ends in this digit. */
function recipient(channel, end) {
  number += 1;
  return channel === 'FB' ? `77${String(number).padStart(8, '0')}${end}` : `090${String(number).padStart(6, '0')}${end}`;
}
/** As the provider gets it. */
const known = (channel, to) => (channel === 'FB' ? to : `84${to.slice(1)}`);

// What two ways of writing JSON might write differently.
const odd = 'Xin chào “bạn” 😀 \\ " / \u2028\n <b>&amp;</b> {{ $json }} ${x}';

async function queue(channel, to, text) {
  const { status, body } = await call('POST', '/api/outbound/messages', { channel, to, text });
  if (status !== 201) throw new Error(`a message was not taken: ${status} ${JSON.stringify(body)}`);
  return { id: body.outboundMessage.id, channel, to: known(channel, to) };
}

async function queueAll() {
  const wanted = Array.from({ length: Number(MESSAGES) }, (_, index) => [channels[index % 4], Math.floor(index / 4) % 10]);
  const queued = [];
  for (let from = 0; from < wanted.length; from += 10) {
    const batch = wanted.slice(from, from + 10);
    queued.push(...(await Promise.all(batch.map(([channel, end]) => queue(channel, recipient(channel, end), `${odd} ${channel} ${end}`)))));
  }
  return queued;
}

const read = async (id) => (await call('GET', `/api/outbound/messages/${id}`)).body;
const counts = async () => {
  const count = async (status) => (await call('GET', `/api/outbound/messages?pageSize=1&status=${status}`)).body.total;
  return { waiting: (await count('QUEUED')) + (await count('LEASED')) + (await count('DISPATCHED')) };
};

const provider = await startProvider(Number(PROVIDER_PORT));
const rows = [];

/** Compares each message with what the provider said of it. */
async function compare(way, messages, seconds) {
  for (const channel of channels) {
    const row = { way, channel, messages: 0, SENT: 0, FAILED: 0, SKIPPED: 0, 'other': 0, 'as the provider said': 0, 'calls to the provider': 0, 'sent more than once': 0 };
    for (const { id, to } of messages.filter((message) => message.channel === channel)) {
      const { outboundMessage: message } = await read(id);
      const calls = provider.calls.filter((call) => call.channel === channel && call.to === to);
      const [status, retries] = expected(to);
      row.messages += 1;
      row[['SENT', 'FAILED', 'SKIPPED'].includes(message.status) ? message.status : 'other'] += 1;
      row['calls to the provider'] += calls.length;
      row['sent more than once'] += calls.length > 1 ? 1 : 0;
      const fits =
        check(message.status === status, `${way} ${channel} ${to}: ${message.status} (${message.error}), the provider said ${status}`) &&
        check(status !== 'SENT' || message.providerMessageId === calls[0]?.id, `${to}: providerMessageId ${message.providerMessageId}`) &&
        check(status === 'SENT' || !!message.error, `${to}: no error is told`) &&
        check(status !== 'FAILED' || (message.nextAttemptAt !== null) === retries, `${to}: next attempt ${message.nextAttemptAt} (${message.error})`) &&
        check(calls.length === 1, `${way} ${channel} ${to}: the provider was called ${calls.length} times`) &&
        check(calls[0]?.text.startsWith(odd), `${to}: the text reached the provider changed`) &&
        check(calls[0]?.key === `${id}:1`, `${to}: Idempotency-Key ${calls[0]?.key}`) &&
        check(/token|^Basic /.test(calls[0]?.sender ?? ''), `${to}: no credential reached the provider`);
      row['as the provider said'] += fits ? 1 : 0;
    }
    rows.push(row);
  }
  log(`${way}: ${messages.length} messages in ${seconds.toFixed(1)} s, ${(messages.length / seconds).toFixed(1)} a second`);
}

/** Queues, waits until all are settled, compares. */
async function drive(way) {
  const began = Date.now();
  const messages = await queueAll();
  log(`${way}: ${messages.length} messages queued in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  const from = Date.now();
  await until(`${way}: every message settled`, 240, async () => (await counts()).waiting === 0);
  await compare(way, messages, (Date.now() - from) / 1000);
  return messages;
}

// ── Push. The worker is run by workflow 1; hand-offs come through the tap.
const copies = { CRASH: 'outboundCrash', BARE: 'outboundBare' };
const target = ({ text }) => `${N8N_URL}/webhook/${copies[text] ?? 'outbound'}`;
const tap = await startTap(Number(TAP_PORT), secrets, target);
const pushed = await drive('push');
await sleep(4_000);
for (const { id } of pushed) {
  const { outboundMessage } = await read(id);
  check(provider.calls.filter((call) => call.key === `${id}:1`).length === 1, `${outboundMessage.to}: sent again by a repeat`);
}
check(tap.seen.wrong.length === 0, `the Standard Webhooks library refused hand-offs: ${tap.seen.wrong[0]}`);
check(tap.seen.repeats.length > 0 || Number(MESSAGES) < 10, 'no hand-off was repeated');
const late = tap.seen.repeats.filter((answers) => answers.length === 1).map(([answer]) => JSON.parse(answer.body));
check(late.every(({ repeat, status }) => repeat === true && status !== null), `repeats were answered ${JSON.stringify(late[0])}`);
log(`push: ${tap.seen.handOffs} hand-offs, signatures checked by the library; ${tap.seen.repeats.length} repeated, of which none was sent again`);

// ── A hand-off that Outbound did not sign.
const forged = { messageId: pushed[0].id, channel: 'SMS', to: '+84900000000', text: 'forged', attempt: 9 };
const key = `${forged.messageId}:9`;
for (const [what, headers] of [
  ['unsigned', {}],
  ['wrongly signed', { 'webhook-signature': library('somebody else').sign(key, new Date(), JSON.stringify(forged)) }],
  ['signed long ago', { 'webhook-timestamp': '1700000000', 'webhook-signature': library(secrets[1]).sign(key, new Date(1700000000000), JSON.stringify(forged)) }],
]) {
  const answer = await fetch(`${N8N_URL}/webhook/outbound`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, 'webhook-id': key, 'webhook-timestamp': String(Math.floor(Date.now() / 1000)), ...headers },
    body: JSON.stringify(forged),
  });
  check(answer.status === 401, `${what}: the receiver answered ${answer.status}`);
}
check(!provider.calls.some((call) => call.text === 'forged'), 'a forged hand-off was sent');
log('push: unsigned, wrongly signed and old hand-offs are refused by the receiver');

// ── Callbacks that the library signed, in place of the plain secret.
const body = JSON.stringify({ messageId: pushed[0].id, status: 'SENT' });
async function signedCallback(secret, text, id) {
  const at = new Date();
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)), 'webhook-signature': library(secret).sign(id, at, body) };
  return (await call('POST', '/api/outbound/callback', text, headers)).status;
}
for (const secret of secrets) check((await signedCallback(secret, body, 'a')) === 200, 'a callback that the library signed was refused');
check((await signedCallback('somebody else', body, 'b')) === 403, 'a callback with a wrong signature was taken');
check((await signedCallback(secrets[0], body.replace('SENT', 'FAILED'), 'c')) === 403, 'a callback that was changed was taken');
log('callbacks signed by the library with either secret are taken, changed ones are not');

// ── An execution that breaks before sending, and a provider that does not answer.
const broken = await queue('SMS', recipient('SMS', 0), 'CRASH');
const silent = await queue('SMS', recipient('SMS', 0), 'NO-ANSWER');
await until('a broken execution is called back as FAILED', 60, async () => (await read(broken.id)).outboundMessage.status === 'FAILED');
const { outboundMessage: failed } = await read(broken.id);
check(failed.nextAttemptAt !== null && /broken on purpose/.test(failed.error ?? ''), `a broken execution: ${failed.error}`);
await until('the provider was asked', 30, () => provider.calls.some((call) => call.to === silent.to));
await sleep(3_000);
const { outboundMessage: unknown } = await read(silent.id);
check(unknown.status === 'DISPATCHED', `no answer from the provider: ${unknown.status} (${unknown.error})`);
check(provider.calls.filter((call) => call.to === silent.to).length === 1, 'no answer from the provider: sent again');
log(`a broken execution is FAILED with a retry ("${failed.error}"); one that the provider left unanswered waits for a person`);

// ── Providers that are not set up, or not there.
for (const [channel, says, retries] of [['ZALO', /not set up/, false], ['FB', /not set up/, false], ['SMS', /can't be reached/, true]]) {
  const { id } = await queue(channel, recipient(channel, 0), 'BARE');
  await until(`${channel} without a provider is FAILED`, 30, async () => (await read(id)).outboundMessage.status === 'FAILED');
  const { outboundMessage: message } = await read(id);
  check(says.test(message.error ?? '') && (message.nextAttemptAt !== null) === retries, `${channel} without a provider: ${message.error}, next ${message.nextAttemptAt}`);
  log(`without a provider: ${channel} is FAILED ${retries ? 'with' : 'without'} a retry ("${message.error}")`);
}

// ── A hand-off that is refused: the run says so, and workflow 1 raises an alert.
const told = provider.alerts.length;
const refused = await queue('SMS', recipient('SMS', 0), 'REFUSED');
const alarm = () => provider.alerts.slice(told).find((text) => /[1-9]\d* of \d+ hand-offs failed/.test(text));
await until('an alert for a refused hand-off', 60, alarm);
check((await read(refused.id)).outboundMessage.status === 'FAILED', 'a refused hand-off is not FAILED');
log(`alert for a refused hand-off: ${alarm()}`);

// ── Jobs, by workflow 4.
const { body: created } = await call('POST', '/api/outbound/jobs', {
  title: 'A job', channel: 'SMS', text: 'from a job', recipients: [0, 1].map((end) => ({ to: recipient('SMS', end) })),
});
const job = async () => {
  const { body: list } = await call('GET', '/api/outbound/jobs?pageSize=100', undefined, { 'x-service-token': SERVICE_TOKEN });
  return list.items?.find(({ id }) => id === created.outboundJob?.id);
};
await until('a job is DONE', 60, async () => (await job())?.status === 'DONE');
const ended = await job();
check(ended?.runId && ended.dispatchedAt && ended.messageCounts.SENT === 2, `the job ended as ${JSON.stringify(ended)}`);
log(`jobs: NEW -> DISPATCHED -> ${ended?.status}, run ${ended?.runId}`);

// ── An error must not look like an idle queue.
const before = provider.alerts.length;
await please('stop-outbound');
await until('an alert while Outbound is down', 60, () => provider.alerts.slice(before).some((text) => text.includes('did NOT run')));
log(`alert while Outbound is down: ${provider.alerts.slice(before).find((text) => text.includes('did NOT run'))}`);
await please('start-outbound');

// ── Pull.
await please('switch-to-pull');
const handOffs = tap.seen.handOffs;
// A person settles the message that the provider left unanswered.
await call('POST', '/api/outbound/callback', { messageId: silent.id, status: 'FAILED', permanent: true, error: 'settled by the test' }, { 'x-callback-secret': process.env.N8N_CALLBACK_SECRET });
await drive('pull');
const [one, other] = [await queue('ZALO', recipient('ZALO', 0), 'NO-ANSWER'), await queue('ZALO', recipient('ZALO', 0), 'pulled')];
await until('a message goes its way beside one without an answer', 60, async () => (await read(other.id)).outboundMessage.status === 'SENT');
check((await read(one.id)).outboundMessage.status === 'DISPATCHED', 'pulled, and no answer from the provider: not left to a person');
check(tap.seen.handOffs === handOffs, 'a message was pushed while all were to be pulled');

// ── A batch whose keys can't be written was not sent, and does not wait for a person.
await please('switch-to-unnoted');
const unnoted = [await queue('SMS', recipient('SMS', 0), 'unnoted'), await queue('FB', recipient('FB', 0), 'unnoted')];
for (const { id, to } of unnoted) {
  await until('a message whose key can not be written is FAILED', 60, async () => (await read(id)).outboundMessage.status === 'FAILED');
  const { outboundMessage: message } = await read(id);
  check(message.nextAttemptAt !== null && /could not note the key/.test(message.error ?? ''), `a key that can't be written: ${message.error}, next ${message.nextAttemptAt}`);
  check(!provider.calls.some((call) => call.to === to), 'a message whose key could not be written was sent');
  log(`a key that can't be written: FAILED with a retry ("${message.error}")`);
}

console.table(rows);
provider.close();
tap.close();
if (problems.length > 0) {
  log(`${problems.length} things differ:`);
  for (const problem of problems.slice(0, 40)) log(`  ${problem}`);
  process.exit(1);
}
log('everything as it should be');
process.exit(0);
