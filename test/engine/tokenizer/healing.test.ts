import assert from 'node:assert/strict';
import { healPrompt } from '../../../engine/tokenizer/healing.ts';
import { createPhi3SmallTokenizer } from '../../../engine/tokenizer/phi3SmallTokenizer.ts';
import { createTokenizer, type Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { releasedTokenizer } from '../../fixtures/tokenizers/released.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';

describe('token healing', () => {
  const tiny = createTokenizer({
    tokenizerJson: tinyTokenizerJson({ specials: [{ content: '<|fim_middle|>' }] }),
    tokenizerConfig: {},
  });
  const text = (tokenizer: Tokenizer, ids: readonly number[]) => tokenizer.decode(ids, { specials: true });

  // The bar stands where the prompt is cut.
  for (const [name, want] of [
    ['x = retu', 'x =| retu'],
    ['x = return', 'x = return'],
    ['foo(', 'foo|('],
    ['foo()', 'foo()'],
    ['a\n  ', 'a\n|  '],
    ['a\n   ', 'a\n|   '],
    ['9', '9'],
    ['', ''],
    ['<|fim_middle|>foo(', '<|fim_middle|>foo|('],
    ['<|fim_middle|>', '<|fim_middle|>'],
  ] as const) {
    it(JSON.stringify(want), () => {
      const ids = tiny.encode(name, { specials: true });
      const healed = healPrompt(tiny, ids);
      const rest = ids.slice(healed.ids.length);
      assert.equal(text(tiny, healed.ids) + (rest.length ? '|' + text(tiny, rest) : ''), want);
      assert.equal(healed.removedBytes, text(tiny, rest).length);
      assert.equal(healed.newConstraint?.().active ?? false, rest.length > 0);
    });
  }

  it('allows what spells the removed text, shorter, equal or longer, and nothing else', () => {
    const constraint = healPrompt(tiny, tiny.encode('x = retu')).newConstraint!();
    const allowed = () => {
      const all: string[] = [];
      for (let id = 0; id < tiny.vocabSize; id++) {
        if (constraint.allows(id)) all.push(Buffer.from(tiny.bytes(id)).toString());
      }
      return [...new Set(all)].sort();
    };
    assert.deepEqual(allowed(), [' ', ' r', ' re', ' ret', ' retu', ' retur', ' return']);
    constraint.accept(tiny.encode(' ')[0]!);
    assert.deepEqual(allowed(), ['r', 're', 'ret', 'retu', 'retur', 'return']);
    constraint.accept(tiny.encode('return')[0]!);
    assert.equal(constraint.active, false);
    assert.ok(constraint.allows(tiny.special('<|fim_middle|>')!));
  });

  it('spells characters of several bytes', () => {
    const tokenizer = createTokenizer({
      tokenizerJson: tinyTokenizerJson({ words: ['\u00e9t\u00e9'] }),
      tokenizerConfig: {},
    });
    const constraint = healPrompt(tokenizer, tokenizer.encode('a \u00e9')).newConstraint!();
    for (const byte of [0x20, 0xc3, 0xa9]) {
      assert.ok(constraint.allows(3 + byte), byte.toString(16));
      assert.ok(!constraint.allows(3 + byte + 1));
      constraint.accept(3 + byte);
    }
    assert.equal(constraint.active, false);
  });

  for (const [name, load] of [
    ['phi-3-mini', async (test: Mocha.Context) => releasedTokenizer(test, 'mini-4k-2024-07')],
    ['phi-3-small', () => createPhi3SmallTokenizer({ tokenizerConfig: {} })],
  ] as const) {
    it(`${name}: any end of a text can be written again with the model's own tokens`, async function () {
      const tokenizer = await load(this);
      const code = '  const total = items.reduce((sum, item) => sum + item.price * 12, 0);\n\t\u00e4\u{1F600} ';
      for (let end = 1; end <= code.length; end++) {
        const whole = tokenizer.encode(code.slice(0, end));
        const { ids, newConstraint } = healPrompt(tokenizer, whole);
        const constraint = newConstraint?.();
        for (const id of whole.slice(ids.length)) {
          assert.ok(constraint!.allows(id));
          constraint!.accept(id);
        }
        assert.ok(!constraint?.active);
      }
      tokenizer.dispose();
    });
  }

  it('phi-3-small: the model may write what it would have written at once', async () => {
    const tokenizer = await createPhi3SmallTokenizer({ tokenizerConfig: {} });
    const [returns] = tokenizer.encode(' return') as [number];
    const { removedBytes, newConstraint } = healPrompt(tokenizer, tokenizer.encode('x; retu'));
    const constraint = newConstraint!();
    assert.equal(removedBytes, ' retu'.length);
    assert.ok(constraint.allows(returns));
    assert.ok(!constraint.allows(tokenizer.special('<|end|>')!));
    constraint.accept(returns);
    assert.ok(!constraint.active);
    tokenizer.dispose();
  });
});
