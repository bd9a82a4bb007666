/**
 * What a search finds: first sentences of documentation, drawn at random from each folder, are removed from the text that is
 * indexed and then sought. Prints the share whose declaration is among the first five, beside plain substring search.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { nodeFileSystem } from '../../../extension/files/nodeFileSystem.ts';
import { FileAnalyser } from '../../../extension/retrieval/fileAnalyser.ts';
import { Indexer } from '../../../extension/retrieval/indexer.ts';
import { type FoundPlace, substringSearch } from '../../support/extension/substringSearch.ts';
import { type Documented, documentedIn, withoutSentences } from './docstrings.ts';

const GRAMMARS = 'node_modules/@vscode/tree-sitter-wasm/wasm';
const LIMIT = 5;
const MOST_OF_A_FOLDER = 25;
const SOURCE = /(?<!\.d)\.(py|ts|js)$/;

interface Found {
  readonly questions: number;
  readonly ours: number;
  readonly plain: number;
}

/** Each folder is a project of its own. */
export async function printQuestions(folders: readonly string[], seed: number): Promise<void> {
  const row = (name: string, { questions, ours, plain }: Found): void => {
    const share = (count: number): string => `${((100 * count) / questions).toFixed(0)} %`.padStart(8);
    console.log(`${name.padEnd(26)}${String(questions).padStart(9)}${share(ours)}${share(plain)}`);
  };
  console.log(`seed ${seed}\nfolder                    questions   hit@5   plain`);
  const all = { questions: 0, ours: 0, plain: 0 };
  for (const folder of folders) {
    const found = await measure(resolve(folder), seed);
    row(resolve(folder).split(sep).slice(-2).join('/'), found);
    for (const key of ['questions', 'ours', 'plain'] as const) all[key] += found[key];
  }
  row('all', all);
}

async function measure(folder: string, seed: number): Promise<Found> {
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
    let [ours, plain] = [0, 0];
    for (const question of questions) {
      const hits = await indexer.search({ query: question.sentence, limit: LIMIT, recent: [] });
      if (hits.some((hit) => holds(hit, question))) ours++;
      if (plainly(question.sentence).some((hit) => holds(hit, question))) plain++;
    }
    return { questions: questions.length, ours, plain };
  } finally {
    await indexer.dispose();
    rmSync(copy, { recursive: true, force: true });
  }
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
