/** The completions' model on a server. */
import type { Event } from 'vscode-jsonrpc';
import { completeAt, NOTHING } from '../../engine/completion/completeAt.ts';
import type { Syntax } from '../../engine/syntax/findErrors.ts';
import type { CompleteResult } from '../../engine/wire/protocol.ts';
import type { CompleteRequest, CompletionModel, EngineState } from '../engine/engine.ts';
import { type Connected, RemoteConnection, type RemoteModel } from './connection.ts';
import { fillInMarks } from './families.ts';
import { withoutSecrets } from './outgoing.ts';
import { remoteGenerate } from './remoteGenerate.ts';
import type { RemoteServer } from './server.ts';
import type { RemoteHost } from './serverFetch.ts';
import { TextTokenizer } from './textTokenizer.ts';

export class RemoteCompletion implements CompletionModel, RemoteModel {
  readonly #connection: RemoteConnection;
  readonly #syntax: Syntax | undefined;
  /** The request of each document that is on its way. */
  readonly #running = new Map<string, AbortController>();
  /** Whether the model answers conversations, until the server says otherwise. */
  #chats = true;

  constructor(server: RemoteServer, host: RemoteHost, syntax?: Syntax) {
    this.#connection = new RemoteConnection(server, host);
    this.#syntax = syntax;
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

  /** Nothing is sent that nobody has asked for. */
  async prefill(): Promise<number> {
    return 0;
  }

  typing(): void {
    this.warmUp();
  }

  /** One request per document: a newer one cancels the older. */
  async complete(asked: CompleteRequest, signal: AbortSignal): Promise<CompleteResult> {
    const { sessionId } = asked;
    this.#running.get(sessionId)?.abort();
    const request = withoutSecrets(asked);
    if (!request) return NOTHING;
    const mine = new AbortController();
    this.#running.set(sessionId, mine);
    try {
      const either = AbortSignal.any([signal, mine.signal]);
      const complete = (connected: Connected, all: AbortSignal) => this.#complete(request, connected, all);
      // A completion that comes seconds later is of no use.
      return await this.#connection.during(either, complete, { waits: false });
    } finally {
      if (this.#running.get(sessionId) === mine) this.#running.delete(sessionId);
    }
  }

  dispose(): void {
    this.#connection.dispose();
  }

  async #complete(request: CompleteRequest, connected: Connected, signal: AbortSignal): Promise<CompleteResult> {
    const { id, family, contextLength } = connected.model;
    const marks = fillInMarks(family);
    const ask = (isChatModel: boolean): Promise<CompleteResult> => {
      const tokenizer = new TextTokenizer({ isChatModel, marks });
      const generate = remoteGenerate(connected, tokenizer, marks);
      const model = { name: id, contextLength, fimOrder: 'psm' as const };
      // Other texts than the likeliest cannot be asked for.
      return completeAt({ ...request, alternatives: 0 }, { tokenizer, generate, model, syntax: this.#syntax }, signal);
    };
    if (marks.length > 0 || !this.#chats) return ask(false);
    try {
      return await ask(true);
    } catch (error) {
      if (!hasNoTemplate(error)) throw error;
      this.#chats = false;
      return ask(false);
    }
  }
}

/** Whether a server refuses a conversation because its model has no chat template. */
function hasNoTemplate(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 400 && /chat[ _]template/i.test(error.message);
}
