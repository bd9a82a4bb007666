import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { median } from '../../../engine/discovery/memoryBandwidth.ts';

/** What WebAssembly can multiply and add per second on all threads together. */
export interface MultiplyAdds {
  /** Of f32, with relaxed SIMD's madd. */
  readonly f32: number;
  /** Of bytes, with relaxed SIMD's dot product. */
  readonly bytes: number;
}

const PASSES = 9;
const ROUNDS = 2e6;
/** Sums that do not wait for each other. With the two factors they fit into 16 registers. */
const SUMS = 12;
const LANES = { f32: 4, bytes: 16 };

const COUNTER = `
const { parentPort, workerData } = require('node:worker_threads');
const { run } = new WebAssembly.Instance(new WebAssembly.Module(workerData.program)).exports;
for (let i = 0; i < 500; i++) run(1000);
parentPort.postMessage('ready');
parentPort.on('message', () => parentPort.postMessage(run(workerData.rounds)));
`;

/** Measures the most multiply-adds per second, the median of several passes: no product on the CPU can be faster. */
export async function measureMultiplyAdds(threads = availableParallelism()): Promise<MultiplyAdds> {
  return { f32: await measure('f32', threads), bytes: await measure('bytes', threads) };
}

async function measure(kind: keyof MultiplyAdds, threads: number): Promise<number> {
  const workerData = { program: programOf(kind), rounds: ROUNDS };
  const workers = Array.from({ length: threads }, () => new Worker(COUNTER, { eval: true, workerData }));
  const answered = (): Promise<unknown> => Promise.all(workers.map((worker) => once(worker, 'message')));
  try {
    await answered();
    const rates: number[] = [];
    for (let pass = 0; pass < PASSES; pass++) {
      const started = performance.now();
      const answers = answered();
      for (const worker of workers) worker.postMessage('go');
      await answers;
      rates.push((threads * ROUNDS * SUMS * LANES[kind]) / ((performance.now() - started) / 1000));
    }
    return median(rates);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** A module with `run(rounds)`: do { sum0 += x * y; … sum11 += x * y; } while (--rounds), on vectors. */
function programOf(kind: keyof MultiplyAdds): Uint8Array {
  const [rounds, x, y, firstSum] = [0, 1, 2, 3];
  const get = (i: number): number[] => [0x20, i];
  const set = (i: number): number[] => [0x21, i];
  const simd = (...code: number[]): number[] => [0xfd, ...code];
  const splat = kind === 'f32' ? [0x43, 0, 0, 0x80, 0x3f, ...simd(0x13)] : [0x41, 3, ...simd(0x0f)];
  const multiplyAdd = kind === 'f32' ? simd(0x85, 2) : simd(0x93, 2);
  const sums = Array.from({ length: SUMS }, (_, i) => firstSum + i);
  const code = [
    ...[1, SUMS + 2, 0x7b], // Locals: v128.
    ...[...splat, ...set(x), ...splat, ...set(y)],
    ...[0x03, 0x40], // loop
    ...sums.flatMap((sum) => [...get(x), ...get(y), ...get(sum), ...multiplyAdd, ...set(sum)]),
    ...[...get(rounds), 0x41, 1, 0x6b, 0x22, rounds, 0x0d, 0, 0x0b], // Again while --rounds.
    ...get(firstSum),
    ...sums.slice(1).flatMap((sum) => [...get(sum), ...simd(0x51)]),
    ...[...simd(0x1b, 0), 0x0b], // Their xor is returned, so that none is left out.
  ];
  const section = (id: number, ...body: number[]): number[] => [id, ...size(body.length), ...body];
  return Uint8Array.from([
    ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
    ...section(1, 1, 0x60, 1, 0x7f, 1, 0x7f), // One type: i32 -> i32.
    ...section(3, 1, 0),
    ...section(7, 1, 3, ...Buffer.from('run'), 0, 0),
    ...section(10, 1, ...size(code.length), ...code),
  ]);
}

/** Encodes a number below 2^14 as LEB128. */
function size(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, value >> 7];
}
