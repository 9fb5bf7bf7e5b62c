#!/usr/bin/env python3
"""The files that the peers of bench/engine.py run, made of the models that rung runs.

    build/peers/bin/python bench/peers_files.py MODEL.gguf FOLDER OUT

OUT gets decoder.BF16.gguf, decoder.Q8_0.gguf and decoder.Q4_0.gguf (every matrix of MODEL.gguf read to f32 and written
in that format, so llama.cpp may choose the format it is fastest at), encoder.f32.onnx (FOLDER's all-MiniLM-L6-v2 with
ONNX Runtime's own fused operators) and encoder.int8.onnx (its dynamic quantisation). What is there is left alone.
"""
import os
import sys

import numpy


def convert(source, target, name):
    """Metadata is copied; matrices become `name`, vectors stay f32."""
    import gguf

    kind = gguf.GGMLQuantizationType[name]
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(field.name, field.contents(), field.types[0], field.types[-1] if array else None)
    for t in reader.tensors:
        values = gguf.dequantize(t.data, t.tensor_type)
        to = kind if len(t.shape) == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(t.name, gguf.quantize(values, to), raw_dtype=to)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_safetensors(path):
    """All F32 tensors of the file by name."""
    import json

    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    return {
        name: numpy.frombuffer(data[t["data_offsets"][0] : t["data_offsets"][1]], "<f4").reshape(t["shape"])
        for name, t in header.items()
        if name != "__metadata__" and t["dtype"] == "F32"
    }


class Graph:
    """Collects nodes and weights."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name, value):
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def node(self, kind, inputs, domain="", **attributes):
        from onnx import helper

        out = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, domain=domain, **attributes))
        return out


def linear(g, x, name, w):
    return g.node("MatMul", [x, g.weight(name, w[name + ".weight"].T)])


def add_norm(g, x, block, dense, norm, w, epsilon):
    """layer_norm(x + block + dense's bias)"""
    names = [norm + ".weight", norm + ".bias", dense + ".bias"]
    weights = [g.weight(n, w[n]) for n in names]
    return g.node("SkipLayerNormalization", [x, block] + weights, "com.microsoft", epsilon=epsilon)


def encoder_layer(g, x, mask, prefix, w, heads, epsilon):
    attention, parts = prefix + "attention.", ["query", "key", "value"]
    qkv = g.weight(prefix + "qkv", numpy.concatenate([w[f"{attention}self.{p}.weight"].T for p in parts], axis=1))
    bias = g.weight(prefix + "qkv.bias", numpy.concatenate([w[f"{attention}self.{p}.bias"] for p in parts]))
    mixed = g.node("Attention", [x, qkv, bias, mask], "com.microsoft", num_heads=heads)
    block = linear(g, mixed, attention + "output.dense", w)
    x = add_norm(g, x, block, attention + "output.dense", attention + "output.LayerNorm", w, epsilon)
    up = linear(g, x, prefix + "intermediate.dense", w)
    name = prefix + "intermediate.dense.bias"
    up = g.node("BiasGelu", [up, g.weight(name, w[name])], "com.microsoft")
    block = linear(g, up, prefix + "output.dense", w)
    return add_norm(g, x, block, prefix + "output.dense", prefix + "output.LayerNorm", w, epsilon)


def export(folder, target):
    """words, mask (texts, tokens) int32 -> vectors (texts, width): mean over the mask, length 1."""
    import json

    import onnx
    from onnx import TensorProto, helper

    with open(folder + "/config.json", encoding="utf-8") as file:
        config = json.load(file)
    w, g = read_safetensors(folder + "/model.safetensors"), Graph()
    epsilon = config["layer_norm_eps"]
    places = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
    norm = [g.weight(n, w[n]) for n in ("embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias")]
    words = g.node("Gather", [g.weight("words.weight", w["embeddings.word_embeddings.weight"]), "words"])
    length = g.node("Shape", ["words"], start=1, end=2)
    zero = g.weight("zero", numpy.array([0], numpy.int64))
    x = g.node("Add", [words, g.node("Slice", [g.weight("places", places), zero, length, zero])])
    x = g.node("LayerNormalization", [x] + norm, epsilon=epsilon)
    for i in range(config["num_hidden_layers"]):
        x = encoder_layer(g, x, "mask", f"encoder.layer.{i}.", w, config["num_attention_heads"], epsilon)
    weights = g.node("Unsqueeze", [g.node("Cast", ["mask"], to=TensorProto.FLOAT), g.weight("one", numpy.array([1]))])
    total = g.node("Squeeze", [g.node("MatMul", [weights, x]), "one"])
    g.nodes.append(helper.make_node("LpNormalization", [total], ["vectors"], axis=1, p=2))
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT32, ["texts", "tokens"]) for n in ("words", "mask")]
    output = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", config["hidden_size"]])
    graph = helper.make_graph(g.nodes, "encoder", inputs, [output], g.weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), target)


def quantise(source, target, per_channel=False):
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    options = {"DefaultTensorType": TensorProto.FLOAT}  # shapes behind the fused operators are not inferred
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=per_channel, extra_options=options)


def make(path, function, *arguments):
    """Writes path by way of a temporary name, unless it is there."""
    part = path + ".part"
    if not os.path.exists(path):
        function(*(part if a is None else a for a in arguments))
        os.replace(part, path)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    model, folder, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for name in ("BF16", "Q8_0", "Q4_0"):
        make(f"{out}/decoder.{name}.gguf", convert, model, None, name)
    f32 = out + "/encoder.f32.onnx"
    make(f32, export, folder, None)
    make(out + "/encoder.int8.onnx", quantise, f32, None)


if __name__ == "__main__":
    main()
