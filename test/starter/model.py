"""Phi-3 in plain PyTorch; module names equal Hugging Face's Phi3ForCausalLM, so that
state_dict() is the export. The head is the embedding (tied)."""
import math
import torch, torch.nn as nn, torch.nn.functional as F
from special import VOCAB


class Config:
    def __init__(s, hidden=256, layers=6, heads=4, inter=None, ctx=512, theta=10000.0, eps=1e-5, vocab=VOCAB):
        s.hidden, s.layers, s.heads, s.ctx, s.theta, s.eps, s.vocab = hidden, layers, heads, ctx, theta, eps, vocab
        s.inter = inter or 3 * hidden

class RMSNorm(nn.Module):
    def __init__(s, d, eps):
        super().__init__(); s.weight = nn.Parameter(torch.ones(d)); s.eps = eps
    def forward(s, x):
        f = x.float()
        return (f * torch.rsqrt(f.pow(2).mean(-1, keepdim=True) + s.eps) * s.weight)

def rope_tables(cfg, n, start=0):
    d = cfg.hidden // cfg.heads
    inv = 1.0 / cfg.theta ** (torch.arange(0, d, 2).float() / d)
    f = torch.outer(torch.arange(start, start + n).float(), inv)
    e = torch.cat([f, f], -1)
    return e.cos(), e.sin()

def rotate(x, cos, sin):            # half-split convention
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin

class Attention(nn.Module):
    def __init__(s, c):
        super().__init__(); s.c = c
        s.qkv_proj = nn.Linear(c.hidden, 3 * c.hidden, bias=False)
        s.o_proj = nn.Linear(c.hidden, c.hidden, bias=False)
    def forward(s, x, cos, sin, mask, past=None):
        B, T, C = x.shape; H = s.c.heads; D = C // H
        q, k, v = s.qkv_proj(x).view(B, T, 3, H, D).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        k, q = k.to(v.dtype), q.to(v.dtype)
        if past is not None:
            if past: k = torch.cat([past[0], k], 2); v = torch.cat([past[1], v], 2)
            past[:] = [k, v]
        a = q @ k.transpose(-1, -2) * (1 / math.sqrt(D))
        a = F.softmax(a + mask.to(a.dtype), -1) if mask is not None else F.softmax(a, -1)
        return s.o_proj((a.to(v.dtype) @ v).transpose(1, 2).reshape(B, T, C))

class MLP(nn.Module):
    def __init__(s, c):
        super().__init__()
        s.gate_up_proj = nn.Linear(c.hidden, 2 * c.inter, bias=False)
        s.down_proj = nn.Linear(c.inter, c.hidden, bias=False)
    def forward(s, x):
        g, u = s.gate_up_proj(x).chunk(2, -1)
        return s.down_proj(F.silu(g) * u)

class Layer(nn.Module):
    def __init__(s, c):
        super().__init__()
        s.input_layernorm = RMSNorm(c.hidden, c.eps); s.self_attn = Attention(c)
        s.post_attention_layernorm = RMSNorm(c.hidden, c.eps); s.mlp = MLP(c)
    def forward(s, x, cos, sin, mask, past=None):
        x = x + s.self_attn(s.input_layernorm(x), cos, sin, mask, past)
        return x + s.mlp(s.post_attention_layernorm(x))

class Body(nn.Module):
    def __init__(s, c):
        super().__init__()
        s.embed_tokens = nn.Embedding(c.vocab, c.hidden)
        s.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        s.norm = RMSNorm(c.hidden, c.eps)

class Phi3(nn.Module):
    def __init__(s, c):
        super().__init__(); s.c = c; s.model = Body(c)
        for n, p in s.named_parameters():
            if p.dim() == 2:
                std = 0.02 / math.sqrt(2 * c.layers) if n.endswith(("o_proj.weight", "down_proj.weight")) else 0.02
                nn.init.normal_(p, 0, std)
        cos, sin = rope_tables(c, 4096)
        s.register_buffer("cos", cos, persistent=False); s.register_buffer("sin", sin, persistent=False)
    def hidden(s, ids, caches=None, pos=0, pad=None):
        """`caches`: one list per layer, filled with keys and values; `pad`: left padding of each row."""
        T = ids.shape[1]
        x = s.model.embed_tokens(ids)
        mask = torch.full((T, T), -1e9).triu(1) if T > 1 else None
        if mask is not None and pos: mask = torch.cat([torch.zeros(T, pos), mask], 1)
        if pad is not None:
            hide = (torch.arange(pos + T)[None, :] < pad[:, None]).float()[:, None, None] * -1e9
            mask = hide if mask is None else (mask + hide).clamp_min(-1e9)
        cos, sin = s.cos[pos:pos + T], s.sin[pos:pos + T]
        for i, l in enumerate(s.model.layers):
            x = l(x, cos, sin, mask, caches[i] if caches is not None else None)
        return s.model.norm(x)
    def logits(s, h): return F.linear(h, s.model.embed_tokens.weight)
    def loss(s, ids, targets):
        l = s.logits(s.hidden(ids))
        return F.cross_entropy(l.view(-1, l.shape[-1]).float(), targets.reshape(-1), ignore_index=-100)
