/** Banner with the engine's state, and buttons that help when it has failed. */
import { memo } from '../memo.ts';
import { usePage } from '../page.ts';
import type { EngineView, Remedy } from '../protocol.ts';
import { t } from '../texts.ts';
import { Icon } from './icons.tsx';

export const EngineBanner = memo(({ engine }: { engine: EngineView }) => {
  const { kind, text, fraction, advice, remedies } = engine;
  const loading = kind === 'starting' || kind === 'loading';
  const sleeping = kind === 'sleeping';
  if (!loading && !sleeping && kind !== 'failed' && !advice && remedies.length === 0) return null;
  return (
    <div class={`banner ${kind}`}>
      {kind === 'failed' && (
        <p class="problem">
          <Icon name="problems" />
          <span dir="auto">{text}</span>
        </p>
      )}
      {sleeping && <p dir="auto">{text}</p>}
      {loading && <Loading label={text || t('Starting…')} fraction={kind === 'loading' ? fraction : undefined} />}
      {advice && <p dir="auto">{advice}</p>}
      {remedies.length > 0 && <Remedies remedies={remedies} />}
    </div>
  );
});

/** Progress of loading; without a known fraction, no percentage is shown. */
function Loading({ label, fraction }: { label: string; fraction: number | undefined }) {
  return (
    <div class="loading">
      <span dir="auto">{fraction === undefined ? label : t('{0}: {1}%', label, Math.round(fraction * 100))}</span>
      <progress aria-label={label} max={1} value={fraction} />
    </div>
  );
}

function Remedies({ remedies }: Pick<EngineView, 'remedies'>) {
  const page = usePage();
  const labels: Record<Remedy, string> = {
    restart: t('Restart'),
    getChatModel: t('Get a small chat model (93 MB)'),
    chooseModel: t('Choose a model…'),
    server: t('Server…'),
    log: t('Show log'),
  };
  return (
    <div class="buttons">
      {remedies.map((remedy, index) => (
        <button
          key={remedy}
          type="button"
          class={index > 0 ? 'secondary' : ''}
          onClick={() => page.post({ type: 'run', command: remedy })}
        >
          {labels[remedy]}
        </button>
      ))}
    </div>
  );
}
