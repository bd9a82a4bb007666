/** What commands about models print: lines of JSON (engine/wire/models.ts), or progress on a terminal's standard error. */
import { type Command, Option } from 'commander';
import { errorMessage } from '../errors.ts';
import type { ListedModel, ModelLine } from '../wire/models.ts';

/** Lines of JSON come at most this often, and a terminal's line is rewritten at most this often. */
const INTERVAL_MS = 200;

export interface ModelOutput {
  /** Reports how far a step is. `totalBytes` is 0 while it is not known. */
  progress: (step: string, doneBytes: number, totalBytes: number) => void;
  /** Prints a sentence for a person; nothing with --json. */
  say: (text: string) => void;
  /** Says what could not be looked at, or was damaged; with --json in the last line. */
  note: (text: string) => void;
}

export function addJsonOption(command: Command): Command {
  return command.addOption(new Option('--json', 'print one JSON object per line'));
}

/**
 * Runs a command about models and prints what it resolves with. With --json a failure is the last line; otherwise it is
 * thrown. Either way the process ends with a status other than 0.
 */
export async function runModelCommand(
  { json = false }: { json?: boolean },
  command: (output: ModelOutput) => Promise<readonly ListedModel[]>,
): Promise<void> {
  if (!json) {
    const bar = progressBar(process.stderr);
    try {
      const say = (text: string): void => bar.above(text);
      await command({ progress: bar.show, say, note: say });
    } finally {
      bar.end();
    }
    return;
  }
  const print = (line: ModelLine) => console.log(JSON.stringify(line));
  const isDue = everyInterval();
  const notes: string[] = [];
  try {
    const models = await command({
      progress: (step, doneBytes, totalBytes) => {
        if (isDue(step, doneBytes === totalBytes)) print({ type: 'progress', step, doneBytes, totalBytes });
      },
      say: () => undefined,
      note: (text) => void notes.push(text),
    });
    print({ type: 'done', models: [...models], notes });
  } catch (error) {
    print({ type: 'failed', message: errorMessage(error) });
    process.exitCode = 1;
  }
}

/** One line at the bottom of a terminal that says how far a step is; nothing if `stream` is none. */
export function progressBar(stream: NodeJS.WriteStream, now = () => performance.now()) {
  const isDue = everyInterval(now);
  let rate = new Rate(now);
  let step = '';
  let isShown = false;
  const clear = () => {
    if (isShown) stream.write('\r\x1b[K');
    isShown = false;
  };
  return {
    show(nextStep: string, doneBytes: number, totalBytes: number): void {
      if (nextStep !== step) rate = new Rate(now);
      step = nextStep;
      rate.add(doneBytes);
      if (!stream.isTTY || !isDue(step, doneBytes === totalBytes)) return;
      clear();
      stream.write(progressText(step, doneBytes, totalBytes, rate.bytesPerSecond));
      isShown = true;
    },
    above(text: string): void {
      clear();
      stream.write(`${text}\n`);
    },
    end: clear,
  };
}

/** For example "download: 0.42 of 2.39 GB, 31.2 MB/s, 1 min 3 s left". */
export function progressText(step: string, doneBytes: number, totalBytes: number, bytesPerSecond: number): string {
  const amount =
    totalBytes > 0 ? `${gigabytes(doneBytes)} of ${gigabytes(totalBytes)} GB` : `${gigabytes(doneBytes)} GB`;
  if (!(bytesPerSecond > 0)) return `${step}: ${amount}`;
  const rate = `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
  if (totalBytes === 0) return `${step}: ${amount}, ${rate}`;
  const seconds = Math.ceil((totalBytes - doneBytes) / bytesPerSecond);
  const minutes = Math.floor(seconds / 60);
  return `${step}: ${amount}, ${rate}, ${minutes > 0 ? `${minutes} min ` : ''}${seconds % 60} s left`;
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(2);
}

/** Bytes per second over the last seconds. What was there at the first report does not count. */
class Rate {
  static readonly #WINDOW_MS = 5000;
  readonly #now: () => number;
  readonly #samples: { at: number; bytes: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  add(bytes: number): void {
    const at = this.#now();
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && this.#samples[0]!.at < at - Rate.#WINDOW_MS) this.#samples.shift();
  }

  get bytesPerSecond(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    return first && last && last.at > first.at ? ((last.bytes - first.bytes) * 1000) / (last.at - first.at) : 0;
  }
}

/** A step's first and last report always count, the others once per interval. */
function everyInterval(now = () => performance.now()): (step: string, isLast: boolean) => boolean {
  let [lastStep, lastAt] = ['', 0];
  return (step, isLast) => {
    if (step === lastStep && !isLast && now() - lastAt < INTERVAL_MS) return false;
    [lastStep, lastAt] = [step, now()];
    return true;
  };
}
