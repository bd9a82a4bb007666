/** Input area for questions: context chips, text, suggestions, and context window usage. */
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { editLast, send, stop, take, typed } from '../actions.ts';
import { announce } from '../speech/announcer.ts';
import { type ComposerAction, composerAction } from '../keyboard.ts';
import { usePage } from '../page.ts';
import type { PageState } from '../protocol.ts';
import type { Suggestions, View } from '../state.ts';
import { count, t } from '../texts.ts';
import { Chips, ContextMeter } from './chips.tsx';
import { Icon, IconButton } from './icons.tsx';

interface ComposerProps {
  view: View;
  state: PageState;
  busy: boolean;
}

export function Composer({ view, state, busy }: ComposerProps) {
  const page = usePage();
  return (
    <div class="composer" role="group" aria-label={t('Your question')}>
      {view.suggestions.items.length > 0 && <SuggestionList suggestions={view.suggestions} />}
      <div class="composer-box">
        <Chips chips={state.chips} removable />
        {view.preparing && <p class="preparing muted">{t('Preparing the picture…')}</p>}
        <Input view={view} busy={busy} />
        <div class="composer-bar">
          <ContextMeter use={state.contextUse} />
          <IconButton icon="picture" label={t('Add a picture')} onClick={() => page.post({ type: 'pickPicture' })} />
          {busy ? (
            <IconButton icon="stop" label={t('Stop')} onClick={() => stop(page)} />
          ) : (
            <IconButton icon="send" label={t('Send')} disabled={view.draft.trim() === ''} onClick={() => send(page)} />
          )}
        </div>
      </div>
    </div>
  );
}

/**
 * A text field with suggestions. In ARIA, a multi-line field cannot have the role `combobox`, so it is a text box that
 * refers to its list and to the selected entry.
 */
function Input({ view, busy }: Omit<ComposerProps, 'state'>) {
  const page = usePage();
  const input = useRef<HTMLTextAreaElement>(null);
  const { draft, cursor, suggestions } = view;
  const open = suggestions.items.length > 0;
  useLayoutEffect(() => {
    if (cursor === undefined) return;
    input.current!.focus();
    input.current!.setSelectionRange(cursor, cursor);
  }, [cursor, draft]);
  const onKeyDown = (event: KeyboardEvent) => {
    const action = composerAction(event, { suggestionsOpen: open, empty: draft === '', writing: busy });
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    perform(action);
  };
  const perform = (action: ComposerAction): void => {
    const { items, selected } = suggestions;
    switch (action) {
      case 'send':
        return send(page);
      case 'stop':
        return stop(page);
      case 'editLast':
        return editLast(page);
      case 'dismiss':
        return page.dispatch({ type: 'suggestionsClosed' });
      case 'next':
        return page.dispatch({ type: 'suggestionSelected', index: selected + 1 });
      case 'previous':
        return page.dispatch({ type: 'suggestionSelected', index: selected - 1 });
      case 'take':
        return take(page, items[selected]!);
    }
  };
  const look = () => typed(page, input.current!.value, input.current!.selectionStart);
  const moved = () => open && look();
  return (
    <textarea
      ref={input}
      id="composer"
      dir="auto"
      rows={1}
      aria-label={t('Ask about your project')}
      placeholder={t('Ask about your project (@ for context, / for tasks)')}
      aria-autocomplete="list"
      aria-haspopup="listbox"
      aria-controls={open ? 'suggestions' : undefined}
      aria-activedescendant={open ? `suggestion-${suggestions.selected}` : undefined}
      value={draft}
      onInput={look}
      onClick={moved}
      onKeyUp={(event) => /^(Arrow(Left|Right)|Home|End)$/.test(event.key) && moved()}
      onKeyDown={onKeyDown}
    />
  );
}

function SuggestionList({ suggestions: { items, selected } }: { suggestions: Suggestions }) {
  const page = usePage();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => announce(t('{0} suggestions', count(items.length))), [items]);
  useLayoutEffect(() => list.current!.children[selected]?.scrollIntoView({ block: 'nearest' }), [items, selected]);
  return (
    <ul ref={list} id="suggestions" class="suggestions" role="listbox" aria-label={t('Suggestions')} tabIndex={0}>
      {items.map((item, index) => (
        <li
          key={item.id}
          id={`suggestion-${index}`}
          role="option"
          aria-selected={index === selected}
          // Keeps the focus in the text field.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => take(page, item)}
        >
          <Icon name={item.kind} />
          <bdi class="suggestion-label">{item.label}</bdi>
          <bdi class="suggestion-detail">{item.detail}</bdi>
        </li>
      ))}
    </ul>
  );
}
