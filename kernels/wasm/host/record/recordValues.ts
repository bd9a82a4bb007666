/** Operations that take each value, or each pair of values, by itself. See Ops. */
import { check } from '../../../check.ts';
import type { Gelu, Tensor } from '../../../ops.ts';
import { Opcode } from '../../opcodes.ts';
import { floatWord } from '../program.ts';
import { type Recording, share } from './recording.ts';
import { asWasm } from '../tensor.ts';

export function recordSiluMul(recording: Recording, gateUp: Tensor): Tensor {
  const { program, threads } = recording;
  const [rows, both] = gateUp.shape as readonly [number, number];
  check(both % 2 === 0, () => `siluMul: gate and up are (${gateUp.shape})`);
  const width = both / 2;
  const y = program.tensor([rows, width]);
  const stretches = Math.ceil(width / 256);
  const items = rows * stretches;
  const words = [asWasm(gateUp), y, width, stretches];
  program.defer(y, { opcode: Opcode.siluMul, items, grain: share(items, threads, 1), words });
  return y;
}

export function recordGegelu(recording: Recording, x: Tensor, limit: number): Tensor {
  const { program, threads } = recording;
  const [rows, both] = x.shape as readonly [number, number];
  check(both % 2 === 0, () => `gegelu: gate and linear are (${x.shape})`);
  const values = (rows * both) / 2;
  const y = program.tensor([rows, both / 2]);
  const items = Math.ceil(values / 256);
  const words = [asWasm(x), y, values, floatWord(limit)];
  program.defer(y, { opcode: Opcode.gegelu, items, grain: share(items, threads, 1), words });
  return y;
}

export function recordGelu(recording: Recording, x: Tensor, kind: Gelu): Tensor {
  const { program, threads } = recording;
  const values = x.shape.reduce((a, b) => a * b, 1);
  const y = program.tensor(x.shape);
  const items = Math.ceil(values / 256);
  const words = [asWasm(x), y, values, kind === 'erf' ? 1 : 0];
  program.add({ opcode: Opcode.gelu, items, grain: share(items, threads, 1), words });
  return y;
}

export function recordMaskedScale(recording: Recording, x: Tensor, mask: Tensor, factor: number): Tensor {
  const { program, threads } = recording;
  const [rows, cols] = x.shape as readonly [number, number];
  check(mask.shape[0] === cols, () => `maskedScale: mask is (${mask.shape}), x is (${x.shape})`);
  const y = program.tensor([rows, cols]);
  const stretches = Math.ceil(cols / 1024);
  const items = rows * stretches;
  const words = [asWasm(x), asWasm(mask), y, cols, stretches, floatWord(factor)];
  program.add({ opcode: Opcode.maskedScale, items, grain: share(items, threads, 1), words });
  return y;
}
