/** A request through redirects, as the hub makes them. */
import { DownloadFailed } from '../errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http.ts';
import { networkFailure, shown } from './failures.ts';

const MOST_REDIRECTS = 10;

export interface FollowedRequest extends HttpRequest {
  /** The header of this name, sent to the server of the first address only. */
  authorization?: string | undefined;
  /** Resolves with a redirect to another server instead of following it. */
  stay?: boolean;
}

export interface FollowedResponse extends HttpResponse {
  /** Where the answer came from. */
  url: URL;
  /** The headers of the first server's answers, redirects included: only that server may say what a file should be. */
  stated: HttpResponse['headers'];
}

/**
 * Sends a request and follows its redirects. The authorization goes to no other server, and nothing that began encrypted goes on
 * unencrypted. Rejects with DownloadFailed, with Interrupted if it is worth another try, or with Cancelled.
 */
export async function requestFile(
  http: HttpClient,
  first: URL,
  { authorization, headers, stay = false, ...request }: FollowedRequest,
): Promise<FollowedResponse> {
  let url = first;
  const stated: Record<string, string | undefined> = {};
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const isFirst = url.origin === first.origin;
    const own = { ...headers, 'accept-encoding': 'identity', 'user-agent': 'airgap' };
    const response = await http(url, {
      ...request,
      headers: { ...own, ...(authorization && isFirst ? { authorization } : {}) },
    }).catch((error: unknown) => {
      throw networkFailure(error, url, request.signal);
    });
    if (isFirst) Object.assign(stated, response.headers);
    const { location } = response.headers;
    if (response.status < 300 || response.status > 399 || location === undefined) return { ...response, url, stated };
    const next = nextAddress(url, location);
    if (stay && next.origin !== first.origin) return { ...response, url, stated };
    response.body.destroy();
    url = next;
  }
  throw new DownloadFailed(`${shown(first)} leads from one address to the next without end.`);
}

/** Takes name and password out of an address and makes a header for Basic authentication of them. */
export function splitCredentials(address: URL): { url: URL; basic?: string } {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  const { username, password } = address;
  return {
    url,
    ...((username || password) && {
      basic: basicAuthorization(decodeURIComponent(username), decodeURIComponent(password)),
    }),
  };
}

export function basicAuthorization(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function nextAddress(from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (!next || !/^https?:$/.test(next.protocol)) {
    throw new DownloadFailed(`${shown(from)} leads to something that is no http or https address.`);
  }
  if (from.protocol === 'https:' && next.protocol !== 'https:') {
    throw new DownloadFailed(`${shown(from)} leads to an unencrypted address (${shown(next)}).`);
  }
  return next;
}
