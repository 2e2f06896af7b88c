/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What benchmarks have in common: figures taken in rounds, so that every one of them has its turn
 * while the machine is as it is, and a table that puts each beside its limit.
 */
#ifndef MLAG_TESTS_BENCH_H
#define MLAG_TESTS_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_ROUNDS_MAX 64

/* One thing that is measured: a value a round. */
struct bench_series {
	const char *name;
	double values[BENCH_ROUNDS_MAX];
	uint32_t count;
};

enum bench_relation {
	BENCH_NO_LIMIT,
	BENCH_AT_MOST,
	BENCH_AT_LEAST,
};

void bench_add(struct bench_series *series, double value);

double bench_median(const struct bench_series *series);

/* The median of what @a is in parts of @b, round by round. */
double bench_ratio(const struct bench_series *a, const struct bench_series *b);

/*
 * Runs a benchmark where the assertions of its aids (tests/bpf) can say what failed.
 * Return: what @body returned, or not 0.
 */
int bench_run(int (*body)(void));

/* Headings with the machine's kernel. */
void bench_begin(const char *title);

/* A line of the table, and whether it keeps its limit. */
void bench_print(const char *name, double value, const char *unit, enum bench_relation relation,
		 double limit);

/* Return: the exit status: 0, or 1 when a limit was not kept and $BENCH_STRICT is set. */
int bench_end(void);

#endif
