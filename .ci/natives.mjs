/** Native binaries: where npm has put them, and where the engine looks for them. */
import { existsSync, linkSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './nodeBinary.mjs';

/** Dawn's folder for a platform, inside the package `webgpu`. */
export function dawnFolder(target) {
  return join(root, 'node_modules/webgpu/dist', target.startsWith('darwin') ? 'darwin-universal' : target);
}

/** Gives dist/ the layout of an installed package for this platform, so that both are found in the same way. */
export function linkNatives() {
  const target = `${process.platform}-${process.arch}`;
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const dawn = join(root, 'dist/webgpu', target);
  const node = join(root, 'dist/node', target, program);
  for (const path of [dawn, node]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(join(path, '..'), { recursive: true });
  }
  if (existsSync(dawnFolder(target))) symlinkSync(dawnFolder(target), dawn, 'junction');
  // This very Node where npm may not run the install script of the package `node`.
  const packaged = join(root, 'node_modules/node/bin', program);
  symlinkOrLink(existsSync(packaged) ? packaged : process.execPath, node);
}

/** Windows lets only administrators make symbolic links to files, and hard links need the same disk. */
function symlinkOrLink(from, to) {
  if (process.platform === 'win32') linkSync(from, to);
  else symlinkSync(from, to);
}
