/** Reads files into a segment: text, chunks, terms. No vscode. */
import { setImmediate } from 'node:timers/promises';
import { chunksOf } from './chunks.ts';
import { AROUND, DECLARED, type Segment, SegmentBuilder } from './segment.ts';
import { Syntax } from './syntax.ts';
import { identifierTerm, TermReader, termOf, wordsOf } from './terms.ts';
import { readText } from './walk.ts';

/** `file` is where it is, `path` how the user knows it. */
export interface FileToRead {
  readonly id: number;
  readonly file: string;
  readonly path: string;
}

export class FileReader {
  readonly #syntax: Syntax;
  readonly #terms = new TermReader();

  /** `grammarFolder` holds tree-sitter.wasm and the grammars. */
  constructor(grammarFolder: string) {
    this.#syntax = new Syntax(grammarFolder);
  }

  /** Files that are gone, binary or minified leave no chunk. */
  async read(files: readonly FileToRead[], signal?: AbortSignal): Promise<Segment> {
    const builder = new SegmentBuilder();
    for (const file of files) {
      signal?.throwIfAborted();
      await this.#add(file, builder);
      // Others may speak to this thread.
      await setImmediate();
    }
    return builder.build();
  }

  dispose(): Promise<void> {
    return this.#syntax.dispose();
  }

  async #add({ id, file, path }: FileToRead, builder: SegmentBuilder): Promise<void> {
    const bytes = readText(file);
    if (!bytes) return;
    const text = bytes.toString('utf8');
    const declarations = await this.#syntax.declarations(path, text);
    const { terms, lines } = this.#read(bytes);
    const pathTerms = termsOf(path.replace(/\.\w+$/, ''));
    let next = 0;
    for (const { first, last, names, scope } of chunksOf(path, text.split('\n'), declarations)) {
      builder.start({ file: id, first, last, names: names.slice(0, MOST_NAMES).join(', ') });
      for (; next < this.#terms.count && lines[next]! <= last; next++) builder.add(terms[next]!, 0);
      for (const name of names) for (const term of termsOf(name)) builder.add(term, DECLARED);
      for (const name of scope) for (const term of termsOf(name)) builder.add(term, AROUND);
      for (const term of pathTerms) builder.add(term, AROUND);
    }
  }

  #read(bytes: Uint8Array): { terms: Uint32Array; lines: Uint32Array } {
    this.#terms.read(bytes);
    return this.#terms;
  }
}

/** Enough for a person to know the chunk by. */
const MOST_NAMES = 8;

/** Of names and paths: their words, and the identifiers in them as a whole. */
function termsOf(name: string): number[] {
  const identifiers = name.split(/[^\w$]+/).filter((part) => part.length > 1);
  return [...wordsOf(name).map(termOf), ...identifiers.map(identifierTerm)];
}
