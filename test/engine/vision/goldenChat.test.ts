import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerChat } from '../../../engine/chat/answer.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import type { ChatTurn } from '../../../engine/wire/protocol.ts';
import { goldenFolder } from '../../support/engine/golden.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';
import { type VisionPrompt, readVisionGolden } from '../../support/engine/vision/golden.ts';

const VOCABULARY = 320;
const [BOS, LINE, ASSISTANT, END, USER] = [1, 13, 301, 307, 310];

/** A letter of Unicode's private use for each id, and the line break for that of the golden prompts. */
const letters = Array.from({ length: VOCABULARY }, (_, id) => (id === LINE ? '\n' : String.fromCodePoint(0xe100 + id)));

/** The golden prompts are a conversation's: here a chat with a tokenizer of these letters makes them. */
describe('the chat of the golden phi-3-vision on wasm', function () {
  this.timeout(600_000);
  let folder: TinyFolder;
  let model: LoadedModel;
  before(async () => {
    folder = new TinyFolder();
    for (const name of ['config.json', 'generation_config.json', 'preprocessor_config.json', 'model.safetensors'])
      folder.file(name, readFileSync(join(goldenFolder('vision'), name)));
    folder.json('tokenizer.json', {
      added_tokens: letters.map((content, id) => ({ id, content, special: id === BOS, normalized: false })),
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: { type: 'Fuse' },
      model: { type: 'BPE', vocab: Object.fromEntries(letters.map((letter, id) => [letter, id])), merges: [] },
    });
    const [bos, user, end, assistant] = [BOS, USER, END, ASSISTANT].map((id) => letters[id]!);
    folder.json('tokenizer_config.json', {
      bos_token: bos,
      add_bos_token: true,
      chat_template: `{% for m in messages %}${user}\n{{ m['content'] }}${end}\n{% endfor %}{{ '${assistant}\n' }}`,
    });
    model = await loadModel(folder.path, { backend: 'wasm', weights: 'f32', kv: 'f32', contextLength: 4096 });
  });
  after(async () => {
    await model?.dispose();
    folder.remove();
  });

  for (const prompt of readVisionGolden().prompts) {
    it(`${prompt.name}: the greedy ids`, async () => {
      const session = model.createSession();
      const request = { sessionId: '', maxTokens: 16, sampling: { temperature: 0, seed: 1 } };
      let text = '';
      const messages = [{ role: 'user' as const, content: piecesOf(prompt) }];
      const { tokensPrefilled } = await answerChat(
        model,
        session,
        { ...request, messages },
        new AbortController().signal,
        (part) => {
          if (part.type === 'text') text += part.text;
        },
      );
      await session.dispose();
      assert.equal(tokensPrefilled, prompt.num_tokens);
      assert.deepEqual(
        Array.from(text, (letter) => letters.indexOf(letter)),
        prompt.greedy.ids,
      );
    });
  }
});

/** What the user has sent: the pictures, and the text between the line break behind the last one and its end. */
function piecesOf({ ids }: VisionPrompt): ChatTurn['content'] {
  const pictures = ids.flatMap((part): ChatTurn['content'] => {
    if ('ids' in part) return [];
    return [{ type: 'image', file: join(goldenFolder('vision'), part.image), mostCrops: part.num_crops_limit }];
  });
  const last = ids.at(-1)!;
  assert.ok('ids' in last);
  const said = last.ids.slice(2, last.ids.indexOf(END));
  return [...pictures, { type: 'text', text: said.map((id) => letters[id]).join('') }];
}
