/**
 * Decides which files git ignores, from the `.gitignore` files of a folder tree, read once. A file that git tracks is not
 * ignored, whatever matches, and a repository inside of another one has its own rules only. No vscode.
 */
import ignore, { type Ignore } from 'ignore';
import { childOf, type DirectoryEntry, type FileSystem, isWithin, parentOf, relativeTo } from '../files/fileSystem.ts';
import { type Repository, repositoryAt } from './gitRepository.ts';

/** The rules of one folder, and of the folders above it. */
export interface IgnoreRules {
  readonly folder: string;
  readonly ignore: Ignore;
  readonly parent: IgnoreRules | undefined;
  readonly repository: Repository | undefined;
}

/** What concerns the entries of a folder. */
interface Scope {
  readonly rules: IgnoreRules | undefined;
  readonly repository: Repository | undefined;
}

const OUTSIDE: Scope = { rules: undefined, repository: undefined };

/** Remembers the rules that it has read: make a new one when a `.gitignore` changed. */
export class GitIgnore {
  readonly #files: FileSystem;
  readonly #root: string;
  readonly #scopes = new Map<string, Promise<Scope>>();

  /** `root` is a folder of the project; if it lies inside a repository that does not ignore it, the rules above it count too. */
  constructor(files: FileSystem, root: string) {
    this.#files = files;
    this.#root = root;
  }

  /** The rules for the entries of `folder`, which is the root or lies below it; `entries` saves looking for rules. */
  async rulesOf(folder: string, entries?: readonly DirectoryEntry[]): Promise<IgnoreRules | undefined> {
    return (await this.#scopeOf(folder, entries)).rules;
  }

  #scopeOf(folder: string, entries?: readonly DirectoryEntry[]): Promise<Scope> {
    let scope = this.#scopes.get(folder);
    if (!scope) this.#scopes.set(folder, (scope = this.#read(folder, entries)));
    return scope;
  }

  async #read(folder: string, entries?: readonly DirectoryEntry[]): Promise<Scope> {
    const parent = parentOf(folder);
    const isTop = folder === this.#root || !isWithin(parent, this.#root);
    const above = await (isTop ? this.#scopeAbove(folder) : this.#scopeOf(parent));
    const mayHaveRules = entries?.some(({ name }) => name === '.gitignore' || name === '.git') ?? true;
    return mayHaveRules ? this.#scopeIn(folder, above) : above;
  }

  async #scopeAbove(folder: string): Promise<Scope> {
    const above: string[] = [];
    for (let each = folder; ; each = parentOf(each)) {
      if (each !== folder) above.unshift(each);
      if (await this.#files.stat(childOf(each, '.git'))) break;
      // Without a repository around it, no file above the folder concerns it.
      if (parentOf(each) === each) return OUTSIDE;
    }
    let scope = OUTSIDE;
    for (const each of above) scope = await this.#scopeIn(each, scope);
    // Whoever opens a folder that the repository ignores wants to see it, as in VS Code's own search.
    return isIgnored(scope.rules, folder, true) ? OUTSIDE : scope;
  }

  async #scopeIn(folder: string, above: Scope): Promise<Scope> {
    const own = await repositoryAt(this.#files, folder);
    const { rules: parent, repository } = own ? { rules: undefined, repository: own } : above;
    const bytes = await this.#files.read(childOf(folder, '.gitignore'));
    const text = [own?.exclude ?? '', new TextDecoder().decode(bytes ?? undefined)].join('\n');
    if (text.trim() === '') return { rules: parent, repository };
    const ignorecase = repository?.ignoreCase ?? process.platform !== 'linux';
    return { rules: { folder, ignore: ignore({ ignorecase }).add(text), parent, repository }, repository };
  }
}

/** As in git, the nearest rules that say something about a path decide, unless git tracks it or what lies below it. */
export function isIgnored(rules: IgnoreRules | undefined, path: string, isFolder: boolean): boolean {
  for (let each = rules; each; each = each.parent) {
    const relative = relativeTo(each.folder, path);
    const { ignored, unignored } = each.ignore.test(isFolder ? `${relative}/` : relative);
    if (ignored || unignored) return ignored && !isTracked(each.repository, path, isFolder);
  }
  return false;
}

function isTracked(repository: Repository | undefined, path: string, isFolder: boolean): boolean {
  if (!repository) return false;
  const relative = relativeTo(repository.folder, path);
  return isFolder ? repository.tracked.hasBelow(relative) : repository.tracked.has(relative);
}
