/** From an error of the client to the fault that the user reads about. */
import { APIError } from 'openai/error';
import * as z from 'zod';
import { BadRequest, PromptTooLong } from '../../engine/errors.ts';
import { errorMessage } from '../common/errorMessage.ts';
import type { Translate } from '../common/translate.ts';
import { type FaultKind, faultOfCode, faultText, RemoteFailure } from './faults.ts';
import { type RemoteServer, serverName } from './server.ts';

/** A server's own words are shown as far as this. */
const LONGEST_DETAIL = 200;

/** The failure that an error means. `signal` is the caller's. */
export function failureOf(error: unknown, server: RemoteServer, t: Translate, signal?: AbortSignal): RemoteFailure {
  const name = serverName(server);
  if (signal?.aborted) return new RemoteFailure('cancelled', faultText('cancelled', name, '', t));
  const known = causesOf(error).find((cause) => cause instanceof RemoteFailure);
  if (known) return known;
  if (error instanceof PromptTooLong) return new RemoteFailure('tooLong', error.message);
  if (error instanceof BadRequest) return new RemoteFailure('badRequest', error.message);
  const [fault, detail] = faultOf(error, server);
  return new RemoteFailure(fault, faultText(fault, name, detail, t));
}

function faultOf(error: unknown, { model }: RemoteServer): [fault: FaultKind, detail: string] {
  if (error instanceof APIError && error.status !== undefined) return faultOfStatus(error, model);
  const coded = faultOfCode(error);
  if (coded) return [coded, codeOf(error)];
  const causes = causesOf(error);
  // The body was no JSON, or JSON of another kind.
  if (causes.some((cause) => cause instanceof SyntaxError || cause instanceof z.ZodError)) return ['notTheApi', ''];
  // An error amid the stream has no status.
  if (error instanceof APIError && error.error !== undefined) return ['serverError', shortened(error.message)];
  return ['network', shortened(errorMessage(causes.at(-1)))];
}

function faultOfStatus({ status = 0, message, error }: APIError, model: string): [fault: FaultKind, detail: string] {
  const said = shortened(message.replace(/^\d{3} /, ''));
  if (status === 401 || status === 403) return ['unauthorised', ''];
  // The API's own answer names the model; a wrong path gets another kind of answer.
  if (status === 404) return /model/i.test(JSON.stringify(error ?? '')) ? ['modelGone', model] : ['notFound', ''];
  if (status === 429) return ['busy', ''];
  if (status >= 500) return ['serverError', `HTTP ${status}`];
  if (/context length|maximum (?:model|input) length|longer than|too long|max_model_len/i.test(message))
    return ['tooLong', ''];
  return ['badRequest', said];
}

function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 10; cause = cause.cause) causes.push(cause);
  return causes;
}

function codeOf(error: unknown): string {
  const coded = causesOf(error).find((cause) => 'code' in cause && typeof cause.code === 'string');
  return coded && 'code' in coded ? String(coded.code) : '';
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_DETAIL ? `${line.slice(0, LONGEST_DETAIL)}…` : line;
}
