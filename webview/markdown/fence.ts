/** Parses the opening line, or the first line, of a code block for information about it. Pure. */

export interface FenceInfo {
  /** As the model wrote it, in lower case; empty if it wrote none. */
  language: string;
  /** The file that the code belongs to, as the model named it; empty if it named none. */
  path: string;
}

/** "// src/a.ts", "# src/a.py", "<!-- a.html -->", "/* a.css", "-- a.sql", each alone on its line. */
const COMMENT = /^\s*(?:\/\/|#|--|;|%|<!--|\/\*+)\s*(?:file(?:name)?:\s*)?(\S.*?)\s*(?:-->|\*\/)?\s*$/i;
/** A path has an extension and no spaces, so that a sentence in a comment is not mistaken for one. */
const PATH = /^[^\s"'`<>|*?:()]{1,200}\.[A-Za-z0-9]{1,10}$/;
const NAMED = /\b(?:title|file|filename|path)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))/i;
const SHELLS = new Set(
  'bash sh shell zsh fish console shellsession shellscript terminal powershell pwsh ps1 bat cmd'.split(' '),
);

/** Reads "ts src/a.ts", "ts:src/a.ts", 'ts title="src/a.ts"', or a first line such as "// src/a.ts". */
export function fenceInfo(info: string, code: string): FenceInfo {
  const [first = '', ...rest] = info.trim().split(/\s+/);
  const [, language = '', attached = ''] = /^\{?\.?([^\s:{}=]*)(?::(.*))?/.exec(first) ?? [];
  const named = NAMED.exec(info);
  const candidates = [named?.[1] ?? named?.[2] ?? named?.[3], attached, rest[0], PATH.test(first) ? first : ''];
  const path = candidates.find((candidate) => candidate && PATH.test(candidate)) ?? pathInComment(code);
  return { language: PATH.test(first) ? '' : language.toLowerCase(), path };
}

/** Whether code in this language is meant for a terminal. */
export function isShell(language: string): boolean {
  return SHELLS.has(language);
}

function pathInComment(code: string): string {
  const end = code.indexOf('\n');
  const path = COMMENT.exec(end < 0 ? code : code.slice(0, end))?.[1] ?? '';
  return PATH.test(path) ? path : '';
}
