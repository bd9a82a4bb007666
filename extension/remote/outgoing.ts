/** What of a text leaves for a server: no secrets, and no marks of its model. Pure. */
import type { CompleteRequest } from '../engine/engine.ts';
import { hideSecrets, isSecretPath } from '../reading/secrets.ts';
import { withoutSpecials } from './specials.ts';

/** The text as it is sent. Applied to everything, whatever has hidden its secrets before. */
export function outgoing(text: string): string {
  return withoutSpecials(hideSecrets(text));
}

/** Far more than a prompt shows of either side of the cursor, so that keys of many lines are found as a whole. */
const NEAR = 32_000;

/**
 * The request with secrets hidden near the cursor, so that each is recognised by its whole lines; undefined where the
 * cursor's own line holds one, since what follows it is no better, and in files whose names suggest secrets.
 */
export function withoutSecrets(request: CompleteRequest): CompleteRequest | undefined {
  const { prefix, suffix, otherFiles = [], sessionId, fileName } = request;
  // The session of a document has its address.
  if (isSecretPath(sessionId) || isSecretPath(fileName)) return undefined;
  const lineStart = prefix.lastIndexOf('\n') + 1;
  const [rest = ''] = suffix.split('\n', 1);
  const line = prefix.slice(lineStart) + rest;
  const from = prefix.length > NEAR ? prefix.indexOf('\n', prefix.length - NEAR) + 1 : 0;
  // Together, as a key may begin before the cursor and end behind it.
  const whole = hideSecrets(prefix.slice(from) + suffix.slice(0, NEAR)).split('\n');
  const cursorLine = prefix.slice(from).split('\n').length - 1;
  if (whole[cursorLine] !== line) return undefined;
  const before = [...whole.slice(0, cursorLine), prefix.slice(lineStart)].join('\n');
  const after = [rest, ...whole.slice(cursorLine + 1)].join('\n');
  return {
    ...request,
    prefix: prefix.slice(0, from) + before,
    suffix: after + suffix.slice(NEAR),
    otherFiles: otherFiles.map(({ path, text }) => ({ path, text: hideSecrets(text) })),
  };
}
