import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Standby } from '../../../extension/engine/standby.ts';

const MINUTE = 60_000;

describe('standby of a model', () => {
  let ends: number;
  let sleeps: number;
  let idleMs: number;
  let standby: Standby;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    ends = sleeps = 0;
    idleMs = 10 * MINUTE;
    standby = new Standby({ end: () => ends++, sleep: () => sleeps++, idleMs: () => idleMs });
  });
  afterEach(() => {
    standby.dispose();
    mock.timers.reset();
  });
  /** A call, and a way to end it. */
  const begin = (options?: { extends: boolean }) => {
    let resolve: (() => void) | undefined;
    const done = standby.during(() => new Promise<void>((end) => (resolve = end)), options);
    return { end: () => (resolve!(), done) };
  };

  it('not wanted: it ends at once where no call runs', () => {
    standby.set(false);
    assert.deepEqual([ends, sleeps], [1, 0]);
  });

  it('not wanted: it stays while a call runs, however long, and ten minutes longer', async () => {
    const call = begin();
    standby.set(false);
    mock.timers.tick(60 * MINUTE);
    assert.deepEqual([ends, sleeps], [0, 0]);
    await call.end();
    mock.timers.tick(10 * MINUTE - 1);
    assert.deepEqual([ends, sleeps], [0, 0]);
    mock.timers.tick(1);
    assert.deepEqual([ends, sleeps], [0, 1]);
  });

  it('each further call starts the ten minutes anew, also one that fails', async () => {
    await begin().end();
    mock.timers.tick(9 * MINUTE);
    await assert.rejects(standby.during(() => Promise.reject(new Error('no'))));
    mock.timers.tick(9 * MINUTE);
    assert.equal(sleeps, 0);
    mock.timers.tick(MINUTE);
    assert.equal(sleeps, 1);
  });

  it('calls that do not extend the time protect themselves only', async () => {
    await begin().end();
    mock.timers.tick(9 * MINUTE);
    await begin({ extends: false }).end();
    mock.timers.tick(MINUTE);
    assert.equal(sleeps, 1);
    const late = begin({ extends: false });
    mock.timers.tick(60 * MINUTE);
    assert.equal(sleeps, 1);
    await late.end();
    mock.timers.tick(10 * MINUTE);
    assert.equal(sleeps, 2);
  });

  it('never, where the time is infinite; a time that is set later counts from then on', async () => {
    idleMs = Infinity;
    await begin().end();
    mock.timers.tick(600 * MINUTE);
    assert.equal(sleeps, 0);
    idleMs = MINUTE;
    standby.extend();
    mock.timers.tick(MINUTE);
    assert.equal(sleeps, 1);
  });
});
