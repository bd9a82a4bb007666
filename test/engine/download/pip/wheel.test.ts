/** A model in a Python package, from an index, without Python. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import type { WheelEntry } from '../../../../engine/download/catalogue.ts';
import { randomBytes } from '../../../support/engine/download/bytes.ts';
import { HubTest } from '../../../support/engine/download/hubTest.ts';
import { type Answer, sha256 } from '../../../support/engine/download/servers.ts';
import { zipOf } from '../../../support/engine/download/zip.ts';

const GGUF = randomBytes(100_000, 3);
const MEMBER = 'llm_small/model.gguf';
const WHEEL = 'llm_small-1.0-py3-none-any.whl';
const ZIP = zipOf({ 'llm_small/__init__.py': Buffer.from(''), [MEMBER]: GGUF });
const ENTRY: WheelEntry = {
  ...{ kind: 'wheel', name: 'Small', licence: 'MIT', gated: false, package: 'llm-small', version: '1.0', wheel: WHEEL },
  file: { path: MEMBER, bytes: GGUF.length, sha256: sha256(GGUF) },
};

describe('a model in a Python package', () => {
  let test: HubTest;
  const { PATH } = process.env;
  /** No Python is found, and pip's configuration is what the test says. */
  const withIndex = (env: NodeJS.ProcessEnv) => {
    for (const name of Object.keys(process.env)) if (name.startsWith('PIP_')) saved[name] ??= process.env[name];
    for (const name of Object.keys(saved)) delete process.env[name];
    Object.assign(process.env, { PATH: test.folder, PIP_CONFIG_FILE: devNull, ...env });
  };
  const saved: NodeJS.ProcessEnv = {};
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('PIP_')) delete process.env[name];
    delete process.env['NETRC'];
    Object.assign(process.env, saved, { PATH });
    test.close();
  });

  /** An index in JSON or HTML, and the wheel below /files. */
  const index =
    (kind: 'json' | 'html', { hash = sha256(ZIP), wheel = ZIP } = {}): Answer =>
    ({ url }, response) => {
      if (url === '/files/' + WHEEL) return (response.end(wheel), true);
      if (url !== '/simple/llm-small/') return false;
      const href = `../../files/${WHEEL}`;
      if (kind === 'json') {
        const files = [{ filename: WHEEL, url: href, hashes: { sha256: hash }, size: wheel.length }];
        response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json').end(JSON.stringify({ files }));
      } else {
        response.setHeader('content-type', 'text/html');
        response.end(
          `<html><a href='x-0.9.whl'>x</a><a data-x="1&amp;2" href="${href}#sha256=${hash}">${WHEEL}</a></html>`,
        );
      }
      return true;
    };

  for (const kind of ['json', 'html'] as const) {
    it(`comes from an index that answers in ${kind}`, async () => {
      test = await HubTest.start({}, { hub: index(kind) });
      withIndex({ PIP_INDEX_URL: `${test.hub}/simple` });
      const entry = await test.download(ENTRY);
      assert.ok(readFileSync(entry.path).equals(GGUF));
      assert.deepEqual([entry.hash, entry.sha256], ['verified', sha256(GGUF)]);
      assert.deepEqual(readdirSync(join(entry.path, '..')).sort(), ['entry.json', 'model.gguf']);
    });
  }

  it('asks further indexes where the first has no such package, and sends passwords to their own', async () => {
    test = await HubTest.start({}, { hub: index('json'), cdn: () => false });
    writeFileSync(join(test.folder, 'pip.conf'), `[global]\nextra-index-url =\n  ${test.hub}/simple/\n`);
    const PIP_CONFIG_FILE = join(test.folder, 'pip.conf');
    withIndex({ PIP_INDEX_URL: test.cdn.replace('//', '//me:one%21@'), PIP_CONFIG_FILE });
    await test.download(ENTRY);
    const sent = test.servers.requests.map(({ server, headers }) => `${server} ${headers.authorization}`);
    assert.deepEqual([...new Set(sent)], [`cdn Basic ${btoa('me:one!')}`, 'hub undefined']);
  });

  it('takes name and password from .netrc', async () => {
    test = await HubTest.start({}, { hub: index('json') });
    const netrc = join(test.folder, '.netrc');
    writeFileSync(netrc, 'machine localhost login me password two');
    withIndex({ PIP_INDEX_URL: `${test.hub}/simple`, NETRC: netrc });
    await test.download(ENTRY);
    assert.ok(test.servers.requests.every(({ headers }) => headers.authorization === `Basic ${btoa('me:two')}`));
  });

  const refusals: [string, Answer | undefined, RegExp][] = [
    ['no index', undefined, /There is no Python with pip here, and pip is configured with no package index/],
    ['an index without the package', () => false, /No package index that pip is configured with has llm_small-1\.0/],
    [
      'a package with another hash than the index says',
      index('json', { hash: 'a'.repeat(64) }),
      /is not the file that it should be/,
    ],
    [
      'a package with another model',
      index('html', ofWheel(zipOf({ [MEMBER]: randomBytes(GGUF.length, 9) }))),
      /llm-small==1\.0 contains another model\.gguf/,
    ],
    [
      'a package without the model',
      index('html', ofWheel(zipOf({ x: GGUF }))),
      /The package contains no llm_small\/model\.gguf of 100000 bytes/,
    ],
    ['a package that is no zip', index('html', ofWheel(Buffer.from('nothing'))), /The package cannot be unpacked/],
    [
      'a list that is none',
      (_request, response) => (response.setHeader('content-type', 'application/json').end('{}'), true),
      /did not answer with a list of packages/,
    ],
  ];
  for (const [name, hub, says] of refusals) {
    it(`${name}: one sentence, and no entry`, async () => {
      test = await HubTest.start({}, hub && { hub });
      withIndex(hub ? { PIP_INDEX_URL: `${test.hub}/simple` } : {});
      await assert.rejects(
        test.download(ENTRY),
        (error: Error) => error.name === 'DownloadFailed' && says.test(error.message),
      );
      assert.deepEqual((await test.store.entries()).entries, []);
    });
  }

  function ofWheel(wheel: Buffer) {
    return { wheel, hash: sha256(wheel) };
  }
});
