import assert from 'node:assert/strict';
import { asUtf8 } from '../../../extension/reading/asUtf8.ts';

describe('the text of a file in any encoding', () => {
  const utf16be = Buffer.from('\ufeffselect ä', 'utf16le').swap16();
  for (const [name, bytes, encoding, text] of [
    ['UTF-8', Buffer.from('ä → 漢'), 'windows1252', 'ä → 漢'],
    ['UTF-8 with a mark', Buffer.from('\ufeffä'), 'utf8', '\ufeffä'],
    ['UTF-16LE, as SQL Server writes it', Buffer.from('\ufeffselect ä', 'utf16le'), 'utf8', 'select ä'],
    ['UTF-16BE', utf16be, 'utf8', 'select ä'],
    ['the encoding of the setting', Buffer.from([0xcf, 0xf0, 0xe8]), 'windows1251', 'При'],
    ['Shift JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b]), 'shiftjis', '日本'],
    ['Latin-1 where nothing is set', Buffer.from([0x61, 0xe4, 0x80]), 'utf8', 'aä€'],
    ['an encoding that is not known here', Buffer.from([0x61, 0xe4]), 'cp437x', 'aä'],
    ['a zero byte', Buffer.from([0x61, 0, 0x62]), 'utf8', undefined],
    ['nothing', Buffer.from([]), 'utf8', ''],
  ] as const) {
    it(name, () => {
      const utf8 = asUtf8(bytes, encoding);
      assert.equal(utf8 && Buffer.from(utf8).toString(), text);
    });
  }
});
