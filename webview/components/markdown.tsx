/** An answer's text, rendered as it grows. */
import { useEffect, useReducer, useRef } from 'preact/hooks';
import { pathBefore } from '../markdown/caption.ts';
import { tokensBefore } from '../markdown/codeBlocks.ts';
import { type Block, MarkdownReader } from '../markdown/markdown.ts';
import { memo } from '../memo.ts';
import { CodeBlock } from './codeBlock.tsx';
import { Tokens } from './tokens.tsx';

/** Characters parsed per frame when a whole text arrives at once: about sixty lines. */
const CHARS_PER_FRAME = 3_000;

interface MarkdownProps {
  text: string;
  /** More text follows. */
  writing: boolean;
}

/** Markdown of which only the last block is rendered again while it grows. */
export const Markdown = memo(({ text, writing }: MarkdownProps) => {
  const reader = (useRef<MarkdownReader>(undefined).current ??= new MarkdownReader());
  const [, redraw] = useReducer<number, void>((times) => times + 1, 0);
  const all = reader.read(text, CHARS_PER_FRAME);
  useEffect(() => {
    if (all) return undefined;
    const frame = requestAnimationFrame(() => redraw());
    return () => cancelAnimationFrame(frame);
  });
  return (
    <div class="markdown">
      {reader.blocks.map((block, index, blocks) => (
        <BlockView
          key={index}
          block={block}
          named={block.kind === 'code' ? pathBefore(tokensBefore(blocks, index)) : ''}
          complete={index < reader.settled || (all && !writing)}
        />
      ))}
    </div>
  );
});

interface BlockProps {
  block: Block;
  /** The file that the text before the block names for it. */
  named: string;
  complete: boolean;
}

const BlockView = memo(({ block, named, complete }: BlockProps) =>
  block.kind === 'code' ? (
    <div class="block">
      <CodeBlock info={block.info} code={block.code} closed={block.closed} named={named} complete={complete} />
    </div>
  ) : (
    <div class="block" dir="auto">
      <Tokens tokens={block.tokens} complete={complete} />
    </div>
  ),
);
