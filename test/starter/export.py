#!/usr/bin/env python3
"""Export a checkpoint as a Hugging Face folder of Phi3ForCausalLM (bf16, head tied).

usage: export.py WORK NAME OUT_FOLDER

Also writes WORK/held_ids.jsonl, the reference ids that tokcheck.mjs compares with.
"""
import json, os, struct, sys
import sentencepiece as spm, torch
from special import *

work, name, out = sys.argv[1:4]
os.makedirs(out, exist_ok=True)
ck = torch.load("%s/%s.pt" % (work, name)); c = ck["cfg"]
sp = spm.SentencePieceProcessor(model_file=work + "/tokenizer.model")
# Not trained: so that a chat can be tried at all.
CHAT_TEMPLATE = (
    "{{ '<|file|>chat.md\\n' }}{% for m in messages %}{% if m.role == 'user' %}{{ '### Question\\n' }}"
    "{% elif m.role == 'assistant' %}{{ '### Answer\\n' }}{% endif %}{{ m.content + '\\n\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Answer\\n' }}{% endif %}")


def dump(file, o, indent=1):
    with open(os.path.join(out, file), "w") as f: json.dump(o, f, ensure_ascii=False, indent=indent); f.write("\n")


def safetensors(sd):
    """u64 header length, JSON header, little-endian data in header order; written beside and renamed."""
    head, blobs, off = {"__metadata__": {"format": "pt"}}, [], 0
    for k in sorted(sd):
        b = sd[k].to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes()
        head[k] = dict(dtype="BF16", shape=list(sd[k].shape), data_offsets=[off, off + len(b)]); off += len(b); blobs.append(b)
    h = json.dumps(head, separators=(",", ":")).encode(); h += b" " * (-len(h) % 8)
    with open(out + "/model.safetensors.tmp", "wb") as f: f.write(struct.pack("<Q", len(h)) + h + b"".join(blobs))
    os.replace(out + "/model.safetensors.tmp", out + "/model.safetensors")
    return off


def tokenizer_json():
    """The sentencepiece model as a BPE with byte fallback. Merges: every split of a piece into
    two pieces, in the order of the pieces' scores."""
    piece = [sp.id_to_piece(i) for i in range(sp.get_piece_size())]; vocab = {p: i for i, p in enumerate(piece)}
    merges = []
    for i in range(3 + 256, len(piece)):
        p = piece[i]
        merges += [(-sp.get_score(i), n, p[:j], p[j:]) for n, j in enumerate(range(1, len(p))) if p[:j] in vocab and p[j:] in vocab]
    merges.sort(key=lambda m: m[0])
    entry = lambda i, s: dict(id=i, content=s, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    added = [entry(0, "<unk>"), entry(1, "<s>"), entry(2, "</s>")] + [entry(i, s) for s, i in ID.items()]
    dump("tokenizer.json", dict(
        version="1.0", truncation=None, padding=None, added_tokens=added,
        normalizer=dict(type="Replace", pattern=dict(String=" "), content="\u2581"), pre_tokenizer=None, post_processor=None,
        decoder=dict(type="Sequence", decoders=[dict(type="Replace", pattern=dict(String="\u2581"), content=" "), dict(type="ByteFallback"), dict(type="Fuse")]),
        model=dict(type="BPE", dropout=None, unk_token="<unk>", continuing_subword_prefix=None, end_of_word_suffix=None, fuse_unk=True,
                   byte_fallback=True, ignore_merges=False, vocab=vocab, merges=[l + " " + r for _, _, l, r in merges])), None)
    dump("tokenizer_config.json", dict(
        tokenizer_class="PreTrainedTokenizerFast", add_bos_token=False, add_eos_token=False, add_prefix_space=False, legacy=False,
        bos_token="<s>", eos_token="<|endoftext|>", unk_token="<unk>", pad_token="<|endoftext|>", model_max_length=c["ctx"], clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
        added_tokens_decoder={str(a["id"]): {k: v for k, v in a.items() if k != "id"} for a in added}))
    return len(piece), len(merges)


size = safetensors(ck["model"])
dump("config.json", dict(
    architectures=["Phi3ForCausalLM"], model_type="phi3", vocab_size=VOCAB, hidden_size=c["hidden"], intermediate_size=c["inter"],
    num_hidden_layers=c["layers"], num_attention_heads=c["heads"], num_key_value_heads=c["heads"], hidden_act="silu",
    max_position_embeddings=c["ctx"], original_max_position_embeddings=c["ctx"], rms_norm_eps=c["eps"], rope_theta=c["theta"],
    rope_scaling=None, sliding_window=None, attention_bias=False, attention_dropout=0.0, embd_pdrop=0.0, resid_pdrop=0.0,
    initializer_range=0.02, bos_token_id=BOS, eos_token_id=EOT, pad_token_id=EOT, tie_word_embeddings=True, torch_dtype="bfloat16",
    use_cache=True, fim_order="spm"))
dump("generation_config.json", dict(bos_token_id=BOS, eos_token_id=[EOT], pad_token_id=EOT, stop_strings=["### "]))
pieces, merges = tokenizer_json()
with open(work + "/held_ids.jsonl", "w") as f:
    for l in open(work + "/held.jsonl"):
        t = json.loads(l)["text"]
        for s in (t[:20000], t.replace("\n", "\r\n")[:3000], t.replace("    ", "\t")[:3000]): f.write(json.dumps([s, sp.encode(s)]) + "\n")
print("tensors", len(ck["model"]), "bytes", size, "pieces", pieces, "merges", merges, "trained %.1f M tokens, %.0f s" % (ck["seen"] / 1e6, ck["spent"]))
