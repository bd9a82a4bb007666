/** The chat of a window: one open conversation and one draft, shown by any number of pages. Pure. */
import type { ConversationEntry, FromPage, PageState, ToPage } from '../../webview/protocol.ts';
import { Answering } from './answer/answering.ts';
import type { ControllerHost } from './controllerHost.ts';
import { linksOf, picturesIn } from './conversation/contents.ts';
import { type Conversation, emptyConversation, pageMessages } from './conversation/conversation.ts';
import { Draft, type DraftHost } from './conversation/draft.ts';
import { exported } from './conversation/export.ts';
import { entries } from './conversation/conversationList.ts';
import type { Page } from './page/pages.ts';
import type { Attachment } from './context/attachment.ts';
import { withPictures } from './context/pictureFiles.ts';
import { errorMessage } from '../common/errorMessage.ts';
import type { Chat } from './chat.ts';
import { addWithPictures, handlePicture } from './chatPictures.ts';
import { PendingWrites } from './conversation/pendingWrites.ts';

export class ChatController implements Omit<Chat, 'openInEditor' | 'reloadPages' | 'pictures'> {
  readonly #draft: Draft;
  readonly #conversations: PendingWrites;
  #open: Answering;
  /** Runs the user's actions one after another. */
  #queue: Promise<void>;
  /** Messages kept for the next page that can show them. */
  #forPage: ToPage[] = [];
  /** Context length, and whether the model sees pictures, when the attachments were last counted. */
  #countedFor = '0 false';
  /** Search query of the conversation list that each page shows. */
  readonly #queries = new WeakMap<Page, string>();

  readonly #host: ControllerHost;

  constructor(host: ControllerHost) {
    this.#host = host;
    const { t, log, pages } = host;
    this.#conversations = new PendingWrites(host.store, (error) => {
      log(String(error));
      const why = errorMessage(error);
      const text = t('The chat could not be saved: {0}. It is kept in memory until VS Code is closed.', why);
      pages.post({ type: 'notice', text });
    });
    this.#open = this.#answering(this.#empty());
    this.#draft = new Draft({
      ...host,
      situation: () => this.#situation(),
      show: (chips, contextUse) => host.pages.post({ type: 'chips', chips, contextUse }),
      failed: (error) => log(errorMessage(error)),
    });
    this.#queue = this.#start().catch((error: unknown) => host.log(String(error)));
  }

  /** Handles a message from a page. Never rejects: errors are logged and sent to the page as a notice. */
  async handle(message: FromPage, page: Page): Promise<void> {
    try {
      await this.#handle(message, page);
    } catch (error) {
      this.#host.log(`${message.type}: ${String(error)}`);
      page.post({ type: 'notice', text: errorMessage(error) });
    }
  }

  async ask({ text = '', attachments = [], notice = '', ...how }: Parameters<Chat['ask']>[0]) {
    await this.#host.actions.reveal();
    await withPictures(this.#host.pictures, attachments, (ready) =>
      this.#exclusively(async () => {
        if (how.newConversation) await this.#show(this.#empty());
        if (how.send) return this.#send(text, ready);
        this.#draft.add(ready);
        if (text !== '') this.#give({ type: 'compose', text });
        if (notice !== '') this.#give({ type: 'notice', text: notice });
      }),
    );
  }

  async newConversation(): Promise<void> {
    await this.#exclusively(() => this.#show(this.#empty()));
  }

  async exportOpen(): Promise<void> {
    await this.#export(this.#open.conversation.id);
  }

  /** Sends the list to the page, which opens it without having asked for it. */
  async showList(): Promise<void> {
    await this.#host.actions.reveal();
    this.#give({ type: 'conversations', query: '', conversations: await this.#entries('') });
  }

  engineChanged(): void {
    this.#host.pages.post({ type: 'engine', engine: this.#host.engine() });
    const model = `${this.#host.contextLength()} ${this.#host.seesPictures()}`;
    if (model !== this.#countedFor) this.#draft.refresh();
    this.#countedFor = model;
  }

  colorsChanged(): void {
    this.#host.pages.post({ type: 'colors', colors: this.#host.colors() });
  }

  /** The active editor or its selection changed. */
  editorChanged(): void {
    this.#draft.follow(this.#host.automatic());
  }

  /** Settings determine which files may be attached and how much of the context window is reserved for answers. */
  settingsChanged(): void {
    this.editorChanged();
    this.#draft.refresh();
  }

  /** The text of a file changed, so the attachments' token counts may have changed. */
  textChanged(): void {
    if (this.#draft.attachments.length > 0) this.#draft.refresh();
  }

  attach(attachments: Attachment[]): void {
    this.#draft.add(attachments);
  }

  /** The hashes of the pictures in all conversations, stored or open. */
  async picturesInUse(): Promise<ReadonlySet<string>> {
    return new Set([...(await this.#conversations.all()), this.#open.conversation].flatMap(picturesIn));
  }

  /** Sends the whole state to the pages, for instance after a change of trust. */
  showState(): void {
    this.#host.pages.post({ type: 'state', state: this.#state() });
  }

  /** Resolves once everything that can be saved is saved. */
  async dispose(): Promise<void> {
    this.#draft.dispose();
    await this.#open.stop();
    await this.#conversations.settled();
  }

  async #handle(message: FromPage, page: Page): Promise<void> {
    const { actions, pages } = this.#host;
    switch (message.type) {
      case 'ready':
        await this.#queue;
        pages.flush();
        pages.add(page);
        page.post({ type: 'state', state: this.#state() });
        this.#draft.refresh();
        return this.#give();
      case 'send':
        return this.#exclusively(() => this.#sendDraft(message.text));
      case 'stop':
        return this.#open.stop();
      case 'continue':
        return this.#change((open) => open.continue());
      case 'regenerate':
        return this.#change((open) => open.regenerate());
      case 'edit':
        return this.#edit(message.messageId, message.text);
      case 'newConversation':
        return this.newConversation();
      case 'openConversation':
        return this.#exclusively(() => this.#openStored(message.conversationId));
      case 'renameConversation':
        await this.#exclusively(() => this.#rename(message.conversationId, message.title));
        return this.#list(page);
      case 'deleteConversation':
        if (await this.#delete(message.conversationId)) await this.#list(page);
        return;
      case 'exportConversation':
        return this.#export(message.conversationId);
      case 'listConversations':
        return this.#list(page, message.query);
      case 'suggest': {
        const suggestions = await actions.suggest(message.text);
        return page.post({ type: 'suggestions', request: message.request, suggestions });
      }
      case 'attach':
        return addWithPictures(this.#host.pictures, [actions.attachment(message.suggestionId)], this.#draft);
      case 'detach':
        return this.#draft.remove(message.chipId);
      case 'code':
        return this.#code(message, page);
      case 'copyMessage':
        return this.#copy(message.messageId);
      case 'openSource':
        if (this.#mayOpen(message.uri)) await actions.openSource(message.uri, message.line);
        return;
      case 'openLink':
        return actions.openLink(message.href);
      case 'run':
        return actions.run(message.command);
      default:
        return handlePicture(message, page, this.#host, this.#draft);
    }
  }

  async #start(): Promise<void> {
    const id = await this.#host.store.open();
    const stored = id === undefined ? undefined : await this.#host.store.read(id);
    if (stored) this.#open = this.#answering(stored);
    this.#draft.restart(this.#host.automatic());
  }

  #exclusively(action: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(action);
    this.#queue = done.catch(() => {});
    return done;
  }

  #change(action: (open: Answering) => void): Promise<void> {
    return this.#exclusively(async () => action(await this.#current()));
  }

  async #edit(messageId: string, text: string): Promise<void> {
    const before = picturesIn(this.#open.conversation);
    await this.#change((open) => open.edit(messageId, text));
    await this.#host.pictureStore.deleteUnused(before);
  }

  /**
   * The open conversation, with no answer being written. Takes over a newer state that another window has stored. If
   * another window has deleted it, it is still shown here, and continuing it saves it again.
   */
  async #current(): Promise<Answering> {
    const open = this.#open;
    await open.stop();
    const { id, changedMs } = open.conversation;
    const stored = this.#conversations.isSaved(id) ? await this.#conversations.read(id) : undefined;
    if (stored && stored.changedMs > changedMs) {
      open.replace(stored);
      this.showState();
    }
    return open;
  }

  async #sendDraft(text: string): Promise<void> {
    if (text.trim() === '') return;
    await this.#draft.complete();
    await this.#send(text, this.#draft.attachments);
    this.#draft.next(this.#host.automatic());
  }

  async #send(text: string, attachments: readonly Attachment[]): Promise<void> {
    const open = await this.#current();
    const isFirst = open.conversation.turns.length === 0;
    open.ask(text, attachments);
    // The first question gives the conversation its name.
    if (isFirst) this.showState();
    this.#remember(open.conversation.id);
  }

  async #openStored(id: string): Promise<void> {
    if (id === this.#open.conversation.id) return this.showState();
    const conversation = await this.#conversations.read(id);
    if (!conversation) throw new Error(this.#host.t('This chat no longer exists.'));
    await this.#show(conversation);
  }

  /** Stops an answer that is being written in the previous conversation; its text is kept. */
  async #show(conversation: Conversation): Promise<void> {
    await this.#open.stop();
    this.#open = this.#answering(conversation);
    this.#remember(conversation.id);
    this.#draft.restart(this.#host.automatic());
    this.showState();
  }

  async #rename(id: string, typed: string): Promise<void> {
    const title = typed.replace(/\s+/g, ' ').trim();
    if (title === '') return;
    if (id === this.#open.conversation.id) {
      const open = this.#open.isWriting ? this.#open : await this.#current();
      open.rename(title);
      this.showState();
    } else {
      const stored = await this.#conversations.read(id);
      if (stored) this.#conversations.save({ ...stored, title, changedMs: this.#host.nowMs() });
    }
  }

  /** Returns whether the conversation is deleted. */
  async #delete(id: string): Promise<boolean> {
    const { t, actions } = this.#host;
    const conversation = await this.#read(id);
    if (!conversation) return true;
    if (!(await actions.confirm(t('Permanently delete “{0}”?', this.#titleOf(conversation)), t('Delete'))))
      return false;
    await this.#exclusively(async () => {
      if (id === this.#open.conversation.id) await this.#show(this.#empty());
      await this.#conversations.remove(id);
      actions.closed(id);
      await this.#host.pictureStore.deleteUnused(picturesIn(conversation));
    });
    return true;
  }

  async #export(id: string): Promise<void> {
    const conversation = await this.#read(id);
    if (!conversation || conversation.turns.length === 0) {
      throw new Error(this.#host.t('There is nothing to export yet.'));
    }
    await this.#host.actions.saveAs(exported({ ...conversation, title: this.#titleOf(conversation) }, this.#host));
  }

  async #list(page: Page, query = this.#queries.get(page) ?? ''): Promise<void> {
    this.#queries.set(page, query);
    page.post({ type: 'conversations', query, conversations: await this.#entries(query) });
  }

  async #entries(query: string): Promise<ConversationEntry[]> {
    const { nowMs, language } = this.#host;
    return entries(await this.#conversations.all(), query, { ms: nowMs(), language });
  }

  async #code(block: Extract<FromPage, { type: 'code' }>, page: Page): Promise<void> {
    const files = new Set(linksOf(this.#open.conversation).sources);
    const sentence = await this.#host.actions.code(block, [...files]);
    if (sentence !== '') page.post({ type: 'notice', text: sentence });
  }

  async #copy(messageId: string): Promise<void> {
    const message = pageMessages(this.#open.conversation).find(({ id }) => id === messageId);
    if (message) await this.#host.actions.copy(message.text);
  }

  /** Only what the conversation or the draft contains may be opened; the page's word alone opens nothing. */
  #mayOpen(uri: string): boolean {
    const { sources, chips } = linksOf(this.#open.conversation);
    return [...sources, ...chips, ...this.#draft.chips.map((chip) => chip.uri)].includes(uri);
  }

  async #read(id: string): Promise<Conversation | undefined> {
    const { conversation } = this.#open;
    return id === conversation.id ? conversation : this.#conversations.read(id);
  }

  /** Sends messages to the visible page, or else to the next one. */
  #give(...messages: ToPage[]): void {
    this.#forPage.push(...messages);
    const page = this.#host.pages.newest;
    if (page) for (const message of this.#forPage.splice(0)) page.post(message);
  }

  #situation(): ReturnType<DraftHost['situation']> {
    const contextLength = this.#host.contextLength();
    // Without a visible page, nobody sees the numbers.
    if (contextLength === 0 || !this.#host.pages.newest) return undefined;
    return { ...this.#open.situation(), maxTokens: this.#host.settings().maxTokens };
  }

  #state(): PageState {
    const { conversation } = this.#open;
    const { texts, engine, colors, trusted } = this.#host;
    return {
      conversationId: conversation.id,
      title: this.#titleOf(conversation),
      messages: pageMessages(conversation),
      chips: this.#draft.chips,
      contextUse: this.#draft.contextUse,
      engine: engine(),
      colors: colors(),
      texts,
      trusted: trusted(),
    };
  }

  #titleOf({ title }: Conversation): string {
    return title || this.#host.t('New chat');
  }

  #empty(): Conversation {
    return emptyConversation(this.#host.newId(), this.#host.nowMs());
  }

  /** Creates an answering whose messages reach the pages only while its conversation is open. */
  #answering(conversation: Conversation): Answering {
    const { pages } = this.#host;
    const ifOpen = (tell: () => void): void => {
      if (this.#open === answering) tell();
    };
    const answering: Answering = new Answering(
      this.#host,
      {
        message: (message) => ifOpen(() => pages.post({ type: 'message', message })),
        part: (messageId, text) => ifOpen(() => pages.part(messageId, text)),
        notice: (text) => pages.post({ type: 'notice', text }),
        save: (changed) => this.#conversations.save(changed),
        ended: () => ifOpen(() => this.#draft.refresh()),
      },
      conversation,
    );
    return answering;
  }

  /** Remembers the open conversation for the next start; a failure does little harm. */
  #remember(id: string): void {
    this.#host.store.rememberOpen(id).catch((error: unknown) => this.#host.log(String(error)));
  }
}
