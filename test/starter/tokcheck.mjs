// Compare the exported tokenizer.json, read by @huggingface/tokenizers, with sentencepiece's ids.
// usage: node tokcheck.mjs MODEL_FOLDER WORK/held_ids.jsonl   (@huggingface/tokenizers installed nearby)
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';

const [folder, reference] = process.argv.slice(2);
const json = (name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
const tokenizer = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
let same = 0,
  different = 0,
  back = 0;
for (const line of readFileSync(reference, 'utf8').trim().split('\n')) {
  const [text, want] = JSON.parse(line);
  const { ids } = tokenizer.encode(text, { add_special_tokens: false });
  if (ids.length === want.length && want.every((id, i) => id === ids[i])) same++;
  else if (different++ < 3) {
    const i = want.findIndex((id, k) => id !== ids[k]);
    console.log('differs at', i, want.slice(i - 2, i + 5), ids.slice(i - 2, i + 5));
  }
  if (tokenizer.decode(ids, { clean_up_tokenization_spaces: false }) === text) back++;
}
console.log(`texts with equal ids ${same}, different ${different}, decoded back ${back}`);
process.exitCode = different ? 1 : 0;
