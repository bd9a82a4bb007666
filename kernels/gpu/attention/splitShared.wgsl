// Put in front of attentionSplit.wgsl: the largest score of a way's unit is found in shared memory.
struct Local { @builtin(local_invocation_index) index: u32 }

var<workgroup> scores: array<f32, THREADS>;

fn numberOf(local: Local) -> u32 { return local.index; }

/// The largest score of keys low .. past - 1 of this thread's way. All threads of the workgroup call it, with their score.
fn largestOf(local: Local, score: f32, low: u32, past: u32) -> f32 {
  scores[local.index] = score;
  workgroupBarrier();
  let mine = local.index / PAGE * PAGE;
  var largest = LOWEST;
  for (var key = low; key < past; key++) { largest = max(largest, scores[mine + key]); }
  return largest;
}
