#!/usr/bin/env python3
"""Held-out evaluation of an exported folder against simple baselines.

usage: evaluate.py baseline WORK [CASES]            WORK/eval-baseline.json
       evaluate.py model WORK FOLDER [CASES [LANG...]]   WORK/eval-model-LANG.json
       evaluate.py report WORK                      WORK/evaluation.md and .json (also printed)

A case: in a file of a held-out package a line of at least 8 characters is cut at a random
character after its first three; the answer is the rest of the line. Every method sees the
same text before the cursor (and, "with suffix", up to 400 characters after the line) and
answers up to the end of the line. Trailing blanks are ignored. The model decodes greedily
with token healing: the last token of the prompt is taken back and the new tokens must begin
with its text, as in the product. Bits per byte are over held-out files, windows of 1,024.
"""
import json, math, os, random, struct, sys, time
import numpy as np, sentencepiece as spm
from special import *

LANGS = {"ts": "TypeScript", "js": "JavaScript", "py": "Python", "rs": "Rust", "go": "Go", "java": "Java", "c": "C, C++", "css": "CSS", "html": "HTML"}
MAX_PROMPT, MAX_NEW = 640, 32


def held_docs(work):
    docs = [json.loads(l) for l in open(work + "/held.jsonl")]
    random.Random(7).shuffle(docs); return docs


def cases(docs, lang, n):
    R = random.Random(11); ds = [d for d in docs if d["lang"] == lang]; out = []
    while len(out) < n:
        d = R.choice(ds); ls = d["text"].split("\n"); i = R.randrange(len(ls)); l = ls[i]; s = l.strip()
        if len(s) < 8 or i < 3: continue
        cut = len(l) - len(l.lstrip()) + R.randint(3, len(s) - 1)
        out.append(dict(path=d["path"], pre="\n".join(ls[:i]) + "\n" + l[:cut], answer=l[cut:].rstrip(), suf="\n" + "\n".join(ls[i + 1:])))
    return out


def similarity(a, b):
    """1 - Levenshtein distance / longer length."""
    if not a and not b: return 1.0
    p = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        q = [i]
        for j, y in enumerate(b, 1): q.append(min(p[j] + 1, q[-1] + 1, p[j - 1] + (x != y)))
        p = q
    return 1 - p[-1] / max(len(a), len(b))


def score(cs, answers):
    a = [x.rstrip() for x in answers]
    return dict(exact=sum(x == c["answer"] for x, c in zip(a, cs)) / len(cs), similarity=sum(similarity(x[:300], c["answer"][:300]) for x, c in zip(a, cs)) / len(cs))


def recent_line(pre):
    """The rest of the latest earlier line with the same beginning; else what followed the
    latest place where the last four or more characters occurred."""
    lines = pre.split("\n"); cur = lines[-1].lstrip()
    for l in reversed(lines[:-1]):
        if l.lstrip().startswith(cur): return l.lstrip()[len(cur):]
    body = pre[:-1]
    for k in range(min(40, len(cur)), 3, -1):
        i = body.rfind(cur[-k:])
        if i >= 0: return body[i + k:].split("\n", 1)[0]
    return ""


class NGram:
    """Greedy back-off over the longest seen context of up to four tokens."""
    def __init__(s, work, sp, n_tokens=12_000_000):
        a = np.fromfile(work + "/train512.bin", np.uint16, n_tokens).astype(np.int64) & ID_MASK; s.t, s.sp = {}, sp
        for n in (4, 3, 2, 1):
            key = np.zeros(len(a) - n, np.int64)
            for j in range(n): key = key * 8192 + a[j:len(a) - n + j]
            o = np.lexsort((a[n:], key)); kk, nn = key[o], a[n:][o]
            st = np.flatnonzero(np.r_[True, (kk[1:] != kk[:-1]) | (nn[1:] != nn[:-1])])
            c = np.diff(np.r_[st, len(kk)]); kk, nn = kk[st], nn[st]
            o = np.lexsort((-c, kk)); kk, nn = kk[o], nn[o]; f = np.flatnonzero(np.r_[True, kk[1:] != kk[:-1]])
            s.t[n] = (kk[f], nn[f])

    def __call__(s, pre):
        ids = s.sp.encode(pre[-200:]); out = []
        while len(out) < MAX_NEW:
            for n in (4, 3, 2, 1):
                key = 0
                for t in ids[-n:]: key = key * 8192 + t
                k, v = s.t[n]; i = int(np.searchsorted(k, key))
                if i < len(k) and k[i] == key: t = int(v[i]); break
            else: break
            if t == NL or t >= SP_VOCAB or t < 3: break
            out.append(t); ids.append(t)
        return s.sp.decode(out)


def load(folder):
    """The export as a torch model: bf16 weights and products, f32 residual stream and logits."""
    import torch
    from model import Config, Phi3
    c = json.load(open(folder + "/config.json")); raw = open(folder + "/model.safetensors", "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]; head = json.loads(raw[8:8 + n]); head.pop("__metadata__", None)
    m = Phi3(Config(c["hidden_size"], c["num_hidden_layers"], c["num_attention_heads"], c["intermediate_size"], c["max_position_embeddings"], c["rope_theta"], c["rms_norm_eps"], c["vocab_size"]))
    sd = {}
    for k, h in head.items():
        a, b = h["data_offsets"]
        sd[k] = torch.from_numpy((np.frombuffer(raw[8 + n + a:8 + n + b], np.uint16).astype(np.uint32) << 16).view(np.float32).copy()).view(h["shape"])
    m.load_state_dict(sd); return m.eval()


class Decoder:
    def __init__(s, m, sp):
        import torch
        s.m, s.sp, s.torch = m, sp, torch
        s.text = [b"" if i < 3 or i >= SP_VOCAB else bytes([i - 3]) if i < 259 else sp.id_to_piece(i).replace("\u2581", " ").encode() for i in range(VOCAB)]
        s.bias = torch.zeros(VOCAB); s.bias[SP_VOCAB:] = -1e9; s.bias[:3] = -1e9; s.bias[EOT] = 0

    def greedy(s, prompts, width=32):
        """Single-line completions of token prompts: [(text, last token)]."""
        out = [None] * len(prompts); order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        for b in range(0, len(order), width):
            for i, r in zip(order[b:b + width], s.group([prompts[i] for i in order[b:b + width]])): out[i] = r
        return out

    def group(s, prompts):
        torch = s.torch
        rest = []                                               # text still to be reproduced
        for p in prompts: rest.append(s.text[p[-1]])
        prompts = [p[:-1] for p in prompts]
        n = max(map(len, prompts)); pad = torch.tensor([n - len(p) for p in prompts])
        x = torch.tensor([[EOT] * (n - len(p)) + p for p in prompts]); pos = 0
        caches = [[] for _ in s.m.model.layers]; outs = [[] for _ in prompts]; skip = [len(r) for r in rest]; end = [None] * len(prompts)
        for _ in range(MAX_NEW):
            with torch.autocast("cpu", dtype=torch.bfloat16): h = s.m.hidden(x, caches, pos, pad)[:, -1]
            l = s.m.logits(h.float()) + s.bias; pos += x.shape[1]
            nxt = []
            for i in range(len(prompts)):
                if rest[i]:
                    ok = torch.tensor([j for j, t in enumerate(s.text) if t and (t.startswith(rest[i]) or rest[i].startswith(t))])
                    t = int(ok[l[i][ok].argmax()]); rest[i] = rest[i][len(s.text[t]):]
                else: t = int(l[i].argmax())
                if end[i] is None:
                    if t == EOT or b"\n" in s.text[t]: end[i] = t
                    else: outs[i].append(t)
                nxt.append(t)
            if all(e is not None for e in end): break
            x = torch.tensor(nxt)[:, None]
        return [(b"".join(s.text[t] for t in o)[k:].decode("utf-8", "replace"), e) for o, k, e in zip(outs, skip, end)]


def prompt(sp, c, suffix):
    """The product's prompt: file name, suffix, prefix cut on the left at a line start."""
    head = [FILE] + sp.encode(os.path.basename(c["path"]) + "\n")
    if suffix: head += [FIM_S] + sp.encode(c["suf"][:400])[:130] + [FIM_M]
    pre = c["pre"][-3600:]; ids = sp.encode(pre)
    while len(head) + len(ids) > MAX_PROMPT:
        k = pre.find("\n", 200) + 1 or 200
        pre = pre[k:]; ids = sp.encode(pre)
    return head + ids


def bits_per_byte(m, sp, docs, lang, torch, limit=100_000, per_file=4_000):
    import torch.nn.functional as F
    nll = n = 0
    for d in docs:
        if d["lang"] != lang or n > limit: continue
        t = d["text"][:per_file]; ids = sp.encode(t); n += len(t.encode())
        head = [FILE] + sp.encode(os.path.basename(d["path"]) + "\n"); W = 1024 - len(head)
        for i in range(0, len(ids), W):
            w = head + ids[i:i + W]; x = torch.tensor([w[:-1]])
            with torch.autocast("cpu", dtype=torch.bfloat16): h = m.hidden(x)[0]
            l = m.logits(h.float())
            nll += F.cross_entropy(l[len(head) - 1:], torch.tensor(w[len(head):]), reduction="sum").item()
    return nll / math.log(2) / n, n


def run_model(work, folder, n, langs):
    import torch
    torch.set_grad_enabled(False); torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    sp = spm.SentencePieceProcessor(model_file=work + "/tokenizer.model"); docs = held_docs(work)
    m = load(folder); dec = Decoder(m, sp); t0 = time.time()
    for lang in langs:
        cs = cases(docs, lang, n); bpb, size = bits_per_byte(m, sp, docs, lang, torch)
        plain = dec.greedy([prompt(sp, c, False) for c in cs]); fim = dec.greedy([prompt(sp, c, True) for c in cs])
        ended = sum(e == EOT for _, e in fim) / len(cs)
        cut = sum(e is None for _, e in fim) / len(cs)
        res = dict(bits_per_byte=bpb, bytes=size, cases=n, plain=score(cs, [a for a, _ in plain]), suffix=score(cs, [a for a, _ in fim]), ended_itself=ended, ran_on=cut)
        shown = [dict(lang=lang, before=c["pre"].split("\n")[-1].strip(), answer=c["answer"], plain=a, suffix=b) for c, (a, _), (b, _) in list(zip(cs, plain, fim))[:12]]
        print(lang, json.dumps(res), "%.0f s" % (time.time() - t0), flush=True)
        json.dump(dict(results=res, samples=shown), open("%s/eval-model-%s.json" % (work, lang), "w"), indent=1)


def run_baseline(work, n):
    sp = spm.SentencePieceProcessor(model_file=work + "/tokenizer.model"); docs = held_docs(work); ng = NGram(work, sp); res = {}
    for lang in LANGS:
        cs = cases(docs, lang, n)
        res[lang] = dict(cases=n, recent=score(cs, [recent_line(c["pre"]) for c in cs]), ngram=score(cs, [ng(c["pre"]) for c in cs]))
        print(lang, json.dumps(res[lang]), flush=True)
    json.dump(res, open(work + "/eval-baseline.json", "w"), indent=1)


def report(work):
    m = {l: json.load(open("%s/eval-model-%s.json" % (work, l))) for l in LANGS}; r = {l: m[l]["results"] for l in LANGS}
    b = json.load(open(work + "/eval-baseline.json"))
    f = lambda d: "%.1f %% / %.2f" % (100 * d["exact"], d["similarity"])
    out = ["| | bits per byte | model, left to right | model, with suffix | latest line with the same beginning | 4-gram | cases |", "|---|---|---|---|---|---|---|"]
    for l, name in LANGS.items():
        out.append("| %s | %.3f | %s | %s | %s | %s | %d |" % (name, r[l]["bits_per_byte"], f(r[l]["plain"]), f(r[l]["suffix"]), f(b[l]["recent"]), f(b[l]["ngram"]), r[l]["cases"]))
    out += ["", "With the suffix given the model itself ended its answer (`<|endoftext|>`) in " + ", ".join("%.0f %% (%s)" % (100 * r[l]["ended_itself"], n) for l, n in LANGS.items()) + " of the cases; the others ended at a line break or at %d tokens." % MAX_NEW]
    text = "\n".join(out) + "\n"
    open(work + "/evaluation.md", "w").write(text); json.dump(dict(model=r, baseline=b), open(work + "/evaluation.json", "w"), indent=1)
    print(text)
    for s in [x for l in LANGS for x in m[l]["samples"]][::3]: print("[%s] %s⟦%s⟧  plain→ %s   suffix→ %s" % (s["lang"], s["before"], s["answer"], s["plain"], s["suffix"]))


if __name__ == "__main__":
    mode, work = sys.argv[1:3]
    if mode == "baseline": run_baseline(work, int(sys.argv[3]) if len(sys.argv) > 3 else 250)
    elif mode == "model": run_model(work, sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 250, sys.argv[5:] or list(LANGS))
    else: report(work)
