/** Parses the opening line, or the first line, of a code block for information about it. Pure. */
import { filePath, wholePath } from './filePath.ts';

export interface FenceInfo {
  /** As the model wrote it, in lower case; empty if it wrote none. */
  language: string;
  /** The file that the code belongs to, as the model named it; empty if it named none, or none that is surely whole. */
  path: string;
}

/** "// src/a.ts", "# src/a.py", "<!-- a.html -->", "/* a.css", "-- a.sql", each alone on its line. */
const COMMENT = /^\s*(?:\/\/|#|--|;|%|<!--|\/\*+)\s*(file(?:name)?:)?\s*(\S.*?)\s*(?:-->|\*\/)?\s*$/i;
const NAMED = /\b(?:title|file|filename|path)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s}]+))/i;
/** What may stand behind a path: `{1,3}`, `showLineNumbers=true`, `(new file)`, `lines 3-9`. */
const AFTER_PATH = /\s+(?:\{[^{}]*\}|[\w-]+=\S+|\([^()]*\)|#?L?\d+(?:-L?\d+)?|lines?\s+\d+\S*)\s*$/i;
const SHELLS = new Set(
  'bash sh shell zsh fish console shellsession shellscript terminal powershell pwsh ps1 bat cmd'.split(' '),
);

/** Reads "ts src/a.ts", "ts:src/my file.ts", 'ts title="src/a.ts"', or a first line such as "// src/a.ts". */
export function fenceInfo(info: string, code: string): FenceInfo {
  const text = info.trim();
  const [, language = '', attached] = /^\{?\.?([^\s:{}=]*)(?::(?!\/\/)\s*(\S.*))?/.exec(text) ?? [];
  const isOnlyPath = filePath(text) !== '' && !/^\S+\s/.test(text);
  const named = NAMED.exec(text);
  const path =
    wholePath(named?.[1] ?? named?.[2] ?? named?.[3] ?? '') ||
    (attached === undefined ? '' : wholePath(withoutExtras(attached))) ||
    filePath(isOnlyPath ? text : withoutExtras(text.replace(/^\S+/, '').trim())) ||
    pathInComment(code);
  return { language: isOnlyPath ? '' : language.toLowerCase(), path };
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

function pathInComment(code: string): string {
  const end = code.indexOf('\n');
  const [, said, text = ''] = COMMENT.exec(end < 0 ? code : code.slice(0, end)) ?? [];
  return said === undefined ? filePath(text) : wholePath(text);
}
