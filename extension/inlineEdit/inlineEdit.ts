/** "Airgap: Edit Inline": select code, give an instruction, see the change in place, and accept or reject each hunk. */
import * as vscode from 'vscode';
import { EngineFailure } from '../../engine/wire/failure.ts';
import { extentEnd, indentUnit, isBlank, linesOf } from '../edits/placing/lines.ts';
import type { Place } from '../edits/placing/locate.ts';
import { refusal } from '../edits/vscode/refusal.ts';
import { capped } from '../reading/instructionFiles.ts';
import type { ProjectInstructions } from '../reading/vscode/projectInstructions.ts';
import { nameOf, textOf } from '../reading/vscode/textOf.ts';
import type { ChatModel } from '../engine/engine.ts';
import { abortControllerFor } from '../common/abortSignal.ts';
import { warn, withoutLinks } from '../common/notice.ts';
import type { Settings } from '../settings.ts';
import { newLines } from './answer.ts';
import { askInstruction } from './instruction.ts';
import { type Rewrite, rewrite } from './request.ts';
import { OpenHunks } from './openHunks.ts';

export interface InlineEditHost {
  readonly model: ChatModel;
  readonly memory: vscode.Memento;
  readonly instructions: Pick<ProjectInstructions, 'uris'>;
  settings(): Pick<Settings, 'chat.maxTokens' | 'files.exclude'>;
  /** Shows a change in a diff editor, for documents that cannot show hunks. */
  preview(document: vscode.TextDocument, place: Place, locate: (text: string) => Place[]): Promise<string>;
}

/** Lines of a document to be rewritten, 0-based. */
interface Part {
  readonly document: vscode.TextDocument;
  readonly first: number;
  readonly lines: readonly string[];
}

export class InlineEdit implements vscode.Disposable {
  readonly #hunks: OpenHunks;
  readonly #host: InlineEditHost;

  constructor(host: InlineEditHost) {
    this.#host = host;
    this.#hunks = new OpenHunks(host.memory);
  }

  /** Runs the command. If `given` is an instruction, the user is not asked for one. */
  async run(given?: unknown): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return;
    const sentence = await this.#run(editor, typeof given === 'string' ? given : undefined);
    if (sentence) warn(sentence);
  }

  /** The buttons above a hunk pass its URI and ID; from the command palette, the hunk at the cursor is meant. */
  async decideHunk(verdict: 'accept' | 'reject', uri?: unknown, id?: unknown): Promise<void> {
    await this.#hunks.decide(verdict, { uri, id });
  }

  async decideAll(verdict: 'accept' | 'reject'): Promise<void> {
    await this.#hunks.decide(verdict, { all: true });
  }

  dispose(): void {
    this.#hunks.dispose();
  }

  /** Returns a sentence for the user if no change is shown. */
  async #run(editor: vscode.TextEditor, given: string | undefined): Promise<string> {
    const { document } = editor;
    const name = nameOf(document.uri);
    const refused = await refusal(document);
    if (refused) return refused;
    if (this.#hunks.has(document)) return vscode.l10n.t('Accept or reject the proposed changes in {0} first.', name);
    const part = partAt(document, editor.selection);
    const title = vscode.l10n.t('Edit lines {0} to {1} of {2}', part.first + 1, part.first + part.lines.length, name);
    const files = this.#host.instructions.uris;
    const asked =
      given === undefined
        ? await askInstruction(this.#host.memory, title, files.map(nameOf))
        : { instruction: given, follows: true };
    if (asked === undefined) return '';
    const answer = await this.#ask(part, asked.instruction, asked.follows ? files : []);
    return answer ? this.#show(part, answer) : '';
  }

  /** Undefined if the user cancelled it. */
  async #ask(part: Part, instruction: string, files: readonly vscode.Uri[]): Promise<Rewrite | undefined> {
    const { document, first, lines } = part;
    const excluded = this.#host.settings()['files.exclude'];
    const request = {
      sessionId: `inlineEdit ${document.uri.toString()}`,
      path: nameOf(document.uri),
      text: linesOf(document.getText()).join('\n'),
      part: lines.join('\n'),
      firstLine: first + 1,
      lastLine: first + lines.length,
      instruction,
      maxTokens: this.#host.settings()['chat.maxTokens'],
    };
    const title = withoutLinks(vscode.l10n.t('Editing {0}', request.path));
    return vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      async (progress, token) => {
        const { signal } = abortControllerFor(token);
        const onText = (text: string): void =>
          progress.report({ message: vscode.l10n.t('{0} lines written', linesOf(text).length) });
        try {
          const read = files.map(async (uri) => {
            const { text } = await textOf(uri, excluded, signal);
            return { name: nameOf(uri), text: capped(text) };
          });
          const projectInstructions = await Promise.all(read);
          return await rewrite(this.#host.model, { ...request, projectInstructions }, signal, onText);
        } catch (error) {
          if (signal.aborted || (error instanceof EngineFailure && error.kind === 'cancelled')) return undefined;
          throw error;
        }
      },
    );
  }

  async #show({ document, first, lines }: Part, answer: Rewrite): Promise<string> {
    const { t } = vscode.l10n;
    const name = nameOf(document.uri);
    if (answer.kind !== 'answer') return problem(answer.kind);
    const all = linesOf(document.getText());
    if (document.isClosed || lines.some((line, index) => line !== all[first + index])) {
      return t('{0} has been modified. No changes were made.', name);
    }
    const fresh = newLines(answer.text, lines, indentUnit(all));
    if (fresh.length === 0) return t('The answer contains no code. No changes were made.');
    if (fresh.join('\n') === lines.join('\n')) return t('The model suggested no changes.');
    if (savesByItself(document)) {
      const find = (text: string): Place[] => placesOf(text, lines, fresh);
      const place = { line: first + 1, label: '', text: replaced(all, first, lines.length, fresh) };
      return this.#host.preview(document, place, find);
    }
    const shown = await this.#hunks.open(document, first, lines, fresh);
    return shown ? '' : t('{0} could not be changed.', name);
  }
}

/** Whole lines: the selection, else the block that the line at the cursor opens, without surrounding blank lines. */
function partAt(document: vscode.TextDocument, { start, end, isEmpty }: vscode.Selection): Part {
  const all = linesOf(document.getText());
  let first = start.line;
  let behind = isEmpty ? extentEnd(all, first) : end.character === 0 ? end.line : end.line + 1;
  while (first < behind - 1 && isBlank(all[first]!)) first++;
  while (behind - 1 > first && isBlank(all[behind - 1]!)) behind--;
  return { document, first, lines: all.slice(first, behind) };
}

/** Whether auto save is on: it would write the document before the user can decide on the hunks. */
function savesByItself(document: vscode.TextDocument): boolean {
  const autoSave = vscode.workspace.getConfiguration('files', document).get<string>('autoSave');
  return autoSave === 'afterDelay' && !document.isUntitled;
}

function placesOf(text: string, lines: readonly string[], fresh: readonly string[]): Place[] {
  const all = linesOf(text);
  return all.flatMap((label, at) => {
    if (lines.some((line, index) => all[at + index] !== line)) return [];
    return [{ line: at + 1, label: label.trim(), text: replaced(all, at, lines.length, fresh) }];
  });
}

function replaced(all: readonly string[], at: number, count: number, fresh: readonly string[]): string {
  return [...all.slice(0, at), ...fresh, ...all.slice(at + count)].join('\n');
}

function problem(kind: Exclude<Rewrite['kind'], 'answer'>): string {
  const { t } = vscode.l10n;
  switch (kind) {
    case 'secret':
      return t('The selection contains text that looks like a secret. Secrets are never sent to the model.');
    case 'tooLarge':
      return t('The selection does not fit in the context window of the model.');
    case 'repeated':
      return t('The answer repeated itself and was stopped. No changes were made.');
    case 'tooLong':
      return t('The answer exceeded the limit set by airgap.chat.maxTokens. No changes were made.');
  }
}
