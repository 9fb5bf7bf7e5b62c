/* recorded.h - a report on outcomes recorded elsewhere: no task, no splits, no store; every item serves the comparisons. */
#ifndef RUNG_REPORT_RECORDED_H
#define RUNG_REPORT_RECORDED_H

#include "decide/pose.h"
#include "report/report.h"

/* Poses the records, replays them, and fills the report; everything lives in arena. */
bool report_recorded(const struct recorded *r, const struct pose_settings *settings, struct arena *arena, struct report *report,
		     struct error *err);

#endif
