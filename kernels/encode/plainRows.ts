import { check } from '../check.ts';
import { GROUP, type QuantizedDType, type QuantizedRows, emptyRows, quantize } from '../quantize.ts';
import { f32ToF16 } from '../shared/f16.ts';
import { STORED, storedBytes } from '../stored/storedTypes.ts';

/** The formats whose codes, scales and minima make up the blocks of a stored type. */
const FORMATS = { Q8_0: 'q8', Q4_0: 'q4', Q4_1: 'q4m' } as const satisfies Record<string, QuantizedDType>;

/** A stored type that rows can be rounded to by the plain rule of its format (quantize.ts). */
export type PlainType = keyof typeof FORMATS | 'F16';

/** Encodes finite values, whole rows, as a checkpoint stores them in the type. */
export function encodePlainRows(values: Float32Array, type: PlainType): Uint8Array<ArrayBuffer> {
  if (type === 'F16') return new Uint8Array(Uint16Array.from(values, f32ToF16).buffer);
  const { blockValues, blockBytes } = STORED[type];
  check(values.length % GROUP === 0, () => `encodePlainRows: ${values.length} values as ${type}`);
  const format = FORMATS[type];
  const rows = roomFor(values.length, format);
  quantize(values, format, rows);
  const { codes, scales, minima } = rows;
  const bytes = new Uint8Array(storedBytes(values.length, type));
  for (let block = 0, at = 0, value = 0; block < scales.length; block++, at += blockBytes, value += blockValues) {
    let to = at;
    bytes[to++] = scales[block]! & 255;
    bytes[to++] = scales[block]! >> 8;
    if (type === 'Q4_1') {
      bytes[to++] = minima[block]! & 255;
      bytes[to++] = minima[block]! >> 8;
    }
    if (type === 'Q8_0') for (let i = 0; i < 32; i++) bytes[to + i] = codes[value + i]!;
    // Codes with signs are stored with an offset of 8, which the highest bit of four makes.
    else {
      const offset = type === 'Q4_0' ? 0x88 : 0;
      for (let i = 0; i < 16; i++)
        bytes[to + i] = ((codes[value + i]! & 15) | ((codes[value + 16 + i]! & 15) << 4)) ^ offset;
    }
  }
  return bytes;
}

/** The same room for pieces of the same length. */
let room: { readonly format: QuantizedDType; readonly rows: QuantizedRows } | undefined;

function roomFor(values: number, format: QuantizedDType): QuantizedRows {
  if (room?.format !== format || room.rows.codes.length !== values) room = { format, rows: emptyRows(values, format) };
  return room.rows;
}
