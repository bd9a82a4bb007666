/** What can go wrong between this window and a server, and the sentence that the user reads. Pure. */
import { EngineFailure } from '../../engine/wire/failure.ts';
import type { Failure } from '../../engine/wire/protocol.ts';
import type { Translate } from '../common/translate.ts';

export type FaultKind =
  | 'refused'
  | 'unknownHost'
  | 'timeout'
  | 'brokenStream'
  | 'certificate'
  | 'unauthorised'
  | 'notFound'
  | 'modelGone'
  | 'busy'
  | 'serverError'
  | 'notTheApi'
  | 'tooLong'
  | 'badRequest'
  | 'cancelled'
  | 'network';

/** The failure of a request to a server. `fault` says what the user could do: try again, or use the local model. */
export class RemoteFailure extends EngineFailure {
  override name = 'RemoteFailure';
  constructor(
    readonly fault: FaultKind,
    message: string,
  ) {
    super({ kind: KINDS[fault] ?? 'engineGone', message });
  }
}

/** As what the rest of the extension sees a fault, where it is more than a server that does not answer. */
const KINDS: Partial<Record<FaultKind, Failure['kind']>> = {
  cancelled: 'cancelled',
  tooLong: 'promptTooLong',
  badRequest: 'badRequest',
  modelGone: 'badModel',
};

/** Codes of Node's and OpenSSL's errors, by what they mean to the user. */
const CODES: readonly [pattern: RegExp, fault: FaultKind][] = [
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/, 'refused'],
  [/^(ENOTFOUND|EAI_AGAIN|ERR_NAME_NOT_RESOLVED)$/, 'unknownHost'],
  [/^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/, 'timeout'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'brokenStream'],
  [/CERT|^(UNABLE_TO_|DEPTH_ZERO_|ERR_TLS_|ERR_SSL_|EPROTO)/, 'certificate'],
];

/** The fault that an error's code tells of, looked for in its causes too; undefined where none does. */
export function faultOfCode(error: unknown): FaultKind | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    const found = CODES.find(([pattern]) => pattern.test(code));
    if (found) return found[1];
    if (cause instanceof AggregateError && cause.errors.length > 0) return faultOfCode(cause.errors[0]);
  }
  return undefined;
}

/** The sentence of a fault. `detail` is what the server said, or the code of the error. */
export function faultText(fault: FaultKind, server: string, detail: string, t: Translate): string {
  switch (fault) {
    case 'refused':
      return t('{0} refuses the connection. Is the server running?', server);
    case 'unknownHost':
      return t('There is no host of the name {0}.', server);
    case 'timeout':
      return t('{0} did not answer in time.', server);
    case 'brokenStream':
      return t('The connection to {0} broke before the answer was complete.', server);
    case 'certificate':
      return t('The certificate of {0} is not trusted ({1}).', server, detail);
    case 'unauthorised':
      return t('{0} does not accept the key.', server);
    case 'notFound':
      return t('{0} has no such address. Is there an OpenAI-compatible server behind it?', server);
    case 'modelGone':
      return t('{0} no longer serves the model {1}.', server, detail);
    case 'busy':
      return t('{0} is busy and asks to try again later.', server);
    case 'serverError':
      return t('{0} failed: {1}', server, detail);
    case 'notTheApi':
      return t('{0} answered with something else than the OpenAI-compatible API. Is a proxy in between?', server);
    case 'tooLong':
      return t('The question is too long for the model on {0}.', server);
    case 'badRequest':
      return t('{0} refused the request: {1}', server, detail);
    case 'cancelled':
      return t('The request was cancelled.');
    case 'network':
      return t('The request to {0} failed: {1}', server, detail);
  }
}
