/** The code blocks of a whole answer, for programs without a page. Pure. */
import type { Token } from 'markdown-it';
import { pathBefore } from './caption.ts';
import { type FenceInfo, fenceInfo } from './fence.ts';
import { type Block, isClosed, MarkdownReader } from './markdown.ts';

export interface AnsweredBlock extends FenceInfo {
  readonly code: string;
  /** Whether its closing fence is there; otherwise the answer was cut. */
  readonly closed: boolean;
}

/** In the order of the answer, with those in lists and quotes. */
export function codeBlocksOf(answer: string): AnsweredBlock[] {
  const reader = new MarkdownReader();
  reader.read(answer);
  const { blocks } = reader;
  return blocks.flatMap((block, index) =>
    block.kind === 'code'
      ? [blockOf(block.info, block.code, block.closed, pathBefore(tokensBefore(blocks, index)))]
      : block.tokens.flatMap((token, at) => inToken(token, block.tokens.slice(0, at))),
  );
}

/** The tokens of the blocks between the last code block and the one at `index`. */
export function tokensBefore(blocks: readonly Block[], index: number): Token[] {
  const tokens: Token[] = [];
  for (const block of blocks.slice(Math.max(0, index - 2), index)) {
    if (block.kind === 'code') tokens.length = 0;
    else tokens.push(...block.tokens);
  }
  return tokens;
}

function inToken(token: Token, before: readonly Token[]): AnsweredBlock[] {
  return token.type === 'fence' || token.type === 'code_block'
    ? [blockOf(token.info, token.content, isClosed(token), pathBefore(before))]
    : [];
}

function blockOf(info: string, code: string, closed: boolean, before: string): AnsweredBlock {
  return { ...fenceInfo(info, code, before), code, closed };
}
