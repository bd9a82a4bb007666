// Put in front of attentionTiled.wgsl, behind `enable subgroups;`: the largest scores of a unit are found within subgroups, whose
// threads have keys of the same eight tokens, or, where a subgroup is wider than a page, of some eights.
struct Local {
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) lanes: u32,
}

const MOST_SHARES = 16u; // Of a page, in the narrowest subgroups.
var<workgroup> partLargest: array<vec4f, TILE / 8 * MOST_SHARES * 2>; // (eight, share, half of it)

fn numberOf(local: Local) -> u32 { return local.subgroup * local.lanes + local.lane; }

/// Brings `largest` and `shrink` up to date. All threads of the workgroup call it, with the scores of their key and tokens.
fn findLargest(local: Local, s0: vec4f, s1: vec4f) {
  let thread = numberOf(local);
  let firstThread = local.subgroup * local.lanes;
  let share = firstThread % PAGE / local.lanes;
  let firstEight = firstThread / PAGE;
  for (var eight = firstEight; eight < min(TILE / 8, firstEight + max(1, local.lanes / PAGE)); eight++) {
    let isMine = thread / PAGE == eight;
    let most0 = subgroupMax(select(vec4f(LOWEST), s0, isMine));
    let most1 = subgroupMax(select(vec4f(LOWEST), s1, isMine));
    if (local.lane == 0) {
      partLargest[(eight * MOST_SHARES + share) * 2] = most0;
      partLargest[(eight * MOST_SHARES + share) * 2 + 1] = most1;
    }
  }
  workgroupBarrier();
  if (thread < FOURS) {
    var now = largest[thread];
    for (var i = 0u; i < max(1, PAGE / local.lanes); i++) {
      now = max(now, partLargest[(thread / 2 * MOST_SHARES + i) * 2 + thread % 2]);
    }
    shrink[thread] = exp(largest[thread] - now);
    largest[thread] = now;
  }
}
