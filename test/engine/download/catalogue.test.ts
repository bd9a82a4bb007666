import assert from 'node:assert/strict';
import { catalogue, findEntry, knownBytes } from '../../../engine/download/catalogue.ts';
import { idOf } from '../../../engine/store/entry.ts';

describe('the catalogue', () => {
  it('has names that are told apart in any case of letters, also as folders of the store', () => {
    const ids = catalogue.map(({ name }) => idOf(name).toLowerCase());
    assert.equal(new Set(ids).size, ids.length);
    for (const { name } of catalogue) assert.equal(idOf(name), name);
  });

  it('names a size wherever it names a hash', () => {
    const files = catalogue.flatMap((entry) => (entry.kind === 'files' ? entry.files : []));
    for (const { path, bytes, sha256 } of files) assert.equal(bytes === undefined, sha256 === undefined, path);
    assert.ok(files.filter(({ sha256 }) => sha256 !== undefined).length > 10);
  });

  it('finds entries in any case of letters, and says what it has otherwise', () => {
    const entry = findEntry('phi-3-MINI-4k-instruct-q4');
    assert.deepEqual([entry.name, knownBytes(entry)], ['Phi-3-mini-4k-instruct-q4', 2_393_231_072]);
    assert.equal(knownBytes(findEntry('phi-4-bf16')), null);
    assert.throws(
      () => findEntry('gpt-5'),
      /^DownloadFailed: The catalogue has no model called gpt-5\. It has: SmolLM2/,
    );
  });
});
