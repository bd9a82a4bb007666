/** "Airgap: Read the Text of a Picture": a picture file's text in a new document, with questions about it. */
import * as vscode from 'vscode';
import { abortControllerFor } from '../../common/abortSignal.ts';
import { errorMessage } from '../../common/errorMessage.ts';
import { inform, warn, withoutLinks } from '../../common/notice.ts';
import type { Pictures } from '../../pictures/picture.ts';
import type { PictureText } from '../protocol.ts';
import { readText, type ReadTextOptions } from '../readText.ts';

export interface ReadTextCommandHost {
  readonly pictures: Pictures;
  readonly options: Omit<ReadTextOptions, 'signal' | 'onProgress'>;
  /** Opens the chat with a document as context; a text that is not empty is sent at once. */
  ask(document: vscode.Uri, text: string): Promise<void>;
}

/** Below this mean confidence the text is likely to be wrong in many places. */
const LITTLE_CONFIDENCE = 60;

/** `uri` is the file that was clicked in the explorer; without one the user chooses. */
export async function readTextCommand(host: ReadTextCommandHost, uri: unknown): Promise<void> {
  const { t } = vscode.l10n;
  const file = uri instanceof vscode.Uri ? uri : await choose();
  if (!file) return;
  const read = await readWithProgress(host, file);
  if (!read) return;
  if (read.text.trim() === '') return inform(t('The picture shows no text that can be read.'));
  const document = await vscode.workspace.openTextDocument({ content: read.text });
  await vscode.window.showTextDocument(document);
  const [ask, fix] = [t('Ask'), t('Fix')];
  const said =
    read.confidence < LITTLE_CONFIDENCE
      ? t('This is the text of the picture. Much of it may be wrong: check it first.')
      : t('This is the text of the picture. Check it, because some characters may be wrong.');
  const chosen = await vscode.window.showInformationMessage(withoutLinks(said), ask, fix);
  if (chosen === ask) await host.ask(document.uri, '');
  if (chosen === fix) await host.ask(document.uri, '/fix');
}

async function choose(): Promise<vscode.Uri | undefined> {
  const { t } = vscode.l10n;
  const [file] =
    (await vscode.window.showOpenDialog({
      title: t('Choose a Picture'),
      openLabel: t('Read Text'),
      filters: { [t('Pictures')]: ['png', 'jpg', 'jpeg', 'webp', 'gif', 'bmp', 'avif'] },
    })) ?? [];
  return file;
}

/** Undefined if the user cancels or the picture cannot be read, which a notice then says. */
async function readWithProgress(
  { pictures, options }: ReadTextCommandHost,
  file: vscode.Uri,
): Promise<PictureText | undefined> {
  const title = vscode.l10n.t('Reading the text of the picture');
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
    const { signal } = abortControllerFor(token);
    let shown = 0;
    const onProgress = (fraction: number): void => {
      progress.report({ increment: 100 * (fraction - shown) });
      shown = fraction;
    };
    try {
      const picture = await pictures.decode(file, signal);
      try {
        return await readText(picture.file, { ...options, signal, onProgress });
      } finally {
        await pictures.release(picture);
      }
    } catch (error) {
      if (!signal.aborted) warn(errorMessage(error));
      return undefined;
    }
  });
}
