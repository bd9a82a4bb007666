import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasVulkanDriver } from '../../../kernels/gpu/device/vulkanDrivers.ts';

describe('drivers of Vulkan', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'airgap-vulkan-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const nowhere = { HOME: '/nowhere', XDG_CONFIG_DIRS: '/nowhere', XDG_DATA_DIRS: '/nowhere' };
  const table: [string, file: string, env: (root: string) => NodeJS.ProcessEnv, boolean][] = [
    ['in a data folder', 'share/vulkan/icd.d/a.json', (root) => ({ XDG_DATA_DIRS: `/x:${join(root, 'share')}` }), true],
    ['in the home folder', '.local/share/vulkan/icd.d/a.json', (root) => ({ HOME: root }), true],
    ['in a folder of settings', 'c/vulkan/icd.d/a.json', (root) => ({ XDG_CONFIG_HOME: join(root, 'c') }), true],
    ['named by the environment', 'mine.json', (root) => ({ VK_ICD_FILENAMES: join(root, 'mine.json') }), true],
    ['in a folder named there', 'd/a.json', (root) => ({ VK_DRIVER_FILES: join(root, 'd') }), true],
    ['added by the environment', 'more.json', (root) => ({ VK_ADD_DRIVER_FILES: join(root, 'more.json') }), true],
    [
      'one named there hides all others',
      'share/vulkan/icd.d/a.json',
      (root) => ({ XDG_DATA_DIRS: join(root, 'share'), VK_DRIVER_FILES: '/nowhere/a.json' }),
      false,
    ],
    ['other files are none', 'share/vulkan/icd.d/a.txt', (root) => ({ XDG_DATA_DIRS: join(root, 'share') }), false],
  ];
  for (const [name, file, env, wanted] of table) {
    it(`${name}: ${wanted ? 'found' : 'not found'}`, function () {
      if (hasVulkanDriver(nowhere)) {
        console.log('    skipped: this machine has a driver in a place that no variable names');
        return this.skip();
      }
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), '{}');
      assert.equal(hasVulkanDriver({ ...nowhere, ...env(folder) }), wanted);
    });
  }
});
