import assert from 'node:assert/strict';
import { TypingHold } from '../../../engine/inference/typingHold.ts';

interface Keys {
  name: string;
  everyMs: number;
  /** From a key to its ghost text. */
  sentAfterMs: number;
  /** The longest time that other work waits, and its share of all time. */
  longestMs: number;
  share: number;
}

describe('while somebody types, other work waits for a moment and has half of the time', () => {
  const cases: Keys[] = [
    { name: 'a key now and then', everyMs: 2000, sentAfterMs: 120, longestMs: 170, share: 0.085 },
    { name: 'each key with its ghost text', everyMs: 200, sentAfterMs: 120, longestMs: 170, share: 0.425 },
    { name: 'keys faster than any ghost text', everyMs: 70, sentAfterMs: Infinity, longestMs: 300, share: 300 / 630 },
    { name: 'a slow completion', everyMs: 1000, sentAfterMs: 700, longestMs: 300, share: 0.3 },
  ];
  for (const { name, everyMs, sentAfterMs, longestMs, share } of cases) {
    it(name, () => {
      const hold = new TypingHold();
      const wholeMs = 60_000;
      let [heldMs, runMs, longest] = [0, 0, 0];
      for (let now = 1; now <= wholeMs; now++) {
        if (now % everyMs === 0) hold.begin(now);
        if (now > everyMs && (now - sentAfterMs) % everyMs === 0) hold.end(now);
        runMs = now < hold.until ? runMs + 1 : 0;
        longest = Math.max(longest, runMs);
        if (runMs > 0) heldMs++;
      }
      assert.equal(longest, longestMs);
      assert.ok(Math.abs(heldMs / wholeMs - share) < 0.01, `${heldMs / wholeMs}`);
      assert.ok(heldMs / wholeMs <= 0.5);
    });
  }
});
