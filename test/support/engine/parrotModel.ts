/** A tiny model that continues known phrases, so that a test knows what the user must see. */
import { readFileSync } from 'node:fs';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { randomValues } from '../random.ts';
import { TINY_CONFIG, TinyFolder } from './tinyModel.ts';
import { CHAT_TEMPLATE } from './chatTemplate.ts';

/** The folder of the tokenizer. Mocha runs in the repository's root. */
const STARTER = 'media/starter';
const HIDDEN = 128;
/** Large enough that the next word is certain, and that the text ends where no word follows. */
const WORD_SCALE = 4;
const END_SCALE = 0.4;

/**
 * A model folder. Wherever the text so far ends in the beginning of a phrase (two words of it or more), the model
 * completes the phrase and ends. Its layer adds nothing, so that the next token depends on the last one alone: no token
 * may have two successors. Throws where it has. With `chat` it is prompted as a chat model and holds a whole file.
 */
export function parrotModel(phrases: readonly string[], { chat = false } = {}): TinyFolder {
  const json = (name: string): unknown => JSON.parse(readFileSync(`${STARTER}/${name}`, 'utf8'));
  const tokenizer = createTokenizer({
    tokenizerJson: json('tokenizer.json'),
    tokenizerConfig: json('tokenizer_config.json'),
  });
  const starter = json('config.json') as { eos_token_id: number; vocab_size: number };
  const end = starter.eos_token_id;
  const successors = new Map<number, number>();
  for (const phrase of phrases) {
    const ids = [...tokenizer.encode(phrase), end];
    for (const [i, next] of ids.slice(1).entries()) {
      const known = successors.get(ids[i]!);
      if (known !== undefined && known !== next) {
        const text = (id: number) => JSON.stringify(tokenizer.decode([id]));
        throw new Error(`${phrase}: after ${text(ids[i]!)} comes ${text(next)}, and elsewhere ${text(known)}.`);
      }
      successors.set(ids[i]!, next);
    }
  }
  const config = {
    ...TINY_CONFIG,
    ...starter,
    hidden_size: HIDDEN,
    intermediate_size: 64,
    num_hidden_layers: 1,
    tie_word_embeddings: false,
    ...(chat ? { fim_order: 'psm', completion_prompt: 'instruct', max_position_embeddings: 16_384 } : {}),
  };
  const folder = TinyFolder.model({ config, tensors: tensors(config, successors, end) });
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) folder.json(name, json(name));
  if (chat) folder.file('chat_template.jinja', CHAT_TEMPLATE);
  return folder.json('generation_config.json', { eos_token_id: end });
}

/** Each token's embedding is a direction of its own; the head's row of a token is the sum of its predecessors' ones. */
function tensors(config: { vocab_size: number }, successors: Map<number, number>, end: number) {
  const directions = randomValues(1, config.vocab_size * HIDDEN, 1e9);
  const embeddings = new Float32Array(directions.length); // (vocab_size, HIDDEN)
  const head = new Float32Array(directions.length); // (vocab_size, HIDDEN)
  const row = (matrix: Float32Array, id: number) => matrix.subarray(id * HIDDEN, (id + 1) * HIDDEN);
  for (let id = 0; id < config.vocab_size; id++) {
    const length = Math.hypot(...row(directions, id));
    row(embeddings, id).set(row(directions, id).map((value) => value / length));
    row(embeddings, id)[0] = 1; // Common to all tokens: the text may end after any of them.
  }
  for (const [id, next] of successors) {
    row(embeddings, id).forEach((value, i) => {
      if (i > 0) row(head, next)[i]! += WORD_SCALE * value;
    });
  }
  row(head, end)[0] = WORD_SCALE * END_SCALE;
  return readBlueprint(config).tensors.map(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    if (name === 'model.embed_tokens.weight') return { name, shape: [...shape], values: embeddings };
    if (name === 'lm_head.weight') return { name, shape: [...shape], values: head };
    // Norms pass everything on, projections nothing.
    return { name, shape: [...shape], values: new Float32Array(size).fill(shape.length === 1 ? 1 : 0) };
  });
}
