/** The native binaries: where npm installs them, and where the engine looks for them. */
import { existsSync, linkSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './nodeBinary.mjs';

/** The folder in the package `webgpu` that holds Dawn for `target`, such as linux-x64. */
export function dawnFolder(target: string): string {
  return join(root, 'node_modules/webgpu/dist', target.startsWith('darwin') ? 'darwin-universal' : target);
}

/** Lays dist/ out like a package for this platform, so that the engine finds the binaries in the same way. */
export function linkNatives(): void {
  const target = `${process.platform}-${process.arch}`;
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const dawn = join(root, 'dist/webgpu', target);
  const node = join(root, 'dist/node', target, program);
  for (const path of [dawn, node]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(join(path, '..'), { recursive: true });
  }
  if (existsSync(dawnFolder(target))) symlinkSync(dawnFolder(target), dawn, 'junction');
  // If npm may not run install scripts, the package `node` has no binary; this Node is then used instead.
  const packaged = join(root, 'node_modules/node/bin', program);
  symlinkOrLink(existsSync(packaged) ? packaged : process.execPath, node);
}

/** Windows lets only administrators create symbolic links to files; a hard link needs both on the same disk. */
function symlinkOrLink(from: string, to: string): void {
  if (process.platform === 'win32') linkSync(from, to);
  else symlinkSync(from, to);
}
