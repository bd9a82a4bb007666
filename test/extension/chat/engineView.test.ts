import assert from 'node:assert/strict';
import { engineView } from '../../../extension/chat/page/engineView.ts';
import type { EngineState } from '../../../extension/engine/engine.ts';
import { GREEDY_SAMPLING } from '../../support/engine/greedySampling.ts';

const t = (message: string, ...values: unknown[]): string => message.replace('{0}', String(values[0]));
const where = { place: 'Local only', sent: 'Nothing was sent over a network.', goes: '' };
const model = {
  modelId: '',
  name: 'phi',
  contextLength: 1,
  longestAnswer: 1,
  images: null,
  backend: 'wasm',
  device: '',
  notes: [],
  bytes: 0,
  sampling: GREEDY_SAMPLING,
} as const;
const ready = (chat: boolean): EngineState => ({ kind: 'ready', model: { ...model, notes: [], chat }, notes: [] });
const failed = (remedy: 'restart' | 'chooseModel' | 'settings' | 'server'): EngineState => ({
  kind: 'failed',
  message: 'It ended.',
  remedy,
  retrying: false,
});

describe('the engine in the page', () => {
  const cases: [state: EngineState, chatModel: string, text: string, advice: RegExp, remedies: string][] = [
    [{ kind: 'off' }, '/phi', 'The engine will start with the next question.', /^$/, ''],
    [
      { kind: 'sleeping', because: 'idle' },
      '/phi',
      'The model is sleeping. It will load with the next question.',
      /^$/,
      '',
    ],
    [{ kind: 'starting' }, '', 'Starting the engine', /^$/, ''],
    [{ kind: 'loading', fraction: 0.479 }, '', 'Loading the model', /^$/, ''],
    [ready(true), '/phi', 'phi', /^$/, ''],
    [ready(false), '/phi', 'phi', /has no chat template/, 'chooseModel'],
    [ready(true), 'bundled:starter', 'phi', /cannot hold a conversation/, 'getChatModel,chooseModel'],
    [ready(true), 'bundled:SmolLM2-135M-Instruct', 'phi', /very small/, 'chooseModel'],
    [ready(true), '/store/SmolLM2-135M-Instruct.Q4_1.gguf', 'phi', /very small/, 'chooseModel'],
    [failed('restart'), '/phi', 'It ended.', /^$/, 'restart,log'],
    [failed('settings'), '/phi', 'It ended.', /^$/, 'restart,log'],
    [failed('chooseModel'), '/phi', 'It ended.', /^$/, 'chooseModel,restart,log'],
  ];
  for (const [state, chatModel, text, advice, remedies] of cases) {
    it(`${state.kind}: ${text} ${remedies}`, () => {
      const view = engineView(state, chatModel, where, t);
      assert.equal(view.kind, state.kind);
      assert.deepEqual({ place: view.place, sent: view.sent, goes: view.goes }, where);
      assert.equal(view.text, text);
      assert.match(view.advice, advice);
      assert.equal(view.remedies.join(), remedies);
    });
  }

  it('a server is connected to, and helped otherwise than an engine', () => {
    const server = { place: 'gpu:8000', goes: 'Questions go there.', sent: '' };
    const starting = engineView({ kind: 'starting', server: 'gpu:8000' }, 'phi-3-medium', server, t);
    assert.deepEqual(
      [starting.text, starting.place, starting.goes],
      ['Connecting to gpu:8000', 'gpu:8000', server.goes],
    );
    assert.equal(engineView(failed('server'), 'phi-3-medium', server, t).remedies.join(), 'server,log');
    assert.equal(engineView(ready(true), 'SmolLM2-135M-Instruct', server, t).advice, '');
  });
});
