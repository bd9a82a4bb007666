// Put in front of attentionSplit.wgsl, behind `enable subgroups;`: the largest score is found within subgroups. It is that of all
// ways, since the weights are relative to that in the end.
struct Local {
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) lanes: u32,
}

var<workgroup> largestScores: array<f32, THREADS>; // by subgroup

fn numberOf(local: Local) -> u32 { return local.subgroup * local.lanes + local.lane; }

/// The largest of all scores. All threads of the workgroup call it, with their score.
fn largestOf(local: Local, score: f32, low: u32, past: u32) -> f32 {
  let mine = subgroupMax(score);
  if (local.lane == 0) { largestScores[local.subgroup] = mine; }
  workgroupBarrier();
  var largest = LOWEST;
  for (var i = 0u; i < local.subgroups; i++) { largest = max(largest, largestScores[i]); }
  return largest;
}
