/**
 * What run.sh and run.cmd of the kit start: each step in a process and with a time of its own, so that a driver that
 * hangs or crashes costs that step only. Everything is printed and goes to report.txt, which names no user and no path.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { dirname, join } from 'node:path';

interface Step {
  readonly title: string;
  /** Beside this file. */
  readonly program: string;
  readonly args: readonly string[];
  readonly seconds: number;
}

/** Eight minutes in all. Arguments of the kit, such as --allow-software-gpu, are those of `airgap doctor`. */
const STEPS: readonly Step[] = [
  {
    title: 'The device',
    program: 'airgap.cjs',
    args: ['doctor', '--store', 'store', ...process.argv.slice(2)],
    seconds: 20,
  },
  { title: 'Operations and goldens', program: 'tests.cjs', args: [], seconds: 270 },
  { title: 'Speed', program: 'bench.cjs', args: [], seconds: 100 },
  { title: 'The products by each variant', program: 'tune.cjs', args: [], seconds: 80 },
];

const report = createWriteStream('report.txt');
void runKit(dirname(process.argv[1]!));

async function runKit(programs: string): Promise<void> {
  say(`Airgap's GPU kit, ${process.platform}-${process.arch}, Node ${process.version}`);
  const problems: string[] = [];
  for (const step of STEPS) {
    say(`\n=== ${step.title} ===\n`);
    const problem = await run(programs, step);
    if (problem !== undefined) problems.push(`${step.title}: ${problem}`);
  }
  say(
    ['', problems.length === 0 ? 'Every step has ended well.' : 'Not every step has ended well.', ...problems].join(
      '\n',
    ),
  );
  report.end();
  await once(report, 'finish');
  console.log('All of this is in report.txt.');
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** Runs a step, and returns in one sentence why it has not ended well. */
async function run(programs: string, { program, args, seconds }: Step): Promise<string | undefined> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(programs, program), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => write(String(part)));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const took = (performance.now() - started) / 1000;
  say(`\n${took.toFixed(0)} s`);
  if (code === 0) return undefined;
  if (took >= seconds) return `It was stopped after ${seconds} s.`;
  return `It ended with ${signal ?? `status ${code}`}.`;
}

function say(line: string): void {
  write(`${line}\n`);
}

function write(text: string): void {
  process.stdout.write(text);
  report.write(text);
}
