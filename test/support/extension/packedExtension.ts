/** Another extension of a window test, packed so that VS Code can install it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';

export interface PackedExtension extends Disposable {
  /** The .vsix file. */
  readonly path: string;
}

/** `cwd` is the folder of the extension's sources. */
export async function packedExtension(cwd: string): Promise<PackedExtension> {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-extension-'));
  const path = join(folder, 'extension.vsix');
  await createVSIX({ cwd, packagePath: path, dependencies: false, allowMissingRepository: true, skipLicense: true });
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
