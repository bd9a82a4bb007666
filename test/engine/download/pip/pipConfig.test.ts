import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findNetrcLogin } from '../../../../engine/download/pip/netrc.ts';
import { type Machine, parsePipIni, readPipConfig } from '../../../../engine/download/pip/pipConfig.ts';

describe("pip's configuration", () => {
  let home: string;
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'airgap-pip-'))));
  afterEach(() => rmSync(home, { recursive: true }));

  /** Writes files below the home folder, where the system's configuration lies as well, and reads them. */
  const read = (
    files: Record<string, string>,
    env: NodeJS.ProcessEnv = {},
    platform: Machine['platform'] = 'linux',
  ) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    return readPipConfig({ platform, home, etc: join(home, 'etc'), env });
  };
  const index = (url: string) => `[global]\nindex-url = ${url}\n`;

  it('has no index built in', async () => {
    assert.deepEqual(await read({}), { indexes: [], trustedHosts: [] });
  });

  const places: [string, Record<string, string>, NodeJS.ProcessEnv, Machine['platform'], string][] = [
    ["the user's file", { '.config/pip/pip.conf': index('https://a/') }, {}, 'linux', 'https://a/'],
    [
      "the user's file, moved",
      { 'x/pip/pip.conf': index('https://a/') },
      { XDG_CONFIG_HOME: '~/x' },
      'linux',
      'https://a/',
    ],
    ['the old place', { '.pip/pip.conf': index('https://a/') }, {}, 'linux', 'https://a/'],
    [
      'the new place before the old',
      { '.pip/pip.conf': index('https://a/'), '.config/pip/pip.conf': index('https://b/') },
      {},
      'linux',
      'https://b/',
    ],
    ['the global file', { 'etc/pip.conf': index('https://a/') }, {}, 'linux', 'https://a/'],
    [
      'the user before the machine',
      { 'etc/xdg/pip/pip.conf': index('https://a/'), '.pip/pip.conf': index('https://b/') },
      {},
      'linux',
      'https://b/',
    ],
    [
      'macOS, where the folder is',
      { 'Library/Application Support/pip/pip.conf': index('https://a/') },
      {},
      'darwin',
      'https://a/',
    ],
    ['macOS, where it is not', { '.config/pip/pip.conf': index('https://a/') }, {}, 'darwin', 'https://a/'],
    [
      'a virtual environment',
      { '.pip/pip.conf': index('https://a/'), 'venv/pip.conf': index('https://b/') },
      { VIRTUAL_ENV: '~/venv' },
      'linux',
      'https://b/',
    ],
    [
      "a named file, instead of the user's",
      { '.pip/pip.conf': '[global]\nextra-index-url = https://no/', named: index('https://b/') },
      { PIP_CONFIG_FILE: '~/named' },
      'linux',
      'https://b/',
    ],
    [
      'a variable before files',
      { '.pip/pip.conf': index('https://a/') },
      { PIP_INDEX_URL: 'https://b/' },
      'linux',
      'https://b/',
    ],
  ];
  for (const [name, files, env, platform, expected] of places) {
    it(`is read from ${name}`, async () => {
      const own = Object.entries(env).map(([key, value]) => [key, value!.replace('~', home)]);
      assert.deepEqual((await read(files, Object.fromEntries(own), platform)).indexes, [expected]);
    });
  }

  it('counts for nothing where pip is told to read none', async () => {
    const files = { '.pip/pip.conf': index('https://a/') };
    assert.deepEqual((await read(files, { PIP_CONFIG_FILE: devNull })).indexes, []);
    assert.deepEqual((await read(files, { PIP_NO_INDEX: '1' })).indexes, []);
  });

  it('knows more indexes, trusted hosts, certificates and a proxy', async () => {
    const text = `# of the company
[global]
index_url: https://user:word@mirror/simple
extra-index-url =
    https://second/simple
    ; not this one
    https://third/simple
trusted-host = mirror second:8443
[install]
index-url = https://not-for-downloads/
[download]
cert = /etc/company.pem
proxy = http://proxy:3128
`;
    assert.deepEqual(await read({ '.pip/pip.conf': text }), {
      indexes: ['https://user:word@mirror/simple', 'https://second/simple', 'https://third/simple'],
      trustedHosts: ['mirror', 'second:8443'],
      cert: '/etc/company.pem',
      proxy: 'http://proxy:3128',
    });
  });

  it("may have Windows' ends of lines", () => {
    assert.deepEqual([...parsePipIni('[global]\r\nindex-url=https://a/\r\n')], [['index-url', ['https://a/']]]);
  });

  const logins: [string, string, [string, string] | undefined][] = [
    ['machine a login me password x', 'a', ['me', 'x']],
    ['machine b\n  login me\n  password x\nmachine a\n  login you\n  password y\n', 'a', ['you', 'y']],
    ['# machine a login no password no\ndefault login me password "a b"', 'a', ['me', 'a b']],
    ['machine b login me password x', 'a', undefined],
    ['', 'a', undefined],
  ];
  for (const [text, host, expected] of logins) {
    it(`finds a login in ${JSON.stringify(text)}`, () => {
      const found = findNetrcLogin(text, host);
      assert.deepEqual(found && [found.login, found.password], expected);
    });
  }
});
