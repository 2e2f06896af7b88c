// SPDX-License-Identifier: BSD-2-Clause
/*
 * Liveness as a pure function: silence, one-way paths, replays, what is not trusted, what a death
 * looks like and what a cut.  What an engine makes of it is in test_liveness_rig.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "liveness.h"
#include "rig.h"

#define INTERVAL (100 * RIG_MS)
#define DEAD (300 * RIG_MS)
#define BOTH ((1U << MLAG_PATH_PEER_LINK) | (1U << MLAG_PATH_BACKUP))

static struct liveness live;
static uint64_t now_ns;
static uint32_t sequence;

static int start_liveness(void **state)
{
	(void)state;
	memset(&live, 0, sizeof(live));
	now_ns = 10 * RIG_SECOND;
	sequence = 0;
	liveness_init(&live, 1);
	liveness_configure(&live, INTERVAL, 3);
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, true, now_ns);
	liveness_set_present(&live, MLAG_PATH_BACKUP, true, now_ns);
	return 0;
}

static struct liveness_hello word(uint8_t hears)
{
	struct liveness_hello hello = {
		.trusted = true,
		.boot_id = 2,
		.sequence = sequence,
		.hears_us = hears,
		.interval_ns = INTERVAL,
	};

	return hello;
}

static enum liveness_news hear(enum mlag_path path, uint8_t hears)
{
	struct liveness_hello hello = word(hears);

	return liveness_hear(&live, path, &hello, now_ns);
}

/* The peer says the same on both paths, as it does. */
static void hear_both(uint8_t hears)
{
	sequence++;
	(void)hear(MLAG_PATH_PEER_LINK, hears);
	(void)hear(MLAG_PATH_BACKUP, hears);
}

static void pass(uint64_t duration_ns)
{
	now_ns += duration_ns;
	liveness_tick(&live, now_ns);
}

static enum liveness_life life(void)
{
	return liveness_life(&live, false, 0, now_ns);
}

static void live_together(void)
{
	for (uint32_t i = 0; i < 5; i++) {
		hear_both(BOTH);
		pass(INTERVAL);
	}
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	assert_int_equal(liveness_link(&live), LIVENESS_LINK_USABLE);
}

static void test_dead_after_the_dead_time_and_not_before(void **state)
{
	(void)state;
	assert_int_equal(life(), LIVENESS_LIFE_NEVER);
	hear_both(BOTH);
	assert_true(liveness_deadline_ns(&live) == now_ns + DEAD);
	pass(DEAD - 1);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	pass(1);
	assert_int_equal(life(), LIVENESS_LIFE_SILENT_TOGETHER);
	assert_true(liveness_deadline_ns(&live) == UINT64_MAX);
}

static void test_silence_counts_up_to_the_last_read_only(void **state)
{
	(void)state;
	hear_both(BOTH);
	liveness_tick(&live, now_ns + DEAD - 1);
	now_ns += 60 * RIG_SECOND;
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
}

static void test_absence_of_our_own_is_held_against_nobody(void **state)
{
	(void)state;
	live_together();
	now_ns += 60 * RIG_SECOND;
	liveness_skip(&live, 60 * RIG_SECOND - INTERVAL, now_ns);
	liveness_tick(&live, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	/* Of course it does not hear us: we said nothing.  That is no reason to part. */
	hear_both(0);
	assert_int_equal(liveness_link(&live), LIVENESS_LINK_MUTE);
	assert_int_equal(life(), LIVENESS_LIFE_FADING);
	pass(INTERVAL);
	hear_both(BOTH);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	assert_int_equal(liveness_link(&live), LIVENESS_LINK_USABLE);
}

static void test_the_longer_interval_of_both_counts(void **state)
{
	struct liveness_hello hello = word(BOTH);

	(void)state;
	hello.sequence = 1;
	hello.interval_ns = 10 * INTERVAL;
	(void)liveness_hear(&live, MLAG_PATH_PEER_LINK, &hello, now_ns);
	assert_true(liveness_dead_ns(&live) == 10 * DEAD);
	pass(DEAD);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
}

static void test_carrier_counts_at_once(void **state)
{
	(void)state;
	live_together();
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	assert_int_equal(liveness_link(&live), LIVENESS_LINK_NO_CARRIER);
	assert_int_equal(liveness_path_finding(&live, MLAG_PATH_PEER_LINK),
			 MLAG_PATH_FINDING_NO_CARRIER);
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, true, now_ns);
	assert_int_equal(liveness_link(&live),
			 LIVENESS_LINK_MUTE); /* it has to prove itself anew */
}

static void test_one_way_is_found_on_both_sides_of_each_path(void **state)
{
	(void)state;
	live_together();
	/* It does not hear us on the link. */
	hear_both(1U << MLAG_PATH_BACKUP);
	assert_int_equal(liveness_path_finding(&live, MLAG_PATH_PEER_LINK),
			 MLAG_PATH_FINDING_UNHEARD);
	assert_int_equal(liveness_path_finding(&live, MLAG_PATH_BACKUP), MLAG_PATH_FINDING_GOOD);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	/* We do not hear it there. */
	for (uint32_t i = 0; i < 4; i++) {
		sequence++;
		(void)hear(MLAG_PATH_BACKUP, BOTH);
		pass(INTERVAL);
	}
	assert_int_equal(liveness_path_finding(&live, MLAG_PATH_PEER_LINK), MLAG_PATH_FINDING_DEAF);
	assert_int_equal(liveness_link(&live), LIVENESS_LINK_MUTE);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
}

static void test_a_death_is_no_split_even_if_the_last_hello_was_lost_on_the_link(void **state)
{
	(void)state;
	live_together();
	/* The box dies while it says hello: one copy is out already, the other never comes. */
	sequence++;
	(void)hear(MLAG_PATH_BACKUP, BOTH);
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	for (uint32_t i = 0; i < 30; i++) {
		assert_int_not_equal(life(), LIVENESS_LIFE_ALIVE);
		pass(10 * RIG_MS);
	}
	assert_int_equal(life(), LIVENESS_LIFE_SILENT_TOGETHER);
}

static void test_a_cut_is_a_split_by_the_second_hello_after_it(void **state)
{
	(void)state;
	live_together();
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	sequence++;
	(void)hear(MLAG_PATH_BACKUP, BOTH);
	assert_int_equal(life(), LIVENESS_LIFE_FADING);
	sequence++;
	(void)hear(MLAG_PATH_BACKUP, BOTH);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
}

static void test_a_cut_is_a_split_by_the_first_hello_that_says_so(void **state)
{
	(void)state;
	live_together();
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	sequence++;
	(void)hear(MLAG_PATH_BACKUP, 1U << MLAG_PATH_BACKUP);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
}

static void test_a_cut_is_a_split_by_the_session_when_it_goes_on(void **state)
{
	(void)state;
	live_together();
	liveness_set_present(&live, MLAG_PATH_BACKUP, false, now_ns);
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	/* What was heard before proves nothing. */
	assert_int_equal(liveness_life(&live, true, now_ns, now_ns), LIVENESS_LIFE_FADING);
	assert_int_equal(liveness_life(&live, true, now_ns + INTERVAL, now_ns + INTERVAL),
			 LIVENESS_LIFE_ALIVE);
}

static void test_paths_that_died_apart_prove_no_death(void **state)
{
	(void)state;
	live_together();
	for (uint32_t i = 0; i < 10; i++) {
		sequence++;
		(void)hear(MLAG_PATH_PEER_LINK, 1U << MLAG_PATH_PEER_LINK);
		pass(INTERVAL);
	}
	assert_int_equal(liveness_path_finding(&live, MLAG_PATH_BACKUP), MLAG_PATH_FINDING_SILENT);
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	pass(DEAD);
	assert_int_equal(life(), LIVENESS_LIFE_SILENT_APART);
}

static void test_one_path_alone_proves_no_death(void **state)
{
	(void)state;
	liveness_set_present(&live, MLAG_PATH_BACKUP, false, now_ns);
	sequence++;
	(void)hear(MLAG_PATH_PEER_LINK, BOTH);
	pass(DEAD);
	assert_int_equal(life(), LIVENESS_LIFE_SILENT_APART);
	assert_int_equal(liveness_path_finding(&live, MLAG_PATH_BACKUP), MLAG_PATH_FINDING_NONE);
}

static void test_a_replay_or_our_own_echo_is_nobodys_life(void **state)
{
	struct liveness_hello echo = word(BOTH);

	(void)state;
	live_together();
	for (uint32_t i = 0; i < 10; i++) {
		echo.boot_id = 1;
		echo.sequence = 1000 + i;
		assert_int_equal(liveness_hear(&live, MLAG_PATH_PEER_LINK, &echo, now_ns),
				 LIVENESS_NEWS_NONE);
		assert_int_equal(hear(MLAG_PATH_PEER_LINK, BOTH), LIVENESS_NEWS_NONE);
		pass(INTERVAL);
	}
	assert_int_equal(life(), LIVENESS_LIFE_SILENT_TOGETHER);
}

static void test_a_late_hello_is_life_and_no_news(void **state)
{
	(void)state;
	live_together();
	sequence += 5;
	(void)hear(MLAG_PATH_PEER_LINK, BOTH);
	sequence -= 2;
	assert_int_equal(hear(MLAG_PATH_BACKUP, 0), LIVENESS_NEWS_OLDER);
	assert_int_equal(liveness_link(&live), LIVENESS_LINK_USABLE);
}

static void test_a_hello_of_a_former_boot_comes_too_late(void **state)
{
	struct liveness_hello now = word(BOTH);

	(void)state;
	live_together();
	now.boot_id = 3;
	now.sequence = 1;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &now, now_ns), LIVENESS_NEWS_WORD);
	sequence += 100;
	assert_int_equal(hear(MLAG_PATH_PEER_LINK, BOTH), LIVENESS_NEWS_NONE);
	assert_true(live.boot_id == 3);
}

static void test_a_late_hello_of_a_boot_that_nobody_knew_does_not_shut_the_peer_out(void **state)
{
	struct liveness_hello late = word(BOTH);

	(void)state;
	/* We have just started, and so has the peer; then comes what its life before had said. */
	sequence++;
	assert_int_equal(hear(MLAG_PATH_PEER_LINK, BOTH), LIVENESS_NEWS_WORD);
	late.boot_id = 99;
	late.sequence = 5000;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &late, now_ns), LIVENESS_NEWS_WORD);
	for (uint32_t i = 0; i < 4; i++) {
		pass(INTERVAL);
		sequence++;
		(void)hear(MLAG_PATH_PEER_LINK, BOTH);
	}
	assert_true(live.boot_id == 2);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	/* The session knows who it is: nobody else counts while it stands. */
	liveness_hear_session(&live, 2, now_ns);
	late.boot_id = 98;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &late, now_ns), LIVENESS_NEWS_NONE);
	liveness_end_session(&live);
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &late, now_ns), LIVENESS_NEWS_WORD);
}

/* A restart of a few milliseconds: the session of the new boot stands before its first hello came. */
static void test_a_session_of_a_new_boot_is_no_proof_of_a_split(void **state)
{
	(void)state;
	live_together();
	liveness_hear_session(&live, 2, now_ns);
	liveness_end_session(&live);
	liveness_hear_session(&live, 3, now_ns);
	assert_int_equal(liveness_life(&live, true, now_ns, now_ns), LIVENESS_LIFE_FADING);
	/* But a peer that goes on saying nothing of us is parted from us. */
	now_ns += DEAD;
	assert_int_equal(liveness_life(&live, true, now_ns, now_ns), LIVENESS_LIFE_ALIVE);
}

static void test_a_session_shuts_out_other_boots_for_a_dead_time_only(void **state)
{
	struct liveness_hello other = word(BOTH);

	(void)state;
	live_together();
	liveness_hear_session(&live, 2, now_ns);
	other.boot_id = 3;
	other.sequence = 1;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &other, now_ns),
			 LIVENESS_NEWS_NONE);
	now_ns += DEAD;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &other, now_ns),
			 LIVENESS_NEWS_WORD);
	assert_true(live.boot_id == 3);
}

static void test_a_goodbye_of_the_boot_before_does_not_end_the_one_of_now(void **state)
{
	struct liveness_hello now = word(BOTH);

	(void)state;
	live_together();
	now.boot_id = 3;
	now.sequence = 1;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &now, now_ns), LIVENESS_NEWS_WORD);
	liveness_leave(&live, 2, now_ns);
	assert_false(live.left);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	liveness_leave(&live, 3, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_LEFT);
}

static void test_a_goodbye_of_a_boot_that_was_never_heard_counts(void **state)
{
	struct liveness_hello last = word(BOTH);

	(void)state;
	live_together();
	liveness_leave(&live, 3, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_LEFT);
	assert_true(live.boot_id == 3);
	/* The same said by a hello. */
	last.boot_id = 4;
	last.leaving = true;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_PEER_LINK, &last, now_ns),
			 LIVENESS_NEWS_LIFE);
	assert_true(live.boot_id == 4);
	assert_int_equal(life(), LIVENESS_LIFE_LEFT);
}

static void test_a_fence_counts_when_the_session_has_been_silent_for_a_dead_time(void **state)
{
	struct liveness_hello fence = word(0);

	(void)state;
	live_together();
	liveness_hear_session(&live, 2, now_ns);
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	liveness_set_present(&live, MLAG_PATH_BACKUP, false, now_ns);
	liveness_set_present(&live, MLAG_PATH_BACKUP, true, now_ns);
	fence.fenced = true;
	fence.sequence = 1;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &fence, now_ns),
			 LIVENESS_NEWS_NONE);
	now_ns += DEAD;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &fence, now_ns),
			 LIVENESS_NEWS_FENCE);
}

static void test_a_fence_of_who_has_left_says_nothing(void **state)
{
	struct liveness_hello fence = word(0);

	(void)state;
	live_together();
	liveness_leave(&live, 2, now_ns);
	fence.fenced = true;
	fence.sequence = 1;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &fence, now_ns),
			 LIVENESS_NEWS_NONE);
	assert_int_equal(life(), LIVENESS_LIFE_LEFT);
}

/* Who cannot be trusted tells no sequence: only the time says that it spoke after the loss. */
static void test_a_stranger_on_the_backup_path_is_a_split_after_an_interval(void **state)
{
	struct liveness_hello stranger = word(0);

	(void)state;
	live_together();
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	stranger.trusted = false;
	now_ns += INTERVAL - 1;
	(void)liveness_hear(&live, MLAG_PATH_BACKUP, &stranger, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_FADING);
	now_ns += 1;
	(void)liveness_hear(&live, MLAG_PATH_BACKUP, &stranger, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
}

static void test_paths_that_fell_silent_together_prove_a_death_only_if_both_are_there(void **state)
{
	(void)state;
	live_together();
	liveness_set_present(&live, MLAG_PATH_PEER_LINK, false, now_ns);
	pass(DEAD);
	assert_int_equal(life(), LIVENESS_LIFE_SILENT_TOGETHER);
	/* Nobody listens on it any more. */
	liveness_set_present(&live, MLAG_PATH_BACKUP, false, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_SILENT_APART);
}

static void test_what_is_not_trusted_proves_life_and_nothing_else(void **state)
{
	struct liveness_hello stranger = word(0);

	(void)state;
	stranger.trusted = false;
	stranger.boot_id = 77;
	stranger.leaving = true;
	stranger.fenced = true;
	stranger.interval_ns = 1000 * INTERVAL;
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(liveness_hear(&live, MLAG_PATH_PEER_LINK, &stranger, now_ns),
				 LIVENESS_NEWS_LIFE);
		pass(INTERVAL);
	}
	/* Alive and, for all we know, hearing us; that it says otherwise does not count. */
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	assert_int_equal(liveness_link(&live), LIVENESS_LINK_USABLE);
	assert_true(!live.left && !live.fenced && live.boot_id == 0);
	assert_true(liveness_dead_ns(&live) == DEAD);
	assert_int_equal(liveness_hears(&live), 0);
}

static void test_who_has_left_is_not_dead_and_may_come_back(void **state)
{
	struct liveness_hello goodbye = word(BOTH);
	struct liveness_hello again = word(BOTH);

	(void)state;
	live_together();
	goodbye.sequence = ++sequence;
	goodbye.leaving = true;
	(void)liveness_hear(&live, MLAG_PATH_BACKUP, &goodbye, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_LEFT);
	/* What was on its way changes nothing, another boot does. */
	sequence++;
	assert_int_equal(hear(MLAG_PATH_PEER_LINK, BOTH), LIVENESS_NEWS_NONE);
	assert_int_equal(life(), LIVENESS_LIFE_LEFT);
	again.boot_id = 9;
	again.sequence = 1;
	(void)liveness_hear(&live, MLAG_PATH_PEER_LINK, &again, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
}

static void test_a_fence_is_proven_by_the_guard_and_ends_with_the_daemons_life(void **state)
{
	struct liveness_hello guard = word(0);

	(void)state;
	live_together();
	guard.fenced = true;
	guard.boot_id = 50;
	(void)liveness_hear(&live, MLAG_PATH_PEER_LINK, &guard, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE); /* the daemon lives: no fence */
	pass(DEAD);
	(void)liveness_hear(&live, MLAG_PATH_PEER_LINK, &guard, now_ns);
	assert_int_equal(life(), LIVENESS_LIFE_FENCED);
	hear_both(BOTH);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
}

static void test_two_who_find_each_other_are_not_split_for_a_moment(void **state)
{
	(void)state;
	/* The backup path is quicker than the peer link. */
	sequence++;
	(void)hear(MLAG_PATH_BACKUP, 0);
	assert_int_equal(life(), LIVENESS_LIFE_FADING);
	pass(DEAD - 1);
	assert_int_equal(life(), LIVENESS_LIFE_FADING);
	/* But it has to prove itself. */
	sequence++;
	(void)hear(MLAG_PATH_BACKUP, 0);
	pass(1);
	assert_int_equal(life(), LIVENESS_LIFE_ALIVE);
	assert_int_equal(liveness_link(&live), LIVENESS_LINK_MUTE);
}

static void test_what_a_guard_said_of_another_life_does_not_count(void **state)
{
	struct liveness_hello guard = word(0);

	(void)state;
	live_together();
	guard.fenced = true;
	guard.sequence = 5;
	/* The daemon has started anew since. */
	sequence = 0;
	guard.boot_id = 2;
	{
		struct liveness_hello again = word(BOTH);

		again.boot_id = 9;
		again.sequence = 1;
		pass(DEAD);
		pass(DEAD);
		(void)liveness_hear(&live, MLAG_PATH_PEER_LINK, &again, now_ns);
	}
	pass(DEAD);
	assert_int_equal(liveness_hear(&live, MLAG_PATH_PEER_LINK, &guard, now_ns),
			 LIVENESS_NEWS_NONE);
	assert_false(live.fenced);
	guard.boot_id = 9;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_PEER_LINK, &guard, now_ns),
			 LIVENESS_NEWS_FENCE);
	assert_true(live.fenced);
	/* Nor what it said before the daemon went on. */
	{
		struct liveness_hello on = word(BOTH);

		on.boot_id = 9;
		on.sequence = 2;
		(void)liveness_hear(&live, MLAG_PATH_PEER_LINK, &on, now_ns);
	}
	assert_false(live.fenced);
	pass(DEAD);
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &guard, now_ns),
			 LIVENESS_NEWS_NONE);
	assert_false(live.fenced);
}

static void test_a_guard_is_believed_by_who_started_after_the_daemon_died(void **state)
{
	struct liveness_hello guard = word(0);

	(void)state;
	guard.fenced = true;
	guard.boot_id = 50;
	guard.sequence = 7;
	assert_int_equal(liveness_hear(&live, MLAG_PATH_BACKUP, &guard, now_ns),
			 LIVENESS_NEWS_FENCE);
	assert_int_equal(life(), LIVENESS_LIFE_FENCED);
	assert_int_equal(liveness_hear(&live, MLAG_PATH_PEER_LINK, &guard, now_ns),
			 LIVENESS_NEWS_NONE); /* the same by the other path */
	assert_int_equal(life(), LIVENESS_LIFE_FENCED);
}

/* A session over some other network, in which the peer says this of its leg of LAG 1. */
#define PURE_TEST(f) cmocka_unit_test_setup(f, start_liveness)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PURE_TEST(test_dead_after_the_dead_time_and_not_before),
		PURE_TEST(test_silence_counts_up_to_the_last_read_only),
		PURE_TEST(test_absence_of_our_own_is_held_against_nobody),
		PURE_TEST(test_the_longer_interval_of_both_counts),
		PURE_TEST(test_carrier_counts_at_once),
		PURE_TEST(test_one_way_is_found_on_both_sides_of_each_path),
		PURE_TEST(test_a_death_is_no_split_even_if_the_last_hello_was_lost_on_the_link),
		PURE_TEST(test_a_cut_is_a_split_by_the_second_hello_after_it),
		PURE_TEST(test_a_cut_is_a_split_by_the_first_hello_that_says_so),
		PURE_TEST(test_a_cut_is_a_split_by_the_session_when_it_goes_on),
		PURE_TEST(test_a_session_of_a_new_boot_is_no_proof_of_a_split),
		PURE_TEST(test_a_session_shuts_out_other_boots_for_a_dead_time_only),
		PURE_TEST(test_a_goodbye_of_the_boot_before_does_not_end_the_one_of_now),
		PURE_TEST(test_a_goodbye_of_a_boot_that_was_never_heard_counts),
		PURE_TEST(test_a_fence_counts_when_the_session_has_been_silent_for_a_dead_time),
		PURE_TEST(test_a_fence_of_who_has_left_says_nothing),
		PURE_TEST(test_a_stranger_on_the_backup_path_is_a_split_after_an_interval),
		PURE_TEST(
			test_paths_that_fell_silent_together_prove_a_death_only_if_both_are_there),
		PURE_TEST(test_paths_that_died_apart_prove_no_death),
		PURE_TEST(test_one_path_alone_proves_no_death),
		PURE_TEST(test_a_replay_or_our_own_echo_is_nobodys_life),
		PURE_TEST(test_a_late_hello_is_life_and_no_news),
		PURE_TEST(test_a_hello_of_a_former_boot_comes_too_late),
		PURE_TEST(test_a_late_hello_of_a_boot_that_nobody_knew_does_not_shut_the_peer_out),
		PURE_TEST(test_what_is_not_trusted_proves_life_and_nothing_else),
		PURE_TEST(test_who_has_left_is_not_dead_and_may_come_back),
		PURE_TEST(test_a_fence_is_proven_by_the_guard_and_ends_with_the_daemons_life),
		PURE_TEST(test_what_a_guard_said_of_another_life_does_not_count),
		PURE_TEST(test_a_guard_is_believed_by_who_started_after_the_daemon_died),
		PURE_TEST(test_two_who_find_each_other_are_not_split_for_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
