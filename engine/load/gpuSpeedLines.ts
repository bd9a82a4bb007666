import type { GpuSpeed } from '../../kernels/gpu/gpuOps.ts';

/** The speed of a GPU for a report, a line each. */
export function gpuSpeedLines(speed: GpuSpeed): string[] {
  const { copyBytesPerSecond, f32MacsPerSecond, f16MacsPerSecond, byteMacsPerSecond } = speed;
  const macs = (perSecond: number | undefined): string => (perSecond ? `${giga(perSecond)} G/s` : 'not offered');
  const clock = speed.byTimestamps ? "the GPU's timestamps" : "the host's clock, since the GPU has no timestamps";
  return [
    `copies: ${giga(copyBytesPerSecond)} GB/s read and written`,
    `multiply-adds: f32 ${macs(f32MacsPerSecond)}, f16 ${macs(f16MacsPerSecond)}, packed bytes ${macs(byteMacsPerSecond)}`,
    `a dispatch: ${(speed.dispatchSeconds * 1e6).toFixed(1)} µs, a round trip: ${(speed.roundTripSeconds * 1e3).toFixed(2)} ms`,
    `speed measured by: ${clock}`,
  ];
}

function giga(perSecond: number): string {
  return String(Number((perSecond / 1e9).toPrecision(3)));
}
