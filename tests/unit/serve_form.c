/* serve_form.c - what browsers send is read as the URL standard has it, and sessions end when they should. Clocks are given. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/form.h"
#include "serve/sessions.h"
#include "test.h"

static void fields(void **state)
{
	static const struct {
		const char *body, *name, *want; /* want NULL: there is none */
	} rows[] = {
		{ "a=1&b=2", "b", "2" }, { "a=1&a=2", "a", "1" }, { "a=x+y%20z%2B", "a", "x y z+" }, { "a=%c3%A9", "a", "\u00e9" }, { "a=", "a", "" },
		{ "a", "a", "" }, { "a&b=1", "b", "1" }, { "b=1", "a", NULL }, { "", "a", NULL }, { "aa=1&ba=2", "a", NULL }, { "%61=1", "a", "1" },
		{ "a=b=c", "a", "b=c" }, { "a=100%", "a", "100%" }, { "a=%4", "a", "%4" }, { "a=%zz", "a", "%zz" }, { "a=1%00b", "a", NULL },
		{ "%00a=1&a=2", "a", "2" }, { "&&=&a=1&", "a", "1" }, { "a=%0d%0a", "a", "\r\n" },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = form_field(rows[i].body, strlen(rows[i].body), rows[i].name, &arena);

		if (!rows[i].want != !got || (got && strcmp(got, rows[i].want) != 0))
			fail_msg("\"%s\" of \"%s\": %s", rows[i].name, rows[i].body, got ? got : "none");
	}
	assert_string_equal(form_field("a=12", 3, "a", &arena), "1"); /* no byte beyond its length */
	arena_release(&arena);
}

static void cookies(void **state)
{
	static const struct {
		const char *header, *want;
	} rows[] = {
		{ "s=abc", "abc" }, { "t=1; s=abc; u=2", "abc" }, { "s=abc;t=1", "abc" }, { "s=", "" }, { "ss=abc", NULL }, { "xs=1", NULL }, { "", NULL },
		{ NULL, NULL }, { "s", NULL }, { ";;; s=x", "x" }, { "s=a=b", "a=b" }, { "s=1; s=2", "1" },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = form_cookie(rows[i].header, "s", &arena);

		if (!rows[i].want != !got || (got && strcmp(got, rows[i].want) != 0))
			fail_msg("\"%s\": %s", rows[i].header ? rows[i].header : "no header", got ? got : "none");
	}
	arena_release(&arena);
}

/* What was escaped is read back as it was. */
static void escaped(void **state)
{
	char text[256], body[1024];
	struct buf out = { 0 };
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (int c = 1; c < 256; c++)
		text[c - 1] = (char)c;
	text[255] = '\0';
	form_escape(&out, text);
	assert_null(strpbrk(buf_text(&out), "&=+<>\"' #?/"));
	snprintf(body, sizeof(body), "x=1&a=%s&b=2", buf_text(&out));
	assert_string_equal(form_field(body, strlen(body), "a", &arena), text);
	buf_release(&out);
	arena_release(&arena);
}

static void same(void **state)
{
	(void)state;
	assert_true(form_same("", "") && form_same("abc", "abc"));
	assert_false(form_same("abc", "abd") || form_same("abc", "bbc") || form_same("abc", "ab") || form_same("ab", "abc") || form_same("", "a"));
}

/* ---- sessions ---- */

struct place {
	char folder[40], path[60], key[KEY_TEXT], other[KEY_TEXT];
	struct accounts *accounts;
	struct sessions *sessions;
};

static void begin(struct place *p)
{
	const struct key like = { .name = "web", .scopes = KEY_READ, .requests_per_minute = INFINITY, .tokens_per_minute = INFINITY,
				  .usd_per_day = INFINITY };
	struct key second = like;
	struct error err;

	second.name = "other";
	*p = (struct place){ .folder = "/tmp/rung-sessions-XXXXXX" };
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/keys.jsonl", p->folder);
	assert_true(keys_add(p->path, &like, p->key, &err) && keys_add(p->path, &second, p->other, &err));
	p->accounts = accounts_open(p->path, &err);
	assert_non_null(p->accounts);
	p->sessions = calloc(1, sizeof(*p->sessions));
}

static void end(struct place *p)
{
	accounts_free(p->accounts);
	free(p->sessions);
	unlink(p->path);
	assert_int_equal(rmdir(p->folder), 0);
}

static void a_session_is_of_its_account(void **state)
{
	struct place p;

	(void)state;
	begin(&p);
	struct account *a = accounts_keyed(p.accounts, p.key), *b = accounts_keyed(p.accounts, p.other);

	assert_true(a && b && a != b && !accounts_keyed(p.accounts, "") && !accounts_keyed(p.accounts, "web"));
	const struct session *first = session_begin(p.sessions, a, 0), *second = session_begin(p.sessions, b, 0);

	assert_int_equal(strlen(first->id), SECRET_TEXT - 1);
	assert_int_equal(strspn(first->id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), SECRET_TEXT - 1);
	assert_string_not_equal(first->id, second->id);
	assert_string_not_equal(first->id, first->token);
	assert_ptr_equal(session_find(p.sessions, first->id, 1)->account, a);
	assert_ptr_equal(session_find(p.sessions, second->id, 1)->account, b);
	assert_null(session_find(p.sessions, "", 1));
	assert_null(session_find(p.sessions, NULL, 1));
	assert_null(session_find(p.sessions, first->token, 1));
	end(&p);
}

static void a_session_ends(void **state)
{
	struct place p;
	struct error err;
	char id[3][SECRET_TEXT];

	(void)state;
	begin(&p);
	struct account *a = accounts_keyed(p.accounts, p.key);

	for (size_t i = 0; i < 3; i++)
		snprintf(id[i], SECRET_TEXT, "%s", session_begin(p.sessions, a, 1000)->id);
	session_end(p.sessions, id[0]);
	session_end(p.sessions, id[0]);
	assert_null(session_find(p.sessions, id[0], 1000));
	assert_non_null(session_find(p.sessions, id[1], 1000 + 12 * 3600e3 - 1));
	assert_null(session_find(p.sessions, id[1], 1000 + 12 * 3600e3));
	assert_null(session_find(p.sessions, id[1], 1000)); /* for good */
	assert_non_null(session_find(p.sessions, id[2], 1000));
	assert_true(keys_remove(p.path, "web", &err) && accounts_refresh(p.accounts, &err)); /* put in place: read at once */
	assert_null(session_find(p.sessions, id[2], 1000));
	end(&p);
}

static void of_too_many_the_oldest_ends(void **state)
{
	struct place p;
	char first[SECRET_TEXT], second[SECRET_TEXT];

	(void)state;
	begin(&p);
	struct account *a = accounts_keyed(p.accounts, p.key);

	snprintf(first, sizeof(first), "%s", session_begin(p.sessions, a, 0)->id);
	snprintf(second, sizeof(second), "%s", session_begin(p.sessions, a, 1)->id);
	for (int i = 2; i < SESSIONS_MOST; i++)
		session_begin(p.sessions, a, i);
	assert_non_null(session_find(p.sessions, first, 10));
	session_begin(p.sessions, a, 1000);
	assert_null(session_find(p.sessions, first, 1000));
	assert_non_null(session_find(p.sessions, second, 1000));
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields), cmocka_unit_test(cookies), cmocka_unit_test(escaped), cmocka_unit_test(same),
		cmocka_unit_test(a_session_is_of_its_account), cmocka_unit_test(a_session_ends), cmocka_unit_test(of_too_many_the_oldest_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
