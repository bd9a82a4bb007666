import assert from 'node:assert/strict';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import { titleOf } from '../../../extension/chat/conversation/conversation.ts';
import { asMarkdown, fileName } from '../../../extension/chat/conversation/export.ts';
import { parseMessage } from '../../../extension/chat/page/messages.ts';
import { toTurns } from '../../../extension/languageModel/modelMessages.ts';

const t = (message: string): string => message;

describe('titles', () => {
  for (const [text, title] of [
    ['Why?', 'Why?'],
    ['  one\n\ttwo  ', 'one two'],
    ['word '.repeat(20), 'word word word word word word word word word word word…'],
    ['x'.repeat(100), `${'x'.repeat(59)}…`],
    [`${'x'.repeat(58)}😀😀`, `${'x'.repeat(58)}…`],
  ] as const) {
    it(JSON.stringify(text.slice(0, 20)), () => {
      assert.equal(titleOf(text), title);
      assert.ok(titleOf(text).length <= 60);
    });
  }
});

describe('export', () => {
  const question = { id: 'q', text: '# Why?\nSo.', attachments: [], chips: [], prompt: '' };
  const source = { name: 'a`b.ts', uri: '', lines: [[1, 2], [5, 9]] as [number, number][], totalLines: 9, hash: '' }; // prettier-ignore
  const base = { version: 1, id: 'c', title: 'A\ntitle', createdMs: 0, changedMs: 0 } as const;

  it('writes questions as quotes, answers as they are, and the sources', () => {
    const answer = { id: 'a', text: '```ts\ncode\n```', status: 'failed' as const, problem: 'It ended.' };
    const markdown = asMarkdown({ ...base, turns: [{ question: { ...question, sources: [source] }, answer }] }, t);
    assert.equal(
      markdown,
      "# A title\n\n## Question\n\n> # Why?\n> So.\n\nSources:\n\n- `a'b.ts`: 1-2, 5-9\n\n" +
        '## Answer\n\n```ts\ncode\n```\n\n*It ended.*\n',
    );
  });

  it('closes the code block of an answer that was cut', () => {
    const turn = (text: string) => ({
      question: { ...question, sources: [] },
      answer: { id: 'a', text, status: 'cut' as const },
    });
    const markdown = asMarkdown({ ...base, turns: [turn('~~~~js\n```\nx'), turn('b')] }, t);
    assert.ok(markdown.includes('~~~~js\n```\nx\n~~~~\n\n## Question'), markdown);
  });

  it('names a file as every system allows', () => {
    assert.deepEqual(['Why: a/b?', '../..', '', 'Größe 5'].map(fileName), [
      'Why a b.md',
      'chat.md',
      'chat.md',
      'Größe 5.md',
    ]);
  });
});

describe('messages of the page', () => {
  const PICTURE = { type: 'picture', transfer: 1, name: 'a.png', width: 16_384, height: 1, bytes: 64 * 2 ** 20 };
  const good = [
    { type: 'ready' },
    { type: 'send', text: 'Why?' },
    { type: 'edit', messageId: 'a-1', text: '' },
    { type: 'openLink', href: 'https://example.org/?a=b#c' },
    { type: 'code', action: 'apply', code: 'x', language: '', path: '' },
    { type: 'openSource', uri: 'file:///a', line: 0 },
    PICTURE,
    { ...PICTURE, decode: 1 },
    { type: 'picturePiece', transfer: 1, offset: 0, data: new Uint8Array(4_000_000) },
    { type: 'fileWanted', decode: 1, offset: 4_000_000 },
    { type: 'pictureFailed', decode: 1, text: 'It is damaged.' },
    { type: 'dropped', uris: ['file:///a.png', 'vscode-remote://ssh/b'] },
    { type: 'limitCrops', chipId: 'chip-1', mostCrops: 4 },
  ];
  for (const message of good) {
    it(`takes ${message.type}`, () => assert.deepEqual(parseMessage(message), { message }));
  }
  const bad: unknown[] = [
    undefined,
    null,
    'ready',
    { type: 'run', command: 'rm' },
    { type: 'send' },
    { type: 'send', text: 1 },
    { type: 'send', text: 'x'.repeat(1_000_001) },
    { type: 'suggest', request: -1, text: '' },
    { type: 'suggest', request: 1, text: 'x'.repeat(10_001) },
    { type: 'openConversation', conversationId: '../../secret' },
    { type: 'deleteConversation', conversationId: 'a/b' },
    { type: 'detach', chipId: '' },
    { type: 'code', action: 'run', code: '', language: '', path: '' },
    { type: 'openLink', href: 'command:workbench.action.quit' },
    { type: 'openLink', href: 'file:///etc/passwd' },
    { type: 'openLink', href: 'vscode://x' },
    { type: 'openLink', href: 'javascript:alert(1)' },
    { type: 'openLink', href: 'nonsense' },
    { ...PICTURE, name: 'x'.repeat(301) },
    { ...PICTURE, width: 0 },
    { ...PICTURE, height: 16_385 },
    { ...PICTURE, bytes: 64 * 2 ** 20 + 1 },
    { type: 'picturePiece', transfer: 1, offset: 0, data: new Uint8Array(4_000_001) },
    { type: 'picturePiece', transfer: 1, offset: 0, data: [1, 2] },
    { type: 'dropped', uris: ['no address'] },
    { type: 'limitCrops', chipId: 'chip-1', mostCrops: 0 },
  ];
  for (const message of bad) {
    it(`drops ${JSON.stringify(message)?.slice(0, 60)}`, () => {
      const parsed = parseMessage(message);
      assert.ok('problem' in parsed && parsed.problem.length > 0 && parsed.problem.length <= 500);
    });
  }
});

describe("other extensions' messages", () => {
  const said = (role: 'system' | 'user' | 'assistant', ...parts: (string | undefined)[]) => ({ role, parts });

  it('become turns: one system message, then user and assistant', () => {
    const messages = [said('system', 'a'), said('system', 'b'), said('user', 'c', 'd'), said('user', 'e')];
    assert.deepEqual(toTurns([...messages, said('assistant', 'f'), said('system', 'g'), said('user', 'h')], t), [
      textTurn('system', 'a\n\nb'),
      textTurn('user', 'cd\n\ne'),
      textTurn('assistant', 'f'),
      textTurn('user', 'g\n\nh'),
    ]);
    assert.deepEqual(toTurns([said('assistant', 'Hello.'), said('user', 'Hi.')], t), [
      textTurn('user', ''),
      textTurn('assistant', 'Hello.'),
      textTurn('user', 'Hi.'),
    ]);
  });

  it('are refused where they hold files or tools, or nothing', () => {
    assert.throws(() => toTurns([said('user', 'a', undefined)], t), /text and images only/);
    assert.throws(() => toTurns([said('system', 'a')], t), /no question/);
    assert.throws(() => toTurns([], t), /no question/);
  });
});
