import { existsSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { gigabytes } from '../../../engine/cli/bench/model.ts';
import { PeakWatch } from '../../../engine/cli/bench/watches.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { randomCheckpoint } from '../../../engine/sources/random.ts';
import { importModel } from '../../../engine/store/import/importModel.ts';
import { planPacking } from '../../../engine/store/import/packPlan.ts';
import { packWeights } from '../../../engine/store/import/packWeights.ts';
import { openStore } from '../../../engine/store/store.ts';
import { layersOf, randomModel } from './shapes.ts';

/** Seconds of one way through a file, beside those of plainly reading the same bytes. */
export interface StoredRow {
  step: 'import' | 'load';
  /** Whether the page cache was dropped before each of the two. */
  cold: boolean;
  bytes: number;
  readSeconds: number;
  seconds: number;
  /** Most memory that the process took beyond what it had before. */
  peakBytes: number;
}

/**
 * Imports random weights of a shape in bf16 and loads what was imported, each beside a plain read of the same bytes.
 * `folder` takes the files, which are kept for the next run.
 */
export function storedModel(folder: string, shape: string, layers = layersOf(shape)): Measurement<StoredRow> {
  return {
    subject: `import and load, ${layers} layers of ${shape} in bf16`,
    layout: 'table',
    columns: [
      { title: 'step', width: 8, text: ({ step }) => step },
      { title: 'page cache', text: ({ cold }) => (cold ? 'dropped' : 'kept') },
      { title: 'GB', width: 6, text: ({ bytes }) => gigabytes(bytes) },
      { title: 'plain read', text: ({ bytes, readSeconds }) => rate(bytes, readSeconds) },
      { title: 'step itself', text: ({ bytes, seconds }) => rate(bytes, seconds) },
      { title: 'ratio', width: 6, text: ({ readSeconds, seconds }) => (seconds / readSeconds).toFixed(2) },
      { title: 'peak memory', text: ({ peakBytes }) => `${gigabytes(peakBytes)} GB` },
    ],
    async *rows({ load, signal }) {
      const source = join(folder, `${shape}-${layers}`);
      const { randomConfig } = randomModel(shape, layers);
      await writeSource(source, randomConfig, signal);
      const store = await openStore({ folder: join(folder, 'store'), sharedFolder: join(folder, 'none') });
      const before = await store.find('bench');
      if (before) await store.remove(before);
      const from = join(source, WEIGHTS);
      const cold = await dropPageCache();
      const row = { step: 'import' as const, cold, ...(await readPlainly(from)) };
      await dropPageCache();
      yield { ...row, ...(await timed(() => importModel(source, store, { name: 'bench', signal }))) };
      const { path } = (await store.find('bench'))!;
      for (const drop of cold ? [true, false] : [false]) {
        if (drop) await dropPageCache();
        const plain = await readPlainly(join(path, WEIGHTS));
        if (drop) await dropPageCache();
        yield {
          step: 'load',
          cold: drop,
          ...plain,
          ...(await timed(async () => (await loadModel(path, load)).dispose())),
        };
      }
    },
  };
}

const WEIGHTS = 'model.safetensors';

async function writeSource(folder: string, config: unknown, signal: AbortSignal): Promise<void> {
  const weights = join(folder, WEIGHTS);
  if (existsSync(join(folder, 'config.json'))) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { tensors } = readBlueprint(config);
  const checkpoint = randomCheckpoint(tensors);
  await packWeights(checkpoint, planPacking(checkpoint, tensors, 'f32'), weights, { signal }); // f32 keeps what is stored.
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
}

/** Makes the next read come from the disk; resolves false where the system or its rules do not let us. */
async function dropPageCache(): Promise<boolean> {
  try {
    await writeFile('/proc/sys/vm/drop_caches', '1');
    return true;
  } catch {
    return false;
  }
}

/** Reads a file from its first to its last byte, as a copying program does. */
async function readPlainly(path: string): Promise<Pick<StoredRow, 'bytes' | 'readSeconds'>> {
  const file = await open(path, 'r');
  const buffer = Buffer.alloc(4 << 20);
  const started = performance.now();
  let bytes = 0;
  for (let got = -1; got !== 0; bytes += got) got = (await file.read(buffer, 0, buffer.length)).bytesRead;
  const readSeconds = (performance.now() - started) / 1000;
  await file.close();
  return { bytes, readSeconds };
}

async function timed(work: () => Promise<unknown>): Promise<Pick<StoredRow, 'seconds' | 'peakBytes'>> {
  const peak = new PeakWatch();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const peakBytes = peak.bytes;
  peak.stop();
  return { seconds, peakBytes };
}

function rate(bytes: number, seconds: number): string {
  return `${seconds.toFixed(2)} s, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
}
