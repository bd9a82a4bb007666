import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { openSource } from '../../../engine/sources/openSource.ts';
import { readTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { TextTokenizer } from '../../../extension/remote/textTokenizer.ts';
import { withoutSpecials } from '../../../extension/remote/specials.ts';
import { corpus } from '../../support/engine/corpus.ts';

const WEIGHTS = process.env['AIRGAP_SMOLLM2'];
const MARKS = ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'];

describe('the stand-in for the tokenizer of a server', () => {
  it('decodes what it has encoded', () => {
    const tokenizer = new TextTokenizer({ isChatModel: true });
    for (const text of [
      '',
      ' ',
      '\n\n\t\tif (a) {\r\n',
      'Überraschung 🙂 漢字',
      '\ud800',
      'a\u0000b',
      ...corpus(20_000),
    ]) {
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    }
  });

  it('estimates no fewer tokens than SmolLM2 has in code and prose, and at most a third more', async function () {
    if (!WEIGHTS) {
      console.log('      skipped: AIRGAP_SMOLLM2 does not name the file');
      return this.skip();
    }
    const model = { architecture: 'LlamaForCausalLM', vocabSize: 49_152, generationStopIds: [2] };
    const real = (await readTokenizer(await (await openSource(WEIGHTS)).tokenizerFiles(), model))!;
    const estimating = new TextTokenizer({ isChatModel: true });
    for (const file of ['ARCHITECTURE.md', 'extension/main.ts', 'test/bench/quantisation.py']) {
      const text = readFileSync(file, 'utf8');
      const ratio = estimating.encode(text).length / real.encode(text).length;
      assert.ok(ratio >= 1 && ratio <= 4 / 3, `${file}: ${ratio}`);
    }
    real.dispose();
  });

  it('gives a prompt as the messages or the text that it stands for', () => {
    const tokenizer = new TextTokenizer({ isChatModel: true, marks: MARKS });
    const [prefix, suffix, middle] = MARKS.map((mark) => tokenizer.special(mark)!);
    const ids = [prefix!, ...tokenizer.encode('a <|fim_middle|> '), suffix!, ...tokenizer.encode('b'), middle!];
    const { kind, ...text } = tokenizer.prompt(ids, withoutSpecials);
    assert.deepEqual(
      [kind, text],
      ['text', { text: '<|fim_prefix|>a <\u2060|fim_middle|> <|fim_suffix|>b<|fim_middle|>' }],
    );
    const chat = tokenizer.chat([{ role: 'user', content: 'Why?' }], { addGenerationPrompt: true, prefill: 'Since ' });
    assert.deepEqual(
      tokenizer.prompt(chat, (plain) => plain),
      {
        kind: 'chat',
        messages: [
          { role: 'user', content: 'Why?' },
          { role: 'assistant', content: 'Since ' },
        ],
      },
    );
    assert.equal(tokenizer.special('system'), undefined);
  });
});
