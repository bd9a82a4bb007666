import { type AdapterOptions, openGpu } from '../device/adapter.ts';
import { type Kernel, WORKGROUP } from '../device/kernel.ts';
import { type SpeedKernels, speedKernels } from './kernels.ts';
import { Probe, type Trial } from './probe.ts';

/** What a GPU can do at most, as small kernels reach it. */
export interface GpuSpeed {
  /** Read and written by a copy of COPY_BYTES. */
  readonly copyBytesPerSecond: number;
  readonly f32MacsPerSecond: number;
  /** Undefined where the adapter has no f16, and the same for packed bytes. */
  readonly f16MacsPerSecond?: number | undefined;
  readonly byteMacsPerSecond?: number | undefined;
  /** What another dispatch of a pass takes, and from a command to its result in the host's memory. */
  readonly dispatchSeconds: number;
  readonly roundTripSeconds: number;
  /** Whether the GPU's own timestamps told it, and not the host's clock. */
  readonly byTimestamps: boolean;
}

/** More than the caches of the largest cards hold, and half of what every WebGPU device binds. */
const COPY_BYTES = 2 ** 26;
/** Workgroups that copy a piece of it: the least that is measured. */
const PIECE_GROUPS = 64;
/** Enough to fill the largest cards several times over. */
const MOST_GROUPS = 4096;
const PIECE_BYTES = PIECE_GROUPS * WORKGROUP * 16;
/** Multiply-adds of an invocation in a round (multiplyAdds.wgsl, byteProducts.wgsl). */
const ROUND_MACS = 128;
/** A trial takes at least so long, well above what clocks resolve, and far less than a desktop's watchdog allows. */
const TRIAL_SECONDS = 0.01;
/** The best of so many counts, since others may use the GPU, too. */
const TRIALS = 3;
const DISPATCHES = 200;

/** Measures the adapter that the options choose, in less than a second on a GPU. Rejects with GpuUnavailable or BackendLost. */
export async function gpuSpeed(options: AdapterOptions): Promise<GpuSpeed> {
  const { device, offered } = await openGpu(options);
  const bufferBytes = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  const probe = new Probe(device, bufferBytes);
  try {
    const kernels = speedKernels({ f16: offered.has('f16'), bytes: offered.has('byte products') });
    return { ...(await measure(probe, kernels)), byTimestamps: probe.hasTimestamps };
  } finally {
    probe.dispose();
  }
}

async function measure(probe: Probe, { copy, f32, f16, bytes }: SpeedKernels): Promise<Omit<GpuSpeed, 'byTimestamps'>> {
  const { memory } = probe;
  const copyBytes = Math.min(COPY_BYTES, memory.limits.bufferBytes);
  const [from, to] = [memory.allocate(copyBytes), memory.allocate(copyBytes)];
  const pieces = Math.floor(copyBytes / PIECE_BYTES);
  /** `count` pieces, one after the other, and from the first again. */
  const copied = (count: number): Trial => {
    const groups = PIECE_GROUPS * Math.min(count, pieces);
    return { kernel: copy, from, to, parameter: groups * WORKGROUP, groups, times: Math.ceil(count / pieces) };
  };
  const macs = async (kernel: Kernel | undefined): Promise<number | undefined> => {
    const multiplied = (count: number): Trial => {
      const groups = PIECE_GROUPS * Math.min(count, MOST_GROUPS / PIECE_GROUPS);
      return { kernel: kernel!, from, to, parameter: Math.ceil((count * PIECE_GROUPS) / groups), groups, times: 1 };
    };
    return (
      kernel && perSecond(probe, multiplied, ({ groups, parameter }) => groups * WORKGROUP * parameter * ROUND_MACS)
    );
  };
  const none = (times: number): Trial => ({ kernel: copy, from, to, parameter: 0, groups: 1, times });
  await probe.run(none(1)); // Compiles.
  const one = await best(probe, none(1));
  const many = await best(probe, none(1 + DISPATCHES));
  return {
    roundTripSeconds: one.hostSeconds,
    dispatchSeconds: Math.max(0, many.seconds - one.seconds) / DISPATCHES,
    copyBytesPerSecond: await perSecond(probe, copied, ({ parameter, times }) => 2 * 16 * parameter * times),
    f32MacsPerSecond: (await macs(f32))!,
    f16MacsPerSecond: await macs(f16),
    byteMacsPerSecond: await macs(bytes),
  };
}

/** What a GPU does per second: `done` tells how much a trial does, which grows with `count` until it takes long enough. */
async function perSecond(
  probe: Probe,
  trial: (count: number) => Trial,
  done: (trial: Trial) => number,
): Promise<number> {
  let count = 1;
  await probe.run(trial(count)); // Compiles.
  let { seconds } = await probe.run(trial(count));
  while (seconds < TRIAL_SECONDS) {
    count = Math.ceil(count * Math.min(16, Math.max(2, (1.5 * TRIAL_SECONDS) / seconds)));
    ({ seconds } = await probe.run(trial(count)));
  }
  return done(trial(count)) / Math.min(seconds, (await best(probe, trial(count))).seconds);
}

/** The shortest times of several runs. */
async function best(probe: Probe, trial: Trial): Promise<{ seconds: number; hostSeconds: number }> {
  const runs: { seconds: number; hostSeconds: number }[] = [];
  for (let i = 0; i < TRIALS; i++) runs.push(await probe.run(trial));
  const least = (of: 'seconds' | 'hostSeconds'): number => Math.min(...runs.map((run) => run[of]));
  return { seconds: least('seconds'), hostSeconds: least('hostSeconds') };
}
