/* base_sha256.c - FIPS 180-4's own examples, lengths around the padding against Python's hashlib, RFC 4648's base64 vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "test.h"

/* Of so many times a text; the digests are hashlib's. */
static const struct { const char *text; size_t times; const char *digest; } cases[] = {
	{ "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
	{ "a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
	{ "a", 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34" },
	{ "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
	{ "a", 119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb" },
	{ "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
};

static void digests_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = strlen(cases[i].text);
		char *text = mem_alloc(n * cases[i].times + 1), hex[2 * SHA256_BYTES + 1];
		uint8_t digest[SHA256_BYTES];

		for (size_t k = 0; k < cases[i].times; k++)
			memcpy(text + k * n, cases[i].text, n);
		sha256(text, n * cases[i].times, digest);
		for (size_t k = 0; k < SHA256_BYTES; k++)
			snprintf(hex + 2 * k, 3, "%02x", digest[k]);
		assert_string_equal(hex, cases[i].digest);
		free(text);
	}
}

static void base64_matches(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" },
						{ "\xfb\xff\xfe", "+//+" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct buf out = { 0 };

		base64_add(&out, (const uint8_t *)pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_text(&out), pairs[i][1]);
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(digests_match), cmocka_unit_test(base64_matches) };

	return cmocka_run_group_tests_name("base_sha256", tests, NULL, NULL);
}
