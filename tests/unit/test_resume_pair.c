/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on where an earlier daemon ended, by two engines in a world (SAFE-40).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resume.h"
#include "rig.h"
#include "world.h"

static struct world world;

static int start_pair(void **state)
{
	static struct world_picture picture;

	(void)state;
	world_init(&world, 1);
	world_start(&world, 0);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 10 * WORLD_SECOND));
	world_take_picture(&world, &picture); /* everybody is known */
	world_run(&world, WORLD_SECOND);
	return 0;
}

static int end_pair(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static void expect_unnoticed(const struct world_picture *before, uint64_t duration_ns)
{
	for (uint64_t i = 0; i < duration_ns / WORLD_MS; i++) {
		const char *complaint = world_check_picture(&world, before);

		if (complaint != NULL) {
			fail_msg("at %.3f s: %s", (double)world.now_ns / 1e9, complaint);
		}
		world_run(&world, WORLD_MS);
	}
}

/* What the two data planes hold for their legs. */
struct ports {
	struct mlag_port ports[WORLD_MEMBERS][WORLD_LAGS];
};

static void take_ports(struct ports *ret_ports)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			ret_ports->ports[m][lag] = world.members[m].legs[lag].port;
		}
	}
}

static void restart(bool first, bool second)
{
	static struct world_picture before;
	static struct ports ports_before, ports_after;

	world_take_picture(&world, &before);
	take_ports(&ports_before);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		if (m == 0 ? first : second) {
			world_stop(&world, m);
		}
	}
	expect_unnoticed(&before, 300 * WORLD_MS);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		if (m == 0 ? first : second) {
			world_start(&world, m);
		}
	}
	expect_unnoticed(&before, WORLD_SECOND);
	take_ports(&ports_after);
	/* No gate, no R1 and no generation has changed on either side. */
	assert_memory_equal(&ports_after, &ports_before, sizeof(ports_after));
}

static void test_safe40_a_restart_of_one_or_both_changes_no_port(void **state)
{
	(void)state;
	restart(true, false);
	restart(false, true);
	restart(true, true);
}

static void test_safe40_with_a_leg_down(void **state)
{
	(void)state;
	world_set_link(&world, 0, 0, false);
	world_run(&world, WORLD_SECOND);
	restart(true, false);
	restart(false, true);
	restart(true, true);
}

static void test_safe40_while_the_peers_daemon_is_dead(void **state)
{
	(void)state;
	world_stop(&world, 1);
	restart(true, false);
	world_run(&world, 10 * WORLD_SECOND); /* it concludes that it is alone */
	restart(true, false);
}

/* What the suite is worth: the same with nothing to go on with is noticed. */
static void test_a_start_afresh_is_noticed(void **state)
{
	static struct world_picture before;

	(void)state;
	world_take_picture(&world, &before);
	world_stop(&world, 0);
	world_forget(&world, 0);
	world_start(&world, 0);
	assert_non_null(world_check_picture(&world, &before));
}

/* Two members that were parted, S2 with legs down, and the peer link is back. */
static void part_and_return(void)
{
	static struct world_picture picture;

	world_init(&world, 1);
	world_start(&world, 0);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 10 * WORLD_SECOND));
	world_take_picture(&world, &picture); /* everybody is known */
	world_set_link(&world, 1, 0, false);
	world_set_link(&world, 1, 1, false);
	world_set_peer_link(&world, false);
	world_run(&world, 2 * WORLD_SECOND);
	world_set_peer_link(&world, true);
}

static uint64_t peered_ns(void)
{
	uint64_t end_ns = world.now_ns + 5 * WORLD_SECOND;
	struct mlag_view view;

	do {
		world_run(&world, WORLD_MS);
		mlag_get_view(world.members[0].engine, &view);
	} while (view.verdict != MLAG_VERDICT_PEERED && world.now_ns < end_ns);
	assert_int_equal(view.verdict, MLAG_VERDICT_PEERED);
	return world.now_ns;
}

/* S1 is killed at that moment, perhaps with S2; a leg of S2 returns while nobody looks after it. */
static const char *kill_at(uint64_t moment_ns, bool is_torn, bool both)
{
	static struct world_picture before;

	part_and_return();
	world_run(&world, moment_ns - world.now_ns);
	world_stop(&world, 0);
	if (is_torn) {
		world.members[0].kept = world.members[0].kept_before;
	}
	if (both) {
		world_stop(&world, 1);
	}
	world_set_link(&world, 1, 0, true);
	world_run(&world, 3 * WORLD_SECOND);
	world_take_picture(&world, &before);
	world_start(&world, 0);
	return world_check_nothing_held(&world, &before);
}

/*
 * R1 is lifted in the millisecond in which the pair becomes peered.  What the next daemon has to know is
 * written before the legs (handover_keep()): R1 that is lifted is never found with a word that it must
 * not be.
 */
static void test_safe40_killed_in_any_millisecond_around_becoming_peered(void **state)
{
	uint64_t moment_ns;

	(void)state;
	part_and_return();
	moment_ns = peered_ns();
	world_fini(&world);
	for (uint32_t i = 0; i < 24; i++) {
		int64_t offset_ms = (int64_t)(i / 4) - 3;
		const char *complaint =
			kill_at(moment_ns + (uint64_t)(offset_ms * (int64_t)WORLD_MS), i % 2 != 0,
				i % 4 >= 2);

		if (complaint != NULL) {
			fail_msg("killed %d ms after it, %s, %s: %s", (int)offset_ms,
				 i % 2 != 0 ? "before it had written all down" : "at rest",
				 i % 4 >= 2 ? "with its peer" : "alone", complaint);
		}
		world_fini(&world);
	}
}

#define PAIR_TEST(function) cmocka_unit_test_setup_teardown(function, start_pair, end_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(test_safe40_a_restart_of_one_or_both_changes_no_port),
		PAIR_TEST(test_safe40_with_a_leg_down),
		PAIR_TEST(test_safe40_while_the_peers_daemon_is_dead),
		PAIR_TEST(test_a_start_afresh_is_noticed),
		cmocka_unit_test(test_safe40_killed_in_any_millisecond_around_becoming_peered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
