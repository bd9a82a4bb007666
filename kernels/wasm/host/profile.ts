import type { OperationTime, KvDType } from '../../ops.ts';
import { DTypeCode, Opcode } from '../opcodes.ts';
import type { Operation, Word } from './operation.ts';
import type { Storage } from './tensor.ts';

/** Sums of the measured times, by kind and shape of operation. */
export class Profile {
  readonly #times = new Map<string, { -readonly [K in keyof OperationTime]: OperationTime[K] }>();

  /** `operation` (a copy between memories of so many bytes where it is a number) took `ms`. */
  add(operation: Operation | number, ms: number): void {
    const { op, bytes, macs } =
      typeof operation === 'number' ? { op: 'copy', bytes: 2 * operation, macs: 0 } : costOf(operation);
    let sum = this.#times.get(op);
    if (!sum) this.#times.set(op, (sum = { op, count: 0, ms: 0, bytes: 0, macs: 0 }));
    sum.count++;
    sum.ms += ms;
    sum.bytes += bytes;
    sum.macs += macs;
  }

  /** The longest time first. */
  get sums(): OperationTime[] {
    return [...this.#times.values()].sort((a, b) => b.ms - a.ms);
  }
}

type Cost = Omit<OperationTime, 'count' | 'ms'>;

/** Words as the kernels list them; the first given is their word 3. */
function costOf({ opcode, words }: Operation): Cost {
  const op = Opcode[opcode]!;
  const named = new Set(words.filter((word) => typeof word !== 'number'));
  const bytes = [...named].reduce((sum, word) => sum + bytesOf(word), 0);
  switch (opcode) {
    case Opcode.matvecFloat:
      return product(op, words, bytes, words[6] as number);
    case Opcode.matvecQ:
      return product(`${op} ${DTypeCode[words[8] as number]}`, words, bytes, 32 * (words[6] as number));
    case Opcode.matmulQ:
      return product(`${op} ${DTypeCode[words[9] as number]}`, words, bytes, 32 * (words[6] as number));
    case Opcode.embed:
      return { op, bytes: bytes - bytesOf(words[0]!), macs: 0 }; // Of the table only the rows: about what y takes.
    case Opcode.attention:
      return attention(op, words);
    default:
      return { op, bytes, macs: 0 };
  }
}

function product(op: string, words: readonly Word[], bytes: number, inputs: number): Cost {
  const [rows, out] = [words[4] as number, words[5] as number];
  return { op: `${op} ${rows} x (${out}, ${inputs})`, bytes, macs: rows * out * inputs };
}

/** Keys and values once for all heads of a group; of block-sparse attention as if it were dense. */
function attention(op: string, words: readonly Word[]): Cost {
  const [[position], [heads, kvHeads, headDim, tokens, dtype, , window, , , blockTokens, , , , ahead]] = [2, 4].map(
    (word) => (words[word] as Storage).initial as unknown as number[],
  ) as [number[], number[]];
  let seen = 0;
  for (let t = 0; t < tokens!; t++) {
    seen += Math.min(window! + ahead!, position! + tokens!, position! + t + 1 + ahead!);
  }
  const perValue = { f32: 4, f16: 2, q8: 1 }[DTypeCode[dtype!] as KvDType];
  const bytes = 2 * Math.min(window! + tokens!, position! + tokens!) * kvHeads! * headDim! * perValue;
  const kind = blockTokens ? `${op}, block-sparse, counted as dense` : op;
  return { op: kind, bytes, macs: 2 * seen * heads! * headDim! };
}

function bytesOf(word: Word): number {
  if (typeof word === 'number') return 0;
  if (!('storage' in word)) return word.bytes;
  const stays = !word.storage.program;
  return stays ? word.storage.bytes : 4 * word.shape.reduce((a, b) => a * b, 1);
}
