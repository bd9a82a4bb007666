"""Hand-written training step: oneDNN bf16 products and the fused kernels of kernels.c.

Same mathematics as model.Phi3 under bf16 autocast (check_fast.py compares the gradients).
All weights lie in one flat f32 buffer with a flat bf16 copy; views carry the HF names.
"""
import ctypes, math, os
import torch
from model import rope_tables
from special import EOT

K = ctypes.CDLL(os.environ.get("KERNELS", os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels.so")))
K.xent.restype = K.sumsq.restype = ctypes.c_double
P = lambda t: ctypes.c_void_p(t.data_ptr() if t is not None else 0)
L = ctypes.c_long; Fl = ctypes.c_float
bf = torch.bfloat16

class Fast:
    def __init__(s, model, batch, ctx=None, muon=0.0, weight=1.0):
        """`muon`: ratio of Muon's learning rate to AdamW's, 0 = AdamW for everything; `weight`: that of flagged targets."""
        c = s.c = model.c; s.B, s.T, s.muon, s.weight = batch, ctx or c.ctx, muon, weight
        sd = {k: v for k, v in model.named_parameters()}
        mats = [k for k in sd if sd[k].dim() == 2]; vecs = [k for k in sd if sd[k].dim() != 2]
        s.names, s.nmat = mats + vecs, sum(sd[k].numel() for k in mats)
        n = sum(sd[k].numel() for k in s.names)
        s.p, s.g, s.m, s.v = (torch.zeros(n) for _ in range(4)); s.pb = torch.zeros(n, dtype=bf)
        s.w, s.wb, s.gv, o = {}, {}, {}, 0
        for k in s.names:
            e = sd[k].numel()
            for d, f in ((s.w, s.p), (s.wb, s.pb), (s.gv, s.g)): d[k] = f[o:o + e].view(sd[k].shape)
            s.w[k].copy_(sd[k].data); o += e
        s.nemb, s.blocks, o = sd[mats[0]].numel(), {}, 0
        for k in mats:
            r, q = sd[k].shape; parts = 3 if "qkv" in k else 2 if "gate_up" in k else 1
            if o >= s.nemb:
                for i in range(parts): s.blocks.setdefault((r // parts, q), []).append(o + i * (r // parts) * q)
            o += r * q
        s.pb.copy_(s.p); s.n, s.t = n, 0
        N, C = s.B * s.T, c.hidden
        cos, sin = rope_tables(c, s.T); h2 = C // c.heads // 2
        s.cos, s.sin = cos[:, :h2].contiguous(), sin[:, :h2].contiguous()
        E = lambda *sh, dt=bf: torch.empty(*sh, dtype=dt)
        H, D, T, B, I = c.heads, C // c.heads, s.T, s.B, c.inter
        s.a = [dict(n1=E(N, C), r1=E(N, dt=torch.float32), q=E(B * H, T, D), k=E(B * H, T, D), v=E(B * H, T, D), pr=E(B * H, T, T), o=E(N, C),
                    n2=E(N, C), r2=E(N, dt=torch.float32), gu=E(N, 2 * I), y=E(N, I),
                    x1=E(N, C, dt=torch.float32), x2=E(N, C, dt=torch.float32)) for _ in range(c.layers)]
        s.x = E(N, C, dt=torch.float32); s.nf = E(N, C); s.rf = E(N, dt=torch.float32); s.logits = E(N, c.vocab)

    def dw(s, name, dy, x):                     # gradient of a weight: dy^T x
        t = dy.t() @ x
        K.widen(P(t), P(s.gv[name]), L(t.numel()))

    def step(s, ids, y, lr, wd, train=True):
        c = s.c; B, T, C, H, I = s.B, s.T, c.hidden, c.heads, c.inter; D = C // H; N = B * T
        ids = ids.reshape(-1).contiguous(); y = y.reshape(-1).contiguous(); eps = Fl(c.eps); sc = Fl(1 / math.sqrt(D))
        x, emb = s.x, "model.embed_tokens.weight"
        K.embed_fwd(P(s.w[emb]), P(ids), P(x), L(N), L(C)); d = None
        for i, a in enumerate(s.a):
            w = lambda n: s.wb["model.layers.%d.%s.weight" % (i, n)]
            wf = lambda n: s.w["model.layers.%d.%s.weight" % (i, n)]
            K.norm_fwd(P(x), P(d), P(wf("input_layernorm")), P(a["n1"]), P(a["r1"]), L(N), L(C), eps); a["x1"].copy_(x)
            qkv = a["n1"] @ w("self_attn.qkv_proj").t()
            K.rope_split(P(qkv), P(s.cos), P(s.sin), P(a["q"]), P(a["k"]), P(a["v"]), L(B), L(T), L(H), L(D))
            torch.bmm(a["q"], a["k"].transpose(1, 2), out=a["pr"])
            K.softmax_fwd(P(a["pr"]), sc, L(B * H * T), L(T))
            o = torch.bmm(a["pr"], a["v"])
            K.heads(P(o), P(a["o"]), L(B), L(T), L(H), L(D), 0)
            d = a["o"] @ w("self_attn.o_proj").t()
            K.norm_fwd(P(x), P(d), P(wf("post_attention_layernorm")), P(a["n2"]), P(a["r2"]), L(N), L(C), eps); a["x2"].copy_(x)
            torch.mm(a["n2"], w("mlp.gate_up_proj").t(), out=a["gu"])
            K.swiglu_fwd(P(a["gu"]), P(a["y"]), L(N), L(I))
            d = a["y"] @ w("mlp.down_proj").t()
        K.norm_fwd(P(x), P(d), P(s.w["model.norm.weight"]), P(s.nf), P(s.rf), L(N), L(C), eps)
        torch.mm(s.nf, s.wb[emb].t(), out=s.logits)
        cnt = ((y >= 0) + (y >= 2 << 16) * (s.weight - 1)).sum().item()
        loss = K.xent(P(s.logits), P(y), Fl(1 / cnt), Fl(s.weight), L(EOT), L(N), L(c.vocab)) / cnt
        if not train: return loss, 0.0
        s.dw(emb, s.logits, s.nf)
        dn = s.logits @ s.wb[emb]
        dx = torch.zeros(N, C); db = torch.empty(N, C, dtype=bf)
        K.norm_bwd(P(dn), P(x), P(s.w["model.norm.weight"]), P(s.rf), P(dx), P(db), P(s.gv["model.norm.weight"]), L(N), L(C))
        for i in reversed(range(c.layers)):
            a = s.a[i]; nm = lambda n: "model.layers.%d.%s.weight" % (i, n)
            s.dw(nm("mlp.down_proj"), db, a["y"])
            dy = db @ s.wb[nm("mlp.down_proj")]
            K.swiglu_bwd(P(a["gu"]), P(dy), L(N), L(I))
            s.dw(nm("mlp.gate_up_proj"), a["gu"], a["n2"])
            dn = a["gu"] @ s.wb[nm("mlp.gate_up_proj")]
            K.norm_bwd(P(dn), P(a["x2"]), P(s.w[nm("post_attention_layernorm")]), P(a["r2"]), P(dx), P(db), P(s.gv[nm("post_attention_layernorm")]), L(N), L(C))
            s.dw(nm("self_attn.o_proj"), db, a["o"])
            do = db @ s.wb[nm("self_attn.o_proj")]
            dh = torch.empty(B * H, T, D, dtype=bf); K.heads(P(do), P(dh), L(B), L(T), L(H), L(D), 1)
            dv = torch.bmm(a["pr"].transpose(1, 2), dh)
            dp = torch.bmm(dh, a["v"].transpose(1, 2))
            K.softmax_bwd(P(a["pr"]), P(dp), sc, L(B * H * T), L(T))
            dq = torch.bmm(dp, a["k"]); dk = torch.bmm(dp.transpose(1, 2), a["q"])
            dqkv = torch.empty(N, 3 * C, dtype=bf)
            dq, dk, dv = dq.contiguous(), dk.contiguous(), dv.contiguous()
            K.rope_merge(P(dq), P(dk), P(dv), P(s.cos), P(s.sin), P(dqkv), L(B), L(T), L(H), L(D))
            s.dw(nm("self_attn.qkv_proj"), dqkv, a["n1"])
            dn = dqkv @ s.wb[nm("self_attn.qkv_proj")]
            K.norm_bwd(P(dn), P(a["x1"]), P(s.w[nm("input_layernorm")]), P(a["r1"]), P(dx), P(db), P(s.gv[nm("input_layernorm")]), L(N), L(C))
        K.embed_bwd(P(s.gv[emb]), P(ids), P(dx), L(N), L(C))
        gn = math.sqrt(K.sumsq(P(s.g), L(s.n)))
        if lr is not None: s.update(lr, wd, gn)
        return loss, gn

    def adamw(s, o, n, lr, wd, gs):
        """AdamW on the flat range [o, o + n)."""
        b1, b2 = 0.9, 0.95; sl = slice(o, o + n)
        K.adamw(P(s.p[sl]), P(s.pb[sl]), P(s.g[sl]), P(s.m[sl]), P(s.v[sl]), L(n), Fl(gs), Fl(lr), Fl(b1), Fl(b2), Fl(1e-8), Fl(wd),
                Fl(1 / (1 - b1 ** s.t)), Fl(1 / (1 - b2 ** s.t)))

    def update(s, lr, wd, gn):
        s.t += 1; gs = min(1.0, 1.0 / (gn + 1e-6))
        if not s.muon: s.adamw(0, s.nmat, lr, wd, gs)
        else:
            s.adamw(0, s.nemb, lr, 0.0, gs)
            s.muon_update(lr * s.muon, lr * wd)
        s.adamw(s.nmat, s.n - s.nmat, lr, 0.0, gs)

    def muon_update(s, lr, decay):
        """Muon: momentum, then the nearest half-orthogonal matrix by Newton-Schulz iteration.
        Projections that are stored stacked (q, k, v; gate, up) are treated one by one."""
        sl = slice(s.nemb, s.nmat); mu = min(0.95, 0.85 + 0.1 * s.t / 300)
        s.m[sl].lerp_(s.g[sl], 1 - mu)
        u = torch.lerp(s.g[sl], s.m[sl], mu)
        for shape, spans in s.blocks.items():
            x = torch.stack([u[o - s.nemb:o - s.nemb + shape[0] * shape[1]].view(shape) for o in spans])
            tall = shape[0] > shape[1]
            if tall: x = x.transpose(1, 2)
            x = (x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)).to(bf).contiguous()
            for _ in range(5):
                a = torch.bmm(x, x.transpose(1, 2)); b = torch.bmm(a, a).mul_(2.0315).add_(a, alpha=-4.7750)
                x = torch.bmm(b, x).add_(x, alpha=3.4445)
            x = x.float()
            if tall: x = x.transpose(1, 2)
            k = lr * max(1.0, shape[0] / shape[1]) ** 0.5
            for o, d in zip(spans, x):
                w = s.p[o:o + d.numel()].view(shape); w.mul_(1 - decay).add_(d, alpha=-k)
                s.pb[o:o + d.numel()].copy_(w.reshape(-1))
