import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { OtherFiles } from '../../../extension/completion/otherFiles.ts';
import { readSettings, type Settings } from '../../../extension/settings.ts';
import { textDocument } from '../../support/extension/textDocument.ts';
import { fake } from '../../support/extension/vscodeStub.ts';

const open = (path: string, text: string) => textDocument(text, { uri: `file:///project/${path}` }).document;
const settings = (more: Partial<Settings> = {}): Settings => ({
  ...readSettings(() => undefined).settings,
  'completion.otherFiles': true,
  ...more,
});

describe('what other files declare', () => {
  const main = open('main.ts', "import { Plant } from './plant.ts';\nimport { key } from './secret.env.ts';\n");
  let others: OtherFiles;
  const start = (given: Settings): void => void (others = new OtherFiles(() => given));
  beforeEach(() => {
    fake.documents = [
      main,
      open('plant.ts', 'export class Plant {\n  name = 1;\n}\n'),
      open('recent.ts', 'const r = 1;\n'),
    ];
  });
  afterEach(() => {
    others.dispose();
    fake.documents = [];
  });
  /** Asks until nothing changes. */
  const known = async () => {
    others.of(main);
    for (let i = 0; i < 20; i++) await setImmediate();
    return others.of(main);
  };

  it('is found by imports, and stays the same object until something changes', async () => {
    start(settings());
    assert.deepEqual(others.of(main), [], 'no key waits for it');
    const files = await known();
    assert.deepEqual(files, [{ path: 'plant.ts', text: 'export class Plant\n  name = 1;' }]);
    assert.equal(others.of(main), files);
  });

  it('who can wait gets what is found', async () => {
    start(settings());
    assert.deepEqual(await others.found(main), await known());
    fake.documents[1] = open('plant.ts', 'export class Plant {\n  size = 1;\n}\n');
    fake.documentSaved.fire(fake.documents[1]);
    assert.match((await others.found(main))[0]!.text, /size/);
  });

  it('a file that was edited lately comes after what is imported', async () => {
    start(settings());
    fake.textChanged.fire({ document: fake.documents[2], contentChanges: [{}] });
    fake.textChanged.fire({ document: main, contentChanges: [{}] });
    assert.deepEqual(
      (await known()).map(({ path }) => path),
      ['plant.ts', 'recent.ts'],
    );
  });

  it('a save makes it look again, and until then it knows what it knew', async () => {
    start(settings());
    const before = await known();
    fake.documents[1] = open('plant.ts', 'export class Plant {\n  size = 1;\n}\n');
    fake.documentSaved.fire(fake.documents[1]);
    assert.equal(others.of(main), before);
    assert.match((await known())[0]!.text, /size/);
  });

  it('nothing is read where the setting is off, and never what settings exclude', async () => {
    start(settings({ 'completion.otherFiles': false }));
    assert.deepEqual(await known(), []);
    others.dispose();
    start(settings({ 'files.exclude': ['**/plant.ts'] }));
    assert.deepEqual(await known(), []);
  });
});
