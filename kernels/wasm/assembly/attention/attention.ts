import { scratch } from '../thread';
import { exp4, madd, maxLane, sumLanes, widen } from '../simd';
import { fetch } from './fetch';
import { firstPosition, pageOf, partBytes } from './kvPage';
import { mixFour, mixOne, scoreOne, scoreTwo } from './attentionFloat';
import { mixHalf, mixHalfThree, scoreHalf, scoreHalfThree, splitQuery } from './attentionHalf';
import { mixFourQ8, mixOneQ8, quantiseQuery, quantiseWeights, scoreFourQ8, scoreOneQ8 } from './attentionQ8';
import { AttentionPart, DTypeCode, FEW_TOKENS, PAGE_SIZE, QUERY_ROWS } from '../opcodes';

/** Used instead of minus infinity, so that the difference of two stays finite. */
const LOWEST: f32 = -1e30;

/**
 * softmax(scale q k^T) v over the visible keys, by online softmax: a unit of keys at a time, with a running maximum m,
 * sum l and weighted values. A token at position p sees s iff s <= p, p - s < window and s lies in a visible block
 * (kernels/sparsity.ts). A unit is a page, or a block if that is smaller.
 * q, out: (tokens, heads headDim) f32; pages as described in kvPage.ts.
 *
 * An item is (tile of tokens, some heads of one kv head, split): at most 16 query rows, token by token, and an equal
 * share of the units that they see (with block-sparse attention they see the same: a tile lies in one block of queries,
 * and has one head, or local blocks only). With one split it writes `out`, else for each row: headDim sums, m, l into
 * partial results (token, head, split, headDim + 4), joined by attentionCombine.
 *
 * Words: 3 q, 4 out, 5 pages (kvPage.ts), 6 partial results or 0, 7 parameters, 8 tokens of a tile, 9 heads of an item,
 * 10 AttentionPart, 11 splits of this operation, 12 the first of them among all. Parameters (words): 0 heads, 1 kv
 * heads, 2 headDim, 3 tokens, 4 kv dtype, 5 layer, 6 window, 7 scale (f32), 8 all splits, 9 blockTokens (0: dense),
 * 10 localBlocks, 11 vertStride, 12 headStep, 13 positions after its own that a token sees.
 */
export function attention(d: usize, from: i32, to: i32): void {
  for (let item = from; item < to; item++) attend(d, item);
}

// The current item. Rows of queries: (tokens, headCount).
// --------------------------------------------------------------
let parameters: usize = 0;
/** Of the first token. */
let position: i32 = 0;
let headDim: i32 = 0;
let rowBytes: usize = 0;
let dtype: i32 = 0;
let kvHead: i32 = 0;
let firstHead: i32 = 0;
let headCount: i32 = 0;
let firstToken: i32 = 0;
let rowCount: i32 = 0;
/** True in a step of few tokens: every row is computed as if it were alone, so that drafts are verified exactly. */
let few: bool = false;
/** Positions that at least one row sees: lowest..end. */
let lowest: i32 = 0;
let end: i32 = 0;

// Layout of the thread's scratch, all f32: widened keys, then values (64, headDim), scores (16, 64), q (16, headDim),
// sums (16, headDim), then for each row m, l, the scale of its quantised q, and the scale of its quantised weights.
let scoresAt: usize = 0;
let queriesAt: usize = 0;
let sumsAt: usize = 0;
let largestAt: usize = 0;
let totalsAt: usize = 0;
let queryFactorsAt: usize = 0;
let weightFactorsAt: usize = 0;
const SCORE_BYTES: usize = PAGE_SIZE * 4;

function attend(d: usize, item: i32): void {
  const splits = load<i32>(d, 44);
  const split = item % splits;
  take(d, item / splits);
  start(load<u32>(d, 12));
  mixVisible(d, split, splits);
  finish(d, load<i32>(d, 48) + split);
}

/** Makes `item` the current item: sets its tokens and heads. */
function take(d: usize, item: i32): void {
  parameters = load<u32>(d, 28);
  const kvHeads = load<i32>(parameters, 4);
  const group = load<i32>(parameters) / kvHeads;
  position = firstPosition(load<u32>(d, 20));
  const tileTokens = load<i32>(d, 32);
  const tileHeads = load<i32>(d, 36);
  const headTiles = (group + tileHeads - 1) / tileHeads;
  const tile = item / (kvHeads * headTiles);
  const headTile = item - tile * (kvHeads * headTiles);
  setSizes(load<i32>(parameters, 8));
  dtype = load<i32>(parameters, 16);
  few = load<i32>(parameters, 12) <= FEW_TOKENS;
  kvHead = headTile / headTiles;
  firstHead = kvHead * group + (headTile - kvHead * headTiles) * tileHeads;
  headCount = min(tileHeads, (kvHead + 1) * group - firstHead);
  // In block-sparse attention, tiles are counted from position 0, so that each lies in one block of queries.
  const offset = load<i32>(parameters, 36) ? position % tileTokens : 0;
  firstToken = max(0, tile * tileTokens - offset);
  const tokens = min(load<i32>(parameters, 12), (tile + 1) * tileTokens - offset) - firstToken;
  rowCount = tokens * headCount;
  lowest = max(0, position + firstToken - load<i32>(parameters, 24) + 1);
  end = min(position + firstToken + tokens + load<i32>(parameters, 52), position + load<i32>(parameters, 12));
}

function setSizes(dim: i32): void {
  headDim = dim;
  rowBytes = (<usize>dim) << 2;
  scoresAt = scratch + rowBytes * PAGE_SIZE;
  queriesAt = scoresAt + QUERY_ROWS * SCORE_BYTES;
  sumsAt = queriesAt + rowBytes * QUERY_ROWS;
  largestAt = sumsAt + rowBytes * QUERY_ROWS;
  totalsAt = largestAt + QUERY_ROWS * 4;
  queryFactorsAt = totalsAt + QUERY_ROWS * 4;
  weightFactorsAt = queryFactorsAt + QUERY_ROWS * 4;
}

// @inline
function offsetOf(row: i32): usize {
  const token = firstToken + row / headCount;
  return <usize>(token * load<i32>(parameters) + firstHead + (row % headCount)) * rowBytes;
}

function start(q: usize): void {
  const scale = load<f32>(parameters, 28);
  for (let r = 0; r < rowCount; r++) {
    const from = q + offsetOf(r);
    if (dtype === DTypeCode.q8) {
      const step = quantiseQuery(from, queriesAt + <usize>r * (rowBytes >> 1), headDim);
      store<f32>(queryFactorsAt + (r << 2), step * scale);
    } else if (dtype === DTypeCode.f16 && few) splitQuery(from, queriesAt + <usize>r * rowBytes, headDim, scale);
    else {
      const to = queriesAt + <usize>r * rowBytes;
      const factor = f32x4.splat(scale);
      for (let i: usize = 0; i < rowBytes; i += 16) v128.store(to + i, f32x4.mul(v128.load(from + i), factor));
    }
    store<f32>(largestAt + (r << 2), LOWEST);
    store<f32>(totalsAt + (r << 2), 0);
  }
  memory.fill(sumsAt, 0, <usize>rowCount * rowBytes);
}

/** Adds the split's share of the units in the item's part of the blocks. */
function mixVisible(d: usize, split: i32, splits: i32): void {
  const blockTokens = load<i32>(parameters, 36);
  if (!blockTokens) {
    const first = lowest / PAGE_SIZE;
    const pages = (end - 1) / PAGE_SIZE + 1 - first;
    // Splits take pages in turn, so that the split of a page does not depend on the number of pages.
    for (let page = first + ((split + splits - (first % splits)) % splits); page < first + pages; page += splits) {
      mixUnit(d, page * PAGE_SIZE, PAGE_SIZE);
    }
    return;
  }
  const stride = load<i32>(parameters, 44);
  const queryBlock = (end - 1) / blockTokens;
  const localStart = max(0, queryBlock - load<i32>(parameters, 40) + 1);
  const first = stride - 1 - ((firstHead * load<i32>(parameters, 48)) % stride);
  const vertical = max(0, (localStart - first + stride - 1) / stride);

  const part = load<i32>(d, 40);
  const unit = min(blockTokens, PAGE_SIZE);
  const each = blockTokens / unit;
  const from = part === AttentionPart.local ? vertical * each : 0;
  const units = (part === AttentionPart.vertical ? vertical : vertical + queryBlock - localStart + 1) * each - from;
  const to = from + (units * (split + 1)) / splits;
  for (let i = from + (units * split) / splits; i < to; i++) {
    const index = i / each;
    const block = index < vertical ? first + index * stride : localStart + index - vertical;
    mixUnit(d, block * blockTokens + (i - index * each) * unit, unit);
  }
}

/** Scores, softmax and weighted values for the keys from position `base` on, as far as any row sees them. */
function mixUnit(d: usize, base: i32, unit: i32): void {
  if (base >= end || base + unit <= lowest) return;
  const keyCount = min(unit, end - base);
  const bytes = partBytes(dtype, headDim);
  const page = pageOf(load<u32>(d, 20), base);
  const layerHead = load<i32>(parameters, 20) * load<i32>(parameters, 4) + kvHead;
  const keys = page + <usize>(layerHead * 2) * bytes;
  const slot = <usize>(base % PAGE_SIZE);
  fetch(keys, bytes << 1);
  if (dtype === DTypeCode.q8) mixQ8(keys, keys + bytes, slot, base, keyCount);
  else if (dtype === DTypeCode.f32) {
    scoreFloat(keys + slot * rowBytes, base, keyCount);
    mixFloat(keys + bytes + slot * rowBytes, keyCount);
  } else {
    const k = keys + slot * (rowBytes >> 1);
    const v = k + bytes;
    if (few) mixFew(k, v, base, keyCount);
    else {
      widen(k, scratch, keyCount * headDim);
      scoreFloat(scratch, base, keyCount);
      widen(v, scratch, keyCount * headDim);
      mixFloat(scratch, keyCount);
    }
  }
}

function mixFew(keys: usize, values: usize, base: i32, keyCount: i32): void {
  const byThree = rowCount - (rowCount % 3);
  let r = 0;
  for (; r < byThree; r += 3) {
    scoreHalfThree(queriesAt + <usize>r * rowBytes, keys, scoresAt + r * SCORE_BYTES, keyCount, headDim);
  }
  for (; r < rowCount; r++) {
    scoreHalf(queriesAt + <usize>r * rowBytes, keys, scoresAt + r * SCORE_BYTES, keyCount, headDim);
  }
  for (r = 0; r < rowCount; r++) soften(r, base, keyCount);
  for (r = 0; r < byThree; r += 3) {
    mixHalfThree(sumsAt + <usize>r * rowBytes, values, scoresAt + r * SCORE_BYTES, keyCount, headDim);
  }
  for (; r < rowCount; r++) {
    mixHalf(sumsAt + <usize>r * rowBytes, values, scoresAt + r * SCORE_BYTES, keyCount, headDim);
  }
}

function scoreFloat(keys: usize, base: i32, keyCount: i32): void {
  let r = 0;
  for (; r + 2 <= rowCount; r += 2) {
    scoreTwo(queriesAt + <usize>r * rowBytes, keys, scoresAt + r * SCORE_BYTES, keyCount, rowBytes);
  }
  if (r < rowCount) scoreOne(queriesAt + <usize>r * rowBytes, keys, scoresAt + r * SCORE_BYTES, keyCount, rowBytes);
  for (r = 0; r < rowCount; r++) soften(r, base, keyCount);
}

function mixFloat(values: usize, keyCount: i32): void {
  let r = 0;
  for (; r + 4 <= rowCount; r += 4) {
    mixFour(sumsAt + <usize>r * rowBytes, values, scoresAt + r * SCORE_BYTES, keyCount, rowBytes);
  }
  for (; r < rowCount; r++) {
    mixOne(sumsAt + <usize>r * rowBytes, values, scoresAt + r * SCORE_BYTES, keyCount, rowBytes);
  }
}

function mixQ8(keyPart: usize, valuePart: usize, slot: usize, base: i32, keyCount: i32): void {
  const keys = keyPart + slot * <usize>headDim;
  const values = valuePart + slot * <usize>headDim;
  const scales = PAGE_SIZE * <usize>headDim + (slot << 2);
  const queryBytes = rowBytes >> 1;
  const factors = queryFactorsAt;
  let r = 0;
  const byFour = few ? 0 : rowCount & ~3;
  for (; r < byFour; r += 4) {
    const q = queriesAt + <usize>r * queryBytes;
    scoreFourQ8(q, keys, keyPart + scales, factors + (r << 2), scoresAt + r * SCORE_BYTES, keyCount, headDim);
  }
  for (; r < rowCount; r++) {
    const q = queriesAt + <usize>r * queryBytes;
    const factor = load<f32>(factors + (r << 2));
    scoreOneQ8(q, keys, keyPart + scales, factor, scoresAt + r * SCORE_BYTES, keyCount, headDim);
  }
  for (r = 0; r < rowCount; r++) {
    soften(r, base, keyCount);
    const step = quantiseWeights(scoresAt + r * SCORE_BYTES, valuePart + scales, (keyCount + 3) & ~3);
    store<f32>(weightFactorsAt + (r << 2), step);
  }
  const pairs = (keyCount + 1) >> 1;
  for (r = 0; r < byFour; r += 4) {
    const sums = sumsAt + <usize>r * rowBytes;
    mixFourQ8(sums, values, scoresAt + r * SCORE_BYTES, weightFactorsAt + (r << 2), pairs, headDim);
  }
  for (; r < rowCount; r++) {
    const factor = load<f32>(weightFactorsAt + (r << 2));
    mixOneQ8(sumsAt + <usize>r * rowBytes, values, scoresAt + r * SCORE_BYTES, factor, pairs, headDim);
  }
}

/**
 * Turns row r's scores of visible keys into exp(score - m) and the others into 0; rescales l and the sums to the new m.
 */
function soften(r: i32, base: i32, keyCount: i32): void {
  const at = position + firstToken + r / headCount;
  const from = max(0, at - load<i32>(parameters, 24) + 1 - base);
  const to = min(keyCount, at + 1 + load<i32>(parameters, 52) - base);
  const scores = scoresAt + r * SCORE_BYTES;
  const width = (keyCount + 3) & ~3;
  if (to <= from) {
    memory.fill(scores, 0, width << 2);
    return;
  }
  for (let s = 0; s < from; s++) store<f32>(scores + (s << 2), LOWEST);
  for (let s = to; s < width; s++) store<f32>(scores + (s << 2), LOWEST);
  let largest = f32x4.splat(LOWEST);
  for (let s = 0; s < width; s += 4) largest = f32x4.pmax(largest, v128.load(scores + (s << 2)));

  const before = load<f32>(largestAt + (r << 2));
  const after = max<f32>(before, maxLane(largest));
  const shift = f32x4.splat(after);
  let sum = f32x4.splat(0);
  for (let s = 0; s < width; s += 4) {
    const p = exp4(f32x4.sub(v128.load(scores + (s << 2)), shift));
    v128.store(scores + (s << 2), p);
    sum = f32x4.add(sum, p);
  }
  let kept: f32 = 1;
  if (after !== before) {
    const factor = exp4(f32x4.splat(before - after));
    kept = f32x4.extract_lane(factor, 0);
    const sums = sumsAt + <usize>r * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 16) v128.store(sums + i, f32x4.mul(v128.load(sums + i), factor));
  }
  store<f32>(largestAt + (r << 2), after);
  store<f32>(totalsAt + (r << 2), load<f32>(totalsAt + (r << 2)) * kept + sumLanes(sum));
}

/** Writes out = sums / l, or the partial results of split `split` of all. */
function finish(d: usize, split: i32): void {
  const partials: usize = load<u32>(d, 24);
  for (let r = 0; r < rowCount; r++) {
    const sums = sumsAt + <usize>r * rowBytes;
    const total = load<f32>(totalsAt + (r << 2));
    const offset = offsetOf(r);
    if (!partials) {
      writeRow(load<u32>(d, 16) + offset, sums, 1.0 / total);
      continue;
    }
    const to = partials + ((offset / rowBytes) * load<u32>(parameters, 32) + <usize>split) * (rowBytes + 16);
    memory.copy(to, sums, rowBytes);
    store<f32>(to + rowBytes, load<f32>(largestAt + (r << 2)));
    store<f32>(to + rowBytes, total, 4);
  }
}

function writeRow(to: usize, sums: usize, factor: f32): void {
  const scale = f32x4.splat(factor);
  for (let i: usize = 0; i < rowBytes; i += 16) v128.store(to + i, f32x4.mul(v128.load(sums + i), scale));
}

/**
 * Joins the splits of a row: with M = max m, out = sum(exp(m - M) sums) / sum(exp(m - M) l).
 * An item is a row, (token, head). Words as attention's.
 */
export function attentionCombine(d: usize, from: i32, to: i32): void {
  parameters = load<u32>(d, 28);
  setSizes(load<i32>(parameters, 8));
  const splits = load<u32>(parameters, 32);
  const bytes = rowBytes + 16;
  for (let row = from; row < to; row++) {
    const partials: usize = load<u32>(d, 24) + <usize>row * splits * bytes;
    let most: f32 = LOWEST;
    for (let part = partials; part < partials + splits * bytes; part += bytes) {
      most = max<f32>(most, load<f32>(part + rowBytes));
    }
    memory.fill(scratch, 0, rowBytes);
    let total: f32 = 0;
    for (let part = partials; part < partials + splits * bytes; part += bytes) {
      const factor = exp4(f32x4.splat(load<f32>(part + rowBytes) - most));
      total += load<f32>(part + rowBytes, 4) * f32x4.extract_lane(factor, 0);
      for (let i: usize = 0; i < rowBytes; i += 16) {
        v128.store(scratch + i, madd(v128.load(part + i), factor, v128.load(scratch + i)));
      }
    }
    writeRow(load<u32>(d, 16) + <usize>row * rowBytes, scratch, 1.0 / total);
  }
}
