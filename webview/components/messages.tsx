/**
 * The conversation. The newest messages are rendered first, older ones when the page is idle; the end stays in view.
 */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { PageMessage } from '../protocol.ts';
import { type Place, Follower } from '../follower.ts';
import { memo } from '../memo.ts';
import { t } from '../texts.ts';
import { Icon } from './icons.tsx';
import { Message } from './message.tsx';

/** More messages than are visible at first. */
const FIRST = 15;
/** A slice takes messages up to this total length of text, but at most `SLICE` of them. */
const SLICE = 30;
const SLICE_CHARS = 30_000;

interface MessagesProps {
  messages: PageMessage[];
  editing: string | undefined;
  busy: boolean;
  /** Scroll position before the page was reloaded; undefined for the end. */
  place: Place | undefined;
  onPlace(place: Place | undefined): void;
}

export const Messages = memo(({ messages, editing, busy, place, onPlace }: MessagesProps) => {
  const first = place ? messages.findIndex(({ id }) => id === place.messageId) : -1;
  const [waiting, setWaiting] = useState(
    Math.max(0, Math.min(messages.length - FIRST, first < 0 ? Infinity : first - 1)),
  );
  const [atEnd, setAtEnd] = useState(true);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follower = useRef<Follower>(undefined);
  useLayoutEffect(() => {
    const created = new Follower(scroller.current!, content.current!, { onAtEnd: setAtEnd, onPlace });
    follower.current = created;
    if (place) created.goTo(place);
    return () => created.dispose();
  }, []);
  useEffect(() => {
    if (waiting === 0) return undefined;
    const slice = requestIdleCallback(() => setWaiting(nextSlice(messages, waiting)), { timeout: 200 });
    return () => cancelIdleCallback(slice);
  }, [waiting]);
  return (
    <div class="messages-frame">
      <div ref={scroller} class="messages" role="log" aria-live="off" aria-label={t('Messages')} tabIndex={0}>
        <div ref={content}>
          {messages.slice(waiting).map((message, index) => (
            <Message
              key={message.id}
              message={message}
              last={waiting + index === messages.length - 1}
              editing={editing === message.id}
              busy={busy}
            />
          ))}
        </div>
      </div>
      {!atEnd && (
        <button type="button" class="to-end" onClick={() => follower.current!.goToEnd()}>
          <Icon name="end" />
          {t('Scroll to end')}
        </button>
      )}
    </div>
  );
});

/** Number of messages, counted from the oldest, that remain after the next slice. */
function nextSlice(messages: PageMessage[], waiting: number): number {
  let left = Math.min(waiting, messages.length);
  for (let chars = 0; left > 0 && waiting - left < SLICE && chars < SLICE_CHARS; left--) {
    chars += messages[left - 1]!.text.length;
  }
  return left;
}
