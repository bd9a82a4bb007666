import { Command } from 'commander';
import { version } from '../../package.json';
import { OutOfMemory, BackendLost } from '../../kernels/ops.ts';
import { BadModel, BadRequest, Cancelled } from '../errors.ts';
import { addAsk } from './ask.ts';
import { addBench } from './bench.ts';
import { addComplete } from './complete.ts';
import { addDoctor } from './doctor.ts';
import { addEdits } from '../../test/bench/engine/edits.ts';
import { addGenerate } from './generate.ts';
import { addLogits } from './logits.ts';
import { addPerplexity } from './perplexity.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
// Whoever reads may stop early, as `head` does: then the output is not complete, and nobody is left to tell.
process.stdout.on('error', () => process.exit(1));

const program = new Command('airgap')
  .description('An on-device coding assistant: its engine in the terminal. No network, no account.')
  .version(version)
  .configureHelp({ helpWidth: 110 });
addComplete(program, interrupted.signal);
addDoctor(program);
addAsk(program, interrupted.signal);
addBench(program, interrupted.signal);
addEdits(program, interrupted.signal);
addLogits(program, interrupted.signal);
addGenerate(program, interrupted.signal);
addPerplexity(program, interrupted.signal);

void program.parseAsync().then(() => finish(), fail);

/** Standard output may still be a full pipe: leave once it is written. Dawn would otherwise keep the process alive. */
function finish(): void {
  process.stdout.write('', () => process.exit());
}

function fail(error: unknown): void {
  const expected = [BadModel, BadRequest, Cancelled, OutOfMemory, BackendLost].some((kind) => error instanceof kind);
  const message = error instanceof Error ? error.message : String(error);
  console.error(expected ? message : `This is a bug in Airgap: ${message}`);
  if (!expected && process.env['AIRGAP_DEBUG']) console.error(error);
  process.exitCode = 1;
  finish();
}
