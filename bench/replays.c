/* replays.c - decisions over recorded outcomes of real models: `make bench-decide`; lines as docs/benchmarks.md says.
 *
 *   replays [-s SHUFFLES] [-v]
 *
 * Every pair of configurations is posed in SHUFFLES orders (default 1000); -v: a remark for every pair. Everything goes through
 * replay_run(), as in `rung decide`. Setting: RUNG_DATA. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "decide.h"
#include "decide/pose.h"
#include "stats/paired.h"
#include "stats/quantile.h"
#include "task/task.h"
#include "tune/classifier.h"

static size_t shuffles = 1000;
static bool verbose;
static struct error err;

struct set {
	struct recorded records;
	char *bytes;
	size_t n;
};

/* False, with a line that says so, when the data is not there. */
static bool open_set(struct arena *arena, const char *name, struct set *set)
{
	const char *data = getenv("RUNG_DATA");
	const char *path = arena_printf(arena, "%s/recorded_outcomes/%s.jsonl", data ? data : "../shared/data", name);

	if (!file_exists(path)) {
		printf("%s, recorded outcomes\t-\t-\t-\t-\tabsent\n", name);
		return false;
	}
	set->bytes = file_read(path, (size_t)1 << 28, &set->n, &err);
	must(set->bytes && recorded_read(&set->records, path, set->bytes, set->n, arena, &err), &err);
	return true;
}

/* One replay of the records in the order of the seed. The result lives in arena. */
static struct replay replay_set(struct arena *arena, const struct recorded *r, const char *const *ladder, size_t n, enum decide_plan plan,
				uint64_t seed, struct posed *p)
{
	struct pose_settings s = { .plan = plan, .alpha = alpha, .margin = 0.05, .seed = seed, .ladder = ladder, .n_ladder = n };

	must(pose(p, r, &s, arena, &err), &err);
	return replay_run(arena, &p->rule, p->entrants, p->n);
}

struct pair {
	size_t n, wins, losses;
	double delta;
};

static struct pair pair_of(const struct recorded *r, size_t a, size_t b)
{
	struct pair p = { .n = r->n_items };

	for (size_t i = 0; i < r->n_items; i++) {
		p.wins += r->configurations[b].score[i] > r->configurations[a].score[i];
		p.losses += r->configurations[b].score[i] < r->configurations[a].score[i];
	}
	p.delta = ((double)p.wins - (double)p.losses) / (double)p.n;
	return p;
}

/* Share of samples of n items with these rates on which the E-test, looked at after every item, shows a gain of the margin. */
static double early_power(const struct pair *p)
{
	struct rng r;
	size_t found = 0, times = 400;

	rng_init(&r, 4, "bench decide");
	for (size_t t = 0; t < times; t++) {
		struct paired_counts c = { 0 };

		for (size_t i = 1; i <= p->n; i++) {
			uint64_t u = rng_below(&r, p->n);
			bool differs = u < p->wins + p->losses;

			c.wins += u < p->wins;
			c.losses += u >= p->wins && differs;
			if (differs && c.wins > c.losses && (double)(c.wins - c.losses) >= 0.05 * (double)i && paired_log_e(c) >= -log(alpha)) {
				found++;
				break;
			}
		}
	}
	return (double)found / (double)times;
}

struct tally {
	size_t worse, wrong_climbs, powered, missed, pairs_worse, pairs_powered;
	double worst_climb, worst_stay;
};

static void replay_pair(const struct set *set, size_t a, size_t b, struct tally *t)
{
	struct pair p = pair_of(&set->records, a, b);
	const char *ladder[] = { set->records.configurations[a].name, set->records.configurations[b].name };
	bool powered = p.delta >= 0.05 && early_power(&p) >= 0.9;
	size_t climbs = 0;

	if (p.delta >= 0 && !powered)
		return;
	for (uint64_t seed = 1; seed <= shuffles; seed++) {
		struct arena arena;
		struct posed posed;

		arena_init(&arena);
		climbs += replay_set(&arena, &set->records, ladder, 2, DECIDE_EARLY, seed, &posed).result.verdict.decision == VERDICT_CLIMB;
		arena_release(&arena);
	}
	double rate = (double)climbs / (double)shuffles;

	if (p.delta < 0) {
		t->pairs_worse++;
		t->worse += shuffles;
		t->wrong_climbs += climbs;
		t->worst_climb = fmax(t->worst_climb, rate);
	} else {
		t->pairs_powered++;
		t->powered += shuffles;
		t->missed += shuffles - climbs;
		t->worst_stay = fmax(t->worst_stay, 1 - rate);
	}
	if (verbose)
		printf("# %s -> %s: %+.3f (%zu won, %zu lost of %zu), climbs %.3f\n", ladder[0], ladder[1], p.delta, p.wins, p.losses, p.n, rate);
}

static void replay_pairs(const char *name, const struct set *set)
{
	struct tally t = { 0 };
	char line[200];

	for (size_t a = 0; a < set->records.n_configurations; a++)
		for (size_t b = 0; b < set->records.n_configurations; b++)
			if (a != b)
				replay_pair(set, a, b, &t);
	snprintf(line, sizeof(line), "%s, %zu pairs whose upper one is worse, %zu orders each: wrong climbs, all (worst pair %.3f)", name,
		 t.pairs_worse, shuffles, t.worst_climb);
	if (t.worse > 0)
		row(line, (double)t.wrong_climbs / (double)t.worse, "<= 0.05", t.worst_climb <= 0.05);
	snprintf(line, sizeof(line), "%s, %zu pairs with a gap that has 90%% power, %zu orders each: wrong stays, all (worst pair %.3f)", name,
		 t.pairs_powered, shuffles, t.worst_stay);
	if (t.powered > 0)
		row(line, (double)t.missed / (double)t.powered, "<= 0.10", (double)t.missed <= 0.1 * (double)t.powered);
}

/* Share of orders in which the winner's config has this in its name. */
static double share_won(const struct set *set, enum decide_plan plan, const char *config, double *looked)
{
	size_t won = 0;

	for (uint64_t seed = 1; seed <= shuffles; seed++) {
		struct arena arena;
		struct posed p;

		arena_init(&arena);
		struct replay r = replay_set(&arena, &set->records, NULL, 0, plan, seed, &p);

		won += strstr(r.candidates[r.result.verdict.winner].id, config) != NULL;
		looked[seed - 1] = (double)r.looked / (double)r.full_grid;
		arena_release(&arena);
	}
	return (double)won / (double)shuffles;
}

static void replay_fictional(struct arena *arena)
{
	struct set set;
	struct probes probes;
	bool points = false;

	if (!open_set(arena, "fictionalqa", &set))
		return;
	must(probes_read(&probes, &set.records, 0.05, arena, &err), &err);
	for (size_t i = 0; i < probes.n; i++) {
		const struct probe_finding *f = &probes.findings[i];

		printf("# fictionalqa, %s: %+.3f (%+.3f to %+.3f), points to: %s\n", f->probe, f->difference.delta, f->difference.low,
		       f->difference.high, f->points_to);
		points |= strcmp(f->probe, "knowledge gap") == 0 && strcmp(f->points_to, "retrieval") == 0;
	}
	row("fictionalqa, the knowledge gap points to retrieval", points, "1", points);
	free(set.bytes);
}

/* Which pairs 100 questions tell apart, and what it would take for the rest. */
static void replay_docs(struct arena *arena)
{
	struct set set;
	size_t separated = 0, pairs = 0;

	if (!open_set(arena, "anthropic_docs_rag", &set))
		return;
	const struct recorded *r = &set.records;

	for (size_t b = 1; b < r->n_configurations; b++)
		for (size_t a = 0; a < b; a++) {
			const char *ladder[] = { r->configurations[a].name, r->configurations[b].name };
			struct posed p;
			struct replay one = replay_set(arena, r, ladder, 2, DECIDE_FULL, 1, &p);
			const struct comparison *c = &one.result.comparisons[0];

			printf("# anthropic_docs_rag, %s -> %s: %+.3f (%+.3f to %+.3f), p %.4f, %s", r->configurations[a].config,
			       r->configurations[b].config, c->delta, c->low, c->high, c->p_value, decision_name(c->decision));
			if (c->decision == DECISION_UNRESOLVED)
				printf(c->labels_needed == SIZE_MAX ? ", more labels than can be forecast" : ", about %zu more labels", c->labels_needed);
			putchar('\n');
			separated += c->decision == DECISION_BETTER;
			pairs++;
		}
	printf("anthropic_docs_rag, pairs that 100 questions separate of %zu\t%zu\t-\t-\tsaid\tok\n", pairs, separated);
	replay_pairs("anthropic_docs_rag", &set);
	free(set.bytes);
}

/* The rows of a TSV as rows of the task's file: id, text, label, split; the labels collect in `labels`. */
static void copy_rows(struct buf *out, const char *path, const char *prefix, const char *split, struct hash_map *seen, struct buf *labels)
{
	size_t n, number = 0;
	char *bytes = file_read(path, (size_t)1 << 24, &n, &err), *rest = bytes, *line;

	must(bytes != NULL, &err);
	strsep(&rest, "\n"); /* the heading */
	while ((line = strsep(&rest, "\n")) && line[0]) {
		line[strcspn(line, "\r")] = '\0';
		const char *label = strrchr(line, '\t') + 1;

		buf_addf(out, "%s%03zu\t%s\t%s\n", prefix, number++, line, split);
		if (hash_map_get(seen, label, strlen(label), 0))
			continue;
		hash_map_put(seen, mem_string(label), strlen(label), 1); /* kept until the program ends */
		buf_addf(labels, "%s\"%s\"", labels->n ? ", " : "", label);
	}
	free(bytes);
}

static struct task *tickets(const char *data)
{
	static const char folder[] = "build/bench-decide";
	struct buf rows = { 0 }, labels = { 0 }, yaml = { 0 }, path = { 0 };
	struct task_options options = { 0 };
	struct hash_map seen = { 0 };

	buf_adds(&rows, "id\ttext\tlabel\tsplit\n");
	buf_addf(&path, "%s/insurance_tickets/train.tsv", data);
	copy_rows(&rows, buf_text(&path), "p", "train", &seen, &labels);
	buf_clear(&path);
	buf_addf(&path, "%s/insurance_tickets/test.tsv", data);
	copy_rows(&rows, buf_text(&path), "t", "test", &seen, &labels);
	buf_addf(&yaml, "name: tickets\nkind: classify\ninstruction: x\ninput: \"{{text}}\"\nlabels: [%s]\n"
		 "examples: {file: rows.tsv, answer: label, id: id, split: split}\n", buf_text(&labels));
	must(file_make_folder(folder, &err) && file_replace("build/bench-decide/rows.tsv", rows.data, rows.n, &err) &&
	     file_replace("build/bench-decide/task.yaml", yaml.data, yaml.n, &err), &err);
	struct task *t = task_open(folder, &options, &err);

	must(t != NULL, &err);
	hash_map_release(&seen);
	buf_release(&rows);
	buf_release(&labels);
	buf_release(&yaml);
	buf_release(&path);
	return t;
}

/* Naive Bayes, trained on the training rows (a validation part goes back among them: nothing is chosen), as a configuration of rung 0
 * beside the recorded prompts. */
static double add_bayes(struct buf *out, struct task *t, struct arena *arena)
{
	size_t n = t->pool.list.n + t->dev.list.n, right = 0, text = 0;
	const struct example **all = arena_array(arena, n, sizeof(*all));
	const char **texts = arena_array(arena, n, sizeof(*texts));
	double *p = arena_array(arena, t->n_labels, sizeof(*p));

	while (strcmp(t->columns[text], "text") != 0)
		text++;
	for (size_t i = 0; i < n; i++) {
		all[i] = i < t->pool.list.n ? t->pool.list.items[i] : t->dev.list.items[i - t->pool.list.n];
		texts[i] = all[i]->values[text];
	}
	struct classifier_lessons lessons = { { { all, n } }, texts, NULL, 0, NULL };
	struct classifier *c = classifier_train(classifier_method_find("naive-bayes"), t, &lessons, 1, &err);

	must(c != NULL, &err);
	for (size_t i = 0; i < t->test.list.n; i++) {
		const struct example *e = t->test.list.items[i];
		size_t best = 0;

		classifier_predict(c, e->values[text], NULL, p);
		for (size_t k = 1; k < t->n_labels; k++)
			best = p[k] > p[best] ? k : best;
		right += best == e->label;
		buf_addf(out, "{\"set\": \"insurance_tickets\", \"item\": \"%s\", \"model\": \"rung\", \"config\": \"naive-bayes\", \"rung\": "
			 "\"baseline\", \"correct\": %d}\n", e->id, best == e->label);
	}
	classifier_free(c);
	return (double)right / (double)t->test.list.n;
}

static void replay_insurance(struct arena *arena)
{
	const char *data = getenv("RUNG_DATA");
	double *looked = arena_array(arena, shuffles, sizeof(*looked));
	struct buf bytes = { 0 };
	struct set set, with;

	if (!open_set(arena, "insurance_tickets", &set))
		return;
	replay_pairs("insurance_tickets", &set);
	struct task *t = tickets(data ? data : "../shared/data");

	buf_add(&bytes, set.bytes, set.n);
	printf("# insurance_tickets, naive Bayes: %.3f\n", add_bayes(&bytes, t, arena));
	must(recorded_read(&with.records, "insurance_tickets with naive Bayes", bytes.data, bytes.n, arena, &err), &err);
	for (size_t plan = 0; plan < 2; plan++) {
		double share = share_won(&with, (enum decide_plan)plan, "naive-bayes", looked);

		row(plan == DECIDE_FULL ? "insurance_tickets with naive Bayes, full: ends at rung 0, share of orders"
					: "insurance_tickets with naive Bayes, early: ends at rung 0, share of orders",
		    share, ">= 0.95", share >= 0.95);
	}
	buf_release(&bytes);
	free(set.bytes);
	task_free(t);
}

static void replay_gsm8k(struct arena *arena)
{
	double *looked = arena_array(arena, shuffles, sizeof(*looked));
	struct set set;

	if (!open_set(arena, "gsm8k_openai2021", &set))
		return;
	replay_pairs("gsm8k_openai2021", &set);
	for (size_t plan = 0; plan < 2; plan++) {
		double best = share_won(&set, (enum decide_plan)plan, "175b_verification", looked);
		double any = share_won(&set, (enum decide_plan)plan, "verification", looked);

		row(plan == DECIDE_FULL ? "gsm8k_openai2021, full: prefers a verifier, share of orders"
					: "gsm8k_openai2021, early: prefers a verifier, share of orders", any, ">= 0.95", any >= 0.95);
		printf("# gsm8k_openai2021, %s: the larger model's verifier, share of orders %.4f\n", decide_plan_name((enum decide_plan)plan), best);
	}
	free(set.bytes);
}

/* What stopping early looks at. */
static void replay_calls(struct arena *arena)
{
	double *spent = arena_array(arena, shuffles, sizeof(*spent));
	struct set set;

	if (!open_set(arena, "gsm8k_openai2021", &set))
		return;
	share_won(&set, DECIDE_EARLY, "", spent);
	double share = quantile(spent, shuffles, 0.5);

	row("gsm8k_openai2021, early: outcomes looked at, share of the full grid, median", share, "<= 0.40", share <= 0.4);
	free(set.bytes);
}

int main(int argc, char **argv)
{
	struct arena arena;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc)
			shuffles = strtoul(argv[++i], NULL, 10);
	}
	if (shuffles == 0) {
		fputs("replays: -s takes a number above 0\n", stderr);
		return 1;
	}
	arena_init(&arena);
	replay_gsm8k(&arena);
	replay_calls(&arena);
	replay_insurance(&arena);
	replay_docs(&arena);
	replay_fictional(&arena);
	arena_release(&arena);
	return 0;
}
