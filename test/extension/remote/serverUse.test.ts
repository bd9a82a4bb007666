import assert from 'node:assert/strict';
import type { Traffic } from '../../../engine/traffic.ts';
import { readAddress } from '../../../extension/remote/address.ts';
import { whereText } from '../../../extension/remote/whereText.ts';
import { readSettings } from '../../../extension/settings.ts';
import { FakeServerUse } from '../../support/extension/serverUse.ts';
import { l10n } from '../../support/extension/vscodeStub.ts';

const GPU = { 'remote.url': 'https://gpu.example:8000', 'remote.model': 'phi' };
const BOTH = { ...GPU, 'remote.use': 'chatAndCompletions' };
const server = { url: 'https://gpu.example:8000', model: 'phi' };

describe('the server that the user names', () => {
  const addresses: [text: string, url: string | undefined, isPrivate?: boolean][] = [
    ['https://gpu.example', 'https://gpu.example', true],
    ['https://gpu.example:8000/v1/', 'https://gpu.example:8000/v1', true],
    ['HTTPS://GPU.example/team', 'https://gpu.example/team', true],
    ['http://gpu.example', 'http://gpu.example', false],
    ['http://localhost:8000', 'http://localhost:8000', true],
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000', true],
    ['http://127.1', 'http://127.0.0.1', true],
    ['http://[::1]:8000', 'http://[::1]:8000', true],
    ['http://127.0.0.1.example', 'http://127.0.0.1.example', false],
    ['http://localhost.example', 'http://localhost.example', false],
    ['http://0.0.0.0:8000', 'http://0.0.0.0:8000', false],
    ...['gpu.example', 'gpu.example:8000', 'ftp://gpu.example', 'file:///etc/passwd', 'https://', ''].map(
      (text): [string, undefined] => [text, undefined],
    ),
    ...[
      'https://me:secret@gpu.example',
      'https://me@gpu.example',
      'https://gpu.example?key=1',
      'https://gpu.example/#v1',
    ].map((text): [string, undefined] => [text, undefined]),
  ];
  for (const [text, url, isPrivate] of addresses) {
    it(`${text || 'nothing'}: ${url ?? 'no address'}`, () => {
      assert.deepEqual(readAddress(text), url === undefined ? undefined : { url, isPrivate });
      const { problems } = readSettings((key) => (key === 'remote.url' ? text : undefined));
      const sentence =
        /^The setting airgap\.remote\.url is ignored: must be an http or https address without user name/;
      if (url === undefined && text !== '') assert.match(problems.join(), sentence);
      else assert.deepEqual(problems, []);
    });
  }

  const counted: Traffic = { destination: 'gpu.example:8000', connections: 1, sent: 9, received: 9, answers: true };
  const asked = { ...counted, sent: 0 };
  const cases: [settings: object, paused: boolean, traffic: Traffic[], place: string, sent: RegExp][] = [
    [{}, false, [], 'Local only', /^Nothing was sent over a network\.$/],
    [
      GPU,
      false,
      [],
      'gpu.example:8000',
      /^Questions and what .* go to gpu\.example:8000\. Completions are computed on this machine\.\nNothing was/,
    ],
    [
      GPU,
      false,
      [asked],
      'gpu.example:8000',
      /\nYour code was sent nowhere\. gpu\.example:8000 was only asked for its models\.$/,
    ],
    [
      BOTH,
      false,
      [counted],
      'gpu.example:8000',
      /^Questions, .* the code around the cursor go to gpu.*\nQuestions and code were sent to gpu/,
    ],
    [
      { ...GPU, 'remote.use': 'completions' },
      false,
      [],
      'gpu.example:8000',
      /^The code around the cursor goes to gpu\.example:8000\. Questions are answered on this machine\.\nNothing was/,
    ],
    [{ ...GPU, 'remote.use': 'nothing' }, false, [], 'Local only', /^Nothing was sent over a network\.$/],
    [BOTH, true, [counted], 'Local only', /^Questions and code were sent to gpu\.example:8000\.$/],
    [{}, false, [counted], 'Local only', /^Questions and code were sent to gpu\.example:8000\.$/],
  ];
  for (const [settings, paused, traffic, place, sent] of cases) {
    it(`${JSON.stringify(settings)}${paused ? ', paused' : ''}, ${traffic.length} counted: the mark says ${place}`, () => {
      const { use } = new FakeServerUse({ ...settings });
      if (paused) use.pause(true);
      const where = whereText(use, l10n.t, traffic);
      assert.equal(where.place, place);
      assert.match(where.sent, sent);
      assert.equal(where.sent.startsWith(where.goes), true);
      assert.equal(where.goes !== '', place !== 'Local only');
    });
  }

  it('is kept with its key, which no setting holds and no other address gets', async () => {
    const window = new FakeServerUse();
    let changes = 0;
    window.use.onDidChange(() => changes++);
    await window.use.choose({ ...server, key: 'k1' }, 'chat');
    assert.ok(changes > 0);
    assert.deepEqual(window.use.for('chat'), server);
    assert.ok(!JSON.stringify([window.stored, [...window.memory]]).includes('k1'));
    assert.equal(await window.use.key(server.url), 'k1');
    assert.equal(await window.use.key('https://other.example'), undefined);
    await window.use.choose(server, 'chat');
    assert.equal(await window.use.key(server.url), undefined);
  });

  it('is forgotten with its key, in all windows', async () => {
    const window = new FakeServerUse();
    const other = window.window();
    await window.use.choose({ ...server, key: 'k1' }, 'chatAndCompletions');
    assert.deepEqual(other.for('completion'), server);
    await window.use.stop();
    assert.deepEqual([window.use.server, other.server, window.secrets.size], [undefined, undefined, 0]);
  });

  it('a key that another window has changed counts', async () => {
    const window = new FakeServerUse();
    const other = window.window();
    const before = other.version;
    await window.use.choose({ ...server, key: 'k2' }, 'chat');
    assert.ok(other.version > before);
  });

  it('paused is this window only, until the use is chosen again', async () => {
    const window = new FakeServerUse(GPU);
    const other = window.window();
    window.use.pause(true);
    assert.deepEqual([window.use.for('chat'), window.use.server, other.for('chat')], [undefined, server, server]);
    await window.use.changeUse('chatAndCompletions');
    assert.deepEqual([window.use.for('chat'), window.use.for('completion')], [server, server]);
  });

  it('plain http has to be confirmed, for each address', async () => {
    const window = new FakeServerUse();
    const { use } = window;
    const [one, two] = ['http://gpu.example', 'http://two.example'];
    assert.match(
      use.problem({ url: one, model: 'm' }),
      /^gpu\.example is reached by plain http, .* Confirm that first\.$/,
    );
    await use.confirmUnencrypted(one);
    assert.deepEqual([use.mayConnect(one), use.mayConnect(two), window.window().mayConnect(one)], [true, false, true]);
    assert.equal(use.problem({ url: one, model: 'm' }), '');
    assert.equal(use.problem({ url: one, model: '' }), 'No model of gpu.example is chosen yet.');
  });
});
