/* questions.h - the seventeen questions that a verdict must answer, each from the report's own numbers or with the reason why it cannot
 * be told. Private to src/report. */
#ifndef RUNG_REPORT_QUESTIONS_H
#define RUNG_REPORT_QUESTIONS_H

#include "report/report.h"
#include "task/task.h"

/* The report is complete but for its questions, which live in arena. */
void questions_answer(const struct task *task, struct arena *arena, struct report *report);

#endif
