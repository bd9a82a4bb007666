/** The paths that git tracks, from a repository's index (gitformat-index). No vscode. */

/** Paths are relative to the repository, with `/`. */
export interface TrackedPaths {
  has(path: string): boolean;
  /** Whether a tracked file lies below a folder. */
  hasBelow(folder: string): boolean;
}

export const NOTHING_TRACKED: TrackedPaths = { has: () => false, hasBelow: () => false };

/** Bytes of an entry before its object's hash, and those of its flags. */
const STAT_BYTES = 40;
const EXTENDED = 0x4000;

/** `hashBytes`: 20 for SHA-1, 32 for SHA-256. An index of another format, or a damaged one, tracks nothing. */
export function trackedPaths(index: Uint8Array, hashBytes: number): TrackedPaths {
  const bytes = Buffer.from(index.buffer, index.byteOffset, index.byteLength);
  const version = bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'DIRC' ? 0 : bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return NOTHING_TRACKED;
  const paths = new Set<string>();
  const folders = new Set<string>();
  let at = 12;
  let path = Buffer.alloc(0);
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    const flags = at + STAT_BYTES + hashBytes;
    if (flags + 2 > bytes.length) return NOTHING_TRACKED;
    let start = flags + 2 + (version > 2 && bytes.readUInt16BE(flags) & EXTENDED ? 2 : 0);
    let kept = 0;
    if (version === 4) {
      const removed = offsetAt(bytes, start);
      start = removed.end;
      kept = path.length - removed.value;
    }
    const end = bytes.indexOf(0, start);
    if (end < 0 || kept < 0) return NOTHING_TRACKED;
    path = Buffer.concat([path.subarray(0, kept), bytes.subarray(start, end)]);
    // Entries of older versions are padded to a multiple of eight, with one zero at least.
    at = version === 4 ? end + 1 : at + Math.floor((end - at + 8) / 8) * 8;
    const name = path.toString();
    paths.add(name);
    for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
      const folder = name.slice(0, slash);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return { has: (each) => paths.has(each), hasBelow: (folder) => folders.has(folder) };
}

/** A number of seven bits per byte, as in pack files. */
function offsetAt(bytes: Buffer, at: number): { value: number; end: number } {
  let byte = bytes[at++] ?? 0;
  let value = byte & 127;
  while (byte & 128) {
    byte = bytes[at++] ?? 0;
    value = (value + 1) * 128 + (byte & 127);
  }
  return { value, end: at };
}
