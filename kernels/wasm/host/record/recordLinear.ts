import {
  BATCH_TOKENS,
  DTypeCode,
  FACTORS_BYTES,
  FLOAT_ROWS,
  FLOAT_SCRATCH,
  FLOAT_TOKENS,
  GROUP_VALUES,
  Opcode,
  PANEL_ROWS,
  SUPER_STREAMS,
  TILE_BYTES_PLAIN,
  TILE_TOKENS,
  UNPACKED_BYTES,
  X_BYTES_PLAIN,
} from '../../opcodes.ts';
import { check } from '../../../check.ts';
import type { WeightDType } from '../../../ops.ts';
import type { Word } from '../operation.ts';
import { type Recording, cheapGrain, share } from './recording.ts';
import type { Storage, WasmTensor } from '../tensor.ts';
import { floatRowBytes } from '../weightLayout.ts';

/** Up to this many rows of x the matrix-vector kernel runs, which takes four at a time. */
export const MATVEC_ROWS = 16;
/** Panels that a thread takes at once at most, so that their sums stay in the L1 cache: of one row, and of several. */
const MOST_PANELS = 256;
const MOST_SHARED_PANELS = 16;
/** Rows of w that a task of the matrix-matrix kernel takes at most: its sums fit the L2 cache. */
const MOST_CHUNK_ROWS = 64;

/** y = x w^T + bias + residual. x: (rows, in), weight: (out, in) -> (rows, out). */
export function recordLinear(
  recording: Recording,
  x: WasmTensor,
  weight: WasmTensor,
  bias?: WasmTensor,
  residual?: WasmTensor,
): WasmTensor {
  const { program, threads } = recording;
  const [rows, inputs] = x.shape as readonly [number, number];
  const out = weight.shape[0]!;
  checkShapes(x, weight, bias, residual);
  const y = program.tensor([rows, out]);
  const added = residual ?? 0;
  if (weight.dtype === 'f32' || weight.dtype === 'f16') {
    const groups = Math.ceil(out / FLOAT_ROWS);
    program.add({
      opcode: Opcode.matvecFloat,
      items: groups * Math.ceil(rows / FLOAT_TOKENS),
      grain: Math.min(16, share(groups, threads, 1)),
      words: [
        x,
        weight,
        y,
        added,
        rows,
        out,
        inputs,
        DTypeCode[weight.dtype],
        floatRowBytes(inputs, weight.dtype),
        bias ?? 0,
      ],
      scratch: FLOAT_SCRATCH + FLOAT_ROWS * floatRowBytes(inputs, 'f32'),
    });
    return y;
  }
  const dtype = DTypeCode[weight.dtype];
  const blocks = inputs / GROUP_VALUES;
  if (rows <= MATVEC_ROWS) {
    const panels = Math.ceil(out / PANEL_ROWS);
    const grain = rows === 1 ? oneRowGrain(panels, threads) : sharedGrain(panels, threads);
    program.add({
      opcode: Opcode.matvecQ,
      items: panels,
      grain,
      words: [quantisedRows(recording, x, weight.dtype), weight, y, added, rows, out, blocks, bias ?? 0, dtype],
      scratch: SUPER_STREAMS * FACTORS_BYTES + (rows === 1 ? 1 : Math.ceil(rows / 4) * 4) * grain * PANEL_ROWS * 4,
    });
    return y;
  }
  const chunkRows = Math.min(MOST_CHUNK_ROWS, share(Math.ceil(out / PANEL_ROWS), threads, 1) * PANEL_ROWS);
  const tokens = Math.min(BATCH_TOKENS, Math.ceil(rows / TILE_TOKENS) * TILE_TOKENS);
  program.add({
    opcode: Opcode.matmulQ,
    items: Math.ceil(out / chunkRows) * Math.ceil(rows / BATCH_TOKENS),
    grain: 1,
    words: [tiles(recording, x), weight, y, added, rows, out, blocks, chunkRows, bias ?? 0, dtype],
    scratch: UNPACKED_BYTES + chunkRows * tokens * 4,
  });
  return y;
}

function checkShapes(x: WasmTensor, weight: WasmTensor, bias?: WasmTensor, residual?: WasmTensor): void {
  const [rows, inputs] = x.shape;
  const [out, columns] = weight.shape;
  check(inputs === columns, () => `linear: weight is (${weight.shape}), x is (${x.shape})`);
  check(
    !residual || (residual.shape[0] === rows && residual.shape[1] === out),
    () => `linear: residual is (${residual!.shape}), the product is (${rows},${out})`,
  );
  check(!bias || bias.shape[0] === out, () => `linear: bias is (${bias!.shape}), weight is (${weight.shape})`);
}

/**
 * Three quarters of a thread's share at once, in four streams: memory is read fastest in long streams, and every grain
 * begins new ones. The rest comes in small grains, as of every operation.
 */
function oneRowGrain(panels: number, threads: number): number {
  return Math.min(MOST_PANELS, Math.max(4, 4 * Math.floor((3 * panels) / (16 * threads))));
}

function sharedGrain(panels: number, threads: number): number {
  return Math.min(MOST_SHARED_PANELS, 2 * Math.ceil(share(panels, threads, 1) / 2));
}

function isOf(word: Word, storage: Storage): boolean {
  return typeof word !== 'number' && 'storage' in word && word.storage === storage;
}

/**
 * Operations that can write their result quantised (assembly/quantised.ts), and the time that they take per value as a
 * multiple of a norm's: an exponential is dear.
 */
const QUANTISED: { readonly [K in Opcode]?: { readonly opcode: Opcode; readonly cost: number } } = {
  [Opcode.rmsNorm]: { opcode: Opcode.rmsNormQuantised, cost: 1 },
  [Opcode.layerNorm]: { opcode: Opcode.layerNormQuantised, cost: 1 },
  [Opcode.siluMul]: { opcode: Opcode.siluMulQuantised, cost: 2 },
  [Opcode.gegelu]: { opcode: Opcode.gegeluQuantised, cost: 2 },
};

function quantisedRows(recording: Recording, x: WasmTensor, weights: WeightDType): Storage {
  // Plain SIMD wants other rows for weights of 4 bits.
  const fourBits = weights === 'q4' || weights === 'q4m' || weights === 'q4k';
  return once(recording, x, fourBits ? 'rows for 4 bits' : 'rows', () => {
    const { program, threads } = recording;
    const values = x.shape[0]! * x.shape[1]!;
    const items = values / GROUP_VALUES;
    // The larger of the two paths' sizes, here and for tiles.
    const quantised = program.storage(items * X_BYTES_PLAIN);
    const dtype = DTypeCode[weights];
    const maker = program.deferredBy(x);
    const fused = maker && QUANTISED[maker.opcode];
    if (maker && fused && x.offset === 0) {
      const words = maker.words.map((word) => (isOf(word, x.storage) ? quantised : word));
      const grain = cheapGrain(fused.cost * values, items, threads, 32);
      program.add({ opcode: fused.opcode, items, grain, words: [...words, dtype], scratch: 192 });
    } else {
      const words = [x, quantised, dtype];
      program.add({ opcode: Opcode.quantise, items, grain: cheapGrain(values, items, threads, 16), words });
    }
    return quantised;
  });
}

function tiles(recording: Recording, x: WasmTensor): Storage {
  return once(recording, x, 'tiles', () => {
    const { program, threads } = recording;
    const [rows, inputs] = x.shape as readonly [number, number];
    const blocks = inputs / GROUP_VALUES;
    const items = Math.ceil(rows / TILE_TOKENS) * blocks;
    const packed = program.storage(items * TILE_BYTES_PLAIN);
    const words = [x, packed, blocks, rows];
    program.add({ opcode: Opcode.packTiles, items, grain: share(items, threads, 4), words });
    return packed;
  });
}

/** `make` for the first product that wants this layout of x, what it made for the others. */
function once(recording: Recording, x: WasmTensor, layout: string, make: () => Storage): Storage {
  const { storage, offset, shape } = x;
  const rows = shape[0]!;
  let forms = recording.quantised.get(storage);
  if (!forms) recording.quantised.set(storage, (forms = []));
  const known = forms.find((form) => form.layout === layout && form.offset === offset && form.rows === rows);
  if (known) return known.made;
  const made = make();
  forms.push({ layout, offset, rows, made });
  return made;
}
