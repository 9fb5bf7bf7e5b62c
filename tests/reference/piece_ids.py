"""Token ids of SentencePiece itself, for the tokenizers of Llama 1 and 2 and Gemma, and of Qwen from its GGUF file.

    python tests/reference/piece_ids.py golden OPTIONAL DATA      writes tests/reference/golden/pieces* (a tiny model of our
                                                                  own texts) and optional_hashes.bin
    python tests/reference/piece_ids.py compare OPTIONAL DATA BIN prints how many texts are equal; BIN is the built unit
                                                                  test llm_tokenizer, which can dump ids

OPTIONAL holds gemma3-270m.gguf and qwen2.5-coder-0.5b.gguf. DATA holds email_five, banking77, code_rag and codiesp, of
which only hashes are kept. Needs sentencepiece, protobuf, tokenizers, gguf and jinja2.
"""
import io
import json
import random
import struct
import sys
from pathlib import Path

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers as pre

import token_ids
from token_ids import BYTE_TEXTS, CORPUS, GOLDEN, LLAMA3, TEXTS, dump, hash64, hashed_texts, odd_texts, report, talk_text

# Texts that rules of pieces are about, beside those of token_ids.py.
PIECE_TEXTS = ["\u2581", " \u2581 x", "a \u2581b", "<0x0A>", "<0x41>b", "<b>bold</b>", "x<b", "<b><b>", "\n\n\n", "a\n\nb",
               "    four", "a     b", "<s>", "</s>x", "<unk>", "\u2581the", "the the  the", "\t\tx", "<b> \n\n <b>", "<start>"]
USER_DEFINED = ["<b>", "</b>", "\n\n", "  ", "    "]


def fields_of(path):
    fields = gguf.GGUFReader(path).fields
    return lambda key: fields["tokenizer." + key].contents() if "tokenizer." + key in fields else None


def from_gguf(path):
    """The file's vocabulary as a model of SentencePiece: an identity normaliser and byte fallback."""
    get = fields_of(path)
    proto = pb.ModelProto()
    for text, score, kind in zip(get("ggml.tokens"), get("ggml.scores"), get("ggml.token_type")):
        piece = proto.pieces.add()
        piece.piece = text.replace(" ", "\u2581") if kind == 4 else text
        piece.score, piece.type = score, kind
    for i in (get("ggml.unknown_token_id"),):
        proto.pieces[i].type = pb.ModelProto.SentencePiece.UNKNOWN
    proto.trainer_spec.model_type = pb.TrainerSpec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.unk_piece = proto.pieces[get("ggml.unknown_token_id")].piece
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = bool(get("ggml.add_space_prefix"))
    proto.normalizer_spec.remove_extra_whitespaces = False
    proto.normalizer_spec.escape_whitespaces = True
    return sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())


def qwen(path):
    """Qwen 2's pipeline, with the tokens and merges of its GGUF file."""
    get = fields_of(path)
    tokens, types = get("ggml.tokens"), get("ggml.token_type")
    t = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)},
                             [tuple(m.split(" ")) for m in get("ggml.merges")]))
    t.normalizer, t.decoder = normalizers.NFC(), decoders.ByteLevel()
    t.pre_tokenizer = pre.Sequence([token_ids.WORDS["qwen2"], pre.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.add_special_tokens([token for token, kind in zip(tokens, types) if kind == 3])
    t.add_tokens([AddedToken(token, normalized=False) for token, kind in zip(tokens, types) if kind == 4])
    return t


def spanish(data):
    for part in ("train", "dev", "test"):
        for line in open(data / f"codiesp/codiesp_{part}_es.jsonl", encoding="utf-8"):
            yield json.loads(line)["text"]


def compare(optional, data, binary):
    real = list(hashed_texts(data)) + token_ids.banking(data / "banking77/train.csv") + list(spanish(data))
    pieces = [t for t in TEXTS + PIECE_TEXTS + CORPUS]
    sets = {"real": [t.encode() for t in real],
            "odd": [t.encode() for t in pieces] + BYTE_TEXTS + list(odd_texts(random.Random(7), 6000, True)),
            "any code point": list(odd_texts(random.Random(8), 6000, False))}
    gemma, coder = optional / "gemma3-270m.gguf", optional / "qwen2.5-coder-0.5b.gguf"
    spm, byte_level = from_gguf(gemma), qwen(coder)
    for kind, raws in sets.items():
        texts = [r.decode("utf-8", "replace") for r in raws]
        got = dump(binary, ["ids", gemma, "plain"], raws)
        report(f"{kind}, Gemma 3", raws, got, [spm.encode(t) for t in texts])
        for special in (False, True):
            report(f"{kind}, Qwen 2.5, special tokens {'found' if special else 'as text'}", raws,
                   dump(binary, ["ids", coder, "special" if special else "plain"], raws),
                   [token_ids.ids_of(byte_level, t, special) for t in texts])


if __name__ == "__main__":
    verbs = {"compare": compare}
    if len(sys.argv) < 3 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    verbs[sys.argv[1]](*map(Path, sys.argv[2:]))
