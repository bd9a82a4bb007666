import type { WeightDType, WeightWriter } from '../../ops.ts';
import { RowCounter } from '../../shared/rowCounter.ts';
import { MOST_GROUPS } from '../device/kernel.ts';
import type { Memory } from '../device/memory.ts';
import { type GpuWeight, Storage, type WeightPart } from '../device/tensor.ts';
import { blockBytes, scaleBytes } from '../packing/layout.ts';
import type { Packers } from '../packing/packers.ts';
import type { PackedRows } from '../packing/packRows.ts';

/** A product's grid is as wide as a part has rows, of which every workgroup of any variant computes at least 8. */
const MOST_PART_ROWS = 8 * MOST_GROUPS;

/** Lets `packers` pack stored rows as weight.wgsl says, and uploads each piece as it comes. Throws OutOfMemory. */
export function weightWriter(
  memory: Memory,
  packers: Packers,
  shape: readonly [number, number],
  dtype: WeightDType,
): Omit<WeightWriter, 'finish'> & { finish(): Promise<GpuWeight> } {
  const [rows, width] = shape;
  const counter = new RowCounter(shape, dtype);
  const rowBytes = { blocks: blockBytes(width, dtype), scales: scaleBytes(width, dtype) };
  const total = rows * (rowBytes.blocks + rowBytes.scales);
  memory.checkFits(total);
  const rowsPerPart = Math.max(
    1,
    Math.min(rows, MOST_PART_ROWS, Math.floor(memory.limits.bufferBytes / rowBytes.blocks)),
  );
  const { value: parts, settled } = memory.guard(
    () => total,
    () => allocateParts(memory, rows, rowsPerPart, rowBytes),
  );
  settled.catch(() => {}); // finish() reports it.

  return {
    async writeStored(bytes, type, fill) {
      const taken = counter.take(bytes, type);
      const stored = new Uint8Array(packers.buffer(bytes));
      await fill(stored);
      const packed = await packers.pack({ bytes: stored, type, width, dtype });
      if (memory.lost) throw memory.lost;
      for (const part of parts) uploadRows(memory, part, { ...taken, packed, rowBytes });
      packers.recycle(packed);
      return packed.largest;
    },
    async finish() {
      counter.checkComplete();
      const weight: GpuWeight = { shape, dtype, parts };
      try {
        await settled;
      } catch (error) {
        freeWeight(memory, weight);
        throw error;
      }
      return weight;
    },
  };
}

export function freeWeight(memory: Memory, { parts }: GpuWeight): void {
  for (const { blocks, scales } of parts) {
    memory.destroy(blocks.buffer!);
    memory.destroy(scales.buffer!);
  }
}

/** Bytes of a row: of its blocks, and of its scales. */
interface RowBytes {
  readonly blocks: number;
  readonly scales: number;
}

function allocateParts(memory: Memory, rows: number, rowsPerPart: number, rowBytes: RowBytes): WeightPart[] {
  return Array.from({ length: Math.ceil(rows / rowsPerPart) }, (_, index) => {
    const firstRow = index * rowsPerPart;
    const partRows = Math.min(rowsPerPart, rows - firstRow);
    const make = (bytes: number): Storage => new Storage(bytes, memory.allocate(bytes));
    const blocks = make(partRows * rowBytes.blocks);
    const scales = rowBytes.scales > 0 ? make(partRows * rowBytes.scales) : blocks;
    return { firstRow, rows: partRows, blocks, scales };
  });
}

interface Upload {
  /** Number of the first of the packed rows, and how many there are. */
  readonly first: number;
  readonly rows: number;
  readonly packed: PackedRows;
  readonly rowBytes: RowBytes;
}

/** Uploads those of the packed rows that lie in `part`. */
function uploadRows({ device }: Memory, part: WeightPart, upload: Upload): void {
  const { first, packed, rowBytes } = upload;
  const from = Math.max(first, part.firstRow);
  const rows = Math.min(first + upload.rows, part.firstRow + part.rows) - from;
  if (rows <= 0) return;
  for (const kind of ['blocks', 'scales'] as const) {
    const bytes = rowBytes[kind];
    if (bytes === 0) continue;
    const { gpu } = part[kind].buffer!;
    device.queue.writeBuffer(gpu, (from - part.firstRow) * bytes, packed[kind], (from - first) * bytes, rows * bytes);
  }
}
