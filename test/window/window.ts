/** A VS Code window, driven as a user does: keys, clicks, and what is to be seen. */
import { readFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { type VsCode, until } from './vscode.ts';

/** A window takes 6 s alone on two cores, and half a minute under load. */
const OPEN_LIMIT_MS = 90_000;
const STATUS_ITEM = '.statusbar-item[id^="airgap.airgap."]';
const EDITOR = '.editor-group-container.active .monaco-editor';

export class EditorWindow implements AsyncDisposable {
  readonly #vscode: VsCode;

  private constructor(
    readonly page: Page,
    vscode: VsCode,
  ) {
    this.#vscode = vscode;
  }

  /** Opens a window and waits until VS Code knows the extension. */
  static async open(vscode: VsCode): Promise<EditorWindow> {
    const page = await vscode.openPage();
    // A view that opens for the first time takes half a minute on a busy machine.
    page.setDefaultTimeout(OPEN_LIMIT_MS);
    await page.waitForSelector('.monaco-workbench .statusbar-item');
    // What the extension adds to menus and the palette comes with it; a menu that opens before lacks it.
    await page.waitForSelector('.activitybar a.action-label[aria-label^="Airgap"]', { state: 'attached' });
    return new EditorWindow(page, vscode);
  }

  /** Opens a file of the folder with the cursor at the line and column (from 1), and focus in the text. */
  async openFile(name: string, line: number, column: number): Promise<void> {
    await this.page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).dblclick();
    await this.page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);
    await this.goTo(line, column);
  }

  /** Focuses the text and moves the cursor to the line and column (from 1). */
  async goTo(line: number, column: number): Promise<void> {
    await this.page.locator(`${EDITOR} .view-lines`).click();
    await this.page.waitForSelector(`${EDITOR}.focused`);
    await this.page.keyboard.press('Control+g');
    await this.page.waitForSelector('.quick-input-widget .quick-input-box input:focus');
    await this.page.keyboard.type(`${line}:${column}`);
    await this.page.keyboard.press('Enter');
    await this.page.waitForFunction(
      (label) => document.querySelector('[id="status.editor.selection"]')?.textContent?.includes(label),
      `Ln ${line}, Col ${column}`,
    );
    // A key that comes before the input has closed is lost.
    await this.page.waitForSelector('.quick-input-widget', { state: 'hidden' });
    await this.page.waitForSelector(`${EDITOR}.focused`);
  }

  type(text: string): Promise<void> {
    return this.page.keyboard.type(text);
  }

  press(key: string): Promise<void> {
    return this.page.keyboard.press(key);
  }

  /** Runs a command by its title in the palette. */
  async command(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input').first();
    // A window that has just been loaded may miss a key.
    const opened = async (): Promise<boolean> => {
      await this.page.keyboard.press('F1');
      return input.waitFor({ timeout: 5000 }).then(
        () => true,
        () => false,
      );
    };
    await until(opened, 'the palette does not open');
    await this.page.keyboard.type(title);
    await this.page.locator(`.quick-input-list .monaco-list-row[aria-label*="${title}"]`).first().click();
  }

  /** Clicks an entry of the menu that is open. */
  async chooseFromMenu(title: string): Promise<void> {
    const item = this.page.locator('.monaco-menu .action-label', { hasText: title });
    await item.hover();
    // A menu ignores clicks that come too soon after it has opened.
    await until(async () => (await item.count()) === 0 || (await item.click(), false), 'the menu stays open');
  }

  /** Answers the dialog in which VS Code in the browser asks for a file; without a path, with what it proposes. */
  async acceptFileDialog(path?: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    // The palette may still be open, and the dialog writes the folder into its input some time after it has opened.
    await until(async () => (await input.inputValue()).startsWith('/'), 'the file dialog does not open');
    const closed = async (): Promise<boolean> => {
      if (path !== undefined) await input.fill(path);
      await input.press('Enter');
      return input.waitFor({ state: 'hidden', timeout: 5000 }).then(
        () => true,
        () => false,
      );
    };
    await until(closed, 'the file dialog stays open');
  }

  /** The notification that has this text, in the notification centre: VS Code's test driver suppresses toasts. */
  async notification(text: string): Promise<Locator> {
    const item = this.page.locator('.notifications-center .notification-list-item', { hasText: text });
    const shown = this.page.locator('.notifications-center.visible');
    await until(
      async () => {
        if ((await shown.count()) === 0) await this.page.locator('[id="status.notifications"] a').click();
        return item.isVisible();
      },
      `there is no notification ${JSON.stringify(text)}`,
    );
    return item;
  }

  /** The grey text, or '' where there is none. Lines after the first are drawn apart from the document's own. */
  ghostText(): Promise<string> {
    return this.page.evaluate((editor) => {
      const lines = new Map<Element | null, string>();
      for (const [selector, line] of [
        // `-preview`: what follows an entry that is selected in the suggest widget.
        ['.ghost-text-decoration, .ghost-text-decoration-preview', () => null],
        ['.ghost-text:not([class*="ghost-text-decoration"])', (part: Element) => part.parentElement],
      ] as const) {
        for (const part of Array.from(document.querySelector(editor)?.querySelectorAll(selector) ?? [])) {
          lines.set(line(part), (lines.get(line(part)) ?? '') + part.textContent);
        }
      }
      return [...lines.values()].join('\n').replaceAll('\u00a0', ' ');
    }, EDITOR);
  }

  /** Presses a key where no grey text is shown. Gives the milliseconds until one is, as the page measures them. */
  async timeToGhostText(key: string): Promise<number> {
    const timer = await this.page.evaluateHandle((editor) => {
      const shown = new Promise<number>((resolve) => {
        const pressed = (): void => {
          const since = performance.now();
          const look = (): void => {
            const ghosts = Array.from(document.querySelectorAll(`${editor} [class*="ghost-text-decoration"]`));
            if (ghosts.some(({ textContent }) => textContent)) resolve(performance.now() - since);
            else requestAnimationFrame(look);
          };
          look();
        };
        globalThis.addEventListener('keydown', pressed, { capture: true, once: true });
      });
      return { shown };
    }, EDITOR);
    await this.page.keyboard.press(key);
    return timer.evaluate(({ shown }) => shown);
  }

  /** Waits until exactly this is the grey text. */
  async awaitGhostText(expected: string): Promise<void> {
    let seen = '';
    const matches = async () => (seen = await this.ghostText()) === expected;
    await until(matches, '').catch(() => {
      throw new Error(`The grey text is ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}.`);
    });
  }

  /** Waits until the lines that the active editor draws match, and gives them. */
  async awaitEditorText(pattern: RegExp): Promise<string> {
    let seen = '';
    const matches = async () => {
      seen = await this.page.evaluate((editor) => {
        const lines = Array.from(document.querySelectorAll<HTMLElement>(`${editor} .view-lines > .view-line`));
        const top = (line: HTMLElement) => parseFloat(line.style.top);
        return lines
          .sort((a, b) => top(a) - top(b))
          .map((line) => line.textContent)
          .join('\n');
      }, EDITOR);
      seen = seen.replaceAll('\u00a0', ' ');
      return pattern.test(seen);
    };
    await until(matches, '').catch(() => {
      throw new Error(`The editor shows ${JSON.stringify(seen)}, not ${String(pattern)}.`);
    });
    return seen;
  }

  /** Saves, and gives the file's text. */
  async savedText(name: string): Promise<string> {
    await this.page.keyboard.press('Control+s');
    await this.page.waitForSelector('.tab.active.dirty', { state: 'detached' });
    return readFileSync(this.#vscode.path(name), 'utf8');
  }

  /** The status bar item's text and, on the next lines, what a screen reader says of it. */
  status(): Promise<string> {
    return this.page
      .locator(STATUS_ITEM)
      .first()
      .evaluate((item) => `${item.textContent}\n${item.querySelector('a')?.getAttribute('aria-label')}`);
  }

  /** Starts recording what a screen reader says about the status bar item. Returns the announcements in order. */
  async recordStatuses(): Promise<() => Promise<string[]>> {
    const said = await this.page.evaluateHandle((item) => {
      const texts: string[] = [];
      const note = () => {
        const text = document.querySelector(`${item} a`)?.getAttribute('aria-label') ?? '';
        if (text !== texts.at(-1)) texts.push(text);
      };
      new MutationObserver(note).observe(document.body, {
        attributeFilter: ['aria-label'],
        childList: true,
        subtree: true,
      });
      return texts;
    }, STATUS_ITEM);
    return () => said.jsonValue();
  }

  /** Waits until the status bar item says something that matches, and gives all it says. */
  async awaitStatus(pattern: RegExp): Promise<string> {
    let said = '';
    const matches = async () => pattern.test((said = await this.status()));
    await until(matches, '').catch(() => {
      throw new Error(`The status bar says ${JSON.stringify(said)}, not ${String(pattern)}.`);
    });
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}
