/** What the completion rules need to know of a language, by VS Code's language id. */
export interface Language {
  /** Starts a comment up to the end of the line. */
  readonly lineComment: string | null;
  /** What holds a block: brackets, deeper lines after a colon, words such as `do` and `end`, or tags. */
  readonly blocks: 'brackets' | 'indentation' | 'words' | 'tags';
  /** `'` encloses strings of any length (not in Rust, where it begins a lifetime, nor in prose). */
  readonly singleQuotes: boolean;
  /** Text for people: sentences are no mistake there. */
  readonly prose: boolean;
}

const base: Language = { lineComment: '//', blocks: 'brackets', singleQuotes: true, prose: false };
const noSingleQuotes: Language = { ...base, singleQuotes: false };
const python: Language = { ...base, lineComment: '#', blocks: 'indentation' };
const words: Language = { ...base, lineComment: '#', blocks: 'words' };
const markup: Language = { ...noSingleQuotes, lineComment: null, blocks: 'tags' };
const prose: Language = { ...noSingleQuotes, lineComment: null, prose: true };

const LANGUAGES: Readonly<Record<string, Language>> = {
  c: noSingleQuotes,
  clojure: { ...noSingleQuotes, lineComment: ';' },
  coffeescript: python,
  cpp: noSingleQuotes,
  csharp: noSingleQuotes,
  css: { ...base, lineComment: null },
  dockerfile: { ...base, lineComment: '#' },
  elixir: words,
  go: noSingleQuotes,
  haskell: { ...noSingleQuotes, lineComment: '--', blocks: 'indentation' },
  html: markup,
  java: noSingleQuotes,
  json: { ...noSingleQuotes, lineComment: null },
  julia: { ...words, singleQuotes: false },
  kotlin: noSingleQuotes,
  latex: { ...prose, lineComment: '%' },
  lua: { ...words, lineComment: '--' },
  makefile: { ...python, singleQuotes: false },
  markdown: prose,
  perl: { ...base, lineComment: '#' },
  plaintext: prose,
  powershell: { ...base, lineComment: '#' },
  python,
  r: { ...base, lineComment: '#' },
  restructuredtext: prose,
  ruby: words,
  rust: noSingleQuotes,
  scala: noSingleQuotes,
  shellscript: words,
  sql: { ...base, lineComment: '--' },
  svelte: markup,
  swift: noSingleQuotes,
  toml: { ...base, lineComment: '#' },
  vue: markup,
  xml: markup,
  yaml: python,
};

/** The language's row; like TypeScript where it has none. */
export function languageOf(languageId: string): Language {
  return LANGUAGES[languageId] ?? base;
}
