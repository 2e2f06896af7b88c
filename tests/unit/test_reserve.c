// SPDX-License-Identifier: BSD-2-Clause
/*
 * The reserve that JSON has when there is no memory: pieces do not overlap, and all of it is there
 * again when the last is given back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "common/reserve.h"

/* More than the address space may hold from now on: malloc() has nothing so large. */
#define LARGE (RESERVE_SIZE / 4)

static struct rlimit before;

/* ASan and valgrind want address space for themselves. */
static bool may_limit(void)
{
	return getenv("MLAG_NO_RLIMIT") == NULL;
}

static int start(void **state)
{
	struct rlimit none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none = (struct rlimit){.rlim_cur = 1, .rlim_max = before.rlim_max};
	return may_limit() ? setrlimit(RLIMIT_AS, &none) : 0;
}

static int end(void **state)
{
	(void)state;
	return setrlimit(RLIMIT_AS, &before);
}

static void test_pieces_of_the_reserve_are_apart_and_come_back_together(void **state)
{
	uint8_t *pieces[3];

	(void)state;
	if (!may_limit()) {
		skip();
	}
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 3; i++) {
			pieces[i] = reserve_malloc(LARGE + i);
			assert_non_null(pieces[i]);
			assert_int_equal((uintptr_t)pieces[i] % sizeof(void *), 0);
			memset(pieces[i], (int)i, LARGE + i);
		}
		assert_int_equal(reserve_in_use(), 3);
		assert_null(reserve_malloc(2 * LARGE));
		for (uint32_t i = 0; i < 3; i++) {
			uint32_t which = (i + round) % 3;

			assert_int_equal(pieces[which][0], which);
			assert_int_equal(pieces[which][LARGE - 1], which);
			reserve_free(pieces[which]);
		}
		assert_int_equal(reserve_in_use(), 0);
	}
}

static void test_what_malloc_gave_goes_back_to_it(void **state)
{
	void *memory = reserve_malloc(16); /* of what the heap already has */

	(void)state;
	reserve_free(memory);
	reserve_free(NULL);
	assert_int_equal(reserve_in_use(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_pieces_of_the_reserve_are_apart_and_come_back_together, start, end),
		cmocka_unit_test(test_what_malloc_gave_goes_back_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
