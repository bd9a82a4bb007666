import assert from 'node:assert/strict';
import { StopStrings } from '../../../engine/inference/stopStrings.ts';

describe('stop strings', () => {
  const rows: [string, string[], string[], string, boolean][] = [
    ['none', [], ['ab', 'c'], 'abc', false],
    ['in one piece', ['END'], ['abENDcd'], 'ab', true],
    ['over three pieces', ['END'], ['abE', 'N', 'Dcd'], 'ab', true],
    ['a false start is shown', ['END'], ['abE', 'Nx'], 'abENx', false],
    ['a false start at the end is shown', ['END'], ['abEN'], 'abEN', false],
    ['the earliest of two', ['\n\n', 'x'], ['ax\n\n'], 'a', true],
    ['a start inside a start', ['aab'], ['a', 'a', 'a', 'b'], 'a', true],
    ['nothing after the stop', ['.'], ['a.', 'b'], 'a', true],
  ];
  for (const [name, stops, pieces, shown, stopped] of rows) {
    it(name, () => {
      const stop = new StopStrings(stops);
      assert.equal(pieces.map((piece) => stop.push(piece)).join('') + stop.end(), shown);
      assert.equal(stop.stopped, stopped);
    });
  }
});
