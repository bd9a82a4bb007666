import assert from 'node:assert/strict';
import type { PageMessage, PageState, Suggestion, ViewMessage } from '../../webview/protocol.ts';
import { EMPTY, type ViewEvent, type View, reduce, writing } from '../../webview/state.ts';

const answer = (id: string, change: Partial<PageMessage> = {}): PageMessage => ({
  ...{ id, role: 'assistant', text: `text of ${id}`, status: 'done' },
  ...change,
});
const question = (id: string): PageMessage => answer(id, { role: 'user' });
const state = (messages: PageMessage[], conversationId = 'c1'): ViewMessage => ({
  type: 'state',
  state: {
    ...{ conversationId, title: 'T', messages, chips: [], contextUse: { used: 0, limit: 0, note: '' } },
    engine: {
      kind: 'ready',
      text: 'm',
      fraction: 1,
      remedies: [],
      advice: '',
      place: 'Local only',
      sent: '',
      goes: '',
    },
    ...{ colors: {}, texts: {}, trusted: true },
  },
});
const suggestion = (id: string): Suggestion => ({
  id,
  insert: `@${id} `,
  label: id,
  detail: '',
  kind: 'file',
  more: false,
});
const entry = { id: 'c1', title: 'T', when: 'now', messages: 2, excerpt: '' };

const after = (...events: ViewEvent[]): View => events.reduce(reduce, EMPTY);
const page = (view: View): PageState => view.page!;

describe('state of the page', () => {
  it('adds a new message, and replaces a known one with all that followed it', () => {
    const two = [state([question('q1'), answer('a1'), question('q2'), answer('a2')])];
    const added = after(...two, { type: 'message', message: question('q3') });
    assert.deepEqual(
      page(added).messages.map(({ id }) => id),
      ['q1', 'a1', 'q2', 'a2', 'q3'],
    );
    const edited = after(...two, { type: 'message', message: { ...question('q1'), text: 'new' } });
    assert.deepEqual(
      page(edited).messages.map(({ id, text }) => [id, text]),
      [['q1', 'new']],
    );
  });

  it('adds parts to the newest message, and drops what comes late', () => {
    const view = after(
      state([question('q1'), answer('a1', { text: '', status: 'writing' })]),
      { type: 'part', messageId: 'a1', text: 'Hel' },
      { type: 'part', messageId: 'a1', text: 'lo' },
      { type: 'part', messageId: 'a0', text: 'late' },
    );
    assert.equal(writing(view)?.text, 'Hello');
    const done = reduce(view, { type: 'message', message: answer('a1', { text: 'Hello.' }) });
    assert.equal(writing(done), undefined);
    assert.equal(page(done).messages[0], page(view).messages[0], 'an old message stays the same object');
  });

  it('knows late suggestions by their number', () => {
    const typed = after(state([]), { type: 'typed', text: '@m' }, { type: 'suggestionsAsked', start: 0, end: 2 });
    const { request } = typed.suggestions;
    const late: ViewEvent = { type: 'suggestions', request: request - 1, suggestions: [suggestion('old')] };
    assert.deepEqual(reduce(typed, late).suggestions.items, []);
    const shown = reduce(typed, {
      type: 'suggestions',
      request,
      suggestions: [suggestion('main'), suggestion('more')],
    });
    assert.equal(shown.suggestions.items.length, 2);
    const closed = reduce(shown, { type: 'suggestionsClosed' });
    assert.deepEqual(
      reduce(closed, { type: 'suggestions', request, suggestions: [suggestion('x')] }).suggestions.items,
      [],
    );
  });

  it('walks through suggestions in a ring', () => {
    let view = after({ type: 'suggestionsAsked', start: 0, end: 1 });
    view = reduce(view, { type: 'suggestions', request: 1, suggestions: ['a', 'b', 'c'].map(suggestion) });
    const selected = [1, 2, 3, -1].map(
      (index) => reduce(view, { type: 'suggestionSelected', index }).suggestions.selected,
    );
    assert.deepEqual(selected, [1, 2, 0, 2]);
  });

  it('replaces what was typed, and puts the cursor behind it', () => {
    const view = after(
      { type: 'typed', text: 'see @ma now' },
      { type: 'replaced', start: 4, end: 7, text: '@main.ts' },
    );
    assert.deepEqual([view.draft, view.cursor], ['see @main.ts now', 12]);
    assert.equal(reduce(view, { type: 'typed', text: 'x' }).cursor, undefined);
  });

  it('opens the list where the host sends it unasked, and not for an answer that comes after it was closed', () => {
    const sent: ViewEvent = { type: 'conversations', query: '', conversations: [entry] };
    assert.equal(after(state([]), sent).list.open, true);
    const closed = after(state([]), { type: 'listOpened' }, { type: 'listClosed' }, sent);
    assert.equal(closed.list.open, false);
    assert.equal(reduce(closed, sent).list.open, true, 'the next one is unasked');
  });

  it('shows what was found for what is searched now', () => {
    const found = (query: string): ViewEvent => ({
      type: 'conversations',
      query,
      conversations: [{ ...entry, title: query }],
    });
    const view = after(state([]), { type: 'listOpened' }, { type: 'listSearched', query: 'a' }, found(''), found('a'));
    assert.deepEqual([view.list.entries[0]?.title, view.list.pending], ['a', 0]);
  });

  it('keeps draft and list in the same conversation, and leaves editing and list with it', () => {
    const view = after(state([question('q1')]), { type: 'typed', text: 'draft' }, { type: 'editing', messageId: 'q1' });
    assert.equal(reduce(view, state([question('q1')])).editing, 'q1');
    const other = reduce(view, state([], 'c2'));
    assert.deepEqual([other.editing, other.draft], [undefined, 'draft']);
  });

  it('puts in what the host composes', () => {
    const view = after(state([]), { type: 'compose', text: '/explain ' });
    assert.deepEqual([view.draft, view.cursor], ['/explain ', 9]);
  });
});
