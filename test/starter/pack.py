#!/usr/bin/env python3
"""Tokenise the training set into rows of exactly ROW tokens (uint16).

usage: pack.py WORK SEED ROW_LENGTH MAX_TOKENS OUT_FILE [SOURCE.jsonl]     FIM=0.5 and SHORT=0 in the environment

A row holds whole documents one after the other; the last plain one is cut to fit. Documents:

  plain   <|file|>name\\n {text} <|endoftext|>
  FIM     <|file|>name\\n <|fim_suffix|> {suffix} <|fim_middle|> {prefix}{middle} <|endoftext|>

In the fill-in-the-middle form the suffix comes first and the boundary between prefix and
middle carries no mark, so that at run time typed characters only append to the prompt.
Middles are mostly the rest of a line, some up to six lines; the suffix begins exactly behind
the middle. Prefixes are cut on the left at a line start, as the product does. Two high bits
of a token say what its loss is (special.py): in a fill-in-the-middle document the end token
does not compete within the prefix, where nobody ever asks for it (otherwise the model learns
that line ends are almost never the end), and the middle with its end token weighs more. Text is encoded in pieces cut at
random characters now and then, so that the model can go on from a half-written word.
"""
import json, os, random, sys
from multiprocessing import Pool
import numpy as np, sentencepiece as spm
from special import *

MIX = {"ts": 0.27, "js": 0.13, "py": 0.22, "rs": 0.12, "go": 0.06, "java": 0.05, "c": 0.06, "css": 0.025, "html": 0.02,
       "sh": 0.01, "sql": 0.005, "json": 0.01, "md": 0.02}
FIM_RATE = float(os.environ.get("FIM", "0.5"))    # share of the documents tried as fill-in-the-middle
SHORT = os.environ.get("SHORT", "0") == "1"        # mostly short prefixes, so that more middles are seen
sp = None


def enc(s): return sp.encode(s) if s else []


def header(R, path):
    """The name line; sometimes with a folder, sometimes absent, as at run time."""
    r = R.random()
    if r < 0.08: return []
    parts = path.split("/")
    return [FILE] + enc("/".join(parts[-(1 if r < 0.75 else 2 if r < 0.92 else 3):]) + "\n")


def cut_encode(R, s):
    """Encode with one random piece boundary in about every 1,500 characters."""
    out, i = [], 0
    while i < len(s):
        j = i + R.randint(300, 2700); out += enc(s[i:j]); i = j
    return out


def plain(R, d, room):
    """A window of the file that starts at a line start; ends with <|endoftext|> if it fits."""
    t = d["text"]; n = int(room * 4.2)
    a = 0
    if len(t) > n * 0.8 and R.random() > 0.25:
        a = t.rfind("\n", 0, R.randrange(len(t) - n // 3 if len(t) > n // 2 else len(t))) + 1
    ids = header(R, d["path"]) + cut_encode(R, t[a:a + n])
    return (ids + [EOT]) if a + n >= len(t) and len(ids) < room else ids[:room]


def fim(R, d, room):
    """One fill-in-the-middle document of at most `room` tokens, or None."""
    t = d["text"]
    for _ in range(6):
        p = R.randrange(len(t))                          # the cursor
        b = t.rfind("\n", 0, p) + 1
        e = t.find("\n", p); e = len(t) if e < 0 else e
        line = t[b:e]; ind = len(line) - len(line.lstrip())
        if len(line.strip()) >= 2: break
    else: return None
    r = R.random()
    if r < 0.30: p = b + ind                             # the whole line, indentation written
    elif r < 0.38: p = b                                 # at the line's start
    elif r < 0.62:                                       # at a word's start
        while p < e and (t[p].isalnum() or t[p] == "_"): p += 1
    p = max(p, b + ind) if r >= 0.38 else p
    r = R.random()
    if r < 0.10 and e - p > 3: q = R.randint(p + 1, e)   # a span inside the line
    else:
        q = e                                            # the rest of the line
        if r > 0.75 or q == p:                           # and up to five more
            for _ in range(R.choice((1, 1, 2, 2, 3, 4, 5))):
                n = t.find("\n", q + 1)
                if n < 0: break
                q = n
    if q - p > 700: return None
    n = R.choice((40, 100, 200, 300, 400) if SHORT else (60, 150, 250, 400, 400, 600))
    z = min(len(t), q + n)
    if R.random() < 0.3 and z < len(t): z = t.rfind("\n", q + 1, z) + 1 or z   # end it at a line's end
    S, M, H = enc(t[q:z]), enc(t[p:q]), header(R, d["path"])
    left = room - len(S) - len(M) - len(H) - 3
    if left < 12: return None
    want = int(min(left, R.choice((left, 250, 150, 100, 60) if SHORT else (left, left, 300, 160))) * 3.0)
    a = max(0, p - want)
    if a: a = min(t.find("\n", a) + 1 or a, p)
    P = enc(t[a:p]); body = enc(t[a:q]) if R.random() < 0.8 else P + M   # jointly, or split at the cursor
    n = next((i for i, (x, y) in enumerate(zip(P, body)) if x != y), min(len(P), len(body)))
    body = [x + IN_PREFIX for x in body[:n]] + [x + IN_MIDDLE for x in body[n:]]
    return H + [FIM_S] + S + [FIM_M] + body[-(left + len(M)):] + [EOT + IN_MIDDLE]


def build(args):
    """Fill rows from one share of the documents."""
    seed, row, budget, docs, model = args
    global sp
    sp = spm.SentencePieceProcessor(model_file=model)
    R = random.Random(seed)
    langs = list(MIX); weights = [MIX[l] for l in langs]
    by = {l: [d for d in docs if d["lang"] == l] for l in langs}
    for l in langs: R.shuffle(by[l])
    langs = [l for l in langs if by[l]]; weights = [MIX[l] for l in langs]
    cum = {l: np.cumsum([min(len(d["text"]), 40_000) for d in by[l]]) for l in langs}
    rows, spent, total = [], {l: 1 for l in MIX}, 0
    while total < budget:
        cur = []
        while row - len(cur) > 0:
            room = row - len(cur)
            l = min(langs, key=lambda l: spent[l] / MIX[l])            # keep to the mix
            c = cum[l]; d = by[l][min(int(np.searchsorted(c, R.random() * c[-1])), len(c) - 1)]
            ids = None
            if room > 90 and R.random() < FIM_RATE: ids = fim(R, d, room)
            if ids is None: ids = plain(R, d, room)
            if not ids: continue
            cur += ids[:room]; spent[l] += min(len(ids), room)
        rows.append(np.array(cur, np.uint16)); total += row
    return np.stack(rows), spent


def main():
    work, seed, row, limit, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
    docs = [json.loads(l) for l in open(sys.argv[6] if len(sys.argv) > 6 else work + "/train.jsonl")]
    docs = [d for d in docs if d["lang"] in MIX]
    with Pool(2) as pool:
        parts = pool.map(build, [(seed * 100 + i, row, limit / 2, docs[i::2], work + "/tokenizer.model") for i in range(2)])
    rows = np.concatenate([p[0] for p in parts])
    np.random.default_rng(seed).shuffle(rows)
    rows.tofile(out)
    sp = spm.SentencePieceProcessor(model_file=work + "/tokenizer.model")
    rows &= ID_MASK
    for r in rows[:2]: print("".join(NAMES.get(int(x)) or sp.id_to_piece(int(x)) for x in r).replace("<0x0A>", "\n").replace("\u2581", " ")[:1500], "\n=====")
    n = sum(sum(p[1].values()) for p in parts)
    print("rows", len(rows), "tokens", rows.size, "fim documents", int((rows == FIM_S).sum()), "documents", int((rows == FILE).sum()),
          {l: round(sum(p[1][l] for p in parts) / n, 3) for l in MIX})


if __name__ == "__main__": main()
