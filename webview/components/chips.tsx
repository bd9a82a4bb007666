/** Chips of a question's context, and how much of the context window is used. */
import type { Chip, ContextUse } from '../protocol.ts';
import { memo } from '../memo.ts';
import { focusComposer, usePage } from '../page.ts';
import { count, t } from '../texts.ts';
import { Icon, IconButton } from './icons.tsx';
import { PictureCosts, Thumbnail } from './picture.tsx';

/** The attachments of a question; those of one that is still being written can be removed. */
export const Chips = memo(({ chips, removable }: { chips: Chip[]; removable: boolean }) =>
  chips.length === 0 ? null : (
    <ul class="chips" aria-label={t('Context')}>
      {chips.map((chip) => (
        <ChipView key={chip.id} chip={chip} removable={removable} />
      ))}
    </ul>
  ),
);

function ChipView({ chip, removable }: { chip: Chip; removable: boolean }) {
  const page = usePage();
  const { id, kind, label, detail, tokens, cut, uri, line, picture } = chip;
  const remove = () => {
    page.post({ type: 'detach', chipId: id });
    focusComposer();
  };
  // VS Code shows the menu of `webview/context` in package.json for it.
  const menu = { webviewSection: 'picture', preventDefaultContextMenuItems: true, picture: picture?.hash, name: label };
  const name = <bdi class="chip-label">{label}</bdi>;
  return (
    <li class={`chip ${kind}`} title={detail} data-vscode-context={picture && JSON.stringify(menu)}>
      {picture ? <Thumbnail picture={picture} label={label} detail={detail} /> : <Icon name={kind} />}
      {uri ? (
        <button
          type="button"
          class="link"
          aria-label={`${label}. ${detail}`}
          onClick={() => page.post({ type: 'openSource', uri, line: line ?? 1 })}
        >
          {name}
        </button>
      ) : (
        <>
          {name}
          <span class="hidden">{detail}</span>
        </>
      )}
      {picture?.words !== undefined && <span class="chip-tokens">{t('text, {0} words', count(picture.words))}</span>}
      {picture && picture.words === undefined ? (
        <PictureCosts chip={chip} picture={picture} removable={removable} />
      ) : (
        tokens !== undefined && <span class="chip-tokens">{t('{0} tokens', count(tokens))}</span>
      )}
      {cut && (
        <span class="chip-cut" dir="auto">
          {cut}
        </span>
      )}
      {removable && <IconButton icon="close" label={t('Remove {0}', label)} onClick={remove} />}
    </li>
  );
}

/** Shows, as a meter and in words, how much of the context window is used. */
export const ContextMeter = memo(({ use }: { use: ContextUse }) => {
  const { used, limit, note } = use;
  if (limit === 0) return null;
  const text = t('{0} of {1} tokens', count(used), count(limit));
  return (
    <div class="context-use">
      <meter class={used > limit ? 'full' : ''} min={0} max={limit} value={Math.min(used, limit)} aria-label={text} />
      <span>{text}</span>
      {note && (
        <span class="context-note" dir="auto">
          {note}
        </span>
      )}
    </div>
  );
});
