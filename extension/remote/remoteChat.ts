/** The chat's model on a server. */
import type { Event } from 'vscode-jsonrpc';
import { textOf } from '../../engine/wire/chatTurns.ts';
import type { ChatPart, ChatResult, FitResult, ImageCost } from '../../engine/wire/protocol.ts';
import type { ChatModel, ChatRequest, EngineState } from '../engine/engine.ts';
import { RemoteConnection, type RemoteModel } from './connection.ts';
import { faultText, RemoteFailure } from './faults.ts';
import { type RemoteServer, serverName } from './server.ts';
import type { RemoteHost } from './serverFetch.ts';

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
    this.#connection.connected().catch(() => {});
  }

  async chat(request: ChatRequest, signal: AbortSignal, onPart: (part: ChatPart) => void): Promise<ChatResult> {
    return this.#connection.during(signal, async ({ client, model }) => {
      const stream = await client.chat.completions.create(
        {
          model: model.id,
          messages: request.messages.map((turn) => ({ role: turn.role, content: textOf(turn) })),
          max_tokens: request.maxTokens,
          stream: true,
          stream_options: { include_usage: true },
        },
        { signal },
      );
      let finish: string | null = null;
      let [prompt, generated] = [0, 0];
      for await (const { choices, usage } of stream) {
        const text = choices[0]?.delta.content ?? '';
        if (text !== '') onPart({ type: 'text', text });
        finish = choices[0]?.finish_reason ?? finish;
        if (usage) [prompt, generated] = [usage.prompt_tokens, usage.completion_tokens];
      }
      const { server, host } = this.#connection;
      if (finish === null)
        throw new RemoteFailure('brokenStream', faultText('brokenStream', serverName(server), '', host.t));
      return {
        tokensReused: 0,
        tokensPrefilled: prompt,
        tokensGenerated: generated,
        stop: finish === 'length' ? 'length' : 'end',
        prefillMs: 0,
        decodeMs: 0,
        messagesDropped: 0,
      };
    });
  }

  async fit(): Promise<FitResult> {
    throw new RemoteFailure('badRequest', 'Sources cannot be fitted yet.');
  }

  async countTokens(texts: string[]): Promise<number[]> {
    return texts.map(({ length }) => Math.ceil(length / 3));
  }

  async imageCosts(): Promise<ImageCost[]> {
    return [];
  }

  dispose(): void {
    this.#connection.dispose();
  }
}
