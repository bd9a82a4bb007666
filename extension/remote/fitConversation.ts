/** Fits a conversation and its sources into the context of a server's model, by the rules of the local one. */
import { chatPrompt, type PromptMaker } from '../../engine/chat/chatPrompt.ts';
import { fitPrompt, fitSources, type FittedQuestion } from '../../engine/chat/fit.ts';
import { LineEncoder } from '../../engine/chat/lineEncoder.ts';
import { readPictures, withText } from '../../engine/chat/pictures.ts';
import { throwIfAborted } from '../../engine/errors.ts';
import { yieldToEventLoop } from '../../engine/inference/yieldToEventLoop.ts';
import { longestAnswer } from '../../engine/prompt/budget.ts';
import type { ChatTurn } from '../../engine/wire/protocol.ts';
import type { ChatRequest, FitRequest } from '../engine/engine.ts';
import type { ServedModel } from './client.ts';
import type { Connected } from './connection.ts';
import { MOST_CROPS, seesPictures } from './families.ts';
import { TextTokenizer } from './textTokenizer.ts';
import { promptTokens } from './tokenize.ts';

export interface FittedConversation {
  readonly messages: readonly ChatTurn[];
  readonly messagesDropped: number;
  /** Where the request has sources. */
  readonly fitted: FittedQuestion | undefined;
}

/** What would remain of the sources; rejects as the local model does. `scale` are real tokens per estimated one. */
export async function fitConversation(
  request: FitRequest,
  model: Required<ServedModel>,
  signal: AbortSignal,
  scale = 1,
): Promise<FittedQuestion> {
  return fitSources(request.messages, request.sources, await promptMaker(request, model, signal, scale));
}

/**
 * The conversation as it is sent. Where the estimate is near the limit, the server counts, and what it has counted
 * corrects the estimate. Rejects with PromptTooLong where the question alone does not fit.
 */
export async function fitToServer(
  request: ChatRequest,
  connected: Connected,
  signal: AbortSignal,
): Promise<FittedConversation> {
  const { model } = connected;
  let scale = 1;
  for (let attempt = 1; ; attempt++) {
    const maker = await promptMaker(request, model, signal, scale);
    const { conversation, tokens } = await fitOnce(request, maker);
    if (tokens < NEARLY_FULL * maker.room || attempt === ATTEMPTS) return conversation;
    const real = await promptTokens(conversation.messages, connected, signal);
    const limit = model.contextLength - answerTokens(request, model);
    if (real === undefined || real <= limit) return conversation;
    scale *= real / limit + MARGIN;
  }
}

/** Below this share of the room, no tokenizer makes so many tokens that the prompt would not fit. */
const NEARLY_FULL = 0.6;
const ATTEMPTS = 4;
const MARGIN = 0.02;

async function fitOnce(request: ChatRequest, maker: PromptMaker) {
  const { messages, sources } = request;
  if (!sources) {
    const prompt = await chatPrompt(messages, maker);
    const { messagesDropped, ids } = prompt;
    return {
      conversation: { messages: kept(messages, messagesDropped), messagesDropped, fitted: undefined },
      tokens: ids.length,
    };
  }
  const { fit, question, prompt } = await fitPrompt(messages, sources, maker);
  const { messagesDropped, ids } = prompt;
  const asked = [...messages.slice(0, -1), withText(messages.at(-1)!, question)];
  return {
    conversation: { messages: kept(asked, messagesDropped), messagesDropped, fitted: { fit, question } },
    tokens: ids.length,
  };
}

/** The system's message stays, and the oldest others go. */
function kept(messages: readonly ChatTurn[], dropped: number): ChatTurn[] {
  const system = messages.filter(({ role }) => role === 'system');
  return [...system, ...messages.slice(system.length + dropped)];
}

async function promptMaker(
  { messages, maxTokens }: Pick<ChatRequest, 'messages' | 'maxTokens'>,
  model: Required<ServedModel>,
  signal: AbortSignal,
  scale: number,
): Promise<PromptMaker> {
  const tokenizer = new TextTokenizer({ isChatModel: true });
  const images = seesPictures(model.family) ? { mostCrops: MOST_CROPS } : null;
  const pause = async (): Promise<void> => {
    await yieldToEventLoop();
    throwIfAborted(signal);
  };
  return {
    tokenizer,
    encoder: new LineEncoder(tokenizer, pause),
    pictures: await readPictures(messages, { name: model.id, images }, signal, 'measured'),
    startId: undefined,
    room: Math.floor((model.contextLength - answerTokens({ maxTokens }, model)) / scale),
  };
}

function answerTokens({ maxTokens }: Pick<ChatRequest, 'maxTokens'>, { contextLength }: Required<ServedModel>): number {
  return Math.min(maxTokens, longestAnswer(contextLength));
}
