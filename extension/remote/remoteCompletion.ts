/** The completions' model on a server. */
import type { Event } from 'vscode-jsonrpc';
import type { CompleteResult } from '../../engine/wire/protocol.ts';
import type { CompleteRequest, CompletionModel, EngineState } from '../engine/engine.ts';
import { RemoteConnection, type RemoteModel } from './connection.ts';
import { RemoteFailure } from './faults.ts';
import type { RemoteServer } from './server.ts';
import type { RemoteHost } from './serverFetch.ts';

export class RemoteCompletion implements CompletionModel, RemoteModel {
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

  typing(): void {}

  async complete(_request: CompleteRequest, signal: AbortSignal): Promise<CompleteResult> {
    return this.#connection.during(signal, async () => {
      throw new RemoteFailure('badRequest', 'Completions by a server are not built yet.');
    });
  }

  dispose(): void {
    this.#connection.dispose();
  }
}
