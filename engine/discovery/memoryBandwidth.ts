import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Bytes that all threads read together: more than any cache holds, less than any memory that holds a model. */
const BYTES = 2 ** 30;
const LARGEST_SHARE = 2 ** 28;
const PASSES = 9;

/** Code of a worker that reads a WebAssembly memory of its own. The first short calls let V8 finish compiling. */
const READER = `
const { parentPort, workerData } = require('node:worker_threads');
const { memory, read } = new WebAssembly.Instance(new WebAssembly.Module(workerData.program)).exports;
memory.grow(workerData.bytes / 65536 - 1);
new Float64Array(memory.buffer).fill(1);
for (let i = 0; i < 500; i++) read(65536);
read(workerData.bytes);
parentPort.postMessage('ready');
parentPort.on('message', () => parentPort.postMessage(read(workerData.bytes)));
`;

/**
 * Measures how many bytes per second `threads` threads read together from memory with WebAssembly's SIMD loads, as the
 * median of several passes, of which none begins after `mostMs`. Decoding on the CPU cannot read faster.
 */
export async function measureBandwidth(
  threads = availableParallelism(),
  { bytes: all = BYTES, mostMs = Infinity } = {},
): Promise<number> {
  const bytes = Math.min(LARGEST_SHARE, Math.floor(all / threads / 65536) * 65536);
  const workerData = { bytes, program: readProgram() };
  const workers = Array.from({ length: threads }, () => new Worker(READER, { eval: true, workerData }));
  const answered = (): Promise<unknown> => Promise.all(workers.map((worker) => once(worker, 'message')));
  try {
    await answered();
    const rates: number[] = [];
    const end = performance.now() + mostMs;
    for (let pass = 0; pass < PASSES && (pass === 0 || performance.now() < end); pass++) {
      const started = performance.now();
      const answers = answered();
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

/**
 * A module with a memory of one page and `read(end)`, which xors all vectors below `end`, a multiple of 128:
 *   do { sum0 ^= load(at); sum1 ^= load(at + 16); … sum7 ^= load(at + 112); } while ((at += 128) < end)
 * Eight sums, so that no load waits for another.
 */
function readProgram(): Uint8Array {
  const sums = [0, 1, 2, 3, 4, 5, 6, 7];
  const [end, at] = [0, 1]; // Locals: the parameter, the address, then the sums.
  const local = (i: number): number => 2 + i;
  const get = (i: number): number[] => [0x20, i];
  const xor = [0xfd, 0x51];
  const load = (offset: number): number[] => [...get(at), 0xfd, 0x00, 4, offset];
  const code = [
    ...[2, 1, 0x7f, sums.length, 0x7b], // Locals: one i32, the sums v128.
    ...[0x03, 0x40], // loop
    ...sums.flatMap((i) => [...get(local(i)), ...load(16 * i), ...xor, 0x21, local(i)]),
    ...[...get(at), 0x41, 0x80, 0x01, 0x6a, 0x22, at], // at += 128
    ...[...get(end), 0x49, 0x0d, 0, 0x0b], // Again while at < end, unsigned.
    ...get(local(0)),
    ...sums.slice(1).flatMap((i) => [...get(local(i)), ...xor]),
    ...[0xfd, 0x1b, 0, 0x0b], // Lane 0 is returned, since V8 may remove loads whose result is unused.
  ];
  const text = (name: string): number[] => [name.length, ...Buffer.from(name)];
  const section = (id: number, ...body: number[]): number[] => [id, ...size(body.length), ...body];
  return Uint8Array.from([
    ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
    ...section(1, 1, 0x60, 1, 0x7f, 1, 0x7f), // One type: i32 -> i32.
    ...section(3, 1, 0),
    ...section(5, 1, 0, 1),
    ...section(7, 2, ...text('memory'), 2, 0, ...text('read'), 0, 0),
    ...section(10, 1, ...size(code.length), ...code),
  ]);
}

/** Encodes a number below 2^14 as LEB128. */
function size(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, value >> 7];
}
