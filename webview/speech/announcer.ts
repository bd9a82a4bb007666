/** Tells screen readers what happens, through an invisible live region. */
import { speakable } from './sentences.ts';
import { type View, writing } from '../state.ts';
import { t } from '../texts.ts';

export const SPOKEN_ID = 'spoken';
/** Maximum number of announcements kept; older ones are removed. */
const MAX_SPOKEN = 20;
/** More frequent announcements could not be followed. */
const PAUSE_MS = 1000;

/** Has a text read out after the current announcement. */
export function announce(text: string): void {
  const region = document.getElementById(SPOKEN_ID);
  if (!region || !text) return;
  const line = document.createElement('p');
  line.dir = 'auto';
  line.textContent = text;
  region.append(line);
  while (region.childElementCount > MAX_SPOKEN) region.firstElementChild!.remove();
}

/** Reads out the answer being written, sentence by sentence, and other changes in the view. */
export class Announcer {
  #answer: { id: string; upTo: number } | undefined;
  #nextAt = 0;
  #notice = '';
  #engine = '';

  /** Announces changes since the last call. */
  update(view: View, now: number): void {
    this.#notice = this.#changed(this.#notice, view.notice);
    const { kind = 'off', text = '' } = view.page?.engine ?? {};
    this.#engine = this.#changed(this.#engine, kind === 'failed' ? text : '');
    const current = writing(view);
    if (current && this.#answer?.id !== current.id) this.#answer = { id: current.id, upTo: 0 };
    if (!this.#answer) return;
    const { id, upTo } = this.#answer;
    const message = current ?? view.page?.messages.find((candidate) => candidate.id === id);
    if (!message) {
      this.#answer = undefined;
      return;
    }
    const complete = message.status !== 'writing';
    if (!complete && now < this.#nextAt) return;
    const spoken = speakable(message.text, upTo, { complete, codeWord: t('Code block.') });
    announce(spoken.text);
    if (spoken.text) this.#nextAt = now + PAUSE_MS;
    this.#answer = complete ? undefined : { id, upTo: spoken.upTo };
    if (complete) announce(message.problem ?? (message.status === 'done' ? t('Answer complete') : t('Answer stopped')));
  }

  #changed(old: string, text: string): string {
    if (text !== old) announce(text);
    return text;
  }
}
