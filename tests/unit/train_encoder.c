/* The encoder's training against PyTorch in float64 (tests/reference/training.py) and against finite differences. */
#include "engine.h"

#include <string.h>
#include <unistd.h>

#include "llm/encoder_inner.h"
#include "train/encoder_train.h"
#include "training_golden.h"

static const char golden[] = "tests/reference/golden/training-encoder.txt";
enum { TEXTS = 5, CLASSES = 3, TAGS = 4, LONGEST = 64 };
static const size_t heads[] = { 2, 3 };

static const struct encoder_case {
	const char *name, *folder;
	bool many;
	float weights[CLASSES];
	size_t rank;
	double rate;
	bool joint; /* a class of each of `heads`, and tags */
} cases[] = {
	{ "bert-single", "tests/reference/golden/tiny-bert", .rate = 1e-3 },
	{ "bge-single", "tests/reference/golden/tiny-bge", .rate = 1e-3 },
	{ "bert-weighted", "tests/reference/golden/tiny-bert", .weights = { 1, 2, 0.5f }, .rate = 1e-3 },
	{ "bert-many", "tests/reference/golden/tiny-bert", .many = true, .rate = 1e-3 },
	{ "bert-lora", "tests/reference/golden/tiny-bert", .rank = 4, .rate = 5e-3 },
	{ "bert-joint", "tests/reference/golden/tiny-bert", .rate = 1e-3, .joint = true },
	{ "bge-joint", "tests/reference/golden/tiny-bge", .rate = 1e-3, .joint = true },
	{ "bert-joint-lora", "tests/reference/golden/tiny-bert", .rank = 4, .rate = 5e-3, .joint = true },
};

static const uint8_t sets[TEXTS][CLASSES] = { { 1, 0, 0 }, { 0, 1, 1 }, { 0, 0, 0 }, { 1, 1, 1 }, { 0, 0, 1 } };

struct lesson {
	struct engine engine;
	struct encoder_trainer *trainer;
	struct token_list tokens[TEXTS];
	struct training_text texts[TEXTS];
	size_t choices[TEXTS][ARRAY_SIZE(heads)];
	int32_t tags[TEXTS][LONGEST];
	const struct training_text *list[TEXTS];
};

static struct parameter *parameter_named(struct parameters *ps, const char *name, size_t *part)
{
	for (size_t i = 0; i < ps->n; i++)
		for (*part = 0; *part < ps->at[i]->n_names; (*part)++)
			if (strcmp(ps->at[i]->names[*part], name) == 0)
				return ps->at[i];
	return NULL;
}

/* The reference's first weights of the head and of LoRA's pairs. */
static void set_first_values(struct parameters *ps)
{
	size_t pair = 0;

	for (size_t i = 0; i < ps->n; i++) {
		struct parameter *p = ps->at[i];

		for (size_t j = 0; strstr(p->names[0], "classifier.") && j < p->rows * p->columns; j++) {
			size_t row = j / p->columns, column = j % p->columns;

			p->value[j] = (float)(p->rows == 1 ? 0.01 * (double)j : 0.05 * sin(1 + 7 * (double)row + 3 * (double)column));
		}
	}
	for (size_t i = 0; i < ps->n; i++) {
		struct parameter *p = ps->at[i];
		bool a = strstr(p->names[0], ".lora_A") != NULL;

		if (!a && !strstr(p->names[0], ".lora_B"))
			continue;
		for (size_t r = 0; r < p->rows; r++)
			for (size_t c = 0; c < p->columns; c++)
				p->value[r * p->columns + c] =
					(float)(a ? 0.1 * sin(0.7 * (double)c + 1.3 * (double)r + 0.11 * (double)(pair / 2)) :
						    0.05 * cos(0.3 * (double)r + 0.9 * (double)c + 0.17 * (double)(pair / 2)));
		pair++;
	}
}

static void begin(struct lesson *l, const struct encoder_case *c, int threads)
{
	static const char *const words[TEXTS] = { "the cat sat on the mat", "a dog", "The mat, the dog and the cat!",
						  "cats unknownword sit",
						  "the the the the the the the the the the the the the the the the the the the the "
						  "the the the the the the the the the the the the the the the the the the the the " };
	struct encoder_training options = { .classes = CLASSES, .many = c->many, .class_weights = c->weights[0] > 0 ? c->weights : NULL,
					    .rank = c->rank, .alpha = 8, .adamw = adamw_defaults };

	if (c->joint) {
		options.classes = 5;
		options.heads = heads;
		options.n_heads = ARRAY_SIZE(heads);
		options.tags = TAGS;
		options.tag_weight = 1.5;
	}

	*l = (struct lesson){ .engine = engine_encoder(c->folder, NULL, threads) };
	l->trainer = encoder_trainer_new(l->engine.encoder, &options);
	set_first_values(encoder_trainer_parameters(l->trainer));
	for (size_t i = 0; i < TEXTS; i++) {
		encoder_encode(l->engine.encoder, words[i], &l->tokens[i]);
		assert_true(l->tokens[i].n <= LONGEST);
		for (size_t h = 0; h < ARRAY_SIZE(heads); h++)
			l->choices[i][h] = (i + h) % heads[h];
		for (size_t j = 0; j < l->tokens[i].n; j++)
			l->tags[i][j] = (int32_t)((i + j) % (TAGS + 1)) - 1;
		l->texts[i] = (struct training_text){ l->tokens[i].ids, l->tokens[i].n, i % CLASSES, sets[i], l->choices[i], l->tags[i] };
		l->list[i] = &l->texts[i];
	}
}

static void end(struct lesson *l)
{
	encoder_trainer_free(l->trainer);
	for (size_t i = 0; i < TEXTS; i++)
		token_list_release(&l->tokens[i]);
	engine_close(&l->engine);
}

static double pass(struct lesson *l, double *weight)
{
	double loss = encoder_trainer_pass(l->trainer, l->list, TEXTS, true, weight);

	return loss / *weight;
}

static void gradients_are_the_reference_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lesson l;
		double weight, want = 0;
		char name[64];

		begin(&l, &cases[i], 2);
		double loss = pass(&l, &weight);

		snprintf(name, sizeof(name), "%s loss", cases[i].name);
		assert_true(golden_read(golden, name, &want, 1));
		assert_close(cases[i].name, loss, want, 1e-5);
		golden_compare(golden, encoder_trainer_parameters(l.trainer), cases[i].name, false, 1 / weight, 1e-4);
		end(&l);
	}
}

static void ten_steps_are_the_reference_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double want[GOLDEN_LOSSES], weight;
		struct lesson l;
		char name[64];

		begin(&l, &cases[i], 2);
		snprintf(name, sizeof(name), "%s losses", cases[i].name);
		assert_true(golden_read(golden, name, want, GOLDEN_LOSSES));
		for (size_t step = 0; step < GOLDEN_LOSSES; step++) {
			double loss = pass(&l, &weight);

			assert_close(name, loss, want[step], 1e-4);
			parameters_step(encoder_trainer_parameters(l.trainer), cases[i].rate, 1 / weight);
		}
		parameters_catch_up(encoder_trainer_parameters(l.trainer));
		snprintf(name, sizeof(name), "%s after", cases[i].name);
		golden_compare(golden, encoder_trainer_parameters(l.trainer), name, true, 1, 1e-3);
		end(&l);
	}
}

/* Along the gradient of each parameter the loss must change by its length. */
static void compare_with_finite_differences(const struct encoder_case *c)
{
	struct lesson l;
	double weight;

	begin(&l, c, 2);
	pass(&l, &weight);
	struct parameters *ps = encoder_trainer_parameters(l.trainer);
	float **gradient = mem_zero(ps->n, sizeof(*gradient));
	double whole = parameters_norm(ps);

	for (size_t i = 0; i < ps->n; i++)
		gradient[i] = whole_gradient(ps->at[i]);
	for (size_t i = 0; i < ps->n; i++) {
		struct parameter *p = ps->at[i];
		size_t n = p->rows * p->columns;
		double length = 0, step = 0.02, loss[2];
		float *keep = mem_alloc(n * sizeof(*keep));

		for (size_t j = 0; j < n; j++)
			length += (double)gradient[i][j] * (double)gradient[i][j];
		length = sqrt(length);
		memcpy(keep, p->value, n * sizeof(*keep));
		for (int side = 0; side < 2 && length > 0.02 * whole; side++) {
			for (size_t j = 0; j < n; j++)
				p->value[j] = (float)((double)keep[j] + (side ? -step : step) * (double)gradient[i][j] / length);
			loss[side] = pass(&l, &weight) * weight;
		}
		if (length > 0.02 * whole)
			assert_close(p->names[0], (loss[0] - loss[1]) / (2 * step) / length, 1.0, 5e-3);
		memcpy(p->value, keep, n * sizeof(*keep));
		free(keep);
		free(gradient[i]);
	}
	free(gradient);
	end(&l);
}

static void gradients_are_those_of_finite_differences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (i == 0 || (cases[i].joint && !cases[i].rank))
			compare_with_finite_differences(&cases[i]);
}

static void threads_and_passes_leave_no_trace(void **state)
{
	struct lesson one, two;
	double weight;

	(void)state;
	begin(&one, &cases[0], 1);
	begin(&two, &cases[0], 3);
	for (int step = 0; step < 3; step++) {
		pass(&one, &weight);
		parameters_step(encoder_trainer_parameters(one.trainer), 1e-3, 1 / weight);
		pass(&two, &weight);
		parameters_step(encoder_trainer_parameters(two.trainer), 1e-3, 1 / weight);
	}
	struct parameters *a = encoder_trainer_parameters(one.trainer), *b = encoder_trainer_parameters(two.trainer);

	parameters_catch_up(a);
	parameters_catch_up(b);
	for (size_t i = 0; i < a->n; i++)
		assert_memory_equal(a->at[i]->value, b->at[i]->value, a->at[i]->rows * a->at[i]->columns * sizeof(float));
	end(&one);
	end(&two);
}

/* Gradients of a batch in two passes are those of one. */
static void passes_add_up(void **state)
{
	struct lesson l;
	double weight, first, second, loss;

	(void)state;
	begin(&l, &cases[0], 2);
	loss = encoder_trainer_pass(l.trainer, l.list, 2, true, &first);
	loss += encoder_trainer_pass(l.trainer, l.list + 2, TEXTS - 2, false, &second);
	weight = first + second;
	assert_close("loss", loss / weight, 1.0781655745377503, 1e-5);
	golden_compare(golden, encoder_trainer_parameters(l.trainer), "bert-single", false, 1 / weight, 1e-4);
	end(&l);
}

/* What was saved opens as an encoder that gives the same vectors as the trainer had. */
static void saved_encoder_is_what_was_trained(void **state)
{
	char folder[] = "/tmp/rung-train-XXXXXX";
	struct error err = { .text = "" };
	struct lesson l;
	double weight;

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i <= 4; i += 4) { /* every weight; LoRA, merged */
		float before[TEXTS * CLASSES], pooled[32];
		size_t width;

		begin(&l, &cases[i], 2);
		for (int step = 0; step < 3; step++) {
			pass(&l, &weight);
			parameters_step(encoder_trainer_parameters(l.trainer), cases[i].rate, 1 / weight);
		}
		encoder_trainer_scores(l.trainer, l.list, TEXTS, before, NULL);
		if (!encoder_trainer_save(l.trainer, folder, &err))
			fail_msg("%s", err.text);
		struct engine saved = engine_encoder(folder, NULL, 1);
		struct encoder_training options = { .classes = CLASSES, .adamw = adamw_defaults };
		struct encoder_trainer *again = encoder_trainer_new(saved.encoder, &options);
		float after[TEXTS * CLASSES];
		size_t part;

		width = encoder_width(saved.encoder);
		assert_int_equal(width, ARRAY_SIZE(pooled));
		for (int h = 0; h < 2; h++) {
			static const char *const names[] = { "classifier.weight", "classifier.bias" };
			struct parameter *from = parameter_named(encoder_trainer_parameters(l.trainer), names[h], &part);
			struct parameter *to = parameter_named(encoder_trainer_parameters(again), names[h], &part);

			memcpy(to->value, from->value, from->rows * from->columns * sizeof(float));
		}
		encoder_trainer_scores(again, l.list, TEXTS, after, NULL);
		for (size_t k = 0; k < TEXTS * CLASSES; k++)
			assert_close("score", (double)after[k], (double)before[k], 1e-6);
		encoder_trainer_free(again);
		engine_close(&saved);
		end(&l);
	}
	char command[128];
	static const char *const files[] = { "config.json", "model.safetensors", "head.safetensors", "vocab.txt", "tokenizer.json" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(command, sizeof(command), "%s/%s", folder, files[i]);
		unlink(command);
	}
	snprintf(command, sizeof(command), "%s/1_Pooling", folder);
	rmdir(command);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_the_reference_s),
		cmocka_unit_test(ten_steps_are_the_reference_s),
		cmocka_unit_test(gradients_are_those_of_finite_differences),
		cmocka_unit_test(threads_and_passes_leave_no_trace),
		cmocka_unit_test(passes_add_up),
		cmocka_unit_test(saved_encoder_is_what_was_trained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
