/** Where a parser sees errors in a document. Each text is parsed from what differs from the one before. */
import type { Edit, Node, Parser, Point, Tree } from '@vscode/tree-sitter-wasm';
import { errorMessage } from '../errors.ts';
import { type FindErrors, ParserFailed, type SyntaxError } from './findErrors.ts';
import { GRAMMARS } from './grammars.ts';
import { loadParser } from './loadParser.ts';

interface Parsed {
  readonly text: string;
  readonly tree: Tree;
}

export class SyntaxErrors {
  readonly #finders = new Map<string, Promise<FindErrors | undefined>>();
  readonly #parsed = new Map<Parser, Parsed>();

  readonly #folder: string;
  readonly #log: (message: string) => void;

  /** `folder` holds tree-sitter.wasm and the grammars; `log` is told once of each that cannot be used. */
  constructor(folder: string, log: (message: string) => void) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Resolves with what finds the errors of texts in a language; undefined where no grammar of it can be used here. */
  async finderFor(languageId: string): Promise<FindErrors | undefined> {
    const grammar = GRAMMARS[languageId];
    if (grammar === undefined) return undefined;
    let finder = this.#finders.get(grammar);
    if (!finder) this.#finders.set(grammar, (finder = this.#load(grammar)));
    return finder;
  }

  async #load(grammar: string): Promise<FindErrors | undefined> {
    try {
      const parser = await loadParser(this.#folder, grammar);
      return this.#guarded(grammar, (text) => errorsIn(this.#parse(parser, text).rootNode));
    } catch (error) {
      this.#sayUnusable(`the grammar ${grammar} cannot be loaded`, error);
      return undefined;
    }
  }

  /** The first failure of `find` is told, and the last time that it is asked. */
  #guarded(grammar: string, find: FindErrors): FindErrors {
    let failure: ParserFailed | undefined;
    return (text) => {
      if (failure) throw failure;
      try {
        return find(text);
      } catch (error) {
        this.#finders.set(grammar, Promise.resolve(undefined));
        failure = new ParserFailed(this.#sayUnusable(`the parser of ${grammar} failed`, error));
        throw failure;
      }
    };
  }

  #sayUnusable(what: string, error: unknown): string {
    const sentence = `Brackets are counted in place of parsing: ${what} (${errorMessage(error)}).`;
    this.#log(sentence);
    return sentence;
  }

  #parse(parser: Parser, text: string): Tree {
    const before = this.#parsed.get(parser);
    if (before?.text === text) return before.tree;
    before?.tree.edit(editBetween(before.text, text));
    const tree = parser.parse(text, before?.tree);
    before?.tree.delete();
    if (!tree) throw new Error('A parser without a time limit has given up.');
    this.#parsed.set(parser, { text, tree });
    return tree;
  }
}

/** The smallest range in which two texts differ. */
function editBetween(before: string, now: string): Edit {
  const shorter = Math.min(before.length, now.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === now.charCodeAt(start)) start++;
  let same = 0;
  while (
    same < shorter - start &&
    before.charCodeAt(before.length - 1 - same) === now.charCodeAt(now.length - 1 - same)
  )
    same++;
  const oldEnd = before.length - same;
  const newEnd = now.length - same;
  return {
    startIndex: start,
    oldEndIndex: oldEnd,
    newEndIndex: newEnd,
    startPosition: pointAt(now, start),
    oldEndPosition: pointAt(before, oldEnd),
    newEndPosition: pointAt(now, newEnd),
  };
}

function pointAt(text: string, offset: number): Point {
  let row = 0;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', lineStart)) {
    row++;
    lineStart = at + 1;
  }
  return { row, column: offset - lineStart };
}

function errorsIn(root: Node): SyntaxError[] {
  const found: SyntaxError[] = [];
  const visit = (node: Node): void => {
    if (node.isError || node.isMissing) found.push({ start: node.startIndex, end: node.endIndex });
    // A character that the lexer skips is an error itself and has none.
    if (node.hasError) for (const child of node.children) if (child) visit(child);
  };
  visit(root);
  return found;
}
