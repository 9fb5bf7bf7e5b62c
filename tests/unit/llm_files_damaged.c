/* Model files that lie: cut at every byte, and damaged field by field. Each is one sentence that begins with the file
 * and names the field or tensor. tests/reference/tensors.py wrote the files that are damaged here. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "llm/gguf.h"
#include "llm/safetensors.h"

/* A temporary file that each case fills anew. */
struct scratch {
	int fd;
	char path[64];
};

static struct scratch scratch_open(void)
{
	struct scratch s = { .path = "/tmp/rung-test-XXXXXX" };

	s.fd = mkstemp(s.path);
	assert_true(s.fd >= 0);
	return s;
}

static void scratch_fill(const struct scratch *s, const void *bytes, size_t n)
{
	assert_int_equal(ftruncate(s->fd, 0), 0);
	assert_int_equal(pwrite(s->fd, bytes, n, 0), (ssize_t)n);
}

static void scratch_close(struct scratch *s)
{
	close(s->fd);
	unlink(s->path);
}

static char *golden_read(const char *name, size_t *n)
{
	struct error err = { .text = "" };
	char path[256];
	char *bytes;

	snprintf(path, sizeof(path), "tests/reference/golden/%s", name);
	bytes = file_read(path, 1 << 20, n, &err);
	if (!bytes)
		fail_msg("%s", err.text);
	return bytes;
}

/* The two readers as one shape: whether the file opens. */
static bool opens_gguf(const char *path, struct error *err)
{
	struct gguf *g = gguf_open(path, err);

	gguf_free(g);
	return g != NULL;
}

static bool opens_safetensors(const char *path, struct error *err)
{
	struct safetensors *s = safetensors_open(path, err);

	safetensors_free(s);
	return s != NULL;
}

/* The file must be refused with a sentence that begins with its path and holds `part`. */
static void assert_refused(const char *name, bool (*opens)(const char *path, struct error *err), const char *path,
			   const char *part)
{
	struct error err = { .text = "" };

	if (opens(path, &err))
		fail_msg("%s: the file opens", name);
	if (strncmp(err.text, path, strlen(path)) != 0 || !strstr(err.text, part))
		fail_msg("%s: the sentence is: %s", name, err.text);
}

/* Cuts from the end, so that the file never has to be written again. needed: bytes up to the last tensor's end. */
static void assert_cuts_refused(const char *file, bool (*opens)(const char *path, struct error *err), size_t needed)
{
	struct scratch s = scratch_open();
	struct error err = { .text = "" };
	size_t n;
	char *bytes = golden_read(file, &n);

	scratch_fill(&s, bytes, n);
	assert_true(needed <= n && opens(s.path, &err));
	while (n-- > 0) {
		assert_int_equal(ftruncate(s.fd, (off_t)n), 0);
		if (n >= needed)
			assert_true(opens(s.path, &err)); /* only padding is gone */
		else
			assert_refused(file, opens, s.path, "");
	}
	free(bytes);
	scratch_close(&s);
}

static void cut_at_every_byte(void **state)
{
	(void)state;
	assert_cuts_refused("tensors.gguf", opens_gguf, 3328 + 420); /* q6_k.weight: 2 rows of a block of 210 bytes */
	assert_cuts_refused("tensors.safetensors", opens_safetensors, 551);
}

/* A number of `width` bytes written at `at` behind the end of the first place where anchor occurs, and what the
 * sentence must name. Behind a key come its type (4) and value; behind an array's key also the elements' type (4) and
 * number (8); behind a tensor's name dimensions (4), each (8), type (4), offset (8). */
static const struct damage {
	const char *name, *anchor;
	int at;
	uint64_t number;
	size_t width;
	const char *part;
} damages[] = {
	{ "magic", "GGUF", -4, 0x04034B50, 4, "not a GGUF file" },
	{ "version 2", "GGUF", 0, 2, 1, "version 2 " },
	{ "big-endian", "GGUF", 0, 0x03000000, 4, "big-endian" },
	{ "2^62 tensors", "GGUF", 4, UINT64_C(1) << 62, 8, "4611686018427387904 tensors" },
	{ "more tensors than the bytes have room for", "GGUF", 4, 1000, 8, "1000 tensors do not fit" },
	{ "one tensor more than there is", "GGUF", 4, 13, 1, "tensor 13 of 13" },
	{ "2^64-1 keys", "GGUF", 12, UINT64_MAX, 8, "18446744073709551615 metadata keys" },
	{ "one key fewer than there are", "GGUF", 12, 28, 1, "tensor list.bool: 9 dimensions" },
	{ "a key without end", "kind.u8", -15, UINT64_MAX, 8, "metadata key 3 of 29" },
	{ "an empty key", "kind.u8", -15, 0, 1, "metadata key 3 of 29" },
	{ "a key with an escape", "kind.u8", -2, 27, 1, "0x1b" },
	{ "a key twice", "kind.u8", -2, 'i', 1, "the key kind.i8 is there twice" },
	{ "a value type that is none", "kind.u8", 0, 13, 1, "kind.u8: value type 13" },
	{ "a text without end", "kind.text", 4, UINT64_MAX, 8, "kind.text" },
	{ "a text one byte beyond the file", "kind.text", 4, 3776, 8, "kind.text" },
	{ "a boolean of 2", "kind.yes", 4, 2, 1, "kind.yes: a boolean" },
	{ "a boolean of 2 in an array", "list.bool", 18, 2, 1, "list.bool: a boolean" },
	{ "an array of arrays", "list.int32", 4, 9, 1, "list.int32: arrays of arrays" },
	{ "an array of a type that is none", "list.int32", 4, 99, 1, "list.int32: value type 99" },
	{ "an array of 2^61 numbers", "list.int64", 8, UINT64_C(1) << 61, 8, "list.int64: 2305843009213693952" },
	{ "an array of 2^64-1 bytes", "list.uint8", 8, UINT64_MAX, 8, "list.uint8: 18446744073709551615" },
	{ "an array of 2^60 strings", "list.text", 8, UINT64_C(1) << 60, 8, "list.text: 1152921504606846976" },
	{ "a string of an array without end", "list.text", 24, UINT64_MAX, 8, "list.text" },
	{ "alignment 0", "general.alignment", 4, 0, 1, "general.alignment: 0 " },
	{ "alignment 24", "general.alignment", 4, 24, 1, "general.alignment: 24 " },
	{ "alignment 2^31", "general.alignment", 4, 0x80000000, 4, "tensor f32.bias" },
	{ "alignment as a float", "general.alignment", 0, 6, 1, "general.alignment: not an integer" },
	{ "alignment 128", "general.alignment", 4, 128, 1, "tensor f16.edges: offset 64 is not a multiple" },
	{ "a name without end", "f16.edges", -17, UINT64_MAX, 8, "tensor 2 of 12" },
	{ "an empty name", "f16.edges", -17, 0, 1, "tensor 2 of 12" },
	{ "a name with a NUL", "f16.edges", -2, 0, 1, "tensor 2 of 12: the name" },
	{ "a name that is no UTF-8", "f16.edges", -2, 0xFF, 1, "tensor 2 of 12: the name" },
	{ "a name twice", "q4_1.weight", -8, '0', 1, "two tensors are named \"q4_0.weight\"" },
	{ "5 dimensions", "f16.edges", 0, 5, 1, "f16.edges: 5 dimensions" },
	{ "a dimension of 0", "f16.edges", 4, 0, 1, "f16.edges: the shape (2, 0, 1, 1)" },
	{ "a dimension of 2^63, a product of 2^64", "f16.edges", 4, UINT64_C(1) << 63, 8, "f16.edges: the shape" },
	{ "a dimension of 2^62, 2^64 bytes", "f16.edges", 4, UINT64_C(1) << 62, 8, "f16.edges: the shape" },
	{ "rows that are no whole blocks", "q8_0.weight", 4, 65, 1, "q8_0.weight: rows of 65" },
	{ "a type that is not read", "q8_0.weight", 20, 11, 1, "q8_0.weight: element type Q3_K is not" },
	{ "rows of half a block of 256", "q4_k.weight", 4, 128, 8, "q4_k.weight: rows of 128" },
	{ "a type with longer rows", "q4_k.weight", 20, 13, 1, "q5_k.weight: offset 1280 is not 1344" },
	{ "a type that was given up", "q8_0.weight", 20, 4, 1, "q8_0.weight: element type 4 is unknown" },
	{ "a type that is none", "q8_0.weight", 20, UINT64_MAX, 8, "element type 4294967295 is unknown" },
	{ "an offset that is not aligned", "q8_0.weight", 24, 1, 1, "q8_0.weight: offset 257 is not a multiple" },
	{ "an offset on the tensor before", "q8_0.weight", 24, 192, 8, "q8_0.weight: offset 192 is not 256" },
	{ "an offset of 2^64-64", "q8_0.weight", 24, UINT64_MAX - 63, 8, "q8_0.weight: offset 1844674407370955" },
	{ "a tensor that ends behind the file", "q6_k.weight", 12, 4, 1, "q6_k.weight: its 840 bytes" },
};

static void damage_is_named(void **state)
{
	struct scratch s = scratch_open();
	size_t n;
	char *bytes = golden_read("tensors.gguf", &n), *copy = malloc(n);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct damage *d = &damages[i];
		char *anchor = memcpy(copy, bytes, n);

		anchor = memmem(copy, n, d->anchor, strlen(d->anchor));
		assert_non_null(anchor);
		memcpy(anchor + strlen(d->anchor) + d->at, &d->number, d->width);
		scratch_fill(&s, copy, n);
		assert_refused(d->name, opens_gguf, s.path, d->part);
	}
	free(copy);
	free(bytes);
	scratch_close(&s);
}

/* Every byte of the header set to each of three values: any answer but a crash (run under a sanitizer). */
static void any_byte_may_be_wrong(void **state)
{
	static const char values[] = { 0, 127, (char)255 };
	struct scratch s = scratch_open();
	struct error err = { .text = "" };
	size_t n, opened = 0;
	char *bytes = golden_read("tensors.gguf", &n);

	(void)state;
	scratch_fill(&s, bytes, n);
	for (size_t i = 0; i < 1664; i++) { /* where the data begins */
		for (size_t j = 0; j < sizeof(values); j++) {
			assert_int_equal(pwrite(s.fd, &values[j], 1, (off_t)i), 1);
			opened += opens_gguf(s.path, &err);
		}
		assert_int_equal(pwrite(s.fd, &bytes[i], 1, (off_t)i), 1);
	}
	assert_true(opened > 0 && opened < 3 * 1664); /* texts may change, structure may not */
	assert_true(opens_gguf(s.path, &err));
	free(bytes);
	scratch_close(&s);
}

#define ONE(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define F32_AT(name, offsets) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" offsets "}"

/* A header and the length of the data behind it; part NULL: the file is good. */
static const struct {
	const char *name, *header;
	size_t data;
	const char *part;
} headers[] = {
	{ "a matrix", ONE("\"F32\"", "[2,3]", "[0,24]"), 24, NULL },
	{ "no tensors", "{}", 0, NULL },
	{ "space behind the object", "{}      ", 0, NULL },
	{ "metadata", "{\"__metadata__\":{\"a\":\"b\"}}", 0, NULL },
	{ "order of the header is free", "{" F32_AT("a", "[4,8]") "," F32_AT("b", "[0,4]") "}", 8, NULL },
	{ "space before the object", " {}", 0, "not a JSON object" },
	{ "an array", "[]", 0, "not a JSON object" },
	{ "text behind the object", "{}x", 0, "not valid JSON" },
	{ "a cut object", "{\"a\":", 0, "not valid JSON" },
	{ "an escape in wrong JSON", "{\"a\":\033[2J}", 0, "not valid JSON" },
	{ "a name twice", "{" F32_AT("a", "[0,4]") "," F32_AT("a", "[4,8]") "}", 8, "duplicate" },
	{ "a name twice, once escaped", "{" F32_AT("a", "[0,4]") "," F32_AT("\\u0061", "[4,8]") "}", 8, "duplicate" },
	{ "an empty name", "{" F32_AT("", "[0,4]") "}", 4, "name" },
	{ "a name with an escape", "{" F32_AT("\\u001b[2J", "[0,4]") "}", 4, "name" },
	{ "metadata that is a list", "{\"__metadata__\":[]}", 0, "__metadata__" },
	{ "metadata that is a number", "{\"__metadata__\":{\"a\":1}}", 0, "__metadata__" },
	{ "a tensor that is a number", "{\"a\":1}", 0, "tensor a: not an object" },
	{ "no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor a: \"dtype\"" },
	{ "no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor a: \"shape\"" },
	{ "no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor a: \"data_offsets\"" },
	{ "a dtype that is not read", ONE("\"F8_E4M3\"", "[4]", "[0,4]"), 4, "tensor a: element type F8_E4M3" },
	{ "a dtype that is a number", ONE("1", "[1]", "[0,4]"), 4, "tensor a: \"dtype\"" },
	{ "a dimension of -1", ONE("\"F32\"", "[-1]", "[0,4]"), 4, "tensor a: \"shape\"" },
	{ "a dimension of 1.0", ONE("\"F32\"", "[1.0]", "[0,4]"), 4, "tensor a: \"shape\"" },
	{ "a dimension of 0", ONE("\"F32\"", "[0]", "[0,0]"), 0, "tensor a: \"shape\"" },
	{ "a dimension of 2^62", ONE("\"F32\"", "[4611686018427387904]", "[0,0]"), 0, "tensor a: \"shape\"" },
	{ "a dimension of 2^64", ONE("\"F32\"", "[18446744073709551616]", "[0,0]"), 0, "not valid JSON" },
	{ "a product of 2^64", ONE("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0, "tensor a: \"shape\"" },
	{ "five dimensions", ONE("\"F32\"", "[1,1,1,1,1]", "[0,4]"), 4, "tensor a: \"shape\"" },
	{ "a shape that is a text", ONE("\"F32\"", "\"[1]\"", "[0,4]"), 4, "tensor a: \"shape\"" },
	{ "offsets too few", ONE("\"F32\"", "[1]", "[0]"), 4, "tensor a: \"data_offsets\"" },
	{ "offsets too many", ONE("\"F32\"", "[1]", "[0,4,8]"), 4, "tensor a: \"data_offsets\"" },
	{ "offsets that are negative", ONE("\"F32\"", "[1]", "[-4,0]"), 4, "tensor a: \"data_offsets\"" },
	{ "offsets in reverse", ONE("\"F32\"", "[1]", "[4,0]"), 4, "tensor a: data_offsets 4, 0" },
	{ "offsets of another size", ONE("\"F16\"", "[1]", "[0,4]"), 4, "tensor a: data_offsets 0, 4" },
	{ "an end behind the file", ONE("\"F32\"", "[2]", "[0,8]"), 7, "tensor a: its bytes end at 8" },
	{ "bytes before the tensor", ONE("\"F32\"", "[1]", "[4,8]"), 8, "tensor a: its bytes begin at 4" },
	{ "bytes behind the tensor", ONE("\"F32\"", "[1]", "[0,4]"), 9, "5 bytes behind the last tensor" },
	{ "an overlap", "{" F32_AT("a", "[0,4]") "," F32_AT("b", "[2,6]") "}", 6, "tensor b: its bytes begin at 2" },
	{ "the same bytes twice", "{" F32_AT("a", "[0,4]") "," F32_AT("b", "[0,4]") "}", 4, "its bytes begin at 0" },
	{ "a gap", "{" F32_AT("a", "[0,4]") "," F32_AT("b", "[8,12]") "}", 12, "tensor b: its bytes begin at 8" },
	{ "an integer out of range", ONE("\"I64\"", "[9]", "[0,72]"), 8, "tensor a: its bytes end at 72" },
};

static size_t compose(char *out, size_t limit, uint64_t length, const char *header, size_t data)
{
	size_t n = strlen(header);

	assert_true(sizeof(length) + n + data <= limit);
	memset(out, 0, limit);
	memcpy(out, &length, sizeof(length));
	memcpy(out + sizeof(length), header, n);
	return sizeof(length) + n + data;
}

static void headers_are_judged(void **state)
{
	struct scratch s = scratch_open();
	char file[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		struct error err = { .text = "" };
		const char *header = headers[i].header;

		scratch_fill(&s, file, compose(file, sizeof(file), strlen(header), header, headers[i].data));
		if (headers[i].part)
			assert_refused(headers[i].name, opens_safetensors, s.path, headers[i].part);
		else if (!opens_safetensors(s.path, &err))
			fail_msg("%s: %s", headers[i].name, err.text);
	}
	scratch_close(&s);
}

static const struct {
	const char *name;
	uint64_t length;
	const char *part;
} lengths[] = {
	{ "an empty header", 0, "not a JSON object" },
	{ "one byte", 1, "not a JSON object" },
	{ "one byte beyond the file", 19, "goes beyond" },
	{ "more than is read", (16 << 20) + 1, "at most 16777216" },
	{ "2^64-1", UINT64_MAX, "18446744073709551615" },
};

static void header_lengths_are_judged(void **state)
{
	struct scratch s = scratch_open();
	char file[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		scratch_fill(&s, file, compose(file, sizeof(file), lengths[i].length, "{}", 16));
		assert_refused(lengths[i].name, opens_safetensors, s.path, lengths[i].part);
	}
	scratch_close(&s);
}

/* Parentheses at jansson's depth limit must end in a sentence, not in the stack. */
static void deep_json_is_refused(void **state)
{
	enum { DEPTH = 100000 };
	struct scratch s = scratch_open();
	char *file = malloc(8 + DEPTH);
	uint64_t length = DEPTH;

	(void)state;
	memset(file, '[', 8 + DEPTH);
	memcpy(file, &length, 8);
	memcpy(file + 8, "{\"a\":", 5);
	scratch_fill(&s, file, 8 + DEPTH);
	assert_refused("depth", opens_safetensors, s.path, "not valid JSON");
	free(file);
	scratch_close(&s);
}

static void what_is_no_file(void **state)
{
	(void)state;
	assert_refused("absent", opens_gguf, "tests/no-such.gguf", "cannot open");
	assert_refused("a folder", opens_gguf, "tests", "not a regular file");
	assert_refused("absent", opens_safetensors, "tests/no-such.safetensors", "cannot open");
	assert_refused("a stranger", opens_gguf, "tests/reference/golden/tensors.safetensors", "not a GGUF file");
	assert_refused("a stranger", opens_safetensors, "tests/reference/golden/tensors.gguf", "not a safetensors");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(damage_is_named),
		cmocka_unit_test(any_byte_may_be_wrong),
		cmocka_unit_test(headers_are_judged),
		cmocka_unit_test(header_lengths_are_judged),
		cmocka_unit_test(deep_json_is_refused),
		cmocka_unit_test(what_is_no_file),
	};

	return cmocka_run_group_tests_name("llm_files_damaged", tests, NULL, NULL);
}
