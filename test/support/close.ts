import assert from 'node:assert/strict';

/** Fails unless every value is within `tolerance` times the root mean square of `want` (at least 1e-3). */
export function assertClose(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number, label = ''): void {
  assert.equal(got.length, want.length, `${label}: length`);
  let square = 0;
  for (let i = 0; i < want.length; i++) square += want[i]! ** 2;
  const allowed = tolerance * Math.max(1e-3, Math.sqrt(square / Math.max(1, want.length)));
  const { error, at } = worst(got, want);
  assert.ok(
    error <= allowed,
    `${label}: [${at}] is ${got[at]}, wanted ${want[at]}: off by ${error}, allowed ${allowed}`,
  );
}

/** Fails unless every value is within `absolute` of `want`. */
export function assertWithin(got: ArrayLike<number>, want: ArrayLike<number>, absolute: number, label = ''): void {
  assert.equal(got.length, want.length, `${label}: length`);
  const { error, at } = worst(got, want);
  assert.ok(error <= absolute, `${label}: [${at}] is ${got[at]}, wanted ${want[at]}: off by ${error}`);
}

/** NaN counts as infinitely far. */
function worst(got: ArrayLike<number>, want: ArrayLike<number>): { error: number; at: number } {
  let error = 0;
  let at = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!);
    if (!(difference <= error)) {
      error = Number.isNaN(difference) ? Infinity : difference;
      at = i;
      if (error === Infinity) break;
    }
  }
  return { error, at };
}
