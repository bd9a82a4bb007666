/** Tokens counted by the server, where it offers that as vLLM does; estimated otherwise. */
import * as z from 'zod';
import type { ChatTurn } from '../../engine/wire/protocol.ts';
import type { Connected } from './connection.ts';
import { toMessages } from './messages.ts';
import { serverUrl } from './server.ts';
import { outgoing } from './outgoing.ts';
import { TextTokenizer } from './textTokenizer.ts';

const counted = z.object({ count: z.int().min(0) });

/** Number of tokens in each text: by the server, or an estimate where it does not count. Rejects as its client does. */
export async function tokenCounts(
  texts: readonly string[],
  connected: Connected,
  signal: AbortSignal,
): Promise<number[]> {
  const counts: number[] = [];
  for (const text of texts) {
    const body = { prompt: outgoing(text), add_special_tokens: false };
    counts.push((await tokenize(body, connected, signal)) ?? estimate(text));
  }
  return counts;
}

/** Number of tokens in the prompt of a conversation; undefined where the server does not count. */
export async function promptTokens(
  messages: readonly ChatTurn[],
  connected: Connected,
  signal: AbortSignal,
): Promise<number | undefined> {
  const continues = messages.at(-1)?.role === 'assistant' ? { continue_final_message: true } : {};
  const body = {
    messages: await toMessages(messages, signal),
    ...continues,
    add_generation_prompt: !('continue_final_message' in continues),
  };
  return tokenize(body, connected, signal);
}

/** The servers that have said that they do not count. */
const unable = new WeakSet<Connected>();

async function tokenize(body: object, connected: Connected, signal: AbortSignal): Promise<number | undefined> {
  if (unable.has(connected)) return undefined;
  const { client, model, server } = connected;
  try {
    const answer = await client.post(`${serverUrl(server)}/tokenize`, { body: { model: model.id, ...body }, signal });
    return counted.parse(answer).count;
  } catch (error) {
    const status = error instanceof Error && 'status' in error ? error.status : undefined;
    // Other servers of the API have no such address, or one that wants something else.
    if (status !== 404 && status !== 405 && status !== 400 && status !== 422 && !(error instanceof z.ZodError))
      throw error;
    unable.add(connected);
    return undefined;
  }
}

function estimate(text: string): number {
  return new TextTokenizer({ isChatModel: true }).encode(text).length;
}
