/** A tiny phi-3-vision with random weights, a tokenizer and a chat template, and pictures. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { readBlueprint } from '../../../../engine/models/architectures.ts';
import { tinyTokenizerJson } from '../../../fixtures/tokenizers/tiny.ts';
import { randomValues } from '../../random.ts';
import { CHAT_TEMPLATE } from '../chatTemplate.ts';
import { goldenFolder } from '../golden.ts';
import { TinyFolder } from '../tinyModel.ts';

const NAMES = ['<|system|>', '<|user|>', '<|assistant|>', '<|end|>', '<|image|>'];

/** The tokenizer's files, as phi-3-vision's: BOS from the tokenizer, a space before each text behind a special token. */
export const tinyVisionTokenizer = {
  tokenizerJson: tinyTokenizerJson({ leadingSpace: true, specials: NAMES.map((content) => ({ content })) }),
  tokenizerConfig: { chat_template: CHAT_TEMPLATE, bos_token: '<s>', eos_token: '<|end|>', add_bos_token: true },
};

/** `change` changes config.json. */
export function tinyVisionModel(change: object = {}): TinyFolder {
  const golden = JSON.parse(readFileSync(join(goldenFolder('vision'), 'config.json'), 'utf8')) as object;
  const config = { ...golden, vocab_size: 640, ...change };
  const tensors = readBlueprint(config).tensors.map(({ name, shape, storedShape = shape, role }, i) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = randomValues(i + 1, size, 1e9).map((value) => value * (role === 'vector' ? 1 : 0.1));
    return { name, shape: [...storedShape], values };
  });
  return TinyFolder.model({ config, tensors })
    .json('preprocessor_config.json', { num_crops: 4 })
    .json('tokenizer.json', tinyVisionTokenizer.tokenizerJson)
    .json('tokenizer_config.json', tinyVisionTokenizer.tokenizerConfig);
}

/** A PNG file of one colour with noise from `seed`. */
export function noisyPng(width: number, height: number, seed: number): Uint8Array {
  const data = Uint8Array.from(randomValues(seed, 3 * width * height, 1e9), (value) => 128 + 127 * value);
  return encode({ width, height, data, channels: 3 });
}
