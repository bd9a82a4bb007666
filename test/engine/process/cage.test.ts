import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type RuntimeHost, chooseRuntime } from '../../../extension/engine/runtime.ts';

interface Report {
  chosen: string;
  backends: { backend: string; usable: boolean; reason: string }[];
}

/** Runs `airgap doctor` on a runtime; a software GPU counts as a GPU. */
function doctor(program: string, args: string[] = []): Promise<Report> {
  const command = [...args, 'dist/airgap.cjs', 'doctor', '--allow-software-gpu', '--json'];
  return new Promise((done, fail) => {
    execFile(program, command, (error, stdout) => (error ? fail(error) : done(JSON.parse(stdout) as Report)));
  });
}

describe('a runtime whose V8 refuses external memory, as Electron does', function () {
  this.timeout(60_000);
  const host: RuntimeHost = {
    platform: process.platform,
    arch: process.arch,
    electron: '39.0.0',
    execPath: '/usr/share/code/code',
    extensionPath: resolve('.'),
    nodePath: '',
    exists: existsSync,
  };

  it('is not taken: the engine runs on the Node that the package carries, where GPU results can be read', async function () {
    const [first, last] = chooseRuntime(host).runtimes;
    assert.match(first!.program, /dist[\\/]node[\\/].*[\\/]node(\.exe)?$/);
    assert.deepEqual(last, { program: '/usr/share/code/code', electronAsNode: true });
    const { chosen, backends } = await doctor(first!.program);
    const gpu = backends.find(({ backend }) => backend === 'webgpu')!;
    if (/No GPU adapter/.test(gpu.reason)) {
      console.log(`      skipped: ${gpu.reason}`);
      return this.skip();
    }
    assert.deepEqual([chosen, gpu.usable], ['webgpu', true]);
  });

  it('computes on WASM where nothing else may run, and doctor says why', async function () {
    const { chosen, backends } = await doctor(process.execPath, ['--require', resolve('test/support/cage.cjs')]);
    const { reason } = backends.find(({ backend }) => backend === 'webgpu')!;
    if (/No GPU adapter/.test(reason)) {
      console.log(`      skipped: ${reason}`);
      return this.skip();
    }
    assert.equal(chosen, 'wasm');
    assert.match(reason, /cannot read results of the GPU; the engine must run on a plain Node\.js\.$/);
  });
});
