/** The self-test's report as Markdown. Pure. */
import { GOLDENS } from './goldens.ts';
import type { ProbedBackend, ProbedRuntime } from './probeEngine.ts';
import type { GhostTextResult } from './ghostText.ts';

export interface SelfTestResults {
  /** Versions and kinds, one line each. */
  readonly environment: readonly string[];
  /** Why a runtime is missing, one sentence each. */
  readonly notes: readonly string[];
  readonly runtimes: readonly ProbedRuntime[];
  readonly ghostText: GhostTextResult | undefined;
  readonly seconds: number;
  /** Why the test ended early; empty if it is complete. */
  readonly ended: string;
}

/** English, since it is sent to the project. */
export function selfTestReport({ environment, notes, runtimes, ghostText, seconds, ended }: SelfTestResults): string {
  const blocked = runtimes.filter(({ problem }) => /does not allow/.test(problem));
  return [
    '# Airgap: self-test',
    '',
    'This report holds no names, paths or code.',
    ...(ended === '' ? [] : ['', `**${ended}**`]),
    '',
    ...environment.map((line) => `- ${line}`),
    '',
    ...notes.map((note) => `- ${note}`),
    ...runtimes.flatMap(runtimeLines),
    '## An allow-list of programs',
    '',
    blocked.length > 0
      ? `It blocks ${blocked.map(({ runtime }) => kindOf(runtime.electronAsNode)).join(' and ')}.`
      : 'No program that was tried is blocked.',
    '',
    '## Ghost text',
    '',
    ghostText ? ghostTextLine(ghostText) : 'Not tried.',
    '',
    `The test took ${seconds.toFixed(1)} s.`,
    '',
  ].join('\n');
}

function runtimeLines({ runtime, startMs, name, backends, problem }: ProbedRuntime): string[] {
  const lines = problem
    ? [`- FAILED: ${problem}`]
    : [`- ok: ${name}`, `- ok: the engine answered on its socket or pipe after ${startMs.toFixed(0)} ms`];
  return ['', `## Engine on ${kindOf(runtime.electronAsNode)}`, '', ...lines, ...backends.map(backendLine), ''];
}

function backendLine({ backend, usable, reason, details, ms, right }: ProbedBackend): string {
  if (!usable) return `- ${backend}: not usable. ${reason}`;
  const result = right === GOLDENS.length ? 'ok' : 'FAILED';
  const where = details.length > 0 ? ` (${details.join('; ')})` : '';
  return `- ${result}: ${backend}, ${right} of ${GOLDENS.length} completions as expected, ${ms.toFixed(0)} ms${where}`;
}

function ghostTextLine({ shown, ms, problem }: GhostTextResult): string {
  if (problem) return `- not shown: ${problem}`;
  return shown ? `- ok: accepted after ${ms.toFixed(0)} ms` : '- FAILED: none was shown';
}

const kindOf = (electronAsNode: boolean): string => (electronAsNode ? 'Electron as Node' : 'Node');
