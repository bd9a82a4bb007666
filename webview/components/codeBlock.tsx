/** A code block: its language and file, its actions, and its lines in the theme's colours. */
import { useContext, useEffect, useLayoutEffect, useReducer, useRef } from 'preact/hooks';
import { announce } from '../speech/announcer.ts';
import { fenceInfo, isShell } from '../markdown/fence.ts';
import { Highlighter, type Piece } from '../code/highlight.ts';
import { memo } from '../memo.ts';
import { TrustContext, usePage } from '../page.ts';
import type { CodeAction } from '../protocol.ts';
import { safeFragment } from '../code/sanitise.ts';
import { t } from '../texts.ts';
import { IconButton, type IconName } from './icons.tsx';

interface CodeBlockProps {
  info: string;
  code: string;
  /** Whether its closing fence is there. Otherwise the answer was cut, and what would replace code is not offered. */
  closed: boolean;
  /** The file that the text before the block names for it; empty if it names none. */
  named: string;
  /** Whether the block no longer grows. Otherwise it has no actions, since half a program can only be read. */
  complete: boolean;
}

export const CodeBlock = memo(({ info, code, closed, named, complete }: CodeBlockProps) => {
  const { language, path } = fenceInfo(info, code, named);
  const name = path || language;
  return (
    <div class="code" dir="ltr">
      <div class="code-header">
        <span class="code-name">
          {language && <span class="code-language">{language}</span>}
          {path && <bdi class="code-path">{path}</bdi>}
          {complete && !closed && <span class="code-cut">{t('Its end may be missing.')}</span>}
        </span>
        {complete && <Actions code={code} language={language} path={path} closed={closed} />}
      </div>
      <pre tabIndex={0} aria-label={name ? t('Code block: {0}', name) : t('Code block')} role="group">
        <Lines key={language} code={code} language={language} />
      </pre>
    </div>
  );
});

interface ActionsProps extends Pick<CodeBlockProps, 'code' | 'closed'> {
  language: string;
  path: string;
}

function Actions({ code, language, path, closed }: ActionsProps) {
  const page = usePage();
  const trusted = useContext(TrustContext);
  const actions: [action: CodeAction, icon: IconName, label: string, shown?: boolean][] = [
    ['copy', 'copy', t('Copy code')],
    ['insert', 'insert', t('Insert at cursor')],
    ['replace', 'replace', t('Replace selection'), closed],
    ['newFile', 'newFile', t('Create new file'), trusted && closed],
    ['apply', 'apply', t('Apply to file'), trusted && closed],
    ['terminal', 'terminal', t('Insert into terminal'), isShell(language)],
  ];
  const act = (action: CodeAction) => {
    page.post({ type: 'code', action, code, language, path });
    if (action === 'copy') announce(t('Copied'));
  };
  return (
    <span class="code-actions" role="group" aria-label={t('Actions for this code block')}>
      {actions.map(
        ([action, icon, label, shown = true]) =>
          shown && <IconButton key={action} icon={icon} label={label} onClick={() => act(action)} />,
      )}
    </span>
  );
}

/** The lines, coloured piece by piece when the page is idle. */
function Lines({ code, language }: { code: string; language: string }) {
  const highlighter = (useRef<Highlighter>(undefined).current ??= new Highlighter(language));
  const [, redraw] = useReducer<number, void>((times) => times + 1, 0);
  const first = useRef(true);
  // The first block of a language is initially plain, as its grammar is yet to be compiled.
  const wait = first.current && !highlighter.ready;
  first.current = false;
  if (wait) highlighter.take(code);
  const done = !wait && highlighter.step(code);
  useEffect(() => {
    if (done) return undefined;
    const slice = requestIdleCallback(() => redraw(), { timeout: 200 });
    return () => cancelIdleCallback(slice);
  });
  return (
    <code>
      {highlighter.pieces.map((piece) => (
        <PieceView key={piece.start} piece={piece} />
      ))}
    </code>
  );
}

const PieceView = memo(({ piece }: { piece: Piece }) => {
  const element = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    element.current!.replaceChildren(piece.html === undefined ? piece.code : safeFragment(piece.html));
  }, [piece]);
  return <span ref={element} class="piece" style={{ '--lines': String(piece.lines) }} />;
});
