/* split.h - which examples teach, which select and which judge. Pure: numbers in, numbers out, the seed is an argument.
 *
 * Without the user's own splits: of equal texts the first stays; the rest becomes 50 % pool, 20 % dev, 30 % test,
 * groups whole, each label in the same shares as far as groups allow (single items: within 2 of its share). With them:
 * a text or group that stands in two of them leaves pool first, then dev, never test; repeats inside one split stay; a
 * missing dev is a fifth of pool, which is then cleared of its duplicates first. */
#ifndef RUNG_TASK_SPLIT_H
#define RUNG_TASK_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum split { SPLIT_POOL, SPLIT_DEV, SPLIT_TEST, SPLIT_DUPLICATE, SPLIT_STRADDLING }; /* the last two: dropped */

struct split_item {
	size_t text;      /* equal texts, equal numbers; below the number of items */
	size_t group;     /* likewise */
	size_t label;     /* below n_labels */
	enum split given; /* the user's own, where there are any: SPLIT_POOL, SPLIT_DEV or SPLIT_TEST */
};

/* Fills out[0..n). */
void split_assign(const struct split_item *items, size_t n, size_t n_labels, bool given, uint64_t seed,
		  enum split *out);

#endif
