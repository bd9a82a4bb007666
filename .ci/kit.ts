/**
 * `npm run kit [-- TARGET]`: writes dist/kit/airgap-gpu-kit-TARGET.tar.gz for people who have a graphics card and no
 * network: unpack it, run run.sh or run.cmd, send report.txt. It holds Node, Dawn, `airgap doctor`, the tests that use a GPU,
 * a benchmark and the tuner on random weights, and the small checkpoints of the goldens.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { product } from './bundles.ts';
import { root } from './nodeBinary.mjs';
import { addNatives } from './package.ts';
import { buildProduct } from './steps.ts';

const README = `Airgap's GPU kit: checks and measures Airgap on this machine's graphics card.
Run run.sh (Linux, macOS) or run.cmd (Windows). It takes up to eight minutes, needs no network, changes nothing, and
writes report.txt beside this file, which holds no name of yours, no path and no text but what it has printed.
`;

/** What the tests of test/kit/tests.ts read. */
const FIXTURES = [
  'stored',
  ...['mini-4k', 'mini-128k', 'medium-gqa', 'small-blocksparse', 'small-step2'].map((model) => `golden/${model}`),
];

/** Writes the kit for a platform and returns its path. The bundles must have been built. */
export async function writeKit(target: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-kit-'));
  const name = `airgap-gpu-kit-${target}`;
  const kit = join(root, 'dist/kit', `${name}.tar.gz`);
  const stage = join(folder, name);
  try {
    mkdirSync(join(stage, 'dist'), { recursive: true });
    await build({ ...product, ...KIT, outdir: join(stage, 'dist') });
    copyFileSync(join(root, 'dist/THIRD_PARTY_NOTICES.txt'), join(stage, 'THIRD_PARTY_NOTICES.txt'));
    for (const each of FIXTURES) {
      const fixtures = join('test/fixtures', each);
      cpSync(join(root, fixtures), join(stage, fixtures), { recursive: true });
    }
    addNatives(stage, target);
    writeFileSync(join(stage, 'README.txt'), README);
    const node = `dist/node/${target}/node`;
    if (target.startsWith('win32')) {
      writeFileSync(join(stage, 'run.cmd'), `cd /d "%~dp0"\r\n"${node}.exe" dist\\main.cjs %*\r\npause\r\n`);
    } else {
      const script = `#!/bin/sh\ncd "$(dirname "$0")" && exec ${node} dist/main.cjs "$@"\n`;
      writeFileSync(join(stage, 'run.sh'), script, { mode: 0o755 });
    }
    mkdirSync(join(root, 'dist/kit'), { recursive: true });
    execFileSync('tar', ['-czf', kit, '-C', folder, name]);
    return kit;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Unlike the tests of this repository, whole programs: nothing is installed where they run. */
const KIT = {
  entryPoints: ['main', 'airgap', 'tests', 'bench', 'tune'].map((name) => `test/kit/${name}.ts`),
  sourcemap: false,
  alias: { vscode: './test/support/extension/vscodeStub.ts' },
  logOverride: { 'require-resolve-not-external': 'silent' },
} satisfies BuildOptions;

if (import.meta.main) {
  buildProduct();
  for (const target of process.argv.length > 2 ? process.argv.slice(2) : [`${process.platform}-${process.arch}`]) {
    const kit = await writeKit(target);
    console.log(`${kit} ${(statSync(kit).size / 2 ** 20).toFixed(1)} MiB`);
  }
}
