// Stands in for Zalo, Facebook, an SMS provider and the CRM's call notes, in their own words. Sends nothing.
// By itself: node scripts/n8n-test/provider.mjs [port]   then set ZALO_API_URL=http://127.0.0.1:<port>/zalo and so on.
//
// The last digit of the recipient chooses the answer: 0-5 sent, 6 failed for now, 7 failed for good, 8 skipped,
// 9 refused by HTTP status. A text with NO-ANSWER gets none: the connection is cut.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/** What must become of a message to this recipient: [status, whether a retry follows]. */
export function expected(to) {
  return { 6: ['FAILED', true], 7: ['FAILED', false], 8: ['SKIPPED', false], 9: ['FAILED', false] }[to.at(-1)] ?? ['SENT', false];
}

const channels = {
  zalo: {
    channel: 'ZALO', to: (b) => b.phone, text: (b) => b.template_data.content,
    sent: (id) => ({ error: 0, message: 'Success', data: { msg_id: id, sent_time: String(Date.now()) } }),
    codes: { 6: [-126, 'the wallet is empty'], 7: [-108, 'the phone number is invalid'], 8: [-118, 'no Zalo account'] },
    error: ([code, message]) => [200, { error: code, message }],
    sender: (headers) => headers.access_token,
  },
  fb: {
    channel: 'FB', to: (b) => b.recipient.id, text: (b) => b.message.text,
    sent: (id, to) => ({ recipient_id: to, message_id: id }),
    codes: { 6: [2, 'service temporarily unavailable', 500], 7: [10, 'outside the allowed window', 403], 8: [551, "this person isn't available right now", 400] },
    error: ([code, message, status]) => [status, { error: { code, message } }],
    sender: (headers) => headers.authorization,
  },
  sms: {
    channel: 'SMS', to: (b) => b.to[0], text: (b) => b.content,
    sent: (id) => ({ status: 'success', code: '00', data: { tranId: id, totalSMS: 1 } }),
    codes: { 6: ['300', 'not enough balance'], 7: ['105', 'the phone number is invalid'], 8: ['106', 'on the do-not-call list'] },
    error: ([code, message]) => [200, { status: 'error', code, message }],
    sender: (headers) => headers.authorization,
  },
  'call-notes': {
    channel: 'CALL_NOTE', to: (b) => b.phone.replace('+', ''), text: (b) => b.note,
    sent: (id) => ({ id }),
    codes: { 6: ['BUSY', 'try again later', 503], 7: ['NOT_FOUND', 'no such lead', 404], 8: ['CLOSED', 'the lead is closed', 409] },
    error: ([code, message, status]) => [status, { code, message }],
    sender: (headers) => headers.authorization,
  },
};

/** Listens; `calls` holds what came, `alerts` the texts posted to /alerts. */
export async function startProvider(port = 0) {
  const calls = [];
  const alerts = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const name = request.url.slice(1);
    let body;
    try {
      body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    } catch {
      return answer(400, { code: 'NOT_JSON', message: 'not JSON' });
    }
    if (name === 'alerts') {
      alerts.push(body.text);
      return answer(200, {});
    }
    const spoken = channels[name];
    if (!spoken || request.method !== 'POST') return answer(404, { code: 'NOT_FOUND', message: 'nothing here' });
    const to = spoken.to(body);
    const id = `${name}-${calls.length + 1}`;
    calls.push({ channel: spoken.channel, to, text: spoken.text(body), id, sender: spoken.sender(request.headers), key: request.headers['idempotency-key'] });
    if (spoken.text(body).includes('NO-ANSWER')) return request.socket.destroy();
    const end = to.at(-1);
    if (end === '9') return answer(422, 'refused');
    if (spoken.codes[end]) return answer(...spoken.error(spoken.codes[end]));
    return answer(200, spoken.sent(id, to));
  });
  await new Promise((ready) => server.listen(port, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${server.address().port}`, calls, alerts, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const provider = await startProvider(Number(process.argv[2] ?? 9099));
  console.log(`a provider that sends nothing: ${provider.url}/{${Object.keys(channels).join(',')}}`);
  setInterval(() => {
    for (const call of provider.calls.splice(0)) console.log(JSON.stringify(call));
    for (const alert of provider.alerts.splice(0)) console.log('ALERT', alert);
  }, 500);
}
