import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { CursorRest } from '../../../extension/completion/cursorRest.ts';
import type { EngineState } from '../../../extension/engine/engine.ts';
import { EventEmitter, fake, window } from '../../support/extension/vscodeStub.ts';
import { until } from '../../support/until.ts';

const REST_MS = 20;

describe('where the cursor rests', () => {
  const model = new EventEmitter<EngineState>();
  let rest: CursorRest;
  let read: { place: string; signal: AbortSignal }[];
  const places = () => read.map(({ place }) => place);
  const editorAt = (document: string, active: number, isEmpty = true) => ({ document, selection: { active, isEmpty } });
  const goTo = (document: string, active: number) => {
    window.activeTextEditor = editorAt(document, active);
    fake.selectionChanged.fire({ textEditor: window.activeTextEditor });
  };
  beforeEach(() => {
    read = [];
    const prefill = async (document: unknown, position: unknown, signal: AbortSignal) => {
      read.push({ place: `${String(document)} ${String(position)}`, signal });
    };
    rest = new CursorRest({ prefill }, { onDidChangeState: model.event }, REST_MS);
  });
  afterEach(() => {
    rest.dispose();
    window.activeTextEditor = undefined;
  });

  it('the place is read, and not those that it only passes', async () => {
    for (const line of [1, 2, 3]) goTo('a', line);
    assert.deepEqual(places(), []);
    await until(() => read.length > 0);
    assert.deepEqual(places(), ['a 3']);
  });

  it('moving on ends the reading; so does the end of the window', async () => {
    goTo('a', 1);
    await until(() => read.length === 1);
    goTo('a', 2);
    await until(() => read.length === 2);
    assert.deepEqual(
      read.map(({ signal }) => signal.aborted),
      [true, false],
    );
    rest.dispose();
    assert.ok(read[1]!.signal.aborted);
  });

  it('another file, and a model that is ready now, count as well', async () => {
    window.activeTextEditor = editorAt('b', 7);
    fake.editorChanged.fire(undefined);
    await until(() => read.length === 1);
    model.fire({ kind: 'starting' });
    await delay(3 * REST_MS);
    model.fire({ kind: 'ready', model: {} as never, notes: [] });
    await until(() => read.length === 2);
    assert.deepEqual(places(), ['b 7', 'b 7']);
  });

  it('text that is selected is not read', async () => {
    window.activeTextEditor = editorAt('a', 1, false);
    fake.selectionChanged.fire({ textEditor: window.activeTextEditor });
    await delay(3 * REST_MS);
    goTo('a', 2);
    await until(() => read.length > 0);
    assert.deepEqual(places(), ['a 2']);
  });

  it('a cursor in another editor than that with the keyboard does not', async () => {
    goTo('a', 1);
    await until(() => read.length === 1);
    fake.selectionChanged.fire({ textEditor: editorAt('c', 1) });
    await delay(3 * REST_MS);
    assert.deepEqual(places(), ['a 1']);
  });
});
