/* exchange.h - fine-tuned models out to other programs, and back in.
 *
 * A GGUF adapter is what rung itself and llama.cpp read. PEFT's folder (adapter_config.json, adapter_model.safetensors) and merged
 * weights name tensors as transformers does; where GGUF turns rows of queries and keys (architecture llama: pairs that rotate
 * together lie side by side) they are turned back. */
#ifndef RUNG_TUNE_EXCHANGE_H
#define RUNG_TUNE_EXCHANGE_H

#include "base/pool.h"
#include "model/tuned.h"
#include "task/task.h"

/* base: GGUF file of the decoder that the adapter is for. folder is made. */
bool export_peft(const char *adapter, const char *base, const char *base_name, struct pool *pool, const char *folder,
		 struct error *err);
/* The whole decoder with the adapter added to its weights, in f16 with config.json: for GPUs. Its tokenizer stays the base's. */
bool export_merged(const char *adapter, const char *base, struct pool *pool, const char *folder, struct error *err);
/* PEFT's folder to a GGUF adapter for the base. */
bool import_peft(const char *folder, const char *base, struct pool *pool, const char *adapter, struct error *err);

/* Whether the folder is an encoder's as rung reads it, with head.safetensors, and its config.json calls the rows what the task does; labels
 * without names of their own (LABEL_0) are taken as they stand. n 0: rows are no labels. */
bool import_encoder_fits(const char *folder, const struct label *labels, size_t n, struct error *err);
bool import_is_folder(const char *path);
/* Returns false, with a sentence about what the folder is that nothing can be imported from. */
bool import_refuse(const char *folder, struct error *err);

#endif
