"""Two tiny model files with every element type and every kind of metadata, and what the gguf package and numpy read
from them, bit for bit.

    tensors.py FOLDER        writes tensors.gguf, tensors.safetensors and tensors.txt into FOLDER, which is golden/

tensors.txt has one line a tensor: file, name, type, rows, columns, and the f32 bits of all values in hex."""

import json
import struct
import sys

import gguf
import numpy as np

Q = gguf.GGMLQuantizationType
V = gguf.GGUFValueType

# f16 bits at the edges: zeros, the smallest and largest subnormal, smallest normal, one, largest, infinities, NaN.
HALVES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00,
          0xBC00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x3555]
BF16S = [0x0000, 0x8000, 0x0001, 0x007F, 0x0080, 0x3F80, 0xBF80,
         0x7F7F, 0x7F80, 0xFF80, 0x7FC0, 0x4049, 0x3EAA, 0xC2F7]


def raw_blocks(rng, bytes_per_block, scales, minimum=False):
    """One block for each scale: every quant at random, so that both ends of the range occur."""
    blocks = rng.integers(0, 256, (len(scales), bytes_per_block), dtype=np.uint8)
    blocks[:, :2] = np.array(scales, np.float16).view(np.uint8).reshape(-1, 2)
    blocks[:, 2] = 0x80 if bytes_per_block == 34 else 0x0F  # Q8_0's -128; the ends of a nibble
    if bytes_per_block == 20 or minimum:
        blocks[:, 2:4] = np.array([-0.25, 3.0], np.float16).view(np.uint8).reshape(-1, 2)
    return blocks.reshape(1, -1)


def raw_super_blocks(rng, bytes_per_block, scales_at):
    """Two blocks of a K format, every other byte at random; its f16 scales stand at scales_at."""
    blocks = rng.integers(0, 256, (2, bytes_per_block), dtype=np.uint8)
    blocks[:, scales_at:scales_at + 2] = np.array([0.0123, -1.5], np.float16).view(np.uint8).reshape(-1, 2)
    if scales_at == 0:  # Q6_K has no minima
        blocks[:, 2:4] = np.array([-0.37, 6.1e-5], np.float16).view(np.uint8).reshape(-1, 2)
    return blocks


def gguf_tensors(rng):
    """name -> (type, shape of values, raw rows). Matrices are 2 rows of 64: one quantised, one of raw blocks; of the K
    formats, which the package does not write, 2 rows of a raw block."""
    w = rng.standard_normal((1, 64)).astype(np.float32)
    out = {
        "f32.bias": (Q.F32, (3,), rng.standard_normal(3).astype(np.float32)),
        "f16.edges": (Q.F16, (2, 7), np.array(HALVES, np.uint16).reshape(2, 7)),
        "bf16.edges": (Q.BF16, (2, 7), np.array(BF16S, np.uint16).reshape(2, 7)),
        "f32.deep": (Q.F32, (2, 1, 2, 3), rng.standard_normal((2, 1, 2, 3)).astype(np.float32)),
    }
    for kind, size in [(Q.Q8_0, 34), (Q.Q4_0, 18), (Q.Q4_1, 20)]:
        rows = [gguf.quantize(w, kind).view(np.uint8).reshape(1, -1), raw_blocks(rng, size, [6.1e-5, -1.75])]
        out[kind.name.lower() + ".weight"] = (kind, (2, 64), np.concatenate(rows))
    rng = np.random.default_rng(6)
    for kind, size in [(Q.Q5_0, 22), (Q.Q5_1, 24)]:
        rows = [gguf.quantize(w, kind).view(np.uint8).reshape(1, -1), raw_blocks(rng, size, [6.1e-5, -1.75], size == 24)]
        out[kind.name.lower() + ".weight"] = (kind, (2, 64), np.concatenate(rows))
    for kind, size, scales_at in [(Q.Q4_K, 144, 0), (Q.Q5_K, 176, 0), (Q.Q6_K, 210, 208)]:
        out[kind.name.lower() + ".weight"] = (kind, (2, 256), raw_super_blocks(rng, size, scales_at))
    return out


def values(kind, raw):
    if kind == Q.F32:
        return raw
    if kind == Q.F16:
        return raw.view(np.float16).astype(np.float32)
    return gguf.dequantize(raw.view(np.uint8), kind)


def write_gguf(path, tensors):
    w = gguf.GGUFWriter(path, "tiny")
    w.add_custom_alignment(64)
    w.add_uint8("kind.u8", 200)
    w.add_int8("kind.i8", -100)
    w.add_uint16("kind.u16", 60000)
    w.add_int16("kind.i16", -30000)
    w.add_uint32("kind.u32", 4000000000)
    w.add_int32("kind.i32", -2000000000)
    w.add_float32("kind.f32", 0.15625)
    w.add_bool("kind.yes", True)
    w.add_bool("kind.no", False)
    w.add_key_value("kind.text", "a naïve text\n", V.STRING)
    w.add_key_value("kind.blank", "", V.STRING)
    w.add_uint64("kind.u64", 1 << 62)
    w.add_uint64("kind.big", (1 << 64) - 1)
    w.add_int64("kind.i64", -(1 << 62))
    w.add_float64("kind.f64", 0.1)
    w.add_key_value("list.text", ["", "one", "zwei", "троє", "five"], V.ARRAY)
    for kind, numbers in [(V.UINT8, [0, 255]), (V.INT8, [-128, 127]), (V.UINT16, [65535]), (V.INT16, [-32768]),
                          (V.UINT32, [4294967295]), (V.INT32, [-2147483648, 5]), (V.UINT64, [1, (1 << 64) - 1]),
                          (V.INT64, [-(1 << 63)])]:
        w.add_key_value("list." + kind.name.lower(), numbers, V.ARRAY, kind)
    w.add_key_value("list.float32", [1.0, 2.5], V.ARRAY, V.FLOAT32)
    w.add_key_value("list.float64", [1.0], V.ARRAY, V.FLOAT64)
    w.add_key_value("list.bool", [True, False, True], V.ARRAY, V.BOOL)
    for name, (kind, _, raw) in tensors.items():
        if kind == Q.F32:
            w.add_tensor(name, raw)
        else:
            w.add_tensor(name, raw.view(np.uint8), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def safetensors_tensors(rng):
    w = rng.standard_normal((3, 5)).astype(np.float32)
    return {
        "single": ("F32", np.float32(rng.standard_normal()).reshape(())),
        "layer.bias": ("F32", rng.standard_normal(5).astype(np.float32)),
        "layer.weight": ("F16", w.astype(np.float16).view(np.uint16)),
        "head.weight": ("BF16", gguf.quantize(w, Q.BF16).view(np.uint16)),
        "position_ids": ("I64", np.arange(4)[None]),
        "mask": ("BOOL", np.array([1, 0, 1], np.uint8)),
    }


def write_safetensors(path, tensors):
    """By hand: the package sorts names, and its numpy half has no BF16. The header's order is not the data's."""
    header, data = {"__metadata__": {"format": "tiny"}}, b""
    for name, (kind, raw) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(raw.shape), "data_offsets": [len(data), len(data) + raw.nbytes]}
        data += raw.tobytes()
    text = json.dumps(dict(sorted(header.items())), separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def line(file, name, kind, v):
    v = np.ascontiguousarray(v, np.float32)
    columns = v.shape[-1] if v.ndim else 1
    bits = " ".join(f"{x:08x}" for x in v.reshape(-1).view(np.uint32))
    return f"{file} {name} {kind} {v.size // columns} {columns} {bits}\n"


def print_constants():
    """What tests/unit/llm_files.c holds as numbers."""
    h = 0xCBF29CE484222325
    every = np.arange(65536, dtype=np.uint16)
    every = every[(every & 0x7C00 != 0x7C00) | (every & 0x3FF == 0)]  # NaN payloads are the processor's affair
    for byte in every.view(np.float16).astype(np.float32).tobytes():
        h = ((h ^ byte) * 0x100000001B3) & (1 << 64) - 1
    for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53), (33, 1)):
        h = ((h ^ h >> shift) * factor) & (1 << 64) - 1
    print(f"hash64 of every f16 that is no NaN, as f32: {h:#x}")
    edges = np.array([0x00000000, 0x80000000, 0x3F800000, 0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x7F7FFFFF,
                      0x7F800000, 0xFF800000, 0x7F800001, 0xFFC12345, 0x00000001, 0x00008001], np.uint32)
    for x, y in zip(edges, gguf.quantize(edges.view(np.float32), Q.BF16).view(np.uint16)):
        print(f"f32 {x:08x} is bf16 {y:04x}")


def main():
    folder = sys.argv[1]
    rng = np.random.default_rng(5)
    first, second = gguf_tensors(rng), safetensors_tensors(rng)
    write_gguf(folder + "/tensors.gguf", first)
    write_safetensors(folder + "/tensors.safetensors", second)
    with open(folder + "/tensors.txt", "w") as f:
        for name, (kind, shape, raw) in first.items():
            f.write(line("tensors.gguf", name, kind.name, values(kind, raw).reshape(shape)))
        for name, (kind, raw) in second.items():
            if kind in ("F32", "F16", "BF16"):
                f.write(line("tensors.safetensors", name, kind, values(Q[kind], raw).reshape(raw.shape)))
    print_constants()


if __name__ == "__main__":
    main()
