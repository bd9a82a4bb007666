/** Progress in bytes for VS Code's notification: how much of how much, at which rate, and for how long still. */
import * as vscode from 'vscode';
import { abortControllerFor } from '../common/abortSignal.ts';
import { sizeText, timeText } from './figures.ts';
import type { ModelProgress } from './program.ts';

/** The rate is that of the last seconds: a disk's cache, or a network, changes its speed. */
const WINDOW_MS = 5000;
/** A rate of less than that says nothing. */
const SHORTEST_MS = 500;

/** Runs something under a notification with a cancel button. Resolves with undefined where the user has cancelled. */
export async function withByteProgress<T>(
  title: string,
  run: (signal: AbortSignal, onProgress: (progress: ModelProgress) => void) => Promise<T>,
): Promise<T | undefined> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (shown, token) => {
    const { signal } = abortControllerFor(token);
    const bytes = new ByteProgress();
    try {
      return await run(signal, (progress) => shown.report(bytes.update(progress, performance.now())));
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  });
}

export class ByteProgress {
  #step = '';
  #percent = 0;
  #seen: { ms: number; bytes: number }[] = [];

  /** `nowMs` is a monotonic clock's. `increment` is in percent of the whole, as VS Code takes it. */
  update({ step, doneBytes, totalBytes }: ModelProgress, nowMs: number): { message: string; increment: number } {
    // A step of its own begins anew.
    if (step !== this.#step || doneBytes < (this.#seen.at(-1)?.bytes ?? 0)) this.#seen = [];
    this.#step = step;
    this.#seen = [...this.#seen.filter(({ ms }) => nowMs - ms <= WINDOW_MS), { ms: nowMs, bytes: doneBytes }];
    const percent = totalBytes > 0 ? Math.min(100, (doneBytes / totalBytes) * 100) : 0;
    const increment = Math.max(0, percent - this.#percent);
    this.#percent = Math.max(this.#percent, percent);
    return { message: [step, this.#amount(doneBytes, totalBytes), ...this.#rate(totalBytes)].join(' · '), increment };
  }

  #amount(doneBytes: number, totalBytes: number): string {
    const { t } = vscode.l10n;
    return totalBytes > 0 ? t('{0} of {1}', sizeText(doneBytes), sizeText(totalBytes)) : sizeText(doneBytes);
  }

  #rate(totalBytes: number): string[] {
    const [first, last] = [this.#seen[0]!, this.#seen.at(-1)!];
    const perSecond = ((last.bytes - first.bytes) / (last.ms - first.ms)) * 1000;
    if (last.ms - first.ms < SHORTEST_MS || perSecond <= 0) return [];
    const { t } = vscode.l10n;
    const left = (totalBytes - last.bytes) / perSecond;
    const rate = t('{0}/s', sizeText(perSecond));
    return left > 0 ? [rate, t('{0} left', timeText(left))] : [rate];
  }
}
