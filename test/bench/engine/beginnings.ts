import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type * as vscode from 'vscode';
import { root } from '../../../.ci/nodeBinary.mjs';
import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { throwIfAborted } from '../../../engine/errors.ts';
import { GhostCache } from '../../../extension/completion/ghostCache.ts';
import { CompletionProvider } from '../../../extension/completion/provider.ts';
import type { CompletionModel } from '../../../extension/engine/engine.ts';
import { readSettings } from '../../../extension/settings.ts';
import { BEGINNINGS, type Beginning, lineBefore } from '../../support/completion/beginnings.ts';
import { documentWith } from '../../support/extension/textDocument.ts';
import { InlineCompletionTriggerKind } from '../../support/extension/vscodeStub.ts';
import { quantile } from '../../support/quantile.ts';
import { BenchWindow } from './chatWindow.ts';

export interface BeginningsRow {
  /** What was in the cache when the first key was pressed. */
  readonly prompt: 'cold' | 'warm';
  readonly typed: number;
  readonly shown: number;
  /** Milliseconds from the last key to ghost text, where it is shown. */
  readonly median: number;
  readonly percentile90: number;
  /** The same from the end of the pause after the last key, in which the model is not asked. */
  readonly beyond: number;
  readonly beyond90: number;
}

interface Answer {
  readonly ms: number;
  readonly beyondMs: number;
  readonly shown: boolean;
}

const LANGUAGES: Readonly<Record<string, string>> = { '.ts': 'typescript', '.py': 'python', '.rs': 'rust' };

/**
 * The beginnings of lines of the first minute, through the extension's provider and a real server. They are typed without a
 * pause, so that the model is asked behind the last key only, as it is where nothing is shown before.
 */
export function beginningsIn(model: string, most = Infinity): Measurement<BeginningsRow> {
  return {
    subject: `from the last key of a beginning of a line to its ghost text (${basename(model)})`,
    layout: 'table',
    columns: [
      { title: 'prompt', width: 8, text: ({ prompt }) => prompt },
      { title: 'typed', text: ({ typed }) => String(typed) },
      { title: 'shown', text: ({ shown }) => String(shown) },
      { title: 'median ms', text: ({ median }) => median.toFixed(0) },
      { title: '90 % ms', width: 8, text: ({ percentile90 }) => percentile90.toFixed(0) },
      { title: 'beyond the pause', text: ({ beyond }) => beyond.toFixed(0) },
      { title: '90 %', width: 8, text: ({ beyond90 }) => beyond90.toFixed(0) },
    ],
    async *rows({ load, signal }) {
      await using window = await BenchWindow.open(model, load);
      for (const prompt of ['cold', 'warm'] as const) {
        const answers: Answer[] = [];
        for (const beginning of BEGINNINGS.slice(0, most)) {
          throwIfAborted(signal);
          answers.push(await typeBeginning(window, beginning, prompt, signal));
        }
        yield { prompt, ...figures(answers) };
      }
    },
  };
}

async function typeBeginning(
  window: BenchWindow,
  beginning: Beginning,
  prompt: BeginningsRow['prompt'],
  signal: AbortSignal,
): Promise<Answer> {
  const { file, typed } = beginning;
  const text = readFileSync(join(root, 'test/fixtures/sample-project', file), 'utf8');
  const lines = text.split('\n');
  const cursor = lines.slice(0, lineBefore(beginning, lines) + 1).join('\n').length;
  const uri = `file:///project/${basename(file)}`;
  const open = (inserted: string) =>
    documentWith(text.slice(0, cursor) + inserted + text.slice(cursor), cursor + inserted.length, {
      uri,
      languageId: LANGUAGES[file.slice(file.lastIndexOf('.'))]!,
    });
  let askedAt = NaN;
  const provider = providerOf(window.completionModel, () => (askedAt = performance.now()));
  window.close(uri);
  const [before, behind] = [open(''), open(`\n${typed}`)];
  if (prompt === 'warm') await provider.prefill(before.document, before.position, signal);
  const pressedAt = performance.now();
  const items = await provider.provideInlineCompletionItems(behind.document, behind.position, AUTOMATIC, NEVER);
  const now = performance.now();
  return { ms: now - pressedAt, beyondMs: now - askedAt, shown: items.length > 0 };
}

const NEVER = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };
const AUTOMATIC: vscode.InlineCompletionContext = {
  triggerKind: InlineCompletionTriggerKind.Automatic,
  selectedCompletionInfo: undefined,
};

function providerOf(model: CompletionModel, onAsk: () => void): CompletionProvider {
  const { settings } = readSettings(() => undefined);
  const asking: CompletionModel = {
    complete: (...call) => {
      onAsk();
      return model.complete(...call);
    },
    prefill: (...call) => model.prefill(...call),
    typing: () => model.typing(),
  };
  const nothing = (): void => {};
  const host = { settings, awake: true, contextLength: 0, inlineSuggestEnabled: () => true };
  const failed = (error: unknown): void => {
    throw error;
  };
  const all = { ...host, warmUp: nothing, trace: nothing, failed };
  return new CompletionProvider(asking, new GhostCache(), all, { of: () => [], found: async () => [] });
}

function figures(answers: readonly Answer[]): Omit<BeginningsRow, 'prompt'> {
  const shown = answers.filter((answer) => answer.shown);
  const [ms, beyond] = [shown.map((answer) => answer.ms), shown.map(({ beyondMs }) => beyondMs)];
  return {
    typed: answers.length,
    shown: shown.length,
    median: quantile(ms, 0.5),
    percentile90: quantile(ms, 0.9),
    beyond: quantile(beyond, 0.5),
    beyond90: quantile(beyond, 0.9),
  };
}
