/** The chat's page in a window, driven by keys and clicks. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { until } from './vscode.ts';

/** Folder for the tests' screenshots, for people to look at; git ignores it. */
const SHOTS = 'dist/shots';
const OPEN_LIMIT_MS = 60_000;

export class ChatPage {
  readonly #page: Page;
  readonly #frame: FrameLocator;

  private constructor(page: Page, frame: FrameLocator) {
    this.#page = page;
    this.#frame = frame;
  }

  /** The page that is there or about to be; views and tabs are counted as VS Code has made them. */
  static async find(page: Page, index = 0): Promise<ChatPage> {
    const outer = page.locator('iframe.webview').nth(index);
    const chat = new ChatPage(page, outer.contentFrame().frameLocator('#active-frame'));
    await chat.composer.waitFor({ timeout: OPEN_LIMIT_MS });
    return chat;
  }

  get composer(): Locator {
    return this.#frame.locator('#composer');
  }
  get title(): Locator {
    return this.#frame.locator('header h1');
  }
  /** The messages' own texts, in their order. */
  get texts(): Locator {
    return this.#frame.locator('.question, .markdown');
  }
  locator(selector: string): Locator {
    return this.#frame.locator(selector);
  }
  button(name: string | RegExp): Locator {
    return this.#frame.getByRole('button', { name, exact: typeof name === 'string' });
  }

  /** Types behind what stands in the input. */
  async type(text: string): Promise<void> {
    await this.composer.focus();
    await this.composer.press('End');
    await this.composer.pressSequentially(text);
  }

  press(key: string): Promise<void> {
    return this.composer.press(key);
  }

  clear(): Promise<void> {
    return this.composer.fill('');
  }

  async ask(question: string): Promise<void> {
    await this.composer.fill(question);
    await this.composer.press('Enter');
  }

  /** Asks, waits for the end of the answer, and gives everything that is said. */
  async answerTo(question: string): Promise<string> {
    const before = await this.texts.count();
    await this.ask(question);
    await until(async () => (await this.texts.count()) === before + 2, `${question} was not asked`);
    return this.finished();
  }

  /** Everything that is said, once nothing is being written. */
  async finished(): Promise<string> {
    await this.button('Send').waitFor();
    return this.said();
  }

  /** Everything that is said in the conversation. */
  said(): Promise<string> {
    return this.#frame.locator('main').innerText();
  }

  /** Waits until the conversation says something that matches. */
  async awaitText(pattern: RegExp): Promise<void> {
    await this.#await('chat says', () => this.said(), pattern);
  }

  /** The question's attachments: labels, tokens and cuts. */
  async chips(): Promise<string> {
    const texts = await this.#frame.locator('.composer .chip').allInnerTexts();
    return texts.map((text) => text.replace(/\s+/g, ' ').trim()).join(' ');
  }

  async awaitChips(pattern: RegExp): Promise<void> {
    await this.#await('chips are', () => this.chips(), pattern);
  }

  async removeChip(label: string): Promise<void> {
    await this.button(`Remove ${label}`).click();
  }

  /** Each with its detail. */
  async suggestions(): Promise<string[]> {
    const texts = await this.#frame.locator('#suggestions [role=option]').allInnerTexts();
    return texts.map((text) => text.replace(/\s+/g, ' ').trim());
  }

  /** Types, and waits until the selected suggestion matches. */
  async suggest(typed: string, pattern: RegExp): Promise<void> {
    await this.type(typed);
    await this.#await('first suggestion is', async () => (await this.suggestions())[0] ?? '', pattern);
  }

  /** Runs in the page, outside of its content security policy. */
  run<T>(inPage: (body: unknown, source: string) => T | Promise<T>, source: string): Promise<T> {
    return this.#frame.locator('body').evaluate(inPage as never, source) as Promise<T>;
  }

  async shot(name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true });
    await this.#page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  async #await(what: string, read: () => Promise<string>, pattern: RegExp): Promise<void> {
    let seen = '';
    // A read fails where VS Code makes the page anew, as it does when a view is shown again.
    const matches = async (): Promise<boolean> => pattern.test((seen = await read().catch(() => seen)));
    await until(matches, '').catch(() => {
      throw new Error(`The ${what} ${JSON.stringify(seen)}, not ${String(pattern)}.`);
    });
  }
}
