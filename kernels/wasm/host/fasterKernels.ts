import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { Banks } from './banks.ts';
import { Program } from './program.ts';
import { recordLinear } from './record/recordLinear.ts';
import { runAlone } from './selfTest.ts';
import { holdWeight } from './weights.ts';

/** Long enough for V8's optimising compiler to take over. */
const MEASURE_MS = 40;
const [OUT, IN] = [256, 1024];

/**
 * Which of two builds multiplies one row by 4-bit weights faster here: a processor with a dot product of bytes (AVX-VNNI,
 * ARM's SDOT) is faster with it, others with sums of pairs. Their results are the same bit for bit, so that a
 * measurement that was disturbed costs speed only. The event loop stays free.
 */
export async function fasterKernels<Name extends string>(
  modules: Readonly<Record<Name, WebAssembly.Module>>,
): Promise<Name> {
  const candidates = (Object.keys(modules) as Name[]).map((name) => ({
    name,
    run: multiplier(modules[name]),
    ms: 1e9,
  }));
  for (const until = performance.now() + MEASURE_MS; performance.now() < until;) {
    for (const candidate of candidates) candidate.ms = Math.min(candidate.ms, candidate.run());
    await setImmediate();
  }
  return candidates.reduce((best, candidate) => (candidate.ms < best.ms ? candidate : best)).name;
}

/** Multiplies once; returns the milliseconds. */
function multiplier(module: WebAssembly.Module): () => number {
  const banks = new Banks(module, { maxBytes: 16 * 65536 });
  const weight = holdWeight(banks, [OUT, IN], 'q4', undefined);
  return () => {
    const program = new Program();
    const x = program.tensor([1, IN], new Float32Array(IN));
    const y = recordLinear({ program, threads: 1, quantised: new Map() }, x, weight);
    return runAlone(banks, program, y);
  };
}
