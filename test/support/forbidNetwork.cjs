/**
 * Loaded before a program (`node --require`): every attempt to reach a network throws, and is written to the file that
 * AIRGAP_NETWORK_LOG names, one JSON line each. Private sockets (unix sockets, Windows pipes) are not a network.
 * AIRGAP_NETWORK_PORT names a port of 127.0.0.1 that stays open: VS Code's own server.
 */
const { appendFileSync } = require('node:fs');
const dgram = require('node:dgram');
const dns = require('node:dns');
const net = require('node:net');

const LOG = process.env.AIRGAP_NETWORK_LOG;
const OWN_PORT = Number(process.env.AIRGAP_NETWORK_PORT);
// What this program starts is not to reach a network either.
process.env.NODE_OPTIONS = `--require=${__filename}`;
// So that a test can tell "no attempt" from "not loaded".
write({ loaded: process.argv.slice(1) });

/** All of tcp, tls, http and fetch ends up here: `net` makes every connection of a program. */
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  const options = typeof first === 'object' && first !== null ? first : undefined;
  const path = options ? options.path : Number.isNaN(Number(first)) ? first : undefined;
  const host = options?.host ?? (typeof second === 'string' ? second : 'localhost');
  const port = Number(options?.port ?? first);
  const isOwn = port === OWN_PORT && ['127.0.0.1', 'localhost'].includes(host);
  if (!path && !isOwn) forbid(`connect ${host}:${port}`);
  return connect.apply(this, args);
};

for (const api of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
  for (const name of Object.getOwnPropertyNames(api)) {
    if (!/^(lookup|resolve|reverse)/.test(name) || typeof api[name] !== 'function') continue;
    const original = api[name];
    api[name] = function (...args) {
      // An address needs no lookup, and listening looks even that up.
      if (net.isIP(args[0]) && name === 'lookup') return original.apply(this, args);
      return forbid(`dns.${name} ${args[0]}`);
    };
  }
}

for (const name of ['send', 'connect']) {
  dgram.Socket.prototype[name] = () => forbid(`udp ${name}`);
}

function forbid(attempt) {
  const error = new Error(`The network is forbidden here: ${attempt}`);
  write({ attempt, stack: error.stack });
  throw error;
}

function write(line) {
  if (LOG) appendFileSync(LOG, `${JSON.stringify({ pid: process.pid, ...line })}\n`);
}
