#!/usr/bin/env python3
"""TensorZero's gateway embedded in this process, asked one question after another: PYTHON serve_tensorzero.py BASE REQUESTS WARMUP

Prints what one takes in milliseconds as JSON. Observability is off: it needs ClickHouse."""
import json
import os
import sys
import tempfile
import time

from tensorzero import TensorZeroGateway

base, requests, warmup = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
TEXT = json.load(sys.stdin)["messages"][0]["content"]
CONFIG = f"""
[gateway]
observability.enabled = false
[models.zero]
routing = ["p"]
[models.zero.providers.p]
type = "openai"
model_name = "zero"
api_base = "{base}/"
api_key_location = "none"
"""
with tempfile.NamedTemporaryFile("w", suffix=".toml") as f:
    f.write(CONFIG)
    f.flush()
    with TensorZeroGateway.build_embedded(config_file=f.name) as gateway:
        took = []
        for _ in range(requests):
            began = time.perf_counter()
            reply = gateway.inference(model_name="zero", input={"messages": [{"role": "user", "content": TEXT}]})
            took.append((time.perf_counter() - began) * 1e3)
            assert reply.content[0].text == "work"
took = sorted(took[warmup:])
sys.stdout.write("\n" + json.dumps({"p50": took[len(took) // 2], "p99": took[int(len(took) * .99)]}) + "\n")
os._exit(0)
