import byteProductsSource from './byteProducts.wgsl';
import copySource from './copy.wgsl';
import multiplyAddsSource from './multiplyAdds.wgsl';
import gridSource from '../device/grid.wgsl';
import { type Kernel, WORKGROUP } from '../device/kernel.ts';

/** The kernels that measure a GPU; each reads one buffer, writes another and takes one u32. */
export interface SpeedKernels {
  readonly copy: Kernel;
  readonly f32: Kernel;
  /** Where the device has what they need. */
  readonly f16?: Kernel;
  readonly bytes?: Kernel;
}

export function speedKernels(has: { readonly f16: boolean; readonly bytes: boolean }): SpeedKernels {
  return {
    copy: kernel('copy', copySource),
    f32: kernel('multiply-adds in f32', multiplyAddsSource, 'alias Lane = f32;\n'),
    ...(has.f16 && { f16: kernel('multiply-adds in f16', multiplyAddsSource, 'enable f16;\nalias Lane = f16;\n') }),
    ...(has.bytes && { bytes: kernel('products of packed bytes', byteProductsSource) }),
  };
}

function kernel(name: string, source: string, head = ''): Kernel {
  return { name, source: head + gridSource + source, bindings: ['read', 'write'], constants: { WORKGROUP } };
}
