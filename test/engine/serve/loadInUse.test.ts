import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadInUse } from '../../../engine/serve/loadInUse.ts';
import { importModel } from '../../../engine/store/import/importModel.ts';
import { openStore } from '../../../engine/store/store.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';

describe('loadInUse', () => {
  it("marks a store's model until it is disposed, and leaves folders elsewhere as they are", async () => {
    const root = mkdtempSync(join(tmpdir(), 'airgap-use-'));
    const folder = TinyFolder.model();
    try {
      const store = await openStore({ folder: join(root, 'store'), sharedFolder: join(root, 'none') });
      const { path } = await importModel(folder.path, store, { name: 'Used' });
      const marks = () => readdirSync(join(store.folder, 'marks')).map((name) => name.replace(/\d.*$/, 'PID'));
      const model = await loadInUse(path, { backend: 'reference' });
      assert.deepEqual(marks(), ['used.use.PID']);
      await model.dispose();
      assert.deepEqual(marks(), []);
      const before = readdirSync(folder.path);
      await (await loadInUse(folder.path, { backend: 'reference' })).dispose();
      assert.deepEqual(readdirSync(folder.path), before);
    } finally {
      folder.remove();
      rmSync(root, { recursive: true, force: true });
    }
  });
});
