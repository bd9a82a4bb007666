/** The preview from top to bottom: what is happening, the picture with the result, and the next version. */
import { t } from '../texts.ts';
import type { PreviewProps } from './props.ts';
import { Refine } from './refine.tsx';
import { Stage } from './stage.tsx';

export function App(props: PreviewProps) {
  const { state, code, post } = props;
  const hasCode = code.trim() !== '';
  return (
    <main>
      <h1 class="hidden">{t('Preview of {0}', state.picture.name)}</h1>
      <div class="bar">
        <p class={state.problem ? 'status problem' : 'status'} role="status">
          {state.status}
        </p>
        <div class="buttons">
          {state.writing ? (
            <button type="button" class="secondary" onClick={() => post({ type: 'stop' })}>
              {t('Stop')}
            </button>
          ) : (
            <button type="button" class="secondary" onClick={() => post({ type: 'again' })}>
              {t('Start Again')}
            </button>
          )}
          <button
            type="button"
            disabled={state.writing || !hasCode || !state.trusted}
            title={state.trusted ? '' : t('Changes can only be applied in a trusted workspace.')}
            onClick={() => post({ type: 'addToProject' })}
          >
            {t('Add to Project')}
          </button>
        </div>
      </div>
      {state.notes.map((note) => (
        <p key={note} class="muted">
          {note}
        </p>
      ))}
      <Stage {...props} />
      <Refine {...props} disabled={state.writing || !hasCode} />
    </main>
  );
}
