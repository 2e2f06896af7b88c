/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MACs that move too often (R9), as a pure table: which are damped, for how long, and what happens when
 * more of them move than it has places for.  What an engine makes of it is in test_mac.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flap.h"
#include "rig.h"

#define SEED 7

static struct flaps flaps;
static uint64_t now_ns;

static int start(void **state)
{
	(void)state;
	memset(&flaps, 0, sizeof(flaps));
	now_ns = RIG_SECOND;
	return 0;
}

static struct mlag_mac_key key_of(uint32_t number)
{
	struct mlag_mac_key key = {RIG_VLAN,
				   {{0x02, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}}};

	return key;
}

/* Moves until it is damped; how many were followed. */
static uint32_t flap(uint32_t number)
{
	struct mlag_mac_key key = key_of(number);
	uint32_t followed = 0;
	bool began = false;

	while (!flap_move(&flaps, &key, SEED, now_ns, &began) && followed < 1000) {
		followed++;
	}
	assert_true(began || followed == 1000);
	return followed;
}

static bool is_damped(uint32_t number)
{
	struct mlag_mac_key key = key_of(number);

	return flap_is_damped(&flaps, &key, SEED, now_ns);
}

static void test_r9_a_mac_is_damped_from_one_move_too_many_for_its_time(void **state)
{
	(void)state;
	assert_int_equal(flap(1), FLAP_MOVES_MAX);
	assert_true(is_damped(1));
	assert_false(is_damped(2));
	now_ns += FLAP_HOLD_NS - 1;
	assert_true(is_damped(1));
	now_ns += 1;
	assert_false(is_damped(1));
	/* Its place is free again only when somebody looks. */
	assert_int_equal(flaps.damped_count, 1);
	flap_expire(&flaps, now_ns);
	assert_int_equal(flaps.damped_count, 0);
	assert_int_equal(flap(1), FLAP_MOVES_MAX);
}

static void test_r9_moves_of_different_times_do_not_add_up(void **state)
{
	struct mlag_mac_key key = key_of(1);
	bool began;

	(void)state;
	for (uint32_t i = 0; i < 10 * FLAP_MOVES_MAX; i++) {
		assert_false(flap_move(&flaps, &key, SEED, now_ns, &began));
		now_ns += FLAP_WINDOW_NS / (FLAP_MOVES_MAX - 1);
	}
	assert_false(is_damped(1));
}

static void test_r9_one_that_is_over_does_not_free_one_that_is_not(void **state)
{
	(void)state;
	(void)flap(1);
	now_ns += FLAP_HOLD_NS / 2;
	(void)flap(2);
	now_ns += FLAP_HOLD_NS / 2;
	flap_expire(&flaps, now_ns);
	assert_false(is_damped(1));
	assert_true(is_damped(2));
	assert_int_equal(flaps.damped_count, 1);
}

/* Nobody who moves often loses his place to others, and who finds none is followed. */
static void test_r9_who_is_damped_keeps_its_place_when_all_are_taken(void **state)
{
	uint32_t damped = 0, followed = 0;

	(void)state;
	for (uint32_t number = 0; number < 4 * FLAP_SLOTS; number++) {
		if (flap(number) == 1000) {
			followed++;
			assert_false(is_damped(number));
		}
	}
	assert_true(followed > 0);
	for (uint32_t number = 0; number < 4 * FLAP_SLOTS; number++) {
		damped += is_damped(number);
	}
	assert_int_equal(damped, 4 * FLAP_SLOTS - followed);
	assert_int_equal(flaps.damped_count, damped);
}

/* Of those that are not damped the one whose time began first gives way. */
static void test_r9_the_oldest_gives_way(void **state)
{
	struct mlag_mac_key key;
	bool began;

	(void)state;
	for (uint32_t number = 0; number < 16 * FLAP_SLOTS; number++) {
		key = key_of(number);
		assert_false(flap_move(&flaps, &key, SEED, now_ns, &began));
		now_ns += 1;
	}
	/* The last one is surely still counted: it needs one move less than another. */
	for (uint32_t i = 1; i < FLAP_MOVES_MAX; i++) {
		assert_false(flap_move(&flaps, &key, SEED, now_ns, &began));
	}
	assert_true(flap_move(&flaps, &key, SEED, now_ns, &began));
	assert_true(began);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_r9_a_mac_is_damped_from_one_move_too_many_for_its_time,
				       start),
		cmocka_unit_test_setup(test_r9_moves_of_different_times_do_not_add_up, start),
		cmocka_unit_test_setup(test_r9_one_that_is_over_does_not_free_one_that_is_not,
				       start),
		cmocka_unit_test_setup(test_r9_who_is_damped_keeps_its_place_when_all_are_taken,
				       start),
		cmocka_unit_test_setup(test_r9_the_oldest_gives_way, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
