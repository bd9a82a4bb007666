/** The user's words for the next version. */
import { t } from '../texts.ts';
import type { PreviewProps } from './props.ts';

export function Refine({ look, onLook, post, disabled }: PreviewProps & { disabled: boolean }) {
  const send = (event: Event): void => {
    event.preventDefault();
    const words = look.words.trim();
    if (disabled || words === '') return;
    post({ type: 'refine', words });
    onLook({ words: '' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
  };
  return (
    <form class="refine" onSubmit={send}>
      <label for="words">{t('What should be different?')}</label>
      <div class="refine-row">
        <textarea
          id="words"
          dir="auto"
          rows={1}
          value={look.words}
          placeholder={t('For example: larger heading, buttons on the right')}
          onInput={(event) => onLook({ words: event.currentTarget.value })}
          onKeyDown={onKeyDown}
        />
        <div class="buttons">
          <button type="submit" disabled={disabled || look.words.trim() === ''}>
            {t('Refine')}
          </button>
        </div>
      </div>
    </form>
  );
}
