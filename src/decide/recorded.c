/* recorded.c - rows first, then one table a configuration: items and configurations are found by maps, so that the time grows
 * with the rows alone. */
#include "decide/recorded.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"

enum { CONFIGURATIONS_MOST = 1000, CELLS_MOST = 1 << 24, SHOWN = 60 };

const char *const recorded_place_names[RECORDED_PLACES] = {
	[PLACE_BASELINE] = "baseline", [PLACE_PROMPT] = "prompt", [PLACE_RAG] = "rag", [PLACE_FINETUNE] = "finetune",
	[PLACE_ORACLE_CONTEXT] = "oracle-context", [PLACE_DISTRACTORS] = "distractors", [PLACE_NO_GOLD] = "no-gold",
	[PLACE_STRONGER_MODEL] = "stronger-model", [PLACE_PASS_AT_K] = "pass-at-k",
};
static const char *const measure_keys[RECORDED_MEASURES] = { "usd", "ms", "input_tokens", "output_tokens" };

const char recorded_null[] = "null";

struct row {
	size_t configuration, item, line;
	const char *output;
	double score, measure[RECORDED_MEASURES];
};

struct item {
	const char *name;
	size_t group, group_line; /* group SIZE_MAX: none so far */
};

struct reader {
	struct recorded *out;
	struct arena *arena;
	struct error *err;
	size_t line;
	bool outputs; /* are kept */
	struct row *rows;
	size_t n_rows, room;
	struct item *items;
	size_t n_items, items_room, groups, configurations_room;
	struct hash_map item_numbers, group_numbers, configuration_numbers;
	size_t set_line;
	struct buf key;
};

/* A value as sentences quote it: its first characters. */
static const char *quoted(struct reader *r, const char *text)
{
	size_t n = strlen(text), shown = text_first(text, n, SHOWN);

	return arena_printf(r->arena, "\"%.*s%s\"", (int)shown, text, shown < n ? "..." : "");
}

static bool fail(struct reader *r, const char *sentence)
{
	error_set(r->err, "%s:%zu: %s", r->out->file, r->line, sentence);
	for (char *c = r->err->text; *c; c++) /* what jansson says may quote the file */
		if ((unsigned char)*c < ' ')
			*c = ' ';
	return false;
}

static const char *value_shown(struct reader *r, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	const char *shown = quoted(r, text ? text : "");

	free(text);
	return json_is_string(value) ? quoted(r, json_string_value(value)) : shown;
}

/* The value under the key as text; numbers in their digits. NULL and the sentence when it is neither, or is required and missing;
 * *text NULL when it is not there. */
static bool text_of(struct reader *r, const json_t *row, const char *key, bool required, const char **text)
{
	const json_t *value = json_object_get(row, key);

	*text = NULL;
	if (json_is_integer(value))
		*text = arena_printf(r->arena, "%lld", (long long)json_integer_value(value));
	else if (json_is_string(value) && (json_string_length(value) > 0 || !required))
		*text = json_string_value(value);
	else if (value && !json_is_null(value))
		return fail(r, arena_printf(r->arena, "%s is %s; it must be a text that is not empty", key, value_shown(r, value)));
	if (required && !*text)
		return fail(r, arena_printf(r->arena, "this row has no \"%s\"; every row needs item, model, config, rung, and correct or score",
					    key));
	return true;
}

static bool number_of(struct reader *r, const json_t *row, const char *key, double most, double *number)
{
	const json_t *value = json_object_get(row, key);

	*number = NAN;
	if (!value || json_is_null(value))
		return true;
	*number = json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
	if ((!json_is_number(value) && !json_is_boolean(value)) || !(*number >= 0 && *number <= most))
		return fail(r, arena_printf(r->arena, isfinite(most) ? "%s is %s; it must lie in 0 .. 1" : "%s is %s; it must be a number, 0 or more",
					    key, value_shown(r, value)));
	return true;
}

static bool score_of(struct reader *r, const json_t *row, double *score)
{
	double correct;

	if (!number_of(r, row, "correct", 1, &correct) || !number_of(r, row, "score", 1, score))
		return false;
	if (correct > 0 && correct < 1)
		return fail(r, arena_printf(r->arena, "correct is %g; it must be 0 or 1, and a grade between them is a \"score\"", correct));
	if (isnan(correct) && isnan(*score))
		return fail(r, "this row has neither \"correct\" (0 or 1) nor \"score\" (0 .. 1); give one of them");
	if (!isnan(correct) && !isnan(*score) && fabs(correct - *score) > 0)
		return fail(r, arena_printf(r->arena, "correct is %g but score is %g; leave out the one that is not meant", correct, *score));
	*score = isnan(*score) ? correct : *score;
	r->out->binary &= *score <= 0 || *score >= 1;
	return true;
}

static bool place_of(struct reader *r, const json_t *row, enum recorded_place *place)
{
	const char *name, *near = NULL;
	size_t best = 3;

	if (!text_of(r, row, "rung", true, &name))
		return false;
	for (size_t i = 0; i < RECORDED_PLACES; i++) {
		size_t distance = text_distance(name, recorded_place_names[i], 2);

		if (distance == 0) {
			*place = (enum recorded_place)i;
			return true;
		}
		if (distance < best) {
			best = distance;
			near = recorded_place_names[i];
		}
	}
	return fail(r, arena_printf(r->arena, "rung %s is not one of baseline, prompt, rag, finetune, nor a probe: oracle-context, distractors, "
				    "no-gold, stronger-model, pass-at-k%s%s%s", quoted(r, name), near ? " (did you mean \"" : "", near ? near : "",
				    near ? "\"?)" : ""));
}

/* Room for one more of size bytes in an array that grew to *room. */
static void *grown(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = 2 * *room + 64;
	return mem_resize(array, *room, size);
}

/* The one whose model and config stand in r->key. */
static bool add_configuration(struct reader *r, const char *config, enum recorded_place place, size_t *number)
{
	struct recorded *out = r->out;
	const char *key = arena_copy(r->arena, r->key.data, r->key.n);

	if (out->n_configurations == CONFIGURATIONS_MOST)
		return fail(r, arena_printf(r->arena, "more than %d configurations (model and config)", CONFIGURATIONS_MOST));
	out->configurations = grown(out->configurations, out->n_configurations, &r->configurations_room, sizeof(*out->configurations));
	out->configurations[out->n_configurations] = (struct recorded_configuration){
		.name = arena_printf(r->arena, "%s/%s", key, config), .model = key, .config = key + strlen(key) + 1, .place = place,
		.line = r->line,
	};
	*number = hash_map_put(&r->configuration_numbers, key, r->key.n, out->n_configurations++);
	return true;
}

static bool configuration_of(struct reader *r, const json_t *row, size_t *number)
{
	const char *model, *config;
	enum recorded_place place = PLACE_BASELINE;
	struct recorded *out = r->out;

	if (!text_of(r, row, "model", true, &model) || !text_of(r, row, "config", true, &config) || !place_of(r, row, &place))
		return false;
	buf_clear(&r->key);
	buf_add(&r->key, model, strlen(model) + 1); /* NUL between: "a/b" + "c" is not "a" + "b/c" */
	buf_adds(&r->key, config);
	*number = hash_map_get(&r->configuration_numbers, r->key.data, r->key.n, SIZE_MAX);
	if (*number == SIZE_MAX && !add_configuration(r, config, place, number))
		return false;
	const struct recorded_configuration *c = &out->configurations[*number];

	if (c->place != place)
		return fail(r, arena_printf(r->arena, "%s is on rung %s here and on rung %s in line %zu; a configuration has one rung", quoted(r, c->name),
					    recorded_place_names[place], recorded_place_names[c->place], c->line));
	return true;
}

static bool group_of(struct reader *r, const json_t *row, struct item *item)
{
	const char *name;

	if (!text_of(r, row, "group", false, &name))
		return false;
	if (!name)
		return true;
	size_t length = strlen(name), number = hash_map_get(&r->group_numbers, name, length, SIZE_MAX);

	if (number == SIZE_MAX)
		number = hash_map_put(&r->group_numbers, arena_copy(r->arena, name, length), length, r->groups++);
	if (item->group != SIZE_MAX && item->group != number)
		return fail(r, arena_printf(r->arena, "item %s has group %s here and another in line %zu; an item has one group",
					    quoted(r, item->name), quoted(r, name), item->group_line));
	if (item->group == SIZE_MAX)
		item->group_line = r->line;
	item->group = number;
	return true;
}

static bool item_of(struct reader *r, const json_t *row, size_t *number)
{
	const char *name;

	if (!text_of(r, row, "item", true, &name))
		return false;
	size_t length = strlen(name);

	*number = hash_map_get(&r->item_numbers, name, length, SIZE_MAX);
	if (*number == SIZE_MAX) {
		const char *copy = arena_copy(r->arena, name, length);

		r->items = grown(r->items, r->n_items, &r->items_room, sizeof(*r->items));
		r->items[r->n_items] = (struct item){ copy, SIZE_MAX, 0 };
		*number = hash_map_put(&r->item_numbers, copy, length, r->n_items++);
	}
	return group_of(r, row, &r->items[*number]);
}

/* One decision is about one set of items. */
static bool check_set(struct reader *r, const json_t *row)
{
	const char *name;

	if (!text_of(r, row, "set", false, &name))
		return false;
	if (!r->set_line) {
		r->set_line = r->line;
		r->out->set = arena_string(r->arena, name ? name : "");
		return true;
	}
	return strcmp(r->out->set, name ? name : "") == 0 ||
	       fail(r, arena_printf(r->arena, "set %s, but line %zu has set %s; a decision is about one set, so split the file",
				    quoted(r, name ? name : ""), r->set_line, quoted(r, r->out->set)));
}

/* NULL: the row has none. */
static const char *output_of(struct reader *r, const json_t *row)
{
	const json_t *value = json_object_get(row, "output");

	if (!value || json_is_null(value))
		return value ? recorded_null : NULL;
	if (json_is_string(value))
		return arena_string(r->arena, json_string_value(value));
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	const char *copy = arena_string(r->arena, text);

	free(text);
	return copy;
}

static bool take_row(struct reader *r, const json_t *object)
{
	struct row row = { .line = r->line };

	if (!check_set(r, object) || !configuration_of(r, object, &row.configuration) || !item_of(r, object, &row.item) ||
	    !score_of(r, object, &row.score))
		return false;
	for (size_t m = 0; m < RECORDED_MEASURES; m++)
		if (!number_of(r, object, measure_keys[m], INFINITY, &row.measure[m]))
			return false;
	row.output = r->outputs ? output_of(r, object) : NULL;
	r->rows = grown(r->rows, r->n_rows, &r->room, sizeof(*r->rows));
	r->rows[r->n_rows++] = row;
	return true;
}

static bool read_line(struct reader *r, const char *line, size_t n)
{
	json_error_t why;
	json_t *object = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
	bool ok;

	if (!object)
		return fail(r, arena_printf(r->arena, "not valid JSON: %s; write one object {\"item\": ..., ...} a line", why.text));
	ok = json_is_object(object) ? take_row(r, object)
				    : fail(r, "a row is one object {\"item\": ..., \"model\": ..., ...} a line, not a list");
	json_decref(object);
	return ok;
}

static bool read_lines(struct reader *r, const char *bytes, size_t n)
{
	if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
		bytes += 3;
		n -= 3;
	}
	for (size_t at = 0; at < n;) {
		const char *newline = memchr(bytes + at, '\n', n - at);
		size_t end = newline ? (size_t)(newline - bytes) : n, start = at;

		r->line++;
		while (start < end && (bytes[start] == ' ' || bytes[start] == '\t' || bytes[start] == '\r'))
			start++;
		if (start < end && !read_line(r, bytes + start, end - start))
			return false;
		at = end + 1;
	}
	return true;
}

static void set_measures(struct reader *r, struct recorded_configuration *c, const struct row *row)
{
	for (size_t m = 0; m < RECORDED_MEASURES; m++) {
		if (isnan(row->measure[m]))
			continue;
		if (!c->measure[m]) {
			c->measure[m] = arena_array(r->arena, r->n_items, sizeof(double));
			for (size_t i = 0; i < r->n_items; i++)
				c->measure[m][i] = NAN;
		}
		c->measure[m][row->item] = row->measure[m];
	}
}

/* The line of the first row of this item and configuration. */
static size_t first_line(const struct reader *r, const struct row *again)
{
	size_t i = 0;

	while (r->rows[i].item != again->item || r->rows[i].configuration != again->configuration)
		i++;
	return r->rows[i].line;
}

/* Rows to columns. */
static bool fill(struct reader *r)
{
	struct recorded *out = r->out;

	if (r->n_rows == 0)
		return error_set(r->err, "%s: no outcomes in it; write one JSON object a line", out->file);
	if (r->n_items > CELLS_MOST / out->n_configurations)
		return error_set(r->err, "%s: %zu items under %zu configurations are more than can be set side by side (%d); split the file",
				 out->file, r->n_items, out->n_configurations, CELLS_MOST);
	for (size_t k = 0; k < out->n_configurations; k++) {
		out->configurations[k].score = arena_array(r->arena, r->n_items, sizeof(double));
		for (size_t i = 0; i < r->n_items; i++)
			out->configurations[k].score[i] = NAN;
		if (r->outputs)
			out->configurations[k].output = arena_array(r->arena, r->n_items, sizeof(*out->configurations[k].output));
	}
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct row *row = &r->rows[i];
		struct recorded_configuration *c = &out->configurations[row->configuration];

		r->line = row->line;
		if (!isnan(c->score[row->item]))
			return fail(r, arena_printf(r->arena, "item %s under %s stands in line %zu already; leave one of them",
						    quoted(r, r->items[row->item].name), quoted(r, c->name), first_line(r, row)));
		c->score[row->item] = row->score;
		if (c->output)
			c->output[row->item] = row->output;
		c->n++;
		set_measures(r, c, row);
	}
	return true;
}

static void name_items(struct reader *r)
{
	const char **names = arena_array(r->arena, r->n_items, sizeof(*names));
	size_t *group = arena_array(r->arena, r->n_items, sizeof(*group)), *sizes = mem_zero(r->groups, sizeof(*sizes));

	for (size_t i = 0; i < r->n_items; i++) {
		bool given = r->items[i].group != SIZE_MAX;

		names[i] = r->items[i].name;
		group[i] = given ? r->items[i].group : r->groups + i;
		if (given && ++sizes[r->items[i].group] > 1)
			r->out->grouped = true;
	}
	free(sizes);
	r->out->items = names;
	r->out->group = group;
	r->out->n_items = r->n_items;
}

static bool read_all(struct recorded *out, const char *file, const char *bytes, size_t n, bool outputs, struct arena *arena, struct error *err)
{
	struct reader r = { .out = out, .arena = arena, .err = err, .outputs = outputs };

	*out = (struct recorded){ .file = arena_string(arena, file), .set = "", .binary = true };
	bool ok = read_lines(&r, bytes, n) && fill(&r);

	if (ok) {
		struct recorded_configuration *kept = arena_array(arena, out->n_configurations, sizeof(*kept));

		memcpy(kept, out->configurations, out->n_configurations * sizeof(*kept));
		name_items(&r);
		free(out->configurations);
		out->configurations = kept;
	} else {
		free(out->configurations);
		out->configurations = NULL;
	}
	buf_release(&r.key);
	free(r.rows);
	free(r.items);
	hash_map_release(&r.item_numbers);
	hash_map_release(&r.group_numbers);
	hash_map_release(&r.configuration_numbers);
	return ok;
}

bool recorded_read(struct recorded *r, const char *file, const char *bytes, size_t n, struct arena *arena, struct error *err)
{
	return read_all(r, file, bytes, n, false, arena, err);
}

bool recorded_read_outputs(struct recorded *r, const char *file, const char *bytes, size_t n, struct arena *arena, struct error *err)
{
	return read_all(r, file, bytes, n, true, arena, err);
}

double recorded_mean(const struct recorded *r, const struct recorded_configuration *c, enum recorded_measure m)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; c->measure[m] && i < r->n_items; i++)
		if (!isnan(c->measure[m][i])) {
			sum += c->measure[m][i];
			n++;
		}
	return n > 0 ? sum / (double)n : NAN;
}
