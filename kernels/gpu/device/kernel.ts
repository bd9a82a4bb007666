import { BackendRefused } from '../../ops.ts';
import { type HeldBuffer, sentence } from './memory.ts';

/** A WGSL program with its constants: one compute pipeline. Bindings come in order, the uniform parameters last. */
export interface Kernel {
  readonly name: string;
  readonly source: string;
  readonly bindings: readonly ('read' | 'write')[];
  readonly constants: Record<string, number>;
}

/** A kernel with constants that are known at the call, such as a head's width: one Kernel for each set of them. */
export function defineKernel(
  name: string,
  source: string,
  bindings: Kernel['bindings'],
): (constants?: Record<string, number>) => Kernel {
  const made = new Map<string, Kernel>();
  return (constants = {}) => {
    const key = Object.values(constants).join();
    let kernel = made.get(key);
    if (!kernel) made.set(key, (kernel = { name, source, bindings, constants }));
    return kernel;
  };
}

/** A uniform parameter. */
export interface Scalar {
  readonly type: 'u32' | 'f32';
  readonly value: number;
}
export const u32 = (value: number): Scalar => ({ type: 'u32', value });
export const f32 = (value: number): Scalar => ({ type: 'f32', value });

/** Threads of a workgroup in kernels that have a free choice; 256 is what every WebGPU device allows. */
export const WORKGROUP = 256;

/** A grid of `count` workgroups; folded, because a dimension holds 65535 at most. Kernels unfold it and check it. */
export function grid(count: number): [number, number, number] {
  return count <= MOST_GROUPS ? [count, 1, 1] : [MOST_GROUPS, Math.ceil(count / MOST_GROUPS), 1];
}
/** Workgroups in a dimension of a grid, on every WebGPU device. */
export const MOST_GROUPS = 65535;

/** Bytes of a dispatch's parameters: at most 16 scalars. */
export const PARAMS_BYTES = 64;

/** The compiled kernels of a device, and the bind groups made for them. */
export class Pipelines {
  /** Names the first kernel that the driver has refused, and why. */
  refused: BackendRefused | undefined;
  readonly #pipelines = new Map<Kernel, GPUComputePipeline>();
  readonly #bindGroups = new Map<GPUComputePipeline, Map<string, GPUBindGroup>>();

  readonly #device: GPUDevice;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** How many kernels were compiled so far. */
  get size(): number {
    return this.#pipelines.size;
  }

  get(kernel: Kernel): GPUComputePipeline {
    let pipeline = this.#pipelines.get(kernel);
    if (!pipeline) this.#pipelines.set(kernel, (pipeline = this.#compile(kernel)));
    return pipeline;
  }

  /** Compiles a kernel without harm to anything else: why it does not compile here, in one line, if so. */
  async compileFailure(kernel: Kernel): Promise<string | undefined> {
    if (this.#pipelines.has(kernel)) return undefined;
    this.#device.pushErrorScope('validation');
    const compiled = this.#device.createComputePipelineAsync(this.#describe(kernel));
    const scope = this.#device.popErrorScope(); // Says more about the source than what the pipeline is rejected with.
    const [pipeline, error] = await Promise.allSettled([compiled, scope]);
    if (pipeline.status === 'fulfilled') {
      this.#pipelines.set(kernel, pipeline.value);
      return undefined;
    }
    const reason = (error.status === 'fulfilled' && error.value) || (pipeline.reason as Error);
    return reason.message.split('\n')[0];
  }

  /** `buffers` in order of binding, the uniform buffer (bound with a dynamic offset) last. */
  bindGroup(pipeline: GPUComputePipeline, buffers: readonly HeldBuffer[]): GPUBindGroup {
    let groups = this.#bindGroups.get(pipeline);
    if (!groups) this.#bindGroups.set(pipeline, (groups = new Map()));
    const key = buffers.map((buffer) => buffer.id).join();
    let group = groups.get(key);
    if (!group) {
      const uniform = buffers.length - 1;
      group = this.#device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: buffers.map(({ gpu }, binding) => ({
          binding,
          resource: binding === uniform ? { buffer: gpu, size: PARAMS_BYTES } : { buffer: gpu },
        })),
      });
      groups.set(key, group);
    }
    return group;
  }

  /** After a buffer was destroyed, so that its groups do not hold on to it. */
  forgetBindGroups(): void {
    this.#bindGroups.clear();
  }

  /** A refused kernel gives an invalid pipeline, of which only the error scopes tell. */
  #compile(kernel: Kernel): GPUComputePipeline {
    const tell = (error: GPUError | null): void => {
      if (error)
        this.refused ??= new BackendRefused(
          `The GPU's driver refuses the shader ${kernel.name}: ${sentence(error.message)}`,
        );
    };
    const scopes = ['validation', 'internal'] as const;
    for (const filter of scopes) this.#device.pushErrorScope(filter);
    try {
      return this.#device.createComputePipeline(this.#describe(kernel));
    } finally {
      // They reject where the device was lost.
      for (const popped of scopes.map(() => this.#device.popErrorScope())) popped.then(tell, () => {});
    }
  }

  #describe({ name, source, bindings, constants }: Kernel): GPUComputePipelineDescriptor {
    // Declared, not `layout: 'auto'`: auto drops bindings the shader does not use and hides mistakes.
    const entries: GPUBindGroupLayoutEntry[] = bindings.map((access, binding) => ({
      binding,
      visibility: COMPUTE,
      buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
    }));
    entries.push({
      binding: bindings.length,
      visibility: COMPUTE,
      buffer: { type: 'uniform', hasDynamicOffset: true },
    });
    const layout = this.#device.createBindGroupLayout({ label: name, entries });
    return {
      label: name,
      layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: this.#device.createShaderModule({ label: name, code: source }), constants },
    };
  }
}

const COMPUTE = 0x4; // GPUShaderStage.COMPUTE, which is no global in Node.
