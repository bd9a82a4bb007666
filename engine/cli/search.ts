import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { fromNative, nodeFileSystem } from '../../extension/files/nodeFileSystem.ts';
import { FileAnalyser } from '../../extension/retrieval/fileAnalyser.ts';
import { Indexer } from '../../extension/retrieval/indexer.ts';
import type { FoundChunk } from '../../extension/retrieval/protocol.ts';
import { READ_AGAIN, reread } from '../../extension/retrieval/rereadingSearch.ts';
import { BadRequest } from '../errors.ts';
import { likelihoods } from '../inference/likelihood.ts';
import { loadModel } from '../load/loadModel.ts';
import { wholeNumber } from './options.ts';
import { modelPath } from './storeOptions.ts';

interface SearchOptions {
  root: string;
  limit: number;
  include: string[];
  exclude: string[];
  encoding: string;
  model?: string;
  json?: boolean;
}

/** `airgap search`: what the project's index finds for a question, and with a model in which order that puts it. */
export function addSearch(program: Command, signal: AbortSignal): void {
  const pattern = (each: string, more: string[]): string[] => [...more, each];
  program
    .command('search <question>')
    .description('print the places of a project that @project would show to the model, best first')
    .requiredOption('--root <folder>', 'folder of the project')
    .option('--limit <count>', 'number of places', wholeNumber(1), 10)
    .option('--include <pattern>', 'files to search although git ignores them (repeatable)', pattern, [])
    .option('--exclude <pattern>', 'files to leave out (repeatable)', pattern, [])
    .option('--encoding <name>', 'encoding of files that are not in UTF-8', 'windows1252')
    .option(
      '--model <name>',
      'model that puts the first places in order, as the chat model does: a path or a name in the store',
    )
    .option('--json', 'print {hits: [{path, line, text}], indexed, skipped: [{path, why}]}')
    .action(async (question: string, options: SearchOptions) => {
      const indexer = await indexerOf(options);
      try {
        await indexer.open();
        signal.throwIfAborted();
        const { limit, model } = options;
        const query = { query: question, limit: model === undefined ? limit : Math.max(limit, READ_AGAIN), recent: [] };
        const found = await indexer.search(query);
        const hits = (model === undefined ? found : await readBy(model, found, question, signal)).slice(0, limit);
        const { files, skipped } = indexer.stats;
        if (options.json)
          console.log(JSON.stringify({ hits: hits.map(placeOf), indexed: files - noText(skipped), skipped }));
        else {
          for (const hit of hits) console.log(`${hit.path}:${hit.firstLine}\n${hit.text.replace(/^/gm, '    ')}\n`);
          console.error(`Files searched: ${files - noText(skipped)}. Files or folders left out: ${skipped.length}.`);
        }
      } finally {
        await indexer.dispose();
      }
    });
}

async function readBy(named: string, hits: FoundChunk[], question: string, signal: AbortSignal): Promise<FoundChunk[]> {
  const model = await loadModel(await modelPath(named, {}), { backend: 'auto', signal });
  try {
    const read = await reread(
      hits,
      question,
      ({ text, beginnings }) => likelihoods(model, { text, beginnings }, signal),
      signal,
    );
    return read.hits;
  } finally {
    await model.dispose();
  }
}

async function indexerOf({ root, include, exclude, encoding }: SearchOptions): Promise<Indexer> {
  const path = await realpath(root).catch(() => undefined);
  if (path === undefined || !(await stat(path)).isDirectory()) throw new BadRequest(`${root} is not a folder.`);
  const folders = [{ path: fromNative(path), name: '' }];
  return new Indexer(
    { storageFolder: undefined, folders, include, exclude, encoding },
    {
      files: nodeFileSystem,
      analysers: new FileAnalyser(nodeFileSystem, grammarFolder()),
      onProgress: () => {},
      log: (message) => console.error(message),
    },
  );
}

/** The grammars lie beside the program. */
function grammarFolder(): string {
  return typeof __dirname === 'string' ? __dirname : join(dirname(fileURLToPath(import.meta.url)), '../../dist');
}

function noText(skipped: readonly { why: string }[]): number {
  return skipped.filter(({ why }) => why === 'noText').length;
}

function placeOf({ path, firstLine, text }: FoundChunk): { path: string; line: number; text: string } {
  return { path, line: firstLine, text };
}
