// Put in front of attentionTiled.wgsl: the largest scores of a unit are found in shared memory, those of a token by 8 threads.
struct Local { @builtin(local_invocation_index) index: u32 }

var<workgroup> partLargest: array<f32, THREADS>;

fn numberOf(local: Local) -> u32 { return local.index; }

/// Brings `largest` and `shrink` up to date. All threads of the workgroup call it, with the scores of their key and tokens.
fn findLargest(local: Local, s0: vec4f, s1: vec4f) {
  let thread = local.index;
  let mine = thread % PAGE * FOURS + 2 * (thread / PAGE);
  scores[mine] = s0;
  scores[mine + 1] = s1;
  workgroupBarrier();
  let token = thread / 8;
  var most = LOWEST;
  for (var i = thread % 8; i < UNIT; i += 8) {
    most = max(most, scores[i * FOURS + token / 4][token % 4]);
  }
  partLargest[thread] = most;
  workgroupBarrier();
  if (thread < FOURS) {
    var now = largest[thread];
    for (var i = 0u; i < 8; i++) {
      let at = thread * 32 + i;
      now = max(now, vec4f(partLargest[at], partLargest[at + 8], partLargest[at + 16], partLargest[at + 24]));
    }
    shrink[thread] = exp(largest[thread] - now);
    largest[thread] = now;
  }
}
