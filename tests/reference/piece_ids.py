"""Token ids of SentencePiece itself, for the tokenizers of Llama 1 and 2 and Gemma, and of Qwen from its GGUF file.

    python tests/reference/piece_ids.py golden OPTIONAL DATA      writes tests/reference/golden/pieces* (a tiny model of
                                                                  our own texts) and optional_hashes.bin
    python tests/reference/piece_ids.py compare OPTIONAL DATA BIN prints how many texts are equal; BIN is the built unit
                                                                  test llm_tokenizer, which can dump ids

OPTIONAL holds gemma3-270m.gguf and qwen2.5-coder-0.5b.gguf. DATA holds email_five, banking77, code_rag and codiesp, of
which only hashes are kept. Needs sentencepiece, protobuf, tokenizers, gguf and jinja2.
"""
import io
import json
import random
import re
import struct
import sys
from pathlib import Path

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers as pre

import token_ids
from token_ids import (BYTE_TEXTS, CORPUS, GOLDEN, TALKS, TEXTS, dump, hash64, hashed_texts, odd_texts, real_texts,
                       report, talk_text)

# Texts that rules of pieces are about, beside those of token_ids.py.
PIECE_TEXTS = ["\u2581", " \u2581 x", "a \u2581b", "<0x0A>", "<0x41>b", "<b>bold</b>", "x<b", "<b><b>", "\n\n\n",
               "a\n\nb", "    four", "a     b", "<s>", "</s>x", "<unk>", "\u2581the", "the the  the", "\t\tx",
               "<b> \n\n <b>", "<start>"]
USER_DEFINED = ["<b>", "</b>", "\n\n", "\u2581\u2581", "\u2581\u2581\u2581\u2581"]
CONTROL = ["<start_of_turn>", "<end_of_turn>"]
GEMMA_TEMPLATE = (
    "{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}{% for message in rest %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' }}"
    "{{ first if loop.first else '' }}{{ message['content'] | trim }}{{ '<end_of_turn>\n' }}{% endfor %}"
    "{{ '<start_of_turn>model\n' }}")  # the format of Gemma's model card; <bos> is put in front of it


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
    proto.pieces[get("ggml.unknown_token_id")].type = pb.ModelProto.SentencePiece.UNKNOWN
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


def tiny_pieces():
    """A model of our own texts, with control tokens and a user's tokens as in the files of Llama and Gemma."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for text in CORPUS * 3 for line in text.split("\n") if line.strip()),
        model_writer=out, model_type="bpe", vocab_size=600, byte_fallback=True, character_coverage=0.98, num_threads=1,
        normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2,
        control_symbols=CONTROL, user_defined_symbols=USER_DEFINED)
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())


def write_pieces(path, spm):
    """As llama.cpp's converter writes it: a user's tokens with their spaces and a score that no piece has."""
    proto = pb.ModelProto()
    proto.ParseFromString(spm.serialized_model_proto())
    w = gguf.GGUFWriter(path, "tiny")
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([p.piece.replace("\u2581", " ") if p.type == 4 else p.piece for p in proto.pieces])
    w.add_token_scores([-1000.0 if p.type in (3, 4) else p.score for p in proto.pieces])
    w.add_token_types([p.type for p in proto.pieces])
    w.add_bos_token_id(spm.bos_id())
    w.add_eos_token_id(spm.eos_id())
    w.add_unk_token_id(spm.unk_id())
    w.add_add_bos_token(True)
    w.add_add_space_prefix(True)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def by_hand(encode, id_of, text):
    """Ids of a rendered conversation: its markers, and the text between them."""
    out = []
    for part in re.split("(<(?:start|end)_of_turn>)", text):
        out += [id_of(part)] if part.endswith("_of_turn>") else encode(part)
    return out


def chat_rows(optional, spm):
    talks = TALKS + [[("system", " Be brief.\n"), ("user", " Why? "), ("assistant", "So."), ("user", "Why?")]]
    for talk in talks:
        ids = by_hand(spm.encode, spm.piece_to_id, talk_text(GEMMA_TEMPLATE, talk))
        yield "tiny_pieces", "gemma", talk, [spm.bos_id()] + ids
    gemma = from_gguf(optional / "gemma3-270m.gguf")
    for talk in talks:
        yield "gemma", "gemma", talk, [2] + by_hand(gemma.encode, gemma.piece_to_id, talk_text(GEMMA_TEMPLATE, talk))
    path = optional / "qwen2.5-coder-0.5b.gguf"
    byte_level = qwen(path)
    for talk in talks:
        ids = token_ids.ids_of(byte_level, talk_text(fields_of(path)("chat_template"), talk), True)
        yield "qwen", "qwen", talk, ids


def golden(optional, data):
    spm = tiny_pieces()
    write_pieces(GOLDEN / "pieces.gguf", spm)
    with open(GOLDEN / "pieces.jsonl", "w") as out:
        for raw in [t.encode() for t in TEXTS + PIECE_TEXTS] + BYTE_TEXTS:
            ids = spm.encode(raw.decode("utf-8", "replace"))
            out.write(json.dumps({"bytes": raw.hex(), "tiny_pieces": ids, "decoded": spm.decode(ids)},
                                 separators=(",", ":")) + "\n")
    with open(GOLDEN / "pieces_chat.jsonl", "w") as out:
        for model, name, talk, ids in chat_rows(optional, spm):
            out.write(json.dumps({"model": model, "format": name, "talk": talk, "ids": ids},
                                 separators=(",", ":")) + "\n")
    gemma, byte_level = from_gguf(optional / "gemma3-270m.gguf"), qwen(optional / "qwen2.5-coder-0.5b.gguf")
    with open(GOLDEN / "optional_hashes.bin", "wb") as out:
        for text in hashed_texts(data):
            for ids in (gemma.encode(text), token_ids.ids_of(byte_level, text)):
                out.write(struct.pack("<I", hash64(struct.pack(f"<{len(ids)}i", *ids)) & 0xFFFFFFFF))


def compare(optional, data, binary):
    sets = {"real": [t.encode() for t in real_texts(data)],
            "odd": [t.encode() for t in TEXTS + PIECE_TEXTS] + BYTE_TEXTS + list(odd_texts(random.Random(7), 6000, True)),
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
    verbs = {"golden": golden, "compare": compare}
    if len(sys.argv) < 3 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    verbs[sys.argv[1]](*map(Path, sys.argv[2:]))
