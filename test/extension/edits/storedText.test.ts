import assert from 'node:assert/strict';
import { storedText } from '../../../extension/edits/storedText.ts';

describe('the text of a stored file', () => {
  const CASES: [name: string, bytes: Buffer, text: string, changed: string, after: Buffer | undefined][] = [
    ['UTF-8', Buffer.from('ä\nb\n'), 'ä\nb\n', 'ä\nc\n', Buffer.from('ä\nc\n')],
    ['UTF-8 with a BOM', Buffer.from('\ufeffä\nb'), 'ä\nb', 'ä\nc', Buffer.from('\ufeffä\nc')],
    ['CRLF', Buffer.from('a\r\nb\r\n'), 'a\nb\n', 'a\nx\ny\nb\n', Buffer.from('a\r\nx\r\ny\r\nb\r\n')],
    [
      'mixed line ends',
      Buffer.from('a\r\nb\nc\r\nd\r\n'),
      'a\nb\nc\nd\n',
      'a\nb\nx\nd\n',
      Buffer.from('a\r\nb\nx\r\nd\r\n'),
    ],
    ['no line end at the end', Buffer.from('a\nb'), 'a\nb', 'x\nb', Buffer.from('x\nb')],
    ['UTF-16', Buffer.from('\ufeffä\r\nb', 'utf16le'), 'ä\nb', 'ä\nc', Buffer.from('\ufeffä\r\nc', 'utf16le')],
    ['CP1252', Buffer.from('\xa9\nb\n', 'latin1'), '\xa9\nb\n', '\xa9\nc\n', Buffer.from('\xa9\nc\n', 'latin1')],
    ['a character that CP1252 lacks', Buffer.from('\xa9\nb\n', 'latin1'), '\xa9\nb\n', '\xa9\n→\n', undefined],
    ['all of it replaced', Buffer.from('a\nb\n'), 'a\nb\n', '', Buffer.from('')],
    ['an empty file', Buffer.from(''), '', 'a\n', Buffer.from('a\n')],
  ];
  for (const [name, bytes, text, changed, after] of CASES) {
    it(name, () => {
      const stored = storedText(bytes)!;
      assert.equal(stored.text, text);
      assert.deepEqual(stored.changedTo(changed), after);
      assert.deepEqual(stored.changedTo(text), bytes);
    });
  }

  it('is none in a file with zero bytes', () => assert.equal(storedText(Buffer.from('a\0b')), undefined));
});
