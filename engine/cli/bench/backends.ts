import { availableParallelism, cpus } from 'node:os';
import { BadRequest, errorMessage } from '../../errors.ts';
import type { LoadOptions } from '../../load/loadModel.ts';
import type { BackendChoice } from '../../wire/protocol.ts';
import { measureBandwidth } from '../../discovery/memoryBandwidth.ts';
import { type ModelOptions, loadOptions } from '../options.ts';
import { type Column, rowFormatter } from '../table.ts';

/** Something that can be measured on a backend: rows of figures, and the columns in which they are printed. */
export interface Measurement<Row extends object> {
  /** Says what the figures are about. */
  readonly subject: string;
  readonly columns: readonly Column<Row>[];
  readonly layout: 'list' | 'table';
  rows(context: BenchContext): AsyncIterable<Row>;
}

export interface BenchContext {
  readonly load: LoadOptions;
  /** Memory bandwidth in bytes per second, measured in this run. */
  readonly bandwidth: number;
  readonly signal: AbortSignal;
}

export interface BenchOptions extends Omit<ModelOptions, 'backend'> {
  backend: BackendChoice | 'both';
  json?: boolean;
  /** Prints Markdown tables. */
  markdown?: boolean;
}

/**
 * Measures the memory bandwidth, then runs the measurements on each backend that the options name and prints the rows as
 * they come. With `both`, a backend that fails is reported and the other one still measured. Rejects when none could be.
 */
export async function benchBackends(
  measurements: readonly Measurement<object>[],
  options: BenchOptions,
  { random = false, signal }: { random?: boolean; signal: AbortSignal },
): Promise<void> {
  const bandwidth = await measureBandwidth();
  const say = (text: string): void => void (options.json || console.log(text));
  say(describeMachine(bandwidth));
  say(random ? 'random weights: speed only, no quality\n' : '');
  const rows: object[] = [];
  const failures: string[] = [];
  for (const backend of options.backend === 'both' ? (['wasm', 'webgpu'] as const) : [options.backend]) {
    try {
      const load = loadOptions({ ...options, backend }, signal);
      for (const measurement of measurements) {
        say(`${backend}: ${measurement.subject}${options.markdown ? '\n' : ''}`);
        const text = rowFormatter(measurement.columns, options.markdown ? 'markdown' : measurement.layout);
        for await (const row of measurement.rows({ load, bandwidth, signal })) {
          say(text(row));
          rows.push({ backend, ...row });
        }
        say('');
      }
    } catch (error) {
      if (options.backend !== 'both' || signal.aborted) throw error;
      failures.push(`${backend}: not measured: ${errorMessage(error)}`);
      say(`${failures.at(-1)}\n`);
    }
  }
  if (options.json) console.log(JSON.stringify({ bandwidth, random, rows, failures }));
  if (rows.length === 0) throw new BadRequest('No backend could be measured.');
}

function describeMachine(bandwidth: number): string {
  const threads = availableParallelism();
  return [
    `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} cores, Node ${process.version}`,
    `memory read bandwidth, ${threads} threads: ${(bandwidth / 1e9).toFixed(2)} GB/s`,
  ].join('\n');
}
