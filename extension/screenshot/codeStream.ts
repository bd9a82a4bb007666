/**
 * Takes the code out of an answer while it arrives: fences and words around the code are dropped, and so are further
 * blocks. Pure.
 */
import { isBlank } from '../edits/placing/lines.ts';

const FENCE = /^\s*(`{3,}|~{3,})[^`]*$/;
/** The beginning of code that stands there without a fence. */
const CODE =
  /^\s*(?:<[!/a-z]|[{}@]|\/[/*]|#!|["']use |(?:import|export|const|let|var|function|class|type|interface|enum)\b.*[{};'"=(]\s*$)/i;

type Place = 'before' | 'fenced' | 'bare' | 'behind';

export class CodeStream {
  #place: Place = 'before';
  #fence = '';
  /** The last line, as far as it has arrived, without what was given out of it. */
  #line = '';
  /** Whether the beginning of the last line was given out already. */
  #begun = false;
  #code = '';
  #furtherFence = '';
  #furtherBlocks = 0;

  /** The code so far. */
  get code(): string {
    return this.#code;
  }
  /** Blocks behind the first one. */
  get furtherBlocks(): number {
    return this.#furtherBlocks;
  }

  /** Takes the next piece of the answer and returns the code in it. */
  push(text: string): string {
    let out = '';
    const [first = '', ...rest] = text.replaceAll('\r', '').split('\n');
    this.#line += first;
    for (const next of rest) {
      out += this.#whole(this.#line);
      this.#line = next;
      this.#begun = false;
    }
    return this.#given(out + this.#partial());
  }

  /** Returns the code that waited for the end of the answer. */
  end(): string {
    const line = this.#line;
    this.#line = '';
    // One or two marks are what has arrived of the closing fence.
    const isRest = !/^\s*(?:`{0,2}|~{0,2})$/.test(line) && this.#isCode(line);
    return this.#given(isRest ? line : '');
  }

  #given(out: string): string {
    this.#code += out;
    return out;
  }

  /** A line with its end. */
  #whole(line: string): string {
    return this.#isCode(line) ? `${line}\n` : '';
  }

  /** The part of the last line that can be nothing but code. */
  #partial(): string {
    const inCode = this.#place === 'fenced' || this.#place === 'bare';
    const mayBeFence = !this.#begun && /^\s*(?:$|[`~])/.test(this.#line);
    if (!inCode || mayBeFence || this.#line === '') return '';
    const out = this.#line;
    this.#line = '';
    this.#begun = true;
    return out;
  }

  /** Whether a complete line is code; moves on where it is a fence. */
  #isCode(line: string): boolean {
    if (this.#begun) return true;
    switch (this.#place) {
      case 'before':
        return this.#opens(line);
      case 'fenced':
      case 'bare':
        return !this.#closes(line);
      case 'behind':
        this.#count(line);
        return false;
    }
  }

  #opens(line: string): boolean {
    const [, fence] = FENCE.exec(line) ?? [];
    if (fence !== undefined) {
      this.#place = 'fenced';
      this.#fence = fence;
      return false;
    }
    if (!CODE.test(line)) return false;
    this.#place = 'bare';
    return true;
  }

  #closes(line: string): boolean {
    const trimmed = line.trim();
    const closes = this.#place === 'fenced' ? isClosing(trimmed, this.#fence) : /^(`{3,}|~{3,})$/.test(trimmed);
    if (closes) this.#place = 'behind';
    return closes;
  }

  #count(line: string): void {
    if (this.#furtherFence !== '') {
      if (isClosing(line.trim(), this.#furtherFence)) this.#furtherFence = '';
      return;
    }
    const [, fence] = FENCE.exec(line) ?? [];
    if (fence === undefined || isBlank(line)) return;
    this.#furtherFence = fence;
    this.#furtherBlocks++;
  }
}

/** A fence closes with at least as many of its characters. */
function isClosing(trimmed: string, fence: string): boolean {
  return trimmed.startsWith(fence) && trimmed === fence[0]!.repeat(trimmed.length);
}
