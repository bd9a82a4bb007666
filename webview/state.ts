/** State of the page and its transitions. Pure. */
import type { ConversationEntry, PageMessage, PageState, Suggestion, ViewMessage } from './protocol.ts';

export interface View {
  /** The state owned by the host; undefined until its first message. */
  page: PageState | undefined;
  /** Text in the composer. */
  draft: string;
  /** Position to which the composer's cursor moves once; undefined if it stays where it is. */
  cursor: number | undefined;
  /** The user's message that is being edited. */
  editing: string | undefined;
  suggestions: Suggestions;
  list: List;
  /** One sentence that the user can dismiss. */
  notice: string;
  /** Pictures are being decoded or sent to the host. */
  preparing: boolean;
  /** Files are dragged over the page. */
  dragging: boolean;
}

export interface Suggestions {
  /** Incremented with every request to the host, so that outdated answers can be recognised. */
  request: number;
  /** Position in the draft of the text that a suggestion replaces. */
  start: number;
  end: number;
  items: Suggestion[];
  selected: number;
}

export interface List {
  open: boolean;
  /** Requests that the host has not yet answered. */
  pending: number;
  /** The user's search query. */
  query: string;
  entries: ConversationEntry[];
}

/** Messages from the host and actions of the user. */
export type ViewEvent =
  | ViewMessage
  | { type: 'typed'; text: string }
  /** Suggestions for the text between `start` and `end` have been requested from the host. */
  | { type: 'suggestionsAsked'; start: number; end: number }
  | { type: 'suggestionSelected'; index: number }
  | { type: 'suggestionsClosed' }
  /** The text around the cursor is replaced, and the cursor is placed after it. */
  | { type: 'replaced'; start: number; end: number; text: string }
  | { type: 'editing'; messageId: string | undefined }
  | { type: 'listOpened' }
  | { type: 'listSearched'; query: string }
  | { type: 'listClosed' }
  | { type: 'noticeClosed' }
  | { type: 'preparing'; preparing: boolean }
  | { type: 'dragging'; dragging: boolean };

const NO_SUGGESTIONS = { start: 0, end: 0, items: [], selected: 0 };

export const EMPTY: View = {
  page: undefined,
  draft: '',
  cursor: undefined,
  editing: undefined,
  suggestions: { request: 0, ...NO_SUGGESTIONS },
  list: { open: false, pending: 0, query: '', entries: [] },
  notice: '',
  preparing: false,
  dragging: false,
};

/** Returns the view after an event. Unchanged parts keep their identity. */
export function reduce(view: View, event: ViewEvent): View {
  switch (event.type) {
    case 'state':
      return received(view, event.state);
    case 'message':
      return withPage(view, { messages: withMessage(view.page?.messages ?? [], event.message) });
    case 'part':
      return withPage(view, { messages: withPart(view.page?.messages ?? [], event.messageId, event.text) });
    case 'chips':
      return withPage(view, { chips: event.chips, contextUse: event.contextUse });
    case 'engine':
      return withPage(view, { engine: event.engine });
    case 'colors':
      return withPage(view, { colors: event.colors });
    case 'conversations':
      return conversations(view, event.query, event.conversations);
    case 'notice':
      return { ...view, notice: event.text };
    case 'compose':
      return { ...closed(view), draft: event.text, cursor: event.text.length };
    case 'noticeClosed':
      return { ...view, notice: '' };
    case 'preparing':
      return view.preparing === event.preparing ? view : { ...view, preparing: event.preparing };
    case 'dragging':
      return view.dragging === event.dragging ? view : { ...view, dragging: event.dragging };
    case 'editing':
      return { ...closed(view), editing: event.messageId };
    case 'listOpened':
      return { ...closed(view), list: { ...asked(view.list), open: true, query: '', entries: [] } };
    case 'listSearched':
      return { ...view, list: { ...asked(view.list), query: event.query } };
    case 'listClosed':
      return { ...view, list: shut(view.list) };
    default:
      return composed(view, event);
  }
}

/** The message that is being written, if one is. */
export function writing(view: View): PageMessage | undefined {
  const last = view.page?.messages.at(-1);
  return last?.status === 'writing' ? last : undefined;
}

type Composing = Extract<
  ViewEvent,
  { type: 'typed' | 'suggestions' | 'suggestionsAsked' | 'suggestionSelected' | 'suggestionsClosed' | 'replaced' }
>;

function composed(view: View, event: Composing): View {
  const { suggestions } = view;
  switch (event.type) {
    case 'typed':
      return { ...view, draft: event.text, cursor: undefined };
    case 'suggestionsAsked':
      // The old ones stay visible until the new ones arrive.
      return {
        ...view,
        suggestions: { ...suggestions, request: suggestions.request + 1, start: event.start, end: event.end },
      };
    case 'suggestions':
      if (event.request !== suggestions.request) return view;
      return { ...view, suggestions: { ...suggestions, items: event.suggestions, selected: 0 } };
    case 'suggestionSelected': {
      const { length } = suggestions.items;
      return { ...view, suggestions: { ...suggestions, selected: length && (event.index + length) % length } };
    }
    case 'suggestionsClosed':
      return closed(view);
    case 'replaced': {
      const draft = view.draft.slice(0, event.start) + event.text + view.draft.slice(event.end);
      return { ...closed(view), draft, cursor: event.start + event.text.length };
    }
  }
}

/** Closes the suggestions. The answer to a pending request is ignored, since the number has changed. */
function closed(view: View): View {
  return { ...view, suggestions: { request: view.suggestions.request + 1, ...NO_SUGGESTIONS } };
}

function received(view: View, page: PageState): View {
  const same = view.page?.conversationId === page.conversationId;
  return same ? { ...view, page } : { ...view, page, editing: undefined, list: shut(view.list), notice: '' };
}

function withPage(view: View, change: Partial<PageState>): View {
  return view.page ? { ...view, page: { ...view.page, ...change } } : view;
}

function withMessage(messages: PageMessage[], message: PageMessage): PageMessage[] {
  const at = messages.findIndex(({ id }) => id === message.id);
  return [...(at < 0 ? messages : messages.slice(0, at)), message];
}

/** Parts belong to the newest message; a late part of a message that is gone is ignored. */
function withPart(messages: PageMessage[], id: string, text: string): PageMessage[] {
  const last = messages.at(-1);
  return last?.id === id ? [...messages.slice(0, -1), { ...last, text: last.text + text }] : messages;
}

/** The host also sends the list unasked: all conversations when it is to be shown, and again when one has changed. */
function conversations(view: View, query: string, entries: ConversationEntry[]): View {
  const { open, pending, query: wanted } = view.list;
  const list = { ...view.list, pending: Math.max(0, pending - 1) };
  if (open) return { ...view, list: query === wanted ? { ...list, entries } : list };
  return pending > 0 ? { ...view, list } : { ...closed(view), list: { open: true, pending: 0, query, entries } };
}

function asked(list: List): List {
  return { ...list, pending: list.pending + 1 };
}

function shut(list: List): List {
  return { ...EMPTY.list, pending: list.pending };
}
