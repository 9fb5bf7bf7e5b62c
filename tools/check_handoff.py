#!/usr/bin/env python3
"""check_handoff.py FOLDER... - folders of `rung tune export --for`, as their trainers read them (tools/check-handoff.sh).

TRL: the parser of `trl sft`, the same columns and conversations as its trainer looks for, the splits that datasets finds. axolotl:
its own validation, with the capabilities of a GPU. A key that neither knows must fail, in each file and in axolotl's lists of data
sets, so it is tried whether it does."""
import os
import sys

import yaml
from axolotl.utils.config import validate_config
from axolotl.utils.dict import DictDefault
from axolotl.utils.schemas.config import AxolotlInputConfig
from axolotl.utils.schemas.datasets import SFTDataset
from datasets import load_dataset
from trl.data_utils import is_conversational
from trl.scripts.sft import make_parser

GPU = {"bf16": True, "fp8": False, "tf32": True, "n_gpu": 1, "n_node": 1, "compute_capability": "sm_90"}
TORCH = {"torch_version": "2.11.0"}
BASE = "it's/a \"base\": #1"


def same(key, got, want):
    got = getattr(got, "value", got)
    if key == "report_to":
        want = []  # "none" is read as no reports
    assert got == want, f"{key}: read as {got!r}, written as {want!r}"


def read_trl(path, config):
    """Every key into the dataclass it belongs to; --use_cpu because no GPU need be here."""
    parts = make_parser().parse_args_and_config(["--config", path, "--use_cpu", "true"])
    for key, value in config.items():
        for part in parts:
            if hasattr(part, key):
                same(key, getattr(part, key), value)
    return parts


def known(model, config, where):
    names = set(model.model_fields) | {f.alias for f in model.model_fields.values() if f.alias}
    unknown = set(config) - names
    if unknown:
        raise ValueError(f"{where} does not know {sorted(unknown)}")


def read_axolotl(path, config):
    """axolotl leaves out what it does not know, so that is looked at first."""
    known(AxolotlInputConfig, config, "axolotl")
    for key in ("datasets", "test_datasets"):
        for data in config.get(key, []):
            known(SFTDataset, data, f"axolotl's {key}")
    read = validate_config(DictDefault(config), GPU, TORCH)
    for key, value in config.items():
        if key not in ("datasets", "test_datasets"):
            same(key, read[key], value)
        else:
            for got, want in zip(read[key], value, strict=True):
                for inner in want:
                    same(f"{key}: {inner}", got[inner], want[inner])


def check_trl_rows(config):
    data = load_dataset(config["dataset_name"])
    counts = []
    for split in (config["dataset_train_split"], config["dataset_test_split"]):
        counts.append(len(data[split]))
        for row in data[split]:
            assert set(row) == {"prompt", "completion"} and is_conversational(row), row
            assert is_conversational({"completion": row["completion"]}), row
            assert [m["role"] for m in row["completion"]] == ["assistant"] and row["prompt"][-1]["role"] == "user", row
    return counts


def check_axolotl_rows(config):
    counts = []
    for key in ("datasets", "test_datasets"):
        one, = config[key]
        data = load_dataset(one["ds_type"], data_files=one["path"], split=one["split"])
        counts.append(len(data))
        for row in data:
            roles = [m["role"] for m in row[one["field_messages"]]]
            assert roles[-1] in one["roles_to_train"] and not set(roles[:-1]) & set(one["roles_to_train"]), roles
    return counts


def must_fail(what, read, path, config):
    with open(path, "w", encoding="utf-8") as out:
        yaml.safe_dump(config, out)
    try:
        read(path, config)
    except ValueError:
        return
    sys.exit(f"{path}: {what} was taken")


def check(folder):
    os.chdir(folder)
    trl = os.path.exists("trl.yaml")
    path, read, base = ("trl.yaml", read_trl, "model_name_or_path") if trl else ("axolotl.yaml", read_axolotl, "base_model")
    config = yaml.safe_load(open(path, encoding="utf-8"))
    assert config[base] == BASE, config[base]
    read(path, config)
    counts = check_trl_rows(config) if trl else check_axolotl_rows(config)
    must_fail("an unknown key", read, "wrong.yaml", {**config, "learning_rte": 1})
    if not trl:
        must_fail("an unknown key of a data set", read, "wrong.yaml", {**config, "datasets": [{**config["datasets"][0], "feld": 1}]})
    print(f"check-handoff: {os.path.basename(folder)}: {len(config)} keys, {counts[0]} + {counts[1]} examples")


for argument in sys.argv[1:]:
    check(os.path.abspath(argument))
