import type { ModelSession } from '../serve/core.ts';
import { BadModel, throwIfAborted } from '../errors.ts';
import { letOthersGo } from '../document/backgroundPrefill.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { type ChatReader, chatPrompt } from './chatPrompt.ts';
import { encodeLongText } from '../prompt/encodeText.ts';
import { fitSources } from './fit.ts';
import { spelledAsCached } from './reuseCachedTokens.ts';
import type { ChatParams, ChatPart, ChatResult, FitParams, FitResult } from '../wire/protocol.ts';
import { StopStrings } from '../inference/stopStrings.ts';
import { TextStream } from '../tokenizer/textStream.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { textPrompt } from '../prompt/prompt.ts';

/** What of a loaded model a conversation needs. */
export type ChattingModel = Pick<LoadedModel, 'tokenizer' | 'info' | 'stopStrings'>;

/** An answer takes at most this part of a model's context, whatever is asked for: the question needs the rest. */
const LARGEST_SHARE_FOR_ANSWER = 1 / 2;

/**
 * Answers a conversation; the answer goes to `onPart` in whole characters. Rejects with BadModel for a model without a
 * chat template, with BadRequest where the question does not fit, and with what the session rejects with: Cancelled
 * within one token after `signal`.
 */
export async function chatWith(
  model: ChattingModel,
  session: Pick<ModelSession, 'generate' | 'tokens'>,
  { messages, maxTokens, sampling }: Pick<ChatParams, 'messages' | 'maxTokens' | 'sampling'>,
  signal: AbortSignal,
  onPart: (part: ChatPart) => void,
): Promise<ChatResult> {
  const reader = readerOf(model, maxTokens, signal);
  const { tokenizer, room } = reader;
  const prompt = await chatPrompt(messages, reader);
  const known = spelledAsCached(tokenizer, prompt.ids, session.tokens);
  const ids = known.length <= room ? known : prompt.ids;
  const generation = session.generate(textPrompt(ids), {
    maxTokens: answerTokens(model, maxTokens),
    // No special token belongs into an answer: each ends it.
    stopIds: new Set([...tokenizer.stopIds, ...tokenizer.specialIds]),
    signal,
    ...(sampling && sampling.temperature > 0 ? { sampling } : {}),
  });
  const dropLeadingSpace = tokenizer.addsLeadingSpace && tokenizer.specialIds.has(ids.at(-1)!);
  const stream = new TextStream(tokenizer, { dropLeadingSpace });
  const stops = new StopStrings(model.stopStrings);
  const say = (text: string): void => {
    if (text !== '') onPart({ text });
  };
  for await (const { id } of generation) {
    say(stops.push(stream.push(id)));
    if (stops.stopped) break;
  }
  // What stream holds back is no whole character.
  say(stops.end());
  const { stop, tokensReused, tokensPrefilled, tokensGenerated, prefillMs, decodeMs } = generation.stats;
  const figures = { tokensReused, tokensPrefilled, tokensGenerated, prefillMs, decodeMs };
  return { ...figures, stop: stop ?? 'text', messagesDropped: prompt.messagesDropped };
}

/** Cuts sources to what the window leaves for them beside a conversation. Rejects as chatWith. */
export function fitWith(
  model: ChattingModel,
  { messages, sources, maxTokens }: Omit<FitParams, 'modelId'>,
  signal: AbortSignal,
): Promise<FitResult> {
  return fitSources(messages, sources, readerOf(model, maxTokens, signal));
}

/** Tokens of each text. Rejects with BadModel for a folder without a tokenizer. */
export async function countTokensWith(
  model: ChattingModel,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<number[]> {
  const tokenizer = tokenizerOf(model);
  const pause = pauses(signal);
  const counts: number[] = [];
  for (const text of texts) {
    await pause();
    counts.push((await encodeLongText(tokenizer, text, Infinity, pause)).length);
  }
  return counts;
}

function readerOf(model: ChattingModel, maxTokens: number, signal: AbortSignal): ChatReader {
  const room = model.info.contextLength - answerTokens(model, maxTokens);
  return { tokenizer: chatTokenizer(model), room, pause: pauses(signal) };
}

function answerTokens({ info }: ChattingModel, maxTokens: number): number {
  return Math.min(maxTokens, Math.floor(info.contextLength * LARGEST_SHARE_FOR_ANSWER));
}

function chatTokenizer(model: ChattingModel): Tokenizer {
  const tokenizer = tokenizerOf(model);
  if (tokenizer.hasChatTemplate) return tokenizer;
  throw new BadModel(`${model.info.name} has no chat template, so it cannot answer questions.`);
}

function tokenizerOf({ tokenizer, info }: ChattingModel): Tokenizer {
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer.json, so it cannot process text.`);
  return tokenizer;
}

function pauses(signal: AbortSignal): () => Promise<void> {
  return async () => {
    await letOthersGo();
    throwIfAborted(signal);
  };
}
