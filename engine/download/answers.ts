/** What came back: whether it is what was asked for, and its text. */
import { DownloadFailed } from '../errors.ts';
import { networkFailure, shown, statusFailure } from './failures.ts';
import type { FollowedResponse } from './requestFile.ts';

/** No list of files or packages is longer. */
const MOST_TEXT_BYTES = 64 * 2 ** 20;

/** Throws DownloadFailed or Interrupted, and gives up the body, if the answer cannot hold a file. */
export function checkAnswer(
  response: FollowedResponse,
  { authorized, html = false }: { authorized: boolean; html?: boolean },
): void {
  const { status, headers, url, body } = response;
  const failure = () => {
    if (status !== 200 && status !== 206) {
      return statusFailure(status, url, { authorized, retryAfter: headers['retry-after'], now: Date.now() });
    }
    if (!html && /^text\/html\b/i.test(headers['content-type'] ?? '')) return webPage(url);
    if (!/^(identity)?$/i.test(headers['content-encoding'] ?? '')) {
      return new DownloadFailed(`${shown(url)} is sent compressed, although this was not asked for.`);
    }
    return undefined;
  };
  const error = failure();
  if (!error) return;
  body.destroy();
  throw error;
}

/** For an answer that is a page of HTML instead of the file. */
export function webPage(url: URL): DownloadFailed {
  return new DownloadFailed(
    `${url.host} answered with a web page instead of the file: perhaps the network or a proxy asks you to sign in first.`,
  );
}

/** The body as text. */
export async function readText({ body, url }: FollowedResponse, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MOST_TEXT_BYTES) throw new DownloadFailed(`${shown(url)} is longer than any list should be.`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw networkFailure(error, url, signal);
  }
  return Buffer.concat(chunks).toString('utf8');
}
