#!/usr/bin/env python3
"""Train the starter model on the CPU for a given wall time, or go on with its training.

usage: train.py WORK NAME SECONDS [key=value ...]

Learning rate by share of the wall time used (the machine may be shared, and the process stopped
for a while): short warm-up, flat for `flat` of the time, then linear to zero. The last part
(`long`) of the time uses longer rows. WORK/NAME.pt is the checkpoint, written every `save`
seconds; a start with it present goes on from it, also where it holds nothing but weights (restore.py).
Files: WORK/NAME.csv (loss curve: seconds, tokens, loss of the last steps, held-out loss),
training rows WORK/train512.bin and WORK/train2048.bin, held-out rows WORK/held512.bin.
"""
import math, os, sys, time
import numpy as np, torch
from fast import Fast
from model import Config, Phi3
from special import FIM_P, FIM_S, FIM_M, FILE, ID_MASK

SHORT, LONG = 512, 2048


def rows(path, n): return np.memmap(path, np.uint16, "r").reshape(-1, n)


def batch(data, i, B):
    """Inputs and targets with their flags; marks that the engine sets are not learnt."""
    w = torch.from_numpy(np.stack([data[(i + b) % len(data)] for b in range(B)]).astype(np.int64))
    flags = w // (ID_MASK + 1); w &= ID_MASK
    y = torch.full_like(w, -100); y[:, :-1] = w[:, 1:]
    y[(y >= FIM_P) & (y <= FILE)] = -100
    y[:, :-1] = torch.where(y[:, :-1] >= 0, y[:, :-1] + (flags[:, 1:] << 16), -100)
    return w, y


class Curve:
    """The loss curve as a CSV file."""
    def __init__(s, path):
        new = not os.path.exists(path); s.file = open(path, "a")
        if new: print("seconds,tokens,training_loss,held_out_loss", file=s.file, flush=True)
    def add(s, seconds, tokens, loss=None, held=None):
        f = lambda x: "" if x is None else "%.4f" % x
        print("%.0f,%d,%s,%s" % (seconds, tokens, f(loss), f(held)), file=s.file, flush=True)


def held_loss(f, data):
    n = 0; s = 0.0
    for i in range(0, len(data) - f.B + 1, f.B): w, y = batch(data, i, f.B); s += f.step(w, y, None, 0, train=False)[0]; n += 1
    return s / n


def main():
    work, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    o = dict(hidden=256, layers=6, tokens=8192, lr=2.5e-3, wd=0.1, muon=8.0, warm=0.015, flat=0.3, long=0.1, weight=2.0, save=600, threads=2)
    o.update({k: float(v) for k, v in (a.split("=") for a in sys.argv[4:])})
    torch.set_num_threads(int(o["threads"])); torch.manual_seed(0)
    m = Phi3(Config(int(o["hidden"]), int(o["layers"]), int(o["hidden"]) // 64, ctx=LONG))
    path = "%s/%s.pt" % (work, name); curve = Curve("%s/%s.csv" % (work, name)); print("checkpoint", path, "of process", os.getpid(), flush=True)
    st = torch.load(path) if os.path.exists(path) else dict(seen=0, spent=0.0)
    if "model" in st: m.load_state_dict(st["model"])
    seen, spent = st["seen"], st["spent"]; at = {SHORT: 0, LONG: 0} | st.get("at", {}); t0 = time.time(); clock = lambda: spent + time.time() - t0
    def make(T, st):
        f = Fast(m, int(o["tokens"]) // T, T, o["muon"], o["weight"])
        if "m" in st: f.m.copy_(st["m"]); f.v.copy_(st["v"]); f.t = st["t"]
        return f
    def state(): return dict(model={k: v.clone() for k, v in f.w.items()}, m=f.m, v=f.v, t=f.t, seen=seen, spent=clock(), at=at, cfg=m.c.__dict__, options=o)
    def save(): torch.save(state(), path + ".tmp"); os.replace(path + ".tmp", path)
    val = rows(work + "/held512.bin", SHORT)[:64]; T = LONG if spent > (1 - o["long"]) * seconds else SHORT
    data = rows("%s/train%d.bin" % (work, T), T); f = make(T, st); losses = []; last = lastsave = t0
    if T == SHORT: curve.add(clock(), seen, held=held_loss(f, val))
    while (u := clock() / seconds) < 1:
        if u > 1 - o["long"] and T == SHORT:
            curve.add(clock(), seen, held=held_loss(f, val)); save()
            st = state(); m.load_state_dict(st["model"]); T = LONG; f = make(T, st); data = rows("%s/train%d.bin" % (work, T), T)
        lr = o["lr"] * min(max(u, 1e-4) / o["warm"], 1.0, (1 - u) / (1 - o["flat"]))
        w, y = batch(data, at[T], f.B); loss, _ = f.step(w, y, lr, o["wd"])
        if not math.isfinite(loss): sys.exit("loss is not finite")
        at[T] += f.B; seen += w.numel(); losses.append(loss); now = time.time()
        if now - last > 60: last = now; curve.add(clock(), seen, sum(losses) / len(losses)); losses = []
        if now - lastsave > o["save"]:
            lastsave = now; save(); data = rows("%s/train%d.bin" % (work, T), T)      # rows may be added meanwhile
            if T == SHORT: curve.add(clock(), seen, held=held_loss(f, val))
    save(); st = state(); m.load_state_dict(st["model"]); f = make(SHORT, st); curve.add(clock(), seen, held=held_loss(f, val))
    print("%s: %.3f M tokens, %.0f s (%.0f tokens/s)" % (name, seen / 1e6, clock(), seen / clock()), flush=True)


if __name__ == "__main__": main()
