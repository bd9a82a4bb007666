/** How fast a model runs on the GPU and on the CPU of this machine, and which of the two serves better. */
import { PRIORITY, type Priority } from '../inference/scheduler.ts';
import type { Session } from '../inference/session.ts';
import { textPrompt } from '../prompt/prompt.ts';

/** Tokens per second. */
export interface ModelSpeed {
  readonly prefill: number;
  readonly decode: number;
}

export interface BackendSpeeds {
  readonly gpu: ModelSpeed;
  /** Absent where the CPU's memory is too slow for it to be faster. */
  readonly cpu?: ModelSpeed | undefined;
}

/** A model as far as it is measured. */
interface Measured {
  createSession(priority: Priority): Pick<Session, 'reuse' | 'extend' | 'dispose'>;
  readonly config: { readonly vocabSize: number };
  readonly info: { readonly contextLength: number };
}

/** The new tokens of a prompt, most of which are cached from the request before, and those of an answer. */
const TYPICAL = { prompt: 128, answer: 64 };
/** Prompt tokens per step, which a request of a window waits for. */
const STEP_TOKENS = 64;
const DECODED = 16;
const REPEATS = 3;
/** More tokens than a step of decoding has. */
const PREFILLED = 8;

/**
 * Measures a model by steps of the lowest priority, without the time that they wait for their turn. The fastest prompt and
 * the median of the decoded tokens count, since other programs only slow them. Rejects as sessions do.
 */
export async function measureSpeed(
  { createSession, config, info }: Measured,
  signal: AbortSignal,
): Promise<ModelSpeed> {
  const tokens = Math.min(TYPICAL.prompt, info.contextLength - DECODED);
  const session = createSession(PRIORITY.background);
  const options = { output: 'argmax', signal, chunkTokens: STEP_TOKENS } as const;
  let prefillMs = Infinity;
  const decodeMs: number[] = [];
  try {
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      // No prompt begins like another one, or its cached tokens would be reused.
      const ids = Array.from({ length: tokens }, (_, i) => (7919 * i + repeat + 1) % config.vocabSize);
      const sequence = await session.reuse(textPrompt(ids), { signal });
      prefillMs = Math.min(prefillMs, (await session.extend(sequence, [], options)).stepMs);
      for (let i = 0; i < DECODED; i++) {
        const { stepMs } = await session.extend(sequence, [(i + 1) % config.vocabSize], options);
        decodeMs.push(stepMs);
      }
    }
  } finally {
    await session.dispose();
  }
  const median = decodeMs.sort((a, b) => a - b)[decodeMs.length >> 1]!;
  return { prefill: (1000 * tokens) / prefillMs, decode: 1000 / median };
}

/** Runs a step of prefill and one of decode, so that the GPU knows which attention the model has. Rejects as sessions do. */
export async function firstSteps({ createSession, config }: Measured, signal: AbortSignal): Promise<void> {
  const session = createSession(PRIORITY.background);
  try {
    const ids = Array.from({ length: PREFILLED }, (_, i) => i % config.vocabSize);
    const sequence = await session.reuse(textPrompt(ids), { signal });
    for (const more of [[], [0]]) await session.extend(sequence, more, { output: 'argmax', signal });
  } finally {
    await session.dispose();
  }
}

/** Whether a typical answer comes sooner from the CPU. */
export function isCpuFaster({ gpu, cpu }: BackendSpeeds): boolean {
  return cpu !== undefined && answerSeconds(cpu) < answerSeconds(gpu);
}

/** As a sentence. */
export function comparison({ gpu, cpu }: BackendSpeeds, device: string): string {
  const rate = (perSecond: number): string => String(Number(perSecond.toPrecision(3)));
  const on = ({ prefill, decode }: ModelSpeed): string => `${rate(decode)} tokens/s decoded and ${rate(prefill)} read`;
  if (!cpu) return `This model runs on ${device}, which reads its weights faster than the CPU could: ${on(gpu)}.`;
  const [faster, there, here] = isCpuFaster({ gpu, cpu }) ? ['the CPU', cpu, gpu] : [device, gpu, cpu];
  const other = faster === device ? 'the CPU' : device;
  return `This model is faster on ${faster}, as measured here: ${on(there)}, on ${other} ${on(here)}.`;
}

function answerSeconds({ prefill, decode }: ModelSpeed): number {
  return TYPICAL.prompt / prefill + TYPICAL.answer / decode;
}
