/** HTTP in the terminal: the environment's proxies, and the certificates that the system trusts. */
import type { Agent } from 'node:http';
import * as tls from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import { DownloadFailed } from '../errors.ts';
import type { HttpClient } from './http.ts';
import { nodeHttp } from './nodeHttp.ts';

/**
 * Makes a client that goes through the proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name for an address, in
 * capitals or not, and that trusts Node's certificates, the system's, and those of NODE_EXTRA_CA_CERTS.
 */
export function terminalHttp(): HttpClient {
  const secureContext = tls.createSecureContext({ ca: trusted() });
  const agentFor = (url: URL, proxy = getProxyForUrl(url.href)) => proxyAgent(url, proxy, secureContext);
  return nodeHttp({ agentFor, secureContext });
}

/** Before Node 22.15 a program cannot ask for the system's certificates; NODE_EXTRA_CA_CERTS still counts there. */
function trusted(): string[] {
  if (typeof tls.getCACertificates !== 'function') return [...tls.rootCertificates];
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
}

function proxyAgent(url: URL, proxy: string, secureContext: tls.SecureContext): Agent | undefined {
  if (!proxy) return undefined;
  // The address may hold a password.
  if (!/^https?:\/\//i.test(proxy) || !URL.canParse(proxy)) {
    throw new DownloadFailed(`The proxy that is named for ${url.host} is not an http or https address.`);
  }
  return url.protocol === 'https:'
    ? new HttpsProxyAgent(proxy, { secureContext })
    : new HttpProxyAgent(proxy, { secureContext });
}
