import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { airgap } from '../../support/engine/terminal.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';
import { noisyPng, tinyVisionModel } from '../../support/engine/vision/tinyVision.ts';

describe('airgap ask', function () {
  this.timeout(60_000);
  const source = join(tmpdir(), `airgap-asked-${process.pid}.ts`);
  const lines = Array.from({ length: 120 }, (_, i) => `const value${i} = compute(${i}, 'name');\n`);
  let folder: TinyFolder;
  before(() => {
    writeFileSync(source, lines.join(''));
    folder = TinyFolder.model();
  });
  after(() => {
    folder.remove();
    rmSync(source);
  });

  it('answers, and says which lines of the files are in the window', async () => {
    const specials = ['<|user|>', '<|assistant|>', '<|end|>'].map((content) => ({ content }));
    const chat =
      "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";
    const config = { ...TINY_CONFIG, vocab_size: 1024, max_position_embeddings: 1024 };
    const chatting = TinyFolder.model({ config })
      .json('tokenizer.json', tinyTokenizerJson({ specials }))
      .json('tokenizer_config.json', { chat_template: chat });
    const files = ['--file', source, '--file', join(chatting.path, 'tokenizer_config.json')];
    const args = ['ask', chatting.path, ...files, 'Why?', '--max-tokens', '4', '--backend', 'wasm'];
    const { code, stdout, stderr } = await airgap(...args);
    chatting.remove();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\n$/);
    assert.match(
      stderr,
      /asked-\d+\.ts: lines 1-\d+ of 121; left out: \d+-121\n.*tokenizer_config\.json: all 1 lines\n$/,
    );
  });

  it('answers about pictures', async () => {
    const seeing = tinyVisionModel()
      .file('a.png', noisyPng(50, 40, 1))
      .file('b.png', noisyPng(50, 40, 2));
    const ask = (...args: string[]) => {
      const common = ['--max-tokens', '8', '--backend', 'wasm', '--context', '4096'];
      return airgap('ask', seeing.path, 'Which?', ...args, ...common);
    };
    const [a, b] = [join(seeing.path, 'a.png'), join(seeing.path, 'b.png')];
    const answers = await Promise.all([ask(), ask('--image', a), ask('--image', a, '--image', b, '--crops', '1')]);
    const tooMany = await ask('--image', a, '--crops', '65');
    seeing.remove();
    for (const { code, stderr } of answers) assert.deepEqual([code, stderr], [0, '']);
    assert.notEqual(answers[0]!.stdout, answers[1]!.stdout);
    assert.equal(tooMany.code, 1);
    assert.match(tooMany.stderr, /--crops.*It must be a whole number from 1 to 64/);
  });

  const refused: [string, () => string[], RegExp][] = [
    ['pictures for a model that sees none', () => ['Why?', '--image', source], /^\S+ cannot see pictures\.$/m],
    ['a file that is not there', () => ['Why?', '--file', '/none'], /^\/none cannot be read/],
    ['a model without a tokenizer', () => ['Why?', '--file', source], /has no tokenizer\.json/],
  ];
  for (const [name, args, says] of refused) {
    it(`refuses ${name} with one sentence`, async () => {
      const { code, stdout, stderr } = await airgap('ask', folder.path, ...args());
      assert.deepEqual([code, stdout], [1, ''], stderr);
      assert.match(stderr, says);
    });
  }
});
