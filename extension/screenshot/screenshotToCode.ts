/** "Airgap: Screenshot to Code": choose a picture and what it becomes, see the code grow beside a preview. */
import * as vscode from 'vscode';
import { pickPictures } from '../pictures/pickPictures.ts';
import type { Picture, Pictures } from '../pictures/picture.ts';
import { mayReadProject, readProjectStyle } from './projectStyle.ts';
import { htmlTarget } from './prompts/html.ts';
import { projectTarget } from './prompts/project.ts';
import { reactTarget } from './prompts/react.ts';
import type { Target } from './prompts/target.ts';
import { ScreenshotSession, type SessionHost } from './session.ts';

export interface ScreenshotHost extends Omit<SessionHost, 'ended'> {
  readonly pictures: Pictures;
  /** Frees what the engine keeps for a session. */
  closed(sessionId: string): void;
}

export class ScreenshotToCode implements vscode.Disposable {
  readonly #host: ScreenshotHost;
  readonly #sessions = new Set<ScreenshotSession>();

  constructor(host: ScreenshotHost) {
    this.#host = host;
  }

  /** Runs the command, for `uri` if it is one. Rejects with a sentence for the user. */
  async run(uri?: unknown): Promise<void> {
    if (!(await this.#mayStart())) return;
    const chosen = uri instanceof vscode.Uri ? uri : (await pickPictures(vscode.l10n.t('Turn into Code'), false))[0];
    const target = chosen && (await this.#pickTarget());
    if (!chosen || !target) return;
    const picture = await this.#decode(chosen);
    if (picture) await this.#open(picture, target);
  }

  dispose(): void {
    for (const session of this.#sessions) session.dispose();
  }

  /** One model writes one answer at a time, and two that take turns would both seem to hang. */
  async #mayStart(): Promise<boolean> {
    const writing = [...this.#sessions].filter(({ isWriting }) => isWriting);
    if (writing.length === 0) return true;
    const { t } = vscode.l10n;
    const stop = t('Stop and Start Again');
    const text = t('Another screenshot is still being turned into code. Stop that, and start with the new one?');
    if ((await vscode.window.showWarningMessage(text, { modal: true }, stop)) !== stop) return false;
    for (const session of writing) session.stop();
    return true;
  }

  async #pickTarget(): Promise<Target | undefined> {
    const { t } = vscode.l10n;
    const excluded = this.#host.settings()['files.exclude'];
    const items: (vscode.QuickPickItem & { target(): Target | Promise<Target> })[] = [
      { label: t('HTML and CSS'), detail: t('One page without scripts'), target: htmlTarget },
      { label: t('React and TypeScript'), detail: t('One component with its styles'), target: reactTarget },
    ];
    if (mayReadProject()) {
      items.push({
        label: t('Like this project'),
        detail: t('Reads package.json and one component of this workspace: the open one, or the most typical'),
        target: async () => projectTarget(await readProjectStyle(excluded, new AbortController().signal)),
      });
    }
    const picked = await vscode.window.showQuickPick(items, { title: t('Turn the picture into') });
    return picked?.target();
  }

  /** Undefined if the user cancels. */
  #decode(uri: vscode.Uri): Thenable<Picture | undefined> {
    const title = vscode.l10n.t('Reading the picture');
    return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () =>
      this.#host.pictures.decode(uri),
    );
  }

  async #open(picture: Picture, target: Target): Promise<void> {
    const { pictures, closed } = this.#host;
    const ended = (sessionId: string): void => {
      closed(sessionId);
      void pictures.release(picture);
    };
    const session = await ScreenshotSession.open({ ...this.#host, ended }, picture, target, () =>
      this.#sessions.delete(session),
    );
    this.#sessions.add(session);
    await session.start();
  }
}
