import assert from 'node:assert/strict';
import { storePlaces } from '../../../engine/store/places.ts';

describe('places of the store', () => {
  const linux = { platform: 'linux', home: '/h/me' } as const;
  for (const [name, host, folder, sharedFolder] of [
    ['Linux', { ...linux, env: {} }, '/h/me/.local/share/airgap', '/usr/share/airgap'],
    ['XDG_DATA_HOME', { ...linux, env: { XDG_DATA_HOME: '/data' } }, '/data/airgap', '/usr/share/airgap'],
    [
      'a relative XDG_DATA_HOME',
      { ...linux, env: { XDG_DATA_HOME: 'x' } },
      '/h/me/.local/share/airgap',
      '/usr/share/airgap',
    ],
    ['named ones', { ...linux, env: { AIRGAP_STORE: '/s', AIRGAP_SHARED_STORE: '/t' } }, '/s', '/t'],
    [
      'macOS',
      { platform: 'darwin', home: '/u/me', env: {} },
      '/u/me/Library/Application Support/airgap',
      '/Library/Application Support/airgap',
    ],
    [
      'Windows',
      { platform: 'win32', home: 'C:\\Users\\me', env: { LOCALAPPDATA: 'D:\\Local', ProgramData: 'E:\\All' } },
      'D:\\Local\\airgap',
      'E:\\All\\airgap',
    ],
  ] as const) {
    it(name, () => assert.deepEqual(storePlaces({}, host), { folder, sharedFolder }));
  }

  it('an option counts before the environment', () => {
    assert.equal(storePlaces({ folder: '/o' }, { ...linux, env: { AIRGAP_STORE: '/s' } }).folder, '/o');
  });
});
