/* probes.c - probe rows against the prompt they probe: the table "which rung could help" as far as records have it. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decide/order.h"
#include "decide/pose.h"

struct reading {
	struct probes *out;
	const struct recorded *r;
	double margin;
	struct arena *arena;
	struct error *err;
	struct probe_finding *findings;
	const char **notes;
	size_t n, n_notes, room;
};

/* The first configuration at the place whose model is this one (NULL: any); NULL when there is none. */
static const struct recorded_configuration *at_place(const struct recorded *r, enum recorded_place place, const char *model)
{
	for (size_t i = 0; i < r->n_configurations; i++)
		if (r->configurations[i].place == place && (!model || strcmp(r->configurations[i].model, model) == 0))
			return &r->configurations[i];
	return NULL;
}

/* Scores of the k configurations on the items that all of them have, groups together; the caller frees scores and *cluster. */
static double *side_by_side(const struct recorded *r, const struct recorded_configuration *const *c, size_t k, size_t *n,
			    size_t **cluster)
{
	size_t *items = mem_alloc(r->n_items * sizeof(*items)), *group = mem_alloc(r->n_items * sizeof(*group));
	size_t *at = mem_alloc(r->n_items * sizeof(*at)), clusters = 0;

	*n = 0;
	for (size_t i = 0; i < r->n_items; i++) {
		bool all = true;

		for (size_t j = 0; j < k; j++)
			all &= !c[j] || !isnan(c[j]->score[i]);
		if (all) {
			group[*n] = r->group[i];
			items[(*n)++] = i;
		}
	}
	order_shuffle(at, group, *n, 0, "probes");
	double *score = mem_zero(k * *n, sizeof(*score));

	*cluster = mem_zero(*n, sizeof(**cluster));
	for (size_t i = 0; i < *n; i++) {
		for (size_t j = 0; j < k; j++)
			score[j * *n + i] = c[j] ? c[j]->score[items[at[i]]] : NAN;
		(*cluster)[i] = i > 0 && group[at[i]] == group[at[i - 1]] ? clusters - 1 : clusters++;
	}
	if (clusters == *n) {
		free(*cluster);
		*cluster = NULL;
	}
	free(items);
	free(group);
	free(at);
	return score;
}

static void note(struct reading *x, const char *sentence)
{
	x->notes[x->n_notes++] = sentence;
}

static bool too_few(struct reading *x, const struct recorded_configuration *probe, const struct recorded_configuration *base, size_t n)
{
	if (n >= PAIRED_LEAST)
		return false;
	note(x, arena_printf(x->arena, "The probe %s has only %zu items in common with %s; at least %d are needed, so it says nothing yet.",
			     probe->name, n, base ? base->name : "the others", PAIRED_LEAST));
	return true;
}

/* A second model's findings say which model they are about. */
static void name_model(struct reading *x, size_t from, const char *model)
{
	for (size_t i = from; from > 0 && i < x->n; i++)
		x->findings[i].probe = arena_printf(x->arena, "%s (%s)", x->findings[i].probe, model);
}

static void read_knowledge(struct reading *x, const char *model, const struct recorded_configuration *const rows[KNOWLEDGE_ROWS])
{
	const struct recorded_configuration *probe = rows[KNOWLEDGE_ORACLE]      ? rows[KNOWLEDGE_ORACLE]
						     : rows[KNOWLEDGE_DISTRACTED] ? rows[KNOWLEDGE_DISTRACTED]
										  : rows[KNOWLEDGE_WITHOUT];
	struct knowledge k = { 0 };
	size_t *cluster, from = x->n;
	double *score = side_by_side(x->r, rows, KNOWLEDGE_ROWS, &k.n, &cluster);

	k.cluster = cluster;
	for (size_t row = 0; row < KNOWLEDGE_ROWS; row++)
		k.score[row] = rows[row] ? score + row * k.n : NULL;
	if (!too_few(x, probe, rows[KNOWLEDGE_CLOSED], k.n)) {
		x->n += knowledge_findings(&k, x->margin, x->findings + x->n);
		name_model(x, from, model);
		if (rows[KNOWLEDGE_CLOSED])
			note(x, arena_printf(x->arena, "The probe %s (%s) is set against %s.", probe->name, recorded_place_names[probe->place],
					     rows[KNOWLEDGE_CLOSED]->name));
		for (size_t row = 0; x->out->rows_n == 0 && row < KNOWLEDGE_ROWS; row++) {
			double sum = 0;

			for (size_t i = 0; k.score[row] && i < k.n; i++)
				sum += k.score[row][i];
			x->out->rows[row] = k.score[row] ? sum / (double)k.n : NAN;
		}
		x->out->rows_n = x->out->rows_n ? x->out->rows_n : k.n;
	}
	free(score);
	free(cluster);
}

/* A probe that is one comparison with a prompt. */
static void read_pair(struct reading *x, const struct recorded_configuration *probe, const char *name, const char *remedy)
{
	const char *model = probe->place == PLACE_STRONGER_MODEL ? NULL : probe->model;
	const struct recorded_configuration *base = at_place(x->r, PLACE_PROMPT, model);

	if (!base)
		base = at_place(x->r, PLACE_PROMPT, NULL);
	if (!base) {
		note(x, arena_printf(x->arena, "The probe %s has no configuration on rung prompt to be set against.", probe->name));
		return;
	}
	const struct recorded_configuration *const both[] = { base, probe };
	size_t n, *cluster;
	double *score = side_by_side(x->r, both, 2, &n, &cluster);

	if (!too_few(x, probe, base, n)) {
		struct difference d = difference_of(score, score + n, n, cluster);
		bool points = d.low > 0 && d.delta >= x->margin;

		x->findings[x->n++] = (struct probe_finding){ name, d, points ? remedy : "", FINDING_KNOWLEDGE, NULL };
		note(x, arena_printf(x->arena, "The probe %s (%s) is set against %s.", probe->name, recorded_place_names[probe->place],
				     base->name));
	}
	free(score);
	free(cluster);
}

/* Two probes of one kind on one model: which is meant cannot be known. */
static bool check_twice(struct reading *x)
{
	for (size_t i = 0; i < x->r->n_configurations; i++) {
		const struct recorded_configuration *c = &x->r->configurations[i], *first = at_place(x->r, c->place, c->model);

		if (c->place >= RECORDED_RUNGS && c->place <= PLACE_NO_GOLD && first != c)
			return error_set(x->err, "%s:%zu: %s is a second probe \"%s\" of the model, beside %s in line %zu; leave one of them",
					 x->r->file, c->line, c->name, recorded_place_names[c->place], first->name, first->line);
	}
	return true;
}

static void read_model(struct reading *x, const char *model)
{
	const struct recorded_configuration *prompt = at_place(x->r, PLACE_PROMPT, model);
	const struct recorded_configuration *const rows[KNOWLEDGE_ROWS] = {
		[KNOWLEDGE_CLOSED] = prompt ? prompt : at_place(x->r, PLACE_PROMPT, NULL),
		[KNOWLEDGE_ORACLE] = at_place(x->r, PLACE_ORACLE_CONTEXT, model),
		[KNOWLEDGE_RETRIEVED] = at_place(x->r, PLACE_RAG, model),
		[KNOWLEDGE_DISTRACTED] = at_place(x->r, PLACE_DISTRACTORS, model),
		[KNOWLEDGE_WITHOUT] = at_place(x->r, PLACE_NO_GOLD, model),
	};

	if (rows[KNOWLEDGE_ORACLE] || rows[KNOWLEDGE_DISTRACTED] || rows[KNOWLEDGE_WITHOUT])
		read_knowledge(x, model, rows);
}

bool probes_read(struct probes *p, const struct recorded *r, double margin, struct arena *arena, struct error *err)
{
	struct reading x = { .out = p, .r = r, .margin = margin, .arena = arena, .err = err };

	*p = (struct probes){ 0 };
	for (size_t row = 0; row < KNOWLEDGE_ROWS; row++)
		p->rows[row] = NAN;
	if (!check_twice(&x))
		return false;
	x.findings = arena_array(arena, r->n_configurations * PROBE_FINDINGS, sizeof(*x.findings));
	x.notes = arena_array(arena, r->n_configurations + 1, sizeof(*x.notes));
	for (size_t i = 0; i < r->n_configurations; i++) {
		const struct recorded_configuration *c = &r->configurations[i];
		bool first = true;

		for (size_t j = 0; first && j < i; j++)
			first = strcmp(r->configurations[j].model, c->model) != 0;
		if (first)
			read_model(&x, c->model);
		if (c->place == PLACE_STRONGER_MODEL)
			read_pair(&x, c, "stronger model", "another model, or distilling it");
		if (c->place == PLACE_PASS_AT_K)
			read_pair(&x, c, "pass@k against one answer", "reasoning: chain of thought, self-consistency");
	}
	p->findings = x.findings;
	p->n = x.n;
	p->notes = x.notes;
	p->n_notes = x.n_notes;
	return true;
}

static bool has_retrieval(const struct recorded *r, const struct posed *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (r->configurations[p->configuration[i]].place == PLACE_RAG)
			return true;
	return false;
}

void probes_conclude(struct arena *arena, const struct recorded *r, const struct probes *probes, const struct posed *p,
		     struct verdict *v)
{
	if (v->decision != VERDICT_STOP || v->meets_target == TARGET_YES)
		return;
	for (size_t i = 0; i < probes->n; i++) {
		const struct probe_finding *f = &probes->findings[i];

		if (strcmp(f->points_to, "retrieval") != 0 || has_retrieval(r, p))
			continue;
		v->decision = VERDICT_UNRESOLVED;
		v->next_step = arena_printf(arena, "Build retrieval and record it on the same items (rung rag): with the passages that hold the "
					    "answer before it the model gains %.1f points (interval %+.1f to %+.1f).", 100 * f->difference.delta,
					    100 * f->difference.low, 100 * f->difference.high);
		return;
	}
	if (p->n > 1)
		return;
	v->decision = VERDICT_UNRESOLVED;
	v->next_step = arena_printf(arena, "Stay with %s; nothing was set against it, so record what the diagnosis points to on the same items.",
				    p->entrants[0].id);
}
