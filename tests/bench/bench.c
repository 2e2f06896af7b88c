// SPDX-License-Identifier: BSD-2-Clause
/*
 * Series, medians and the table (see bench.h).
 */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

static uint32_t limits_missed;
static int (*running)(void);
static int result;

static void run_body(void **state)
{
	(void)state;
	result = running();
}

int bench_run(int (*body)(void))
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(run_body)};

	running = body;
	result = EXIT_FAILURE;
	/* What it says of its one test is for the log; the table goes to the standard output. */
	return cmocka_run_group_tests_name("bench", tests, NULL, NULL) ? EXIT_FAILURE : result;
}

void bench_add(struct bench_series *series, double value)
{
	if (series->count < BENCH_ROUNDS_MAX) {
		series->values[series->count++] = value;
	}
}

static int compare(const void *left, const void *right)
{
	const double *a = left;
	const double *b = right;

	return (*a > *b) - (*a < *b);
}

static double median(const double *values, uint32_t count)
{
	double sorted[BENCH_ROUNDS_MAX];

	if (count == 0) {
		return 0;
	}
	memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

double bench_median(const struct bench_series *series)
{
	return median(series->values, series->count);
}

double bench_ratio(const struct bench_series *a, const struct bench_series *b)
{
	double ratios[BENCH_ROUNDS_MAX];
	uint32_t count = a->count < b->count ? a->count : b->count;

	for (uint32_t index = 0; index < count; index++) {
		ratios[index] = a->values[index] / b->values[index];
	}
	return median(ratios, count);
}

void bench_begin(const char *title)
{
	struct utsname name;

	limits_missed = 0;
	(void)uname(&name);
	(void)printf("%s (Linux %s, %s)\n", title, name.release, name.machine);
}

void bench_print(const char *name, double value, const char *unit, enum bench_relation relation,
		 double limit)
{
	bool kept = relation == BENCH_NO_LIMIT ||
		    (relation == BENCH_AT_MOST ? value <= limit : value >= limit);

	(void)printf("  %-58s %8.2f %-6s", name, value, unit);
	if (relation != BENCH_NO_LIMIT) {
		(void)printf(" %s %.2f%s", relation == BENCH_AT_MOST ? "at most" : "at least",
			     limit, kept ? "" : "  NOT KEPT");
	}
	(void)printf("\n");
	limits_missed += !kept;
}

int bench_end(void)
{
	if (limits_missed) {
		(void)printf("  %u limits were not kept\n", limits_missed);
	}
	return limits_missed && getenv("BENCH_STRICT") ? EXIT_FAILURE : EXIT_SUCCESS;
}
