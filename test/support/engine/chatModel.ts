/** A model whose answers the test dictates, with a real tokenizer and a KV cache that only counts. */
import type { ChattingModel } from '../../../engine/chat/answer.ts';
import { textOf, textTurn } from '../../../engine/wire/chatTurns.ts';
import { answerChat } from '../../../engine/chat/answer.ts';
import { throwIfAborted } from '../../../engine/errors.ts';
import type { Generate, GenerateOptions, GenerationStats } from '../../../engine/inference/generationTypes.ts';
import type { ChatParams, ChatPart, ChatResult, ChatTurn, SamplingDefaults } from '../../../engine/wire/protocol.ts';
import type { Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { GREEDY_SAMPLING } from './greedySampling.ts';

export interface ChatModelOptions {
  readonly contextLength?: number;
  readonly stopStrings?: string[];
  readonly sampling?: SamplingDefaults;
}

export function chattingModel(tokenizer: Tokenizer | null, options: ChatModelOptions = {}): ChattingModel {
  const { contextLength = 4096, stopStrings = [], sampling = GREEDY_SAMPLING } = options;
  const info = {
    modelId: '',
    name: 'test',
    contextLength,
    backend: 'wasm' as const,
    chat: true,
    device: '',
    longestAnswer: contextLength / 2,
    images: null,
  };
  return { tokenizer, stopStrings, images: undefined, info: { ...info, notes: [], bytes: 0, sampling } };
}

/** A conversation with a chattingModel. */
export class ChatWithModel {
  readonly messages: ChatTurn[] = [];
  readonly prompts: number[][] = [];
  options: GenerateOptions | undefined;
  /** The first part of the last call with sources. */
  fitted: Extract<ChatPart, { type: 'fitted' }> | undefined;
  /** Gives the ids in which the model writes a text for which its tokenizer has `ids`. */
  spell = (ids: number[]): number[] => ids;
  #cache: number[] = [];
  #next = '';

  readonly #tokenizer: Tokenizer;
  readonly #model: ChattingModel;

  constructor(tokenizer: Tokenizer, model: ChattingModel) {
    this.#tokenizer = tokenizer;
    this.#model = model;
  }

  /** Asks, lets the model answer `answer`, and adds both to the conversation. */
  async ask(question: string, answer: string, maxTokens = 256): Promise<ChatResult & { parts: string[] }> {
    this.messages.push(textTurn('user', question));
    const result = await this.call(answer, { maxTokens });
    this.messages.push(textTurn('assistant', result.parts.join('')));
    return result;
  }

  async call(answer: string, params: Partial<ChatParams> = {}, signal = new AbortController().signal) {
    this.#next = answer;
    const parts: string[] = [];
    const request = { messages: this.messages, maxTokens: 256, ...params };
    const result = await answerChat(this.#model, this.#session, request, signal, (part) => {
      if (part.type === 'text') parts.push(part.text);
      else if (part.type === 'fitted') this.fitted = part;
    });
    return { ...result, parts };
  }

  get #session() {
    return { generate: this.#generate, tokens: this.#cache };
  }

  readonly #generate: Generate = ({ ids }, options) => {
    const prompt = [...ids];
    this.prompts.push(prompt);
    this.options = options;
    const tokensReused = common(prompt, this.#cache);
    const tokensPrefilled = prompt.length - tokensReused;
    const stats = { stop: null, tokensReused, tokensPrefilled, tokensGenerated: 0, passes: 0 } as const;
    const all: GenerationStats = { ...stats, tokensDrafted: 0, tokensAccepted: 0, prefillMs: 1, decodeMs: 1 };
    this.#cache = [...prompt];
    return { stats: all, [Symbol.asyncIterator]: () => this.#write(prompt, options, all) };
  };

  async *#write(prompt: readonly number[], { maxTokens, signal }: GenerateOptions, stats: GenerationStats) {
    const chat = (prefill: string): number[] => {
      const messages = this.messages.map((turn) => ({ role: turn.role, content: textOf(turn) }));
      const said = messages.at(-1)?.role === 'assistant' ? messages.pop()!.content : '';
      return this.#tokenizer.chat(messages, { addGenerationPrompt: true, prefill: said + prefill });
    };
    const own = chat(this.#next).slice(chat('').length);
    const ids = this.spell(own);
    let last = prompt.at(-1)!;
    for (const id of ids.slice(0, maxTokens)) {
      throwIfAborted(signal);
      if (stats.tokensGenerated++ > 0) this.#cache.push(last); // The newest token is not computed yet.
      last = id;
      yield { id, logprob: 0 };
    }
    stats.stop = ids.length > maxTokens ? 'length' : 'end';
  }
}

export function common(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((id, i) => id !== b[i]);
  return first < 0 ? a.length : first;
}
