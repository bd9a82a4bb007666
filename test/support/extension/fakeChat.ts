/** A chat without VS Code and without a model: the test dictates answers and inspects pages and files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChatPart, ChatResult, FitResult, ImageCost } from '../../../engine/wire/protocol.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { createPictures } from '../../../extension/chat/chatPictures.ts';
import { ChatController } from '../../../extension/chat/controller.ts';
import type { Actions, ControllerHost } from '../../../extension/chat/controllerHost.ts';
import { type Page, Pages } from '../../../extension/chat/page/pages.ts';
import type { Attachment, ContextReader, Source } from '../../../extension/chat/context/attachment.ts';
import type { Translate } from '../../../extension/common/translate.ts';
import type { ChatModel } from '../../../extension/engine/engine.ts';
import type { Conversation } from '../../../extension/chat/conversation/conversation.ts';
import { ConversationStore } from '../../../extension/chat/conversation/conversationStore.ts';
import { until } from '../until.ts';
import { fakeFit, type FakeFitRule } from '../engine/fakeFit.ts';
import type { EngineView, FromPage, PageMessage, PageState, ToPage } from '../../../webview/protocol.ts';

/** Settings of a user who leaves the sampling to the model. */
export const MODELS_OWN = { temperature: null, topP: null, topK: null, repetitionPenalty: null };

type Request = Parameters<ChatModel['chat']>[0];

/** How the model answers a question. */
export interface Scripted {
  /** Said before the parts. */
  thoughts?: string[];
  parts?: string[];
  stop?: ChatResult['stop'];
  kept?: number;
  /** Rejects with this after the parts. */
  fail?: EngineFailure;
  /** Waits after the parts until it is cancelled. */
  hang?: boolean;
}

export class FakeModel implements ChatModel {
  /** All requests so far; the last question of each contains its sources. */
  readonly requests: Omit<Request, 'sources'>[] = [];
  readonly fits: Parameters<ChatModel['fit']>[0][] = [];
  contextLength = 1000;
  /** Number of characters that remain of a source. */
  room = Infinity;
  /** Number of messages that the window drops. */
  dropped = 0;
  /** What each picture takes; empty where the model sees none. */
  costs: ImageCost[] = [];
  /** Said before the answer. */
  progress: Extract<ChatPart, { type: 'progress' }>[] = [];
  /** Number of answers being written. */
  running = 0;
  script: (request: Omit<Request, 'sources'>) => Scripted = () => ({ parts: ['An ', 'answer.'] });

  async chat(...call: Parameters<ChatModel['chat']>): Promise<ChatResult> {
    this.running++;
    try {
      return await this.#answer(...call);
    } finally {
      this.running--;
    }
  }

  async #answer(
    { sources, ...rest }: Request,
    signal: AbortSignal,
    onPart: (part: ChatPart) => void,
  ): Promise<ChatResult> {
    const request = structuredClone(rest);
    if (sources) {
      const fitted = fakeFit({ ...rest, sources }, this.#rule);
      const images = request.messages.at(-1)!.content.filter(({ type }) => type === 'image');
      request.messages.splice(-1, 1, { role: 'user', content: [...images, { type: 'text', text: fitted.question }] });
      onPart({ type: 'fitted', ...fitted });
    }
    this.requests.push(request);
    const { thoughts = [], parts = [], stop = 'end', kept, fail, hang = false } = this.script(request);
    const cancelled = new EngineFailure({ kind: 'cancelled', message: 'The call was cancelled.' });
    for (const part of this.progress) onPart(part);
    for (const text of thoughts) onPart({ type: 'thought', text });
    for (const text of parts) {
      await delay(0);
      if (signal.aborted) throw cancelled;
      onPart({ type: 'text', text });
    }
    if (fail) throw fail;
    if (hang) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      throw cancelled;
    }
    const statistics = { tokensReused: 3400, tokensPrefilled: 12, tokensGenerated: 30, prefillMs: 1, decodeMs: 2000 };
    return { ...statistics, stop, messagesDropped: this.dropped, ...(kept === undefined ? {} : { kept }) };
  }

  async fit(request: Parameters<ChatModel['fit']>[0]): Promise<FitResult> {
    this.fits.push(structuredClone(request));
    return fakeFit(request, this.#rule).fit;
  }

  likelihoods(): Promise<number[]> {
    return Promise.resolve([]);
  }

  imageCosts(): Promise<ImageCost[]> {
    return Promise.resolve(this.costs);
  }

  countTokens(texts: string[]): Promise<number[]> {
    return Promise.resolve(texts.map((text) => text.length));
  }

  get #rule(): FakeFitRule {
    const keep = (text: string): ReturnType<FakeFitRule['keep']> => {
      const kept = text.slice(0, this.room);
      return { text: kept, lines: kept === '' ? [] : [[1, kept.split('\n').length]] };
    };
    return { contextLength: this.contextLength, count: (text) => text.length, keep, messagesDropped: this.dropped };
  }
}

/** Files by address; @project finds a file that is named like the question. */
export class FakeReader implements ContextReader {
  readonly files = new Map([['file:///w/a.ts', 'const a = 1;\nconst b = 2;']]);
  readonly questions: string[] = [];

  async read(attachment: Attachment, question: string): Promise<Source[]> {
    this.questions.push(question);
    if (attachment.kind === 'folder') return [...this.files.keys()].map((uri) => this.#source(uri));
    return [this.#source('uri' in attachment && attachment.uri ? attachment.uri : 'file:///w/a.ts')];
  }

  chip(attachment: Attachment): ReturnType<ContextReader['chip']> {
    if (attachment.kind === 'picture') {
      const { kind, name, hash, width, height, mostCrops } = attachment;
      const picture = { hash, width, height, costs: [], ...(mostCrops && { mostCrops }) };
      return { kind, label: name, detail: name, picture };
    }
    const uri = 'uri' in attachment ? attachment.uri : undefined;
    return { kind: attachment.kind, label: uri ?? attachment.kind, detail: 'all of it', ...(uri && { uri }) };
  }

  #source(uri: string): Source {
    const text = this.files.get(uri);
    if (text === undefined) throw new Error(`${uri} cannot be read.`);
    return { name: uri.replace('file:///w/', ''), text, uri, firstLine: 1 };
  }
}

/** A page that records the messages of the host, and keeps its state as the real one does. */
export class FakePage implements Page {
  readonly told: ToPage[] = [];
  state: PageState | undefined;

  post(message: ToPage): void {
    this.told.push(structuredClone(message));
    const { state } = this;
    if (message.type === 'state') this.state = structuredClone(message.state);
    if (!state) return;
    if (message.type === 'chips') Object.assign(state, { chips: message.chips, contextUse: message.contextUse });
    if (message.type === 'message') {
      const at = state.messages.findIndex(({ id }) => id === message.message.id);
      state.messages = [...(at < 0 ? state.messages : state.messages.slice(0, at)), structuredClone(message.message)];
    }
    if (message.type === 'part') {
      const last = state.messages.at(-1)!;
      if (last.id !== message.messageId) throw new Error('A part came for another message than the last.');
      last.text += message.text;
    }
  }

  get last(): PageMessage {
    return this.state!.messages.at(-1)!;
  }
  get notices(): string[] {
    return this.told.flatMap((message) => (message.type === 'notice' ? [message.text] : []));
  }
  /** The conversation as lines: "user: Why?". */
  get shown(): string[] {
    return this.state!.messages.map(({ role, text }) => `${role}: ${text}`);
  }
}

/** Knows how many conversations it is writing. */
class CountingStore extends ConversationStore {
  writing = 0;

  override async write(conversation: Conversation): Promise<void> {
    this.writing++;
    try {
      await super.write(conversation);
    } finally {
      this.writing--;
    }
  }
}

const t: Translate = (message, ...values) =>
  message.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)]));

export class FakeChat {
  readonly model = new FakeModel();
  readonly reader = new FakeReader();
  readonly pages = new Pages();
  readonly page = new FakePage();
  /** Everything that VS Code was asked to do. */
  readonly asked: string[] = [];
  readonly host: ControllerHost;
  readonly #store: CountingStore;
  controller: ChatController;
  automatic: Attachment | undefined;
  instructions: Attachment[] = [];
  engine: EngineView = {
    kind: 'ready',
    text: 'fake',
    fraction: 0,
    remedies: [],
    advice: '',
    place: 'Local only',
    sent: '',
    goes: '',
  };
  settings: ReturnType<ControllerHost['settings']> = { maxTokens: 100, sampling: MODELS_OWN };
  manner: ReturnType<ControllerHost['manner']> = {};
  loaded = true;
  confirms = true;
  /** Addresses of the files that the user picks. */
  picked: string[] = [];
  /** Contents of picture files by address. */
  readonly pictureFiles = new Map<string, Uint8Array<ArrayBuffer>>();
  nowMs = 1_000_000;
  #ids = 0;
  #seeds = 0;

  constructor(
    readonly folder = mkdtempSync(join(tmpdir(), 'airgap-chat-')),
    prefix = 'id',
  ) {
    this.#store = new CountingStore(folder, (files) => this.asked.push(`unreadable ${files.length}`));
    this.host = {
      model: this.model,
      reader: this.reader,
      pages: this.pages,
      store: this.#store,
      actions: this.#actions(),
      texts: { Send: 'Senden' },
      language: 'en',
      t,
      settings: () => this.settings,
      instruct: async (text, attached) =>
        text.startsWith('/explain')
          ? { instruction: 'Explain.', attachments: [{ kind: 'file', uri: 'file:///w/a.ts' }] }
          : { instruction: text, attachments: attached },
      manner: () => this.manner,
      engine: () => this.engine,
      ...createPictures({
        folder: join(folder, 'pictures'),
        pages: this.pages,
        t,
        readFile: async (uri) => {
          const data = this.pictureFiles.get(uri);
          if (!data) throw new Error(`${uri} cannot be read.`);
          return { name: uri.split('/').at(-1)!, data };
        },
        reveal: async () => void this.asked.push('reveal'),
        controller: () => this.controller,
      }),
      seesPictures: () => this.model.costs.length > 0,
      contextLength: () => (this.loaded ? this.model.contextLength : 0),
      colors: () => ({}),
      trusted: () => true,
      automatic: () => [...this.instructions, ...(this.automatic ? [this.automatic] : [])],
      newId: () => `${prefix}${++this.#ids}`,
      seed: () => ++this.#seeds,
      nowMs: () => this.nowMs,
      log: (message) => this.asked.push(`log ${message}`),
      pauseMs: 0,
    };
    this.controller = new ChatController(this.host);
  }

  /** Shows the page. */
  async open(): Promise<this> {
    await this.say({ type: 'ready' });
    return this;
  }

  say(message: FromPage, page: Page = this.page): Promise<void> {
    return this.controller.handle(message, page);
  }

  /** Asks a question and waits for the answer. */
  async send(text: string): Promise<PageMessage> {
    await this.say({ type: 'send', text });
    return this.answered();
  }

  /** Waits until the answer is complete, and on the disk. */
  async answered(): Promise<PageMessage> {
    await until(() => this.page.last.status !== 'writing' && this.#store.writing === 0);
    return this.page.last;
  }

  async remove(): Promise<void> {
    await this.controller.dispose();
    this.pages.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #actions(): Actions {
    const note = async (text: string): Promise<void> => void this.asked.push(text);
    return {
      reveal: () => note('reveal'),
      confirm: async (question) => {
        this.asked.push(question);
        return this.confirms;
      },
      saveAs: ({ name, text, copies }) =>
        note([`save ${name}\n${text}`, ...copies.map(({ from, to }) => `${from} -> ${to}`)].join('\n')),
      pickPictures: async () => {
        this.asked.push('pick');
        return this.picked;
      },
      dropped: async (uri) => ({ kind: uri.endsWith('/') ? 'folder' : 'file', uri }),
      copy: (text) => note(`copy ${text}`),
      openSource: (uri, line) => note(`open ${uri}:${line}`),
      openLink: (href) => note(`link ${href}`),
      run: (command) => note(command),
      code: async ({ action, code }, sources) => {
        this.asked.push(`${action} ${code} ${sources.join()}`);
        return code === 'bad' ? 'It has no place.' : '';
      },
      suggest: async (text) => [{ id: 's1', insert: '', label: text, detail: '', kind: 'file', more: false }],
      attachment: async () => ({ kind: 'file', uri: 'file:///w/a.ts' }),
      closed: (id) => void this.asked.push(`closed ${id}`),
    };
  }
}

/** Creates chats, and removes all of them. */
export function fakeChats() {
  const chats: FakeChat[] = [];
  const create = (...args: ConstructorParameters<typeof FakeChat>): FakeChat => {
    const chat = new FakeChat(...args);
    chats.push(chat);
    return chat;
  };
  return {
    create,
    open: (...args: ConstructorParameters<typeof FakeChat>): Promise<FakeChat> => create(...args).open(),
    removeAll: async (): Promise<void> => {
      for (const chat of chats.splice(0)) await chat.remove();
    },
  };
}
