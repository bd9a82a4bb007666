/** Turns files into a segment of the index: text to chunks to terms. No vscode. */
import { setImmediate } from 'node:timers/promises';
import type { FileSystem } from '../files/fileSystem.ts';
import { chunksOf } from './chunks.ts';
import { readText } from './readableFiles.ts';
import { AROUND, DECLARED, type Segment, SegmentBuilder } from './segment.ts';
import { Syntax } from './syntax.ts';
import { identifierTerm, TermReader, termOf, wordsOf } from './terms.ts';

export interface FileToAnalyse {
  readonly id: number;
  /** Absolute path. */
  readonly file: string;
  /** The path by which the user knows the file. */
  readonly path: string;
  /** Its encoding if it is not in UTF-8. */
  readonly encoding: string;
}

/** Turns files into segments, in this thread or in others. */
export interface Analysers {
  /** The number of batches that are worth handing out at a time. */
  readonly width: number;
  analyse(files: readonly FileToAnalyse[]): Promise<Segment>;
  dispose(): Promise<void>;
}

/** Analyses in this thread: enough for small projects and for what changes. */
export class FileAnalyser implements Analysers {
  readonly width = 1;
  readonly #files: FileSystem;
  readonly #syntax: Syntax;
  readonly #terms = new TermReader();

  /** `grammarFolder` holds tree-sitter.wasm and the grammars. */
  constructor(files: FileSystem, grammarFolder: string) {
    this.#files = files;
    this.#syntax = new Syntax(grammarFolder);
  }

  /** Files that are gone, binary or minified contribute no chunk. */
  async analyse(files: readonly FileToAnalyse[], signal?: AbortSignal): Promise<Segment> {
    const builder = new SegmentBuilder();
    const texts: Promise<Uint8Array | undefined>[] = [];
    for (const [index, file] of files.entries()) {
      signal?.throwIfAborted();
      // On another computer reading takes long, so the next files are read meanwhile.
      while (texts.length < Math.min(files.length, index + READ_AHEAD)) texts.push(this.#text(files[texts.length]!));
      await this.#add(file, await texts[index], builder);
      // Let the thread answer messages in between.
      await setImmediate();
    }
    return builder.build();
  }

  dispose(): Promise<void> {
    return this.#syntax.dispose();
  }

  #text({ file, encoding }: FileToAnalyse): Promise<Uint8Array | undefined> {
    const text = readText(this.#files, file, encoding);
    // It may fail before its turn comes, which is no unhandled error.
    text.catch(() => {});
    return text;
  }

  async #add({ id, path }: FileToAnalyse, bytes: Uint8Array | undefined, builder: SegmentBuilder): Promise<void> {
    if (!bytes) return;
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const declarations = await this.#syntax.declarations(path, text);
    this.#terms.read(bytes);
    const { terms, lines, count } = this.#terms;
    const pathTerms = termsOf(path.replace(/\.\w+$/, ''));
    let next = 0;
    for (const { first, last, names, scope } of chunksOf(path, text.split('\n'), declarations)) {
      builder.start({ file: id, first, last, names: names.slice(0, MOST_NAMES).join(', ') });
      for (; next < count && lines[next]! <= last; next++) builder.add(terms[next]!, 0);
      for (const name of names) for (const term of termsOf(name)) builder.add(term, DECLARED);
      for (const name of scope) for (const term of termsOf(name)) builder.add(term, AROUND);
      for (const term of pathTerms) builder.add(term, AROUND);
    }
  }
}

const READ_AHEAD = 8;

/** As many names as a person needs to recognise the chunk. */
const MOST_NAMES = 8;

/** The terms of a name or path: its words, and each identifier in it as a whole. */
function termsOf(name: string): number[] {
  const identifiers = name.split(/[^\w$]+/).filter((part) => part.length > 1);
  return [...wordsOf(name).map(termOf), ...identifiers.map(identifierTerm)];
}
