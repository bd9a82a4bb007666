/** The pages that currently show the chat; all show the same. Pure. */
import type { ToPage } from '../../../webview/protocol.ts';

export interface Page {
  post(message: ToPage): void;
}

/** Nobody reads faster, and each drawing takes processor time from the model and from the editor. */
const INTERVAL_MS = 50;

export class Pages {
  readonly #pages = new Set<Page>();
  /** Told of each page that can no longer receive messages. */
  onRemoved: (page: Page) => void = () => {};
  /** Those who wait for a page. */
  readonly #expecting: ((page: Page) => void)[] = [];
  /** Parts of one message that have not been posted. */
  #waiting: { readonly messageId: string; text: string } | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Adds a page that can now receive messages; it becomes the newest. */
  add(page: Page): void {
    this.remove(page);
    this.#pages.add(page);
    for (const expect of this.#expecting.splice(0)) expect(page);
  }

  remove(page: Page): void {
    if (this.#pages.delete(page)) this.onRemoved(page);
  }

  /** Resolves to the newest page, now or once there is one. */
  async shown(): Promise<Page> {
    return this.newest ?? new Promise((resolve) => this.#expecting.push(resolve));
  }

  /** The page that most recently became visible. */
  get newest(): Page | undefined {
    return [...this.#pages].at(-1);
  }

  post(message: ToPage): void {
    this.flush();
    for (const page of this.#pages) page.post(message);
  }

  /** Parts are collected for one interval. */
  part(messageId: string, text: string): void {
    if (this.#waiting && this.#waiting.messageId !== messageId) this.flush();
    if (this.#waiting) this.#waiting.text += text;
    else this.#waiting = { messageId, text };
    this.#timer ??= setTimeout(() => this.flush(), INTERVAL_MS);
  }

  /** Called before the whole state is sent to a page, so that no part arrives twice. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const part = this.#waiting;
    this.#waiting = undefined;
    if (part) for (const page of this.#pages) page.post({ type: 'part', ...part });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#pages.clear();
  }
}
