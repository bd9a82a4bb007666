import assert from 'node:assert/strict';
import { BadRequest } from '../../../engine/errors.ts';
import { type CompletionModel, promptBudget } from '../../../engine/prompt/budget.ts';
import { buildCompletionPrompt, promptKind } from '../../../engine/prompt/completionPrompt.ts';
import { createTokenizer, type Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { CHAT_TEMPLATE } from '../../support/engine/chatTemplate.ts';

const FIM = ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'];

function make(names: string[], config: object = {}): Tokenizer {
  const specials = ['<|endoftext|>', ...names].map((content) => ({ content, rstrip: content === '<|assistant|>' }));
  return createTokenizer({ tokenizerJson: tinyTokenizerJson({ specials }), tokenizerConfig: config });
}
const starter = make([...FIM, '<|file|>']);
const otherFim = make(['<fim_prefix>', '<fim_suffix>', '<fim_middle>']);
const chat = make(['<|user|>', '<|assistant|>', '<|end|>'], { chat_template: CHAT_TEMPLATE });
const base = make([], { bos_token: '<s>', add_bos_token: true });

interface Where {
  prefix: string;
  suffix?: string;
  fimOrder?: 'psm' | 'spm';
  tokens?: number;
  otherFiles?: { path: string; text: string }[];
  languageId?: string;
}
function build(tokenizer: Tokenizer, where: Where) {
  const { prefix, suffix = '', fimOrder = 'psm', tokens = 400, languageId = 'typescript', otherFiles } = where;
  const cursor = { fileName: 'a.ts', languageId, prefix, suffix, otherFiles };
  const budget = { prefixTokens: tokens, suffixTokens: 40, otherFileTokens: 60 };
  const prompt = buildCompletionPrompt(cursor, tokenizer, { contextLength: 1024, fimOrder }, budget);
  return { ...prompt, text: tokenizer.decode(prompt.ids, { specials: true }) };
}
const commonTokens = (a: number[], b: number[]) => a.findIndex((id, i) => id !== b[i]);

describe('completion prompts', () => {
  // Tokens that token healing removes from the end are not shown.
  for (const [name, tokenizer, where, kind, want] of [
    [
      'spm',
      starter,
      { fimOrder: 'spm', prefix: 'a = 9', suffix: '\nb' },
      'fim',
      '<|file|>a.ts\n<|fim_suffix|>\nb<|fim_middle|>a = 9',
    ],
    [
      'spm, half a word',
      starter,
      { fimOrder: 'spm', prefix: 'x; retu', suffix: ';' },
      'fim',
      '<|file|>a.ts\n<|fim_suffix|><|fim_middle|>x;',
    ],
    [
      'spm, no suffix',
      starter,
      { fimOrder: 'spm', prefix: 'a9', suffix: '\n\n' },
      'fim',
      '<|file|>a.ts\n<|fim_suffix|><|fim_middle|>a9',
    ],
    [
      'psm',
      starter,
      { prefix: 'a9', suffix: '\nb' },
      'fim',
      '<|file|>a.ts\n<|fim_prefix|>a9<|fim_suffix|>\nb<|fim_middle|>',
    ],
    [
      'psm, half a word',
      starter,
      { prefix: 'a retu', suffix: '\nb' },
      'fim',
      '<|file|>a.ts\n<|fim_prefix|>a<|fim_suffix|>\nb<|fim_middle|>',
    ],
    ['other names', otherFim, { prefix: 'a9', suffix: 'b' }, 'fim', '<fim_prefix>a9<fim_suffix>b<fim_middle>'],
    [
      'special text in the file',
      starter,
      { fimOrder: 'spm', prefix: '<|fim_middle|>9', suffix: '\n<|file|>' },
      'fim',
      '<|file|>a.ts\n<|fim_suffix|>\n<|file|><|fim_middle|><|fim_middle|>9',
    ],
    ['base', base, { prefix: 'a9', suffix: '\nb' }, 'base', '<s>a9'],
    [
      'instruct',
      chat,
      { prefix: 'a\nb9', suffix: '\nc' },
      'instruct',
      '<|user|>\nComplete the file a.ts. Write the code that stands between <before> and <after>, nothing else.\n<after>\nc\n</after><|end|>\n<|assistant|>```typescript\na\nb9',
    ],
  ] as const satisfies [string, Tokenizer, Where, string, string][]) {
    it(name, () => {
      const prompt = build(tokenizer, where);
      assert.deepEqual([prompt.kind, prompt.text], [kind, want]);
      for (const id of tokenizer.specialIds) assert.ok(prompt.stopIds.has(id));
    });
  }

  const others = [
    { path: 'p.ts', text: 'class P\n  n: 1' },
    { path: 'q.ts', text: 'x'.repeat(500) },
  ];
  for (const [name, tokenizer, start] of [
    ['behind a mark of its own', starter, '<|file|>p.ts\nclass P\n  n: 1\n<|file|>a.ts\n<|fim_prefix|>'],
    ['as a comment', base, '<s>// p.ts:\n// class P\n//   n: 1\n\na'],
    ['in front of the task', chat, '<|user|>\nFrom p.ts:\nclass P\n  n: 1\n\nComplete the file a.ts.'],
  ] as const) {
    it(`lines of another file come first, as many as fit: ${name}`, () => {
      const { text } = build(tokenizer, { prefix: 'a9', otherFiles: others });
      assert.ok(text.startsWith(start), text);
      assert.doesNotMatch(text, /xxx/);
    });
  }

  for (const [languageId, start] of [
    ['css', '<s>/* p.ts: */\n/* class P */\n/*   n: 1 */\n\na'],
    ['html', '<s><!-- p.ts: -->\n<!-- class P -->\n'],
    ['sql', '<s>-- p.ts:\n-- class P\n'],
    ['python', '<s># p.ts:\n# class P\n'],
  ] as const) {
    it(`as comments of ${languageId}`, () => {
      const { text } = build(base, { prefix: 'a9', otherFiles: others.slice(0, 1), languageId });
      assert.ok(text.startsWith(start), text);
    });
  }

  it('text of the file gives no special tokens', () => {
    const { ids } = build(starter, { fimOrder: 'spm', prefix: '<|fim_middle|>9', suffix: '\n<|file|>' });
    assert.equal(ids.filter((id) => starter.specialIds.has(id)).length, 3);
  });

  it('what healing removed is spelled by the constraint', () => {
    const { newConstraint, removedBytes } = build(starter, { prefix: 'x = retu', suffix: '\nb' });
    const constraint = newConstraint!();
    assert.equal(removedBytes, 5);
    constraint.accept(starter.encode(' return')[0]!);
    assert.equal(constraint.active, false);
  });

  it('a chat model with untrained fill-in-the-middle tokens is prompted as a chat, unless it asks for spm', () => {
    const both = make([...FIM, '<|user|>', '<|assistant|>', '<|end|>'], { chat_template: CHAT_TEMPLATE });
    assert.equal(build(both, { prefix: 'a' }).kind, 'instruct');
    assert.equal(build(both, { prefix: 'a', fimOrder: 'spm' }).kind, 'fim');
  });

  it('a small chat model is prompted with the text alone, unless it says otherwise or was trained to fill in', () => {
    const kind = (tokenizer: Tokenizer, more: Partial<CompletionModel>): string => {
      const model = { contextLength: 1024, fimOrder: 'psm', ...more } as const;
      return promptKind(tokenizer, model);
    };
    assert.equal(kind(chat, { parameters: 135e6 }), 'base');
    assert.equal(kind(chat, { parameters: 1.2e9 }), 'instruct');
    assert.equal(kind(chat, {}), 'instruct');
    assert.equal(kind(chat, { parameters: 135e6, completionPrompt: 'instruct' }), 'instruct');
    assert.equal(kind(chat, { parameters: 3e9, completionPrompt: 'base' }), 'base');
    assert.equal(kind(otherFim, { parameters: 135e6 }), 'fim');
    assert.equal(kind(base, { parameters: 135e6, completionPrompt: 'instruct' }), 'base');
  });

  const MARKS = {
    qwen: [...FIM, '<|file_sep|>', '<|repo_name|>', '<|im_start|>', '<|im_end|>'],
    starCoder: ['<fim_prefix>', '<fim_suffix>', '<fim_middle>', '<file_sep>'],
    deepSeek: ['<\uff5cfim\u2581begin\uff5c>', '<\uff5cfim\u2581hole\uff5c>', '<\uff5cfim\u2581end\uff5c>'],
    codeLlama: ['\u2581<PRE>', '\u2581<SUF>', '\u2581<MID>'],
  };
  for (const [name, marks, modelName, kind, want] of [
    ['Qwen2.5-Coder', MARKS.qwen, 'Qwen2.5-Coder-1.5B-Instruct', 'fim', 0],
    ['Qwen2.5-Coder under another name', MARKS.qwen, 'model', 'fim', 0],
    ['Qwen2.5, not for code', MARKS.qwen, 'Qwen2.5-7B-Instruct', 'instruct', -1],
    ['StarCoder', MARKS.starCoder, 'starcoder2', 'fim', 1],
    ['DeepSeek-Coder', MARKS.deepSeek, 'deepseek-coder', 'fim', 1],
    ['CodeLlama', MARKS.codeLlama, 'CodeLlama-7b-Instruct', 'fim', 1],
    ['marks that are untrained', FIM, 'phi-3-small', 'instruct', -1],
  ] as const) {
    it(`fill-in-the-middle marks of a model with a chat template: ${name}`, () => {
      // Published files call such marks no special tokens.
      const json = tinyTokenizerJson({ specials: ['<|endoftext|>', ...marks].map((content) => ({ content })) });
      const added_tokens = json.added_tokens.map((token) => ({
        ...token,
        special: token.content.startsWith('\u2581'),
      }));
      const tokenizer = createTokenizer({
        tokenizerJson: { ...json, added_tokens },
        tokenizerConfig: { chat_template: CHAT_TEMPLATE },
      });
      const cursor = { fileName: 'a.ts', languageId: 'typescript', prefix: 'a9', suffix: '\nb' };
      const model = { contextLength: 1024, fimOrder: 'psm', name: modelName } as const;
      const prompt = buildCompletionPrompt(cursor, tokenizer, model, { prefixTokens: 400, suffixTokens: 40 });
      assert.equal(prompt.kind, kind);
      if (kind !== 'fim') return;
      const header = want === 0 ? '<|file_sep|>a.ts\n' : '';
      const [before, behind, between] = marks as readonly string[];
      const text = tokenizer.decode(prompt.ids, { specials: true });
      assert.equal(text, `${header}${before}a9${behind}\nb${between}`);
      for (const mark of ['<|endoftext|>', ...marks]) assert.ok(prompt.stopIds.has(tokenizer.special(mark)!), mark);
    });
  }

  it("a model without a template: phi-3's marks are a chat model's, ChatML's may be a base model's", () => {
    const kind = (names: string[]) => build(make(names), { prefix: 'a' }).kind;
    assert.equal(kind(['<|user|>', '<|assistant|>', '<|end|>']), 'instruct');
    assert.equal(kind(['<|im_start|>', '<|im_end|>']), 'base');
  });

  it('a suffix gets no space in front, the prefix does where the tokenizer adds one', () => {
    const specials = ['\u2581<PRE>', '\u2581<SUF>', '\u2581<MID>'].map((content) => ({ content }));
    const tokenizer = createTokenizer({
      tokenizerJson: tinyTokenizerJson({ specials, leadingSpace: true }),
      tokenizerConfig: {},
    });
    const { ids } = build(tokenizer, { prefix: 'a9', suffix: 'b' });
    const pieces = ids.map((id) => Buffer.from(tokenizer.bytes(id)).toString());
    assert.deepEqual(pieces, ['\u2581<PRE>', ' ', 'a', '9', '\u2581<SUF>', 'b', '\u2581<MID>']);
  });

  it('instruct: the head of a longer file goes before, the answer begins at a line', () => {
    const prefix = Array.from({ length: 30 }, (_, i) => `l${i};\n`).join('') + 'x9';
    const [user, answer] = build(chat, { prefix, suffix: '\nend' }).text.split('<|assistant|>') as [string, string];
    assert.match(user, /<before>\nl0;\n[^]*l15;\n<\/before>\n<after>\nend\n<\/after><\|end\|>/);
    assert.ok(answer.startsWith('```typescript\nl16;\n') && answer.endsWith('l29;\nx9'), answer);
  });

  const lines = Array.from({ length: 400 }, (_, i) => `  const value${i} = compute(${i});\n`);
  for (const [name, tokenizer, fimOrder] of [
    ['spm', starter, 'spm'],
    ['instruct', chat, 'psm'],
    ['base', base, 'psm'],
  ] as const) {
    it(`typing only appends to the prompt: ${name}`, () => {
      const file = lines.join('');
      let before: number[] | undefined;
      let jumps = 0;
      const typed = 1500;
      for (let end = file.length - typed; end <= file.length; end += 3) {
        const { ids } = build(tokenizer, { prefix: file.slice(0, end), suffix: '\n}\n', fimOrder, tokens: 600 });
        if (before && commonTokens(before, ids) >= 0 && commonTokens(before, ids) < before.length - 8) jumps++;
        before = ids;
      }
      // With a token per character the window is 900 characters and jumps by 450; the border of the instruct prompt
      // jumps every 16 lines too, about 530 characters.
      assert.ok(jumps <= (name === 'instruct' ? 7 : 4), `${jumps} jumps`);
      assert.ok(jumps > 0, 'a window that never jumps is no window');
    });
  }

  it('brackets that the editor adds while the user types do not change the prompt', () => {
    const open = build(starter, { prefix: 'x9', suffix: '\nb', fimOrder: 'spm' });
    const closed = build(starter, { prefix: 'x9(9', suffix: ')\nb', fimOrder: 'spm' });
    assert.equal(commonTokens(open.ids, closed.ids), -1);
    assert.ok(build(starter, { prefix: 'x', suffix: ') + c\nb', fimOrder: 'spm' }).text.includes(') + c'));
  });

  for (const [name, text] of [
    ['code', lines.join('')],
    ['one long line', 'x'.repeat(20_000)],
    ['three bytes per character', '\u6f22'.repeat(5000)],
    ['surrogate pairs', '\u{1F600}'.repeat(5000)],
  ] as const) {
    it(`keeps to the budget: ${name}`, () => {
      for (let cut = 0; cut < 40; cut++) {
        const prefix = text.slice(0, text.length - cut);
        const { ids, text: prompt } = build(base, { prefix, tokens: 100 });
        assert.ok(ids.length <= 101 && ids.length >= 15, `${ids.length} tokens`);
        if (cut % 2 === 0) assert.doesNotMatch(prompt, /\ufffd/);
      }
      const { ids } = build(starter, { prefix: 'a9', suffix: text });
      assert.ok(ids.length <= 12 + 40, `${ids.length} tokens`);
    });
  }

  it('a file of a megabyte costs no more than its window', () => {
    const prefix = lines.join('').repeat(80);
    let encoded = 0;
    const counting = { ...base, encode: (text: string) => ((encoded += text.length), base.encode(text)) };
    build(counting, { prefix, suffix: prefix, tokens: 400 });
    assert.ok(prefix.length > 1e6 && encoded < 4000, `${encoded} characters encoded`);
  });

  for (const [contextLength, maxTokens, want] of [
    [1024, 96, { prefixTokens: 704, suffixTokens: 128 }],
    [4096, 128, { prefixTokens: 1024, suffixTokens: 128 }],
    [256, 64, { prefixTokens: 77, suffixTokens: 19 }],
  ] as const) {
    it(`budget of ${contextLength} tokens`, () => assert.deepEqual(promptBudget(contextLength, maxTokens), want));
  }
  it('a context without room is refused', () => {
    assert.throws(() => promptBudget(128, 32), BadRequest);
  });
});
