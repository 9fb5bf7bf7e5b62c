/* LoRA on decoders against PyTorch in float64 (tests/reference/training.py), for each family, and against finite differences. */
#include "engine.h"

#include <string.h>
#include <unistd.h>

#include "llm/adapter.h"
#include "train/decoder_train.h"
#include "training_golden.h"

static const char golden[] = "tests/reference/golden/training-decoder.txt";
static const char *const models[] = { "tiny-llama", "tiny-llama3", "tiny-qwen2", "tiny-qwen3", "tiny-gemma3" };
enum { SEQUENCES = 3, PREFIX = 11, RANK = 4, LONGEST = PREFIX + 7 + 6 };

struct lesson {
	struct pool *pool;
	struct decoder *decoder;
	struct decoder_trainer *trainer;
	int32_t ids[SEQUENCES][LONGEST];
	struct training_sequence sequences[SEQUENCES];
	const struct training_sequence *list[SEQUENCES];
};

/* The reference numbers the linear layers q, k, v, o, gate, up, down of each block; `part` counts those of one parameter. */
static size_t linear_number(const char *name)
{
	static const char *const order[] = { "attn_q.", "attn_k.", "attn_v.", "attn_output.", "ffn_gate.", "ffn_up.", "ffn_down." };
	size_t layer = strtoul(name + 4, NULL, 10);

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (strstr(name, order[i]))
			return layer * ARRAY_SIZE(order) + i;
	fail_msg("%s is no linear layer", name);
	return 0;
}

static void set_first_values(struct parameters *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		struct parameter *p = ps->at[i];
		bool a = strstr(p->names[0], ".lora_a") != NULL;
		size_t rows = p->rows / p->n_names;

		for (size_t r = 0; r < p->rows; r++)
			for (size_t c = 0; c < p->columns; c++) {
				double t = (double)linear_number(p->names[r / rows]), row = (double)(r % rows), column = (double)c;

				p->value[r * p->columns + c] = (float)(a ? 0.1 * sin(0.7 * column + 1.3 * row + 0.11 * t) :
									   0.05 * cos(0.3 * row + 0.9 * column + 0.17 * t));
			}
	}
}

static void begin_with(struct lesson *l, const char *model, int threads, const struct kernels *kernels)
{
	struct decoder_training options = { .rank = RANK, .alpha = 8, .adamw = adamw_defaults };
	struct error err = { .text = "" };
	char path[128];

	snprintf(path, sizeof(path), "tests/reference/golden/%s.gguf", model);
	*l = (struct lesson){ .pool = pool_open(threads) };
	l->decoder = decoder_open_unpacked(path, kernels, l->pool, &err);
	if (!l->decoder)
		fail_msg("%s", err.text);
	l->trainer = decoder_trainer_new(l->decoder, &options);
	set_first_values(decoder_trainer_parameters(l->trainer));
	for (size_t s = 0; s < SEQUENCES; s++) {
		size_t prompt = PREFIX + 3 + 2 * s, n = prompt + 4 + s;

		for (size_t i = 0; i < PREFIX; i++)
			l->ids[s][i] = (int32_t)(3 + i * 29 % 200);
		for (size_t j = 0; j < n - PREFIX; j++)
			l->ids[s][PREFIX + j] = (int32_t)(3 + (s * 83 + j * 31 + j * j * (s + 1)) % 200);
		l->sequences[s] = (struct training_sequence){ l->ids[s], n, prompt };
		l->list[s] = &l->sequences[s];
	}
}

static void begin(struct lesson *l, const char *model, int threads)
{
	begin_with(l, model, threads, engine_kernels(NULL));
}

static void end(struct lesson *l)
{
	decoder_trainer_free(l->trainer);
	decoder_free(l->decoder);
	pool_free(l->pool);
}

static double pass(struct lesson *l, double *weight)
{
	double loss = decoder_trainer_pass(l->trainer, l->list, SEQUENCES, true, weight);

	return loss / *weight;
}

static void gradients_are_the_reference_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		double weight, want = NAN;
		struct lesson l;
		char name[64];

		begin(&l, models[i], 2);
		double loss = pass(&l, &weight);

		snprintf(name, sizeof(name), "%s loss", models[i]);
		assert_true(golden_read(golden, name, &want, 1));
		assert_close(models[i], loss, want, 1e-5);
		golden_compare(golden, decoder_trainer_parameters(l.trainer), models[i], false, 1 / weight, 1e-4);
		end(&l);
	}
}

static void ten_steps_are_the_reference_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		double want[GOLDEN_LOSSES], weight;
		struct lesson l;
		char name[64];

		begin(&l, models[i], 2);
		snprintf(name, sizeof(name), "%s losses", models[i]);
		assert_true(golden_read(golden, name, want, GOLDEN_LOSSES));
		for (size_t step = 0; step < GOLDEN_LOSSES; step++) {
			double loss = pass(&l, &weight);

			assert_close(name, loss, want[step], 1e-4);
			parameters_step(decoder_trainer_parameters(l.trainer), 5e-3, 1 / weight);
		}
		snprintf(name, sizeof(name), "%s after", models[i]);
		golden_compare(golden, decoder_trainer_parameters(l.trainer), name, true, 1, 1e-3);
		end(&l);
	}
}

/* The loss along one parameter's gradient, `step` from where it is. */
static double loss_along(struct lesson *l, struct parameter *p, const float *gradient, double length, double step)
{
	size_t n = p->rows * p->columns;
	float *keep = mem_alloc(n * sizeof(*keep));
	double weight;

	memcpy(keep, p->value, n * sizeof(*keep));
	for (size_t i = 0; i < n; i++)
		p->value[i] = (float)((double)keep[i] + step * (double)gradient[i] / length);
	double loss = decoder_trainer_loss(l->trainer, l->list, SEQUENCES, &weight);

	memcpy(p->value, keep, n * sizeof(*keep));
	free(keep);
	return loss;
}

static void gradients_are_those_of_finite_differences(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(models); m++) {
		struct lesson l;
		double weight;

		begin(&l, models[m], 2);
		pass(&l, &weight);
		struct parameters *ps = decoder_trainer_parameters(l.trainer);
		double whole = parameters_norm(ps);

		for (size_t i = 0; i < ps->n; i++) {
			float *gradient = whole_gradient(ps->at[i]);
			double length = 0, step = 5e-3;

			for (size_t j = 0; j < ps->at[i]->rows * ps->at[i]->columns; j++)
				length += (double)gradient[j] * (double)gradient[j];
			length = sqrt(length);
			if (length > 0.1 * whole) {
				double slope = (loss_along(&l, ps->at[i], gradient, length, step) -
						loss_along(&l, ps->at[i], gradient, length, -step)) / (2 * step);

				assert_close(ps->at[i]->names[0], slope / length, 1.0, 5e-3);
			}
			free(gradient);
		}
		end(&l);
	}
}

static void assert_same_gradients(const struct lesson *one, const struct lesson *other)
{
	const struct parameters *a = decoder_trainer_parameters(one->trainer), *b = decoder_trainer_parameters(other->trainer);

	for (size_t i = 0; i < a->n; i++)
		assert_memory_equal(a->at[i]->gradient, b->at[i]->gradient, a->at[i]->rows * a->at[i]->columns * sizeof(float));
}

/* What three prompts begin with is computed once, but for the last token of the prompts, from which each goes on alone. */
static void what_sequences_share_is_computed_once(void **state)
{
	static const int32_t a[] = { 1, 2, 3, 4, 5 }, b[] = { 1, 2, 3, 6, 7, 8 }, c[] = { 1, 2, 3, 4 };
	const struct training_sequence s[] = { { a, 5, 4 }, { b, 6, 4 }, { c, 4, 3 }, { a + 1, 4, 2 } };
	const struct training_sequence *list[] = { &s[0], &s[1], &s[2], &s[3] };

	(void)state;
	assert_int_equal(decoder_trainer_rows(list, 1), 5);
	assert_int_equal(decoder_trainer_rows(list, 2), 3 + 2 + 3);
	assert_int_equal(decoder_trainer_rows(list, 3), 2 + 3 + 4 + 2); /* the third one's prompt ends after 3 tokens */
	assert_int_equal(decoder_trainer_rows(list, 4), 5 + 6 + 4 + 4);
}

/* Threads, and sequences in passes of their own instead of behind a shared prefix. */
static void passes_and_threads_leave_no_trace(void **state)
{
	struct lesson one, two;
	double weight, own, loss = 0;

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(models); m++) {
		begin(&one, models[m], 1);
		begin(&two, models[m], 3);
		double together = decoder_trainer_pass(one.trainer, one.list, SEQUENCES, true, &weight);

		assert_true(together == decoder_trainer_pass(two.trainer, two.list, SEQUENCES, true, &own));
		struct parameters *b = decoder_trainer_parameters(two.trainer);

		assert_same_gradients(&one, &two);
		loss = 0;
		for (size_t s = 0; s < SEQUENCES; s++)
			loss += decoder_trainer_pass(two.trainer, two.list + s, 1, s == 0, &own);
		assert_close(models[m], loss, together, 1e-6);
		golden_compare(golden, b, models[m], false, 1 / weight, 1e-4);
		end(&one);
		end(&two);
	}
}

/* Rounded rows are shorter than those of floats, and lie close: passes of many tiles, whatever thread takes which. */
/* More losses than the head takes at a time, beside a few of them in each pass. */
static void many_losses_are_those_of_few(void **state)
{
	enum { PASSES = 8, COPIES = 40 };
	const struct training_sequence *list[PASSES * COPIES];
	struct lesson one, many;
	double weight, sum = 0;

	(void)state;
	begin(&one, "tiny-llama", 2);
	begin(&many, "tiny-llama", 2);
	for (size_t i = 0; i < PASSES * COPIES; i++)
		list[i] = &one.sequences[i % SEQUENCES];
	double together = decoder_trainer_pass(one.trainer, list, PASSES * COPIES, true, &weight);

	for (size_t i = 0; i < PASSES; i++)
		sum += decoder_trainer_pass(many.trainer, list + i * COPIES, COPIES, i == 0, &weight);
	assert_close("loss", sum, together, 1e-6);
	const struct parameters *a = decoder_trainer_parameters(one.trainer), *b = decoder_trainer_parameters(many.trainer);

	for (size_t i = 0; i < a->n; i++) {
		size_t n = a->at[i]->rows * a->at[i]->columns;
		double largest = 0, apart = 0;

		for (size_t j = 0; j < n; j++) {
			largest = fmax(largest, fabs((double)a->at[i]->gradient[j]));
			apart = fmax(apart, fabs((double)a->at[i]->gradient[j] - (double)b->at[i]->gradient[j]));
		}
		assert_true(apart <= 1e-4 * largest);
	}
	end(&one);
	end(&many);
}

static void every_kernel_set_trains_alike_on_any_threads(void **state)
{
	enum { COPIES = 40, AGAIN = 20 };
	const struct training_sequence *list[COPIES];
	struct lesson one, many;
	double weight;

	(void)state;
	for (const struct kernels *const *k = kernels_all(); *k; k++) {
		if (!(*k)->available() || (*k)->products == PRODUCTS_INT8)
			continue;
		begin_with(&one, "tiny-llama", 1, *k);
		begin_with(&many, "tiny-llama", 4, *k);
		for (size_t i = 0; i < COPIES; i++)
			list[i] = &one.sequences[i % SEQUENCES];
		double want = decoder_trainer_pass(one.trainer, list, COPIES, true, &weight);

		assert_true(isfinite(want));
		for (size_t i = 0; i < AGAIN; i++) {
			assert_true(decoder_trainer_pass(many.trainer, list, COPIES, true, &weight) == want);
			assert_same_gradients(&one, &many);
		}
		end(&one);
		end(&many);
	}
}

/* The adapter that is written answers with the loss that training saw. */
static void saved_adapter_is_what_was_trained(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(models); m++) {
		char path[] = "/tmp/rung-adapter-XXXXXX", base[128];
		struct error err = { .text = "" };
		struct lesson l;
		double weight, sum = 0;

		begin(&l, models[m], 2);
		double loss = decoder_trainer_loss(l.trainer, l.list, 1, &weight);

		assert_true(mkstemp(path) >= 0);
		if (!decoder_trainer_save(l.trainer, path, &err))
			fail_msg("%s", err.text);
		snprintf(base, sizeof(base), "tests/reference/golden/%s.gguf", models[m]);
		struct decoder *d = decoder_open(base, engine_kernels(NULL), l.pool, &err);
		struct adapter *a = d ? adapter_open(path, d, &err) : NULL;

		if (!a)
			fail_msg("%s", err.text);
		const struct training_sequence *s = l.list[0];
		size_t vocabulary = decoder_vocabulary(d);
		float *logits = mem_alloc(s->n * vocabulary * sizeof(*logits));
		struct context *c = context_new(d, NULL, s->ids, s->n);

		context_adapt(c, a);
		decoder_compute(d, &c, 1);
		decoder_logits_all(d, c, logits);
		for (size_t i = s->n_prompt; i < s->n; i++) {
			const float *row = logits + (i - 1) * vocabulary;
			double all = 0;

			for (size_t v = 0; v < vocabulary; v++)
				all += exp((double)row[v] - (double)row[s->ids[i]]);
			sum += log(all);
		}
		assert_close(models[m], sum, loss, 1e-5);
		free(logits);
		context_free(c);
		adapter_free(a);
		decoder_free(d);
		unlink(path);
		end(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_the_reference_s),
		cmocka_unit_test(ten_steps_are_the_reference_s),
		cmocka_unit_test(gradients_are_those_of_finite_differences),
		cmocka_unit_test(what_sequences_share_is_computed_once),
		cmocka_unit_test(passes_and_threads_leave_no_trace),
		cmocka_unit_test(many_losses_are_those_of_few),
		cmocka_unit_test(every_kernel_set_trains_alike_on_any_threads),
		cmocka_unit_test(saved_adapter_is_what_was_trained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
