/** Parses the opening line, or the first line, of a code block for information about it. Pure. */
import { mentionedPath } from './caption.ts';
import { filePath, wholePath } from './filePath.ts';

export interface FenceInfo {
  /** As the model wrote it, in lower case; empty if it wrote none. */
  language: string;
  /** The file that the code belongs to, as the model named it; empty if it named none, or none that is surely whole. */
  path: string;
}

/** The text of a comment that is alone on its line: "// src/a.ts", "# src/a.py", "<!-- a.html -->", "-- a.sql". */
const COMMENT =
  /^\s*(?:\/\/|#+(?=\s)|--|;|%|<!--|\{?\/\*|\(\*)[\s\/#\-;%*=]*(\S.*?)[\s\-=#*]*(?:-->|\*\/\}?|\*\))?\s*$/;
/** What a comment that names a file may say besides. */
const SAID =
  /^(?:(?:new|updated|modified|changed|full|complete)\s+)*(?:(?:file\s*name|file\s*path|file|path|in)(?=[\s:=])\s*[:=-]?)?\s*/i;
const NAMED = /\b(?:title|file|filename|path)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s}]+))/i;
/** What may stand behind a path: `{1,3}`, `showLineNumbers=true`, `(new file)`, `lines 3-9`. */
const AFTER_PATH = /\s+(?:\{[^{}]*\}|[\w-]+=\S+|\([^()]*\)|#?L?\d+(?:-L?\d+)?|lines?\s+\d+\S*)\s*$/i;
const LONGEST_COMMENT = 300;
/** What a diff says in front of the changes of a file. */
const HEADERS = /^(?:--- (.*)\n\+\+\+ (.*)|\*\*\* (?:Update|Add) File: (.*))$/m;
const SHELLS = new Set(
  'bash sh shell zsh fish console shellsession shellscript terminal powershell pwsh ps1 bat cmd'.split(' '),
);
const DATA = new Set('json jsonc json5 yaml yml toml xml ini csv tsv sql properties lock'.split(' '));
const TEXTS = new Set('text txt plaintext plain output log none'.split(' '));

/**
 * Reads "ts src/a.ts", "ts:src/my file.ts", 'ts title="src/a.ts"', the headers of a diff, or a first line such as
 * "// src/a.ts"; and what the text in front of the block names (`before`, caption.ts), if the language may be that file's.
 */
export function fenceInfo(info: string, code: string, before = ''): FenceInfo {
  const text = info.trim();
  // "12:15:src/a.ts": the lines that the code replaces.
  const cited = wholePath(/^\d+:\d+:(.+)$/.exec(text)?.[1] ?? '');
  if (cited !== '') return { language: '', path: cited };
  const [, language = '', attached] = /^\{?\.?([^\s:{}=]*)(?::(?!\/\/)\s*(\S.*))?/.exec(text) ?? [];
  // "dockerfile" and "makefile" are languages.
  const isOnlyPath = filePath(text) !== '' && !/^\S+\s|^[a-z]+$/.test(text);
  const named = NAMED.exec(text);
  const inFence =
    wholePath(named?.[1] ?? named?.[2] ?? named?.[3] ?? '') ||
    (attached === undefined ? '' : wholePath(withoutExtras(attached))) ||
    filePath(isOnlyPath ? text : withoutExtras(text.replace(/^\S+/, '').trim()));
  const hasHeaders = HEADERS.test(code);
  const inCode = inFence || (hasHeaders ? pathInDiff(code) : pathInComment(code));
  const fits =
    before.endsWith(`/${inCode}`) || (inCode === '' && !hasHeaders && kindFits(language.toLowerCase(), before));
  return { language: isOnlyPath ? '' : language.toLowerCase(), path: inFence === '' && fits ? before : inCode };
}

/** Whether code in this language is meant for a terminal. */
export function isShell(language: string): boolean {
  return SHELLS.has(language);
}

function withoutExtras(text: string): string {
  const quoted = /^(["'`])(.*)\1$/.exec(text);
  if (quoted) return quoted[2]!;
  const left = text.replace(AFTER_PATH, '');
  // "Copy (2)" and "app/(shop)" may be names: what has an ending is a path as it stands.
  return left === text || /\.\w{1,10}$/.test(text) ? text : withoutExtras(left);
}

/** The comment may follow `#!` or `<?php`. */
function pathInComment(code: string): string {
  const [first = '', second = ''] = code.split('\n', 2);
  const line = /^(?:#!|<\?php\s*$|<\?xml\b)/.test(first) ? second : first;
  const comment = line.length > LONGEST_COMMENT ? '' : (COMMENT.exec(line)?.[1] ?? '');
  const said = SAID.exec(comment)![0];
  const path = withoutExtras(comment.slice(said.length).replace(/\s*:$/, ''));
  // Where the comment says so, it is a path, also without an ending.
  return /(?:file|path)\S*\s*[:=]/i.test(said) ? wholePath(path) : mentionedPath(path);
}

/** The file that all headers of a diff name; "a/" and "b/" are not part of it. */
function pathInDiff(code: string): string {
  const found = new Set<string>();
  for (const [, old = '', now = '', file = ''] of code.matchAll(new RegExp(HEADERS, 'gm'))) {
    const [from, to] = [headerPath(old), headerPath(now || file)] as const;
    const bare = now !== '' && /^b[/\\]/.test(to) && /^(?:a[/\\]|$)/.test(from) ? to.slice(2) : to;
    // A diff that moves or deletes a file says where from.
    found.add(from === '' || from === to || from.slice(2) === bare ? bare : '');
  }
  return found.size === 1 ? [...found][0]! : '';
}

/** Without the time that follows, and "(new)"; '' for `/dev/null`. */
function headerPath(header: string): string {
  const path = withoutExtras(
    header
      .split('\t')[0]!
      .replace(/\s+\d{4}-\d\d-\d\d\b.*$/, '')
      .trim(),
  );
  return path === '/dev/null' ? '' : wholePath(path);
}

/** Whether a block in this language may be code of the file: not a command or an output that is about it. */
function kindFits(language: string, path: string): boolean {
  const ending = /[^/\\]\.(\w+)$/.exec(path)?.[1]?.toLowerCase();
  return ending === undefined || /^(?:|diff|patch)$/.test(language) || kindOf(language) === kindOf(ending);
}

function kindOf(language: string): number {
  return [SHELLS, DATA, TEXTS].findIndex((kind) => kind.has(language));
}
