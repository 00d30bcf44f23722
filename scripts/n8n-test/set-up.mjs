// What a person does in N8N's editor: makes the credentials. And what only a test needs: schedules of seconds instead
// of minutes, a copy of the receiver that breaks, one whose providers are not set up, and a copy of the pull mode that
// can't write its keys.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const [pack, out] = process.argv.slice(2);
const { WORKER_SECRET, N8N_CALLBACK_SECRET, SERVICE_TOKEN, N8N_SECRET } = process.env;
mkdirSync(`${out}/workflows`, { recursive: true });

const header = (name, value) => ({ type: 'httpHeaderAuth', data: { name, value } });
const credentials = {
  'Outbound worker secret': header('x-worker-secret', WORKER_SECRET),
  'Outbound callback secret': header('x-callback-secret', N8N_CALLBACK_SECRET),
  'Outbound service token': header('x-service-token', SERVICE_TOKEN),
  'Outbound webhook secret': { type: 'crypto', data: { hmacSecret: N8N_SECRET } },
  'Zalo access token': header('access_token', 'zalo-token'),
  'Facebook page token': { type: 'httpBearerAuth', data: { token: 'facebook-token' } },
  'SMS account': { type: 'httpBasicAuth', data: { user: 'sms-token', password: 'x' } },
  'CRM token': { type: 'httpBearerAuth', data: { token: 'crm-token' } },
};

const workflows = readdirSync(pack).filter((file) => file.endsWith('.json')).map((file) => JSON.parse(readFileSync(`${pack}/${file}`, 'utf8')));

// The files name each credential by id and name.
const named = new Map();
for (const { nodes } of workflows) {
  for (const node of nodes) {
    for (const [type, { id, name }] of Object.entries(node.credentials ?? {})) {
      if (credentials[name]?.type !== type) throw new Error(`${node.name}: no credential ${name} of type ${type}`);
      named.set(name, id);
    }
  }
}
const made = Object.entries(credentials).map(([name, { type, data }]) => ({ id: named.get(name), name, type, data }));
writeFileSync(`${out}/credentials.json`, JSON.stringify(made));

/** A copy of the receiver at a path of its own. */
function receiver(id, change) {
  const copy = structuredClone(workflows.find((workflow) => workflow.id === 'outboundReceiver'));
  Object.assign(copy, { id, name: id });
  for (const node of copy.nodes) {
    if (node.type === 'n8n-nodes-base.webhook') Object.assign(node, { webhookId: id, parameters: { ...node.parameters, path: id } });
    change[node.name]?.(node);
  }
  return copy;
}

const crash = receiver('outboundCrash', {
  'Which channel?': (node) => Object.assign(node, { type: 'n8n-nodes-base.stopAndError', typeVersion: 1, parameters: { errorMessage: 'broken on purpose' } }),
});
crash.connections['Which channel?'] = { main: [] };
const bare = receiver('outboundBare', {
  'Send ZALO': (node) => Object.assign(node.parameters, { url: '={{ $env.NOT_SET_API_URL }}' }),
  'Send FB': (node) => Object.assign(node.credentials.httpBearerAuth, { id: 'nobodyMadeIt', name: 'nobody made it' }),
  'Send SMS': (node) => Object.assign(node.parameters, { url: 'http://127.0.0.1:1/sms' }),
});

const unnoted = structuredClone(workflows.find((workflow) => workflow.id === 'outboundPull'));
Object.assign(unnoted, { id: 'outboundUnnoted', name: 'outboundUnnoted' });
unnoted.nodes.find((node) => node.name === 'Note the keys').parameters.dataTableId.value = 'no_such_table';

for (const workflow of [...workflows, crash, bare, unnoted]) {
  for (const node of workflow.nodes) {
    const interval = node.parameters.rule?.interval?.[0];
    if (interval?.field === 'minutes') node.parameters.rule.interval = [{ field: 'seconds', secondsInterval: 4 }];
  }
  writeFileSync(`${out}/workflows/${workflow.id}.json`, JSON.stringify(workflow));
}
