/** Messages between the extension host and the thread that keeps the index. Plain data only; imports nothing. */

/** Data that a thread gets when it starts. */
export interface ThreadData {
  role: 'index' | 'analyse';
  /** The built script of the threads. */
  script: string;
  /** The folder that holds tree-sitter.wasm and the grammars. */
  grammarFolder: string;
}

export interface OpenParams {
  /** Where the index is kept between starts. */
  storageFolder: string;
  folders: Folder[];
  /** Globs of what is not read: the user's setting, files.exclude and search.exclude. */
  exclude: string[];
}

export interface Folder {
  /** Absolute. */
  path: string;
  /** Before the paths of its files where there are several folders; empty else. */
  name: string;
}

export interface SearchParams {
  query: string;
  limit: number;
  /** Absolute paths of files that were looked at lately, latest first. */
  recent: string[];
}

export interface FoundChunk {
  /** Absolute. */
  file: string;
  path: string;
  firstLine: number;
  lastLine: number;
  text: string;
  symbol: string;
  score: number;
}

/** How far reading the project is. `total` is 0 until the files are counted. */
export interface Progress {
  done: number;
  total: number;
  ready: boolean;
}

export interface Stats {
  files: number;
  chunks: number;
  bytes: number;
  /** How many files were read since the start: after a restart only those that changed. */
  read: number;
}
