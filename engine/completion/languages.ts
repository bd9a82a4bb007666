/** The properties of a language that the completion rules depend on. */
export interface Language {
  /** Begins a comment that ends with the line. */
  readonly lineComment: string | null;
  /** How blocks are delimited: brackets, deeper lines after a colon, words such as `do` and `end`, or tags. */
  readonly blocks: 'brackets' | 'indentation' | 'words' | 'tags';
  /** Whether `'` encloses strings of any length. In Rust it begins a lifetime, and in prose it is an apostrophe. */
  readonly singleQuotes: boolean;
  /** Whether the text is for people, so that sentences are expected. */
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

/** The properties of a language by VS Code's language id; those of TypeScript for unknown languages. */
export function languageOf(languageId: string): Language {
  return LANGUAGES[languageId] ?? base;
}
