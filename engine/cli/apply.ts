import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { createTwoFilesPatch } from 'diff';
import { type Outcome, proposeBlock } from '../../extension/edits/proposeBlock.ts';
import type { Project, Root, Target } from '../../extension/edits/project.ts';
import { type StoredText, storedText } from '../../extension/edits/storedText.ts';
import { exists, isInside } from '../../extension/edits/targets.ts';
import { childOf, isWithin, relativeTo } from '../../extension/files/fileSystem.ts';
import { fromNative, nodeFileSystem, toNative } from '../../extension/files/nodeFileSystem.ts';
import { codeBlocksOf } from '../../webview/markdown/codeBlocks.ts';
import { BadRequest } from '../errors.ts';
import { makeFolder } from '../store/makeFolder.ts';
import { readTextFile } from './readFiles.ts';

interface ApplyOptions {
  root: string;
  open?: string;
  write?: boolean;
  json?: boolean;
}

/** Folders in which nobody means a file. */
const SKIPPED = new Set(['.git', 'node_modules']);

/** `airgap apply`: what the chat's Apply would propose for each code block of an answer. */
export function addApply(program: Command, signal: AbortSignal): void {
  program
    .command('apply <answer>')
    .description('print as a diff what Apply would propose for each code block of an answer (a Markdown file)')
    .requiredOption('--root <folder>', 'folder of the project, which no change leaves')
    .option('--open <file>', 'file that a block means which names none')
    .option('--write', 'make the changes that are proposed, each file completely or not at all')
    .option('--json', 'print a list of {path, result, why, text}, where text is the whole new file')
    .action(async (answer: string, options: ApplyOptions) => {
      const blocks = codeBlocksOf(await readTextFile(answer));
      const root = await rootOf(options.root);
      const open = options.open === undefined ? undefined : await openFile(options.open, root);
      const files = new ChangedFiles();
      const outcomes: Outcome[] = [];
      for (const block of blocks) {
        signal.throwIfAborted();
        const proposed = await proposeBlock(block, projectOf(root, files), (target) => files.text(target), open);
        for (const outcome of proposed.map((each) => files.take(each))) {
          outcomes.push(outcome);
          if (!options.json) print(outcome, root);
        }
      }
      if (options.json) console.log(JSON.stringify(outcomes.map((outcome) => plain(outcome, root))));
      if (options.write) await files.write();
    });
}

/** The files as they would be after the blocks so far. */
class ChangedFiles {
  readonly #stored = new Map<string, StoredText | undefined>();
  readonly #changed = new Map<string, { text: string; bytes: Buffer }>();

  get paths(): Iterable<string> {
    return this.#changed.keys();
  }

  text({ path }: Target): string | undefined {
    return this.#changed.get(path)?.text ?? this.#read(path)?.text;
  }

  /** Keeps what is proposed for the blocks that follow; refuses what the file's encoding cannot say. */
  take(outcome: Outcome): Outcome {
    const { result, target, text } = outcome;
    if (result !== 'proposed' || !target || text === undefined) return outcome;
    const stored = this.#read(target.path);
    const bytes = stored ? stored.changedTo(text) : Buffer.from(text);
    if (!bytes) return { result: 'refused', why: 'The encoding of the file lacks characters of the change.', target };
    this.#changed.set(target.path, { text, bytes });
    return outcome;
  }

  async write(): Promise<void> {
    for (const [path, { bytes }] of this.#changed) await replaceContent(toNative(path), bytes);
  }

  #read(path: string): StoredText | undefined {
    if (!this.#stored.has(path)) {
      const bytes = nodeFileSystem.read(path) as Uint8Array | undefined;
      this.#stored.set(path, bytes && storedText(bytes));
    }
    return this.#stored.get(path);
  }
}

async function rootOf(folder: string): Promise<Root> {
  const path = await realpath(folder).catch(() => undefined);
  if (path === undefined || !(await stat(path)).isDirectory()) throw new BadRequest(`${folder} is not a folder.`);
  return { name: basename(path), path: fromNative(path), files: nodeFileSystem };
}

async function openFile(file: string, root: Root): Promise<Target> {
  const path = fromNative(await realpath(resolve(file)).catch(() => resolve(toNative(root.path), file)));
  const target = { root, path };
  if (!isWithin(path, root.path) || !(await exists(target)) || !(await isInside(target)))
    throw new BadRequest(`${file} is not a file in ${toNative(root.path)}.`);
  return target;
}

/** Files that a block before makes count too. */
function projectOf(root: Root, { paths }: ChangedFiles): Project {
  return {
    roots: [root],
    filesEndingIn: (ending, most) => {
      const made = [...paths].filter((path) => path.endsWith(`/${ending}`) && !existsSync(toNative(path)));
      const found: Target[] = made.map((path) => ({ root, path }));
      const search = (folder: string): void => {
        for (const { name, kind } of nodeFileSystem.list(folder) as Iterable<{ name: string; kind: string }>) {
          const path = childOf(folder, name);
          if (found.length === most) return;
          if (kind === 'folder' && !SKIPPED.has(name)) search(path);
          else if (kind === 'file' && path.endsWith(`/${ending}`)) found.push({ root, path });
        }
      };
      search(root.path);
      return Promise.resolve(found);
    },
  };
}

function plain({ result, why, target, text }: Outcome, root: Root): object {
  return { path: target ? relativeTo(root.path, target.path) : null, result, why, text: text ?? null };
}

function print({ result, why, target, before, text }: Outcome, root: Root): void {
  const name = target ? relativeTo(root.path, target.path) : '';
  if (result !== 'proposed') console.error(why);
  else console.log(createTwoFilesPatch(name, name, before ?? '', text ?? '').trimEnd());
}

/** Writes a file completely or not at all; it keeps its permissions, and a link stays one. */
async function replaceContent(named: string, bytes: Buffer): Promise<void> {
  const path = await realpath(named).catch(() => named);
  const mode = await stat(path).then(
    (stats) => stats.mode,
    () => undefined,
  );
  const fail = (error: NodeJS.ErrnoException): never => {
    throw new BadRequest(`${named} cannot be written (${error.code}).`);
  };
  await makeFolder(dirname(path)).catch(fail);
  const unfinished = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(unfinished, bytes, { flag: 'wx' });
    if (mode !== undefined) await chmod(unfinished, mode);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    fail(error as NodeJS.ErrnoException);
  }
}
