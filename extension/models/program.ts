/** Runs the terminal program, `dist/airgap.cjs`, which does everything about models, as a child process. No vscode here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type ListedModel, type ModelLine, modelLine } from '../../engine/wire/models.ts';
import { errorMessage } from '../common/errorMessage.ts';
import type { Runtime, RuntimeChoice } from '../engine/runtime.ts';

export interface ProgramHost {
  /** Path of `airgap.cjs`. */
  readonly programFile: string;
  choice(): RuntimeChoice;
  /** Variables by which the settings reach the program, such as the store's folder. */
  variables(): Readonly<Record<string, string>>;
  log(message: string): void;
}

export type ModelProgress = Omit<Extract<ModelLine, { type: 'progress' }>, 'type'>;

/** A program that was told to end may still have to remove what it has begun. */
const END_MS = 5000;

export class Program {
  readonly #host: ProgramHost;
  /** The runtime that has run the program, with the choice that it was one of. */
  #found: { choice: string; runtime: Runtime } | undefined;

  constructor(host: ProgramHost) {
    this.#host = host;
  }

  get file(): string {
    return this.#host.programFile;
  }

  /**
   * Runs a command about models and returns the models of its result. Rejects with one sentence where it fails, and with
   * the signal's reason once a cancelled program has ended.
   */
  async models(
    args: readonly string[],
    signal: AbortSignal,
    onProgress: (progress: ModelProgress) => void = () => {},
  ): Promise<readonly ListedModel[]> {
    const child = await this.#start([...args, '--json'], signal);
    let result: Exclude<ModelLine, { type: 'progress' }> | undefined;
    let mistake: string | undefined;
    const lines = createInterface({ input: child.stdout! }).on('line', (line) => {
      const parsed = parseLine(line);
      if (!parsed) mistake ??= line;
      else if (parsed.type === 'progress') onProgress(parsed);
      else result = parsed;
    });
    const end = await this.#ended(child, signal);
    lines.close();
    if (result?.type === 'failed') throw new Error(result.message);
    if (mistake !== undefined) {
      this.#host.log(mistake);
      throw new Error(`airgap ${args[0]} answered something that is not understood; the log shows it.`);
    }
    if (!result || end.code !== 0) throw new Error(end.problem(args));
    result.notes?.forEach((note) => this.#host.log(note));
    return result.models;
  }

  /** Runs a command and returns what it prints. Rejects as `models` does. */
  async text(args: readonly string[], signal: AbortSignal): Promise<string> {
    const child = await this.#start(args, signal);
    const [printed, end] = await Promise.all([text(child.stdout!), this.#ended(child, signal)]);
    if (end.code !== 0) throw new Error(end.problem(args));
    return printed;
  }

  /** The first runtime that really runs the program. Rejects with one sentence where none does. */
  async runtime(): Promise<Runtime> {
    const choice = this.#host.choice();
    const key = JSON.stringify(choice);
    if (this.#found?.choice === key) return this.#found.runtime;
    const problems = [...choice.notes];
    for (const runtime of choice.runtimes) {
      try {
        const child = this.#spawn(runtime, ['--version']);
        const [, end] = await Promise.all([text(child.stdout!), this.#ended(child)]);
        if (end.code !== 0) throw new Error(end.problem(['--version']));
        this.#found = { choice: key, runtime };
        return runtime;
      } catch (error) {
        problems.push(`${runtime.program} cannot run Airgap's program: ${errorMessage(error)}`);
      }
    }
    throw new Error(`Airgap's program could not be started. ${problems.join(' ')}`.trim());
  }

  /** The environment in which a runtime runs the program. */
  environment({ electronAsNode }: Runtime): Record<string, string> {
    return { ...this.#host.variables(), ...(electronAsNode ? { ELECTRON_RUN_AS_NODE: '1' } : {}) };
  }

  async #start(args: readonly string[], signal: AbortSignal): Promise<ChildProcess> {
    const runtime = await this.runtime();
    signal.throwIfAborted();
    return this.#spawn(runtime, args);
  }

  #spawn(runtime: Runtime, args: readonly string[]): ChildProcess {
    const env: NodeJS.ProcessEnv = { ...process.env };
    delete env['ELECTRON_RUN_AS_NODE'];
    return spawn(runtime.program, [this.#host.programFile, ...args], {
      env: { ...env, ...this.environment(runtime) },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
  }

  /** Waits for the child's end; ends it where the signal says so. What it writes to standard error goes to the log. */
  #ended(child: ChildProcess, signal?: AbortSignal): Promise<End> {
    let last = '';
    createInterface({ input: child.stderr! }).on('line', (line) => {
      last = line;
      this.#host.log(line);
    });
    let forced: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      child.kill();
      forced = setTimeout(() => child.kill('SIGKILL'), END_MS);
    };
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    return new Promise<End>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, killedBy) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const how = killedBy ?? `code ${code}`;
        resolve({ code, problem: ([command]) => last || `airgap ${command} ended with ${how} and said nothing.` });
      });
    }).finally(() => {
      clearTimeout(forced);
      signal?.removeEventListener('abort', cancel);
    });
  }
}

interface End {
  readonly code: number | null;
  /** What went wrong, in the program's own last words where it had any. */
  problem(args: readonly string[]): string;
}

function parseLine(line: string): ModelLine | undefined {
  try {
    return modelLine.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
