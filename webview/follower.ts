/** Keeps the end of growing content in view, as long as the user stays there. */

/** Reading position: the first visible message, and how far its top is above the edge. */
export interface Place {
  messageId: string;
  offset: number;
}

interface FollowerEvents {
  onAtEnd(atEnd: boolean): void;
  /** Called with undefined at the end. */
  onPlace(place: Place | undefined): void;
}

/** A position this close to the end counts as the end. */
const NEAR_PX = 24;

/** Events with which a user may start to scroll. */
const MOVES = ['wheel', 'pointerdown', 'touchstart', 'keydown'];

export class Follower {
  readonly #resizes = new ResizeObserver(() => this.#follow());
  #atEnd = true;
  #top = 0;
  /** Position to hold until the user scrolls, while the content above is still being drawn. */
  #target: Place | undefined;
  #saving: ReturnType<typeof setTimeout> | undefined;

  readonly #scroller: HTMLElement;
  readonly #events: FollowerEvents;

  constructor(scroller: HTMLElement, content: HTMLElement, events: FollowerEvents) {
    this.#scroller = scroller;
    this.#events = events;

    this.#resizes.observe(content);
    this.#resizes.observe(scroller);
    scroller.addEventListener('scroll', this.#scrolled, { passive: true });
    for (const type of MOVES) scroller.addEventListener(type, this.#moved, { passive: true });
    this.#follow();
  }

  goToEnd(): void {
    this.#target = undefined;
    this.#setAtEnd(true);
    this.#follow();
    this.#scroller.focus();
  }

  goTo(place: Place): void {
    const { messageId, offset } = place;
    const message = this.#scroller.querySelector<HTMLElement>(`[data-message="${CSS.escape(messageId)}"]`);
    if (!message) return;
    this.#target = place;
    this.#setAtEnd(false);
    this.#scroller.scrollTop +=
      message.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top + offset;
    this.#top = this.#scroller.scrollTop;
  }

  dispose(): void {
    this.#resizes.disconnect();
    this.#scroller.removeEventListener('scroll', this.#scrolled);
    for (const type of MOVES) this.#scroller.removeEventListener(type, this.#moved);
    clearTimeout(this.#saving);
  }

  #follow(): void {
    if (this.#target) this.goTo(this.#target);
    if (!this.#atEnd) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top = this.#scroller.scrollTop;
  }

  /** Only scrolling up leaves the end; content that grows below does not move anything. */
  readonly #scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollHeight - scrollTop - clientHeight <= NEAR_PX) this.#setAtEnd(true);
    else if (scrollTop < this.#top) this.#setAtEnd(false);
    this.#top = scrollTop;
    clearTimeout(this.#saving);
    this.#saving = setTimeout(() => this.#events.onPlace(this.#place()), 200);
  };

  readonly #moved = () => {
    this.#target = undefined;
  };

  #setAtEnd(atEnd: boolean): void {
    if (atEnd === this.#atEnd) return;
    this.#atEnd = atEnd;
    this.#events.onAtEnd(atEnd);
  }

  #place(): Place | undefined {
    if (this.#atEnd) return undefined;
    const edge = this.#scroller.getBoundingClientRect().top;
    for (const message of Array.from(this.#scroller.querySelectorAll<HTMLElement>('[data-message]'))) {
      const { top, bottom } = message.getBoundingClientRect();
      if (bottom > edge) return { messageId: message.dataset.message!, offset: edge - top };
    }
    return undefined;
  }
}
