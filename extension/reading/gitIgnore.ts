/** Decides which files git ignores, from the `.gitignore` files of a folder tree, read once. No vscode. */
import ignore, { type Ignore } from 'ignore';
import { childOf, type DirectoryEntry, type FileSystem, isWithin, parentOf, relativeTo } from '../files/fileSystem.ts';

/** The rules of one folder, and of the folders above it. */
export interface IgnoreRules {
  readonly folder: string;
  readonly ignore: Ignore;
  readonly parent: IgnoreRules | undefined;
}

/** Remembers the rules that it has read: make a new one when a `.gitignore` changed. */
export class GitIgnore {
  readonly #files: FileSystem;
  readonly #root: string;
  readonly #rules = new Map<string, Promise<IgnoreRules | undefined>>();

  /** `root` is a folder of the project; if it lies inside a repository, the rules above it count too. */
  constructor(files: FileSystem, root: string) {
    this.#files = files;
    this.#root = root;
  }

  /** The rules for the entries of `folder`, which is the root or lies below it; `entries` saves looking for rules. */
  rulesOf(folder: string, entries?: readonly DirectoryEntry[]): Promise<IgnoreRules | undefined> {
    let rules = this.#rules.get(folder);
    if (!rules) this.#rules.set(folder, (rules = this.#read(folder, entries)));
    return rules;
  }

  async #read(folder: string, entries?: readonly DirectoryEntry[]): Promise<IgnoreRules | undefined> {
    const parent = parentOf(folder);
    const isTop = folder === this.#root || !isWithin(parent, this.#root);
    const above = await (isTop ? this.#rulesAbove(folder) : this.rulesOf(parent));
    const mayHaveRules = entries?.some(({ name }) => name === '.gitignore' || name === '.git') ?? true;
    return mayHaveRules ? this.#rulesIn(folder, above) : above;
  }

  async #rulesAbove(folder: string): Promise<IgnoreRules | undefined> {
    const above: string[] = [];
    for (let each = folder; ; each = parentOf(each)) {
      if (each !== folder) above.unshift(each);
      if (await this.#files.stat(childOf(each, '.git'))) break;
      // Without a repository around it, no file above the folder concerns it.
      if (parentOf(each) === each) return undefined;
    }
    let rules: IgnoreRules | undefined;
    for (const each of above) rules = await this.#rulesIn(each, rules);
    return rules;
  }

  async #rulesIn(folder: string, parent: IgnoreRules | undefined): Promise<IgnoreRules | undefined> {
    const texts: string[] = [];
    for (const name of ['.gitignore', '.git/info/exclude']) {
      const bytes = await this.#files.read(childOf(folder, name));
      if (bytes && bytes.length > 0) texts.push(new TextDecoder().decode(bytes));
    }
    return texts.length > 0 ? { folder, ignore: ignore().add(texts.join('\n')), parent } : parent;
  }
}

/** As in git, the nearest rules that say something about a path decide. */
export function isIgnored(rules: IgnoreRules | undefined, path: string, isFolder: boolean): boolean {
  for (let each = rules; each; each = each.parent) {
    const relative = relativeTo(each.folder, path);
    const { ignored, unignored } = each.ignore.test(isFolder ? `${relative}/` : relative);
    if (ignored || unignored) return ignored;
  }
  return false;
}
