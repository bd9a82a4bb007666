/** Inside of a measuring process: every engine makes the same runs in the same order and reports each figure at once. */

/** The task of a measuring process. */
export interface Job {
  /** Folder in which the packages of the other engines are installed. */
  readonly packages: string;
  /** Files of the model; none for our own engine where it generates the weights. */
  readonly files: readonly string[];
  readonly layers: number;
  readonly threads: number;
  /** Number of tokens to decode after a prompt. */
  readonly tokens: number;
  readonly repeat: number;
  /** Time limit. A run that would exceed it, by the speed of earlier runs, is skipped. */
  readonly seconds: number;
  readonly flashAttention?: boolean | undefined;
  /** The engine computes on the GPU. */
  readonly gpu: boolean;
  readonly chromium?: string | undefined;
}

/** A message from a measuring process. */
export type Report =
  | ({ readonly kind: 'loaded'; readonly seconds: number } & Loaded)
  | ({ readonly kind: 'limits' } & GpuLimits)
  | ({ readonly kind: 'run'; readonly promptTokens: number; readonly decodes: boolean } & Speeds)
  | { readonly kind: 'skipped'; readonly promptTokens: number; readonly seconds: number }
  | { readonly kind: 'memory'; readonly bytes: number }
  | { readonly kind: 'done' };

/** What is known of a model that has been loaded. */
export interface Loaded {
  /** Bytes of weights that decoding one token reads. */
  readonly bytesPerToken?: number | undefined;
  /** The GPU's name, as the engine gives it. */
  readonly device?: string | undefined;
}

/** What the GPU does at most. */
export interface GpuLimits {
  readonly bytesPerSecond: number;
  readonly macsPerSecond: number;
  /** Multiply-adds of the matrices for a token of a prompt. */
  readonly macsPerToken: number;
}

export interface Speeds {
  readonly prefillPerSecond: number;
  readonly decodePerSecond: number;
}

/** An engine in this process, or in a browser that this process drives. */
export interface Engine {
  /** Opens the model. */
  load(): Promise<Loaded | void>;
  /** Prepares what a user would wait for once, which is not timed, and measures the GPU. */
  prepare?(): Promise<GpuLimits | void>;
  /** Prefills the prompt in an empty context, then decodes `tokens` tokens greedily. */
  run(promptTokens: number, tokens: number): Promise<Speeds>;
  /** Peak resident memory so far; undefined where the system does not report it. */
  peakBytes(): number | undefined;
  close?(): Promise<void>;
}

/** Prompt lengths, and whether decoding after them is reported. */
const RUNS = [
  { promptTokens: 16, decodes: true },
  { promptTokens: 64, decodes: false },
  { promptTokens: 512, decodes: true },
  { promptTokens: 2048, decodes: true },
] as const;
/** Context length with room for the longest prompt and the tokens decoded after it. */
export const CONTEXT_TOKENS = 2304;
/** Minimum number of tokens that gives a decode speed; the first token belongs to prefill. */
const LEAST_TOKENS = 2;
const WARM_UP_TOKENS = 16;

/** Measures the engine as process.argv asks, reports to the parent, and ends the process. */
export async function measure(open: (job: Job) => Promise<Engine>): Promise<void> {
  process.on('disconnect', () => process.exit(1)); // The parent has ended, so nobody would read the reports.
  const job = JSON.parse(process.argv[2]!) as Job;
  const engine = await open(job);
  const tellMemory = (): void => {
    const bytes = engine.peakBytes();
    if (bytes !== undefined) tell({ kind: 'memory', bytes });
  };
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const loaded = await engine.load();
  tell({ kind: 'loaded', seconds: elapsed(), ...loaded });
  tellMemory();
  const limits = await engine.prepare?.();
  if (limits) tell({ kind: 'limits', ...limits });
  await engine.run(WARM_UP_TOKENS, LEAST_TOKENS);
  let speeds = await engine.run(WARM_UP_TOKENS, LEAST_TOKENS); // Gives the expected speed.
  for (let round = 0; round < job.repeat; round++) {
    for (const { promptTokens, decodes } of RUNS) {
      const tokens = decodes ? job.tokens : LEAST_TOKENS;
      const expected = promptTokens / speeds.prefillPerSecond + tokens / speeds.decodePerSecond;
      if (elapsed() + expected > job.seconds) {
        if (round === 0) tell({ kind: 'skipped', promptTokens, seconds: expected });
        continue;
      }
      speeds = await engine.run(promptTokens, tokens);
      tell({ kind: 'run', promptTokens, decodes, ...speeds });
      tellMemory();
    }
  }
  await engine.close?.();
  process.send!({ kind: 'done' } satisfies Report, () => process.exit(0));
}

function tell(report: Report): void {
  process.send!(report);
}

/** Peak resident memory of this process, for engines that run inside of it. */
export function ownPeakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** Token ids of ordinary words in every vocabulary here. Speed does not depend on them. */
export function promptIds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 300 + ((i * 7919) % 31000));
}

/** Measures how many seconds `work` takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
