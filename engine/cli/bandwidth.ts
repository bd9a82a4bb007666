import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** All threads together: larger than any cache, smaller than any memory that holds a model. */
const BYTES = 2 ** 30;
const LARGEST_SHARE = 2 ** 28;
const PASSES = 6;

/** Reads an array with eight independent sums, so that memory and not the adder is the limit. Runs in a worker. */
const READER = `
const { parentPort, workerData } = require('node:worker_threads');
function read(x) {
  let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
  for (let i = 0; i < x.length; i += 8) {
    a += x[i]; b += x[i + 1]; c += x[i + 2]; d += x[i + 3]; e += x[i + 4]; f += x[i + 5]; g += x[i + 6]; h += x[i + 7];
  }
  return a + b + c + d + e + f + g + h;
}
const x = new Float64Array(workerData.bytes / 8).fill(1);
read(x.subarray(0, 1 << 16)); read(x.subarray(0, 1 << 16)); read(x);
parentPort.postMessage('ready');
parentPort.on('message', () => { const sum = read(x); parentPort.postMessage(sum); });
`;

/** Bytes per second that `threads` threads read together from memory: the median of several passes, measured now. */
export async function measureBandwidth(threads = availableParallelism()): Promise<number> {
  const bytes = Math.min(LARGEST_SHARE, Math.floor(BYTES / threads / 64) * 64);
  const workers = Array.from({ length: threads }, () => new Worker(READER, { eval: true, workerData: { bytes } }));
  const all = (): Promise<unknown> => Promise.all(workers.map((worker) => once(worker, 'message')));
  try {
    await all();
    const rates: number[] = [];
    for (let pass = 0; pass < PASSES; pass++) {
      const started = performance.now();
      const answers = all();
      for (const worker of workers) worker.postMessage('go');
      await answers;
      rates.push((threads * bytes) / ((performance.now() - started) / 1000));
    }
    return median(rates);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
