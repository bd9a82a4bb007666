/** The chat's model on a server. */
import type { OpenAI } from 'openai';
import type { Event } from 'vscode-jsonrpc';
import { AnswerText } from '../../engine/chat/answerText.ts';
import { longestAnswer } from '../../engine/prompt/budget.ts';
import type { ChatPart, ChatResult, ChatSampling, FitResult, ImageCost } from '../../engine/wire/protocol.ts';
import type { ChatModel, ChatRequest, EngineState, FitRequest } from '../engine/engine.ts';
import { type Connected, RemoteConnection, type RemoteModel } from './connection.ts';
import { faultText, RemoteFailure } from './faults.ts';
import { fitConversation, fitToServer } from './fitConversation.ts';
import { imageCost, seesPictures } from './families.ts';
import { type RemoteServer, serverName } from './server.ts';
import type { RemoteHost } from './serverFetch.ts';
import { withSpecials } from './specials.ts';
import { tokenCounts } from './tokenize.ts';
import { toMessages } from './messages.ts';

/** What vLLM takes beyond OpenAI's parameters. */
interface VllmParameters {
  readonly continue_final_message?: true;
  readonly add_generation_prompt?: false;
  readonly top_k?: number;
  readonly min_p?: number;
  readonly repetition_penalty?: number;
}

type Parameters = OpenAI.ChatCompletionCreateParamsStreaming & VllmParameters;

/** Part of the thoughts, where the server tells them apart from the answer: the field's name depends on its version. */
interface Thinking {
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
}

export class RemoteChat implements ChatModel, RemoteModel {
  readonly #connection: RemoteConnection;

  constructor(server: RemoteServer, host: RemoteHost) {
    this.#connection = new RemoteConnection(server, host);
  }

  get state(): EngineState {
    return this.#connection.state;
  }
  get onDidChangeState(): Event<EngineState> {
    return this.#connection.onDidChangeState;
  }

  warmUp(): void {
    this.#connection.warmUp();
  }

  async chat(request: ChatRequest, signal: AbortSignal, onPart: (part: ChatPart) => void): Promise<ChatResult> {
    return this.#connection.during(signal, async (connected, all) => {
      const { messages, messagesDropped, fitted } = await fitToServer(request, connected, all);
      const startMs = performance.now();
      const stream = await connected.client.chat.completions.create(
        { ...this.#parameters(request, connected), messages: await toMessages(messages, all) },
        { signal: all },
      );
      // A request that the server refuses may be sent again, and this is told once.
      if (fitted) onPart({ type: 'fitted', ...fitted });
      const continues = messages.at(-1)!.role === 'assistant';
      const { maxSentences } = request;
      const answer = new AnswerText({ stopStrings: [], prompt: continues ? null : '', maxSentences }, onPart);
      let finish: string | null = null;
      let usage: OpenAI.CompletionUsage | null | undefined;
      let firstMs: number | undefined;
      for await (const chunk of stream) {
        usage = chunk.usage ?? usage;
        const [choice] = chunk.choices;
        if (!choice) continue;
        const { reasoning, reasoning_content: thought = reasoning } = choice.delta as Thinking;
        const text = choice.delta.content ?? '';
        if (thought || text !== '') firstMs ??= performance.now();
        if (thought) onPart({ type: 'thought', text: thought });
        finish = choice.finish_reason ?? finish;
        if (text !== '' && !answer.push(withSpecials(text))) {
          finish = answer.stop;
          break;
        }
      }
      answer.end();
      if (finish === null) throw this.#broken();
      const endMs = performance.now();
      const reused = usage?.prompt_tokens_details?.cached_tokens ?? 0;
      return {
        tokensReused: reused,
        tokensPrefilled: (usage?.prompt_tokens ?? 0) - reused,
        tokensGenerated: usage?.completion_tokens ?? 0,
        stop: finish === 'length' || finish === 'repetition' || finish === 'text' ? finish : 'end',
        prefillMs: (firstMs ?? endMs) - startMs,
        decodeMs: endMs - (firstMs ?? endMs),
        messagesDropped,
        ...(finish === 'repetition' ? { kept: answer.kept } : {}),
      };
    });
  }

  async fit(request: FitRequest, signal: AbortSignal): Promise<FitResult> {
    return this.#connection.during(signal, async ({ model }, all) => (await fitConversation(request, model, all)).fit);
  }

  async countTokens(texts: string[], signal: AbortSignal): Promise<number[]> {
    return this.#connection.during(signal, (connected, all) => tokenCounts(texts, connected, all));
  }

  /** Servers do not tell them of a given text. */
  async likelihoods(): Promise<number[]> {
    return [];
  }

  async imageCosts(picture: { width: number; height: number }, signal: AbortSignal): Promise<ImageCost[]> {
    return this.#connection.during(signal, async ({ model }) =>
      seesPictures(model.family) ? [imageCost(picture)] : [],
    );
  }

  dispose(): void {
    this.#connection.dispose();
  }

  #parameters({ messages, maxTokens, sampling }: ChatRequest, { model }: Connected): Omit<Parameters, 'messages'> {
    return {
      model: model.id,
      max_tokens: Math.min(maxTokens, longestAnswer(model.contextLength)),
      stream: true,
      stream_options: { include_usage: true },
      ...(messages.at(-1)?.role === 'assistant' ? { continue_final_message: true, add_generation_prompt: false } : {}),
      ...samplingParameters(sampling),
    };
  }

  #broken(): RemoteFailure {
    const { server, host } = this.#connection;
    return new RemoteFailure('brokenStream', faultText('brokenStream', serverName(server), '', host.t));
  }
}

/**
 * A server does not tell its model's defaults. Without a temperature the answer is the most likely one, as it is for the
 * models on this machine that say nothing; the other parameters that are not set are the server's.
 */
function samplingParameters(sampling: ChatSampling | undefined): Partial<Parameters> {
  if (!sampling) return { temperature: 0, repetition_penalty: 1 };
  const { temperature = 0, leastTemperature = 0, topP, topK, minP, repetitionPenalty, seed } = sampling;
  return {
    temperature: Math.max(temperature, leastTemperature),
    ...(topP === undefined ? {} : { top_p: topP }),
    // vLLM's name for all tokens is -1.
    ...(topK === undefined ? {} : { top_k: topK || -1 }),
    ...(minP === undefined ? {} : { min_p: minP }),
    ...(repetitionPenalty === undefined ? {} : { repetition_penalty: repetitionPenalty }),
    seed,
  };
}
