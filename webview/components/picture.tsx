/** A picture's thumbnail, the picture itself when it is clicked, and what it takes to see it. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { pictureAddress, usePage } from '../page.ts';
import type { Chip, ChipPicture, PictureCost } from '../protocol.ts';
import { count, t } from '../texts.ts';
import { Icon, IconButton } from './icons.tsx';

/** `label` and `detail` are those of the picture's chip. */
export function Thumbnail({ picture, label, detail }: { picture: ChipPicture; label: string; detail: string }) {
  const [enlarged, setEnlarged] = useState(false);
  const [gone, setGone] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const { hash, width, height } = picture;
  if (gone) return <Icon name="picture" />;
  const close = () => {
    setEnlarged(false);
    // Nothing outside of the dialog takes the focus before it is gone.
    requestAnimationFrame(() => button.current?.focus());
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="thumbnail"
        aria-label={t('Enlarge {0}', detail)}
        onClick={() => setEnlarged(true)}
      >
        <img
          src={pictureAddress(hash)}
          alt=""
          width={width}
          height={height}
          // Pixels take memory only while they are in view.
          loading="lazy"
          decoding="async"
          onError={() => setGone(true)}
        />
      </button>
      {enlarged && <Enlarged picture={picture} label={label} detail={detail} onClose={close} />}
    </>
  );
}

/** A native dialog: it keeps the focus. */
function Enlarged({ picture, label, detail, onClose }: Parameters<typeof Thumbnail>[0] & { onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="enlarged"
      aria-label={label}
      onClick={onClose}
      onCancel={onClose}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        // Escape would also stop an answer.
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      <IconButton icon="close" label={t('Close')} onClick={onClose} />
      <img src={pictureAddress(picture.hash)} alt={detail} />
    </dialog>
  );
}

/** Tokens and time; where the model offers less detail for less of both, a choice. */
export function PictureCosts({ chip, picture, removable }: { chip: Chip; picture: ChipPicture; removable: boolean }) {
  const page = usePage();
  const { costs, mostCrops } = picture;
  const chosen = costs.find((cost) => cost.mostCrops === mostCrops) ?? costs[0];
  if (!chosen) return null;
  if (!removable || costs.length === 1) return <span class="chip-tokens">{costText(chosen)}</span>;
  return (
    <select
      class="picture-costs"
      aria-label={t('Detail in which the model sees {0}', chip.label)}
      value={chosen.mostCrops}
      onChange={(event) =>
        page.post({ type: 'limitCrops', chipId: chip.id, mostCrops: Number(event.currentTarget.value) })
      }
    >
      {costs.map((cost) => (
        <option key={cost.mostCrops} value={cost.mostCrops}>
          {costText(cost)}
        </option>
      ))}
    </select>
  );
}

function costText({ tokens, seconds }: PictureCost): string {
  const size = t('{0} tokens', count(tokens));
  if (seconds === null) return size;
  const time =
    seconds < 100 ? t('about {0} s', count(Math.ceil(seconds))) : t('about {0} min', count(Math.round(seconds / 60)));
  return `${size}, ${time}`;
}
