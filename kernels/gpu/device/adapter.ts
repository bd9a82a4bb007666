import { type Dawn, GpuUnavailable, dawnInstance, loadDawn } from './dawn.ts';
import { BackendLost } from '../../ops.ts';
import { MATRICES_FEATURE, type MatricesNeed, matricesOffered, matricesText } from './matrices.ts';
import { MOST_GROUPS } from './kernel.ts';
import { sentence } from './memory.ts';
import { type GpuMemory, memoryOf } from './sharedMemory.ts';
import { hasVulkanDriver } from './vulkanDrivers.ts';

export interface AdapterOptions {
  /** Accepts an adapter that computes on the CPU. Tests ask for it. */
  readonly allowSoftware?: boolean | undefined;
  /** Part of the name of the adapter to take. */
  readonly adapterName?: string | undefined;
  /** Binds no larger buffers than this, where the adapter would allow it: for tests of weights in several parts. */
  readonly largestBufferBytes?: number | undefined;
  /** What is known of its memory, in place of what is: for tests. */
  readonly memory?: Partial<GpuMemory> | undefined;
  /** Asks for no feature and no limit beyond what every WebGPU device has, whatever the adapter offers. */
  readonly baselineOnly?: boolean | undefined;
  /**
   * Whether variants of kernels may use subgroup matrices where an adapter, named by its name and its driver, has them. It is
   * an experiment of Dawn's. Not where absent.
   */
  readonly matrices?: boolean | ((adapter: string) => Promise<boolean>) | undefined;
}

/** What the kernels rely on, which is no more than WebGPU promises, and what it is called. */
const NEEDED = [
  ['maxComputeWorkgroupStorageSize', 16384, 'bytes of workgroup memory'],
  ['maxComputeInvocationsPerWorkgroup', 256, 'threads a workgroup'],
  ['maxComputeWorkgroupSizeX', 256, 'threads in a dimension of a workgroup'],
  ['maxComputeWorkgroupsPerDimension', MOST_GROUPS, 'workgroups in a dimension of a dispatch'],
  ['maxStorageBuffersPerShaderStage', 8, 'buffers that a kernel binds'],
  ['maxStorageBufferBindingSize', 2 ** 27, 'bytes of a buffer that is bound'],
] as const;

/** What only some devices have and kernels may need. */
export type Need = 'subgroups' | 'f16' | 'byte products' | MatricesNeed;

export interface OpenedGpu {
  readonly device: GPUDevice;
  readonly deviceName: string;
  readonly memory: GpuMemory;
  /** What variants of kernels may need and this device has. */
  readonly offered: ReadonlySet<Need>;
}

/** Features that are asked for where an adapter has them. */
const FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];
/** Likewise, where matrices may be used. No types have them yet. */
const FEATURES_OF_MATRICES = [
  MATRICES_FEATURE,
  'subgroup-size-control',
] as readonly string[] as readonly GPUFeatureName[];

export interface GpuReport {
  readonly usable: boolean;
  /** One sentence. */
  readonly reason: string;
  /** Adapter, features and limits, a line each. */
  readonly details: readonly string[];
  /** Its name and its driver, where it is usable: what its speed depends on. */
  readonly adapter: string;
}

/** The report of `airgap doctor` about the GPU. Opens the device and closes it again. */
export async function gpuReport(options: AdapterOptions = {}): Promise<GpuReport> {
  const details: string[] = [];
  try {
    const { device, deviceName } = await openGpu(options, details);
    device.destroy();
    const adapter = withDriver(deviceName, device.adapterInfo);
    return { usable: true, reason: `${deviceName} can be used.`, details, adapter };
  } catch (error) {
    if (!(error instanceof GpuUnavailable)) throw error;
    return { usable: false, reason: error.message, details, adapter: '' };
  }
}

/** A device of the best adapter whose results can be read. Throws GpuUnavailable. Adds what it learns to `details`. */
export async function openGpu(options: AdapterOptions, details: string[] = []): Promise<OpenedGpu> {
  if (!options.allowSoftware && process.platform === 'linux' && !hasVulkanDriver()) throw noAdapter();
  const dawn = loadDawn();
  const { gpu, adapter } = await findAdapter(dawn, options);
  const deviceName = nameOf(adapter.info);
  details.push(...describe(adapter, deviceName));
  if (adapter.info.isFallbackAdapter && !options.allowSoftware)
    throw new GpuUnavailable(`The only adapter, ${deviceName}, computes on the CPU, where the WASM backend is faster.`);
  for (const [limit, needed, what] of NEEDED) {
    const has = adapter.limits[limit];
    if (has < needed)
      throw new GpuUnavailable(
        `${deviceName} allows ${has} ${what} (${limit}) where ${needed} are needed; the WASM backend needs no GPU.`,
      );
  }
  const matrices = await wantsMatrices(options, adapter);
  const device = await requestDevice(
    adapter,
    deviceName,
    options.baselineOnly ? {} : wanted(adapter, options, matrices),
  );
  try {
    await proveReadable(dawn, device);
  } catch (error) {
    device.destroy();
    throw error;
  }
  const memory = { ...memoryOf(adapter.info), ...options.memory };
  return { device, deviceName, memory, offered: offeredBy(device, gpu, adapter.info) };
}

async function wantsMatrices({ matrices = false }: AdapterOptions, { info }: GPUAdapter): Promise<boolean> {
  return typeof matrices === 'boolean' ? matrices : matrices(withDriver(nameOf(info), info));
}

/** An adapter's name and its driver: what its speed and its faults depend on. */
export function withDriver(name: string, { description }: GPUAdapterInfo): string {
  return `${name}, ${description}`;
}

/** All that kernels can use. */
function wanted(
  { features, limits }: GPUAdapter,
  { largestBufferBytes = Infinity }: AdapterOptions,
  matrices: boolean,
): GPUDeviceDescriptor {
  const all = matrices ? [...FEATURES, ...FEATURES_OF_MATRICES] : FEATURES;
  return {
    requiredFeatures: all.filter((feature) => features.has(feature)),
    requiredLimits: {
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: Math.min(limits.maxStorageBufferBindingSize, largestBufferBytes),
    },
  };
}

async function requestDevice(adapter: GPUAdapter, name: string, descriptor: GPUDeviceDescriptor): Promise<GPUDevice> {
  try {
    return await adapter.requestDevice(descriptor);
  } catch (error) {
    throw new GpuUnavailable(`${name} cannot be opened: ${sentence((error as Error).message)}`);
  }
}

/**
 * Without `disable_workgroup_init` every kernel starts by zeroing its shared memory. Ours write it before they read it,
 * and SwiftShader takes 30 times as long to compile the zeroing as the rest.
 *
 * `allow_unsafe_apis` shows the features that Chromium keeps from web pages, such as subgroup matrices; a device still has
 * only those that it is asked for. All shaders are Airgap's own. Nothing of a model becomes part of one, so the features
 * need not withstand a hostile shader.
 *
 * `vulkan_enable_f16_on_nvidia`: Dawn keeps f16 from those drivers, since they compute some of it wrongly. Here only variants
 * of kernels use it, and only those that were found right on the very device.
 */
async function findAdapter(dawn: Dawn, options: AdapterOptions): Promise<{ gpu: GPU; adapter: GPUAdapter }> {
  const flags = ['enable-dawn-features=disable_workgroup_init,allow_unsafe_apis,vulkan_enable_f16_on_nvidia'];
  if (options.adapterName) flags.push(`adapter=${options.adapterName}`);
  const gpu = dawnInstance(dawn, flags);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch((error: Error) => {
    // When no adapter has the name, Dawn throws an error that lists the adapters.
    const names = [...error.message.matchAll(/name: '([^']*)'/g)].map((match) => match[1]).join(', ');
    throw new GpuUnavailable(`No GPU adapter is named "${options.adapterName}"; there are: ${names || 'none'}.`);
  });
  if (adapter) return { gpu, adapter };
  throw noAdapter();
}

function noAdapter(): GpuUnavailable {
  return new GpuUnavailable(NO_ADAPTER[process.platform] ?? 'No GPU adapter was found.');
}

const NO_ADAPTER: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'No GPU adapter was found: there is no Vulkan driver, or its loader libvulkan.so.1 is not installed.',
  win32: 'No GPU adapter was found: there is no Direct3D 12 or Vulkan driver.',
  darwin: 'No GPU adapter was found: Metal offers none.',
};

/**
 * Maps a small buffer. Electron's V8 refuses memory that native code owns, so there a GPU can be driven but its results
 * can never be read (node-webgpu issue 5).
 */
async function proveReadable(dawn: Dawn, device: GPUDevice): Promise<void> {
  const { MAP_READ, COPY_DST } = dawn.globals['GPUBufferUsage'] as unknown as typeof GPUBufferUsage;
  const { READ } = dawn.globals['GPUMapMode'] as unknown as typeof GPUMapMode;
  const buffer = device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST });
  await buffer.mapAsync(READ).catch((error: Error) => {
    buffer.destroy();
    throw new BackendLost(`The GPU was lost while it was opened: ${sentence(error.message)}`);
  });
  try {
    buffer.getMappedRange();
  } catch {
    const runtime = process.versions['electron']
      ? `Electron ${process.versions['electron']}`
      : 'This JavaScript runtime';
    throw new GpuUnavailable(`${runtime} cannot read results of the GPU; the engine must run on a plain Node.js.`);
  } finally {
    buffer.destroy();
  }
}

function nameOf(info: GPUAdapterInfo): string {
  return info.device.replace(/-+$/, '') || info.description || info.architecture || info.vendor || 'unnamed adapter';
}

function describe(adapter: GPUAdapter, name: string): string[] {
  const { info, limits, features } = adapter;
  const mebibytes = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`;
  return [
    `adapter: ${name} (vendor ${info.vendor || 'unknown'}, architecture ${info.architecture || 'unknown'})`,
    `driver: ${info.description || 'unknown'}`,
    `computes on the CPU: ${info.isFallbackAdapter ? 'yes' : 'no'}`,
    ...['shader-f16', 'subgroups', 'timestamp-query'].map((f) => `${f}: ${features.has(f) ? 'yes' : 'no'}`),
    `subgroup matrices: ${matricesText(info)}`,
    `largest buffer: ${mebibytes(limits.maxBufferSize)}, bound at once ${mebibytes(limits.maxStorageBufferBindingSize)}`,
    `memory: ${memoryText(memoryOf(info))}`,
    `workgroup: ${limits.maxComputeInvocationsPerWorkgroup} threads, ${limits.maxComputeWorkgroupStorageSize} bytes`,
  ];
}

function memoryText({ totalBytes, freeBytes }: GpuMemory): string {
  if (totalBytes === Infinity) return 'its own';
  const free = freeBytes ? `, of which ${Math.floor(freeBytes() / 2 ** 20)} MiB are free` : '';
  return `shared with the system${free}`;
}

/** `info` is the adapter's: that of a device does not have the sizes of matrices. */
function offeredBy(
  { features }: GPUDevice,
  { wgslLanguageFeatures: wgsl }: GPU,
  info: GPUAdapterInfo,
): ReadonlySet<Need> {
  const has: Record<Exclude<Need, MatricesNeed>, boolean> = {
    f16: features.has('shader-f16'),
    subgroups: features.has('subgroups') && wgsl.has('subgroup_id'),
    'byte products': wgsl.has('packed_4x8_integer_dot_product'),
  };
  const offered = (Object.keys(has) as (keyof typeof has)[]).filter((need) => has[need]);
  return new Set([...offered, ...matricesOffered(info, features)]);
}
