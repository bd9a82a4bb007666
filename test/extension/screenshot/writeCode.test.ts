import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { ChatPart, ChatResult } from '../../../engine/wire/protocol.ts';
import { DocumentWriter } from '../../../extension/screenshot/documentWriter.ts';
import { writeCode, type WrittenCode } from '../../../extension/screenshot/writeCode.ts';
import { type EditableDocument, Editing } from '../../support/extension/editing.ts';

const RESULT: ChatResult = {
  ...{ tokensReused: 0, tokensPrefilled: 0, tokensGenerated: 0, prefillMs: 0, decodeMs: 0 },
  ...{ stop: 'end', messagesDropped: 0 },
};
const fitted = (tokens: number): ChatPart => ({
  type: 'fitted',
  question: 'with its sources',
  fit: {
    sources: [{ lines: [[1, 1]], totalLines: 1, tokensWhole: 10, tokens, held: false }],
    ...{ tokensUsed: 1, tokensLimit: 2, messagesDropped: 0 },
  },
});

describe('screenshot to code: an answer', () => {
  let given: string[];
  const ask = (parts: readonly (ChatPart | string)[], result: Partial<ChatResult> = {}): Promise<WrittenCode> => {
    given = [];
    const model = {
      chat: (_request: unknown, _signal: AbortSignal, onPart: (part: ChatPart) => void) => {
        for (const part of parts) onPart(typeof part === 'string' ? { type: 'text', text: part } : part);
        return Promise.resolve({ ...RESULT, ...result });
      },
    };
    const request = { sessionId: 's', turns: [textTurn('user', 'q')], sources: [{ name: 'a.tsx', text: '1' }] };
    return writeCode(model, request, new AbortController().signal, {
      code: (code) => given.push(code),
      progress: ({ done, total }) => given.push(`${done}/${total}`),
    });
  };

  it('is code as it comes, with progress before it', async () => {
    const written = await ask([
      fitted(10),
      { type: 'progress', step: 'images', done: 1, total: 5 },
      'Sure:\n```html\n<p',
      '>\n``',
      '`\nDone.',
    ]);
    assert.deepEqual(given, ['1/5', '<p', '>\n']);
    assert.deepEqual([written.code, written.question, written.cut], ['<p>\n', 'with its sources', []]);
  });

  it('says what was left out', async () => {
    const written = await ask([fitted(4), '```\na\n```\n```\nb\n```'], { stop: 'length', messagesDropped: 2 });
    assert.deepEqual(
      [written.cut, written.pictureDropped, written.furtherBlocks, written.stop],
      [['a.tsx'], true, 1, 'length'],
    );
  });
});

describe('screenshot to code: the document', () => {
  let editing: Editing;
  let document: EditableDocument;
  let touched: number;
  beforeEach(() => {
    editing = new Editing('/project');
    document = editing.open('untitled.html', 'before');
    touched = 0;
  });
  afterEach(() => editing[Symbol.dispose]());
  const writer = () => new DocumentWriter(document as unknown as vscode.TextDocument, () => touched++);

  for (const isShown of [true, false]) {
    it(`is replaced by the first piece and grows, ${isShown ? 'in an editor' : 'behind another tab'}`, async () => {
      if (isShown) editing.show(document);
      const first = writer();
      await first.finish();
      assert.equal(document.getText(), 'before', 'nothing is written yet');
      for (const piece of ['<p', '>\n', '</p>\n']) {
        first.write(piece);
        await first.finish();
      }
      assert.equal(document.getText(), '<p>\n</p>\n');
      const second = writer();
      for (const piece of ['<h1', '>']) second.write(piece);
      await second.finish();
      assert.equal(document.getText(), '<h1>');
      assert.equal(touched, 0);
    });
  }

  it('nothing is written any more once someone else has changed or closed it', async () => {
    const one = writer();
    one.write('<p>');
    await one.finish();
    document.type(0, 'x');
    one.write('</p>');
    await one.finish();
    assert.deepEqual([document.getText(), touched], ['x<p>', 1]);
    document.isClosed = true;
    const two = writer();
    two.write('<p>');
    await two.finish();
    assert.deepEqual([document.getText(), touched], ['x<p>', 2]);
  });
});
