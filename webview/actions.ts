/** User actions that take more than one step. */
import { triggerAt } from './keyboard.ts';
import { type Page, focusComposer } from './page.ts';
import type { Suggestion } from './protocol.ts';
import { writing } from './state.ts';
import { t } from './texts.ts';

/** The host rejects longer questions, and a rejected text would be lost. */
const MAX_QUESTION_CHARS = 1_000_000;

/** Sends the text in the composer. */
export function send(page: Page): void {
  const text = page.view.draft.trim();
  if (text === '' || isTooLong(page, text)) return;
  if (writing(page.view)) {
    page.dispatch({
      type: 'notice',
      text: t('Stop the current answer or wait for it to finish before you send the next question.'),
    });
    return;
  }
  page.post({ type: 'send', text });
  page.dispatch({ type: 'noticeClosed' });
  page.dispatch({ type: 'replaced', start: 0, end: page.view.draft.length, text: '' });
}

/** Stops the answer that is being written. */
export function stop(page: Page): void {
  page.post({ type: 'stop' });
  focusComposer();
}

export function continueAnswer(page: Page): void {
  page.post({ type: 'continue' });
  focusComposer();
}

/** Continues on this machine, which also answers from now on. */
export function answerLocally(page: Page): void {
  page.post({ type: 'run', command: 'useLocal' });
  continueAnswer(page);
}

export function regenerate(page: Page): void {
  page.post({ type: 'regenerate' });
  focusComposer();
}

/** Sends an earlier question with a new text. */
export function resend(page: Page, messageId: string, text: string): void {
  if (text.trim() === '' || isTooLong(page, text.trim())) return;
  page.post({ type: 'edit', messageId, text: text.trim() });
  page.dispatch({ type: 'editing', messageId: undefined });
  focusComposer();
}

/** Leaves an earlier question as it was. */
export function stopEditing(page: Page, messageId: string): void {
  page.dispatch({ type: 'editing', messageId: undefined });
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>(`[data-message="${CSS.escape(messageId)}"] .message-actions button`)?.focus();
  });
}

/** Opens the newest question for editing. */
export function editLast(page: Page): void {
  const last = page.view.page?.messages.findLast(({ role }) => role === 'user');
  if (last && !writing(page.view)) page.dispatch({ type: 'editing', messageId: last.id });
}

/** Called when the composer's text changes or its cursor moves. Requests suggestions for the text before the cursor. */
export function typed(page: Page, text: string, cursor: number): void {
  if (text !== page.view.draft) page.dispatch({ type: 'typed', text });
  const trigger = triggerAt(text, cursor);
  const { start, end, items } = page.view.suggestions;
  if (!trigger) {
    if (items.length > 0) page.dispatch({ type: 'suggestionsClosed' });
    return;
  }
  if (items.length > 0 && trigger.start === start && cursor === end && text === page.view.draft) return;
  page.dispatch({ type: 'suggestionsAsked', start: trigger.start, end: cursor });
  page.post({ type: 'suggest', request: page.view.suggestions.request, text: trigger.text });
}

/** Inserts a suggestion. */
export function take(page: Page, suggestion: Suggestion): void {
  const { start, end } = page.view.suggestions;
  page.dispatch({ type: 'replaced', start, end, text: suggestion.insert });
  if (suggestion.insert === '') page.post({ type: 'attach', suggestionId: suggestion.id });
  if (suggestion.more) typed(page, page.view.draft, start + suggestion.insert.length);
}

/** Opens the list of conversations. */
export function openList(page: Page): void {
  page.dispatch({ type: 'listOpened' });
  page.post({ type: 'listConversations', query: '' });
}

/** Searches in the list of conversations. */
export function searchList(page: Page, query: string): void {
  page.dispatch({ type: 'listSearched', query });
  page.post({ type: 'listConversations', query });
}

/** Whether the text is too long to send; if so, tells the user. */
function isTooLong(page: Page, text: string): boolean {
  if (text.length <= MAX_QUESTION_CHARS) return false;
  const sentence = t('A question can have at most one million characters. Attach a file instead.');
  page.dispatch({ type: 'notice', text: sentence });
  return true;
}
