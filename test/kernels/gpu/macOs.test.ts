import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openBackend } from '../../../engine/load/openBackend.ts';
import { macOsFailure } from '../../../kernels/gpu/device/macOs.ts';

const SHIPPED = resolve('node_modules/webgpu/dist/darwin-universal');

describe('a macOS that the GPU library was not built for', () => {
  const cases = [
    { release: '24.6.0', wanted: 'The GPU library needs macOS 26 or newer, and this is macOS 15.' },
    { release: '22.1.0', wanted: 'The GPU library needs macOS 26 or newer, and this is macOS 13.' },
    { release: '25.0.0', wanted: undefined },
    { release: '26.2.0', wanted: undefined },
  ];
  for (const { release, wanted } of cases)
    it(`Darwin ${release}: ${wanted ?? 'it is loaded'}`, () => {
      assert.equal(macOsFailure(join(SHIPPED, 'dawn.node'), release), wanted);
    });

  it('a file that does not say what it was built for is loaded', () => {
    const folder = mkdtempSync(join(tmpdir(), 'airgap-macos-'));
    try {
      for (const [i, content] of [Buffer.alloc(0), Buffer.from('no library'), Buffer.alloc(64, 0xfe)].entries()) {
        writeFileSync(join(folder, `${i}`), content);
        assert.equal(macOsFailure(join(folder, `${i}`), '20.0.0'), undefined);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('the engine computes on the CPU there, and says why', async () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
    const { release } = os;
    const { AIRGAP_DAWN_DIR } = process.env;
    Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' });
    os.release = () => '24.6.0';
    syncBuiltinESMExports();
    process.env['AIRGAP_DAWN_DIR'] = SHIPPED;
    try {
      const { ops, notes } = await openBackend({ backend: 'auto', threads: 1 });
      await ops.dispose();
      assert.equal(ops.backend, 'wasm');
      assert.deepEqual(notes, ['WebGPU is not used: The GPU library needs macOS 26 or newer, and this is macOS 15.']);
    } finally {
      Object.defineProperty(process, 'platform', platform);
      os.release = release;
      syncBuiltinESMExports();
      if (AIRGAP_DAWN_DIR === undefined) delete process.env['AIRGAP_DAWN_DIR'];
      else process.env['AIRGAP_DAWN_DIR'] = AIRGAP_DAWN_DIR;
    }
  });
});
