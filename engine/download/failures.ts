/** Every way in which a download fails, as one sentence. */
import { Cancelled, DownloadFailed, errorMessage } from '../errors.ts';

/** A download that broke off and may go on from where it was. */
export class Interrupted extends DownloadFailed {
  override name = 'Interrupted';
  /** Milliseconds that the server asks to wait; undefined if it does not say. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The server wants a token, or another one. */
export class TokenWanted extends DownloadFailed {
  override name = 'TokenWanted';
}

/** An address without its password and its query, in which hubs put signatures. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

const BROKEN = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_HTTP2_STREAM_ERROR',
]);
const UNTRUSTED = /CERT|ISSUER|SELF_SIGNED|VERIFY_LEAF/;

/** What an error of Node's network modules means. */
export function networkFailure(error: unknown, url: URL, signal: AbortSignal): Error {
  if (signal.aborted) return new Cancelled();
  if (error instanceof DownloadFailed) return error;
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  const reason = code || errorMessage(error);
  if (BROKEN.has(code) || code.startsWith('HPE_')) {
    return new Interrupted(`The connection to ${url.host} broke (${reason}). What has arrived is kept: try again.`);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new DownloadFailed(`The certificate that ${url.host} shows belongs to another server (${code}).`);
  }
  if (UNTRUSTED.test(code)) {
    return new DownloadFailed(
      `This computer does not trust the certificate of ${url.host} (${code}). If your company inspects encrypted traffic, ` +
        'its certificate must be installed in the system or named in NODE_EXTRA_CA_CERTS.',
    );
  }
  return new DownloadFailed(`${url.host} cannot be reached (${reason}).`);
}

/** What a status other than 200 and 206 means. `retryAfter` is the header of that name. */
export function statusFailure(
  status: number,
  url: URL,
  { authorized, retryAfter, now }: { authorized: boolean; retryAfter: string | undefined; now: number },
): Error {
  const address = shown(url);
  if (status === 401 && !authorized) {
    return new TokenWanted(`${address} asks for a token (401): the model is gated, or there is no such model.`);
  }
  if (status === 401) return new TokenWanted(`${url.host} does not accept the token (401).`);
  if (status === 403) {
    return new DownloadFailed(
      `${url.host} refuses access (403): open the model's page there, accept its licence, and use a token of that account.`,
    );
  }
  if (status === 404) return new DownloadFailed(`${address} does not exist (404).`);
  if (status === 407) return new DownloadFailed('The proxy asks for a user name and a password (407).');
  if (status === 429 || status === 503) {
    const waitMs = retryAfterMs(retryAfter, now);
    const when = waitMs === undefined ? 'later' : `in ${Math.ceil(waitMs / 1000)} s`;
    const what = status === 429 ? 'limits how much one may download' : 'is overloaded';
    return new Interrupted(`${url.host} ${what} (${status}): try again ${when}.`, waitMs);
  }
  if (status >= 500) return new Interrupted(`${url.host} has a problem of its own (${status}): try again later.`);
  return new DownloadFailed(`${address} cannot be downloaded (${status}).`);
}

/** The header is a number of seconds or a date. */
function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
