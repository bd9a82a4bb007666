/** The written code, rendered in a sandboxed frame; a new version is shown once it is laid out. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { t } from '../texts.ts';
import type { PreviewProps } from './props.ts';
import { pixels } from './look.ts';
import type { PreviewState } from './protocol.ts';
import { rendered, type Rendered } from './render.ts';
import { sandboxOf } from './sandbox.ts';

interface ResultProps extends PreviewProps {
  size: { width: number; height: number };
  scale: number;
}

export function Result({ state, code, size, scale, post }: ResultProps) {
  const shown = useRendered(state, code);
  return (
    <div class="frame" style={pixels(size, scale)}>
      {'page' in shown ? (
        <Frames page={shown.page} scripts={state.scripts} size={size} scale={scale} />
      ) : (
        <>
          <p class="muted">{shown.sentence}</p>
          {shown.needsScripts && (
            <button type="button" title={scriptsSentence()} onClick={() => post({ type: 'scripts', allowed: true })}>
              {t('Allow Scripts')}
            </button>
          )}
        </>
      )}
    </div>
  );
}

/** What allowed scripts can do. */
export function scriptsSentence(): string {
  return t(
    'Scripts of this code then run in a sandbox: without files, without VS Code, and without requests to any network.',
  );
}

function useRendered({ preview, scripts, writing }: PreviewState, code: string): Rendered {
  const [shown, setShown] = useState<Rendered>({ sentence: '' });
  useLayoutEffect(() => {
    let isNewest = true;
    const show = (result: Rendered | undefined): void => void (isNewest && result && setShown(result));
    void rendered(code, { preview, scripts, writing }).then(show);
    return () => void (isNewest = false);
  }, [code, preview, scripts, writing]);
  return shown;
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
