/** One screenshot on its way to code: the document that is written, its preview, and the questions about it. */
import { randomInt, randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { FromPreview, PreviewState } from '../../webview/preview/protocol.ts';
import { errorMessage } from '../common/errorMessage.ts';
import { inform } from '../common/notice.ts';
import type { ChatModel } from '../engine/engine.ts';
import { samplingOf, samplingSettings } from '../engine/sampling.ts';
import type { Picture } from '../pictures/picture.ts';
import type { Settings } from '../settings.ts';
import { DocumentWriter } from './documentWriter.ts';
import { PreviewPanel } from './panel.ts';
import type { Target } from './prompts/target.ts';
import { firstTurns, refineTurns } from './prompts/turns.ts';
import { type Question, questionAbout, type QuestionHost } from './question.ts';
import { ending, progressText } from './statusTexts.ts';
import { type CodeRequest, writeCode } from './writeCode.ts';

export interface SessionHost extends Pick<QuestionHost, 'textIn'> {
  readonly extension: vscode.Uri;
  readonly model: ChatModel;
  settings(): Settings;
  /** Shows code as a change to a file of the workspace. Returns a sentence if it cannot. */
  addFile(path: string, code: string): Promise<string>;
  /** Frees what is kept for a session. */
  ended(sessionId: string, picture: Picture): void;
  log(message: string): void;
}

/** The preview follows the document at this distance: nobody sees more, and each time the page is laid out anew. */
const PREVIEW_MS = 300;

/** By the language of the document. */
const PREVIEWS: Readonly<Record<string, PreviewState['preview']>> = {
  html: 'html',
  typescriptreact: 'react',
  javascriptreact: 'react',
};

type Turns = Pick<CodeRequest, 'turns' | 'sources'>;

export class ScreenshotSession implements vscode.Disposable {
  readonly #host: SessionHost;
  readonly #picture: Picture;
  readonly #target: Target;
  readonly #id = `screenshot ${randomUUID()}`;
  readonly #panel: PreviewPanel;
  readonly #subscriptions: vscode.Disposable[];
  #document: vscode.TextDocument;
  /** The document's text; outlives it. */
  #code = '';
  #abort: AbortController | undefined;
  /** The first question, once it was answered: `text` is what the model saw of it. */
  #asked: { readonly question: Question; readonly text: string } | undefined;
  #status = '';
  #problem = false;
  #notes: readonly string[] = [];
  #scripts = false;
  #timer: NodeJS.Timeout | undefined;

  /** Opens an empty document with its preview beside it. `onEnd` is called once the preview is closed. */
  static async open(
    host: SessionHost,
    picture: Picture,
    target: Target,
    onEnd: () => void,
  ): Promise<ScreenshotSession> {
    const document = await openDocument(target.languageId, '');
    return new ScreenshotSession(host, picture, target, document, onEnd);
  }

  private constructor(
    host: SessionHost,
    picture: Picture,
    target: Target,
    document: vscode.TextDocument,
    onEnd: () => void,
  ) {
    this.#host = host;
    this.#picture = picture;
    this.#target = target;
    this.#document = document;
    const panelHost = {
      extension: host.extension,
      handle: (message: FromPreview) => this.#handle(message),
      closed: () => {
        this.dispose();
        onEnd();
      },
      log: (text: string) => host.log(text),
    };
    const title = vscode.l10n.t('Preview of {0}', picture.name);
    this.#panel = new PreviewPanel(panelHost, title, vscode.Uri.file(picture.file));
    this.#subscriptions = [
      vscode.workspace.onDidChangeTextDocument((event) => event.document === this.#document && this.#changed()),
      vscode.workspace.onDidCloseTextDocument(
        (closed) => closed === this.#document && this.stop(vscode.l10n.t('Stopped, because the document was closed.')),
      ),
    ];
  }

  get isWriting(): boolean {
    return this.#abort !== undefined;
  }

  /** Asks the first question, again too. */
  async start(): Promise<void> {
    await this.#write(async (signal) => {
      const question = await questionAbout(this.#picture, this.#target, this.#host, signal);
      this.#asked = { question, text: question.instruction };
      this.#notes = question.notes;
      return { turns: firstTurns(question.instruction, question.image), sources: question.sources };
    });
  }

  /** Stops within a token; what is written stays. */
  stop(why = vscode.l10n.t('Stopped. The code is incomplete.')): void {
    if (!this.#abort || this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#say(why, true);
  }

  dispose(): void {
    this.#abort?.abort();
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#panel.dispose();
    this.#host.ended(this.#id, this.#picture);
  }

  async #refine(words: string): Promise<void> {
    const asked = this.#asked;
    if (!asked || this.#code.trim() === '') return;
    const code = { text: this.#code, languageId: this.#target.languageId };
    await this.#write(() =>
      Promise.resolve({ turns: refineTurns(asked.text, asked.question.image, code, words), sources: [] }),
    );
  }

  /** Has the model write one version of the code into the document. */
  async #write(turnsOf: (signal: AbortSignal) => Promise<Turns>): Promise<void> {
    if (this.#abort) return;
    const abort = (this.#abort = new AbortController());
    const { signal } = abort;
    this.#say(vscode.l10n.t('Waiting for the model'));
    try {
      if (this.#document.isClosed) this.#document = await openDocument(this.#target.languageId, this.#code);
      await this.#writeVersion(await turnsOf(signal), signal);
    } catch (error) {
      if (!signal.aborted) this.#say(errorMessage(error), true);
    } finally {
      this.#abort = undefined;
      this.#postState();
    }
  }

  async #writeVersion(turns: Turns, signal: AbortSignal): Promise<void> {
    const { t } = vscode.l10n;
    const { model, settings } = this.#host;
    const sampling = samplingOf(samplingSettings(settings()), randomInt(2 ** 31));
    const writer = new DocumentWriter(this.#document, () =>
      this.stop(t('Stopped, because the document was changed meanwhile.')),
    );
    const written = await writeCode(model, { sessionId: this.#id, ...turns, ...sampling }, signal, {
      code: (code) => {
        this.#say(t('Writing the code'));
        writer.write(code);
      },
      progress: (progress) => this.#say(progressText(progress)),
    }).finally(() => writer.finish());
    if (signal.aborted) return;
    if (written.question !== '' && this.#asked) this.#asked = { ...this.#asked, text: written.question };
    const { sentence, problem, notes } = ending(written);
    this.#notes = [...(this.#asked?.question.notes ?? []), ...notes];
    this.#say(sentence, problem);
  }

  #handle(message: FromPreview): void {
    switch (message.type) {
      case 'ready':
        this.#postState();
        return this.#postCode();
      case 'stop':
        return this.stop();
      case 'again':
        return void this.start();
      case 'refine':
        return void this.#refine(message.words);
      case 'addToProject':
        return void this.#addToProject();
      case 'scripts':
        this.#scripts = message.allowed;
        return this.#panel.load(message.allowed);
    }
  }

  async #addToProject(): Promise<void> {
    const { t } = vscode.l10n;
    const path = await vscode.window.showInputBox({
      title: t('Add to Project'),
      prompt: t('Path of the file in this workspace. You see the change before it is made.'),
      value: this.#target.path,
    });
    if (path === undefined) return;
    // The change is shown beside the preview, and not over it.
    if (!this.#document.isClosed) await show(this.#document);
    const sentence = await this.#host.addFile(path.trim(), this.#code).catch(errorMessage);
    if (sentence) inform(sentence);
  }

  #changed(): void {
    this.#code = this.#document.getText();
    this.#timer ??= setTimeout(() => this.#postCode(), PREVIEW_MS);
  }

  #postCode(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#panel.post({ type: 'code', code: this.#code });
  }

  #say(status: string, problem = false): void {
    if (this.#status === status && this.#problem === problem) return;
    this.#status = status;
    this.#problem = problem;
    this.#postState();
  }

  #postState(): void {
    const { name, width, height, file } = this.#picture;
    const state: PreviewState = {
      picture: { src: this.#panel.addressOf(vscode.Uri.file(file)), name, width, height },
      preview: PREVIEWS[this.#target.languageId] ?? 'none',
      writing: this.isWriting,
      status: this.#status,
      problem: this.#problem,
      notes: [...this.#notes],
      scripts: this.#scripts,
      trusted: vscode.workspace.isTrusted,
      texts: (vscode.l10n.bundle ?? {}) as Record<string, string>,
    };
    this.#panel.post({ type: 'state', state });
  }
}

async function openDocument(language: string, content: string): Promise<vscode.TextDocument> {
  const known = (await vscode.languages.getLanguages()).includes(language);
  const document = await vscode.workspace.openTextDocument({ language: known ? language : 'plaintext', content });
  await show(document);
  return document;
}

async function show(document: vscode.TextDocument): Promise<void> {
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, preview: false });
}
