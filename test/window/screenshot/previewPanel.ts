/** The preview of Screenshot to Code in a window, and how to get there. */
import type { FrameLocator, Locator } from 'playwright-core';
import { until } from '../vscode.ts';
import type { EditorWindow } from '../window.ts';

export class PreviewPanel {
  readonly #window: EditorWindow;
  readonly #frame: FrameLocator;

  private constructor(window: EditorWindow, frame: FrameLocator) {
    this.#window = window;
    this.#frame = frame;
  }

  /** Starts from a picture's context menu in the explorer, and waits for the panel. */
  static async open(window: EditorWindow, picture: string, target: string): Promise<PreviewPanel> {
    const { page } = window;
    await window.press('Control+Shift+e');
    const row = page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${picture}"]`);
    await row.click({ button: 'right' });
    // A click that comes too soon after the menu is ignored.
    await page.getByRole('menuitem', { name: 'Screenshot to Code' }).hover();
    await page.keyboard.press('Enter');
    const targets = page.locator('.quick-input-list .monaco-list-row');
    await targets.filter({ hasText: target }).first().click();
    return PreviewPanel.find(window);
  }

  /** The panel that is shown. */
  static async find(window: EditorWindow): Promise<PreviewPanel> {
    let found: Locator | undefined;
    await until(async () => {
      // The chat's page, which decodes the picture, is a webview too.
      for (const outer of await window.page.locator('iframe.webview').all()) {
        const stage = outer.contentFrame().frameLocator('#active-frame').locator('.stage');
        if ((await stage.count().catch(() => 0)) > 0) found = outer;
      }
      return found !== undefined;
    }, 'the preview did not show');
    return new PreviewPanel(window, found!.contentFrame().frameLocator('#active-frame'));
  }

  locator(selector: string, options?: { hasText?: string }): Locator {
    return this.#frame.locator(selector, options);
  }
  button(name: string): Locator {
    return this.#frame.getByRole('button', { name, exact: true });
  }
  label(name: string): Locator {
    return this.#frame.getByLabel(name);
  }
  /** The written code, rendered. */
  get result(): FrameLocator {
    return this.#frame.frameLocator('.frame iframe:not(.coming)');
  }

  /** Closes the tab of the panel. */
  async close(): Promise<void> {
    await this.#window.page.locator('.tab[aria-label^="Preview of"] .action-label[aria-label^="Close"]').click();
    await this.#frame.locator('.stage').waitFor({ state: 'detached' });
  }

  async awaitStatus(text: string): Promise<void> {
    await this.#frame.getByRole('status').filter({ hasText: text }).waitFor();
  }

  /** The text of the document beside the panel. */
  async code(): Promise<string> {
    return this.#window.page.evaluate(() => {
      const shown = Array.from(document.querySelectorAll<HTMLElement>('.view-lines .view-line'));
      const sorted = shown.sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top));
      return sorted.map((line) => line.textContent!.replaceAll('\u00a0', ' ')).join('\n');
    });
  }
}
