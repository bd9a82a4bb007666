/** The chat page: renders messages from the host and sends it the user's actions. */
import { render } from 'preact';
import { stop } from './actions.ts';
import { Announcer } from './speech/announcer.ts';
import { useColors } from './code/colors.ts';
import { App } from './components/app.tsx';
import type { Place } from './follower.ts';
import { isAllowedLink } from './markdown/links.ts';
import { type Page, PageContext, focusComposer } from './page.ts';
import { acceptGiven } from './pictures/given.ts';
import { PictureExchange } from './pictures/exchange.ts';
import type { FromPage, PictureToPage, ToPage, ViewMessage } from './protocol.ts';
import { EMPTY, type View, type ViewEvent, reduce, writing } from './state.ts';
import { setTexts } from './texts.ts';

/** State that survives a reload and hiding of the view. The rest comes from the host. */
interface Saved {
  draft: string;
  conversationId: string;
  place?: Place | undefined;
  composerFocused: boolean;
}

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  getState(): Saved | undefined;
  setState(state: Saved): void;
};

const host = acquireVsCodeApi();
const saved = host.getState();
const root = document.getElementById('root')!;
const announcer = new Announcer();
/** Messages from the host since the last frame, so that many parts cause only one update. */
let heard: ViewMessage[] = [];
let frame: number | undefined;
let place = saved?.place;

class ChatPage implements Page {
  view: View = { ...EMPTY, draft: saved?.draft ?? '' };

  dispatch(event: ViewEvent): void {
    const { view } = this;
    this.view = reduce(view, event);
    if (this.view.draft !== view.draft) save();
    if (this.view !== view) schedule();
  }

  post(message: FromPage): void {
    // A question waits for its pictures.
    if (message.type === 'send' && this.view.preparing) void pictures.settled().then(() => host.postMessage(message));
    else host.postMessage(message);
  }
}

const page = new ChatPage();
const pictures = new PictureExchange({
  post: (message) => page.post(message),
  notice: (text) => page.dispatch({ type: 'notice', text }),
  preparing: (preparing) => page.dispatch({ type: 'preparing', preparing }),
});
acceptGiven(document, {
  files: (files) => pictures.give(files),
  uris: (uris) => page.post({ type: 'dropped', uris }),
  dragging: (dragging) => page.dispatch({ type: 'dragging', dragging }),
});

window.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
  if (isOfPicture(data)) return pictures.handle(data);
  heard.push(data);
  schedule();
});
root.addEventListener('click', openLink);
root.addEventListener('auxclick', openLink);
root.addEventListener('keydown', (event) => {
  const ours = event.key === 'Escape' && !event.defaultPrevented && !page.view.list.open;
  if (ours && writing(page.view)) stop(page);
});
root.addEventListener('focusin', save);
// VS Code gives the focus to the page; it belongs in the composer.
window.addEventListener('focus', () => document.activeElement === document.body && focusComposer());
page.post({ type: 'ready' });

function isOfPicture(message: ToPage): message is PictureToPage {
  return /^(pictureWanted|pictureEnded|decode|filePiece)$/.test(message.type);
}

function schedule(): void {
  frame ??= requestAnimationFrame(draw);
}

function draw(now: number): void {
  frame = undefined;
  const first = page.view.page === undefined;
  const events = heard;
  heard = [];
  for (const event of events) apply(event);
  render(
    <PageContext.Provider value={page}>
      <App view={page.view} saved={saved} onPlace={savePlace} />
    </PageContext.Provider>,
    root,
  );
  announcer.update(page.view, now);
  const opened = first && page.view.page && saved?.composerFocused !== false;
  if (opened || events.some(({ type }) => type === 'compose')) focusComposer();
}

function apply(event: ViewMessage): void {
  if (event.type === 'state') {
    setTexts(event.state.texts);
    useColors(event.state.colors);
    if (event.state.conversationId !== (page.view.page ?? saved)?.conversationId) place = undefined;
  }
  if (event.type === 'colors') useColors(event.colors);
  page.view = reduce(page.view, event);
}

/** The host opens links, after asking; the click must not reach VS Code's own handler on an outer element. */
function openLink(event: MouseEvent): void {
  const href = (event.target as Element).closest?.('a')?.getAttribute('href');
  if (href === undefined || href === null) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.type === 'click' && isAllowedLink(href)) page.post({ type: 'openLink', href });
}

function savePlace(newPlace: Place | undefined): void {
  place = newPlace;
  save();
}

function save(): void {
  const { draft, page: state } = page.view;
  const conversationId = state?.conversationId ?? saved?.conversationId ?? '';
  host.setState({ draft, conversationId, place, composerFocused: document.activeElement?.id === 'composer' });
}
