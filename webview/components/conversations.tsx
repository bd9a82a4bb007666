/** The list of conversations, shown over the page. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { searchList } from '../actions.ts';
import { composes } from '../keyboard.ts';
import { focusComposer, usePage } from '../page.ts';
import type { ConversationEntry } from '../protocol.ts';
import type { List } from '../state.ts';
import { count, t } from '../texts.ts';
import { IconButton } from './icons.tsx';

/** A native dialog: it keeps the focus, and Escape closes it. */
export function Conversations({ list, current }: { list: List; current: string }) {
  const page = usePage();
  const dialog = useRef<HTMLDialogElement>(null);
  const search = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    dialog.current!.showModal();
    search.current!.focus();
  }, []);
  const close = () => {
    page.dispatch({ type: 'listClosed' });
    requestAnimationFrame(focusComposer);
  };
  return (
    <dialog
      ref={dialog}
      class="conversations"
      aria-label={t('Chats')}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <div class="conversations-bar">
        <input
          ref={search}
          type="search"
          dir="auto"
          aria-label={t('Search chats')}
          placeholder={t('Search chats')}
          value={list.query}
          onInput={(event) => searchList(page, event.currentTarget.value)}
        />
        <IconButton icon="close" label={t('Close')} onClick={close} />
      </div>
      {list.entries.length === 0 && list.pending === 0 && <p class="muted">{t('No chats found.')}</p>}
      <ul>
        {list.entries.map((entry) => (
          <Entry
            key={entry.id}
            entry={entry}
            current={entry.id === current}
            onOpen={() => {
              page.post({ type: 'openConversation', conversationId: entry.id });
              close();
            }}
          />
        ))}
      </ul>
    </dialog>
  );
}

interface EntryProps {
  entry: ConversationEntry;
  current: boolean;
  onOpen(): void;
}

function Entry({ entry: { id, title, when, messages, excerpt }, current, onOpen }: EntryProps) {
  const page = usePage();
  const [renaming, setRenaming] = useState(false);
  const item = useRef<HTMLLIElement>(null);
  const stop = (newTitle: string) => {
    if (newTitle && newTitle !== title) page.post({ type: 'renameConversation', conversationId: id, title: newTitle });
    setRenaming(false);
    requestAnimationFrame(() => item.current?.querySelector('button')?.focus());
  };
  if (renaming) {
    return (
      <li ref={item}>
        <Renaming title={title} onEnd={stop} />
      </li>
    );
  }
  return (
    <li ref={item} class="conversation">
      <button type="button" class="conversation-open" aria-current={current ? 'true' : undefined} onClick={onOpen}>
        <span class="conversation-title" dir="auto">
          {title}
        </span>
        <span class="muted">
          {current && <>{t('current')} · </>}
          {when} · {messages === 1 ? t('1 message') : t('{0} messages', count(messages))}
        </span>
        {excerpt && (
          <span class="conversation-excerpt" dir="auto">
            {excerpt}
          </span>
        )}
      </button>
      <IconButton icon="edit" label={t('Rename {0}', title)} onClick={() => setRenaming(true)} />
      <IconButton
        icon="export"
        label={t('Export {0}', title)}
        onClick={() => page.post({ type: 'exportConversation', conversationId: id })}
      />
      <IconButton
        icon="remove"
        label={t('Delete {0}', title)}
        onClick={() => page.post({ type: 'deleteConversation', conversationId: id })}
      />
    </li>
  );
}

function Renaming({ title, onEnd }: { title: string; onEnd(title: string): void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current!.select(), []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (composes(event) || (event.key !== 'Enter' && event.key !== 'Escape')) return;
    // Escape leaves the title field without closing the list.
    event.preventDefault();
    onEnd(event.key === 'Enter' ? input.current!.value.trim() : '');
  };
  return (
    <input
      ref={input}
      type="text"
      dir="auto"
      aria-label={t('New title for {0}', title)}
      defaultValue={title}
      onKeyDown={onKeyDown}
    />
  );
}
