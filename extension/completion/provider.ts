/** VS Code's inline completion API: a keystroke in, at most one item out, or a few where a person asks for them. */
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import { EngineFailure } from '../../engine/wire/failure.ts';
import { abortControllerFor } from '../common/abortSignal.ts';
import { errorMessage } from '../common/errorMessage.ts';
import type { CompleteRequest, CompletionModel } from '../engine/engine.ts';
import type { Settings } from '../settings.ts';
import { around, type Around, sentSpan } from './context.ts';
import { isEligible } from '../reading/vscode/eligibility.ts';
import type { GhostCache } from './ghostCache.ts';
import type { OtherFile } from './imports.ts';
import { cellsBefore, type OtherFiles } from './otherFiles.ts';

/** A longer delay is not announced: the engine would hold back other work for most of it. */
const ANNOUNCED_MS = 150;

/** Beside the likeliest text, where a person asks by hand. */
const MOST_ALTERNATIVES = 2;

export interface CompletionHost {
  readonly settings: Settings;
  /** False while snoozed. */
  readonly awake: boolean;
  /** Context length of the running model in tokens; 0 if none is running. */
  readonly contextLength: number;
  inlineSuggestEnabled(document: vscode.TextDocument): boolean;
  /** Has the model loaded in the background, unless it failed or had to leave the memory to another one. */
  warmUp(): void;
  /** For the log: one line per answer of the engine. */
  trace(message: string): void;
  failed(error: unknown): void;
}

export class CompletionProvider implements vscode.InlineCompletionItemProvider {
  readonly #model: CompletionModel;
  readonly #cache: GhostCache;
  readonly #host: CompletionHost;
  readonly #otherFiles: Pick<OtherFiles, 'of' | 'found'>;
  /** The next request comes from `catchUp`, and not from a person. */
  #catchingUp = false;

  constructor(
    model: CompletionModel,
    cache: GhostCache,
    host: CompletionHost,
    otherFiles: Pick<OtherFiles, 'of' | 'found'>,
  ) {
    this.#otherFiles = otherFiles;
    this.#model = model;
    this.#cache = cache;
    this.#host = host;
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    { triggerKind, selectedCompletionInfo }: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    const automatic = triggerKind === vscode.InlineCompletionTriggerKind.Automatic || this.#catchingUp;
    this.#catchingUp = false;
    if (!this.#wanted(document, automatic)) return [];
    const place = placeOf(document, position, selectedCompletionInfo, this.#host.contextLength);
    if (!place) return [];
    const { signal } = abortControllerFor(token);
    try {
      // Who asks by hand may want to see another text than the one that is shown.
      const known = automatic ? this.#cache.find(document.uri.toString(), place.around) : undefined;
      const texts = known === undefined ? await this.#ask(document, place, automatic, signal) : [known];
      return texts
        .filter((text) => text !== '')
        .map((text) => new vscode.InlineCompletionItem(place.typed + text, place.range));
    } catch (error) {
      // Status bar and log only: a keystroke never opens a dialog.
      if (!token.isCancellationRequested && !isSuperseded(error)) this.#host.failed(error);
      return [];
    }
  }

  /** Answers keys that came before this provider was registered; by itself, VS Code asks at the next key only. */
  async catchUp(): Promise<void> {
    // Behind the answer to any command, VS Code knows the provider, and the document has all keys that came before.
    await vscode.commands.executeCommand('setContext', 'airgap.completes', true);
    const document = vscode.window.activeTextEditor?.document;
    if (!document?.isDirty || !this.#wanted(document, true)) return;
    this.#catchingUp = true;
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
  }

  /** Gets ready for keys in this document, if completions come in it while somebody types. */
  warmUp(document: vscode.TextDocument): void {
    if (this.#wanted(document, true)) this.#host.warmUp();
  }

  /** Has the model read what the next key's completion here begins with. Never rejects: that completion would say why. */
  async prefill(document: vscode.TextDocument, position: vscode.Position, signal: AbortSignal): Promise<void> {
    if (!this.#wanted(document, true)) return;
    const place = placeOf(document, position, undefined, this.#host.contextLength);
    if (!place || this.#cache.find(document.uri.toString(), place.around) !== undefined) return;
    try {
      const request = this.#request(document, place, await this.#otherFiles.found(document));
      if (signal.aborted) return;
      const startedMs = performance.now();
      const tokens = await this.#model.prefill(request, signal);
      const ms = Math.round(performance.now() - startedMs);
      this.#host.trace(`read ahead to line ${position.line + 1}: ${ms} ms, ${tokens} tokens`);
    } catch (error) {
      this.#host.trace(`not read ahead: ${errorMessage(error)}`);
    }
  }

  #wanted(document: vscode.TextDocument, automatic: boolean): boolean {
    const { settings, awake } = this.#host;
    if (!awake || !isEligible(document, settings)) return false;
    return !automatic || (settings['completion.trigger'] === 'automatic' && this.#host.inlineSuggestEnabled(document));
  }

  async #ask(document: vscode.TextDocument, place: Place, automatic: boolean, signal: AbortSignal): Promise<string[]> {
    const { settings } = this.#host;
    const { around } = place;
    if (automatic) {
      const delayMs = settings[isLineStart(around) ? 'completion.newLineDelayMs' : 'completion.delayMs'];
      if (delayMs <= ANNOUNCED_MS) this.#model.typing();
      await delay(delayMs, undefined, { signal });
    }
    const startedMs = performance.now();
    const request = this.#request(document, place, this.#otherFiles.of(document));
    // Who asks by hand gets an answer anywhere, and a choice.
    const byHand = { notIn: [], alternatives: MOST_ALTERNATIVES };
    const result = await this.#model.complete({ ...request, ...(automatic ? {} : byHand) }, signal);
    this.#host.trace(
      `completion: ${Math.round(performance.now() - startedMs)} ms, tokens reused ${result.tokensReused}, ` +
        `prefilled ${result.tokensPrefilled}, generated ${result.tokensGenerated}, stop ${result.stop}`,
    );
    const texts = [result.text, ...(result.alternatives ?? [])];
    // The first one last, so that it is found first.
    for (const text of texts.toReversed()) this.#cache.add(document.uri.toString(), around, text);
    return texts;
  }

  #request(document: vscode.TextDocument, place: Place, otherFiles: readonly OtherFile[]): CompleteRequest {
    const { settings } = this.#host;
    const { around, linesBefore, linesAfter } = place;
    return {
      ...around,
      linesBefore,
      linesAfter,
      sessionId: sessionIdOf(document),
      fileName: document.uri.path.split('/').at(-1) ?? '',
      languageId: document.languageId,
      maxTokens: settings['completion.maxTokens'],
      multiline: settings['completion.multiline'],
      notIn: settings['completion.notIn'],
      otherFiles: [...otherFiles],
    };
  }
}

/** After Enter, where the next key may be Tab: it is to indent, not to accept what has just appeared. */
function isLineStart({ prefix }: Around): boolean {
  return /(?:^|\n)[ \t]*$/.test(prefix);
}

interface Place {
  readonly around: Around;
  /** Lines of the document before `around`; `linesAfter` counts those after it. */
  readonly linesBefore: number;
  readonly linesAfter: number;
  /** Text that the item repeats from the document, or from the entry selected in the suggest widget. */
  readonly typed: string;
  readonly range: vscode.Range;
}

/** With an entry selected in the suggest widget, the text as it will be once that entry is accepted. */
function placeOf(
  document: vscode.TextDocument,
  position: vscode.Position,
  selected: vscode.SelectedCompletionInfo | undefined,
  contextLength: number,
): Place | undefined {
  const range = selected?.range ?? new vscode.Range(position, position);
  const typed = selected?.text ?? '';
  // VS Code shows ghost text beside the widget only where it continues the selected entry.
  if (!typed.startsWith(document.getText(new vscode.Range(range.start, position)))) return undefined;
  // Not always the whole text: joining the lines of a huge document at every key would hold up all extensions.
  const length = document.offsetAt(new vscode.Position(document.lineCount, 0));
  const span = sentSpan(length, document.offsetAt(range.start), contextLength);
  const end = document.positionAt(span.end);
  const cells = span.start === 0 ? cellsBefore(document) : '';
  const before = cells + document.getText(new vscode.Range(document.positionAt(span.start), range.start));
  const after = document.getText(new vscode.Range(range.end, end));
  const text = around(before + typed, after, span.start > 0);
  const linesBefore = span.start > 0 ? range.start.line - newlines(text.prefix) + newlines(typed) : 0;
  return { around: text, linesBefore, linesAfter: document.lineCount - 1 - end.line, typed, range };
}

const newlines = (text: string): number => text.split('\n').length - 1;

/** Session ID of a document in the engine. */
export function sessionIdOf(document: vscode.TextDocument): string {
  return document.uri.toString();
}

/** The engine serves the newest request of a document, which another editor on it may have made. */
function isSuperseded(error: unknown): boolean {
  return error instanceof EngineFailure && error.kind === 'cancelled';
}
