/** The backends, and everything that depends on which one runs. No other file of the engine names them. */
import {
  type ForcedVariants,
  GpuOps,
  type GpuSpeed,
  GpuUnavailable,
  type TuneOptions,
  type Tuning,
  type Turn,
  createGpuOps,
  dropped,
  gpuReport,
  gpuSpeed,
  needMatrices,
} from '../../kernels/gpu/gpuOps.ts';
import { BackendLost, BackendRefused, type Ops } from '../../kernels/ops.ts';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { createWasmOps, wasmReport } from '../../kernels/wasm/wasmOps.ts';
import { BadRequest, errorMessage } from '../errors.ts';
import type { Backend, BackendChoice, BackendReport } from '../wire/protocol.ts';
import { gpuSpeedLines } from './gpuSpeedLines.ts';
import { type BackendSpeeds, comparison, isCpuFaster } from './modelSpeed.ts';

export { type GpuSpeed, type TunedShape, dropped } from '../../kernels/gpu/gpuOps.ts';

export interface BackendOptions {
  readonly backend: BackendChoice;
  /** Number of threads of the WASM backend. */
  readonly threads?: number | undefined;
  readonly allowSoftwareGpu?: boolean | undefined;
  /** Asks a GPU for no more than every WebGPU device has: for tests. */
  readonly baselineGpu?: boolean | undefined;
  /** Variants of the GPU's products that run wherever they can, however fast they are. */
  readonly gpuVariants?: ForcedVariants | undefined;
  /** Lets the GPU's kernels use subgroup matrices, an experiment of Dawn's. Where absent, only if earlier tuning chose one. */
  readonly gpuMatrices?: boolean | undefined;
  /** What earlier tuning found on an adapter. */
  readonly knownTuning?: ReadKnownTuning | undefined;
  /** What was measured of the model that is to be loaded, with the GPU of this name and driver. */
  readonly measuredSpeeds?: ((adapter: string) => Promise<BackendSpeeds | undefined>) | undefined;
}

/** What tuning has found out about a GPU. */
export interface KnownTuning extends Pick<Tuning, 'verdicts'> {
  /** Names of the fastest kernels. */
  readonly chosen: Readonly<Record<string, string>>;
  /** The rate that steps have reached, in multiply-adds a millisecond; absent where no large one has run. */
  readonly macsPerMs?: number | undefined;
}

/** Reads it for an adapter, named as by its name and its driver; undefined where it was not tuned. */
export type ReadKnownTuning = (adapter: string) => Promise<KnownTuning | undefined>;

/**
 * Opens the backend that the options ask for; `auto` takes WebGPU where a real GPU has an adapter, unless the model was
 * measured to be slower there, else WASM. The notes say why WebGPU was not taken. The caller disposes the operations. Rejects with BadRequest when WebGPU was
 * asked for and cannot be used.
 */
export async function openBackend(options: BackendOptions): Promise<{ ops: Ops; notes: string[] }> {
  const { backend, threads } = options;
  const create: Record<Backend, () => Promise<Ops>> = {
    webgpu: () => openGpuOps(options),
    wasm: () => createWasmOps(threads === undefined ? {} : { threads }),
    reference: async () => new ReferenceOps(),
  };
  try {
    const ops = await create[backend === 'auto' ? 'webgpu' : backend]();
    const slower = backend === 'auto' ? await whyGpuIsSlower(ops, options) : undefined;
    if (slower === undefined) return { ops, notes: [] };
    await ops.dispose();
    return { ops: await create.wasm(), notes: [slower] };
  } catch (error) {
    if (!(error instanceof GpuUnavailable)) throw error;
    if (backend !== 'auto') throw new BadRequest(`WebGPU cannot be used: ${error.message}`);
    return { ops: await create.wasm(), notes: [`WebGPU is not used: ${error.message}`] };
  }
}

/** A sentence, where the model was measured to be slower on the GPU than on the CPU. */
async function whyGpuIsSlower(ops: Ops, { measuredSpeeds }: BackendOptions): Promise<string | undefined> {
  const speeds = ops instanceof GpuOps ? await measuredSpeeds?.(ops.adapter) : undefined;
  return speeds && isCpuFaster(speeds) ? comparison(speeds, ops.deviceName) : undefined;
}

async function openGpuOps(options: BackendOptions): Promise<Ops> {
  const { allowSoftwareGpu: allowSoftware = false, baselineGpu: baselineOnly, gpuVariants: variants } = options;
  const known = async (adapter: string): Promise<KnownTuning> => (await options.knownTuning?.(adapter)) ?? NOTHING;
  const choseMatrices = async (adapter: string): Promise<boolean> =>
    needMatrices(Object.values((await known(adapter)).chosen));
  const matrices = options.gpuMatrices ?? (needMatrices(Object.values(variants ?? {})) || choseMatrices);
  const ops = await createGpuOps({ allowSoftware, baselineOnly, variants, matrices });
  const { chosen, verdicts, macsPerMs } = await known(ops.adapter);
  ops.variants.chooseKept(chosen);
  for (const [key, verdict] of Object.entries(verdicts)) ops.variants.verdicts.set(key, verdict);
  if (macsPerMs !== undefined) ops.budget.expect(macsPerMs);
  return ops;
}

/** Of the GPU with this name and driver. */
export type GpuTuning = Tuning & Pick<KnownTuning, 'macsPerMs'> & { readonly adapter: string };

/** Chooses the GPU's kernels by their speed with the weights that are loaded; undefined where `ops` is not on a GPU. */
export async function tuneGpu(ops: Ops, options: TuneOptions): Promise<GpuTuning | undefined> {
  if (!(ops instanceof GpuOps)) return undefined;
  const tuning = await ops.tune(options);
  return { ...tuning, adapter: ops.adapter, macsPerMs: ops.budget.macsPerMs };
}

/** As it is kept. */
export function foundBy({ shapes, verdicts, macsPerMs }: GpuTuning): KnownTuning {
  return { chosen: Object.fromEntries(shapes.map(({ key, chosen }) => [key, chosen])), verdicts, macsPerMs };
}

export interface IdleTuneOptions {
  readonly mostSeconds: number;
  readonly signal: AbortSignal;
  /** Software adapters, too. They are left alone otherwise, since tuning would take the CPU. */
  readonly software?: boolean | undefined;
}

/** Likewise for what is not chosen yet, each step in its turn. */
export function tuneGpuWhenIdle(
  ops: Ops,
  { mostSeconds, signal }: IdleTuneOptions,
  turn: Turn,
): Promise<GpuTuning | undefined> {
  return tuneGpu(ops, { mostSeconds, signal, onlyMissing: true, turn });
}

/** The name and the driver of a GPU; undefined for other backends, and for adapters that compute on the CPU. */
export function gpuOf(ops: Ops, { software = false } = {}): string | undefined {
  return ops instanceof GpuOps && (software || !ops.isSoftware) ? ops.adapter : undefined;
}

/** How many dispatches the steps of `ops` have taken so far; undefined where the backend is no GPU. */
export function dispatchesOf(ops: Ops): number | undefined {
  return ops instanceof GpuOps ? ops.dispatches : undefined;
}

/** Bytes that a model on the CPU could still take here, without opening a backend. */
export { freeMemory as freeBytesOfCpu } from '../../kernels/wasm/host/heap.ts';

/** The backend that a model moves to when `failed` cannot hold or run it; undefined when there is none. */
export function fallbackFor(failed: BackendChoice): Backend | undefined {
  return failed === 'wasm' ? undefined : 'wasm';
}

/** What to open once `failed` was lost: it again, as long as it can be opened at all. undefined where that would not help. */
export function reopened(failed: BackendChoice, error: Error): BackendChoice | undefined {
  const mayReturn = error instanceof BackendLost && !(error instanceof BackendRefused);
  return mayReturn && (failed === 'auto' || failed === 'webgpu') ? 'auto' : undefined;
}

/** The backend to load on when `choice` cannot hold a model; undefined where the user named a backend. */
export function fallbackForLoad(choice: BackendChoice): Backend | undefined {
  return choice === 'auto' ? fallbackFor(choice) : undefined;
}

/** Interprets `choice` in a process that must not use the GPU; undefined if it explicitly requests the GPU. */
export function withoutGpu(choice: BackendChoice): BackendChoice | undefined {
  if (choice === 'webgpu') return undefined;
  return choice === 'auto' ? fallbackFor(choice) : choice;
}

/** Measures the GPU that the options choose, in less than a second. Rejects with GpuUnavailable or BackendLost. */
export function measureGpu({ allowSoftwareGpu = false }: Pick<BackendOptions, 'allowSoftwareGpu'>): Promise<GpuSpeed> {
  return gpuSpeed({ allowSoftware: allowSoftwareGpu });
}

/** Remembers the speed of a GPU, by its name and driver, or has it measured. */
export type KnownGpuSpeed = (adapter: string, measure: () => Promise<GpuSpeed>) => Promise<GpuSpeed>;

/**
 * Says for each backend whether it can run here and, where it cannot, why. The best backend comes first. A GPU's speed is
 * part of its details where `knownGpuSpeed` is given, and what was tuned where `knownTuning` is.
 */
export async function backendReports(
  options: Pick<BackendOptions, 'allowSoftwareGpu'>,
  knownGpuSpeed?: KnownGpuSpeed,
  knownTuning?: ReadKnownTuning,
): Promise<BackendReport[]> {
  const adapterOptions = { allowSoftware: options.allowSoftwareGpu === true };
  const { adapter, ...gpu } = await gpuReport(adapterOptions);
  const speed =
    gpu.usable && knownGpuSpeed
      ? await knownGpuSpeed(adapter, () => gpuSpeed(adapterOptions)).then(gpuSpeedLines, (error: unknown) => {
          return [`its speed could not be measured: ${errorMessage(error)}`];
        })
      : [];
  return [
    { backend: 'webgpu', ...gpu, details: [...gpu.details, ...speed, ...tuningLines(await knownTuning?.(adapter))] },
    { backend: 'wasm', ...(await wasmReport()) },
  ];
}

const NOTHING: KnownTuning = { chosen: {}, verdicts: {} };

function tuningLines(known = NOTHING): readonly string[] {
  const tuned = Object.keys(known.chosen).length;
  const plain = 'kernels: the plain ones ("airgap tune MODEL" finds the fastest)';
  return [tuned === 0 ? plain : `kernels: chosen for ${tuned} kinds of products and attention`, ...dropped(known)];
}

/**
 * Number of prompt tokens per step. A cancelled or outranked request waits for one step, which takes seconds on a CPU
 * with a large model. There, steps of 64 tokens cost 3 % of the speed of steps of 256.
 */
export const CHUNK_TOKENS: Readonly<Record<Backend, number>> = { webgpu: 256, wasm: 64, reference: 64 };

/** Whether weights are packed by the threads that compute steps. The GPU's packers are threads beside it. */
export const PACKS_WHERE_IT_COMPUTES: Readonly<Record<Backend, boolean>> = {
  webgpu: false,
  wasm: true,
  reference: false,
};

/** The same for chats while the user types, so that a completion waits no longer than a few tokens take. */
export const CHAT_CHUNK_TOKENS: Readonly<Record<Backend, number>> = { webgpu: 64, wasm: 16, reference: 16 };
