#!/usr/bin/env python3
"""Train the starter model on the CPU for a given wall time.

usage: train.py WORK NAME SECONDS [key=value ...]

Learning rate by share of the wall time used (the machine may be shared): short warm-up, flat,
then linear to zero. The last part (`long`) of the time uses rows of twice the length.
Files: WORK/NAME.pt (checkpoint every `save` seconds; a start with it present goes on from it),
WORK/NAME.log (loss), training rows WORK/train512.bin and WORK/train1024.bin, held-out rows
WORK/held512.bin.
"""
import json, math, os, sys, time
import numpy as np, torch
from fast import Fast
from model import Config, Phi3
from special import FIM_P, FIM_S, FIM_M, FILE


def rows(path, n):
    a = np.memmap(path, np.uint16, "r"); return a.reshape(-1, n)


def batch(data, i, B):
    """Inputs and targets; marks that the engine sets are not learnt."""
    w = torch.from_numpy(np.stack([data[(i + b) % len(data)] for b in range(B)]).astype(np.int64))
    y = torch.full_like(w, -100); y[:, :-1] = w[:, 1:]
    y[(y >= FIM_P) & (y <= FILE)] = -100
    return w, y


def main():
    work, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    o = dict(hidden=256, layers=6, tokens=8192, lr=2.5e-3, wd=0.1, muon=8.0, warm=0.015, flat=0.3, long=0.1, save=600, stop=1e9)
    o.update({k: float(v) for k, v in (a.split("=") for a in sys.argv[4:])})
    torch.set_num_threads(int(o.get("threads", 2))); torch.manual_seed(0)
    c = Config(int(o["hidden"]), int(o["layers"]), int(o["hidden"]) // 64, ctx=1024)
    m = Phi3(c); path = "%s/%s.pt" % (work, name); log = open("%s/%s.log" % (work, name), "a")
    seen, spent, st = 0, 0.0, None
    if os.path.exists(path): st = torch.load(path); m.load_state_dict(st["model"]); seen, spent = st["seen"], st["spent"]
    def make(T, st):
        f = Fast(m, int(o["tokens"]) // T, T, o["muon"])
        if st: f.m.copy_(st["m"]); f.v.copy_(st["v"]); f.t = st["t"]
        return f
    def state(f): return dict(model={k: v.clone() for k, v in f.w.items()}, m=f.m, v=f.v, t=f.t, seen=seen, spent=spent + time.time() - t0, cfg=c.__dict__, options=o)
    def held(f, data):
        n = 0; s = 0.0
        for i in range(0, len(data) - f.B + 1, f.B): w, y = batch(data, i, f.B); s += f.step(w, y, None, 0, train=False)[0]; n += 1
        return s / n
    data = {512: rows(work + "/train512.bin", 512)}; val = rows(work + "/held512.bin", 512)[:64]
    t0 = time.time(); T = 512; f = make(T, st); avg = None; last = lastsave = lastval = t0; i512 = seen // 512; i1024 = 0
    while True:
        now = time.time(); u = (spent + now - t0) / seconds
        if u >= 1 or now - t0 > o["stop"]: break
        if u > 1 - o["long"] and T == 512:
            print("%.0f s held-out loss %.4f; rows of 1024 from here" % (spent + now - t0, held(f, val)), file=log, flush=True)
            st = state(f); m.load_state_dict(st["model"]); T = 1024; f = make(T, st); data[T] = rows(work + "/train1024.bin", T)
        lr = o["lr"] * min(max(u, 1e-4) / o["warm"], 1.0, (1 - u) / (1 - o["flat"]))
        w, y = batch(data[T], i512 if T == 512 else i1024, f.B)
        l, gn = f.step(w, y, lr, o["wd"])
        if not math.isfinite(l): sys.exit("loss is not finite")
        if T == 512: i512 += f.B
        else: i1024 += f.B
        seen += w.numel(); avg = l if avg is None else 0.98 * avg + 0.02 * l; now = time.time()
        if now - last > 15:
            last = now; print("%.3f M tokens %.0f s step %d loss %.4f lr %.5f gn %.2f" % (seen / 1e6, spent + now - t0, f.t, avg, lr, gn), file=log, flush=True)
        if now - lastval > 300 and T == 512: lastval = now; print("%.0f s held-out loss %.4f" % (spent + now - t0, held(f, val)), file=log, flush=True)
        if now - lastsave > o["save"]: lastsave = now; torch.save(state(f), path + ".tmp"); os.replace(path + ".tmp", path)
    if T == 512: print("held-out loss %.4f" % held(f, val), file=log)
    torch.save(state(f), path + ".tmp"); os.replace(path + ".tmp", path)
    print("%s: %.3f M tokens, %.0f s (%.0f tokens/s), loss %.4f" % (name, seen / 1e6, spent + time.time() - t0, seen / (spent + time.time() - t0), avg), file=log, flush=True)


if __name__ == "__main__": main()
