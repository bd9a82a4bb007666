/** Turns markdown-it's tokens into elements. No HTML is parsed on the way, so any HTML in a text is shown as text. */
import { type ComponentChildren, Fragment, type VNode, createElement } from 'preact';
import type { Token } from 'markdown-it';
import { pathBefore } from '../markdown/caption.ts';
import { isAllowedLink } from '../markdown/links.ts';
import { isClosed } from '../markdown/markdown.ts';
import { CodeBlock } from './codeBlock.tsx';

/**
 * The elements that an answer may contain. All its headings are one level below the heading with the message's author,
 * whatever level the answer starts at; a class sets their size.
 */
const TAGS: Record<string, string> = {
  ...Object.fromEntries(
    'p strong em s ul ol li blockquote table thead tbody tr th td hr br'.split(' ').map((tag) => [tag, tag]),
  ),
  ...Object.fromEntries('h1 h2 h3 h4 h5 h6'.split(' ').map((tag) => [tag, 'h3'])),
};

/** Renders the tokens of one block. */
export function Tokens({ tokens, complete }: { tokens: Token[]; complete: boolean }): VNode {
  return <>{children(tokens, complete)}</>;
}

interface Open {
  token: Token | undefined;
  children: ComponentChildren[];
}

function children(tokens: Token[], complete: boolean): ComponentChildren[] {
  const stack: Open[] = [{ token: undefined, children: [] }];
  for (const [index, token] of tokens.entries()) {
    if (token.nesting > 0) {
      stack.push({ token, children: [] });
    } else if (token.nesting < 0) {
      const closed = stack.pop()!;
      stack.at(-1)!.children.push(element(closed.token!, closed.children));
    } else {
      stack.at(-1)!.children.push(leaf(token, complete, tokens, index));
    }
  }
  return stack[0]!.children;
}

function element(token: Token, content: ComponentChildren[]): VNode {
  if (token.type === 'link_open') return link(String(token.attrGet('href')), content);
  const tag = token.hidden ? undefined : TAGS[token.tag];
  if (!tag) return createElement(Fragment, null, ...content);
  const start = token.attrGet('start');
  const aligned = /text-align:(center|right)/.exec(String(token.attrGet('style')))?.[1];
  const look = tag === 'h3' ? token.tag : aligned;
  return createElement(
    tag,
    { ...(start === null ? {} : { start: Number(start) }), ...(look ? { class: look } : {}) },
    ...content,
  );
}

function leaf(token: Token, complete: boolean, all: readonly Token[], index: number): ComponentChildren {
  switch (token.type) {
    case 'inline':
      return createElement(Fragment, null, ...children(token.children ?? [], complete));
    case 'softbreak':
      return '\n';
    case 'hardbreak':
      return <br />;
    case 'hr':
      return <hr />;
    case 'code_inline':
      return <code dir="ltr">{token.content}</code>;
    case 'fence':
    case 'code_block':
      return (
        <CodeBlock
          info={token.info}
          code={token.content}
          closed={isClosed(token)}
          named={pathBefore(all.slice(0, index))}
          complete={complete}
        />
      );
    case 'image':
      // Images are never loaded: the request alone could reveal to the server what was asked here.
      return `${token.content} (${token.attrGet('src')})`;
    default:
      return token.content;
  }
}

/** The parser creates only allowed links. The page (main.tsx) handles clicks, never the browser. */
function link(href: string, content: ComponentChildren[]): VNode {
  if (!isAllowedLink(href)) return createElement(Fragment, null, ...content, ` (${href})`);
  return (
    <a href={href} title={href} rel="noreferrer noopener">
      {content}
    </a>
  );
}
