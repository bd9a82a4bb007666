/** What a file imports from other files of its project, by the text of its import statements. Pure. */
import { posix } from 'node:path';
import type { CompleteParams } from '../../engine/wire/protocol.ts';
import { signatureOf } from './signatures.ts';

export interface Import {
  /** What is imported, as it is called where it is declared; none where it is everything. */
  readonly names: readonly string[];
  /** Absolute paths at which the imported file may lie, the likeliest first. */
  readonly candidates: readonly string[];
}

const SCRIPT = /^(?:java|type)script(?:react)?$/;
const SCRIPT_IMPORT = /\b(?:import|export)\s+(?:type\s+)?([\w$*\s{},]+?)\s+from\s+['"]([^'"\n]+)['"]/g;
const REQUIRE = /\b(?:const|let|var)\s+([\w$\s{},:]+?)\s*=\s*require\(\s*['"]([^'"\n]+)['"]\s*\)/g;
const PYTHON_IMPORT = /^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(?:\(([^)]*)\)|(.+))/gm;
const ENDINGS = ['.ts', '.tsx', '.d.ts', '.js', '.jsx', '.mjs'];

/** A part of another file. */
export type OtherFile = Readonly<NonNullable<CompleteParams['otherFiles']>[number]>;

/** Resolves with undefined where there is no such file, or it must not be read. */
export type ReadFile = (path: string) => Promise<string | undefined>;

/** Files that only pass on what others declare lead to these, this many times. */
const MOST_STEPS = 2;

/** The signatures of what `text`, the file `path`, imports from files below `root`, by file, in the order of imports. */
export async function signaturesFor(
  text: string,
  path: string,
  root: string,
  languageId: string,
  read: ReadFile,
): Promise<OtherFile[]> {
  const signatures = new Map<string, string>();
  const files = new Map<string, Promise<string | undefined>>();
  const readOnce = (file: string): Promise<string | undefined> => {
    if (!files.has(file)) files.set(file, read(file));
    return files.get(file)!;
  };
  const find = async (name: string, candidates: readonly string[], steps: number): Promise<boolean> => {
    for (const file of candidates) {
      const other = await readOnce(file);
      if (other === undefined) continue;
      const signature = signatureOf(name, other);
      if (signature !== '') {
        signatures.set(file, [...(signatures.get(file)?.split('\n') ?? []), signature].join('\n'));
        return true;
      }
      if (steps === 0) return false;
      for (const { names, candidates: next } of importsOf(other, file, root, languageId))
        if ((names.length === 0 || names.includes(name)) && (await find(name, next, steps - 1))) return true;
      return false;
    }
    return false;
  };
  for (const { names, candidates } of importsOf(text, path, root, languageId))
    for (const name of names) await find(name, candidates, MOST_STEPS);
  return [...signatures].map(([file, lines]) => ({ path: posix.basename(file), text: lines }));
}

/** The imports of `text`, the file `path` ("/" separates its parts), from files that may lie below `root`. */
export function importsOf(text: string, path: string, root: string, languageId: string): Import[] {
  const below = `${root.replace(/\/$/, '')}/`;
  return statementsOf(text, path, root, languageId).flatMap(({ names, candidates: all }) => {
    const candidates = all.filter((file) => file.startsWith(below));
    return candidates.length === 0 ? [] : [{ names, candidates }];
  });
}

function statementsOf(text: string, path: string, root: string, languageId: string): Import[] {
  if (SCRIPT.test(languageId)) {
    return [...text.matchAll(SCRIPT_IMPORT), ...text.matchAll(REQUIRE)]
      .filter(([, , from]) => from!.startsWith('.'))
      .map(([, names, from]) => ({ names: namesIn(names!), candidates: scriptFiles(posix.join(path, '..', from!)) }));
  }
  if (languageId !== 'python') return [];
  return [...text.matchAll(PYTHON_IMPORT)].map(([, from, some, all]) => ({
    names: namesIn((some ?? all!).replace(/#.*/g, '')),
    candidates: pythonFiles(from!, path, root),
  }));
}

/** `a, { b as c, type D }` to a, b, D. */
function namesIn(list: string): string[] {
  return list.split(/[{},]/).flatMap((each) => /^\s*(?:type\s+)?([A-Za-z_$][\w$]*)/.exec(each)?.[1] ?? []);
}

function scriptFiles(place: string): string[] {
  const bare = place.replace(/\.[cm]?[jt]sx?$/, '');
  return [
    ...(bare === place ? [] : [place]),
    ...ENDINGS.map((ending) => bare + ending),
    ...ENDINGS.map((ending) => `${place}/index${ending}`),
  ];
}

function pythonFiles(from: string, path: string, root: string): string[] {
  const dots = /^\.*/.exec(from)![0].length;
  const below = from.slice(dots).replaceAll('.', '/');
  const folders: string[] = [];
  if (dots > 0) folders.push(posix.join(path, ...Array<string>(dots).fill('..')));
  else
    for (let at = posix.dirname(path); at.startsWith(root); at = posix.dirname(at)) {
      folders.push(at);
      if (at === root || at === '/') break;
    }
  return folders.flatMap((folder) => [posix.join(folder, `${below}.py`), posix.join(folder, below, '__init__.py')]);
}
