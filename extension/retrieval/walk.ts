/** Which files of the project are read: no ignored, excluded, secret, binary, large or generated ones. No vscode. */
import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import picomatch from 'picomatch';
import type { Folder } from './protocol.ts';
import { isSecretPath } from '../reading/secrets.ts';

export interface FoundFile {
  /** Absolute. */
  readonly file: string;
  readonly mtimeMs: number;
  readonly size: number;
}

/** Larger ones are data, or nobody wrote them. */
export const LARGEST_FILE = 1_000_000;

/** Knows the folders' .gitignore files; they are read once, so make a new one when any changed. */
export class ProjectFiles {
  readonly #roots: { folder: string; name: string; rules: Rules | undefined }[];
  readonly #excluded: (path: string) => boolean;
  readonly #rules = new Map<string, Rules | undefined>();

  constructor(folders: readonly Folder[], exclude: readonly string[]) {
    this.#excluded = matcher(exclude);
    this.#roots = folders.map(({ path, name }) => ({ folder: path, name, rules: rulesAbove(path) }));
  }

  /** Every file that may be read, its text not looked at yet. */
  *walk(): Generator<FoundFile> {
    for (const { folder } of this.#roots) yield* this.#walkFolder(folder);
  }

  /** What `walk` would say of one place: a file, or all files of a folder. */
  *at(place: string): Generator<FoundFile> {
    const root = this.#rootOf(place);
    if (!root || place === root.folder) return;
    const parts = relative(root.folder, place).split(sep);
    let folder = root.folder;
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const path = join(folder, part);
      const entry = readEntry(path);
      if (!entry || (!isLast && !entry.folder) || this.#skips(root.folder, path, entry.folder)) return;
      folder = path;
      if (!isLast) continue;
      if (entry.folder) yield* this.#walkFolder(path);
      else yield { file: path, mtimeMs: entry.mtimeMs, size: entry.size };
    }
  }

  /** The path by which the user knows a file: in the folder, which is named where there are several. */
  pathOf(file: string): string {
    const root = this.#rootOf(file);
    if (!root) return file;
    const path = relative(root.folder, file).split(sep).join('/');
    return root.name ? `${root.name}/${path}` : path;
  }

  #rootOf(place: string): { folder: string; name: string } | undefined {
    const holds = this.#roots.filter(({ folder }) => place === folder || place.startsWith(withSeparator(folder)));
    return holds.sort((a, b) => b.folder.length - a.folder.length)[0];
  }

  *#walkFolder(folder: string): Generator<FoundFile> {
    const root = this.#rootOf(folder)!.folder;
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!this.#skips(root, path, true)) yield* this.#walkFolder(path);
      } else if (entry.isFile() && !this.#skips(root, path, false)) {
        const found = readEntry(path);
        if (found && found.size <= LARGEST_FILE) yield { file: path, mtimeMs: found.mtimeMs, size: found.size };
      }
    }
  }

  #skips(root: string, path: string, isFolder: boolean): boolean {
    const name = basename(path);
    if (isFolder ? SKIPPED_FOLDERS.has(name) : isSecretPath(relative(root, path)) || SKIPPED_FILES.test(name))
      return true;
    const shown = relative(root, path).split(sep).join('/');
    if (this.#excluded(shown)) return true;
    return isIgnored(this.#rulesOf(root, dirname(path)), path, isFolder);
  }

  #rulesOf(root: string, folder: string): Rules | undefined {
    if (this.#rules.has(folder)) return this.#rules.get(folder);
    const isRoot = folder === root || dirname(folder) === folder;
    const parent = isRoot
      ? this.#roots.find((each) => each.folder === root)?.rules
      : this.#rulesOf(root, dirname(folder));
    const rules = rulesIn(folder, parent);
    this.#rules.set(folder, rules);
    return rules;
  }
}

/** The text of a file that is worth reading, or nothing: binary, minified, gone. */
export function readText(file: string): Buffer | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  if (bytes.length > LARGEST_FILE || bytes.subarray(0, BINARY_BYTES).includes(0)) return undefined;
  return hasLongLines(bytes) ? undefined : bytes;
}

const BINARY_BYTES = 8000;
/** Characters per line, on average, of what no person writes. */
const LONG_LINES = 300;

function hasLongLines(bytes: Buffer): boolean {
  if (bytes.length < 10 * LONG_LINES) return false;
  let lines = 1;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return bytes.length / lines > LONG_LINES;
}

const SKIPPED_FOLDERS = new Set(['.git', '.hg', '.svn', 'node_modules', 'bower_components', '__pycache__', '.venv']);
const SKIPPED_FILES =
  /^(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|go\.work\.sum|.*\.lock|.*\.lockb|.*lock\.json|\.ds_store)$|\.min\.\w+$|\.(map|png|jpe?g|gif|bmp|ico|icns|webp|avif|svg|tiff?|psd|pdf|zip|gz|bz2|xz|zst|7z|rar|tar|tgz|jar|war|class|exe|dll|so|dylib|a|o|obj|lib|pdb|wasm|bin|dat|db|sqlite3?|woff2?|ttf|otf|eot|mp[34]|m4a|wav|ogg|flac|avi|mov|mkv|webm|node|pyc|pyo|vsix|onnx|safetensors|gguf|pt|npy|parquet|xlsx?|docx?|pptx?|snap)$/i;

interface Rules {
  readonly folder: string;
  readonly ignore: Ignore;
  readonly parent: Rules | undefined;
}

/** The nearest rules that say something win, as in git. */
function isIgnored(rules: Rules | undefined, path: string, isFolder: boolean): boolean {
  for (let each = rules; each; each = each.parent) {
    const shown = relative(each.folder, path).split(sep).join('/') + (isFolder ? '/' : '');
    const { ignored, unignored } = each.ignore.test(shown);
    if (ignored || unignored) return ignored;
  }
  return false;
}

function rulesIn(folder: string, parent: Rules | undefined): Rules | undefined {
  const texts = [join(folder, '.gitignore'), join(folder, '.git', 'info', 'exclude')].map(textOf).filter(Boolean);
  return texts.length > 0 ? { folder, ignore: ignore().add(texts.join('\n')), parent } : parent;
}

/** A folder inside a repository obeys the rules above it. */
function rulesAbove(folder: string): Rules | undefined {
  const above: string[] = [];
  let repository = false;
  for (let each = folder; ; each = dirname(each)) {
    if (each !== folder) above.unshift(each);
    repository = readEntry(join(each, '.git')) !== undefined;
    if (repository || dirname(each) === each) break;
  }
  return repository ? above.reduce<Rules | undefined>((rules, each) => rulesIn(each, rules), undefined) : undefined;
}

function matcher(globs: readonly string[]): (path: string) => boolean {
  const usable = globs.filter((glob) => glob.length > 0 && glob.length < 1000);
  if (usable.length === 0) return () => false;
  return picomatch(usable, { dot: true, nocase: process.platform !== 'linux' });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // Gone meanwhile, or not ours to read.
    return [];
  }
}

/** Nothing for a link: it leads to what is in the project anyway, or to what is not of it. */
function readEntry(path: string): { folder: boolean; mtimeMs: number; size: number } | undefined {
  try {
    const stats = lstatSync(path);
    if (!stats.isFile() && !stats.isDirectory()) return undefined;
    return { folder: stats.isDirectory(), mtimeMs: stats.mtimeMs, size: stats.size };
  } catch {
    return undefined;
  }
}

function withSeparator(folder: string): string {
  return folder.endsWith(sep) ? folder : folder + sep;
}
