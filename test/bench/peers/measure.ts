/** The measuring process's side: one engine, the same runs in the same order, each figure told as soon as it is known. */

/** What a measuring process is asked for. */
export interface Job {
  /** Where the peers are installed. */
  readonly packages: string;
  /** Files of the model; none for our own engine, which makes its weights. */
  readonly files: readonly string[];
  readonly layers: number;
  readonly threads: number;
  /** Tokens decoded after a prompt. */
  readonly tokens: number;
  readonly repeat: number;
  /** No run starts that would end later, by the speed of those before. */
  readonly seconds: number;
  readonly flashAttention?: boolean | undefined;
  readonly chromium?: string | undefined;
}

/** What a measuring process tells. */
export type Report =
  | { readonly kind: 'loaded'; readonly seconds: number; readonly bytesPerToken?: number | undefined }
  | ({ readonly kind: 'run'; readonly promptTokens: number; readonly decodes: boolean } & Speeds)
  | { readonly kind: 'skipped'; readonly promptTokens: number; readonly seconds: number }
  | { readonly kind: 'memory'; readonly bytes: number }
  | { readonly kind: 'done' };

export interface Speeds {
  readonly prefillPerSecond: number;
  readonly decodePerSecond: number;
}

/** An engine in this process, or in a browser that this process drives. */
export interface Engine {
  /** Opens the model and all it needs to run; gives the bytes of weights that decoding a token reads, where known. */
  load(): Promise<number | void>;
  /** Reads the prompt into an empty context, then decodes greedily `tokens` tokens. */
  run(promptTokens: number, tokens: number): Promise<Speeds>;
  /** Most memory that was resident so far; undefined where the system does not tell. */
  peakBytes(): number | undefined;
  close?(): Promise<void>;
}

/** Prompts, and whether decoding after them counts. */
const RUNS = [
  { promptTokens: 16, decodes: true },
  { promptTokens: 64, decodes: false },
  { promptTokens: 512, decodes: true },
  { promptTokens: 2048, decodes: true },
] as const;
/** Room for the longest prompt and what is decoded after it. */
export const CONTEXT_TOKENS = 2304;
/** The least that gives a speed: the first token is the prompt's. */
const LEAST_TOKENS = 2;
const WARM_UP_TOKENS = 16;

/** Measures the engine as process.argv asks, tells the parent, and ends the process. */
export async function measure(open: (job: Job) => Promise<Engine>): Promise<void> {
  process.on('disconnect', () => process.exit(1)); // The parent died: nobody reads on.
  const job = JSON.parse(process.argv[2]!) as Job;
  const engine = await open(job);
  const tellMemory = (): void => {
    const bytes = engine.peakBytes();
    if (bytes !== undefined) tell({ kind: 'memory', bytes });
  };
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const bytesPerToken = await engine.load();
  tell({ kind: 'loaded', seconds: elapsed(), bytesPerToken: bytesPerToken ?? undefined });
  tellMemory();
  await engine.run(WARM_UP_TOKENS, LEAST_TOKENS);
  let speeds = await engine.run(WARM_UP_TOKENS, LEAST_TOKENS); // Tells what to expect.
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

/** Of a process of ours that holds everything itself. */
export function ownPeakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** Token ids that are words of every vocabulary here; the values do not change the speed. */
export function promptIds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 300 + ((i * 7919) % 31000));
}

/** Seconds that `work` takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
