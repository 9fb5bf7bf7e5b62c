/* rung_decide.c - the public API over recorded outcomes: reads the file, settles the settings, writes the report. */
#include "rung_inner.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "report/recorded.h"
#include "report/writers.h"

static const size_t file_limit = (size_t)1 << 30;
static const double default_share = 0.05; /* of alpha and of margin, as in a task file */

static const double default_horizon = 90; /* days, as `rung cost` has it */

static bool costs_of(const struct rung_decide_options *o, struct pose_settings *s, struct error *err)
{
	static const struct { const char *name; enum climb_for value; } names[] = {
		{ "quality", CLIMB_FOR_QUALITY }, { "cost", CLIMB_FOR_COST }, { "both", CLIMB_FOR_BOTH },
	};
	bool known = false;

	s->climb_for = o->calls_per_day > 0 ? CLIMB_FOR_BOTH : CLIMB_FOR_QUALITY;
	for (size_t i = 0; o->climb_for && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(o->climb_for, names[i].name) == 0) {
			s->climb_for = names[i].value;
			known = true;
		}
	if (o->climb_for && !known)
		return error_set(err, "--climb-for \"%.100s\" is not one of quality, cost, both", o->climb_for);
	if (o->calls_per_day == 0 || o->horizon_days == 0)
		return error_set(err, "%s 0 leaves nothing to count; give a number above 0, or leave the option out",
				 o->calls_per_day == 0 ? "--calls-per-day" : "--horizon");
	if (s->climb_for != CLIMB_FOR_QUALITY && !(o->calls_per_day > 0))
		return error_set(err, "--climb-for %s needs --calls-per-day: costs are counted over traffic", o->climb_for);
	if (o->calls_per_day < 0 && (o->horizon_days >= 0 || o->cost_per_error >= 0 || o->one_off >= 0))
		return error_set(err, "%s needs --calls-per-day: costs are counted over traffic",
				 o->horizon_days >= 0 ? "--horizon" : o->cost_per_error >= 0 ? "--cost-per-error" : "--one-off");
	s->one_off_usd = o->one_off >= 0 ? o->one_off : NAN;
	s->usd_per_label = o->label_cost >= 0 ? o->label_cost : NAN;
	if (o->calls_per_day > 0)
		s->traffic = (struct cost_traffic){ .calls_per_day = o->calls_per_day, .calls_low = o->calls_per_day, .calls_high = o->calls_per_day,
						    .horizon_days = o->horizon_days > 0 ? o->horizon_days : default_horizon,
						    .usd_per_error = o->cost_per_error > 0 ? o->cost_per_error : 0 };
	return true;
}

static bool settings_of(const struct rung_decide_options *o, struct pose_settings *s, struct error *err)
{
	*s = (struct pose_settings){
		.plan = o->plan && strcmp(o->plan, "early") == 0 ? DECIDE_EARLY : DECIDE_FULL,
		.alpha = o->alpha < 0 ? default_share : o->alpha, .margin = o->margin < 0 ? default_share : o->margin,
		.has_target = o->target >= 0, .target = o->target, .seed = o->seed, .ladder = o->ladder, .n_ladder = o->n_ladder,
	};
	if (o->plan && strcmp(o->plan, "early") != 0 && strcmp(o->plan, "full") != 0)
		return error_set(err, "--plan \"%s\" is neither full nor early", o->plan);
	if (!(s->alpha > 0 && s->alpha <= 0.5))
		return error_set(err, "--alpha %g does not lie above 0 and up to 0.5; 0.05 is usual", s->alpha);
	if (!(s->margin < 1))
		return error_set(err, "--margin %g does not lie in 0 .. 1; 0.05 is five points", s->margin);
	if (s->has_target && !(s->target > 0 && s->target < 1))
		return error_set(err, "--target %g does not lie between 0 and 1; 0.9 is 90 %%", s->target);
	return costs_of(o, s, err);
}

static bool report_file(const char *file, const struct pose_settings *s, struct arena *arena, struct report *report, struct error *err)
{
	struct recorded records;
	size_t n;
	char *bytes = file_read(file, file_limit, &n, err);

	if (!bytes)
		return false;
	bool ok = recorded_read(&records, file, bytes, n, arena, err);

	free(bytes);
	return ok && report_recorded(&records, s, arena, report, err);
}

enum rung_status rung_decide(const struct rung_decide_options *o, char **text, int *meets_target, struct rung_error *err)
{
	enum rung_status status = RUNG_OK;
	struct pose_settings settings;
	struct report report;
	struct arena arena;
	struct buf out = { 0 };
	struct error e;

	arena_init(&arena);
	if (settings_of(o, &settings, &e) && report_file(o->file, &settings, &arena, &report, &e)) {
		if (o->json)
			report_write_json(&report, &out);
		else
			report_write_terminal(&report, o->colour, o->width, &out);
		*text = rung_handed_over(&out);
		if (meets_target)
			*meets_target = report.verdict.meets_target == TARGET_NONE ? -1 : report.verdict.meets_target == TARGET_YES;
	} else {
		status = rung_failed(RUNG_INPUT, &e, err);
	}
	arena_release(&arena);
	return status;
}
