/** Starts a measuring process, collects its reports, and ends it with all processes that it has started. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { endProcesses, processTree } from '../../../.ci/processes.ts';
import type { GpuLimits, Job, Report } from './measure.ts';
import { speedKey } from './table.ts';

/** Time for everything that a process does beside its runs, such as loading, before it counts as stuck. */
const GRACE_SECONDS = 180;
const KEPT_ERROR_CHARACTERS = 4000;

export interface Outcome {
  /** Figures by the keys of table.ts. */
  readonly figures: Record<string, number[]>;
  bytesPerToken: number | undefined;
  limits?: GpuLimits;
  /** Sentences that say what is missing, and why. */
  readonly notes: string[];
}

/** Runs a measuring script. Reports that came before a failure count. Rejects only when `signal` fires. */
export async function runMeasurement(script: string, job: Job, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  const outcome: Outcome = { figures: {}, bytesPerToken: undefined, notes: [] };
  const child = fork(script, [JSON.stringify(job)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let [errors, finished] = ['', false];
  child.stderr!.on('data', (text) => (errors = (errors + text).slice(-KEPT_ERROR_CHARACTERS)));
  child.on('message', (report: Report) => {
    if (report.kind === 'done') finished = true;
    else note(outcome, report);
  });
  const limit = AbortSignal.timeout(Math.ceil((Math.max(0, job.seconds) + GRACE_SECONDS) * 1000));
  const stopped = AbortSignal.any([signal, limit]);
  try {
    await once(child, 'close', { signal: stopped }); // All reports have arrived by then.
  } catch {
    await endProcesses((await processTree(child.pid!)).map(({ pid }) => pid));
  }
  signal.throwIfAborted();
  if (limit.aborted && !finished) outcome.notes.push('stopped, because it took too long.');
  else if (!finished)
    outcome.notes.push(`failed: ${lastWords(errors) ?? `it ended with ${child.exitCode ?? child.signalCode}.`}`);
  return outcome;
}

function note(outcome: Outcome, report: Exclude<Report, { kind: 'done' }>): void {
  const { figures, notes } = outcome;
  const add = (key: string, value: number): unknown => (figures[key] ??= []).push(value);
  switch (report.kind) {
    case 'loaded':
      add('load', report.seconds);
      outcome.bytesPerToken = report.bytesPerToken;
      if (report.device !== undefined) notes.push(`computes on ${report.device}.`);
      break;
    case 'limits':
      outcome.limits = report;
      break;
    case 'memory':
      figures['memory'] = [report.bytes]; // It never decreases.
      break;
    case 'run':
      add(speedKey('prefill', report.promptTokens), report.prefillPerSecond);
      if (report.decodes) add(speedKey('decode at', report.promptTokens), report.decodePerSecond);
      break;
    case 'skipped':
      notes.push(`a prompt of ${report.promptTokens} would take ${Math.ceil(report.seconds / 60)} minutes: left out.`);
  }
}

/** The line with the error from the output of a failed process. */
function lastWords(errors: string): string | undefined {
  const lines = errors.split('\n').map((line) => line.trim());
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lines.findLast((line) => line !== '');
}
