/** The properties of a language that prompts and the completion rules depend on. */
export interface Language {
  /** Begins a comment that ends with the line. */
  readonly lineComment: string | null;
  /** Encloses a comment, where none ends with the line. */
  readonly blockComment: readonly [start: string, end: string];
  /** How blocks are delimited: brackets, deeper lines after a colon, words such as `do` and `end`, or tags. */
  readonly blocks: 'brackets' | 'indentation' | 'words' | 'tags';
  /** Whether `'` encloses strings of any length. In Rust it begins a lifetime, and in prose it is an apostrophe. */
  readonly singleQuotes: boolean;
  /** Delimiters of strings over several lines, longer ones first. */
  readonly longQuotes: readonly string[];
  /** Whether the text is for people, so that sentences are expected. */
  readonly prose: boolean;
}

const base: Language = {
  lineComment: '//',
  blockComment: ['/*', '*/'],
  blocks: 'brackets',
  singleQuotes: true,
  longQuotes: ['`'],
  prose: false,
};
const noSingleQuotes: Language = { ...base, singleQuotes: false, longQuotes: [] };
const textBlocks: Language = { ...noSingleQuotes, longQuotes: ['"""'] };
const python: Language = { ...base, lineComment: '#', blocks: 'indentation', longQuotes: ['"""', "'''"] };
const hash: Language = { ...base, lineComment: '#', longQuotes: [] };
// Strings of shells, Ruby and Lua may go on in the next line.
const words: Language = { ...hash, blocks: 'words', longQuotes: ['"', "'", '`'] };
const tags: Pick<Language, 'lineComment' | 'blockComment'> = { lineComment: null, blockComment: ['<!--', '-->'] };
const markup: Language = { ...noSingleQuotes, ...tags, blocks: 'tags' };
const prose: Language = { ...noSingleQuotes, ...tags, prose: true };

const LANGUAGES: Readonly<Record<string, Language>> = {
  c: noSingleQuotes,
  clojure: { ...noSingleQuotes, lineComment: ';' },
  coffeescript: python,
  cpp: noSingleQuotes,
  csharp: textBlocks,
  css: { ...base, lineComment: null, longQuotes: [] },
  dockerfile: hash,
  elixir: { ...words, longQuotes: ['"""', '"'] },
  go: { ...noSingleQuotes, longQuotes: ['`'] },
  haskell: { ...noSingleQuotes, lineComment: '--', blocks: 'indentation' },
  html: markup,
  java: textBlocks,
  json: { ...noSingleQuotes, lineComment: null },
  julia: { ...words, singleQuotes: false, longQuotes: ['"""', '"'] },
  kotlin: textBlocks,
  latex: { ...prose, lineComment: '%' },
  lua: { ...words, lineComment: '--' },
  makefile: { ...python, singleQuotes: false, longQuotes: [] },
  markdown: prose,
  perl: hash,
  plaintext: prose,
  powershell: hash,
  python,
  r: hash,
  restructuredtext: prose,
  ruby: words,
  rust: { ...noSingleQuotes, longQuotes: ['"'] },
  scala: textBlocks,
  shellscript: words,
  sql: { ...hash, lineComment: '--' },
  svelte: markup,
  swift: textBlocks,
  toml: { ...hash, longQuotes: python.longQuotes },
  vue: markup,
  xml: markup,
  yaml: { ...python, longQuotes: [] },
};

/** The properties of a language by VS Code's language id; those of TypeScript for unknown languages. */
export function languageOf(languageId: string): Language {
  return LANGUAGES[languageId] ?? base;
}
