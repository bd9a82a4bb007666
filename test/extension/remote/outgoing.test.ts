import assert from 'node:assert/strict';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import { HIDDEN } from '../../../extension/reading/secrets.ts';
import { withoutSecrets } from '../../../extension/remote/outgoing.ts';
import { createRemoteChat, createRemoteCompletion } from '../../../extension/remote/remoteModel.ts';
import { complete, SERVED, startFaultyServer, stream } from '../../support/remote/faultyServer.ts';

const TOKEN = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
const KEY = [
  ['-----BEGIN', 'PRIVATE KEY-----'].join(' '),
  ...Array.from({ length: 20 }, (_, i) => `MIIEvQIBADANBgkqhkiG9w0BAQ${i}`),
  '-----END PRIVATE KEY-----',
];
const NO_SIGNAL = new AbortController().signal;
const host = { log: () => {}, t: (message: string) => message };
const at = (prefix: string, suffix = '', more = {}) =>
  ({
    sessionId: 'a',
    fileName: 'a.ts',
    languageId: 'typescript',
    prefix,
    suffix,
    maxTokens: 8,
    multiline: 'never',
    ...more,
  }) as const;

describe('what leaves for a server', () => {
  it('no secret around the cursor, in other files, in questions, sources and counted texts', async () => {
    await using server = await startFaultyServer(stream([' 1;'], complete));
    const remote = { url: server.url, model: SERVED };
    const completion = createRemoteCompletion(remote, host);
    const otherFiles = [{ path: 'b.ts', text: `const other = '${TOKEN}';` }];
    const request = at(`const token = '${TOKEN}';\nconst a = `, `\nconst again = '${TOKEN}';\n`, { otherFiles });
    assert.equal((await completion.complete(request, NO_SIGNAL)).text, '1;');
    const chat = createRemoteChat(remote, host);
    const messages = [textTurn('system', `Use ${TOKEN}.`), textTurn('user', `What is ${TOKEN}?`)];
    const sources = [{ name: 'a.ts', text: `const token = '${TOKEN}';` }];
    await chat.chat({ sessionId: 'a', messages, sources, maxTokens: 8 }, NO_SIGNAL, () => {});
    await chat.countTokens([TOKEN], NO_SIGNAL).catch(() => {});
    const sent = server.bodies.join('\n');
    assert.ok(sent.split(HIDDEN).length > 6, sent);
    assert.ok(!sent.includes(TOKEN), sent);
    completion.dispose();
    chat.dispose();
  });

  it('nothing is asked where the line of the cursor holds a secret, within a key, and in files of secrets', async () => {
    await using server = await startFaultyServer(stream(['x'], complete));
    const completion = createRemoteCompletion({ url: server.url, model: SERVED }, host);
    for (const request of [
      at(`const token = '${TOKEN}'`),
      at(`const token = '${TOKEN.slice(0, 20)}`, `${TOKEN.slice(20)}';\n`),
      at('const a = ', '', { fileName: '.env' }),
      at('const a = ', '', { sessionId: 'file:///srv/ann/.aws/config' }),
      at(KEY.slice(0, 10).join('\n'), KEY.slice(10).join('\n')),
    ]) {
      assert.equal((await completion.complete(request, NO_SIGNAL)).text, '');
    }
    assert.deepEqual(server.paths, []);
    completion.dispose();
  });

  it('of a large file only what is near the cursor is looked at, and lines stay where they are', () => {
    const prefix = `${"const a = 'b';\n".repeat(10_000)}const token = '${TOKEN}';\nlet x = `;
    const hidden = withoutSecrets(at(prefix, '\nlet y;\n'))!;
    assert.ok(!hidden.prefix.includes(TOKEN));
    assert.equal(hidden.prefix.split('\n').length, prefix.split('\n').length);
    assert.equal(hidden.suffix, '\nlet y;\n');
    assert.ok(hidden.prefix.endsWith('\nlet x = '));
  });
});
