// A subscriber on aws-amplify: node subscriber.mjs CONFIG.json
// The config holds endpoint, apiKey and channels.
// It prints "ready", then each thing that it is sent, a line of JSON each.
import { readFileSync } from 'node:fs';
import { Amplify } from 'aws-amplify';
import { CONNECTION_STATE_CHANGE, generateClient } from 'aws-amplify/api';
import { Hub } from 'aws-amplify/utils';
import WebSocket from 'ws';

globalThis.WebSocket ??= WebSocket; // Node has it since version 22

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
Amplify.configure({
  API: {
    GraphQL: { endpoint: config.endpoint, apiKey: config.apiKey, defaultAuthMode: 'apiKey' },
  },
});
Hub.listen('api', ({ payload }) => {
  if (payload.event === CONNECTION_STATE_CHANGE && payload.data.connectionState === 'Connected') {
    console.log('ready');
  }
});
const client = generateClient();
const query = 'subscription ($name: String) { subscribe(name: $name) { name data } }';
for (const name of config.channels) {
  client.graphql({ query, variables: { name } }).subscribe({
    next: ({ data }) => console.log(JSON.stringify({ asked: name, ...data.subscribe })),
    error: (error) => console.error(JSON.stringify(error)),
  });
}
setInterval(() => {}, 60_000); // or Node ends while it waits for the first connection's promise
