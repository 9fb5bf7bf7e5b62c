/* Thousands of real texts (e-mails, code, questions of bank customers) through the tokenizers of MiniLM and SmolLM2, and
 * of Gemma 3 and Qwen 2.5 where these are. The texts are not ours to keep: the golden files have a hash of the
 * reference's ids for each (token_ids.py and piece_ids.py golden). */
#include "test.h"

#include <jansson.h>

#include "base/hash.h"
#include "tokenizer_models.h"

struct hashes {
	struct tokenizer *models[2];
	const uint8_t *want;         /* 8 bytes a text: the low 32 bits of hash64 over ids, for each model */
	size_t n, at, wrong;
};

static void check_hash(struct hashes *h, const char *text, size_t n)
{
	if (h->at == h->n)
		fail_msg("the data has more than the %zu texts of the golden file", h->n);
	for (size_t m = 0; m < 2; m++) {
		struct token_list ids = { 0 };
		uint32_t want;

		tokenizer_encode(h->models[m], text, n, false, &ids);
		memcpy(&want, h->want + 8 * h->at + 4 * m, 4);
		h->wrong += (uint32_t)hash64(ids.ids, ids.n * sizeof(*ids.ids), 0) != want;
		token_list_release(&ids);
	}
	h->at++;
}

static void check_json_text(struct hashes *h, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_string(value));
	check_hash(h, json_string_value(value), json_string_length(value));
}

static void hash_emails(struct hashes *h, const json_t *item)
{
	struct buf text = { 0 };

	buf_adds(&text, json_string_value(json_object_get(item, "subject")));
	buf_addc(&text, '\n');
	buf_adds(&text, json_string_value(json_object_get(item, "text")));
	check_hash(h, text.data, text.n);
	buf_release(&text);
}

static void hash_questions(struct hashes *h, const json_t *item)
{
	check_json_text(h, item, "query");
	check_json_text(h, item, "answer");
}

static char *data_file(const char *folder, const char *name, size_t *n)
{
	struct error err;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	char *text = file_read(path, 64 << 20, n, &err);

	if (!text)
		fail_msg("%s", err.text);
	return text;
}

static void each_line(struct hashes *h, const char *folder, const char *name,
		      void (*check)(struct hashes *h, const json_t *item))
{
	size_t n;
	char *text = data_file(folder, name, &n), *end;

	for (char *line = text; (end = memchr(line, '\n', n - (size_t)(line - text))); line = end + 1) {
		json_t *item = json_loadb(line, (size_t)(end - line), 0, NULL);

		assert_non_null(item);
		check(h, item);
		json_decref(item);
	}
	free(text);
}

static void hash_chunks(struct hashes *h, const char *folder)
{
	size_t n;
	char *text = data_file(folder, "code_rag/codebase_chunks.json", &n);
	json_t *documents = json_loadb(text, n, 0, NULL);

	for (size_t d = 0; d < json_array_size(documents); d++) {
		const json_t *chunks = json_object_get(json_array_get(documents, d), "chunks");

		for (size_t c = 0; c < json_array_size(chunks); c++)
			check_json_text(h, json_array_get(chunks, c), "content");
	}
	json_decref(documents);
	free(text);
}

/* The first field of every row behind the header. */
static void hash_rows(struct hashes *h, const char *folder)
{
	size_t n;
	char *text = data_file(folder, "banking77/test.csv", &n);
	struct buf field = { 0 };

	for (const char *p = strchr(text, '\n') + 1; *p; p = strchr(p, '\n') + 1) {
		bool quoted = *p == '"';

		buf_clear(&field);
		for (p += quoted; quoted ? *p != '"' || p[1] == '"' : *p != ','; p++) {
			p += quoted && *p == '"';
			buf_addc(&field, *p);
		}
		check_hash(h, buf_text(&field), field.n);
	}
	buf_release(&field);
	free(text);
}

static void check_models(int first, int second, const char *golden)
{
	struct hashes h = { .models = { tokenizer_for_test(first), tokenizer_for_test(second) } };
	const char *folder = test_data_folder();
	struct error err;
	char *want = file_read(golden, 1 << 20, &h.n, &err);

	assert_non_null(want);
	if (h.models[0] && h.models[1] && folder) {
		h.want = (const uint8_t *)want;
		h.n /= 8;
		each_line(&h, folder, "email_five/email_five.jsonl", hash_emails);
		hash_chunks(&h, folder);
		each_line(&h, folder, "code_rag/evaluation_set.jsonl", hash_questions);
		hash_rows(&h, folder);
	}
	tokenizer_free(h.models[0]);
	tokenizer_free(h.models[1]);
	free(want);
	if (!h.want) {
		print_message("the models or the data are absent (test.h says where they are looked for)\n");
		skip();
	}
	print_message("%zu texts through both tokenizers, %zu differ\n", h.at, h.wrong);
	assert_int_equal(h.at, h.n);
	assert_int_equal(h.wrong, 0);
}

static void thousands_of_real_texts_have_the_reference_ids(void **state)
{
	(void)state;
	check_models(MINILM, SMOLLM2, GOLDEN "tokenizer_hashes.bin");
}

static void and_those_of_the_optional_models(void **state)
{
	(void)state;
	check_models(GEMMA, QWEN, GOLDEN "optional_hashes.bin");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousands_of_real_texts_have_the_reference_ids),
		cmocka_unit_test(and_those_of_the_optional_models),
	};

	return cmocka_run_group_tests_name("llm_tokenizer_texts", tests, NULL, NULL);
}
