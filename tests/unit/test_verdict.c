// SPDX-License-Identifier: BSD-2-Clause
/*
 * Verdict, role and holding (DESIGN §2) over all their inputs, and over all pairs of inputs that two
 * members can have of each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mlag.h"
#include "verdict.h"

/* A view by number; false when there are no more. */
static bool view_at(uint32_t number, struct verdict_view *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->life = (enum liveness_life)(number % LIVENESS_LIVES_COUNT);
	number /= LIVENESS_LIVES_COUNT;
	ret->link = (enum liveness_link)(number % LIVENESS_LINKS_COUNT);
	number /= LIVENESS_LINKS_COUNT;
	ret->session_up = number % 2 != 0;
	number /= 2;
	ret->link_awaited = number % 2 != 0;
	number /= 2;
	for (uint32_t timer = 1; timer < VERDICT_TIMERS_COUNT; timer++) {
		ret->left_ns[timer] = number % 2 != 0 ? 1000 * timer : 0;
		number /= 2;
	}
	return number == 0;
}

/* What liveness.c can say at all: usable means heard, and so does a session. */
static bool is_possible(const struct verdict_view *view)
{
	bool heard = view->life == LIVENESS_LIFE_ALIVE || view->life == LIVENESS_LIFE_FADING;

	if (view->session_up && !heard) {
		return false;
	}
	if (view->link_awaited && view->link == LIVENESS_LINK_USABLE) {
		return false;
	}
	return view->link != LIVENESS_LINK_USABLE || view->life == LIVENESS_LIFE_ALIVE;
}

static void test_every_cell_is_written_and_explains_itself(void **state)
{
	struct verdict_view view;

	(void)state;
	for (uint32_t i = 0; view_at(i, &view); i++) {
		struct verdict verdict = verdict_decide(&view);

		assert_int_not_equal(verdict.verdict, MLAG_VERDICT_NONE);
		assert_non_null(verdict.because);
		assert_non_null(verdict.next);
		assert_true(verdict.because[0] != '\0' && verdict.next[0] != '\0');
		assert_true(verdict.wait_ns > 0);
		if (!is_possible(&view) && !view.link_awaited) {
			assert_int_equal(verdict.verdict, MLAG_VERDICT_RESYNC); /* frozen */
		}
	}
}

/* The table of DESIGN §2, row by row, written a second time. */
static enum mlag_verdict by_the_book(const struct verdict_view *view)
{
	if (view->link_awaited && view->left_ns[VERDICT_TIMER_STARTUP] > 0 &&
	    view->life != LIVENESS_LIFE_LEFT && view->life != LIVENESS_LIFE_FENCED) {
		return MLAG_VERDICT_STARTING; /* nothing that was there is lost */
	}
	switch (view->life) {
	case LIVENESS_LIFE_ALIVE:
		if (view->link != LIVENESS_LINK_USABLE) {
			return MLAG_VERDICT_SPLIT;
		}
		return view->session_up ? MLAG_VERDICT_PEERED : MLAG_VERDICT_RESYNC;
	case LIVENESS_LIFE_FADING:
		return MLAG_VERDICT_RESYNC;
	case LIVENESS_LIFE_LEFT:
	case LIVENESS_LIFE_FENCED:
		return MLAG_VERDICT_ALONE;
	case LIVENESS_LIFE_NEVER:
		if (view->left_ns[VERDICT_TIMER_STARTUP] > 0) {
			return MLAG_VERDICT_STARTING;
		}
		return view->link == LIVENESS_LINK_NO_CARRIER ? MLAG_VERDICT_ALONE_UNSURE
							      : MLAG_VERDICT_ALONE;
	case LIVENESS_LIFE_SILENT_APART:
	case LIVENESS_LIFE_SILENT_TOGETHER:
		if (view->link != LIVENESS_LINK_NO_CARRIER) {
			return view->left_ns[VERDICT_TIMER_HOLD] > 0 ? MLAG_VERDICT_RESYNC
								     : MLAG_VERDICT_ALONE;
		}
		if (view->left_ns[VERDICT_TIMER_DEAD] > 0) {
			return MLAG_VERDICT_RESYNC;
		}
		return view->life == LIVENESS_LIFE_SILENT_TOGETHER ? MLAG_VERDICT_ALONE
								   : MLAG_VERDICT_ALONE_UNSURE;
	case LIVENESS_LIVES_COUNT:
		break;
	}
	return MLAG_VERDICT_NONE;
}

static void test_the_verdict_is_that_of_the_design_for_every_possible_view(void **state)
{
	uint32_t reached[MLAG_VERDICT_ALONE_UNSURE + 1] = {0};
	struct verdict_view view;

	(void)state;
	for (uint32_t i = 0; view_at(i, &view); i++) {
		if (is_possible(&view)) {
			struct verdict verdict = verdict_decide(&view);

			assert_int_equal(verdict.verdict, by_the_book(&view));
			reached[verdict.verdict]++;
		}
	}
	for (uint32_t i = MLAG_VERDICT_STARTING; i <= MLAG_VERDICT_ALONE_UNSURE; i++) {
		assert_true(reached[i] > 0);
	}
}

static void test_a_verdict_that_waits_ends_by_time(void **state)
{
	struct verdict_view view;

	(void)state;
	for (uint32_t i = 0; view_at(i, &view); i++) {
		struct verdict verdict = verdict_decide(&view);

		for (uint32_t waits = 0; verdict.wait_ns != UINT64_MAX; waits++) {
			enum mlag_verdict before = verdict.verdict;

			assert_true(waits < VERDICT_TIMERS_COUNT);
			for (uint32_t timer = 0; timer < VERDICT_TIMERS_COUNT; timer++) {
				view.left_ns[timer] =
					view.left_ns[timer] > verdict.wait_ns
						? view.left_ns[timer] - verdict.wait_ns
						: 0;
			}
			verdict = verdict_decide(&view);
			assert_int_not_equal(verdict.verdict, before);
		}
	}
}

static void test_who_hears_the_peer_is_never_alone(void **state)
{
	struct verdict_view view;

	(void)state;
	for (uint32_t i = 0; view_at(i, &view); i++) {
		enum mlag_verdict verdict = verdict_decide(&view).verdict;

		if (view.life == LIVENESS_LIFE_ALIVE || view.life == LIVENESS_LIFE_FADING ||
		    view.session_up) {
			assert_true(verdict != MLAG_VERDICT_ALONE &&
				    verdict != MLAG_VERDICT_ALONE_UNSURE);
			assert_true(verdict != MLAG_VERDICT_STARTING || view.link_awaited);
		}
	}
}

static void test_a_peer_link_that_was_never_there_is_not_lost_before_startup_wait(void **state)
{
	struct verdict_view view;

	(void)state;
	for (uint32_t i = 0; view_at(i, &view); i++) {
		if (!is_possible(&view) || !view.link_awaited) {
			continue;
		}
		if (view.left_ns[VERDICT_TIMER_STARTUP] > 0) {
			assert_int_not_equal(verdict_decide(&view).verdict, MLAG_VERDICT_SPLIT);
		} else if (view.life == LIVENESS_LIFE_ALIVE) {
			assert_int_equal(verdict_decide(&view).verdict, MLAG_VERDICT_SPLIT);
		}
	}
}

static void test_rank(void **state)
{
	struct verdict_rank a = {1, 10, {{2, 0, 0, 0, 0, 1}}};
	struct verdict_rank b = {1, 10, {{2, 0, 0, 0, 0, 2}}};

	(void)state;
	assert_true(verdict_is_first(&a, &b));
	assert_false(verdict_is_first(&b, &a));
	b.priority = 9;
	assert_true(verdict_is_first(&b, &a));
	a.role_epoch = 2;
	assert_true(verdict_is_first(&a, &b));
}

static void test_an_epoch_is_above_both(void **state)
{
	(void)state;
	assert_int_equal(verdict_next_epoch(0, 0), 1);
	assert_int_equal(verdict_next_epoch(3, 7), 8);
	assert_int_equal(verdict_next_epoch(7, 3), 8);
	assert_int_equal(verdict_next_epoch(UINT32_MAX, 3), UINT32_MAX);
}

static struct verdict_rank rank_at(uint32_t number, uint8_t id)
{
	struct verdict_rank rank = {
		number % 3, (uint16_t)(100 + number / 3), {{2, 0, 0, 0, 0, id}}};

	return rank;
}

#define RANKS 6

/* All that can be of two members that hear each other: verdicts, roles so far, ranks. */
static void test_two_who_hear_each_other_are_one_primary_and_one_secondary(void **state)
{
	static const enum mlag_verdict heard[] = {MLAG_VERDICT_PEERED, MLAG_VERDICT_RESYNC,
						  MLAG_VERDICT_SPLIT};

	(void)state;
	for (uint32_t i = 0; i < 9 * 9 * RANKS * RANKS; i++) {
		struct verdict_lead a = {
			.verdict = heard[i % 3],
			.role = (enum mlag_role)(i / 3 % 3),
			.peer_heard = true,
			.own = rank_at(i / 81 % RANKS, 1),
			.peer = rank_at(i / 81 / RANKS, 2),
		};
		struct verdict_lead b = {
			.verdict = heard[i / 9 % 3],
			.role = (enum mlag_role)(i / 27 % 3),
			.peer_heard = true,
			.own = a.peer,
			.peer = a.own,
		};
		bool promoted;
		enum mlag_role role_a = verdict_role(&a, &promoted);
		enum mlag_role role_b;

		assert_false(promoted);
		role_b = verdict_role(&b, &promoted);
		assert_false(promoted);
		assert_true((role_a == MLAG_ROLE_PRIMARY && role_b == MLAG_ROLE_SECONDARY) ||
			    (role_a == MLAG_ROLE_SECONDARY && role_b == MLAG_ROLE_PRIMARY));
	}
}

/* Both were alone, each promoted itself; as soon as they hear each other, one of them yields. */
static void test_two_who_were_both_alone_hear_each_other_and_the_secondary_yields(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < RANKS * RANKS; i++) {
		struct verdict_rank ranks[2] = {rank_at(i % RANKS, 1), rank_at(i / RANKS, 2)};
		enum mlag_role roles[2];
		bool promoted;

		for (uint32_t m = 0; m < 2; m++) {
			struct verdict_lead alone = {MLAG_VERDICT_ALONE, MLAG_ROLE_SECONDARY, false,
						     ranks[m], ranks[1 - m]};

			assert_int_equal(verdict_role(&alone, &promoted), MLAG_ROLE_PRIMARY);
			assert_true(promoted);
		}
		for (uint32_t m = 0; m < 2; m++) {
			ranks[m].role_epoch =
				verdict_next_epoch(ranks[m].role_epoch, ranks[m].role_epoch);
		}
		for (uint32_t m = 0; m < 2; m++) {
			struct verdict_lead heard = {MLAG_VERDICT_SPLIT, MLAG_ROLE_PRIMARY, true,
						     ranks[m], ranks[1 - m]};

			roles[m] = verdict_role(&heard, &promoted);
		}
		assert_int_not_equal(roles[0], roles[1]);
	}
}

static void test_a_survivor_leads_also_when_the_other_had_led_long_before(void **state)
{
	struct verdict_rank survivor = {0, 200, {{2, 0, 0, 0, 0, 2}}};
	struct verdict_rank old = {5, 100, {{2, 0, 0, 0, 0, 1}}};

	(void)state;
	survivor.role_epoch = verdict_next_epoch(survivor.role_epoch, old.role_epoch);
	assert_true(verdict_is_first(&survivor, &old));
}

static void test_who_cannot_tell_stays_what_he_is(void **state)
{
	static const enum mlag_verdict unsure[] = {MLAG_VERDICT_STARTING, MLAG_VERDICT_ALONE_UNSURE,
						   MLAG_VERDICT_RESYNC};

	(void)state;
	for (uint32_t v = 0; v < 3; v++) {
		for (uint32_t role = 0; role <= MLAG_ROLE_SECONDARY; role++) {
			struct verdict_lead lead = {.verdict = unsure[v],
						    .role = (enum mlag_role)role};
			bool promoted;

			assert_int_equal(verdict_role(&lead, &promoted), role);
			assert_false(promoted);
		}
	}
}

/* Every view of two members that there can be, as far as it decides about one LAG. */
#define HOLD_VIEWS (7 * 3 * 3 * 6 * 128)

static struct verdict_leg hold_view(uint32_t number)
{
	struct verdict_leg view = {
		.verdict = (enum mlag_verdict)(number % 7),
		.role = (enum mlag_role)(number / 7 % 3),
		.peer_role = (enum mlag_role)(number / 21 % 3),
		.held = (enum mlag_hold)(number / 63 % 6),
	};
	uint32_t bits = number / (63 * 6);

	view.peer_leg_up = bits & 1;
	view.peer_trusted = bits & 2;
	view.hold_passed = bits & 4;
	view.rejoin_passed = bits & 8;
	view.drained = bits & 16;
	view.unproven = bits & 32;
	view.startup_passed = bits & 64;
	return view;
}

/* Two that both hold would each have to be the secondary, and say to be the primary. */
static void test_never_both_legs_of_a_lag_are_held(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HOLD_VIEWS; i++) {
		struct verdict_leg view = hold_view(i);
		enum mlag_hold hold = verdict_hold(&view);
		bool asked = hold == MLAG_HOLD_DRAINED;
		bool waits = hold == MLAG_HOLD_STARTING &&
			     (!view.startup_passed || view.verdict == MLAG_VERDICT_STARTING);

		assert_int_equal(asked, view.drained);
		if (hold != MLAG_HOLD_NONE && !asked && !waits) {
			assert_int_equal(view.role, MLAG_ROLE_SECONDARY);
			assert_int_equal(view.peer_role, MLAG_ROLE_PRIMARY);
			assert_true(view.peer_leg_up);
		}
	}
}

static void test_who_is_alone_holds_nothing_but_what_somebody_asked_for(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HOLD_VIEWS; i++) {
		struct verdict_leg view = hold_view(i);

		if (!view.drained && (view.verdict == MLAG_VERDICT_ALONE ||
				      view.verdict == MLAG_VERDICT_ALONE_UNSURE)) {
			assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
		}
	}
}

static void test_what_takes_no_programs_is_held_whatever_the_pair_is(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HOLD_VIEWS; i++) {
		struct verdict_leg view = hold_view(i);

		view.refused = true;
		assert_int_equal(verdict_hold(&view),
				 view.drained ? MLAG_HOLD_DRAINED : MLAG_HOLD_REFUSED);
	}
}

static void test_what_served_before_is_not_held_by_a_start(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HOLD_VIEWS; i++) {
		struct verdict_leg view = hold_view(i);
		enum mlag_hold hold = verdict_hold(&view);

		if (!view.unproven) {
			assert_true(hold != MLAG_HOLD_STARTING);
		}
	}
}

static struct verdict_leg secondary(enum mlag_verdict verdict, enum mlag_hold held)
{
	struct verdict_leg view = {
		.verdict = verdict,
		.role = MLAG_ROLE_SECONDARY,
		.peer_role = MLAG_ROLE_PRIMARY,
		.peer_leg_up = true,
		.startup_passed = true,
		.held = held,
	};

	return view;
}

static void test_split_holds_the_secondary_where_the_primary_serves(void **state)
{
	struct verdict_leg view = secondary(MLAG_VERDICT_SPLIT, MLAG_HOLD_NONE);

	(void)state;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_SPLIT);
	view.peer_leg_up = false; /* the primary's leg failed: this one serves */
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
	view.peer_leg_up = true;
	view.role = MLAG_ROLE_PRIMARY;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
}

static void test_resync_holds_only_past_restart_hold_and_by_hellos_that_can_be_trusted(void **state)
{
	struct verdict_leg view = secondary(MLAG_VERDICT_RESYNC, MLAG_HOLD_NONE);

	(void)state;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
	view.hold_passed = true;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE); /* R1 could not be lifted by them */
	view.peer_trusted = true;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_RESYNC);
	view.peer_leg_up = false;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
}

static void test_what_gave_way_stays_so_while_nothing_newer_is_known(void **state)
{
	static const enum mlag_hold held[] = {MLAG_HOLD_SPLIT, MLAG_HOLD_RESYNC, MLAG_HOLD_REJOIN};

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct verdict_leg view = secondary(MLAG_VERDICT_RESYNC, held[i]);

		assert_int_equal(verdict_hold(&view), MLAG_HOLD_RESYNC);
		view.verdict = MLAG_VERDICT_PEERED;
		assert_int_equal(verdict_hold(&view), MLAG_HOLD_REJOIN);
		view.rejoin_passed = true;
		assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
		view.rejoin_passed = false;
		view.peer_leg_up = false;
		assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
	}
}

static void test_a_start_waits_for_sync_and_not_for_ever(void **state)
{
	struct verdict_leg view = {.verdict = MLAG_VERDICT_STARTING, .unproven = true};

	(void)state;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_STARTING);
	view.verdict = MLAG_VERDICT_PEERED; /* but not in sync: that would have cleared unproven */
	view.role = MLAG_ROLE_PRIMARY;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_STARTING);
	view.startup_passed = true;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
	/* The primary serves at once when PL is lost already; the secondary waits whether it does. */
	view.startup_passed = false;
	view.verdict = MLAG_VERDICT_SPLIT;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
	view.role = MLAG_ROLE_SECONDARY;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_STARTING);
	view.startup_passed = true;
	assert_int_equal(verdict_hold(&view), MLAG_HOLD_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell_is_written_and_explains_itself),
		cmocka_unit_test(test_the_verdict_is_that_of_the_design_for_every_possible_view),
		cmocka_unit_test(test_a_verdict_that_waits_ends_by_time),
		cmocka_unit_test(test_who_hears_the_peer_is_never_alone),
		cmocka_unit_test(
			test_a_peer_link_that_was_never_there_is_not_lost_before_startup_wait),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_an_epoch_is_above_both),
		cmocka_unit_test(test_two_who_hear_each_other_are_one_primary_and_one_secondary),
		cmocka_unit_test(
			test_two_who_were_both_alone_hear_each_other_and_the_secondary_yields),
		cmocka_unit_test(test_a_survivor_leads_also_when_the_other_had_led_long_before),
		cmocka_unit_test(test_who_cannot_tell_stays_what_he_is),
		cmocka_unit_test(test_never_both_legs_of_a_lag_are_held),
		cmocka_unit_test(test_who_is_alone_holds_nothing_but_what_somebody_asked_for),
		cmocka_unit_test(test_what_takes_no_programs_is_held_whatever_the_pair_is),
		cmocka_unit_test(test_what_served_before_is_not_held_by_a_start),
		cmocka_unit_test(test_split_holds_the_secondary_where_the_primary_serves),
		cmocka_unit_test(
			test_resync_holds_only_past_restart_hold_and_by_hellos_that_can_be_trusted),
		cmocka_unit_test(test_what_gave_way_stays_so_while_nothing_newer_is_known),
		cmocka_unit_test(test_a_start_waits_for_sync_and_not_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
