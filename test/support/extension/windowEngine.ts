/** An engine of a window with scripted models, for the tests of the describe() that calls windowEngine(). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { CompleteParams, LoadParams } from '../../../engine/wire/protocol.ts';
import type { EngineState } from '../../../extension/engine/engine.ts';
import { LocalEngine } from '../../../extension/engine/localEngine.ts';
import { type EngineHost, engineHost, isAlive, removeHost, until } from './engineHost.ts';

export const completion = (prefix: string): Omit<CompleteParams, 'modelId'> => ({
  sessionId: 'a.ts',
  fileName: 'a.ts',
  languageId: 'typescript',
  prefix,
  suffix: '',
  maxTokens: 8,
  multiline: 'auto',
});
export const open = new AbortController().signal;

/** What the settings say, and what was seen. */
class WindowEngine {
  host!: EngineHost;
  engine!: LocalEngine;
  model = '/m';
  chatModel: string | undefined;
  backend: LoadParams['backend'] = 'auto';
  idleMs = Infinity;
  launches = 0;
  /** States of the completion model. */
  readonly states: EngineState['kind'][] = [];
  readonly pids = new Set<number>();

  start(): void {
    [this.model, this.chatModel, this.backend, this.idleMs, this.launches] = ['/m', undefined, 'auto', Infinity, 0];
    this.states.length = 0;
    this.engine = new LocalEngine({
      launch: () => {
        this.launches++;
        return this.host;
      },
      model: (purpose) => (purpose === 'chat' && this.chatModel) || this.model,
      load: () => ({ backend: this.backend }),
      log: this.host.log,
      idleMs: () => this.idleMs,
    });
    this.engine.completionModel.onDidChangeState(({ kind }) => this.states.push(kind));
  }

  async ask(prefix: string): Promise<string> {
    const { text } = await this.engine.completionModel.complete(completion(prefix), open);
    this.pids.add(this.engine.pid!);
    return text;
  }

  /** The answer to a question; `during` runs with its first part. */
  async chat(during = (): void => {}): Promise<string> {
    let said = '';
    const messages = [textTurn('user', 'one two')];
    await this.engine.chatModel.chat({ sessionId: 'c', messages, maxTokens: 9 }, open, (part) => {
      if (said === '') during();
      if (part.type === 'text') said += part.text;
    });
    this.pids.add(this.engine.pid!);
    return said;
  }

  async gone(pid: number): Promise<void> {
    await until(`process ${pid} ends`, () => !isAlive(pid));
    assert.equal(existsSync(this.host.address.socket), false, 'the socket file is left');
  }
}

export function windowEngine(): WindowEngine {
  const own = new WindowEngine();
  before(async () => {
    own.host = await engineHost();
  });
  beforeEach(() => own.start());
  afterEach(async () => {
    own.engine.dispose();
    await until('the process has gone', () => !existsSync(own.host.address.socket));
  });
  after(() => removeHost(own.host, own.pids));
  return own;
}
