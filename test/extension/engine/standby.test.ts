import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Standby } from '../../../extension/engine/standby.ts';

const MINUTE = 60_000;

describe('standby of the engine', () => {
  let ends: number;
  let standby: Standby;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    ends = 0;
    standby = new Standby({ end: () => ends++ });
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

  it('wanted: the engine never ends by itself', async () => {
    await begin().end();
    mock.timers.tick(60 * MINUTE);
    assert.equal(ends, 0);
  });

  it('not wanted: it ends at once where no call runs', () => {
    standby.set(false);
    assert.equal(ends, 1);
  });

  it('not wanted: it stays while a call runs, however long, and ten minutes longer', async () => {
    const call = begin();
    standby.set(false);
    mock.timers.tick(60 * MINUTE);
    assert.equal(ends, 0);
    await call.end();
    mock.timers.tick(10 * MINUTE - 1);
    assert.equal(ends, 0);
    mock.timers.tick(1);
    assert.equal(ends, 1);
  });

  it('not wanted: each further call starts the ten minutes anew, also one that fails', async () => {
    standby.set(false);
    await begin().end();
    mock.timers.tick(9 * MINUTE);
    await assert.rejects(standby.during(() => Promise.reject(new Error('no'))));
    mock.timers.tick(9 * MINUTE);
    assert.equal(ends, 1, 'only where it was turned off');
    mock.timers.tick(MINUTE);
    assert.equal(ends, 2);
  });

  it('calls that do not extend the time protect themselves only', async () => {
    await begin().end();
    standby.set(false);
    ends = 0;
    mock.timers.tick(9 * MINUTE);
    await begin({ extends: false }).end();
    mock.timers.tick(MINUTE);
    assert.equal(ends, 1);
    const late = begin({ extends: false });
    standby.set(false);
    mock.timers.tick(60 * MINUTE);
    assert.equal(ends, 1);
    await late.end();
    mock.timers.tick(10 * MINUTE);
    assert.equal(ends, 2);
  });

  it('wanted again in time: it stays', async () => {
    standby.set(false);
    await begin().end();
    standby.set(true);
    mock.timers.tick(60 * MINUTE);
    assert.equal(ends, 1, 'only where it was turned off');
  });
});
