import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import type { LoadOptions } from '../../../engine/load/loadModel.ts';

/** All rows of a measurement on WASM, for tests. */
export async function rowsOf<Row extends object>(
  measurement: Measurement<Row>,
  load: Partial<LoadOptions> = {},
): Promise<Row[]> {
  const rows: Row[] = [];
  const context = {
    load: { backend: 'wasm' as const, ...load },
    bandwidth: 1e10,
    signal: new AbortController().signal,
  };
  for await (const row of measurement.rows(context)) rows.push(row);
  return rows;
}
