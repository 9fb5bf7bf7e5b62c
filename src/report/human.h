/* human.h - people's grades of answers, in a table of their own beside the store: written for a person to fill in, read back by reports.
 *
 * A row an answer to a test item by any variant that was measured there, in the order in which items were shuffled, so that whoever grades
 * from the top grades a random sample. Neither the variant nor what the scorer said is shown: a person who knows either grades otherwise. */
#ifndef RUNG_REPORT_HUMAN_H
#define RUNG_REPORT_HUMAN_H

#include "report/rows.h"
#include "task/grades.h"

#define HUMAN_FILE "human.csv" /* beside the store */

/* The grades of the file at path, by grades_key(); nothing where there is no file. False and a sentence with its line. */
bool human_read(const char *path, struct grades *into, struct error *err);

struct human_counts {
	size_t answers, graded; /* rows, and those that have a grade already */
};
/* Writes the file anew with what it held of these answers. Answers that nobody has to read (task/scorer.h) are left out. */
bool human_write(const struct rows_from *from, uint64_t seed, const char *path, struct human_counts *counts, struct error *err);

#endif
