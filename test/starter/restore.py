#!/usr/bin/env python3
"""Make WORK ready to go on from shipped weights: the sentencepiece model and a checkpoint.

usage: restore.py WORK MODEL_FOLDER NAME

Writes WORK/tokenizer.model (the pieces of MODEL_FOLDER/tokenizer.json in the order of their ids,
which is the order of their scores) and WORK/NAME.pt (the weights, no optimiser state).
"""
import json, sys
import torch
from sentencepiece import sentencepiece_model_pb2 as pb
from evaluate import load

work, folder, name = sys.argv[1:4]
vocab = json.load(open(folder + "/tokenizer.json"))["model"]["vocab"]
m = pb.ModelProto(); kind = pb.ModelProto.SentencePiece
for i, p in enumerate(sorted(vocab, key=vocab.get)):
    assert vocab[p] == i
    m.pieces.add(piece=p, score=0.0 if i < 259 else -float(i - 259),
                 type=kind.UNKNOWN if i == 0 else kind.CONTROL if i < 3 else kind.BYTE if i < 259 else kind.NORMAL)
t, n = m.trainer_spec, m.normalizer_spec
t.model_type, t.byte_fallback, t.vocab_size = pb.TrainerSpec.BPE, True, len(vocab)
t.unk_id, t.bos_id, t.eos_id, t.pad_id = 0, 1, 2, -1
n.name, n.add_dummy_prefix, n.remove_extra_whitespaces, n.escape_whitespaces = "identity", False, False, True
open(work + "/tokenizer.model", "wb").write(m.SerializeToString())
w = load(folder)
torch.save(dict(model=w.state_dict(), seen=0, spent=0.0), "%s/%s.pt" % (work, name))
