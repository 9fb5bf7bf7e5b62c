/* rung_tune.c - the public API over fine-tuning: one variant of rung 3 trained by itself, and the registry of what was. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "eval/besides.h"
#include "eval/guard.h"
#include "llm/adapter.h"
#include "model/registry.h"
#include "model/tuned.h"
#include "rung_inner.h"
#include "tune/curate.h"
#include "tune/exchange.h"
#include "tune/submission.h"
#include "variant/handoff.h"

/* LoRA that reasons before it answers. */
static const struct variant *reasons_variant(struct rung *r, const struct rung_tune_options *o, const char *model, struct error *err)
{
	const struct tuning *t = tuning_reasons(r->task);
	struct variant *v = arena_alloc(&r->arena, sizeof(*v));

	if (!t)
		return error_set(err, "%s: --reasons is for tasks that are answered in running text: one label, or kind answer", r->task->file), NULL;
	if ((o->method && strcmp(o->method, "lora") != 0) || !registry_is_local(model))
		return error_set(err, "%s: --reasons trains a local decoder by --method lora", r->task->file), NULL;
	*v = (struct variant){ .id = arena_printf(&r->arena, "3/%s@%s", t->id, model), .name = t->name, .model = model, .rung = 3, .tuning = t,
			       .technique = t->technique };
	return v;
}

const struct variant *rung_tuning_variant(struct rung *r, const struct rung_tune_options *o, struct error *err)
{
	const char *model = o->model ? o->model : "local", *method = o->method;
	size_t n, n_tunings;
	const struct variant *variants = variants_list(r->task, &r->arena, &model, 1, &n);
	const struct tuning *tunings = tuning_all(r->task, &n_tunings);
	struct buf names = { 0 };

	if (o->reasons)
		return reasons_variant(r, o, model, err);
	if (!method)
		method = tunings[0].id;
	for (size_t i = 0; i < n; i++)
		if (variants[i].tuning && !variants[i].version && strcmp(variants[i].tuning->id, method) == 0)
			return &variants[i];
	for (size_t i = 0; i < n; i++)
		if (variants[i].tuning && !variants[i].version)
			buf_addf(&names, "%s%s", names.n ? ", " : "", variants[i].tuning->id);
	error_set(err, "%s: --method %s cannot train model \"%s\" for this task; there is: %s", r->task->file, method, model,
		  names.n ? names.data : "nothing, as only local decoders are trained here");
	buf_release(&names);
	return NULL;
}

struct finetune_settings rung_tuning_settings(const struct rung *r, const struct rung_tune_options *o, const struct variant *v)
{
	struct finetune_settings s = v->model ? finetune_lora_defaults : finetune_encoder_defaults;

	s.seed = r->options.seed;
	s.epochs = o->epochs;
	s.batch = o->batch;
	s.rate = o->rate > 0 ? o->rate : s.rate;
	s.rank = o->rank ? o->rank : s.rank;
	s.balanced = o->balanced;
	s.memory_mb = o->memory_mb;
	if (o->most_tokens)
		s.most_tokens = o->most_tokens == SIZE_MAX ? 0 : o->most_tokens;
	return s;
}

static void show_step(void *context, const struct variant *v, const struct fit_step *s)
{
	const struct rung *r = context;
	char text[80], what[160];

	fit_step_text(s, text, sizeof(text));
	snprintf(what, sizeof(what), "%s: %s", text, v->id); /* a terminal cuts the end, which is the same in every line */
	r->options.progress(r->options.context, what, s->step, s->steps);
}

static void show_notice(void *context, const char *sentence)
{
	const struct rung *r = context;

	if (r->options.notice)
		r->options.notice(r->options.context, sentence);
}

static bool stopped(void *context)
{
	const struct rung *r = context;

	return r->options.stopped && r->options.stopped(r->options.context);
}

static struct progress progress_of(const struct rung *r)
{
	return (struct progress){ .step = r->options.progress, .stopped = r->options.stopped, .context = r->options.context };
}

/* The tasks of --probe, one after the other; the card gets probe_NAME_before and probe_NAME_after, the text a line each. */
static bool probe_tasks(struct rung *r, const char *list, const struct variant *v, struct tuned *t, struct buf *out, struct error *err)
{
	struct progress progress = progress_of(r);
	char *paths = arena_string(&r->arena, list), *rest = NULL;

	for (char *path = strtok_r(paths, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
		struct guard g;

		if (!guard_task(path, v->model, t->name, rung_models(r), &progress, &g, err) ||
		    !tuned_note(t, arena_printf(&r->arena, "probe_%s_before", g.task), g.n, g.before, err) ||
		    !tuned_note(t, arena_printf(&r->arena, "probe_%s_after", g.task), g.n, g.after, err))
			return false;
		buf_addf(out, "  %s: %.3f before, %.3f after on %zu dev examples (%zu better, %zu worse)%s\n", g.task, g.before, g.after, g.n,
			 g.better, g.worse, g.p < 0.05 && g.worse > g.better ? "; tuning broke it: keep this model to its own task" : "");
	}
	return true;
}

static double noted(const struct tuned *t, const char *what)
{
	return json_number_value(json_object_get(json_object_get(t->card, what), "score"));
}

/* More than this between what was seen and what was not says that answers were learnt by heart. */
static const double by_heart = 0.2;

static void describe_side_effects(const struct tuned *t, struct buf *out)
{
	double pool = noted(t, "pool"), dev = noted(t, "dev"), before = noted(t, "general_before"), after = noted(t, "general_after");

	buf_addf(out, "  pool: %.3f on examples %s%s\n", pool, json_object_get(t->card, "data") ? "it was trained on" : "of the pool",
		 pool - dev > by_heart ? "; it learnt much of them by heart, so facts that change belong into documents (retrieval)" : "");
	if (json_object_get(t->card, "general_before"))
		buf_addf(out, "  everyday questions: %.3f right before, %.3f after%s\n", before, after,
			 before - after > 0.1 ? "; tuning broke other things: keep it to this task" : "");
	if (json_object_get(t->card, "follows_after"))
		buf_addf(out, "  passages whose fact was changed: follows %.3f of them (before: %.3f), recites the old answer to %.3f (before: %.3f)\n",
			 noted(t, "follows_after"), noted(t, "follows_before"), noted(t, "recites_after"), noted(t, "recites_before"));
}

/* What a tagger could not learn. */
static void describe_strings(const json_t *data, struct buf *out)
{
	json_int_t all = json_integer_value(json_object_get(data, "strings"));
	json_int_t fields = json_integer_value(json_object_get(data, "fields_not_taught"));
	json_int_t absent = json_integer_value(json_object_get(data, "strings_not_in_text"));

	if (absent > 0)
		buf_addf(out, "\n  %lld of the answers' %lld strings do not stand in their texts and are not taught", (long long)absent,
			 (long long)all);
	else
		buf_addf(out, "\n  all %lld strings of the answers stand in their texts", (long long)all);
	if (fields > 0)
		buf_addf(out, "; %lld field%s no string, enum or boolean and will be the most similar example's", (long long)fields,
			 fields > 1 ? "s are" : " is");
}

static void describe(const struct tuned *t, bool json, struct buf *out)
{
	const json_t *data = json_object_get(t->card, "data"), *dev = json_object_get(t->card, "dev");
	const json_t *held = json_object_get(t->card, "held_out_score"), *count;
	json_int_t dropped = 0;
	const char *reason;

	if (json) {
		char *text = json_dumps(t->card, JSON_COMPACT | JSON_REAL_PRECISION(9));

		buf_addf(out, "%s\n", text);
		free(text);
		return;
	}
	json_object_foreach(json_object_get(data, "dropped"), reason, count)
		dropped += json_integer_value(count);
	buf_addf(out, "%s: %s of %s, ", t->name, t->kind == TUNED_ENCODER ? "encoder" : "LoRA", t->base);
	if (data)
		buf_addf(out, "trained on %lld of %lld examples", (long long)json_integer_value(json_object_get(data, "trained")),
			 (long long)(json_integer_value(json_object_get(data, "items")) + dropped));
	else
		buf_adds(out, "imported");
	if (dropped)
		buf_addf(out, " (" CURATE_FILE " drops %lld)", (long long)dropped);
	if (json_is_number(held))
		buf_addf(out, "; held-out %s %.3f on %lld", t->kind == TUNED_ENCODER ? "score" : "mean log-likelihood of a token",
			 json_number_value(held), (long long)json_integer_value(json_object_get(data, "held_out")));
	if (json_object_get(data, "strings"))
		describe_strings(data, out);
	buf_addf(out, "\n  licence of the base: %s", tuned_licence(t) ? tuned_licence(t) : "not stated in its files");
	buf_addf(out, "\n  dev: %.3f on %lld examples\n", json_number_value(json_object_get(dev, "score")),
		 (long long)json_integer_value(json_object_get(dev, "n")));
	describe_side_effects(t, out);
}

/* Trains one model of one seed, scores it and describes it. */
static bool tune_one(struct rung *r, const struct variant *v, const struct training_watch *watch, const char *probe, bool json,
		     struct buf *out, struct error *err)
{
	struct dev_items dev = dev_order(r->task, r->options.seed, &r->arena);
	struct workshop *w = workshop_open(r->task, dev, rung_models(r), r->library, NULL, 0, r->options.seed);
	const char *unfit = NULL, *name = NULL;
	struct curated curated = { .pool = r->task->pool };
	struct buf probed = { 0 };
	struct tuned t = { 0 };

	workshop_watch(w, watch);
	workshop_curate(w, &curated);
	bool done = curate_apply(r->task, rung_beside_store(r, CURATE_FILE), &r->arena, &curated, err) &&
		    variant_ready(w, v, &unfit, err) && !unfit && (name = workshop_train(w, v, err)) != NULL &&
		    tuned_find(models_tuned(rung_models(r)), name, &t, err);
	struct besides besides = { r->task, w, rung_models(r), curated.pool.list, progress_of(r) };

	done = done && besides_score(&besides, v, dev.list, "dev", &t, err) && besides_measure(&besides, v, &t, err) &&
	       (!probe || probe_tasks(r, probe, v, &t, &probed, err));
	if (unfit)
		error_set(err, "%s", unfit);
	if (done)
		describe(&t, json, out);
	if (done && !json)
		buf_adds(out, buf_text(&probed));
	buf_release(&probed);
	tuned_release(&t);
	workshop_free(w);
	return done;
}

bool rung_tuning_documents(struct rung *r, const struct variant *v, struct error *err)
{
	if (!v->technique || !v->technique->search)
		return true;
	r->library = library_open(rung_beside_store(r, "docs.db"), false, rung_models(r), err);
	return r->library || error_prefix(err, "run `rung docs add` first");
}

static bool base_fits(const struct rung_tune_options *o, const struct variant *v, struct error *err)
{
	return !o->model || v->model ||
	       error_set(err, "--base names the decoder that LoRA adapts; an encoder's is the task's own (`embedding: local:NAME`, else %s): leave it "
			      "out, or take --method lora", models_default_encoder);
}

enum rung_status rung_tune(struct rung *r, const struct rung_tune_options *o, bool json, char **text, struct rung_error *err)
{
	struct task_options open = { .examples = r->options.examples, .seed = r->options.seed };
	struct training_watch watch = { .step = r->options.progress ? show_step : NULL, .stopped = stopped, .notice = show_notice,
					.context = r, .name = o->name };
	struct buf out = { 0 }, told = { 0 };
	struct error e;
	bool done = true;

	if (o->name && !tuned_name_valid(o->name)) {
		error_set(&e, "--name \"%s\" may have letters, digits, '-', '_' and '.', and begins with a letter or digit", o->name);
		return rung_failed(RUNG_INPUT, &e, err);
	}
	const struct variant *v = rung_open_task(r, &open, &e) ? rung_tuning_variant(r, o, &e) : NULL;

	if (!v)
		return rung_failed(RUNG_INPUT, &e, err);
	struct finetune_settings settings = rung_tuning_settings(r, o, v);

	*(v->model ? &watch.lora : &watch.encoder) = &settings;
	if (!o->teacher != !(o->unlabelled || o->reasons)) {
		error_set(&e, "--teacher needs --unlabelled, a file of inputs for that variant to label, or --reasons, and they need it");
		return rung_failed(RUNG_INPUT, &e, err);
	}
	if (!base_fits(o, v, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	if (o->probe && !v->model) {
		error_set(&e, "--probe asks a decoder about other tasks; an encoder answers its own alone: leave it out, or tune with --method lora");
		return rung_failed(RUNG_INPUT, &e, err);
	}
	if (o->balanced && (v->model || r->task->many || r->task->validator)) {
		error_set(&e, "--balanced weighs the labels that an encoder chooses one of; leave it out here");
		return rung_failed(RUNG_INPUT, &e, err);
	}
	if (!rung_tuning_documents(r, v, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	if (o->teacher && !rung_teach(r, o, &watch, &told, &e)) {
		buf_release(&told);
		return rung_failed(stopped(r) ? RUNG_UNFINISHED : RUNG_INPUT, &e, err);
	}
	if (!json)
		buf_adds(&out, buf_text(&told));
	buf_release(&told);
	for (size_t i = 0; done && i < (o->seeds ? o->seeds : 1); i++, settings.seed++)
		done = tune_one(r, v, &watch, o->probe, json, &out, &e);
	if (!done) {
		buf_release(&out);
		return rung_failed(stopped(r) ? RUNG_UNFINISHED : RUNG_INPUT, &e, err);
	}
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

/* --- import and export ---------------------------------------------------------------------------------------------- */

/* What lies at the path goes to the workplace as rung keeps it. */
static bool take_in(struct rung *r, const char *path, const struct variant *v, const char *workplace, uint64_t *base_hash,
		    struct error *err)
{
	struct models *models = rung_models(r);
	struct buf base = { 0 };
	const char *adapter = arena_printf(&r->arena, "%s/adapter.gguf", workplace);
	bool taken;

	if (!v->model) {
		taken = import_encoder_fits(path, r->task->labels, r->task->n_labels, err) &&
			(*base_hash = models_encoder_hash(models, err)) != 0 && file_copy_folder(path, workplace, err);
	} else if (import_is_folder(path) && !file_exists(arena_printf(&r->arena, "%s/adapter_config.json", path))) {
		taken = import_refuse(path, err);
	} else if (!models_base_file(models, v->model, &base, err) || !tuned_file_hash(base.data, base_hash, err)) {
		taken = false;
	} else if (import_is_folder(path)) {
		taken = import_peft(path, base.data, models_pool(models), adapter, err);
	} else {
		taken = adapter_fits(path, base.data, err) && file_copy(path, adapter, err);
	}
	buf_release(&base);
	return taken;
}

/* What the card states as its base: an adapter's decoder; of an encoder, the folder that was taken in. */
static json_t *import_base(struct rung *r, const char *path, const struct variant *v, uint64_t base_hash)
{
	struct buf decoder = { 0 };
	struct error ignored;
	char hash[17];

	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)base_hash);
	if (v->model)
		models_base_file(rung_models(r), v->model, &decoder, &ignored); /* it was found before; else no licence is stated */
	json_t *base = card_base(rung_models(r), v, v->model ? buf_text(&decoder) : path, hash, &r->arena);

	buf_release(&decoder);
	return base;
}

static json_t *import_card(struct rung *r, const char *path, const struct variant *v, uint64_t base_hash)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:b, s:o}", "kind", v->model ? "lora" : "encoder", "task", r->task->name, "method",
			 v->tuning->id, "base", import_base(r, path, v, base_hash), "imported", 1, "labels", card_labels(r->task));
}

static bool import_version(struct rung *r, const char *path, const struct variant *v, const char *name, struct tuned *t,
			   struct error *err)
{
	const char *root = models_tuned(rung_models(r));
	struct buf workplace = { 0 };
	uint64_t base_hash = 0;
	bool done = tuned_workplace(root, name, "import", &workplace, err) &&
		    take_in(r, path, v, workplace.data, &base_hash, err);

	if (done) {
		json_t *card = import_card(r, path, v, base_hash);

		done = tuned_commit(root, name, workplace.data, card, t, err);
		json_decref(card);
	} else if (workplace.data) {
		tuned_abandon(workplace.data);
	}
	buf_release(&workplace);
	return done;
}

enum rung_status rung_tune_import(struct rung *r, const char *path, const struct rung_tune_options *o, bool json, char **text,
				  struct rung_error *err)
{
	struct task_options open = { .examples = r->options.examples, .seed = r->options.seed };
	struct training_watch watch = { .stopped = stopped, .context = r };
	struct rung_tune_options chosen = *o;
	struct buf out = { 0 };
	struct tuned t = { 0 };
	struct error e;

	if (!rung_open_task(r, &open, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	if (!o->method && !file_exists(arena_printf(&r->arena, "%s/head.safetensors", path)))
		chosen.method = "lora";
	const struct variant *v = rung_tuning_variant(r, &chosen, &e);

	if (!v || !base_fits(&chosen, v, &e) || !rung_tuning_documents(r, v, &e) || !import_version(r, path, v, o->name ? o->name : "imported", &t, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	watch.version = t.name;
	bool done = tune_one(r, v, &watch, NULL, json, &out, &e);

	if (!done) { /* what cannot answer is not kept */
		struct error ignored;

		tuned_remove(models_tuned(rung_models(r)), t.name, &ignored);
		buf_release(&out);
	}
	tuned_release(&t);
	if (!done)
		return rung_failed(RUNG_INPUT, &e, err);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

static bool export_version(struct rung *r, const struct tuned *t, const char *as, const char *output, struct error *err)
{
	const char *adapter = arena_printf(&r->arena, "%s/adapter.gguf", t->folder);
	bool encoder = strcmp(as, "encoder") == 0, gguf = strcmp(as, "gguf") == 0, peft = strcmp(as, "peft") == 0;
	struct models *models = rung_models(r);
	struct buf base = { 0 };

	if (!encoder && !gguf && !peft && strcmp(as, "merged") != 0)
		return error_set(err, "--as \"%s\" is not one of gguf, peft, merged and encoder", as);
	if (encoder != (t->kind == TUNED_ENCODER))
		return error_set(err, "%s is %s; export it with --as %s", t->name, encoder ? "a LoRA adapter" : "an encoder",
				 encoder ? "gguf, peft or merged" : "encoder");
	if (encoder)
		return file_copy_folder(t->folder, output, err);
	if (gguf)
		return file_copy(adapter, output, err);
	bool done = models_base_file(models, t->base, &base, err) && tuned_base_same(t, base.data, err) &&
		    (peft ? export_peft(adapter, base.data, t->base, models_pool(models), output, err) :
			    export_merged(adapter, base.data, models_pool(models), output, err));

	buf_release(&base);
	return done;
}

enum rung_status rung_tune_curate(struct rung *r, const char *model, bool json, char **text, struct rung_error *err)
{
	struct task_options open = { .examples = r->options.examples, .seed = r->options.seed };
	struct buf folder = { 0 }, out = { 0 };
	struct curation found;
	struct error e;

	if (!rung_open_task(r, &open, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	registry_folder(r->options.models, &folder);
	const char *path = rung_beside_store(r, CURATE_FILE);
	struct curate_models models = { rung_models(r), buf_text(&folder), model ? model : "local" };
	bool done = curate_find(r->task, &models, r->options.seed, &r->arena, &found, &e) &&
		    curate_merge(r->task, path, &r->arena, &found, &e) && curate_write(r->task, &found, path, &e);

	buf_release(&folder);
	if (!done)
		return rung_failed(RUNG_INPUT, &e, err);
	(json ? curate_json : curate_text)(r->task, &found, path, &out);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

/* --- training elsewhere --------------------------------------------------------------------------------------------- */

/* What the trainer is to load; names of local models are files that it cannot train. */
static const char *base_elsewhere(const struct trainer *t, const char *model, struct error *err)
{
	size_t bad;

	if ((!model || strcmp(model, "local") == 0) && t->base_such_as) {
		error_set(err, "--for %s needs --base, the model as %s names it, such as %s", t->id, t->name, t->base_such_as);
		return NULL;
	}
	if (!model || strcmp(model, "local") == 0)
		return trainer_default_base;
	if (!model[0] || registry_is_local(model) || tuned_is(model) || !text_valid(model, strlen(model), &bad)) {
		error_set(err, "--base \"%s\" is nothing that a trainer elsewhere can load; give the model's name on Hugging Face (ORG/MODEL) or "
			       "a folder there", model);
		return NULL;
	}
	return model;
}

static void describe_hand_off(const struct trainer *t, const struct trainer_job *job, const char *folder, bool json, struct buf *out)
{
	if (!json) {
		buf_addf(out, "%s: %zu examples of the pool to train %s on with %s, and %zu held out; %s/README.md says how, and how the "
			      "%s comes back\n", folder, job->n_train, job->base, t->name, job->n_held, folder, t->base_such_as ? "model" : "adapter");
		return;
	}
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "folder", folder, "trainer", t->id, "base", job->base, "method",
				   job->method, "train", (json_int_t)job->n_train, "validation", (json_int_t)job->n_held);
	char *text = json_dumps(object, JSON_COMPACT);

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(object);
}

enum rung_status rung_tune_hand_off(struct rung *r, const char *trainer, const char *folder, const struct rung_tune_options *o, bool json,
				    char **text, struct rung_error *err)
{
	struct task_options open = { .examples = r->options.examples, .seed = r->options.seed };
	struct rung_tune_options chosen = *o;
	struct trainer_job job = { 0 };
	struct buf out = { 0 };
	struct error e;
	const struct trainer *t = trainer_find(trainer, &e);

	chosen.model = NULL; /* the recipe is the same for every decoder */
	chosen.method = o->method ? o->method : "lora";
	if (!t || !(job.base = base_elsewhere(t, o->model, &e)) || !rung_open_task(r, &open, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	const struct variant *v = rung_tuning_variant(r, &chosen, &e);

	if (v && !v->model) {
		error_set(&e, "--method %s is trained here alone; hand lora or lora-rag to a trainer elsewhere", chosen.method);
		v = NULL;
	}
	if (!v || !rung_tuning_documents(r, v, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	job.settings = rung_tuning_settings(r, o, v);
	struct workshop *w = workshop_open(r->task, dev_order(r->task, r->options.seed, &r->arena), rung_models(r), r->library, NULL, 0,
					   r->options.seed);
	struct curated curated;

	workshop_curate(w, &curated);
	bool done = curate_apply(r->task, rung_beside_store(r, CURATE_FILE), &r->arena, &curated, &e) &&
		    handoff_write(w, v, t, &job, folder, &e);

	if (done)
		describe_hand_off(t, &job, folder, json, &out);
	workshop_free(w);
	if (!done)
		return rung_failed(RUNG_INPUT, &e, err);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

/* --- the registry --------------------------------------------------------------------------------------------------- */

/* The registry's folder, with the task file read and nothing else. */
static const char *open_registry(struct rung *r, struct error *err)
{
	struct task_options open = { .file_alone = true };

	return rung_open_task(r, &open, err) ? rung_beside_store(r, "tuned") : NULL;
}

static void write_job(const struct submitted *job, bool json, struct buf *out)
{
	if (!json) {
		buf_addf(out, "%-28s %-8s %-24s %s\n", job->model ? job->model : job->job, "job", job->base ? job->base : "", job->status);
		return;
	}
	json_t *row = json_pack("{s:s, s:s, s:s*, s:s, s:s*, s:I}", "kind", "job", "job", job->job, "base", job->base, "status", job->status, "model",
				job->model, "trained_tokens", (json_int_t)job->trained_tokens);
	char *text = json_dumps(row, JSON_COMPACT);

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(row);
}

/* Jobs at providers, as they stood when they were last looked at. */
static bool list_jobs(struct rung *r, bool json, struct buf *out, struct error *err)
{
	struct submitted *jobs;
	size_t n;

	if (!submissions_list(rung_beside_store(r, "jobs"), &r->arena, &jobs, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		write_job(&jobs[i], json, out);
	return true;
}

enum rung_status rung_tune_list(struct rung *r, bool json, char **text, struct rung_error *err)
{
	struct buf out = { 0 };
	struct error e;
	const char *root = open_registry(r, &e);

	if (!root || !tuned_list(root, json, &out, &e) || !list_jobs(r, json, &out, &e)) {
		buf_release(&out);
		return rung_failed(RUNG_INPUT, &e, err);
	}
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

enum rung_status rung_tune_export(struct rung *r, const char *name, const char *as, const char *output, struct rung_error *err)
{
	struct tuned t = { 0 };
	struct error e;
	const char *root = open_registry(r, &e);
	const char *full = root && !tuned_is(name) ? arena_printf(&r->arena, "tuned:%s", name) : name;
	bool done = root && tuned_find(root, full, &t, &e) && export_version(r, &t, as, output, &e);

	tuned_release(&t);
	return done ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}

enum rung_status rung_tune_remove(struct rung *r, const char *name, struct rung_error *err)
{
	struct error e;
	const char *root = open_registry(r, &e);
	const char *full = root && !tuned_is(name) ? arena_printf(&r->arena, "tuned:%s", name) : name;

	return root && tuned_remove(root, full, &e) ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}
