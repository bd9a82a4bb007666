// Which keys a head's queries of one block see, as kernels/sparsity.ts has it, cut by the window and numbered: the i-th
// of the units of UNIT keys, each within one page, is found without a list. Put behind pages.wgsl in front of the
// attention kernels. Dense attention is a pattern of which every block is local.
override BLOCK: u32; // A power of two from 16.
override LOCAL_BLOCKS: u32;
override VERT_STRIDE: u32;
override HEAD_STEP: u32;
override UNIT: u32 = min(BLOCK, PAGE);
override UNITS_PER_BLOCK: u32 = BLOCK / UNIT;

const LOWEST = -1e30; // A score below all others; WGSL has no infinity.

// A token at position p sees position s only if s <= p + ahead and p - s < window.
// firstColumn, firstLine: of the grid's workgroups, with which this dispatch begins. firstUnit, pastUnit: of the units that a
// workgroup sees, those that attentionTiled.wgsl computes.
struct Params {
  tokens: u32, length: u32, window: u32, splits: u32, scale: f32, ahead: u32,
  firstColumn: u32, firstLine: u32, firstUnit: u32, pastUnit: u32
}

@group(0) @binding(3) var<storage, read> q: array<vec4f>; // (tokens, HEADS, QUADS)

// `vertical` blocks first, first + VERT_STRIDE, .. and then the local ones, localStart .. the query's own.
struct Visible { first: u32, vertical: u32, localStart: u32, units: u32 }

/// The units with positions lowest .. highest that queries of the block of `highest` see. The last holds `highest`.
fn visibleUnits(lowest: u32, highest: u32, head: u32) -> Visible {
  let queryBlock = highest / BLOCK;
  let lowestBlock = lowest / BLOCK;
  let localStart = max(lowestBlock, queryBlock + 1 - min(LOCAL_BLOCKS, queryBlock + 1));
  let pastVertical = (lowestBlock + head * HEAD_STEP + 1) % VERT_STRIDE;
  let first = lowestBlock + (VERT_STRIDE - pastVertical) % VERT_STRIDE;
  let vertical = (max(localStart, first) - first + VERT_STRIDE - 1) / VERT_STRIDE;
  let units = (vertical + queryBlock - localStart) * UNITS_PER_BLOCK + highest % BLOCK / UNIT + 1;
  return Visible(first, vertical, localStart, units);
}

/// The position of the first key of the i-th unit.
fn unitStart(visible: Visible, i: u32) -> u32 {
  let at = i / UNITS_PER_BLOCK;
  let local = visible.localStart + at - visible.vertical;
  let block = select(local, visible.first + at * VERT_STRIDE, at < visible.vertical);
  return block * BLOCK + i % UNITS_PER_BLOCK * UNIT;
}

/// The last position that a token at `position` sees.
fn lastSeen(position: u32) -> u32 {
  return min(position + params.ahead, params.length + params.tokens - 1);
}

/// The first position that the window of a token at `position` holds.
fn firstSeen(position: u32, window: u32) -> u32 {
  return position + 1 - min(window, position + 1);
}
