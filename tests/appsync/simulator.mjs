// Runs Amplify's AppSync simulator on loopback: node simulator.mjs CONFIG.json
// The config holds port, apiKey, cert and key (PEM files), folder (of schema.graphql and resolvers/)
// and, if resolvers need one, a DynamoDB table: {endpoint, tableName}.
import { readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import simulator from '@aws-amplify/amplify-appsync-simulator';

// It would listen on every address of this machine.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return typeof port === 'number'
    ? listen.call(this, { port, host: '127.0.0.1' }, ...rest)
    : listen.call(this, port, ...rest);
};

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const folder = join(config.folder, 'resolvers');
const read = (name) => readFileSync(join(folder, name), 'utf8');
const resolvers = readdirSync(folder)
  .filter((name) => name.endsWith('.request.vtl'))
  .map((name) => {
    const [typeName, fieldName] = name.split('.');
    return {
      kind: 'UNIT',
      typeName,
      fieldName,
      dataSourceName: config.table ? 'table' : 'none',
      requestMappingTemplate: read(name),
      responseMappingTemplate: read(name.replace('.request.', '.response.')),
    };
  });
const table = {
  name: 'table',
  type: 'AMAZON_DYNAMODB',
  config: { region: 'us-east-1', ...config.table },
};

const api = new simulator.AmplifyAppSyncSimulator({
  port: config.port,
  httpsConfig: { sslKeyPath: config.key, sslCertPath: config.cert },
});
api.init({
  schema: { content: readFileSync(join(config.folder, 'schema.graphql'), 'utf8') },
  resolvers,
  dataSources: config.table ? [table] : [{ name: 'none', type: 'NONE' }],
  appSync: {
    name: 'tally',
    apiKey: config.apiKey,
    defaultAuthenticationType: { authenticationType: 'API_KEY' },
    additionalAuthenticationProviders: [],
  },
});
// aws-amplify sends its credentials as a subprotocol, as AppSync allows; the simulator is older, and
// looks for them in the query only.
api._server._httpServer.prependListener('upgrade', (request) => {
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(/, */);
  const header = protocols.find((protocol) => protocol.startsWith('header-'));
  if (header !== undefined) {
    const json = Buffer.from(header.slice('header-'.length), 'base64url');
    const query = new URLSearchParams({ header: json.toString('base64'), payload: 'e30=' });
    request.url = `${request.url.split('?')[0]}?${query}`;
  }
});
await api.start();
console.log('ready');
