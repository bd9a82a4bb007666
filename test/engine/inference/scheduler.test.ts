import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { PRIORITY, type Priority, Scheduler } from '../../../engine/inference/scheduler.ts';

/** A job that waits until it is told to end, and notes its start and end. */
function job(name: string, events: string[]) {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const run = async (): Promise<void> => {
    events.push(`${name} starts`);
    await ended;
    events.push(`${name} ends`);
  };
  return { run, end };
}

describe('scheduler', () => {
  it('one at a time; completions first, then in order of arrival', async () => {
    const scheduler = new Scheduler();
    const events: string[] = [];
    const jobs = ['chat 1', 'chat 2', 'completion 1', 'chat 3', 'completion 2'].map((name) => ({
      name,
      ...job(name, events),
    }));
    const all = jobs.map(({ name, run }) =>
      scheduler.run(name.startsWith('chat') ? PRIORITY.background : PRIORITY.completion, run),
    );
    for (const { end } of jobs) end();
    await Promise.all(all);
    const order = ['chat 1', 'completion 1', 'completion 2', 'chat 2', 'chat 3'];
    assert.deepEqual(
      events,
      order.flatMap((name) => [`${name} starts`, `${name} ends`]),
    );
  });

  it('a chat goes before what is read in the background', async () => {
    const scheduler = new Scheduler();
    const order: string[] = [];
    const names = ['background', 'chat', 'completion'] as const;
    const all = [...names, ...names].map((name) => scheduler.run(PRIORITY[name], async () => void order.push(name)));
    await Promise.all(all);
    assert.deepEqual(order, ['background', 'completion', 'completion', 'chat', 'chat', 'background']);
  });

  it('completions are likely for some seconds after one', async () => {
    let now = 0;
    const scheduler = new Scheduler(() => now);
    const likely = (at: number): boolean => {
      now = at;
      return scheduler.completionsLikely;
    };
    assert.equal(likely(0), false);
    await scheduler.run(PRIORITY.chat, async () => {});
    assert.equal(likely(0), false);
    await scheduler.run(PRIORITY.completion, async () => {});
    assert.deepEqual([likely(0), likely(4000), likely(6000)], [true, true, false]);
  });

  it('who computes step by step is not interrupted by what is less urgent', async () => {
    const scheduler = new Scheduler();
    const order: string[] = [];
    const steps = async (name: string, priority: Priority): Promise<void> => {
      for (let step = 0; step < 3; step++) await scheduler.run(priority, async () => void order.push(name));
    };
    const background = steps('chat', PRIORITY.background);
    await Promise.all([background, steps('a', PRIORITY.completion), steps('b', PRIORITY.completion)]);
    assert.deepEqual(order, ['chat', 'a', 'b', 'a', 'b', 'a', 'b', 'chat', 'chat']);
  });

  it('who is cancelled while waiting never starts, and nobody waits for him', async () => {
    const scheduler = new Scheduler();
    const events: string[] = [];
    const [first, second, third] = ['first', 'second', 'third'].map((name) => job(name, events));
    const abort = new AbortController();
    const running = scheduler.run(PRIORITY.completion, first!.run);
    const cancelled = scheduler.run(PRIORITY.completion, second!.run, abort.signal);
    const waiting = scheduler.run(PRIORITY.completion, third!.run);
    abort.abort();
    await assert.rejects(cancelled, { name: 'Cancelled' });
    await assert.rejects(scheduler.run(PRIORITY.completion, second!.run, AbortSignal.abort()), { name: 'Cancelled' });
    first!.end();
    third!.end();
    await Promise.all([running, waiting]);
    assert.deepEqual(events, ['first starts', 'first ends', 'third starts', 'third ends']);
  });

  describe('while somebody types', () => {
    let now: number;
    let scheduler: Scheduler;
    beforeEach(() => {
      now = 1000;
      scheduler = new Scheduler(() => now);
      mock.timers.enable({ apis: ['setTimeout'] });
    });
    afterEach(() => mock.timers.reset());

    const wait = async (ms: number): Promise<void> => {
      now += ms;
      mock.timers.tick(ms);
      // Steps that may begin now do so.
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    };
    /** Steps of a chat, each of which takes no time, and when they ran. */
    const chat = (steps: number) => {
      const ran: number[] = [];
      const all = (async () => {
        for (let step = 0; step < steps; step++)
          await scheduler.run(PRIORITY.chat, async () => void ran.push(now - 1000));
      })();
      return { ran, all };
    };

    it('a chat waits from a key until its ghost text is drawn; completions do not', async () => {
      scheduler.typing();
      const { ran, all } = chat(1);
      await wait(100);
      await scheduler.run(PRIORITY.completion, async () => {});
      assert.deepEqual(ran, []);
      scheduler.ghostTextSent();
      await wait(49);
      assert.deepEqual(ran, []);
      await wait(1);
      await all;
      assert.deepEqual(ran, [150]);
    });

    it('a step that runs when the key is pressed ends, and the next one waits', async () => {
      const { run, end } = job('step', []);
      const running = scheduler.run(PRIORITY.chat, run);
      scheduler.typing();
      end();
      await running;
      const { ran, all } = chat(1);
      await wait(299);
      assert.deepEqual(ran, []);
      await wait(1);
      await all;
    });

    it('who is cancelled while he is held never starts', async () => {
      scheduler.typing();
      const abort = new AbortController();
      const held = scheduler.run(PRIORITY.chat, () => assert.fail('it started'), abort.signal);
      abort.abort();
      await assert.rejects(held, { name: 'Cancelled' });
      await wait(1000);
    });
  });

  it('a job that fails lets the next one run', async () => {
    const scheduler = new Scheduler();
    await assert.rejects(
      scheduler.run(PRIORITY.completion, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await scheduler.run(PRIORITY.background, async () => 1), 1);
  });
});
