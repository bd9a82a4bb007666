#!/usr/bin/env python3
"""Train the sentencepiece BPE tokenizer on a sample of the corpus.

usage: tokenizer.py WORK          writes WORK/tokenizer.model

Ids: 0 <unk>, 1 <s>, 2 </s>, 3..258 bytes, then pieces; the last 16 ids of the model's
vocabulary are special tokens (special.py). Identity normalisation, digits split, runs of
spaces are pieces, no dummy prefix: a text that starts in mid-line gains no space.
"""
import json, random, sys
import sentencepiece as spm
from special import SP_VOCAB

work = sys.argv[1]
rnd = random.Random(0)
docs = [json.loads(l) for l in open(work + "/train.jsonl")]
rnd.shuffle(docs)
left = {"ts": 5e6, "js": 2.5e6, "py": 4e6, "rs": 1.7e6, "c": .2e6, "css": .2e6, "md": .4e6, "json": .1e6}
with open(work + "/tok_sample.txt", "w") as f:
    for d in docs:
        if left.get(d["lang"], 0) > 0:
            left[d["lang"]] -= len(d["text"]); f.write(d["text"].rstrip("\n") + "\n")
spm.SentencePieceTrainer.train(
    input=work + "/tok_sample.txt", model_prefix=work + "/tokenizer", model_type="bpe", vocab_size=SP_VOCAB,
    byte_fallback=True, character_coverage=0.9995, normalization_rule_name="identity", remove_extra_whitespaces=False,
    add_dummy_prefix=False, split_digits=True, allow_whitespace_only_pieces=True, split_by_whitespace=True,
    max_sentence_length=8192, unk_id=0, bos_id=1, eos_id=2, pad_id=-1, num_threads=2,
    input_sentence_size=300_000, shuffle_input_sentence=True, minloglevel=1)
sp = spm.SentencePieceProcessor(model_file=work + "/tokenizer.model")
for s in ("\tif (a) {\r\n\t\treturn  x;\r\n\t}\r\n", "def f(a):\n    return a  # ünï 漢字 🙂\n", "  x = 1234567\n\n\n", " \u2581 ok", ""):
    print("ok " if sp.decode(sp.encode(s)) == s else "BAD", repr(s), len(sp.encode(s)))
tot = {}
for l in open(work + "/held.jsonl"):
    d = json.loads(l); ids = sp.encode(d["text"]); a = tot.setdefault(d["lang"], [0, 0, 0])
    a[0] += len(d["text"].encode()); a[1] += len(ids); a[2] += sp.decode(ids) != d["text"]
print({k: "%.2f bytes/token, %d round-trip failures" % (a / b, c) for k, (a, b, c) in tot.items()})
