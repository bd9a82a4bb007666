/** One message and its actions. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { answerLocally, continueAnswer, regenerate, resend, stopEditing } from '../actions.ts';
import { announce } from '../speech/announcer.ts';
import { composes } from '../keyboard.ts';
import { memo } from '../memo.ts';
import { usePage } from '../page.ts';
import type { PageMessage } from '../protocol.ts';
import { t } from '../texts.ts';
import { Chips } from './chips.tsx';
import { Icon, IconButton } from './icons.tsx';
import { Markdown } from './markdown.tsx';
import { Sources } from './sources.tsx';

interface MessageProps {
  message: PageMessage;
  /** Whether this is the newest message. */
  last: boolean;
  editing: boolean;
  /** Whether any answer is being written. */
  busy: boolean;
}

export const Message = memo(({ message, last, editing, busy }: MessageProps) => {
  const { id, role, status } = message;
  return (
    <article
      class={`message ${role}`}
      data-message={id}
      aria-labelledby={`author-${id}`}
      aria-busy={status === 'writing'}
    >
      <h2 id={`author-${id}`} class="author">
        {role === 'user' ? t('You') : 'Airgap'}
      </h2>
      {role === 'assistant' ? (
        <Answer message={message} last={last} />
      ) : editing ? (
        <Editor message={message} />
      ) : (
        <div class="question" dir="auto">
          {message.text}
        </div>
      )}
      {message.chips && <Chips chips={message.chips} removable={false} />}
      {status !== 'writing' && !editing && <MessageActions message={message} last={last} busy={busy} />}
    </article>
  );
});

function Answer({ message, last }: Pick<MessageProps, 'message' | 'last'>) {
  const { text, thoughts, status, waiting, problem, fault, sources, figures } = message;
  const writing = status === 'writing';
  return (
    <>
      {thoughts?.trim() && (
        <details class="thoughts muted">
          <summary>{t('Thoughts')}</summary>
          <div dir="auto">{thoughts.trim()}</div>
        </details>
      )}
      <Markdown text={text} writing={writing} />
      {writing && text === '' && <div class="waiting">{waiting ? `${waiting}…` : t('Thinking…')}</div>}
      {status === 'stopped' && <div class="muted">{t('Stopped.')}</div>}
      {status === 'cut' && <div class="muted">{t('The answer reached the length limit.')}</div>}
      {status === 'repeated' && <div class="muted">{t('Stopped here: the answer began to repeat itself.')}</div>}
      {problem && (
        <div class="problem">
          <Icon name="problems" />
          <span dir="auto">{problem}</span>
        </div>
      )}
      {fault && last && <ServerFault />}
      {sources && sources.length > 0 && <Sources sources={sources} />}
      {figures && (
        <div class="figures muted" dir="auto">
          {figures}
        </div>
      )}
    </>
  );
}

/** Both keep what was written so far. */
function ServerFault() {
  const page = usePage();
  return (
    <div class="buttons">
      <button type="button" onClick={() => continueAnswer(page)}>
        {t('Try Again')}
      </button>
      <button type="button" class="secondary" onClick={() => answerLocally(page)}>
        {t('Use the Local Model')}
      </button>
    </div>
  );
}

function MessageActions({ message: { id, role, status, text }, last, busy }: Omit<MessageProps, 'editing'>) {
  const page = usePage();
  const copy = () => {
    page.post({ type: 'copyMessage', messageId: id });
    announce(t('Copied'));
  };
  return (
    <div class="message-actions" role="group" aria-label={t('Actions for this message')}>
      <IconButton icon="copy" label={t('Copy message')} onClick={copy} />
      {role === 'user' && !busy && (
        <IconButton
          icon="edit"
          label={t('Edit and resend')}
          onClick={() => page.dispatch({ type: 'editing', messageId: id })}
        />
      )}
      {role === 'assistant' && last && (
        <>
          {(status === 'stopped' || status === 'cut' || (status === 'failed' && text !== '')) && (
            <IconButton icon="continue" label={t('Continue')} onClick={() => continueAnswer(page)} />
          )}
          <IconButton icon="refresh" label={t('Regenerate answer')} onClick={() => regenerate(page)} />
        </>
      )}
    </div>
  );
}

function Editor({ message: { id, text } }: { message: PageMessage }) {
  const page = usePage();
  const input = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    input.current!.focus();
    input.current!.setSelectionRange(text.length, text.length);
  }, []);
  const send = () => resend(page, id, input.current!.value);
  const onKeyDown = (event: KeyboardEvent) => {
    if (composes(event)) return;
    if (event.key === 'Enter' && !event.shiftKey) send();
    else if (event.key === 'Escape') stopEditing(page, id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea ref={input} dir="auto" aria-label={t('Edit your question')} defaultValue={text} onKeyDown={onKeyDown} />
      <p class="muted">{t('All messages after this one will be removed.')}</p>
      <div class="buttons">
        <button type="submit">{t('Send')}</button>
        <button type="button" class="secondary" onClick={() => stopEditing(page, id)}>
          {t('Cancel')}
        </button>
      </div>
    </form>
  );
}
