/** A user at a real window whose chat and completions are a server's: types, asks, and often changes their mind. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mulberry32 } from '../../engine/inference/random.ts';
import type { RemoteServer } from '../../extension/remote/server.ts';
import { ANSWERED } from '../support/remote/prompts.ts';
import { ChatPage } from '../window/chatPage.ts';
import { until, VsCode } from '../window/vscode.ts';
import { EditorWindow } from '../window/window.ts';

const BEGUN = [
  'const total = ',
  'for (const name of names) console.log(',
  'function add(a: number, b: number) { return ',
  'if (names.length > ',
  'const longest = names.reduce(',
];
/** Between two keys, so that most have a request that the next key cancels. */
const KEY_MS = 120;
/** Until the last key's request is on its way; also until its grey text is drawn. */
const SETTLED_MS = 500;
const QUESTIONS_OF_A_CHAT = 4;
/** The server is busy with everybody. */
const ANSWER_LIMIT_MS = 150_000;
const HOOK = join(process.cwd(), 'test/remote/heapOfExtensions.cjs');
const STATUS = '.statusbar-item[id^="airgap.airgap."]';

export class LoadWindow implements AsyncDisposable {
  readonly counts = { answered: 0, stopped: 0, lines: 0, shown: 0 };
  readonly #draw: () => number;
  readonly #logs: string;

  private constructor(
    readonly vscode: VsCode,
    readonly window: EditorWindow,
    readonly chat: ChatPage,
    { seed, logs }: { seed: number; logs: string },
  ) {
    this.#logs = logs;
    this.#draw = mulberry32(seed);
  }

  static async open({ url, model }: RemoteServer, seed: number): Promise<LoadWindow> {
    const logs = mkdtempSync(join(tmpdir(), 'airgap-heap-'));
    const vscode = await VsCode.start({
      env: { NODE_OPTIONS: `--require=${HOOK}`, AIRGAP_HEAP_LOG: join(logs, 'heap') },
      files: { 'names.ts': "const names = ['Ann', 'Bob'];\n\n" },
      settings: {
        ...{ 'airgap.remote.url': url, 'airgap.remote.model': model, 'airgap.remote.use': 'chatAndCompletions' },
        ...{ 'airgap.chat.maxTokens': 24, 'airgap.completion.maxTokens': 16, 'airgap.completion.multiline': 'never' },
      },
    });
    const window = await EditorWindow.open(vscode);
    await window.openFile('names.ts', 1, 1);
    await window.awaitStatus(/Ready\. Model: \S+ Backend: server/);
    await window.command('Airgap: Ask');
    return new LoadWindow(vscode, window, await ChatPage.find(window.page), { seed, logs });
  }

  /** Rejects where an answer or a completion is lost. */
  async work(endMs: number): Promise<void> {
    for (let round = 0; performance.now() < endMs; round++) {
      await this.#typeLine();
      if (round % QUESTIONS_OF_A_CHAT === 0) await this.#newChat();
      await this.#ask(this.#pick(ANSWERED), this.#draw() < 1 / 3);
    }
  }

  summary(): string {
    const { answered, stopped, lines, shown } = this.counts;
    const requests = this.vscode.log().match(/POST \S+\/completions: \w+/g) ?? [];
    const cancelled = requests.filter((request) => request.endsWith('cancelled'));
    return `${answered} answers, ${stopped} stopped, ${lines} lines typed, ${shown} with grey text; ${requests.length} requests, ${cancelled.length} cancelled before an answer began`;
  }

  /** Of the extension host: its heap without garbage, every 10 s, and its RSS now. */
  megabytes(): { heap: number[]; rss: number } {
    const lines = readFileSync(join(this.#logs, 'heap'), 'utf8').trim().split('\n');
    const samples = lines.map((line) => line.split(' ').map(Number) as [heap: number, rss: number]);
    return { heap: samples.map(([heap]) => heap), rss: samples.at(-1)![1] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.window[Symbol.asyncDispose]();
    await this.vscode[Symbol.asyncDispose]();
    rmSync(this.#logs, { recursive: true });
  }

  /** Above those of before. */
  async #typeLine(): Promise<void> {
    const { window, counts } = this;
    await window.goTo(2, 1);
    await window.press('Enter');
    await window.press('ArrowUp');
    await window.page.keyboard.type(this.#pick(BEGUN), { delay: KEY_MS });
    await delay(SETTLED_MS);
    const works = window.page.locator(`${STATUS} .codicon-loading`);
    await until(async () => (await works.count()) === 0, 'a completion is lost', ANSWER_LIMIT_MS);
    if (!/Ready\./.test(await window.status())) throw new Error(await window.status());
    counts.lines++;
    await delay(SETTLED_MS);
    if ((await window.ghostText()) === '') return;
    counts.shown++;
    await window.press(this.#draw() < 0.5 ? 'Tab' : 'Escape');
  }

  async #newChat(): Promise<void> {
    await this.chat.button('New chat').click();
    await until(async () => (await this.chat.texts.count()) === 0, 'no new chat');
  }

  async #ask(question: string, stops: boolean): Promise<void> {
    const { chat, counts } = this;
    const before = await chat.texts.count();
    await chat.ask(question);
    await until(async () => (await chat.texts.count()) === before + 2, `${question} was not asked`);
    const stop = chat.button('Stop');
    if (stops) {
      await until(
        async () => (await chat.texts.last().innerText()) !== '' || (await stop.count()) === 0,
        `${question} has no answer`,
        ANSWER_LIMIT_MS,
      );
      // It may have ended meanwhile.
      await stop.click({ timeout: 1000 }).catch(() => {});
    }
    await chat.button('Send').waitFor({ timeout: ANSWER_LIMIT_MS });
    const last = await chat.locator('.message.assistant').last().innerText();
    if (last.includes('Stopped.')) counts.stopped++;
    else if (/[1-9]\d* generated/.test(last)) counts.answered++;
    else throw new Error(`${question}: ${last}`);
  }

  #pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.#draw() * all.length)]!;
  }
}
