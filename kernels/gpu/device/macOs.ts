import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Why this macOS is too old for a library, in one sentence; undefined where it is not. Loading does not always say so: code
 * built for a newer system calls what an older one lacks, and the process would end. `release` is Darwin's, as 25.1.0.
 */
export function macOsFailure(file: string, release: string): string | undefined {
  const needed = macOsNeeded(file);
  const running = macOsOf(Number.parseInt(release, 10));
  return needed > running ? `The GPU library needs macOS ${needed} or newer, and this is macOS ${running}.` : undefined;
}

/** Darwin 24 is macOS 15, and 25 is macOS 26. */
function macOsOf(darwin: number): number {
  return darwin < 25 ? darwin - 9 : darwin + 1;
}

const FAT = 0xcafebabe; // of several architectures, big-endian
const MACH_O_64 = 0xfeedfacf;
const LC_BUILD_VERSION = 0x32;

/** The macOS that a library was built for, of all its architectures the newest; 0 where the file does not say. */
function macOsNeeded(file: string): number {
  const fat = bytesOf(file, 0, 4096);
  if (fat.length < 8 || fat.readUInt32BE(0) !== FAT) return needOfSlice(fat);
  const slices = Array.from({ length: Math.min(8, fat.readUInt32BE(4)) }, (_, i) => fat.readUInt32BE(8 + 20 * i + 8));
  return Math.max(0, ...slices.map((offset) => needOfSlice(bytesOf(file, offset, 16384))));
}

function needOfSlice(slice: Buffer): number {
  if (slice.length < 32 || slice.readUInt32LE(0) !== MACH_O_64) return 0;
  let at = 32;
  for (let left = slice.readUInt32LE(16); left > 0 && at + 16 <= slice.length; left--) {
    if (slice.readUInt32LE(at) === LC_BUILD_VERSION) return slice.readUInt32LE(at + 12) >> 16;
    at += slice.readUInt32LE(at + 4);
  }
  return 0;
}

function bytesOf(file: string, offset: number, length: number): Buffer {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(handle, bytes, 0, length, offset));
  } finally {
    closeSync(handle);
  }
}
