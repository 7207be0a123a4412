// Follow the channels TESLA and AMAZON of an AppSync API, a line for each result:
//
//     npm install
//     APPSYNC_ENDPOINT=https://….appsync-api.….amazonaws.com/graphql APPSYNC_API_KEY=… node follow.js
//
// A result may come more than once, then with the same id; it is printed once. What is published
// while nobody is connected doesn't come later: AppSync keeps nothing. For that, use the gateway.

import { Amplify } from "aws-amplify";
import { CONNECTION_STATE_CHANGE, generateClient } from "aws-amplify/api";
import { Hub } from "aws-amplify/utils";
import WebSocket from "ws";

const CHANNELS = ["TESLA", "AMAZON"];
const REMEMBERED = 10_000;
const DOCUMENT = "subscription Follow($name: String) { subscribe(name: $name) { name data } }";

globalThis.WebSocket ??= WebSocket; // Node has one of its own from version 22 on
Amplify.configure({
  API: {
    GraphQL: {
      endpoint: process.env.APPSYNC_ENDPOINT,
      apiKey: process.env.APPSYNC_API_KEY,
      region: process.env.AWS_REGION,
      defaultAuthMode: "apiKey",
    },
  },
});
Hub.listen("api", ({ payload: { event, data } }) => {
  if (event === CONNECTION_STATE_CHANGE) console.error(data.connectionState);
});

const seen = new Set();
const client = generateClient();
for (const name of CHANNELS) {
  client.graphql({ query: DOCUMENT, variables: { name } }).subscribe({
    next: ({ data }) => show(data.subscribe),
    error: (error) => console.error(JSON.stringify(error)),
  });
}

function show({ name, data }) {
  const { id, key, value } = JSON.parse(data);
  if (seen.has(id)) return;
  seen.add(id);
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
  console.log(name, key, JSON.stringify(value));
}
