/** The code blocks of a whole answer, for programs without a page. Pure. */
import type { Token } from 'markdown-it';
import { type FenceInfo, fenceInfo } from './fence.ts';
import { isClosed, MarkdownReader } from './markdown.ts';

export interface AnsweredBlock extends FenceInfo {
  readonly code: string;
  /** Whether its closing fence is there; otherwise the answer was cut. */
  readonly closed: boolean;
}

/** In the order of the answer, with those in lists and quotes. */
export function codeBlocksOf(answer: string): AnsweredBlock[] {
  const reader = new MarkdownReader();
  reader.read(answer);
  return reader.blocks.flatMap((block) =>
    block.kind === 'code' ? [blockOf(block.info, block.code, block.closed)] : block.tokens.flatMap(inToken),
  );
}

function inToken(token: Token): AnsweredBlock[] {
  return token.type === 'fence' || token.type === 'code_block'
    ? [blockOf(token.info, token.content, isClosed(token))]
    : [];
}

function blockOf(info: string, code: string, closed: boolean): AnsweredBlock {
  return { ...fenceInfo(info, code), code, closed };
}
