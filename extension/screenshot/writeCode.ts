/** Has the model write code, and takes the code out of its answer. Pure. */
import type { ChatPart, ChatSource, ChatTurn, StopReason } from '../../engine/wire/protocol.ts';
import type { ChatModel, ChatRequest } from '../engine/engine.ts';
import { CodeStream } from './codeStream.ts';

export interface CodeRequest extends Pick<ChatRequest, 'sessionId' | 'sampling'> {
  readonly turns: readonly ChatTurn[];
  readonly sources: readonly ChatSource[];
}

export type Progress = Extract<ChatPart, { type: 'progress' }>;

export interface CodeEvents {
  /** The next piece of the code. */
  code(text: string): void;
  progress(progress: Progress): void;
}

export interface WrittenCode {
  readonly stop: StopReason;
  /** The whole answer, with the words around the code. */
  readonly answer: string;
  readonly code: string;
  /** Code blocks of the answer that are not part of `code`. */
  readonly furtherBlocks: number;
  /** The last question as the model saw it, sources included. */
  readonly question: string;
  /** Names of the sources that did not fit completely. */
  readonly cut: readonly string[];
  /** Whether the context window was too small for the first question, which has the picture. */
  readonly pictureDropped: boolean;
}

/** A page takes more than an answer in the chat; the model's own limit applies as well. */
const LONGEST_CODE_TOKENS = 8192;

/** Rejects as ChatModel does; what was given out until then remains valid. */
export async function writeCode(
  model: Pick<ChatModel, 'chat'>,
  { turns, sources, ...request }: CodeRequest,
  signal: AbortSignal,
  events: CodeEvents,
): Promise<WrittenCode> {
  const stream = new CodeStream();
  const give = (code: string): void => void (code !== '' && events.code(code));
  let answer = '';
  let question = '';
  let cut: string[] = [];
  const params = {
    ...request,
    messages: [...turns],
    maxTokens: LONGEST_CODE_TOKENS,
    ...(sources.length > 0 ? { sources: [...sources] } : {}),
  };
  const { stop, messagesDropped } = await model.chat(params, signal, (part) => {
    if (signal.aborted) return;
    if (part.type === 'fitted') {
      question = part.question;
      cut = sources.filter((_, i) => isCut(part.fit.sources[i])).map(({ name }) => name);
    } else if (part.type === 'progress') {
      events.progress(part);
    } else if (part.type === 'text') {
      answer += part.text;
      give(stream.push(part.text));
    }
  });
  give(stream.end());
  const { code, furtherBlocks } = stream;
  return { stop, answer, code, furtherBlocks, question, cut, pictureDropped: messagesDropped > 0 };
}

function isCut(fitted: { readonly tokens: number; readonly tokensWhole: number } | undefined): boolean {
  return fitted !== undefined && fitted.tokens < fitted.tokensWhole;
}
