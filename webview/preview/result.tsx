/** The written code, rendered in a sandboxed frame; a new version is shown once it is laid out. */
import { useEffect, useState } from 'preact/hooks';
import { t } from '../texts.ts';
import type { PreviewProps } from './props.ts';
import { pixels } from './look.ts';
import { sandboxedDocument, sandboxOf } from './sandbox.ts';

interface ResultProps extends PreviewProps {
  size: { width: number; height: number };
  scale: number;
}

export function Result({ state, code, size, scale }: ResultProps) {
  const why = whyNot(state.hasPreview, code);
  const page = why === '' ? sandboxedDocument(code, state.scripts) : '';
  const sentence = why || (page === '' ? t('This code cannot be shown.') : '');
  return (
    <div class="frame" style={pixels(size, scale)}>
      {sentence ? (
        <p class="muted">{sentence}</p>
      ) : (
        <Frames page={page} scripts={state.scripts} size={size} scale={scale} />
      )}
    </div>
  );
}

function whyNot(hasPreview: boolean, code: string): string {
  if (code.trim() === '') return t('Nothing is written yet.');
  if (hasPreview) return '';
  return t('There is no preview for this language: add the code to your project, and look at it there.');
}

interface FramesProps {
  page: string;
  scripts: boolean;
  size: { width: number; height: number };
  scale: number;
}

/** The newest page behind the one that is shown, until it has loaded: so nothing flickers while code is written. */
function Frames({ page, scripts, size, scale }: FramesProps) {
  const [shown, setShown] = useState<string>();
  const [coming, setComing] = useState(page);
  // The one that loads now may finish first.
  useEffect(() => {
    if (shown === coming) setComing(page);
  }, [page, shown, coming]);
  const pages = shown === undefined || shown === coming ? [coming] : [shown, coming];
  return pages.map((each) => (
    <iframe
      key={each}
      class={each === shown ? '' : 'coming'}
      title={t('Result')}
      sandbox={sandboxOf(scripts)}
      srcdoc={each}
      onLoad={() => setShown(each)}
      style={{ ...pixels(size), transform: `scale(${scale})` }}
    />
  ));
}
