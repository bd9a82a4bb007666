import type { Command } from 'commander';
import { BackendLost, OutOfMemory } from '../../kernels/ops.ts';
import { BadModel, BadRequest, Cancelled, DownloadFailed, errorMessage } from '../errors.ts';

/** Adds one command to a program. The signal fires when the user interrupts. */
export type AddCommand = (program: Command, signal: AbortSignal) => void;

/** Runs a program with these commands by the arguments of this process, prints its failure, and ends the process. */
export async function runProgram(program: Command, commands: readonly AddCommand[]): Promise<void> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  // A reader such as `head` may stop early. The output is incomplete then, and nobody is left to be told.
  process.stdout.on('error', () => process.exit(1));
  program.configureHelp({ helpWidth: 110 });
  for (const add of commands) add(program, interrupted.signal);
  try {
    await program.parseAsync();
  } catch (error) {
    report(error);
    process.exitCode = 1;
  }
  // Standard output may be a full pipe: the process ends once it is written. Dawn would otherwise keep it alive.
  process.stdout.write('', () => process.exit());
}

function report(error: unknown): void {
  const kinds = [BadModel, BadRequest, Cancelled, DownloadFailed, OutOfMemory, BackendLost];
  const expected = kinds.some((kind) => error instanceof kind);
  const message = errorMessage(error);
  console.error(expected ? message : `This is a bug in Airgap: ${message}`);
  if (!expected && process.env['AIRGAP_DEBUG']) console.error(error);
}
