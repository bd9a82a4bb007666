/** Completes `@…` and `/…` in the input: a list while the user types, and the attachment of the accepted entry. */
import * as vscode from 'vscode';
import type { Suggestion } from '../../../webview/protocol.ts';
import { hasCode } from '../../reading/vscode/eligibility.ts';
import { isRefused } from '../../reading/vscode/exclusions.ts';
import { fuzzyScore } from './fuzzy.ts';
import { oneLine } from '../../reading/plainText.ts';
import { isPicture } from './pictureFiles.ts';
import { inSlices, type ProjectFile, ProjectFiles } from './projectFiles.ts';
import { bareName, documentSymbols, inTime, type NamedRange, wholeSymbol, workspaceSymbols } from './symbols.ts';
import { terminalSelection } from './terminal.ts';
import { baseName, nameOf } from '../../reading/vscode/textOf.ts';
import type { Attachment } from './attachment.ts';
import { SLASH_NAMES, type SlashName } from '../commands/slash.ts';

const MOST = 50;
/** Number of suggestions kept, as the page may still show earlier lists. */
const KEPT_IDS = 10 * MOST;

type Resolve = () => Attachment | Promise<Attachment>;
interface Entry extends Omit<Suggestion, 'id'> {
  /** Absent for suggestions that only change the input. */
  readonly resolve?: Resolve;
}

export class Suggester {
  readonly #files: ProjectFiles;
  readonly #attachments = new Map<string, Resolve>();
  #lastId = 0;
  #running: AbortController | undefined;

  /** `excluded`: glob patterns of files that must not be read. */
  readonly #excluded: () => readonly string[];

  constructor(excluded: () => readonly string[]) {
    this.#excluded = excluded;

    this.#files = new ProjectFiles(excluded);
  }

  /**
   * At most 50 suggestions, best first, for the word before the cursor, including `@` or `/`. Empty once a newer call
   * starts.
   */
  async suggest(text: string): Promise<Suggestion[]> {
    this.#running?.abort();
    const { signal } = (this.#running = new AbortController());
    try {
      const entries = await this.#entries(text.trimStart(), signal);
      return signal.aborted ? [] : entries.slice(0, MOST).map((entry) => this.#known(entry));
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
  }

  /** The attachment of a suggestion; rejects with a sentence if it is not available or the list is too old. */
  async resolve(suggestionId: string): Promise<Attachment> {
    const resolve = this.#attachments.get(suggestionId);
    if (!resolve) throw new Error(vscode.l10n.t('This suggestion is no longer available. Type @ again.'));
    return resolve();
  }

  #known({ resolve, ...suggestion }: Entry): Suggestion {
    const id = `suggestion-${++this.#lastId}`;
    if (resolve) this.#attachments.set(id, resolve);
    const [oldest] = this.#attachments.keys();
    if (oldest !== undefined && this.#attachments.size > KEPT_IDS) this.#attachments.delete(oldest);
    return { id, ...suggestion };
  }

  async #entries(text: string, signal: AbortSignal): Promise<Entry[]> {
    if (text.startsWith('/')) return commandEntries(text.slice(1));
    if (!text.startsWith('@')) return [];
    const [, kind = '', query = ''] = /^@(\S*)\s+(.*)$/s.exec(text) ?? [];
    switch (kind) {
      case 'file':
        return this.#fileEntries(query, signal);
      case 'image':
        return this.#pictureEntries(query, signal);
      case 'folder':
        return this.#folderEntries(query, signal);
      case 'symbol':
        return this.#symbolEntries(query, signal);
      case '': {
        const typed = text.slice(1);
        const files =
          typed === '' ? openFiles(this.#excluded()).map(fileEntry) : await this.#fileEntries(typed, signal);
        return [...kindEntries().filter(({ label }) => label.startsWith(text)), ...files];
      }
      default:
        return kindEntries().filter(({ label, more }) => !more && label === `@${kind}`);
    }
  }

  async #fileEntries(query: string, signal: AbortSignal): Promise<Entry[]> {
    const open = await best(query, openFiles(this.#excluded()), ({ path }) => path, signal);
    const known = new Set(open.map(({ uri }) => uri.toString()));
    const others = await best(query, await this.#files.all(signal), ({ path }) => path, signal);
    return [...open, ...others.filter(({ uri }) => !known.has(uri.toString()))].map(fileEntry);
  }

  async #pictureEntries(query: string, signal: AbortSignal): Promise<Entry[]> {
    const pictures = (await this.#files.all(signal)).filter(({ uri }) => isPicture(uri.toString()));
    const fitting = await best(query, pictures, ({ path }) => path, signal);
    return fitting.map((file) => ({ ...fileEntry(file), kind: 'picture' }));
  }

  async #folderEntries(query: string, signal: AbortSignal): Promise<Entry[]> {
    const folders = new Map<string, ProjectFile>();
    await inSlices(await this.#files.all(signal), signal, ({ uri, path }) => {
      const levels = path.split('/').length;
      for (let up = 1; up < levels; up++) {
        const parent = path.split('/').slice(0, -up).join('/');
        if (folders.has(parent)) break;
        folders.set(parent, { uri: uri.with({ path: uri.path.split('/').slice(0, -up).join('/') }), path: parent });
      }
    });
    return (await best(query, [...folders.values()], ({ path }) => path, signal)).map(({ uri, path }) => ({
      ...plain('folder', `${baseName(uri)}/`, path),
      resolve: () => ({ kind: 'folder', uri: uri.toString() }),
    }));
  }

  async #symbolEntries(query: string, signal: AbortSignal): Promise<Entry[]> {
    const active = activeCode();
    const [here, everywhere] = await Promise.all([
      active ? inTime(documentSymbols(active), signal) : [],
      query === '' ? [] : inTime(workspaceSymbols(query), signal),
    ]);
    const seen = new Set<string>();
    const isNew = ({ uri, name, firstLine }: NamedRange): boolean => {
      const key = `${uri.toString()} ${bareName(name)} ${firstLine}`;
      return !seen.has(key) && !!seen.add(key);
    };
    const fitting = [
      ...(await best(query, here, ({ name }) => name, signal)),
      ...(await best(query, everywhere, ({ name }) => name, signal)),
    ];
    const excluded = this.#excluded();
    return fitting.filter((symbol) => isNew(symbol) && !isRefused(symbol.uri, excluded)).map(symbolEntry);
  }
}

function commandEntries(typed: string): Entry[] {
  const { t } = vscode.l10n;
  const details: Record<SlashName, string> = {
    explain: t('Explain the code'),
    fix: t('Fix the problems at the cursor'),
    tests: t('Write unit tests'),
    doc: t('Write documentation comments'),
    refactor: t('Simplify the code'),
    commit: t('Write a commit message for the staged changes'),
    terminal: t('Suggest a terminal command'),
  };
  return SLASH_NAMES.filter((name) => name.startsWith(typed)).map((name) => ({
    insert: `/${name} `,
    label: `/${name}`,
    detail: details[name],
    kind: 'command',
    more: false,
  }));
}

function kindEntries(): Entry[] {
  const { t } = vscode.l10n;
  const active = activeCode();
  const opens = (kind: Suggestion['kind'], detail: string, name: string = kind): Entry => ({
    ...plain(kind, `@${name}`, detail),
    insert: `@${name} `,
    more: true,
  });
  const attaches = (kind: Suggestion['kind'] & Attachment['kind'], detail: string, resolve: Resolve): Entry => ({
    ...plain(kind, `@${kind}`, detail),
    resolve,
  });
  return [
    opens('file', t('A file')),
    opens('folder', t('The files of a folder')),
    opens('symbol', t('A function, class, or other symbol')),
    opens('picture', t('A picture of the project'), 'image'),
    ...(active
      ? [
          attaches('problems', t('Problems in {0}', nameOf(active)), () => ({
            kind: 'problems',
            uri: active.toString(),
          })),
        ]
      : []),
    attaches('problems', t('Problems in the workspace'), () => ({ kind: 'problems' })),
    attaches('terminal', t('The text selected in the terminal'), async () => ({
      kind: 'terminal',
      text: await terminalSelection(),
    })),
    attaches('changes', t('All changes since the last commit'), () => ({ kind: 'changes' })),
    attaches('changes', t('Changes staged for the next commit'), () => ({ kind: 'changes', staged: true })),
    attaches('project', t('Parts of the project that match the question'), () => ({ kind: 'project' })),
  ];
}

function plain(kind: Suggestion['kind'], label: string, detail: string): Entry {
  return { kind, label: oneLine(label), detail: oneLine(detail), insert: '', more: false };
}

function fileEntry({ uri, path }: ProjectFile): Entry {
  return { ...plain('file', baseName(uri), path), resolve: () => ({ kind: 'file', uri: uri.toString() }) };
}

function symbolEntry(symbol: NamedRange): Entry {
  return {
    ...plain('symbol', symbol.name, `${nameOf(symbol.uri)}:${symbol.firstLine}`),
    resolve: async () => {
      const { name, uri, firstLine, lastLine } = await wholeSymbol(symbol);
      return { kind: 'symbol', uri: uri.toString(), name, firstLine, lastLine };
    },
  };
}

/** The files in the editor's tabs, the active one first. */
function openFiles(excluded: readonly string[]): ProjectFile[] {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const uris = tabs.flatMap(({ input }) => (input instanceof vscode.TabInputText ? [input.uri] : []));
  const active = activeCode();
  const unique = new Map([...(active ? [active] : []), ...uris].map((uri) => [uri.toString(), uri]));
  const allowed = [...unique.values()].filter((uri) => !isRefused(uri, excluded));
  return allowed.map((uri) => ({ uri, path: nameOf(uri) }));
}

function activeCode(): vscode.Uri | undefined {
  const document = vscode.window.activeTextEditor?.document;
  return document && hasCode(document) ? document.uri : undefined;
}

/** The items that match, best first. */
async function best<T>(
  query: string,
  items: readonly T[],
  textOf: (item: T) => string,
  signal: AbortSignal,
): Promise<T[]> {
  const scored: { item: T; score: number }[] = [];
  await inSlices(items, signal, (item) => {
    const score = fuzzyScore(query, textOf(item));
    if (score !== undefined) scored.push({ item, score });
  });
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, MOST)
    .map(({ item }) => item);
}
