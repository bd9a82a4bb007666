/**
 * Parses growing Markdown into top-level blocks. A settled block stays the same object; only the block that may still
 * change is parsed again. Pure.
 */
import createMarkdownIt, { type Env, type MarkdownIt, type Token } from 'markdown-it';
import { FENCE_RULE, type FenceMeta } from './fenceRule.ts';
import { FenceScanner } from './fenceScanner.ts';
import { isAllowedLink } from './links.ts';

export type Block =
  | { kind: 'tokens'; tokens: Token[] }
  /**
   * `info` is the text after the opening fence; `code` ends with a line break, or where the answer ends. `closed`: the
   * closing fence is there, so nothing is missing.
   */
  | { kind: 'code'; info: string; code: string; closed: boolean };

/** A longer live block is split where this is hardly visible: a list between entries, a paragraph between lines. */
const MAX_LIVE_LINES = 100;

/** An open fenced block: its lines are only searched for the closing fence. */
interface Fence {
  info: string;
  indent: RegExp;
  scanner: FenceScanner;
  code: string;
}

/** A run of tokens that form one top-level block. */
interface Group {
  tokens: Token[];
  firstLine: number;
  lines: number;
}

const parser = createParser();

/** Parses an answer as it grows. */
export class MarkdownReader {
  /** Link definitions in the settled text: `[1]: https://…`. */
  #definitions: Env['references'] = {};
  #settled: Block[] = [];
  #live: Block[] = [];
  #read = '';
  /** Offset at which the unsettled text begins. */
  #start = 0;
  #fence: Fence | undefined;

  /** All blocks so far. */
  get blocks(): Block[] {
    return this.#live.length > 0 ? [...this.#settled, ...this.#live] : this.#settled;
  }

  /** Number of blocks that will no longer change. */
  get settled(): number {
    return this.#settled.length;
  }

  /**
   * Reads at most `limit` more characters, up to the end of a line. Returns whether all has been read. A text that does
   * not continue the previous one is read from its start.
   */
  read(text: string, limit = Infinity): boolean {
    const all = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
    if (!all.startsWith(this.#read)) this.#reset();
    let end = Math.min(all.length, this.#read.length + limit);
    if (end < all.length) end = all.indexOf('\n', end) + 1 || all.length;
    if (end > this.#read.length) {
      this.#read = all.slice(0, end);
      this.#advance();
    }
    return end === all.length;
  }

  #reset(): void {
    this.#definitions = {};
    this.#settled = [];
    this.#live = [];
    this.#read = '';
    this.#start = 0;
    this.#fence = undefined;
  }

  #advance(): void {
    do {
      if (this.#fence && !this.#readFence(this.#fence)) return;
      this.#readBlocks();
    } while (this.#fence);
  }

  /** Takes lines into the open block. Returns whether it was closed. */
  #readFence(fence: Fence): boolean {
    const lines = this.#read.slice(this.#start).split('\n');
    const rest = lines.pop()!;
    const { info, scanner } = fence;
    for (const [index, line] of lines.entries()) {
      const next = lines[index + 1] ?? rest;
      const isLast = index === lines.length - 1;
      if (isLast && next.trim() === '' && scanner.needsNext(line)) {
        // It closes the block if the answer ends here.
        this.#live = [{ kind: 'code', info, code: fence.code, closed: true }];
        return false;
      }
      this.#start += line.length + 1;
      if (scanner.closes(line, next)) {
        this.#settled.push({ kind: 'code', info, code: fence.code, closed: true });
        this.#fence = undefined;
        this.#live = [];
        return true;
      }
      fence.code += `${line.replace(fence.indent, '')}\n`;
    }
    // The answer may end here, without a line end.
    const closed = scanner.wouldClose(rest);
    this.#live = [{ kind: 'code', info, code: fence.code + (closed ? '' : rest.replace(fence.indent, '')), closed }];
    return false;
  }

  #readBlocks(): void {
    const text = this.#read.slice(this.#start);
    const starts = lineStarts(text);
    const completeLines = starts.length - 1;
    const groups = this.#parse(text);
    // A block is settled once another one begins after it, in a complete line: "#" may still become "#1", which is
    // text.
    let settled = groups.findLastIndex(({ firstLine }) => firstLine < completeLines);
    const last = groups[settled];
    const fence = last && openFence(last, text.slice(starts[last.firstLine], starts[last.firstLine + 1]));
    settled = Math.max(settled, 0);
    this.#settled.push(...groups.slice(0, settled).map(blockOf));
    const live = groups.slice(settled);
    if (fence) this.#settleUpTo(starts[last.firstLine + 1]!);
    else if (settled > 0) this.#settleUpTo(starts[live[0]!.firstLine]!);
    this.#fence = fence;
    this.#live = live.map(blockOf);
    if (live.length === 1 && settled === 0 && !fence) this.#cut(live[0]!, starts, completeLines);
  }

  /** The live text is parsed repeatedly, and a definition in it may contain only part of an address so far. */
  #parse(text: string): Group[] {
    return topLevel(parser.parse(text, { references: { ...this.#definitions } }));
  }

  /** The next `length` characters will not be parsed again; their link definitions are kept. */
  #settleUpTo(length: number): void {
    const text = this.#read.slice(this.#start, this.#start + length);
    if (/^ {0,3}\[/m.test(text)) parser.parse(text, { references: this.#definitions! });
    this.#start += length;
  }

  /** Settles the greater part of a block that has grown long. */
  #cut(group: Group, starts: number[], completeLines: number): void {
    if (group.lines < MAX_LIVE_LINES) return;
    const line = lastCut(group, completeLines);
    if (line === undefined) return;
    const text = this.#read.slice(this.#start);
    this.#settled.push(...this.#parse(text.slice(0, starts[line])).map(blockOf));
    this.#settleUpTo(starts[line]!);
    this.#live = this.#parse(text.slice(starts[line])).map(blockOf);
  }
}

function blockOf({ tokens }: Group): Block {
  const [token] = tokens;
  if (tokens.length === 1 && (token!.type === 'fence' || token!.type === 'code_block'))
    return { kind: 'code', info: token!.info, code: token!.content, closed: isClosed(token!) };
  return { kind: 'tokens', tokens };
}

/** Whether nothing of a code block is missing; an indented one has no closing fence. */
export function isClosed({ type, meta }: Token): boolean {
  return type !== 'fence' || (meta as FenceMeta | null)?.closed !== false;
}

/** Offsets of the lines' first characters. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function topLevel(tokens: Token[]): Group[] {
  const groups: Group[] = [];
  for (const token of tokens) {
    if (token.level === 0 && token.nesting >= 0) {
      const [firstLine, end] = token.map!;
      groups.push({ tokens: [token], firstLine, lines: end - firstLine });
    } else {
      groups.at(-1)!.tokens.push(token);
    }
  }
  return groups;
}

function openFence({ tokens: [token] }: Group, line: string): Fence | undefined {
  if (token?.type !== 'fence') return undefined;
  const indent = line.length - line.trimStart().length;
  const scanner = new FenceScanner(token.markup, token.info);
  return { info: token.info, indent: new RegExp(`^ {0,${indent}}`), scanner, code: '' };
}

/** The line at which the last entry of a long list begins, or the last complete line of a paragraph. */
function lastCut(group: Group, completeLines: number): number | undefined {
  const { type } = group.tokens[0]!;
  if (type === 'paragraph_open') return Math.min(group.firstLine + group.lines, completeLines) - 1;
  if (type !== 'bullet_list_open' && type !== 'ordered_list_open') return undefined;
  const entry = group.tokens.findLast(
    (token) => token.type === 'list_item_open' && token.level === 1 && token.map![0] < completeLines,
  );
  return entry && entry.map![0] > group.firstLine ? entry.map![0] : undefined;
}

function createParser(): MarkdownIt {
  const markdown = createMarkdownIt({ html: false, linkify: true });
  markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
  markdown.validateLink = isAllowedLink;
  markdown.block.ruler.at('fence', FENCE_RULE, { alt: ['paragraph', 'reference', 'blockquote', 'list'] });
  // Shows a URL exactly as it will be opened, since a host name in other scripts may look like a different one.
  markdown.normalizeLinkText = (url) => url;
  return markdown;
}
