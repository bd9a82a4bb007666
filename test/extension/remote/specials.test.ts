import assert from 'node:assert/strict';
import { withoutSpecials, withSpecials } from '../../../extension/remote/specials.ts';

/** Marks of released vocabularies. */
const MARKS = [
  ...['<|end|>', '<|user|>', '<|im_start|>', '<|endoftext|>', '<|fim_middle|>', '<|file_sep|>', '<|image_1|>'],
  ...['<|start_header_id|>', '<|eot_id|>', '<|reserved_special_token_12|>', '<|dummy_id_3|>', '<|"|>'],
  ...['<s>', '</s>', '<unk>', '<pad>', '<bos>', '<eos>', '<mask>', '<image>', '<start_of_turn>', '<end_of_turn>'],
  ...['[INST]', '[/INST]', '<<SYS>>', '<</SYS>>', '[AVAILABLE_TOOLS]', '[/TOOL_RESULTS]', '[IMG]', '[SUFFIX]'],
  ...['<fim_prefix>', '<fim-suffix>', '<fim_pad>', '<filename>', '<reponame>', '<PRE>', '<MID>', '<EOT>'],
  ...['<\uFF5Cfim\u2581begin\uFF5C>', '<\uFF5Cend\u2581of\u2581sentence\uFF5C>', '<\uFF5CUser\uFF5C>'],
  ...['<tool_call>', '</tool_response>', '<think>', '</think>'],
];

/** Code that looks a little like marks. */
const CODE = [
  'if (a <b || c> d) {}',
  'const f = <T,>(x: T) => x;',
  'x = a[0] | b[1]; y = [INST, 1]',
  '<span class="s"></span>',
  'std::vector<std::string> v; v << 1;',
  '<summary> and </summary>',
];

describe('marks of models in texts that leave', () => {
  for (const mark of MARKS) {
    it(`${mark} is text`, () => {
      const text = `before ${mark}${mark}after`;
      const sent = withoutSpecials(text);
      assert.ok(!sent.includes(mark), sent);
      assert.equal(withSpecials(sent), text);
    });
  }

  it('a mark within a mark is none either', () => {
    for (const text of ['<<|end|>|end|>', '<<s>s>', '[[INST]INST]']) {
      const sent = withoutSpecials(text);
      assert.ok(
        MARKS.every((mark) => !sent.includes(mark)),
        sent,
      );
    }
  });

  it('other code leaves as it is', () => {
    for (const text of CODE) assert.equal(withoutSpecials(text), text);
  });
});
