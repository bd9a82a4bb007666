/** The picture and the result, beside each other or one over the other, in the same size. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../texts.ts';
import type { PreviewProps } from './props.ts';
import { cssSize, type Look, pixels } from './look.ts';
import { Result, scriptsSentence } from './result.tsx';

export function Stage(props: PreviewProps) {
  const { state, look, onLook, post } = props;
  const { picture } = state;
  const size = cssSize(picture, look);
  const [place, scale] = useScale(size.width);
  const clip = look.overlay ? `inset(0 ${100 - look.covered}% 0 0)` : 'none';
  return (
    <>
      <div class="bar" role="group" aria-label={t('View')}>
        <label>
          <input
            type="checkbox"
            checked={look.overlay}
            onChange={(event) => onLook({ overlay: event.currentTarget.checked })}
          />
          {t('Lay the picture over the result')}
        </label>
        {look.overlay && <Slider {...props} />}
        <label>
          {t('Scale of the screen')}
          <select
            value={String(look.density)}
            onChange={(event) => onLook({ density: Number(event.currentTarget.value) })}
          >
            <option value="0">{t('Automatic')}</option>
            {[1, 1.25, 1.5, 2, 3].map((density) => (
              <option key={density} value={String(density)}>{`${density * 100} %`}</option>
            ))}
          </select>
        </label>
        {state.preview !== 'none' && (
          <label title={scriptsSentence()}>
            <input
              type="checkbox"
              checked={state.scripts}
              onChange={(event) => post({ type: 'scripts', allowed: event.currentTarget.checked })}
            />
            {t('Allow scripts in this preview')}
          </label>
        )}
      </div>
      <div ref={place} class={look.overlay ? 'stage overlay' : 'stage'}>
        <figure class="result">
          <figcaption>{t('Result')}</figcaption>
          <Result {...props} size={size} scale={scale} />
        </figure>
        <figure class="picture" style={{ clipPath: clip }}>
          <figcaption>{t('Picture')}</figcaption>
          <img src={picture.src} alt={t('The picture {0}', picture.name)} style={pixels(size, scale)} />
        </figure>
      </div>
    </>
  );
}

function Slider({ look, onLook }: { look: Look; onLook: PreviewProps['onLook'] }) {
  return (
    <label class="slider">
      {t('Covered by the picture')}
      <input
        type="range"
        min={0}
        max={100}
        value={look.covered}
        aria-valuetext={t('{0} % picture, {1} % result', look.covered, 100 - look.covered)}
        onInput={(event) => onLook({ covered: event.currentTarget.valueAsNumber })}
      />
    </label>
  );
}

/** The factor by which something of this width fits into one column of the element; 1 at most. */
function useScale(width: number) {
  const place = useRef<HTMLDivElement>(null);
  const [available, setAvailable] = useState(width);
  useLayoutEffect(() => {
    const measure = (): void => {
      const columns = getComputedStyle(place.current!).gridTemplateColumns.split(' ');
      setAvailable(Number.parseFloat(columns[0]!) || width);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  return [place, Math.min(1, available / width)] as const;
}
