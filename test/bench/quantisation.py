"""What 4-bit formats cost a small model: perplexities for FIGURES.md.

    python3 quantisation.py MODEL.gguf tokenizer.json CALIBRATION TEXT...     needs numpy, torch, gguf, tokenizers

MODEL is SmolLM2-135M-Instruct in Q4_1. Its weights lie on a grid that any quantiser with scale and minimum per 32 values
finds again. So they are moved off it first without changing the function: the gains of the norms go into the matrices
behind them, and random scales from v to o, from up to down, and per rotated pair from k to q. (The embedding, which is
also the head, stays on its grid of 8 bits.)
"""
import sys

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from tokenizers import Tokenizer

HEADS, KV_HEADS, HEAD, LAYERS, MLP, THETA, WINDOW = 9, 3, 64, 30, 1536, 100000, 1024
GROUP = HEADS // KV_HEADS
random = np.random.default_rng(7)


def load(path):
    stored = {t.name: t for t in GGUFReader(path).tensors}

    def tensor(name):
        return dequantize(stored[name].data, stored[name].tensor_type).astype(np.float64)

    def halves(w, heads):  # llama.cpp interleaves the rows of q and k.
        return w.reshape(heads, HEAD // 2, 2, -1).swapaxes(1, 2).reshape(w.shape)

    names = dict(q="attn_q", k="attn_k", v="attn_v", o="attn_output", gate="ffn_gate", up="ffn_up", down="ffn_down",
                 norm1="attn_norm", norm2="ffn_norm")
    layers = [{k: tensor(f"blk.{i}.{n}.weight") for k, n in names.items()} for i in range(LAYERS)]
    for layer in layers:
        layer["q"], layer["k"] = halves(layer["q"], HEADS), halves(layer["k"], KV_HEADS)
    return layers, tensor("token_embd.weight").astype(np.float32), tensor("output_norm.weight").astype(np.float32)


def off_grid(layer):
    for name, norm in dict(q="norm1", k="norm1", v="norm1", gate="norm2", up="norm2").items():
        layer[name] = layer[name] * layer[norm]
    layer["norm1"] = layer["norm2"] = np.ones(HEADS * HEAD)
    v = np.exp(random.normal(0, 0.3, (KV_HEADS, HEAD)))
    layer["v"] *= v.reshape(-1, 1)
    layer["o"] /= v.repeat(GROUP, axis=0).reshape(1, -1)
    up = np.exp(random.normal(0, 0.3, MLP))
    layer["up"] *= up[:, None]
    layer["down"] /= up[None]
    pairs = np.tile(np.exp(random.normal(0, 0.3, (KV_HEADS, HEAD // 2))), (1, 2))
    layer["k"] *= pairs.reshape(-1, 1)
    layer["q"] /= pairs.repeat(GROUP, axis=0).reshape(-1, 1)
    return {name: w.astype(np.float32) for name, w in layer.items()}


def rms(x, gain):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * gain


def rotate(x):
    angle = torch.arange(len(x)).float()[:, None] / THETA ** (torch.arange(0, HEAD, 2) / HEAD)
    cos, sin = (torch.cat([f, f], -1)[:, None] for f in (angle.cos(), angle.sin()))
    return x * cos + torch.cat([-x[..., HEAD // 2:], x[..., : HEAD // 2]], -1) * sin


@torch.no_grad()
def log_likelihood(ids, layers, embedding, norm, seen=None):
    """Sum and count over windows of WINDOW tokens. `seen` collects the sums of squares of each matrix's inputs."""
    total = count = 0
    for start in range(0, len(ids) - 1, WINDOW):
        window = torch.tensor(ids[start : start + WINDOW])
        x = embedding[window]
        for number, layer in enumerate(layers):

            def product(y, name):
                if seen is not None:
                    seen[number][name] = seen[number].get(name, 0) + (y.double() ** 2).sum(0).numpy()
                return y @ layer[name].T

            h = rms(x, layer["norm1"])
            q = rotate(product(h, "q").view(-1, HEADS, HEAD))
            k = rotate(product(h, "k").view(-1, KV_HEADS, HEAD)).repeat_interleave(GROUP, 1)
            v = product(h, "v").view(-1, KV_HEADS, HEAD).repeat_interleave(GROUP, 1)
            q, k, v = (t.transpose(0, 1)[None] for t in (q, k, v))
            mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)[0]
            x = x + product(mixed.transpose(0, 1).reshape(len(window), -1), "o")
            h = rms(x, layer["norm2"])
            x = x + product(torch.nn.functional.silu(product(h, "gate")) * product(h, "up"), "down")
        logits = torch.log_softmax(rms(x, norm) @ embedding.T, -1)
        total += logits[:-1].gather(1, window[1:, None]).sum().item()
        count += len(window) - 1
    return total, count


def f16(x):
    return x.astype(np.float16).astype(np.float64)


def inverse(x):
    return np.divide(1, x, out=np.zeros_like(x), where=x != 0)


def q8(x, _):
    scale = f16(np.abs(x).max(1) / 127)[:, None]
    return np.clip(np.floor(x * inverse(scale) + 0.5), -127, 127) * scale


def q4(x, _):
    scale = f16(np.take_along_axis(x, np.abs(x).argmax(1)[:, None], 1) / -8)
    return np.clip(np.floor(x * inverse(scale) + 0.5), -8, 7) * scale


def q4m(x, _):
    low = x.min(1, keepdims=True)
    scale, low = f16((x.max(1, keepdims=True) - low) / 15), f16(low)
    return np.clip(np.floor((x - low) * inverse(scale) + 0.5), 0, 15) * scale + low


def weights_of(x, importance):
    """Large values count more; so do inputs that are large, where they are known."""
    rms_of_group = np.sqrt((x * x).mean(1, keepdims=True))
    return rms_of_group + np.abs(x) if importance is None else importance * np.sqrt(rms_of_group**2 + x * x)


def best(x, weight, candidates):
    """The candidate of least weighted squared error, group by group."""
    least, chosen = np.full((len(x), 1), np.inf), np.zeros_like(x)
    for value in candidates:
        error = (weight * (value - x) ** 2).sum(1, keepdims=True)
        chosen, least = np.where(error < least, value, chosen), np.minimum(error, least)
    return chosen


def q4_least_squares(x, importance):
    weight = weights_of(x, importance)
    extreme = np.take_along_axis(x, np.abs(x).argmax(1)[:, None], 1)

    def candidates():
        for step in np.arange(-9, 10) * 0.1:
            scale = extreme / (-8 - step)
            for _ in range(2):
                q = np.clip(np.rint(x * inverse(scale)), -8, 7)
                scale = (weight * q * x).sum(1, keepdims=True) * inverse((weight * q * q).sum(1, keepdims=True))
            scale = f16(scale)
            yield np.clip(np.rint(x * inverse(scale)), -8, 7) * scale

    return best(x, weight, candidates())


def q4m_least_squares(x, importance):
    weight = weights_of(x, importance)
    low, high = x.min(1, keepdims=True), x.max(1, keepdims=True)
    total = weight.sum(1, keepdims=True)

    def candidates():
        for step in np.arange(-10, 11) * 0.1:
            scale, minimum = (high - low) / (15 + step), low
            for _ in range(2):
                q = np.clip(np.rint((x - minimum) * inverse(scale)), 0, 15)
                wq, wqq, wx, wqx = ((weight * f).sum(1, keepdims=True) for f in (q, q * q, x, q * x))
                determinant = inverse(total * wqq - wq * wq)
                scale, minimum = (total * wqx - wq * wx) * determinant, (wqq * wx - wq * wqx) * determinant
            scale, minimum = f16(scale), f16(minimum)
            yield np.clip(np.rint((x - minimum) * inverse(scale)), 0, 15) * scale + minimum

    return best(x, weight, candidates())


def main(model, tokenizer, calibration, *texts):
    encode = Tokenizer.from_file(tokenizer).encode
    read = lambda path: encode(open(path, encoding="utf8").read(), add_special_tokens=False).ids  # noqa: E731
    layers, embedding, norm = load(model)
    layers = [off_grid(layer) for layer in layers]
    embedding, norm = torch.tensor(embedding), torch.tensor(norm)
    exact = [{name: torch.tensor(w) for name, w in layer.items()} for layer in layers]
    seen = [{} for _ in layers]
    log_likelihood(read(calibration)[:6144], exact, embedding, norm, seen)

    def quantised(rule, importances):
        def matrix(number, name, w):
            if rule is None or w.ndim == 1:
                return torch.tensor(w)
            x = w.reshape(-1, 32).astype(np.float64)
            columns = seen[number][name].reshape(-1, 32) if importances else None
            importance = np.tile(columns, (len(x) // len(columns), 1)) if importances else None
            return torch.tensor(rule(x, importance).astype(np.float32).reshape(w.shape))

        return [{name: matrix(i, name, w) for name, w in layer.items()} for i, layer in enumerate(layers)]

    ids = [read(text)[:2048] for text in texts]
    print(f"{sum(map(len, ids))} tokens of {', '.join(texts)}; calibration: {calibration}")
    for title, rule, importances in [
        ("f32", None, False), ("q8", q8, False), ("q4 (4.5 bits)", q4, False),
        ("q4, least squares", q4_least_squares, False), ("q4, least squares, importance", q4_least_squares, True),
        ("q4m (5 bits), the rule of Q4_1", q4m, False), ("q4m, least squares", q4m_least_squares, False),
        ("q4m, least squares, importance", q4m_least_squares, True),
    ]:
        candidate = quantised(rule, importances)
        sums = [log_likelihood(text, candidate, embedding, norm) for text in ids]
        print(f"{title:32} perplexity {np.exp(-sum(s for s, _ in sums) / sum(n for _, n in sums)):.2f}", flush=True)


main(*sys.argv[1:])
