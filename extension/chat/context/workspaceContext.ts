/** Reads the attachments of a question: files, symbols, problems, changes and so on. */
import * as vscode from 'vscode';
import { hideSecrets } from '../../reading/secrets.ts';
import type { Settings } from '../../settings.ts';
import type { Attachment, ContextReader, PictureAttachment, Source } from './attachment.ts';
import type { ProjectSearch } from '../../retrieval/projectSearch.ts';
import { changeSources } from './changes.ts';
import { chipOf, type ChipText } from './chips.ts';
import { isRefused } from '../../reading/vscode/exclusions.ts';
import { capped } from '../../reading/instructionFiles.ts';
import { folderSources } from './folder.ts';
import { oneLine, offsetOf, plainText, withoutControls } from '../../reading/plainText.ts';
import { problemSources } from './problems.ts';
import { nameOf, textOf } from '../../reading/vscode/textOf.ts';

/** Maximum number of search results; a small model cannot make use of more. */
const MOST_HITS = 12;

export interface WorkspaceContextHost {
  readonly settings: Pick<Settings, 'files.exclude'>;
  readonly search: ProjectSearch;
  /** The document that holds what is read from a picture. Rejects with a sentence. */
  pictureText(picture: PictureAttachment, signal: AbortSignal): Promise<vscode.Uri>;
}

export class WorkspaceContext implements ContextReader {
  /** `host` is queried on each read, since its settings may change. */
  readonly #host: WorkspaceContextHost;

  constructor(host: WorkspaceContextHost) {
    this.#host = host;
  }

  async read(attachment: Attachment, question: string, signal: AbortSignal): Promise<Source[]> {
    signal.throwIfAborted();
    const excluded = this.#host.settings['files.exclude'];
    switch (attachment.kind) {
      case 'file':
        return [await fileSource(vscode.Uri.parse(attachment.uri), excluded, signal)];
      case 'instructions': {
        const source = await fileSource(vscode.Uri.parse(attachment.uri), excluded, signal);
        return [{ ...source, text: capped(source.text) }];
      }
      case 'folder':
        return folderSources(vscode.Uri.parse(attachment.uri), excluded, signal);
      case 'selection':
      case 'symbol':
        return [await linesSource(attachment, excluded, signal)];
      case 'problems':
        return problemSources(attachment, excluded, signal);
      case 'terminal':
        return [terminalSource(attachment.text)];
      case 'changes':
        return changeSources(attachment, excluded, signal);
      case 'project':
        return this.#found(question, excluded, signal);
      case 'picture':
        return [await this.#pictureSource(attachment, excluded, signal)];
    }
  }

  onDidChangeWaiting(listener: (text: string) => void): vscode.Disposable {
    const { search } = this.#host;
    listener(search.status);
    return search.onDidChangeStatus(() => listener(search.status));
  }

  chip(attachment: Attachment): ChipText {
    return chipOf(attachment);
  }

  /** For a model that sees no pictures. */
  async #pictureSource(picture: PictureAttachment, excluded: readonly string[], signal: AbortSignal): Promise<Source> {
    const uri = await this.#host.pictureText(picture, signal);
    const { text } = await textOf(uri, excluded, signal);
    if (text.trim() !== '') return { name: oneLine(picture.name), text, uri: uri.toString(), firstLine: 1 };
    const { t } = vscode.l10n;
    throw new Error(t('The chat model cannot see pictures, and {0} shows no text, so it is not sent.', picture.name));
  }

  async #found(question: string, excluded: readonly string[], signal: AbortSignal): Promise<Source[]> {
    const hits = await this.#host.search.search(question, { limit: MOST_HITS, signal });
    const allowed = hits.filter(({ uri }) => !isRefused(vscode.Uri.parse(uri), excluded));
    if (allowed.length === 0) throw new Error(vscode.l10n.t('Nothing in the project matches the question.'));
    return allowed.map(({ uri, path, firstLine, text }) => ({
      name: oneLine(path),
      text: hideSecrets(plainText(text)),
      uri,
      firstLine,
    }));
  }
}

async function fileSource(uri: vscode.Uri, excluded: readonly string[], signal: AbortSignal): Promise<Source> {
  const { text, firstLine } = await textOf(uri, excluded, signal);
  const editor = vscode.window.activeTextEditor;
  const shown = editor?.document.uri.toString() === uri.toString() ? editor.selection.active : undefined;
  const cursor = shown && { cursor: offsetOf(text, shown.line, shown.character) };
  return { name: nameOf(uri), text, uri: uri.toString(), firstLine, ...cursor };
}

async function linesSource(
  { uri, firstLine, lastLine }: Extract<Attachment, { kind: 'selection' | 'symbol' }>,
  excluded: readonly string[],
  signal: AbortSignal,
): Promise<Source> {
  const parsed = vscode.Uri.parse(uri);
  const { text } = await textOf(parsed, excluded, signal, [firstLine, lastLine]);
  const name = nameOf(parsed);
  if (text === '') throw new Error(vscode.l10n.t('{0} does not have lines {1} to {2}.', name, firstLine, lastLine));
  return { name, text, uri, firstLine };
}

/** The newest output is at the end. */
function terminalSource(said: string): Source {
  const text = hideSecrets(withoutControls(said));
  return { name: 'terminal', text, uri: '', firstLine: 1, cursor: text.length };
}
