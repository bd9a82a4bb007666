import { setScratch } from './thread';
import { BY_EVERY_THREAD, CONTROL, CONTROL_BARRIER, COUNTER_WORD, DESCRIPTOR_BYTES, Opcode } from './opcodes';
import { rmsNorm } from './rowwise/rmsNorm';
import { packRows } from './matmul/packRows';
export { encodeRows } from './matmul/encodeRows';
export { bicubicMix, bicubicRow } from './pictures/bicubic';
export { bytePatches, floatPatches } from './pictures/patches';
export { mixRows, scaleRow } from './pictures/scale';
import { packTiles, quantise } from './matmul/quantise';
import { matvecFloat } from './matmul/matvecFloat';
import { matvecQ } from './matmul/matvecQ';
import { matmulQ } from './matmul/matmulQ';
import { embed } from './matmul/embed';
import { appendKv } from './attention/appendKv';
import { attention, attentionCombine } from './attention/attention';
import { siluMul } from './rowwise/siluMul';
import { headNorm } from './rowwise/headNorm';
import { layerNorm } from './rowwise/layerNorm';
import { gegelu } from './rowwise/gegelu';
import { gelu } from './rowwise/gelu';
import { maskedScale } from './rowwise/maskedScale';
import { gegeluQuantised, layerNormQuantised, rmsNormQuantised, siluMulQuantised } from './matmul/quantised';
import { argmax, argmaxPartial } from './rowwise/argmax';
import { topK, topKPartial } from './rowwise/topK';

/**
 * Number of times a thread polls the barrier before it sleeps: some ten microseconds, about the cost of a wake-up. Five
 * times as many doubled the time of a step while another process kept a core busy.
 */
const SPINS = 20000;

/** Runs `count` operations in lockstep with the other threads: every thread calls this with its own scratch. */
export function run(program: usize, count: i32, scratch: usize, threads: i32): void {
  setScratch(scratch);
  for (let i = 0; i < count; i++) {
    const d = program + <usize>i * DESCRIPTOR_BYTES;
    if (load<i32>(d, 8) === BY_EVERY_THREAD) runItems(load<i32>(d), d, 0, load<i32>(d, 4));
    else {
      runOperation(d);
      meet(threads);
    }
  }
}

/**
 * Takes grains of one operation's items until none is left. The last quarter is in small grains, to shorten the wait: a
 * third as large, so that a thread that takes three quarters of its share at once takes one of them for the rest.
 */
function runOperation(d: usize): void {
  const opcode = load<i32>(d);
  const items = load<i32>(d, 4);
  const grain = load<i32>(d, 8);
  const large = (items - (items >> 2)) / grain;
  const small = (grain + 2) / 3;
  for (;;) {
    const taken = atomic.add<i32>(d, 1, COUNTER_WORD * 4);
    const from = taken < large ? taken * grain : large * grain + (taken - large) * small;
    if (from >= items) return;
    runItems(opcode, d, from, min(items, from + (taken < large ? grain : small)));
  }
}

function runItems(opcode: i32, d: usize, from: i32, to: i32): void {
  switch (opcode) {
    case Opcode.rmsNorm:
      return rmsNorm(d, from, to);
    case Opcode.quantise:
      return quantise(d, from, to);
    case Opcode.packRows:
      return packRows(d, from, to);
    case Opcode.packTiles:
      return packTiles(d, from, to);
    case Opcode.matvecFloat:
      return matvecFloat(d, from, to);
    case Opcode.matvecQ:
      return matvecQ(d, from, to);
    case Opcode.matmulQ:
      return matmulQ(d, from, to);
    case Opcode.embed:
      return embed(d, from, to);
    case Opcode.appendKv:
      return appendKv(d, from, to);
    case Opcode.attention:
      return attention(d, from, to);
    case Opcode.attentionCombine:
      return attentionCombine(d, from, to);
    case Opcode.siluMul:
      return siluMul(d, from, to);
    case Opcode.layerNorm:
      return layerNorm(d, from, to);
    case Opcode.headNorm:
      return headNorm(d, from, to);
    case Opcode.gegelu:
      return gegelu(d, from, to);
    case Opcode.gelu:
      return gelu(d, from, to);
    case Opcode.maskedScale:
      return maskedScale(d, from, to);
    case Opcode.argmaxPartial:
      return argmaxPartial(d, from, to);
    case Opcode.argmax:
      return argmax(d, from, to);
    case Opcode.topKPartial:
      return topKPartial(d, from, to);
    case Opcode.topK:
      return topK(d, from, to);
    case Opcode.rmsNormQuantised:
      return rmsNormQuantised(d, from, to);
    case Opcode.layerNormQuantised:
      return layerNormQuantised(d, from, to);
    case Opcode.siluMulQuantised:
      return siluMulQuantised(d, from, to);
    case Opcode.gegeluQuantised:
      return gegeluQuantised(d, from, to);
    default:
      unreachable();
  }
}

/**
 * The barrier between operations: the last thread to arrive opens it by incrementing the round; the others poll for a
 * while and then sleep. Words: arrived, round (16 words on), sleepers (32 on).
 */
export function meet(threads: i32): void {
  const barrier: usize = CONTROL + CONTROL_BARRIER * 4;
  const round = atomic.load<i32>(barrier, 64);
  if (atomic.add<i32>(barrier, 1) === threads - 1) {
    atomic.store<i32>(barrier, 0);
    atomic.add<i32>(barrier, 1, 64);
    if (atomic.load<i32>(barrier, 128)) atomic.notify(barrier + 64, -1);
    return;
  }
  for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(barrier, 64) !== round) return;
  atomic.add<i32>(barrier, 1, 128);
  while (atomic.load<i32>(barrier, 64) === round) atomic.wait<i32>(barrier + 64, round, -1);
  atomic.sub<i32>(barrier, 1, 128);
}
