import { freemem, totalmem } from 'node:os';

/** What is known of the memory that a GPU's buffers take. */
export interface GpuMemory {
  /** Bytes that buffers may take together; Infinity where only an allocation can tell. */
  readonly totalBytes: number;
  /** Bytes of the system's memory that are free now, where buffers take those. */
  readonly freeBytes?: (() => number) | undefined;
}

/** WebGPU tells neither the size of a GPU's own memory nor whether it has any, so that is judged by what an adapter is called. */
export function memoryOf(info: GPUAdapterInfo, platform: NodeJS.Platform = process.platform): GpuMemory {
  if (info.isFallbackAdapter || platform === 'darwin') return { totalBytes: systemBytes() }; // macOS counts memory that it could free as in use.
  return isIntegrated(info) ? { totalBytes: systemBytes(), freeBytes } : { totalBytes: Infinity };
}

/** Whether a GPU is part of a processor and uses the system's memory. Where that cannot be told, it is a card. */
export function isIntegrated({ vendor, architecture, device, description }: GPUAdapterInfo): boolean {
  const name = `${device} ${description}`;
  if (/^(qualcomm|arm|apple|img-tec|broadcom|samsung)$/.test(vendor)) return true;
  // Arc's cards are gen-12hp, xe-2hpg and the like; processors have gen-9, gen-12lp, xe-lpg, xe-2lpg and the like.
  if (vendor === 'intel') return architecture === '' ? !/\bArc\b.* [AB]\d{3}/.test(name) : !/hpg?$/.test(architecture);
  // Radeon Graphics, Radeon Vega 8 Graphics, Radeon 780M, Radeon 8060S Graphics; cards are named RX or Pro.
  return vendor === 'amd' && !/\b(RX|Pro|PRO|Instinct)\b/.test(name) && /\bGraphics\b|\b\d{3}M\b/.test(name);
}

function systemBytes(): number {
  const constrained = process.constrainedMemory(); // 0, or beyond all bounds, where nothing constrains the process
  return Math.floor(0.9 * (constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()));
}

function freeBytes(): number {
  const { availableMemory } = process as { availableMemory?: () => number };
  return availableMemory ? availableMemory.call(process) : freemem();
}
