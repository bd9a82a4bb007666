/**
 * Which files of the project go into the index: those that are neither ignored, excluded, secret, binary, large nor
 * generated. No vscode.
 */
import { childOf, type FileStat, type FileSystem, isWithin, parentOf, relativeTo } from '../files/fileSystem.ts';
import { asUtf8 } from '../reading/asUtf8.ts';
import { GitIgnore, isIgnored } from '../reading/gitIgnore.ts';
import { globMatcher } from '../reading/globs.ts';
import { isSecretPath } from '../reading/secrets.ts';
import { walk } from '../reading/walk.ts';
import type { Folder, OpenParams, SkippedFile } from './protocol.ts';

export interface FoundFile {
  /** Absolute path. */
  readonly file: string;
  readonly mtimeMs: number;
  /** In bytes. */
  readonly size: number;
}

/** Larger files are data, or no person wrote them. */
export const LARGEST_FILE = 1_000_000;

type Reason = SkippedFile['why'];

/** Glob patterns that are relative to the folders. A pattern of `include` reaches ignored folders that it begins with. */
type Patterns = Pick<OpenParams, 'exclude' | 'include'>;

/** Reads each `.gitignore` once: make a new one when any of them changed. */
export class ReadableFiles {
  /** What was met and left out, by absolute path. */
  readonly skipped = new Map<string, Reason>();
  readonly #files: FileSystem;
  readonly #roots: readonly Root[];
  readonly #isExcluded: (path: string) => boolean;
  readonly #isIncluded: (path: string) => boolean;
  /** Folders that the patterns of `include` begin with, and those above them. */
  readonly #includedFolders: ReadonlySet<string>;

  constructor(files: FileSystem, folders: readonly Folder[], { exclude, include }: Patterns) {
    this.#files = files;
    this.#isExcluded = globMatcher(exclude);
    this.#isIncluded = globMatcher(include);
    this.#includedFolders = new Set(include.flatMap(foldersOf));
    this.#roots = folders.map(({ path, name }) => ({ path, name, git: new GitIgnore(files, path) }));
  }

  /** Yields every file that may be indexed, by its name and size; its content is not looked at yet. */
  async *all(): AsyncGenerator<FoundFile> {
    for (const root of this.#roots) yield* this.#below(root.path, root);
  }

  /** Yields what `all` would yield for one place: the file itself, or all files below a folder. */
  async *at(place: string): AsyncGenerator<FoundFile> {
    const root = this.#rootOf(place);
    if (!root || place === root.path) return;
    let folder = root.path;
    const parts = relativeTo(root.path, place).split('/');
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const path = childOf(folder, part);
      const found = await this.#files.stat(path);
      if (!found || found.kind === 'other' || (!isLast && found.kind === 'file')) return;
      const isFolder = found.kind === 'folder';
      if (this.#skips(path, isFolder, isIgnored(await root.git.rulesOf(folder), path, isFolder))) return;
      folder = path;
      if (!isLast) continue;
      if (isFolder) yield* this.#below(path, root);
      else yield foundFile(path, found);
    }
  }

  /** The path by which the user knows a file: relative to its folder, whose name comes first if there are several. */
  pathOf(file: string): string {
    const root = this.#rootOf(file);
    if (!root) return file;
    const path = relativeTo(root.path, file);
    return root.name ? `${root.name}/${path}` : path;
  }

  #rootOf(place: string): Root | undefined {
    const holding = this.#roots.filter(({ path }) => isWithin(place, path));
    return holding.sort((a, b) => b.path.length - a.path.length)[0];
  }

  async *#below(folder: string, root: Root): AsyncGenerator<FoundFile> {
    const options = { git: root.git, skips: this.#skips.bind(this) };
    for await (const path of walk(this.#files, folder, options)) {
      const found = await this.#files.stat(path);
      if (!found) continue;
      if (found.size <= LARGEST_FILE) yield foundFile(path, found);
      else this.skipped.set(path, 'large');
    }
  }

  #skips(path: string, isFolder: boolean, ignored: boolean): boolean {
    // One folder of a workspace may lie in another one: the inner one's paths count.
    const root = this.#rootOf(parentOf(path));
    if (!root) return true;
    const relative = relativeTo(root.path, path);
    const included = this.#isIncluded(relative) || (isFolder && this.#includedFolders.has(relative));
    if (ignored && !included) return true;
    const reason = isFolder ? this.#reasonOfFolder(relative, included) : this.#reasonOfFile(relative, included);
    if (reason) this.skipped.set(path, reason);
    return reason !== undefined;
  }

  #reasonOfFolder(path: string, included: boolean): Reason | undefined {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return !included && (SKIPPED_FOLDERS.has(name) || this.#isExcluded(path)) ? 'excluded' : undefined;
  }

  #reasonOfFile(path: string, included: boolean): Reason | undefined {
    if (isSecretPath(path)) return 'secret';
    if (SKIPPED_FILES.test(path.slice(path.lastIndexOf('/') + 1))) return 'kind';
    return !included && this.#isExcluded(path) ? 'excluded' : undefined;
  }
}

/** "dist/types/**" gives "dist" and "dist/types". */
function foldersOf(pattern: string): string[] {
  const parts = pattern.replace(/^\//, '').split('/');
  const fixed = parts.findIndex((part) => /[*?[\]{}()!]/.test(part));
  const count = fixed < 0 ? parts.length : fixed;
  return Array.from({ length: count }, (_, index) => parts.slice(0, index + 1).join('/'));
}

interface Root {
  readonly path: string;
  readonly name: string;
  readonly git: GitIgnore;
}

/** The text of a file that is worth indexing, in UTF-8; undefined if it is binary, minified, too large or gone. */
export async function readText(files: FileSystem, file: string, encoding: string): Promise<Uint8Array | undefined> {
  const bytes = await files.read(file);
  const text = bytes && bytes.length <= LARGEST_FILE ? asUtf8(bytes, encoding) : undefined;
  return !text || hasLongLines(text) ? undefined : text;
}

/** The average number of characters per line from which on no person wrote a file. */
const LONG_LINES = 300;

function hasLongLines(bytes: Uint8Array): boolean {
  if (bytes.length < 10 * LONG_LINES) return false;
  let lines = 1;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return bytes.length / lines > LONG_LINES;
}

function foundFile(file: string, { mtimeMs, size }: FileStat): FoundFile {
  return { file, mtimeMs, size };
}

const SKIPPED_FOLDERS = new Set(['.git', '.hg', '.svn', 'node_modules', 'bower_components', '__pycache__', '.venv']);
const SKIPPED_FILES =
  /^(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|go\.work\.sum|.*\.lock|.*\.lockb|.*lock\.json|\.ds_store)$|\.min\.\w+$|\.(map|png|jpe?g|gif|bmp|ico|icns|webp|avif|svg|tiff?|psd|pdf|zip|gz|bz2|xz|zst|7z|rar|tar|tgz|jar|war|class|exe|dll|so|dylib|a|o|obj|lib|pdb|wasm|bin|dat|db|sqlite3?|woff2?|ttf|otf|eot|mp[34]|m4a|wav|ogg|flac|avi|mov|mkv|webm|node|pyc|pyo|vsix|onnx|safetensors|gguf|pt|npy|parquet|xlsx?|docx?|pptx?|snap)$/i;
