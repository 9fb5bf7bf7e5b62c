/* kernels_transpose.h - rows of 32-bit words to columns of a panel, four by four.
 *
 * Private to the kernels_<set>.c files, which first include kernels_rows.h. Wider registers would shuffle as often for
 * each word, in more code. */
#ifndef RUNG_LLM_KERNELS_TRANSPOSE_H
#define RUNG_LLM_KERNELS_TRANSPOSE_H

INLINE vector_of_4 load_four(const float *p)
{
	vector_of_4 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Words c .. c+3 of four rows to out, whose rows are ldo apart. */
INLINE void transpose_block(const float *const row[4], size_t c, float *out, size_t ldo)
{
	vector_of_4 r0 = load_four(row[0] + c), r1 = load_four(row[1] + c), r2 = load_four(row[2] + c),
		    r3 = load_four(row[3] + c);
	vector_of_4 a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
	vector_of_4 d = __builtin_shufflevector(r0, r1, 2, 6, 3, 7), e = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
	vector_of_4 column[4] = { __builtin_shufflevector(a, b, 0, 1, 4, 5), __builtin_shufflevector(a, b, 2, 3, 6, 7),
				  __builtin_shufflevector(d, e, 0, 1, 4, 5), __builtin_shufflevector(d, e, 2, 3, 6, 7) };

	UNROLL
	for (size_t i = 0; i < 4; i++)
		memcpy(out + i * ldo, &column[i], sizeof(column[i]));
}

/* n words of four rows to four columns of out. */
INLINE void transpose_rows(const float *const row[4], size_t n, float *out, size_t ldo)
{
	size_t c = 0;

	for (; n - c >= 4; c += 4)
		transpose_block(row, c, out + c * ldo, ldo);
	for (; c < n; c++)
		for (size_t i = 0; i < 4; i++)
			out[c * ldo + i] = row[i][c];
}

#endif
