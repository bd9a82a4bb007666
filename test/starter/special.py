"""Vocabulary layout shared by all scripts."""
VOCAB = 6144                                     # rows of embed_tokens
SPECIAL = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file|>"] + \
          ["<|reserved%d|>" % i for i in range(1, 12)]
SP_VOCAB = VOCAB - len(SPECIAL)                  # pieces of the sentencepiece model
ID = {s: SP_VOCAB + i for i, s in enumerate(SPECIAL)}
UNK, BOS, EOS, NL = 0, 1, 2, 3 + 10              # NL = byte piece <0x0A>
EOT, FIM_P, FIM_S, FIM_M, FILE = (ID[s] for s in SPECIAL[:5])
NAMES = {i: s for s, i in ID.items()}
ID_MASK, IN_PREFIX, IN_MIDDLE = 8191, 8192, 16384   # high bits of a token in a packed row: how its loss counts (pack.py)
