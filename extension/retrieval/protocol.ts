/** Messages between the extension host and the thread that holds the index. Plain data only; imports nothing. */

/** Data that a thread gets when it starts. */
export interface ThreadData {
  role: 'index' | 'analyse';
  /** The built script of the threads. */
  script: string;
  /** The folder that holds tree-sitter.wasm and the grammars. */
  grammarFolder: string;
}

export interface OpenParams {
  /** The folder in which the index is saved, a path of this computer; undefined to save nothing. */
  storageFolder: string | undefined;
  folders: Folder[];
  /** Glob patterns of files to leave out, from index.exclude, files.exclude and search.exclude. */
  exclude: string[];
  /** Glob patterns of files to index although git ignores them or `exclude` matches. */
  include: string[];
  /** The encoding of files that are not in UTF-8, as `files.encoding` names it. */
  encoding: string;
}

export interface Folder {
  /** Absolute path. */
  path: string;
  /** Precedes the paths of its files if there are several folders; empty otherwise. */
  name: string;
}

export interface SearchParams {
  query: string;
  limit: number;
  /** Absolute paths of files that the user opened recently, latest first. */
  recent: string[];
}

export interface FoundChunk {
  /** Absolute path. */
  file: string;
  /** The path by which the user knows the file. */
  path: string;
  firstLine: number;
  lastLine: number;
  text: string;
  symbol: string;
  score: number;
}

/** Progress of the index, in files. `total` is 0 until they are counted. */
export interface Progress {
  done: number;
  total: number;
  ready: boolean;
}

/** A file that was met but not indexed, or a folder with all that it holds. Files that git ignores are not among them. */
export interface SkippedFile {
  path: string;
  /** excluded: by a setting, or packages. kind: its name says that it is no text or was generated. noText: its content does. */
  why: 'excluded' | 'secret' | 'kind' | 'large' | 'noText';
}

export interface Stats {
  files: number;
  chunks: number;
  bytes: number;
  skipped: SkippedFile[];
  /** Number of files that were analysed since the start: after a restart only those that changed. */
  read: number;
}
