/** What Apply makes of one code block of an answer, without a user who could be asked. Pure. */
import { isWithin, parentOf, relativeTo } from '../files/fileSystem.ts';
import { type CodeBlock, locate, newText } from './placing/locate.ts';
import { filesOf } from './placing/patch.ts';
import type { Project, Target } from './project.ts';
import { type Runner, runnerOf } from './runsByItself.ts';
import { existingTargets, newTargets } from './targets.ts';

export interface Outcome {
  readonly result: 'proposed' | 'asks' | 'refused';
  /** One sentence; empty for what is proposed. */
  readonly why: string;
  /** The file that is meant; undefined if that is not known. */
  readonly target: Target | undefined;
  /** The file's whole text, before and with the change; undefined if there is no text, or more than one. */
  readonly before?: string;
  readonly text?: string;
}

/** The text of an existing file with line ends `\n`, or undefined if it is none. */
export type ReadText = (target: Target) => string | undefined;

const RUNS: Readonly<Record<Runner, string>> = {
  git: 'Git may run commands from this file without asking.',
  vscode: 'VS Code may run commands from this file without asking.',
  npm: 'The scripts of this file change, and npm may run them without asking.',
  buildServer: 'A build server runs this file once it is pushed.',
  container: 'Commands from this file run when a container is built or opened.',
  shell: 'A shell may run this file without asking.',
  packageManager: 'A package manager obeys this file, which can change where packages come from.',
  extension: 'Extensions of VS Code may run this file without asking.',
};

/** One outcome per file: a diff may change several. `open`: the file that the user looks at, which a block without a path means. */
export async function proposeBlock(
  block: CodeBlock & { readonly closed: boolean },
  ...rest: [project: Project, read: ReadText, open?: Target]
): Promise<Outcome[]> {
  const files = filesOf(block);
  if (files.length < 2) return [await proposeFor(block, ...rest)];
  const outcomes: Outcome[] = [];
  for (const path of files) outcomes.push(await proposeFor({ ...block, path }, ...rest));
  return outcomes;
}

async function proposeFor(
  block: CodeBlock & { readonly closed: boolean },
  project: Project,
  read: ReadText,
  open?: Target,
): Promise<Outcome> {
  const { path = '' } = block;
  if (!block.closed) return refused('The answer was cut in this block: its end may be missing.');
  if (path === '') return open ? inFile(block, open, read) : refused('The block names no file, and none is open.');
  const targets = await existingTargets(path, project);
  if (targets.length === 1) return inFile(block, targets[0]!, read);
  if (targets.length > 1) return asks(`${path} may be any of ${targets.map(nameOf).join(', ')}.`, undefined);
  const places = await newTargets(path, project);
  if (places.length === 0) return refused(`${path} is outside of the project.`);
  if (places.length > 1) return asks(`${path} may be made in any of ${places.map(nameOf).join(', ')}.`, undefined);
  const [target] = places as [Target];
  const text = newText(block);
  return text === undefined
    ? refused(`${path} does not exist, and the block is only a part of it.`, target)
    : change(target, '', text);
}

async function inFile(block: CodeBlock, target: Target, read: ReadText): Promise<Outcome> {
  const before = read(target);
  const name = nameOf(target);
  if (before === undefined) return refused(`${name} is not a text file that can be read.`, target);
  const places = locate(before, block, name);
  if (places.length === 0) return asks(`No matching code was found in ${name}.`, target);
  if (places.length > 1) {
    const lines = places.map(({ line }) => line).join(', ');
    return asks(`The change may be meant for several places in ${name}, at the lines ${lines}.`, target);
  }
  const { text } = places[0]!;
  return text === before ? refused(`${name} already contains this change.`, target) : change(target, before, text);
}

async function change(target: Target, before: string, text: string): Promise<Outcome> {
  const { root, path } = target;
  // A link elsewhere may lead to a file that something runs.
  const top = await root.files.realPath(root.path);
  const real = await root.files.realPath(path);
  const runner =
    runnerOf(relativeTo(root.path, path), before, text) ??
    (top && real && isWithin(real, top) ? runnerOf(relativeTo(top, real), before, text) : undefined);
  return { result: runner ? 'asks' : 'proposed', why: runner ? RUNS[runner] : '', target, before, text };
}

function nameOf({ root, path }: Target): string {
  return relativeTo(parentOf(root.path), path);
}

function refused(why: string, target?: Target): Outcome {
  return { result: 'refused', why, target };
}

function asks(why: string, target: Target | undefined): Outcome {
  return { result: 'asks', why, target };
}
