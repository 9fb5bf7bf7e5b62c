/* Any bytes as CSV (or, by the first byte, TSV): the reader stays inside them, moves forward and counts lines right. */
#include <assert.h>
#include <stdint.h>

#include "task/csv.h"

static size_t newlines(const char *text, size_t n)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n' || (text[i] == '\r' && (i + 1 == n || text[i + 1] != '\n'));
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_row row = { 0 };
	enum csv_status status = CSV_ROW;

	if (size == 0)
		return 0;
	struct csv csv = csv_open((const char *)data + 1, size - 1, data[0] & 1 ? '\t' : ',');

	while (status == CSV_ROW) {
		size_t before = csv.at;

		status = csv_next(&csv, &row);
		assert(csv.at <= csv.n && csv.at >= before);
		assert(csv.line == 1 + newlines(csv.data, csv.at));
		if (status != CSV_ROW)
			break;
		assert(csv.at > before && row.n >= 1 && row.n <= CSV_FIELDS && row.line >= 1);
		for (size_t i = 0; i < row.n; i++)
			assert(csv_field(&row, i) + strlen(csv_field(&row, i)) < row.text.data + row.text.n);
	}
	assert(status != CSV_END || csv.at == csv.n);
	buf_release(&row.text);
	return 0;
}
