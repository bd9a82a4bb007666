/**
 * What a search finds: first sentences of documentation, drawn at random from each folder, are removed from the text that is
 * indexed and then sought. Prints the share whose declaration is among the first five, beside plain substring search; with a
 * model, also where that has reread the first places, and how long it takes for that.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { median } from '../../../engine/discovery/memoryBandwidth.ts';
import { likelihoods } from '../../../engine/inference/likelihood.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { nodeFileSystem } from '../../../extension/files/nodeFileSystem.ts';
import { FileAnalyser } from '../../../extension/retrieval/fileAnalyser.ts';
import { Indexer } from '../../../extension/retrieval/indexer.ts';
import type { FoundChunk } from '../../../extension/retrieval/protocol.ts';
import { READ_AGAIN, reread } from '../../../extension/retrieval/rereadingSearch.ts';
import { type FoundPlace, substringSearch } from '../../support/extension/substringSearch.ts';
import { type Documented, documentedIn, withoutSentences } from './docstrings.ts';

const GRAMMARS = 'node_modules/@vscode/tree-sitter-wasm/wasm';
const LIMIT = 5;
const MOST_OF_A_FOLDER = 25;
const SOURCE = /(?<!\.d)\.(py|ts|js)$/;

/** What is compared: a rank for each question, from 1, or 0 where the declaration is not found. */
const SEARCHES = ['index', 'reread', 'substrings'] as const;
type Ranks = Record<(typeof SEARCHES)[number], number[]>;

interface Found {
  readonly ranks: Ranks;
  /** Of each search that was reread. */
  readonly tokens: number[];
  readonly seconds: number[];
}

/** Each folder is a project of its own. Without `model` nothing is reread. */
export async function printQuestions(folders: readonly string[], seed: number, model?: string): Promise<void> {
  const reader = model === undefined ? undefined : await loadModel(model, { backend: 'wasm' });
  try {
    console.log(`seed ${seed}\nhit@5 ${['', 'questions', ...SEARCHES].map((each) => each.padStart(12)).join('')}`);
    const all = nothing();
    for (const folder of folders) {
      const found = await measure(resolve(folder), seed, reader);
      console.log(row(resolve(folder).split(sep).slice(-2).join('/'), found.ranks, hits(LIMIT)));
      for (const search of SEARCHES) all.ranks[search].push(...found.ranks[search]);
      all.tokens.push(...found.tokens);
      all.seconds.push(...found.seconds);
    }
    console.log(['hit@1', 'hit@5', 'MRR'].map((name, i) => row(name, all.ranks, MEASURES[i]!)).join('\n'));
    if (reader) console.log(`reread, medians: ${median(all.tokens)} tokens, ${median(all.seconds).toFixed(2)} s`);
  } finally {
    await reader?.dispose();
  }
}

const hits =
  (limit: number) =>
  (ranks: readonly number[]): string =>
    percent(ranks.filter((rank) => rank > 0 && rank <= limit).length / ranks.length);
const meanReciprocal = (ranks: readonly number[]): string =>
  (ranks.reduce((sum, rank) => sum + (rank > 0 && rank <= LIMIT ? 1 / rank : 0), 0) / ranks.length).toFixed(3);
const MEASURES = [hits(1), hits(LIMIT), meanReciprocal];

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function row(name: string, ranks: Ranks, measured: (ranks: readonly number[]) => string): string {
  const values = SEARCHES.map((search) => (ranks[search].length > 0 ? measured(ranks[search]) : ''));
  return name.padEnd(18) + [`${ranks.index.length}`, ...values].map((value) => value.padStart(12)).join('');
}

function nothing(): Found {
  return { ranks: { index: [], reread: [], substrings: [] }, tokens: [], seconds: [] };
}

async function measure(folder: string, seed: number, reader: LoadedModel | undefined): Promise<Found> {
  const copy = mkdtempSync(join(tmpdir(), 'airgap-questions-'));
  const questions = prepare(folder, copy, seed);
  const params = {
    folders: [{ path: copy, name: '' }],
    exclude: [],
    include: [],
    encoding: 'utf8',
    storageFolder: undefined,
  };
  const indexer = new Indexer(params, {
    files: nodeFileSystem,
    analysers: new FileAnalyser(nodeFileSystem, GRAMMARS),
    onProgress: () => {},
    log: console.error,
  });
  try {
    await indexer.open();
    const plainly = await substringSearch(copy, LIMIT);
    const found = nothing();
    for (const question of questions) {
      const { sentence } = question;
      const rank = (places: readonly FoundPlace[]): number => places.findIndex((hit) => holds(hit, question)) + 1;
      const places = await indexer.search({ query: sentence, limit: READ_AGAIN, recent: [] });
      found.ranks.index.push(rank(places));
      found.ranks.substrings.push(rank(plainly(sentence)));
      if (reader) found.ranks.reread.push(rank(await timed(reader, places, sentence, found)));
    }
    return found;
  } finally {
    await indexer.dispose();
    rmSync(copy, { recursive: true, force: true });
  }
}

/** All places are read here, however long it takes, so that the machine does not matter. */
async function timed(reader: LoadedModel, places: FoundChunk[], question: string, found: Found): Promise<FoundChunk[]> {
  const { signal } = new AbortController();
  const started = performance.now();
  const read = ({ text, beginnings }: { text: string; beginnings: string[] }): Promise<number[]> => {
    const tokens = beginnings.map((each) => reader.tokenizer!.encode(each + text, { bos: true }).length);
    found.tokens.push(tokens.reduce((sum, count) => sum + count, 0));
    return likelihoods(reader, { text, beginnings }, signal);
  };
  const { hits: ordered } = await reread(places, question, read, signal);
  found.seconds.push((performance.now() - started) / 1000);
  return ordered;
}

/** Copies the sources without the sentences that are drawn. Sentences that stand elsewhere too are not drawn. */
function prepare(folder: string, copy: string, seed: number): Documented[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => SOURCE.test(path))
    .sort();
  const texts = new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8').replaceAll('\r\n', '\n')]));
  const spoken = [...texts.values()].map((text) => text.replace(/\s*\n\s*\*?\s*/g, ' ')).join('\n');
  const random = mulberry32(seed);
  const drawn = [...texts]
    .flatMap(([path, text]) => documentedIn(path, text))
    .filter(({ sentence }) => spoken.split(sentence).length === 2)
    .map((each) => ({ each, at: random() }))
    .sort((a, b) => a.at - b.at)
    .slice(0, MOST_OF_A_FOLDER)
    .map(({ each }) => each);
  for (const [path, text] of texts) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(
      join(copy, path),
      withoutSentences(
        text,
        drawn.filter((each) => each.path === path),
      ),
    );
  }
  return drawn;
}

function holds({ path, firstLine, lastLine }: FoundPlace, question: Documented): boolean {
  return path === question.path && firstLine <= question.line && question.line <= lastLine;
}
