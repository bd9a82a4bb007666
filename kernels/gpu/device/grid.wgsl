// Put in front of kernels whose workgroups are numbered 0.. in a grid that grid() in kernel.ts has folded.
override WORKGROUP: u32; // Threads of a workgroup, a power of two.

struct Grid { @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u }

/// Number of this workgroup.
fn workgroupIndex(grid: Grid) -> u32 { return grid.group.y * grid.groups.x + grid.group.x; }

