/**
 * `npm run bench -- --index [--files 50000] [--markdown]`: the cost of indexing a generated project and large real
 * sources, in the thread that the extension uses. Prints one table. The trees are temporary. Nothing else should run
 * meanwhile.
 *
 * `--index --questions DIR [--questions DIR ...] [--seed N] [--reread MODEL]` measures what a search finds instead: see
 * questions.ts.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Column, rowFormatter } from '../../../engine/cli/table.ts';
import { nodeFileSystem } from '../../../extension/files/nodeFileSystem.ts';
import { IndexThread } from '../../../extension/retrieval/indexThread.ts';
import type { Progress, Stats } from '../../../extension/retrieval/protocol.ts';
import { indexFile } from '../../../extension/retrieval/savedIndex.ts';
import { printQuestions } from './questions.ts';
import { writeTree } from './tree.ts';

const QUESTIONS = [
  'Where is the shipment of an order validated?',
  'How does the account cache get its status?',
  'What happens when a snapshot upload fails with an error?',
  'Where are the parameters of the request parsed into values?',
  'Explain the retry policy of the message broker',
  'Which function returns the threshold of the token wallet?',
  'Where is the connection pool of the database configured and closed?',
  'Where are tests for the migration of the schema registry?',
];
const SAVES = 20;

interface Measured {
  name: string;
  files: number;
  lines: number;
  megabytes: number;
  /** Seconds until the index is complete. */
  seconds: number;
  /** Processor seconds of all threads, which say more on a busy machine. */
  cpu: number;
  /** Peak memory of the process in bytes. */
  peak: number;
  /** Size of the saved index in bytes. */
  index: number;
  /** Seconds until the saved index is open again. */
  again: number;
  /** Milliseconds of each query, and from each save until a query finds it. */
  queries: number[];
  saves: number[];
}

const COLUMNS: readonly Column<Measured>[] = [
  { title: 'tree', width: 12, text: ({ name }) => name },
  { title: 'files', width: 6, text: ({ files }) => String(files) },
  { title: 'lines', width: 9, text: ({ lines }) => String(lines) },
  { title: 'MB', width: 5, text: ({ megabytes }) => megabytes.toFixed(0) },
  { title: 'index s', text: ({ seconds }) => seconds.toFixed(1) },
  { title: 'cpu s', width: 6, text: ({ cpu }) => cpu.toFixed(1) },
  { title: 'peak MB', text: ({ peak }) => mega(peak) },
  { title: 'index MB', text: ({ index }) => mega(index) },
  { title: 'restart s', text: ({ again }) => again.toFixed(1) },
  { title: 'query ms', text: ({ queries }) => quantile(queries, 0.5) },
  { title: '95 %', width: 5, text: ({ queries }) => quantile(queries, 0.95) },
  { title: 'save ms', text: ({ saves }) => quantile(saves, 0.5) },
  { title: '95 %', width: 5, text: ({ saves }) => quantile(saves, 0.95) },
];

const { values } = parseArgs({
  options: {
    index: { type: 'boolean' },
    markdown: { type: 'boolean' },
    files: { type: 'string', default: '50000' },
    reread: { type: 'string' },
    questions: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: '1' },
  },
});
console.log(
  `${cpus()[0]?.model}, ${availableParallelism()} threads, Node ${process.version}; load ${loadavg()[0]?.toFixed(1)}`,
);
if (values.questions.length > 0) await printQuestions(values.questions, Number(values.seed), values.reread);
else await printCosts();

async function printCosts(): Promise<void> {
  const rows = [await generated(Number(values.files)), await real()];
  console.log(`load afterwards ${loadavg()[0]?.toFixed(1)}\n`);
  const text = rowFormatter(COLUMNS, values.markdown ? 'markdown' : 'table');
  for (const row of rows) console.log(text(row));
}

async function generated(count: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-index-'));
  try {
    writeTree(join(folder, 'project'), count);
    return await measure('generated', folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies the installed packages to a folder of another name, since node_modules is never indexed. */
async function real(): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-index-'));
  try {
    cpSync('node_modules', join(folder, 'project', 'packages'), {
      recursive: true,
      filter: (path) => !/[\\/](\.bin|\.cache)$/.test(path) && !/\.(node|wasm|gguf|map|exe|so)(\.\d+)*$/.test(path),
    });
    for (const each of readdirSync(join(folder, 'project'), { recursive: true, withFileTypes: true })) {
      if (each.isDirectory() && each.name === 'node_modules')
        rmSync(join(each.parentPath, each.name), { recursive: true, force: true });
    }
    return await measure('npm packages', folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(name: string, folder: string): Promise<Measured> {
  const project = join(folder, 'project');
  const files = readdirSync(project, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const params = {
    storageFolder: folder,
    folders: [{ path: project, name: '' }],
    exclude: [],
    include: [],
    encoding: 'utf8',
  };
  const start = (onProgress: (progress: Progress) => void = () => {}): IndexThread =>
    new IndexThread(resolve('dist'), { files: nodeFileSystem, onProgress, onLog: console.log, onCrash: console.error });

  const base = process.memoryUsage().rss;
  let peak = 0;
  const look = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 100);
  const idle = process.cpuUsage();
  let thread = start();
  const [stats, seconds] = await timed(() => thread.call('open', params));
  clearInterval(look);
  const { user, system } = process.cpuUsage(idle);
  console.log(name, stats, `rss before ${mega(base)} MB`);
  await thread.dispose();

  thread = start();
  const [, again] = await timed(() => thread.call('open', params));
  const queries: number[] = [];
  for (let round = 0; round < 5; round++) {
    for (const query of QUESTIONS) {
      const [, took] = await timed(() => thread.call('search', { query, limit: 10, recent: [] }));
      // The first round runs code that is not compiled yet.
      if (round > 0) queries.push(1000 * took);
    }
  }
  const saves = await measureSaves(thread, files);
  await thread.dispose();
  return {
    name,
    ...sizes(stats, files),
    seconds,
    cpu: (user + system) / 1e6,
    peak,
    index: statSync(indexFile(folder)).size,
    again,
    queries,
    saves,
  };
}

/** Milliseconds from a change on disk until a query finds it. */
async function measureSaves(thread: IndexThread, files: readonly string[]): Promise<number[]> {
  const sources = files.filter((file) => /\.(ts|js|py)$/.test(file));
  const took: number[] = [];
  for (let i = 0; i < SAVES; i++) {
    const file = sources[Math.floor((i / SAVES) * sources.length)]!;
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n// zanzibar marker ${i}\n`);
    const [, seconds] = await timed(() => thread.call('changed', [file]));
    took.push(1000 * seconds);
  }
  return took;
}

function sizes(stats: Stats, files: readonly string[]): { files: number; lines: number; megabytes: number } {
  const sample = files.filter(
    (_, index) => index % 20 === 0 && /\.(ts|js|py|go|java|cs|rs|cjs|mjs|md)$/.test(files[index]!),
  );
  const texts = sample.map((file) => readFileSync(file));
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  const lines = texts.reduce((sum, text) => sum + text.filter((byte) => byte === 10).length, 0);
  const scale = stats.files / Math.max(sample.length, 1);
  return { files: stats.files, lines: Math.round(lines * scale), megabytes: (bytes * scale) / 1e6 };
}

async function timed<T>(task: () => Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  const result = await task();
  return [result, (performance.now() - started) / 1000];
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function quantile(values: readonly number[], share: number): string {
  return [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!.toFixed(0);
}
