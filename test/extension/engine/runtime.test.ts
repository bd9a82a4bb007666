import assert from 'node:assert/strict';
import { engineAddress } from '../../../extension/engine/address.ts';
import { RestartPolicy } from '../../../extension/engine/restartPolicy.ts';
import { chooseRuntime, type RuntimeHost } from '../../../extension/engine/runtime.ts';

const SERVER: Partial<RuntimeHost> = { execPath: '/server/node' };
const DESKTOP: Partial<RuntimeHost> = { execPath: '/app/code', electron: '38.0.0' };
const BUNDLED = '/ext/dist/node/linux-x64/node';

describe('choice of the runtime', () => {
  const cases: { name: string; host: Partial<RuntimeHost>; files: string[]; programs: string[]; note?: RegExp }[] = [
    { name: 'VS Code Server', host: SERVER, files: [], programs: ['/server/node'] },
    { name: 'VS Code Server never needs the binary', host: SERVER, files: [BUNDLED], programs: ['/server/node'] },
    { name: 'desktop', host: DESKTOP, files: [BUNDLED], programs: [BUNDLED, '/app/code as Node'] },
    {
      name: 'desktop, universal package',
      host: DESKTOP,
      files: [],
      programs: ['/app/code as Node'],
      note: /contains no Node\.js for linux-x64/,
    },
    {
      name: 'desktop, package of another platform',
      host: { ...DESKTOP, arch: 'arm64' },
      files: [BUNDLED],
      programs: ['/app/code as Node'],
      note: /contains no Node\.js for linux-arm64/,
    },
    {
      name: 'Windows',
      host: { ...DESKTOP, platform: 'win32' },
      files: ['/ext/dist/node/win32-x64/node.exe'],
      programs: ['/ext/dist/node/win32-x64/node.exe', '/app/code as Node'],
    },
    {
      name: 'the setting comes first',
      host: { ...DESKTOP, nodePath: '/my/node' },
      files: ['/my/node', BUNDLED],
      programs: ['/my/node', BUNDLED, '/app/code as Node'],
    },
    {
      name: 'the setting names nothing',
      host: { ...SERVER, nodePath: '/my/node' },
      files: [],
      programs: ['/server/node'],
      note: /\/my\/node, which does not exist/,
    },
  ];
  for (const { name, host, files, programs, note } of cases) {
    it(name, () => {
      const { runtimes, notes } = chooseRuntime({
        platform: 'linux',
        arch: 'x64',
        electron: undefined,
        execPath: '',
        extensionPath: '/ext',
        nodePath: '',
        exists: (path) => files.includes(path),
        ...host,
      });
      const chosen = runtimes.map(({ program, electronAsNode }) => program + (electronAsNode ? ' as Node' : ''));
      assert.deepEqual(chosen, programs);
      assert.equal(notes.length, note ? 1 : 0);
      if (note) assert.match(notes[0]!, note);
    });
  }
});

describe('address of the engine', () => {
  const host = { platform: 'linux', user: '1000', base: '/run/user/1000' } as const;

  it('differs by version and by build', () => {
    const sockets = [
      engineAddress('1.0.0', 'a', host),
      engineAddress('1.0.1', 'a', host),
      engineAddress('1.0.0', 'b', host),
    ].map(({ socket }) => socket);
    assert.equal(new Set(sockets).size, 3);
    assert.match(sockets[0]!, /^\/run\/user\/1000\/airgap-1000\/1\.0\.0-[0-9a-f]{8}\.sock$/);
  });

  it('fits into a socket address, however long the directory is', () => {
    const { socket, tokenFile } = engineAddress('1.0.0', 'a', { ...host, base: `/var/${'folder/'.repeat(12)}` });
    assert.ok(socket.length <= 103 && socket.startsWith('/tmp/airgap-1000/'), socket);
    assert.ok(tokenFile.startsWith('/tmp/airgap-1000/'));
  });

  it('is a pipe on Windows', () => {
    const { socket } = engineAddress('1.0.0', 'a', { platform: 'win32', user: 'me', base: 'C:\\Temp' });
    assert.match(socket, /^\\\\\.\\pipe\\airgap-me-1\.0\.0-[0-9a-f]{8}$/);
  });
});

describe('restarts', () => {
  const cases: { name: string; crashesAtS: number[]; delaysS: (number | undefined)[] }[] = [
    { name: 'back off, then give up', crashesAtS: [0, 1, 3, 6, 11], delaysS: [0.5, 1, 2, 4, undefined] },
    {
      name: 'slow crashes wait at most 30 s',
      crashesAtS: [0, 20, 40, 60, 80, 100, 120, 140],
      delaysS: [0.5, 1, 2, 4, 8, 16, 30, 30],
    },
    {
      name: 'after a quiet minute all is forgotten',
      crashesAtS: [0, 1, 2, 3, 64, 65],
      delaysS: [0.5, 1, 2, 4, 0.5, 1],
    },
  ];
  for (const { name, crashesAtS, delaysS } of cases) {
    it(name, () => {
      const policy = new RestartPolicy();
      const delays = crashesAtS.map((at) => policy.crashed(at * 1000));
      assert.deepEqual(
        delays,
        delaysS.map((s) => (s === undefined ? undefined : s * 1000)),
      );
      policy.reset();
      assert.equal(policy.crashed(999_999), 500);
    });
  }
});
