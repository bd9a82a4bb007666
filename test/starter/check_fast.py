#!/usr/bin/env python3
"""Compare loss and gradients of the fused step (fast.py, kernels.c) with autograd (model.py)."""
import torch, torch.nn.functional as F
from fast import Fast
from model import Config, Phi3
from special import EOT, VOCAB

torch.set_num_threads(2); torch.manual_seed(1)
c = Config(128, 2, 2, ctx=128); m = Phi3(c)
for p in m.parameters(): p.data += 0.02 * torch.randn_like(p)
x = torch.randint(0, VOCAB, (4, 128)); y = torch.randint(0, VOCAB, (4, 128)); y[0, :5] = -100
flags = torch.randint(0, 3, (4, 128)) * (y >= 0)                    # none, no end token, heavier
logits = m.logits(m.hidden(x)); logits[..., EOT].masked_fill_(flags == 1, -1e9)
y[(flags == 1) & (y == EOT)] = 0
l = F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=-100, reduction="none"); w = 1 + 2.0 * (flags == 2).flatten() * (y.flatten() >= 0)
want = (l * w).sum() / (w * (y.flatten() >= 0)).sum(); want.backward()
y = torch.where(y >= 0, y + (flags << 16), y)
f = Fast(m, 4, 128, weight=3.0); got, _ = f.step(x, y, None, 0)
worst = max(((f.gv[k] - p.grad).norm() / p.grad.norm()).item() for k, p in m.named_parameters())
print("loss %.5f fused %.5f, largest relative gradient difference %.4f" % (want.item(), got, worst))
assert abs(want.item() - got) < 1e-3 and worst < 0.02
