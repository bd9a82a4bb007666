"""What 4-bit formats cost a small model: perplexities for FIGURES.md.

    python3 quantisation.py MODEL.gguf tokenizer.json CALIBRATION TEXT...     needs numpy, torch, gguf, tokenizers
    python3 quantisation.py --write MODEL.gguf PHI3_FOLDER FOLDER             the moved weights in BF16, for our engine;
                                     PHI3_FOLDER is what test/fixtures/smollm2/to_phi3.py wrote

MODEL is SmolLM2-135M-Instruct in Q4_1. Its weights lie on a grid that any quantiser with scale and minimum per 32 values
finds again. So they are moved off it first without changing the function: the gains of the norms go into the matrices
behind them, and random scales from v to o, from up to down, and per rotated pair from k to q. (The embedding, which is
also the head, stays on its grid of 8 bits.)
"""
import shutil
import sys

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from quantisation_rules import (affine_least_squares, grouped, level_least_squares, q4_0, q4_1, q4_k, q8, super_blocks,
                                symmetric_least_squares)
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


ROWS = [  # Title, bits per weight, rule, whether it takes the importance matrix.
    ("f32", 32, None, False),
    ("q8", 8.5, q8, False),
    ("q4, the rule of Q4_0", 4.5, q4_0, False),
    ("q4, least squares", 4.5, grouped(symmetric_least_squares), False),
    ("q4, least squares, importance", 4.5, grouped(symmetric_least_squares), True),
    ("IQ4_NL, least squares", 4.5, grouped(level_least_squares), False),
    ("IQ4_NL, least squares, importance", 4.5, grouped(level_least_squares), True),
    ("Q4_K, its own rule", 4.5, q4_k, False),
    ("Q4_K, its own rule, importance", 4.5, q4_k, True),
    ("Q4_K, least squares", 4.5, super_blocks, False),
    ("Q4_K, least squares, importance", 4.5, super_blocks, True),
    ("Q4_K, weighted by importance only", 4.5, lambda x, i: super_blocks(x, i, True), True),
    ("q4m of 64, least squares, importance", 4.5, grouped(affine_least_squares, 64), True),
    ("q4m, the rule of Q4_1", 5, q4_1, False),
    ("q4m, least squares", 5, grouped(affine_least_squares), False),
    ("q4m, least squares, importance", 5, grouped(affine_least_squares), True),
]


def main(model, tokenizer, calibration, *texts):
    torch.set_num_threads(1)
    encode = Tokenizer.from_file(tokenizer).encode
    read = lambda path: encode(open(path, encoding="utf8").read(), add_special_tokens=False).ids  # noqa: E731
    layers, embedding, norm = load(model)
    layers = [off_grid(layer) for layer in layers]
    ends = torch.tensor(embedding), torch.tensor(norm)
    exact = [{name: torch.tensor(w) for name, w in layer.items()} for layer in layers]
    seen = [{} for _ in layers]
    log_likelihood(read(calibration)[:6144], exact, *ends, seen)

    def quantised(rule, importances):
        def matrix(number, name, w):
            if rule is None or w.ndim == 1:
                return w
            columns = torch.tensor(seen[number][name]).float()
            importance = columns.expand(w.shape) if importances else None
            return rule(w, importance)

        return [{name: matrix(i, name, w) for name, w in layer.items()} for i, layer in enumerate(exact)]

    ids = [read(text)[:1024] for text in texts]
    print(f"{sum(map(len, ids))} tokens of {', '.join(texts)}; calibration: {calibration}")
    reference = None
    for title, bits, rule, importances in ROWS:
        candidate = quantised(rule, importances)
        sums = [log_likelihood(text, candidate, *ends) for text in ids]
        perplexity = np.exp(-sum(s for s, _ in sums) / sum(n for _, n in sums))
        reference = reference or perplexity
        print(f"{title:38} {bits:4} bits {perplexity:7.2f} {100 * (perplexity / reference - 1):+7.1f} %", flush=True)


def write(model, phi3_folder, folder):
    import ml_dtypes
    from safetensors.numpy import save_file

    layers, embedding, norm = load(model)
    tensors = {"model.embed_tokens.weight": embedding, "model.norm.weight": norm}
    for number, layer in enumerate(off_grid(layer) for layer in layers):
        for name, parts in {"self_attn.qkv_proj": "q k v", "self_attn.o_proj": "o", "mlp.gate_up_proj": "gate up",
                            "mlp.down_proj": "down", "input_layernorm": "norm1",
                            "post_attention_layernorm": "norm2"}.items():
            tensors[f"model.layers.{number}.{name}.weight"] = np.concatenate([layer[part] for part in parts.split()])
    shutil.copytree(phi3_folder, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    tensors = {name: w.astype(ml_dtypes.bfloat16) for name, w in tensors.items()}
    save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})


if sys.argv[1] == "--write":
    write(*sys.argv[2:])
else:
    main(*sys.argv[1:])
