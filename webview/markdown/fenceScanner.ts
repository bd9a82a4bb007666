/**
 * Finds the line that closes a fenced block, also where the block's own text has fenced blocks: models open a README with
 * three backticks, and the README has code in three backticks too. Pure.
 */

/** Languages of text in which a fence without a language may open a block. */
const PROSE = /^\{?\.?(?:md|mdx|qmd|markdown|rst|adoc|asciidoc|txt|text)\b|\.(?:md|mdx|qmd|rst|adoc|txt)\b/i;
/** After such a line text shows code: a blank one, one that ends with a colon, a heading, an entry of a list. */
const INTRODUCES = /^\s*$|:\s*$|^\s*(?:#|[-*+]\s|\d+[.)]\s)/;

export class FenceScanner {
  readonly #fence: RegExp;
  readonly #isProse: boolean;
  /** The length of the fence that opened a block inside; 0 outside of one. */
  #inner = 0;
  #before = '';

  /** `markup`: the opening fence; `info`: the text after it. */
  constructor(markup: string, info: string) {
    const mark = markup[0] === '~' ? '~' : '`';
    this.#fence = new RegExp(`^ {0,3}(${mark}{${markup.length},})[ \\t]*([^${mark}]*)$`);
    this.#isProse = PROSE.test(info.trim());
  }

  /** Whether the next line decides about this one. */
  needsNext(line: string): boolean {
    return this.#isProse && this.#inner === 0 && this.#fence.exec(line)?.[2] === '' && INTRODUCES.test(this.#before);
  }

  /** Whether a last line would close the block. */
  wouldClose(line: string): boolean {
    return this.#inner === 0 && this.#fence.exec(line)?.[2] === '';
  }

  /** Takes a line, and returns whether it closes the block. `next` is the line after it, empty where the text ends. */
  closes(line: string, next: string): boolean {
    const [, fence, info] = this.#fence.exec(line) ?? [];
    const opens = info !== '' || (this.needsNext(line) && next.trim() !== '');
    this.#before = line;
    if (fence === undefined) return false;
    if (this.#inner > 0) {
      if (info === '' && fence.length >= this.#inner) this.#inner = 0;
      return false;
    }
    if (opens) this.#inner = fence.length;
    return !opens;
  }
}
