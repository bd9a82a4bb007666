import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { modelPath } from '../../../extension/bundledModels.ts';
import { defaultModel } from '../../../extension/models/defaultModel.ts';
import { readSettings } from '../../../extension/settings.ts';

const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const STORED = `models/SmolLM2-135M-Instruct/${FILE}`;

describe('the model where none is chosen', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'airgap-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  for (const [title, files, expected] of [
    ['is the bundled one', [`extension/media/chat-model/${FILE}`, `store/${STORED}`], 'bundled:SmolLM2-135M-Instruct'],
    ["is the store's where none is bundled", [`store/${STORED}`, `shared/${STORED}`], `store/${STORED}`],
    ["is the shared store's where the own one has none", [`shared/${STORED}`], `shared/${STORED}`],
    ['is the starter model where there is none', ['extension/media/chat-model/LICENSE'], 'bundled:starter'],
  ] as const) {
    it(title, () => {
      for (const file of files) {
        mkdirSync(dirname(join(home, file)), { recursive: true });
        writeFileSync(join(home, file), '');
      }
      const stores: Record<string, string> = {
        'store.folder': join(home, 'store'),
        'store.sharedFolder': join(home, 'shared'),
      };
      const name = defaultModel(join(home, 'extension'), readSettings((key) => stores[key]).settings);
      assert.equal(name.replace(`${home}/`, ''), expected);
      const path = modelPath(join(home, 'extension'), name);
      assert.equal(path, join(home, files[0].endsWith('LICENSE') ? 'extension/media/starter' : files[0]));
    });
  }
});
