/** The page from top to bottom. */
import { openList } from '../actions.ts';
import { SPOKEN_ID } from '../speech/announcer.ts';
import type { Place } from '../follower.ts';
import { TrustContext, focusComposer, usePage } from '../page.ts';
import type { EngineView } from '../protocol.ts';
import { type View, writing } from '../state.ts';
import { t } from '../texts.ts';
import { Composer } from './composer.tsx';
import { Conversations } from './conversations.tsx';
import { EngineBanner } from './engineBanner.tsx';
import { Icon, IconButton } from './icons.tsx';
import { Messages } from './messages.tsx';

interface AppProps {
  view: View;
  /** Scroll position in a conversation before the page was reloaded. */
  saved: { conversationId: string; place?: Place | undefined } | undefined;
  onPlace(place: Place | undefined): void;
}

export function App({ view, saved, onPlace }: AppProps) {
  const state = view.page;
  const busy = writing(view) !== undefined;
  return (
    <>
      {state && (
        <TrustContext.Provider value={state.trusted}>
          <Header title={state.title} engine={state.engine} />
          <main>
            {state.messages.length === 0 && <Welcome engine={state.engine} />}
            <Messages
              key={state.conversationId}
              messages={state.messages}
              editing={view.editing}
              busy={busy}
              place={saved?.conversationId === state.conversationId ? saved.place : undefined}
              onPlace={onPlace}
            />
            <EngineBanner engine={state.engine} />
            {view.notice && <Notice text={view.notice} />}
            <Composer view={view} state={state} busy={busy} />
          </main>
          {view.list.open && <Conversations list={view.list} current={state.conversationId} />}
        </TrustContext.Provider>
      )}
      {view.dragging && <div class="drop-hint">{t('Drop pictures and files here to add them to the question.')}</div>}
      <div id={SPOKEN_ID} class="hidden" aria-live="polite" />
    </>
  );
}

function Header({ title, engine }: { title: string; engine: EngineView }) {
  const page = usePage();
  const start = () => {
    page.post({ type: 'newConversation' });
    focusComposer();
  };
  return (
    <header>
      <h1 dir="auto" title={title}>
        {title || t('New chat')}
      </h1>
      <button
        type="button"
        class="icon-button place"
        title={engine.sent}
        onClick={() => page.post({ type: 'run', command: 'traffic' })}
      >
        <Icon name={engine.goes ? 'server' : 'shield'} />
        <span>{engine.place}</span>
      </button>
      <IconButton icon="history" label={t('Show chats')} onClick={() => openList(page)} />
      <IconButton icon="add" label={t('New chat')} onClick={start} />
    </header>
  );
}

function Welcome({ engine: { goes } }: { engine: EngineView }) {
  return (
    <div class="welcome">
      <p>
        {t('Ask about the open project.')} {goes || t('Nothing leaves this machine.')}
      </p>
      <p class="muted">
        {t(
          'Type @ to add files, folders, symbols, problems, or the whole project. Type / to choose a task. Paste or drop pictures.',
        )}
      </p>
    </div>
  );
}

function Notice({ text }: { text: string }) {
  const page = usePage();
  const close = () => {
    page.dispatch({ type: 'noticeClosed' });
    focusComposer();
  };
  return (
    <div class="notice">
      <span dir="auto">{text}</span>
      <IconButton icon="close" label={t('Dismiss')} onClick={close} />
    </div>
  );
}
