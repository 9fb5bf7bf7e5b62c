/* Times are given, none is waited for. */
#include "test.h"

#include "serve/breaker.h"

static void opens_probes_and_closes(void **state)
{
	struct breaker b = { 0 };
	double t = 1000;

	(void)state;
	for (int i = 0; i < BREAKER_FAILURES; i++) {
		assert_true(breaker_lets(&b, t));
		breaker_failed(&b, t);
	}
	assert_false(breaker_lets(&b, t));
	assert_false(breaker_lets(&b, t + BREAKER_REST_MS - 1));
	t += BREAKER_REST_MS;
	assert_true(breaker_lets(&b, t)); /* one probe, */
	assert_false(breaker_lets(&b, t)); /* and no second beside it */
	assert_true(breaker_lets(&b, t + BREAKER_REST_MS)); /* unless nobody heard of it again */
	breaker_failed(&b, t + BREAKER_REST_MS);
	assert_false(breaker_lets(&b, t + BREAKER_REST_MS + 1));
	breaker_went_well(&b);
	assert_true(breaker_lets(&b, t));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(opens_probes_and_closes) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
