import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { CursorRest } from '../../../extension/completion/cursorRest.ts';
import type { EngineState } from '../../../extension/engine/engine.ts';
import { EventEmitter, fake, TextEditorSelectionChangeKind, window } from '../../support/extension/vscodeStub.ts';
import { until } from '../../support/until.ts';

const REST_MS = 20;
const { Keyboard } = TextEditorSelectionChangeKind;

describe('where the cursor rests', () => {
  const ready = new EventEmitter<EngineState>();
  const wish = new EventEmitter<void>();
  let rest: CursorRest;
  let read: { place: string; signal: AbortSignal }[];
  let warmedUp: string[];
  const places = () => read.map(({ place }) => place);
  const editorAt = (document: string, active: number, isEmpty = true) => ({ document, selection: { active, isEmpty } });
  const goTo = (document: string, active: number) => {
    window.activeTextEditor = editorAt(document, active);
    fake.selectionChanged.fire({ textEditor: window.activeTextEditor, kind: Keyboard });
  };
  const start = () => {
    const prefill = async (document: unknown, position: unknown, signal: AbortSignal) => {
      read.push({ place: `${String(document)} ${String(position)}`, signal });
    };
    const warmUp = (document: unknown) => void warmedUp.push(String(document));
    const model = { onDidChangeState: ready.event };
    rest = new CursorRest({ provider: { prefill, warmUp }, model, onDidChangeWish: [wish.event], restMs: REST_MS });
  };
  beforeEach(() => {
    [read, warmedUp] = [[], []];
    start();
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

  it('the model is loaded for the file that is open from the start, for another one, and once it is wanted', async () => {
    rest.dispose();
    window.activeTextEditor = editorAt('a', 1);
    start();
    await until(() => warmedUp.length === 1);
    window.activeTextEditor = editorAt('b', 1, false);
    fake.editorChanged.fire(undefined);
    await until(() => warmedUp.length === 2);
    wish.fire();
    await until(() => warmedUp.length === 3);
    assert.deepEqual(warmedUp, ['a', 'b', 'b']);
  });

  it('of places that the cursor only passes, none loads the model; nor does a program that moves it', async () => {
    for (const document of ['a', 'b', 'c']) goTo(document, 1);
    fake.selectionChanged.fire({ textEditor: window.activeTextEditor });
    await until(() => warmedUp.length > 0);
    fake.selectionChanged.fire({ textEditor: window.activeTextEditor });
    await until(() => read.length === 2);
    assert.deepEqual(warmedUp, ['c']);
  });

  it('another file, and a model that is ready now, count as well', async () => {
    window.activeTextEditor = editorAt('b', 7);
    fake.editorChanged.fire(undefined);
    await until(() => read.length === 1);
    ready.fire({ kind: 'starting' });
    await delay(3 * REST_MS);
    ready.fire({ kind: 'ready', model: {} as never, notes: [] });
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
