import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CatalogueEntry } from '../../../engine/download/catalogue.ts';
import { Cancelled, DownloadFailed } from '../../../engine/errors.ts';
import { ggufEntry, HubTest, REPOSITORY } from '../../support/engine/download/hubTest.ts';
import { type Answer, sha256 } from '../../support/engine/download/servers.ts';
import { randomBytes } from '../../support/engine/download/bytes.ts';

const GGUF = randomBytes(300_000, 1);
const FILES = {
  'model.gguf': GGUF,
  'config.json': Buffer.from('{"model_type":"llama"}'),
  'tokenizer.json': Buffer.from('{}'),
  'model-00001-of-00002.safetensors': randomBytes(50_000, 2),
  'model-00002-of-00002.safetensors': randomBytes(70_000, 3),
  'model.safetensors.index.json': Buffer.from('{"weight_map":{}}'),
  'consolidated.safetensors': randomBytes(10, 4),
  'picture.png': randomBytes(10, 5),
  'onnx/model.safetensors': randomBytes(10, 6),
  'modeling_llama.py': Buffer.from('import os'),
};
const FOLDER: CatalogueEntry = { kind: 'folder', name: 'Folder', licence: 'MIT', gated: false, repository: REPOSITORY };
const status =
  (status: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };

describe('downloadModel', () => {
  let test: HubTest;
  afterEach(() => test.close());

  it('writes how the makers sample answers beside a file that does not say so', async () => {
    test = await HubTest.start(FILES);
    const generation = { temperature: 0.7, top_p: 0.8, top_k: 20 };
    const entry = await test.download({ ...ggufEntry(), generation } as CatalogueEntry);
    const beside = readFileSync(join(dirname(entry.path), 'generation_config.json'), 'utf8');
    assert.deepEqual(JSON.parse(beside), { do_sample: true, ...generation });
    assert.equal(basename(entry.path), 'model.gguf');
  });

  it('tells size, licence and origin first, downloads, and enters the model in the store', async () => {
    test = await HubTest.start(FILES);
    const entry = await test.download(ggufEntry());
    assert.deepEqual(readFileSync(entry.path), GGUF);
    const { name, origin, hash, licence, source, bytes } = entry;
    assert.deepEqual(
      { name, origin, hash, licence, source, bytes, sha256: entry.sha256 },
      {
        ...{ name: 'Model', origin: 'downloaded', hash: 'stated', licence: 'MIT', bytes: GGUF.length },
        ...{ source: `${test.hub}/${REPOSITORY}`, sha256: sha256(GGUF) },
      },
    );
    const [plan] = test.plans;
    assert.ok(plan && plan.freeBytes > 0);
    assert.deepEqual(
      [plan.bytes, plan.neededBytes, plan.licence, plan.hash],
      [GGUF.length, GGUF.length, 'MIT', 'stated'],
    );
    const steps = [...new Set(test.progress.map(({ step }) => step))];
    assert.deepEqual(
      [steps, test.progress.at(-1)],
      [['download', 'check'], { step: 'check', doneBytes: GGUF.length, totalBytes: GGUF.length }],
    );
    assert.deepEqual(readdirSync(join(test.store.folder, 'models')), ['Model']);
  });

  it('downloads nothing that is there', async () => {
    test = await HubTest.start(FILES);
    const first = await test.download(ggufEntry());
    const requests = test.servers.requests.length;
    assert.deepEqual(await test.download(ggufEntry()), first);
    assert.equal(test.servers.requests.length, requests);
  });

  it("downloads what a folder needs and nothing else, and checks small files by git's hash", async () => {
    test = await HubTest.start(FILES);
    const entry = await test.download(FOLDER);
    const needed = Object.keys(FILES).filter((name) => !/\.gguf|consolidated|png|onnx|\.py/.test(name));
    assert.deepEqual(
      readdirSync(entry.path)
        .filter((name) => name !== 'entry.json')
        .sort(),
      needed.sort(),
    );
    for (const name of needed)
      assert.deepEqual(readFileSync(join(entry.path, name)), FILES[name as keyof typeof FILES]);
    assert.equal(entry.hash, 'stated');
    assert.deepEqual(entry.files.find((file) => file.name === 'config.json')?.sha256, sha256(FILES['config.json']));
  });

  it('sends the token to the hub and to nobody else', async () => {
    test = await HubTest.start(FILES);
    await test.download(ggufEntry(), { token: 'hf_secret' });
    const sent = test.servers.requests.map(({ server, headers }) => [server, headers.authorization]);
    assert.ok(sent.some(([server]) => server === 'cdn'));
    for (const [server, authorization] of sent)
      assert.equal(authorization, server === 'hub' ? 'Bearer hf_secret' : undefined);
  });

  it('a hash that the catalogue knows makes the model verified', async () => {
    test = await HubTest.start(FILES, { states: false });
    const entry = await test.download(ggufEntry({ bytes: GGUF.length, sha256: sha256(GGUF) }));
    assert.equal(entry.hash, 'verified');
  });

  it('a model that nobody states a hash of is unchecked, and the question says so', async () => {
    test = await HubTest.start(FILES, { states: false });
    const entry = await test.download(ggufEntry());
    assert.deepEqual([entry.hash, test.plans[0]?.hash], ['unchecked', 'unchecked']);
    assert.equal(entry.sha256, sha256(GGUF));
  });

  it('takes files from a file share', async () => {
    test = await HubTest.start({});
    const share = join(test.folder, 'share', REPOSITORY);
    mkdirSync(share, { recursive: true });
    for (const [name, bytes] of Object.entries(FILES)) if (!name.includes('/')) writeFileSync(join(share, name), bytes);
    const address = join(test.folder, 'share');
    const single = await test.download(ggufEntry({ sha256: sha256(GGUF) }), { address });
    assert.deepEqual([single.hash, readFileSync(single.path)], ['verified', GGUF]);
    const folder = await test.download(FOLDER, { address });
    assert.equal(folder.hash, 'unchecked');
    assert.ok(existsSync(join(folder.path, 'model-00002-of-00002.safetensors')));
  });

  it('downloads nothing when the user declines', async () => {
    test = await HubTest.start(FILES);
    await assert.rejects(test.download(ggufEntry(), { confirm: () => Promise.resolve(false) }), Cancelled);
    assert.deepEqual(test.ranges(), []);
    assert.deepEqual(readdirSync(join(test.store.folder, 'models')), []);
  });

  it('says before the download that the disk is too small', async () => {
    test = await HubTest.start(FILES);
    const store = test.store;
    store.freeBytes = () => Promise.resolve(1000);
    await assert.rejects(
      test.download(ggufEntry()),
      /^DownloadFailed: Model needs 0\.00 GB on the disk of .*; 0\.00 GB are free\.$/,
    );
    assert.deepEqual(test.ranges(), []);
  });

  const html = { 'content-type': 'text/html; charset=utf-8' };
  const page = '<!DOCTYPE html><html><body>Sign in</body></html>';
  const refusals: [
    string,
    { hub?: Answer; cdn?: Answer; known?: { bytes?: number; sha256?: string }; token?: string },
    RegExp,
  ][] = [
    ['a gated model without a token', { hub: status(401) }, /asks for a token \(401\)/],
    ['a token that is not accepted', { hub: status(401), token: 'x' }, /does not accept the token \(401\)/],
    ['a licence that was not accepted', { hub: status(403) }, /refuses access \(403\): open the model's page/],
    ['a model that does not exist', { hub: status(404) }, /maker\/model-gguf\/.* does not exist \(404\)/],
    [
      'too many requests, for long',
      { cdn: status(429, { 'retry-after': '3600' }) },
      /limits how much .*\(429\): try again in 3600 s/,
    ],
    ['a page of HTML from the hub', { hub: status(200, html, page) }, /answered with a web page instead of the file/],
    ['a page of HTML from where the bytes are', { cdn: status(200, html, page) }, /answered with a web page/],
    [
      'a page of HTML that claims to be something else',
      { cdn: status(200, { 'content-type': 'application/octet-stream' }, page.padEnd(GGUF.length)) },
      /answered with a web page/,
    ],
    [
      'a size that is not the stated one',
      { cdn: status(200, { 'content-length': '4' }, 'GGUF') },
      /has 4 bytes instead of 300000/,
    ],
    ['a hub with another file than the catalogue', { known: { sha256: 'a'.repeat(64) } }, /its hash differs/],
    ['a hub with a file of another size', { known: { bytes: 5 } }, /300000 bytes instead of 5/],
    ['redirects without end', { hub: status(302, { location: '/again' }) }, /from one address to the next without end/],
    [
      'a redirect to a file of this disk',
      { hub: status(302, { location: 'file:///etc/passwd' }) },
      /no http or https address/,
    ],
    ['compressed files', { cdn: status(200, { 'content-encoding': 'gzip' }) }, /is sent compressed/],
  ];
  for (const [name, { token, known, ...answers }, says] of refusals) {
    it(`${name}: one sentence, and no entry`, async () => {
      test = await HubTest.start(FILES, answers);
      const failure: Error = await test.download(ggufEntry(known), { token }).then(
        () => assert.fail('it was downloaded'),
        (error: Error) => error,
      );
      assert.ok(failure instanceof DownloadFailed, failure.stack);
      assert.match(failure.message, says);
      assert.doesNotMatch(failure.message, /secret|\n/);
      assert.deepEqual((await test.store.entries()).entries, []);
    });
  }

  it('a wrong hash: nothing is kept, and the next try starts again', async () => {
    const wrong = Buffer.from(GGUF);
    wrong[123_456]! ^= 1;
    let isWrong = true;
    test = await HubTest.start(FILES, {
      cdn: (_request, response) => {
        if (isWrong) response.end(wrong);
        return isWrong;
      },
    });
    await assert.rejects(
      test.download(ggufEntry()),
      /model\.gguf from localhost:\d+ is not the file .* hash differs\. It was deleted\.$/,
    );
    assert.deepEqual((await test.store.entries()).entries, []);
    isWrong = false;
    assert.equal((await test.download(ggufEntry())).sha256, sha256(GGUF));
    assert.deepEqual(test.ranges(), ['all', 'all']);
  });

  it('a token is not sent unencrypted', async () => {
    test = await HubTest.start(FILES);
    await assert.rejects(
      test.download(ggufEntry(), { address: 'http://hub.invalid', token: 'hf_secret' }),
      /The token is not sent to hub\.invalid/,
    );
  });

  for (const address of ['ftp://x', 'hub', '']) {
    it(`refuses the address "${address}"`, async () => {
      test = await HubTest.start(FILES);
      await assert.rejects(test.download(ggufEntry(), { address }), /is no http or https address and no absolute path/);
    });
  }
});
