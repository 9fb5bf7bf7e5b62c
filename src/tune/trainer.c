/* trainer.c - one row of a table a trainer. */
#include "tune/trainer_inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "train/parameters.h"

const char trainer_default_base[] = "HuggingFaceTB/SmolLM2-135M-Instruct";

/* The linear layers that rung's own LoRA adapts, and that an import takes. */
static const char modules[] = "[q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]";

/* --- examples ------------------------------------------------------------------------------------------------------- */

static json_t *message_json(enum message_role role, const char *text)
{
	static const char *const roles[] = { "system", "user", "assistant" };

	return json_pack("{s:s, s:s}", "role", roles[role], "content", text);
}

static json_t *messages_json(const struct message *messages, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, message_json(messages[i].role, messages[i].text));
	return array;
}

void trainer_add_json(json_t *value, size_t flags, struct buf *out)
{
	char *text = json_dumps(value, flags);

	buf_adds(out, text);
	free(text);
	json_decref(value);
}

static void trl_row(const struct message *prompt, size_t n, const char *completion, struct buf *out)
{
	trainer_add_json(json_pack("{s:o, s:[o]}", "prompt", messages_json(prompt, n), "completion", message_json(MESSAGE_ASSISTANT, completion)),
			 JSON_COMPACT, out);
}

void trainer_chat_row(const struct message *prompt, size_t n, const char *completion, struct buf *out)
{
	json_t *messages = messages_json(prompt, n);

	json_array_append_new(messages, message_json(MESSAGE_ASSISTANT, completion));
	trainer_add_json(json_pack("{s:o}", "messages", messages), JSON_COMPACT, out);
}

/* --- configurations ------------------------------------------------------------------------------------------------- */

/* What YAML 1.1 and 1.2 do not read as it stands, even between double quotes. */
static bool is_escaped(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || (c >= 0xfffe && c <= 0xffff);
}

static void add_yaml(struct buf *out, const char *text)
{
	uint32_t c;

	buf_addc(out, '"');
	for (size_t n = strlen(text), used; n > 0; text += used, n -= used) {
		used = text_decode(text, n, &c);
		if (is_escaped(c))
			buf_addf(out, "\\u%04x", (unsigned)c);
		else if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", (char)c);
		else
			buf_add(out, text, used);
	}
	buf_addc(out, '"');
}

static size_t warm_up_steps(const struct trainer_job *job)
{
	const struct finetune_settings *s = &job->settings;
	size_t batch = finetune_batch(s, job->n_train, FINETUNE_LORA);
	size_t steps = (job->n_train + batch - 1) / batch * finetune_epochs(s, job->n_train, FINETUNE_LORA);

	return (size_t)ceil(s->warm_up * (double)steps);
}

/* A step's examples that go through a GPU together; the others follow before the weights move. */
static size_t micro_batch(size_t batch)
{
	size_t micro = batch < 4 ? batch : 4;

	while (batch % micro != 0)
		micro--;
	return micro;
}

/* "5e-05" would be a text in YAML 1.1. */
static void add_decimal(struct buf *out, double value)
{
	char digits[64];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%.12f", value);

	while (n > 3 && digits[n - 1] == '0' && digits[n - 2] != '.')
		n--;
	buf_add(out, digits, n);
}

/* What both call alike. */
static void add_common(const struct trainer_job *job, struct buf *out)
{
	const struct finetune_settings *s = &job->settings;

	buf_addf(out, "lora_r: %zu\nlora_alpha: %.0f\nlora_dropout: 0.0\nlora_target_modules: %s\n", s->rank, s->alpha, modules);
	buf_adds(out, "learning_rate: ");
	add_decimal(out, s->rate);
	buf_addf(out, "\nwarmup_steps: %zu\n", warm_up_steps(job));
	buf_addf(out, "weight_decay: %g\nmax_grad_norm: %.1f\nseed: %u\n", adamw_defaults.weight_decay, adamw_defaults.clip,
		 (unsigned)(s->seed & UINT32_MAX)); /* NumPy's limit */
	buf_adds(out, "bf16: true\nlogging_steps: 1\noutput_dir: ./out\n");
	if (job->n_held > 0)
		buf_adds(out, "\n# the epoch that is best on what is held out stays\neval_strategy: epoch\nsave_strategy: epoch\n"
			      "save_total_limit: 1\nload_best_model_at_end: true\nmetric_for_best_model: eval_loss\n"
			      "greater_is_better: false\n");
	else
		buf_adds(out, "\n# too few examples to hold some out\neval_strategy: \"no\"\nsave_strategy: \"no\"\n");
}

static void trl_config(const struct trainer_job *job, struct buf *out)
{
	size_t batch = finetune_batch(&job->settings, job->n_train, FINETUNE_LORA), micro = micro_batch(batch);

	buf_adds(out, "# trl sft --config trl.yaml, in this folder\nmodel_name_or_path: ");
	add_yaml(out, job->base);
	buf_addf(out, "\ndtype: bfloat16\ndataset_name: ./data\ndataset_train_split: train\n%s",
		 job->n_held > 0 ? "dataset_test_split: validation\n" : "");
	buf_addf(out, "completion_only_loss: true\n# more than any example has: nothing is cut\nmax_length: %zu\npacking: false\n\n",
		 job->most_tokens);
	buf_addf(out, "num_train_epochs: %zu\nper_device_train_batch_size: %zu\nper_device_eval_batch_size: %zu\n"
		      "gradient_accumulation_steps: %zu\noptim: adamw_torch\nlr_scheduler_type: linear\nreport_to: none\nuse_peft: true\n",
		 finetune_epochs(&job->settings, job->n_train, FINETUNE_LORA), micro, micro, batch / micro);
	add_common(job, out);
}

static void add_axolotl_data(struct buf *out, const char *key, const char *file)
{
	buf_addf(out, "%s:\n  - path: ./data/%s\n    ds_type: json\n    split: train\n    type: chat_template\n"
		      "    field_messages: messages\n    roles_to_train: [assistant]\n    train_on_eos: turn\n", key, file);
}

static void axolotl_config(const struct trainer_job *job, struct buf *out)
{
	size_t batch = finetune_batch(&job->settings, job->n_train, FINETUNE_LORA), micro = micro_batch(batch);

	buf_adds(out, "# axolotl train axolotl.yaml, in this folder\nbase_model: ");
	add_yaml(out, job->base);
	buf_adds(out, "\nchat_template: tokenizer_default\n# an example's only turn of the assistant is its last\n");
	add_axolotl_data(out, "datasets", "train.jsonl");
	if (job->n_held > 0)
		add_axolotl_data(out, "test_datasets", "validation.jsonl");
	buf_addf(out, "val_set_size: 0\ndataset_prepared_path: ./prepared\ntrain_on_inputs: false\n"
		      "# more than any example has: nothing is cut\nsequence_len: %zu\nexcess_length_strategy: raise\n"
		      "sample_packing: false\npad_to_sequence_len: false\n\n", job->most_tokens);
	buf_addf(out, "num_epochs: %zu\nmicro_batch_size: %zu\neval_batch_size: %zu\ngradient_accumulation_steps: %zu\n"
		      "gradient_checkpointing: true\noptimizer: adamw_torch\nlr_scheduler: linear\nadapter: lora\n",
		 finetune_epochs(&job->settings, job->n_train, FINETUNE_LORA), micro, micro, batch / micro);
	add_common(job, out);
}

/* --- README --------------------------------------------------------------------------------------------------------- */

/* One word of a shell's line, whatever is in it. */
static void add_word(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text; text++)
		if (*text == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *text);
	buf_addc(out, '\'');
}

/* What the base is called here: the end of its name, in letters that a model's file and a shell take. */
static void add_local_name(struct buf *out, const char *base)
{
	static const char taken[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *end = base + strlen(base);

	while (end > base && end[-1] == '/')
		end--;
	const char *begin = end;

	while (begin > base && begin[-1] != '/')
		begin--;
	for (; begin < end; begin++)
		buf_addc(out, (char)(strchr(taken, *begin) ? *begin : '-'));
}

static void add_base_lines(const struct trainer_job *job, const char *name, struct buf *out)
{
	buf_adds(out, "## The base\n\nIt must have a chat template, and rung must be able to read it: it reads the adapter over the same base "
		      "as a GGUF file.\nTry that first, where rung is, with llama.cpp's converter:\n\n    hf download ");
	add_word(out, job->base);
	buf_addf(out, " --local-dir base\n    python convert_hf_to_gguf.py base --outtype q8_0 --outfile %s.gguf\n"
		      "    rung model add %s.gguf --name %s\n\n", name, name, name);
}

static void gpu_readme(const struct trainer *t, const struct trainer_job *job, struct buf *out)
{
	bool is_default = strcmp(job->base, trainer_default_base) == 0;
	bool is_lora = strcmp(job->method, "lora") == 0; /* what an import takes it for */
	struct buf name = { 0 };

	add_local_name(&name, job->base);
	buf_addf(out, "# Task \"%s\", trained with %s\n\ndata/train.jsonl holds %zu examples of the task's pool", job->task, t->name,
		 job->n_train);
	if (job->n_held > 0)
		buf_addf(out, ", data/validation.jsonl the %zu that say which epoch was\nbest. No group of examples is in both: keep the split "
			      "as it is", job->n_held);
	buf_adds(out, ". The task's dev and test examples are not here:\nthey measure what comes back.\n\n");
	if (!is_default)
		add_base_lines(job, name.data, out);
	buf_addf(out, "## Training\n\nIn this folder, on one GPU:\n\n    %s\n    %s\n\nOn N GPUs, with gradient_accumulation_steps in %s "
		      "divided by N, so that a step stays one of %zu examples:\n\n    %s\n\n", t->install, t->one, t->config,
		 finetune_batch(&job->settings, job->n_train, FINETUNE_LORA), t->many);
	buf_addf(out, "## Back to rung\n\nWith TASK the task's folder, and out the folder that the trainer made here:\n\n"
		      "    rung tune import TASK out --base local%s%s%s%s\n\n"
		      "That checks the adapter against the base, makes it the next version and scores it on dev.\n",
		 is_default ? "" : ":", is_default ? "" : name.data, is_lora ? "" : " --method ", is_lora ? "" : job->method);
	buf_release(&name);
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

static const struct trainer trainers[] = {
	{ "trl", "TRL", "trl.yaml", trl_row, trl_config, gpu_readme, "pip install \"trl[peft]\"", "trl sft --config trl.yaml --num_processes 1",
	  "trl sft --config trl.yaml --accelerate_config multi_gpu --num_processes N", NULL },
	{ "axolotl", "axolotl", "axolotl.yaml", trainer_chat_row, axolotl_config, gpu_readme, "pip install axolotl",
	  "axolotl train axolotl.yaml --launcher python", "axolotl train axolotl.yaml --launcher torchrun -- --nproc_per_node=N", NULL },
	{ .id = "bedrock", .name = "Amazon Bedrock", .config = "job.json", .row = trainer_bedrock_row, .write = trainer_bedrock_job,
	  .readme = trainer_bedrock_readme, .base_such_as = "amazon.nova-micro-v1:0:128k" },
	{ .id = "vertex", .name = "Vertex AI", .config = "job.json", .row = trainer_vertex_row, .write = trainer_vertex_job,
	  .readme = trainer_vertex_readme, .base_such_as = "gemini-2.5-flash" },
};

const struct trainer *trainer_find(const char *id, struct error *err)
{
	for (size_t i = 0; i < sizeof(trainers) / sizeof(trainers[0]); i++)
		if (strcmp(trainers[i].id, id) == 0)
			return &trainers[i];
	error_set(err, "--for \"%s\" is not one of trl, axolotl, bedrock and vertex", id);
	return NULL;
}
