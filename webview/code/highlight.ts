/**
 * Turns growing code into pieces of HTML with highlight.js's classes. Each step colours only a few pieces, so that no
 * step takes long, however long the code is. A piece that is coloured and complete stays the same object. Pure.
 */
import hljs from './languages.ts';

export interface Piece {
  /** Offset in the code. */
  start: number;
  code: string;
  lines: number;
  /** Undefined if not, or not yet, coloured. Escaped, but still to be sanitised like all HTML. */
  html: string | undefined;
}

/** Approximate length of a piece. Cuts are made before a line that looks like the start of something. */
const PIECE_LINES = 60;
/** A piece that ends inside a comment or string is joined with the next, up to this length. */
const MAX_JOINED_LINES = 240;
/** Code with longer pieces has extremely long lines, which nobody reads and regular expressions are slow on. */
const MAX_PIECE_CHARS = 20_000;
/** Longer code is not coloured. */
const MAX_CODE_CHARS = 1_000_000;

/** Languages whose grammar has been compiled, which takes as long as colouring hundreds of lines. */
const compiled = new Set<string>();

/** The colouring of one code block. */
export class Highlighter {
  readonly #language: string | undefined;
  #code = '';
  #pieces: Piece[] = [];
  /** Pieces before it are coloured. */
  #next = 0;

  constructor(language: string) {
    this.#language = hljs.getLanguage(language) && language;
  }

  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** Whether a step will take no longer than usual. */
  get ready(): boolean {
    return this.#language === undefined || compiled.has(this.#language);
  }

  /** Takes the current code and cuts it into pieces. */
  take(code: string): void {
    if (code !== this.#code) this.#take(code);
  }

  /** Colours two pieces (the last one may just have been cut). Returns true if nothing is left to colour. */
  step(code: string): boolean {
    this.take(code);
    if (!this.#language || code.length > MAX_CODE_CHARS) return true;
    for (let steps = 0; steps < 2 && this.#next < this.#pieces.length; steps++)
      this.#colour(this.#next, this.#language);
    return this.#next >= this.#pieces.length;
  }

  #take(code: string): void {
    if (!code.startsWith(this.#code)) {
      this.#pieces = [];
      this.#next = 0;
    }
    this.#code = code;
    const last = this.#pieces.pop();
    this.#next = Math.min(this.#next, this.#pieces.length);
    this.#pieces.push(...cut(code, last?.start ?? 0, Math.max(PIECE_LINES, last?.lines ?? 0)));
  }

  #colour(index: number, language: string): void {
    const piece = this.#pieces[index]!;
    const next = this.#pieces[index + 1];
    this.#next = index + 1;
    if (piece.code.length > MAX_PIECE_CHARS) return;
    compiled.add(language);
    const { value, _top: top } = hljs.highlight(piece.code, { language, ignoreIllegals: true });
    if (next && top && 'parent' in top && top.parent && piece.lines + next.lines <= MAX_JOINED_LINES) {
      const joined = { ...piece, code: piece.code + next.code, lines: piece.lines + next.lines };
      this.#pieces.splice(index, 2, joined);
      this.#next = index;
      return;
    }
    this.#pieces[index] = { ...piece, html: value };
  }
}

/** Cuts the code from an offset on into pieces, the first with up to `limit` lines; the last one holds the rest. */
function cut(code: string, from: number, limit: number): Piece[] {
  const pieces: Piece[] = [];
  let [start, end, best, lines] = [from, from, from, 0];
  while (end < code.length) {
    end = code.indexOf('\n', end) + 1 || code.length;
    lines++;
    // A good place: before a line that is not indented and does not close something.
    if (lines > limit - PIECE_LINES / 2 && /[^\s})\]]/.test(code[end] ?? '')) best = end;
    if (lines < limit || end === code.length) continue;
    end = best > start ? best : end;
    pieces.push(pieceOf(code, start, end));
    [start, best, lines, limit] = [end, end, 0, PIECE_LINES];
  }
  pieces.push(pieceOf(code, start, code.length));
  return pieces;
}

function pieceOf(code: string, start: number, end: number): Piece {
  const text = code.slice(start, end);
  return { start, code: text, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0), html: undefined };
}
