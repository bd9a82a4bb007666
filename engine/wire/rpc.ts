/** Typed calls over vscode-jsonrpc with cancellation and progress, for both ends. protocol.ts defines the messages. */
import type { Duplex } from 'node:stream';
import {
  type CancellationToken,
  CancellationTokenSource,
  createMessageConnection,
  type MessageConnection,
  ProgressType,
  RequestType,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { errorMessage } from '../errors.ts';
import { EngineFailure } from './failure.ts';
import type { Failure, Method, Methods, NotificationName, Notifications } from './protocol.ts';
import { firstProblem, methodSchemas, notificationSchemas } from './schemas.ts';

export interface CallOptions<M extends Method> {
  signal?: AbortSignal;
  onPart?: (part: Methods[M]['part']) => void;
}

/** How long a client waits for the other end to close the connection after a goodbye. */
const GOODBYE_MS = 1000;
const ENDED = 'The engine process ended.';

/** The caller's end of a connection. When the stream ends, every open call fails with the reason. */
export class RpcClient {
  readonly #connection: MessageConnection;
  readonly #closeListeners: ((reason: string) => void)[] = [];
  /** Functions that reject the open calls. */
  readonly #open = new Set<(failure: EngineFailure) => void>();
  #nextProgress = 1;
  #closedReason: string | undefined;
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#connection = connect(stream);
    for (const event of ['end', 'close', 'error']) stream.on(event, () => this.close(ENDED));
    this.#connection.onError(() => this.close(ENDED));
    this.#connection.listen();
  }

  /** Rejects with EngineFailure; immediately when the signal aborts, without waiting for the engine. */
  async call<M extends Method>(
    method: M,
    params: Methods[M]['params'],
    { signal, onPart }: CallOptions<M> = {},
  ): Promise<Methods[M]['result']> {
    if (signal?.aborted) throw cancelled();
    if (this.#closedReason !== undefined) throw gone(this.#closedReason);
    const source = new CancellationTokenSource();
    const part = this.#nextProgress++;
    const progress = onPart && this.#connection.onProgress(new ProgressType<never>(), part, onPart as () => void);
    let stop!: (failure: EngineFailure) => void;
    const stopped = new Promise<never>((_, reject) => (stop = reject));
    const onAbort = (): void => {
      source.cancel();
      stop(cancelled());
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#open.add(stop);
    try {
      const request = this.#connection.sendRequest(requestType(method), { params, part }, source.token);
      return await Promise.race([request, stopped]);
    } catch (error) {
      throw asFailure(error);
    } finally {
      this.#open.delete(stop);
      signal?.removeEventListener('abort', onAbort);
      progress?.dispose();
      source.dispose();
    }
  }

  onNotification<N extends NotificationName>(name: N, listener: (params: Notifications[N]) => void): void {
    receive(this.#connection, name, listener);
  }

  notify<N extends NotificationName>(name: N, params: Notifications[N]): void {
    if (this.#closedReason === undefined) void this.#connection.sendNotification(name, params).catch(() => {});
  }

  /** Calls the listener once with the reason; immediately when the connection is closed already. */
  onClose(listener: (reason: string) => void): void {
    if (this.#closedReason !== undefined) listener(this.#closedReason);
    else this.#closeListeners.push(listener);
  }

  /** Tells the engine that this window no longer needs it. Open calls fail with `reason`. */
  goodbye(reason: string): void {
    if (this.#closedReason !== undefined) return;
    // The engine closes the connection when it has received this. Closing it here could overtake the message.
    void this.#connection.sendNotification('goodbye', {}).catch(() => {});
    setTimeout(() => this.#end(), GOODBYE_MS).unref();
    this.#fail(reason);
  }

  /** Closes the connection. Open calls fail with `reason`. */
  close(reason: string): void {
    this.#fail(reason);
    this.#end();
  }

  #fail(reason: string): void {
    if (this.#closedReason !== undefined) return;
    this.#closedReason = reason;
    for (const stop of this.#open) stop(gone(reason));
    for (const listener of this.#closeListeners) listener(reason);
  }

  #end(): void {
    this.#connection.dispose();
    this.#stream.destroy();
  }
}

export interface Call<M extends Method> {
  readonly signal: AbortSignal;
  part(part: Methods[M]['part']): void;
}
export type Handlers = {
  [M in Method]: (params: Methods[M]['params'], call: Call<M>) => Promise<Methods[M]['result']>;
};
export interface ServeOptions {
  /** Converts an error of a handler to the failure that the caller gets. */
  toFailure(error: unknown): Failure;
  onGoodbye(): void;
  /** A document or conversation was closed. */
  onClosed(sessionId: string): void;
  /** A key was pressed. */
  onTyping(): void;
  onClose(): void;
}
/** The server's end of a connection. */
export interface ServedConnection {
  notify<N extends NotificationName>(name: N, params: Notifications[N]): void;
  end(): void;
}

/** Answers calls until the stream ends, then aborts those that are still running. */
export function serve(stream: Duplex, handlers: Handlers, options: ServeOptions): ServedConnection {
  const connection = connect(stream);
  const closed = new AbortController();
  for (const method of Object.keys(handlers) as Method[]) answer(connection, method, handlers, options, closed.signal);
  receive(connection, 'goodbye', () => options.onGoodbye());
  receive(connection, 'closed', ({ sessionId }) => options.onClosed(sessionId));
  receive(connection, 'typing', () => options.onTyping());
  const onClose = (): void => {
    if (closed.signal.aborted) return;
    closed.abort();
    connection.dispose();
    options.onClose();
  };
  for (const event of ['end', 'close', 'error']) stream.on(event, onClose);
  // Whoever sends bytes that are not a message is not the extension.
  connection.onError(() => stream.destroy());
  connection.listen();
  return {
    notify: (name, params) => {
      if (!closed.signal.aborted) void connection.sendNotification(name, params).catch(() => onClose());
    },
    end: () => stream.end(),
  };
}

interface WireParams<M extends Method> {
  params: Methods[M]['params'];
  /** Identifies the progress messages of this call. */
  part: number;
}

function answer<M extends Method>(
  connection: MessageConnection,
  method: M,
  handlers: Handlers,
  options: ServeOptions,
  closed: AbortSignal,
): void {
  connection.onRequest(requestType(method).method, async (wire: WireParams<M>, token: CancellationToken) => {
    const signal = AbortSignal.any([abortSignal(token), closed]);
    try {
      const parsed = methodSchemas[method].safeParse(wire.params);
      if (!parsed.success) {
        return failed({ kind: 'badRequest', message: firstProblem(method, parsed.error) });
      }
      return await handlers[method](parsed.data, {
        signal,
        part: (part) => {
          if (closed.aborted) return;
          void connection.sendProgress(new ProgressType<unknown>(), wire.part, part).catch(() => {});
        },
      });
    } catch (error) {
      return failed(signal.aborted ? cancelled().failure : options.toFailure(error));
    }
  });
}

function receive<N extends NotificationName>(
  connection: MessageConnection,
  name: N,
  listener: (params: Notifications[N]) => void,
): void {
  connection.onNotification(name, (params: unknown) => {
    const parsed = notificationSchemas[name].safeParse(params);
    if (parsed.success) listener(parsed.data);
  });
}

function connect(stream: Duplex): MessageConnection {
  return createMessageConnection(new StreamMessageReader(stream), new StreamMessageWriter(stream));
}

function requestType<M extends Method>(method: M): RequestType<WireParams<M>, Methods[M]['result'], Failure> {
  return new RequestType(method);
}

function abortSignal(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}

const FAILED = -32000;
const failed = (failure: Failure): ResponseError<Failure> => new ResponseError(FAILED, failure.message, failure);
const gone = (message: string): EngineFailure => new EngineFailure({ kind: 'engineGone', message });
const cancelled = (): EngineFailure => new EngineFailure({ kind: 'cancelled', message: 'The call was cancelled.' });

function asFailure(error: unknown): EngineFailure {
  if (error instanceof EngineFailure) return error;
  if (error instanceof ResponseError && isFailure(error.data)) return new EngineFailure(error.data);
  return new EngineFailure({ kind: 'bug', message: errorMessage(error) });
}

function isFailure(data: unknown): data is Failure {
  return typeof data === 'object' && data !== null && 'kind' in data && 'message' in data;
}
