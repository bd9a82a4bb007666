import { yieldToEventLoop } from '../inference/yieldToEventLoop.ts';
import { BadModel, throwIfAborted } from '../errors.ts';
import type { ModelSession } from '../inference/modelSession.ts';
import { PRIORITY } from '../inference/scheduler.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { longestAnswer } from '../prompt/budget.ts';
import { encodeLongText } from '../prompt/encodeText.ts';
import { TextStream } from '../tokenizer/textStream.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { cropsOf } from '../vision/promptImage.ts';
import type { ChatParams, ChatPart, ChatResult, FitParams, FitResult } from '../wire/protocol.ts';
import { AnswerText } from './answerText.ts';
import { type ChatPrompt, chatPrompt, type PromptMaker } from './chatPrompt.ts';
import { fitPrompt, fitSources } from './fit.ts';
import { LineEncoder } from './lineEncoder.ts';
import { type ChatPicture, type ChatPictures, readPictures } from './pictures.ts';
import { reuseCachedTokens } from './reuseCachedTokens.ts';
import { answerSampling } from './sampling.ts';

/** The parts of a loaded model that a conversation needs. */
export type ChattingModel = Pick<LoadedModel, 'tokenizer' | 'info' | 'stopStrings' | 'images'>;

/**
 * Answers a conversation. When the call has sources, the first part says what remains of them; then come progress, and
 * the answer in whole characters. An answer that repeats itself is stopped, and the result says how much of it to keep. The
 * session holds the features of pictures. Rejects with BadModel when the model has no chat template, with BadRequest where a
 * picture cannot be seen, with PromptTooLong when the question does not fit, and as the session does: with Cancelled within
 * one token after `signal`, and at once while pictures are seen.
 */
export async function answerChat(
  model: ChattingModel,
  session: Pick<ModelSession, 'generate' | 'tokens'>,
  { messages, sources, maxTokens, maxSentences, sampling }: Omit<ChatParams, 'modelId' | 'sessionId'>,
  signal: AbortSignal,
  onPart: (part: ChatPart) => void,
): Promise<ChatResult> {
  const pictures = await readPictures(messages, model.info, signal, 'identified');
  const maker = promptMaker(model, pictures, maxTokens, signal);
  const { tokenizer, room } = maker;
  let prompt: ChatPrompt;
  if (sources) {
    const fitted = await fitPrompt(messages, sources, maker);
    prompt = fitted.prompt;
    onPart({ type: 'fitted', fit: fitted.fit, question: fitted.question });
  } else prompt = await chatPrompt(messages, maker);
  await seePictures(model, prompt, pictures.values(), { holder: session, signal, onPart });
  const known = reuseCachedTokens(tokenizer, prompt, session.tokens);
  const { ids, images } = known.ids.length <= room ? known : prompt;
  const drawn = answerSampling(model.info.sampling, sampling);
  const generation = session.generate(
    { ids, images },
    {
      maxTokens: answerTokens(model, maxTokens),
      // Special tokens have no place in an answer: each of them ends it.
      stopIds: new Set([...tokenizer.stopIds, ...tokenizer.specialIds]),
      signal,
      onPrefill: (done, total) => onPart({ type: 'progress', step: 'prompt', done, total }),
      ...(drawn ? { sampling: drawn } : {}),
    },
  );
  const dropLeadingSpace = tokenizer.leadingSpace === 'always' && tokenizer.specialIds.has(ids.at(-1)!);
  const stream = new TextStream(tokenizer, { dropLeadingSpace });
  // The marks of thoughts are short.
  const prompted = messages.at(-1)!.role === 'assistant' ? null : tokenizer.decode([...ids.slice(-8)]);
  const answer = new AnswerText({ stopStrings: model.stopStrings, prompt: prompted, maxSentences }, onPart);
  for await (const { id } of generation) {
    if (!answer.push(stream.push(id))) break;
  }
  // Bytes that the stream still holds back do not form a complete character.
  answer.end();
  const { stop, tokensReused, tokensPrefilled, tokensGenerated, prefillMs, decodeMs } = generation.stats;
  const statistics = { tokensReused, tokensPrefilled, tokensGenerated, prefillMs, decodeMs };
  const { messagesDropped } = prompt;
  const ended = stop ?? answer.stop;
  return { ...statistics, stop: ended, messagesDropped, ...(ended === 'repetition' ? { kept: answer.kept } : {}) };
}

/** Tells what would remain of sources if the question was asked with them. Rejects with BadModel or Cancelled. */
export async function fitChat(
  model: ChattingModel,
  { messages, sources, maxTokens }: Omit<FitParams, 'modelId'>,
  signal: AbortSignal,
): Promise<FitResult> {
  const pictures = await readPictures(messages, model.info, signal, 'measured');
  return (await fitSources(messages, sources, promptMaker(model, pictures, maxTokens, signal))).fit;
}

/** Number of tokens in each text. Rejects with BadModel when the model has no tokenizer, or with Cancelled. */
export async function countTokens(
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

function promptMaker(
  model: ChattingModel,
  pictures: ChatPictures,
  maxTokens: number,
  signal: AbortSignal,
): PromptMaker {
  const tokenizer = chatTokenizer(model);
  const room = model.info.contextLength - answerTokens(model, maxTokens);
  const startId = model.images ? tokenizer.bosId : undefined;
  return { tokenizer, room, pictures, startId, encoder: new LineEncoder(tokenizer, pauses(signal)) };
}

/** Computes the features of the pictures that a prompt shows, and tells the progress. */
async function seePictures(
  { images: encoder }: ChattingModel,
  { images }: ChatPrompt,
  pictures: Iterable<ChatPicture>,
  { holder, signal, onPart }: { holder: object; signal: AbortSignal; onPart: (part: ChatPart) => void },
): Promise<void> {
  const keys = new Set(images.map(({ key }) => key));
  const shown = new Map([...pictures].filter(({ image }) => keys.has(image.key)).map((seen) => [seen.image.key, seen]));
  const fresh = [...shown.values()].filter(({ image }) => !encoder!.knows(image));
  const total = fresh.reduce((sum, { image }) => sum + cropsOf(image.size), 0);
  let done = 0;
  const tell = (): void => onPart({ type: 'progress', step: 'images', done: done++, total });
  if (total > 0) tell();
  for (const { picture, mostCrops } of shown.values()) {
    await encoder!.encode(picture, { holder, mostCrops, priority: PRIORITY.chat, signal, onCrop: tell });
  }
}

function answerTokens({ info }: ChattingModel, maxTokens: number): number {
  return Math.min(maxTokens, longestAnswer(info.contextLength));
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

/** Returns a function that lets other requests proceed and rejects with Cancelled once `signal` has aborted. */
function pauses(signal: AbortSignal): () => Promise<void> {
  return async () => {
    await yieldToEventLoop();
    throwIfAborted(signal);
  };
}
