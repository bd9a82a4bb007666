/** An engine core with a model that is not there: answers are made of the request. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreModel, EngineCore } from '../../../engine/serve/core.ts';
import { BadModel, throwIfAborted } from '../../../engine/errors.ts';
import { lineAt } from '../../../engine/prompt/lines.ts';
import type { ChatTurn, CompleteResult, FitSource, FittedSource } from '../../../engine/wire/protocol.ts';

/** Longer than any test waits. */
const FOREVER_MS = 600_000;
const CONTEXT_LENGTH = 4096;
/** The scripted engine's `fit` keeps so many characters of a source. */
export const FIT_CHARACTERS = 2000;

export const FIGURES = { tokensReused: 0, tokensGenerated: 1, prefillMs: 1, decodeMs: 1 };

/** A completion or question `hang` never ends, `crash` ends the process. */
export const fakeCore: EngineCore = {
  loadModel: async (model, { backend, onProgress }) => {
    if (String(model).endsWith('missing')) throw new BadModel(`${String(model)} is not a folder.`);
    onProgress?.({ loadedBytes: 1, totalBytes: 2 });
    return fakeModel(backend === 'auto' ? 'wasm' : backend);
  },
  /** The last line in capitals. */
  complete: async ({ prefix }, _model, _session, signal) => {
    await obey(prefix, signal);
    const text = (prefix.split('\n').at(-1) ?? '').toUpperCase();
    const window: CompleteResult['window'] = { lines: [[1, 1]], totalLines: 1 };
    return { text, ...FIGURES, tokensPrefilled: prefix.length, stop: 'end', window };
  },
  /** The question in capitals, word by word. */
  chat: async ({ messages }, _model, _session, signal, onPart) => {
    const question = lastQuestion(messages);
    await obey(question, signal);
    for (const text of question.toUpperCase().split(/(?<= )/)) onPart({ text });
    return { ...FIGURES, tokensPrefilled: tokensOf(question), stop: 'end', messagesDropped: 0 };
  },
  fit: async ({ messages, sources, maxTokens }) => {
    const fitted = sources.map(whole);
    const tokens = [...messages, ...fitted].reduce((sum, { text }) => sum + tokensOf(text), 0);
    return { sources: fitted, tokensUsed: tokens, tokensLimit: CONTEXT_LENGTH - maxTokens, messagesDropped: 0 };
  },
  countTokens: async (texts) => texts.map(tokensOf),
  backendReports: async () => [{ backend: 'wasm', usable: true, details: ['a fake'], reason: '' }],
};

export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

export function lastQuestion(messages: readonly ChatTurn[]): string {
  return messages.findLast(({ role }) => role === 'user')?.text ?? '';
}

function whole({ text }: FitSource): FittedSource {
  const totalLines = lineAt(text, text.length);
  return { text, lines: [[1, totalLines]], totalLines, tokensWhole: tokensOf(text), tokens: tokensOf(text) };
}

export function crash(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Rejects with Cancelled. */
export async function hang(signal: AbortSignal, ms = FOREVER_MS): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => throwIfAborted(signal));
}

async function obey(order: string, signal: AbortSignal): Promise<void> {
  if (order === 'crash') crash();
  if (order === 'hang') await hang(signal);
}

function fakeModel(backend: CoreModel['info']['backend']): CoreModel {
  const sizes = { contextLength: CONTEXT_LENGTH, bytes: 1000 };
  return {
    info: { modelId: '', name: 'fake', backend, chat: true, device: 'none', notes: [], ...sizes },
    createSession: () => ({
      tokens: [],
      generate: () => {
        throw new Error('The fake does not generate.');
      },
      prefill: async () => {
        throw new Error('The fake reads nothing.');
      },
      saveSnapshot: async () => false,
      dispose: async () => {},
    }),
    bytesHeld: () => 1000,
    tokensFree: () => Infinity,
    dispose: async () => {},
  };
}
