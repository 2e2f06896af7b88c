// SPDX-License-Identifier: BSD-2-Clause
/*
 * The guard's decisions over all their inputs; the lease; and the dead-man of a whole pair: every
 * state that two members can be in, whatever happens in whatever order, with the very functions that
 * the guard runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/lease.h"
#include "mlagguard/decide.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define HOLD (3 * SECOND)

/* ---- pure ------------------------------------------------------------------------------------ */

static void test_every_cell_of_the_guard_is_written(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < DECIDE_STATES_COUNT; s++) {
		for (uint32_t i = 0; i < DECIDE_INPUTS_COUNT; i++) {
			enum decide_state next =
				decide_next((enum decide_state)s, (enum decide_input)i);

			/* Fenced by the peer's word alone, and never given back by a mere sign of life. */
			if (next == DECIDE_STATE_FENCED && s != DECIDE_STATE_FENCED) {
				assert_int_equal(i, DECIDE_INPUT_HEARD);
			}
			if (s == DECIDE_STATE_FENCED && next != DECIDE_STATE_FENCED) {
				assert_true(i == DECIDE_INPUT_RELEASED || i == DECIDE_INPUT_LEFT ||
					    i == DECIDE_INPUT_GONE);
			}
		}
		assert_string_not_equal(decide_state_text((enum decide_state)s), "?");
	}
	for (uint32_t i = 0; i < DECIDE_INPUTS_COUNT; i++) {
		assert_string_not_equal(decide_input_text((enum decide_input)i), "?");
	}
}

static void test_a_lease_that_holds_is_never_expired_whoever_is_heard(void **state)
{
	static const uint64_t heard[] = {0, SECOND, SECOND + 1, DECIDE_GONE_NS, UINT64_MAX};

	(void)state;
	for (uint32_t bits = 0; bits < 16; bits++) {
		for (uint32_t i = 0; i < 5; i++) {
			struct decide_view view = {
				.known = (bits & 1) != 0,
				.left = (bits & 2) != 0,
				.released = (bits & 4) != 0,
				.carrier = (bits & 8) != 0,
				.hold_ns = HOLD,
				.heard_ns = heard[i],
			};
			enum decide_input input;

			view.age_ns = HOLD - 1;
			input = decide_input(&view);
			assert_true(input != DECIDE_INPUT_HEARD && input != DECIDE_INPUT_SILENT &&
				    input != DECIDE_INPUT_GONE);
			view.age_ns = HOLD;
			input = decide_input(&view);
			if (!view.known) {
				assert_int_equal(input, DECIDE_INPUT_NONE);
			} else if (view.left) {
				assert_int_equal(input, DECIDE_INPUT_LEFT);
			} else if (heard[i] <= SECOND) {
				assert_int_equal(input, DECIDE_INPUT_HEARD);
			} else {
				assert_int_equal(input, view.carrier || heard[i] < DECIDE_GONE_NS
								? DECIDE_INPUT_SILENT
								: DECIDE_INPUT_GONE);
			}
		}
	}
}

static void test_a_leg_is_down_only_while_the_peer_says_that_its_own_is_up(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < DECIDE_STATES_COUNT; s++) {
		for (uint32_t bits = 0; bits < 32; bits++) {
			struct decide_leg_view view = {
				.expired = (bits & 16) != 0,
				.was_down = (bits & 1) != 0,
				.known = (bits & 2) != 0,
				.peer_up = (bits & 6) == 6,
				.peer_down_ns = (bits & 8) != 0 ? DECIDE_OFFER_NS : 0,
			};
			enum decide_leg leg = decide_leg((enum decide_state)s, &view);
			enum decide_leg wanted = DECIDE_LEG_LEAVE;

			if (s == DECIDE_STATE_FENCED && !view.known) {
				wanted = view.was_down ? DECIDE_LEG_DOWN : DECIDE_LEG_LEAVE;
			} else if (s == DECIDE_STATE_FENCED && view.peer_up) {
				wanted = view.expired || view.was_down ? DECIDE_LEG_DOWN
								       : DECIDE_LEG_LEAVE;
			} else if (s == DECIDE_STATE_FENCED && view.was_down &&
				   view.peer_down_ns == 0) {
				wanted = DECIDE_LEG_OFFER;
			}
			assert_int_equal(leg, wanted);
		}
	}
}

/* ---- time -------------------------------------------------------------------------------------- */

static struct decide_clock ticking;
static uint64_t now_ns, renewed_ns;

/* Look until so much time has passed, as often as decide_sleep_ns() says. */
static void watch(uint64_t duration_ns)
{
	uint64_t end_ns = now_ns + duration_ns;

	while (now_ns < end_ns) {
		uint64_t sleep_ns = decide_sleep_ns(
			&ticking, HOLD, decide_listens(DECIDE_STATE_WATCHING, ticking.age_ns, HOLD),
			now_ns);

		now_ns += now_ns + sleep_ns < end_ns ? sleep_ns : end_ns - now_ns;
		(void)decide_look(&ticking, renewed_ns, now_ns);
	}
}

static void begin(void)
{
	memset(&ticking, 0, sizeof(ticking));
	now_ns = 100 * SECOND;
	renewed_ns = now_ns - 50 * MS;
	assert_true(decide_look(&ticking, renewed_ns, now_ns));
}

static void test_a_lease_that_is_not_renewed_expires_after_the_hold(void **state)
{
	(void)state;
	begin();
	watch(SECOND);
	renewed_ns = now_ns - 30 * MS;
	watch(HOLD - 40 * MS);
	assert_true(ticking.age_ns < HOLD);
	watch(20 * MS);
	assert_true(ticking.age_ns >= HOLD - 10 * MS);
	watch(SECOND);
	assert_true(ticking.age_ns >= HOLD);
}

static void test_time_in_which_the_guard_did_not_run_is_held_against_nobody(void **state)
{
	(void)state;
	begin();
	watch(SECOND);
	/* A minute away, and first to wake. */
	(void)decide_sleep_ns(&ticking, HOLD, false, now_ns);
	now_ns += 60 * SECOND;
	assert_true(decide_look(&ticking, renewed_ns, now_ns));
	assert_true(ticking.age_ns < HOLD);
	/* The daemon renews: as young as it is. */
	renewed_ns = now_ns + 10 * MS;
	watch(20 * MS);
	assert_true(ticking.age_ns <= 20 * MS);
	/* Away again and again, and the daemon is dead all the time: it expires all the same. */
	for (uint32_t i = 0; i < 20; i++) {
		watch(300 * MS);
		(void)decide_sleep_ns(&ticking, HOLD, false, now_ns);
		now_ns += 5 * SECOND;
		(void)decide_look(&ticking, renewed_ns, now_ns);
	}
	assert_true(ticking.age_ns >= HOLD);
}

static void test_a_lease_from_before_the_guard_began_gets_a_whole_hold(void **state)
{
	(void)state;
	memset(&ticking, 0, sizeof(ticking));
	now_ns = 1000 * SECOND;
	renewed_ns = SECOND;
	(void)decide_look(&ticking, renewed_ns, now_ns);
	assert_int_equal(ticking.age_ns, 0);
	watch(HOLD - MS);
	assert_true(ticking.age_ns < HOLD);
}

static void test_it_listens_before_a_lease_expires_and_as_long_as_it_is_expired(void **state)
{
	(void)state;
	for (uint64_t hold_ns = SECOND; hold_ns <= 600 * SECOND; hold_ns += SECOND) {
		assert_true(decide_listens(DECIDE_STATE_WATCHING, hold_ns - SECOND / 2, hold_ns));
		assert_false(decide_listens(DECIDE_STATE_WATCHING, 0, hold_ns));
		assert_true(decide_listens(DECIDE_STATE_FROZEN, hold_ns, hold_ns));
		assert_true(decide_listens(DECIDE_STATE_FENCED, 0, hold_ns));
	}
}

/* ---- the lease ----------------------------------------------------------------------------------- */

/* A disk or a hand; what is in the file is nobody's word, and must not lead beyond it. */
static void test_what_a_damaged_lease_says_was_never_said(void **state)
{
	static struct lease_terms terms, seen;
	char directory[] = "/tmp/mlag-lease-XXXXXX";
	struct lease_page *page, *again;
	int fd, again_fd;
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(lease_open(directory, &page, &fd), 0);
	seen.release = 77;
	for (uint32_t damage = 0; damage < 5; damage++) {
		struct lease_terms bad = {.legs_count = 1};

		bad.legs_count += damage == 0 ? MLAG_LEGS_MAX : 0;
		bad.hello_size += damage == 1 ? MLAG_HELLO_SIZE_MAX + 1 : 0;
		bad.backup_size += damage == 2 ? (uint32_t)sizeof(bad.backup_local) + 1 : 0;
		memset(bad.link, damage == 3 ? 'x' : 0, sizeof(bad.link));
		memset(bad.legs[0].ifname, damage == 4 ? 'x' : 0, IFNAMSIZ);
		lease_write(page, &bad, SECOND);
		assert_false(lease_read(page, &seen));
		assert_int_equal(seen.release, 77);
	}
	lease_write(page, &terms, SECOND);
	assert_true(lease_read(page, &seen));
	/* More devices than there is room for; one of no leg. */
	atomic_store(&page->downs_count, LEASE_DOWNS_MAX + 1);
	assert_int_equal(lease_open(directory, &again, &again_fd), 0);
	assert_int_equal(atomic_load(&again->downs_count), 0);
	lease_close(again, again_fd);
	atomic_store(&page->downs_count, 1);
	page->downs[0] = (struct lease_down){.ifindex = 7, .lag_id = 1};
	assert_int_equal(lease_open(directory, &again, &again_fd), 0);
	assert_int_equal(atomic_load(&again->downs_count), 0);
	lease_close(again, again_fd);
	lease_close(page, fd);
	(void)snprintf(path, sizeof(path), "%s/" LEASE_FILE, directory);
	(void)unlink(path);
	(void)rmdir(directory);
}

static void
test_the_lease_says_what_was_written_last_also_when_the_next_word_was_cut_off(void **state)
{
	static struct lease_terms terms, seen;
	char directory[] = "/tmp/mlag-lease-XXXXXX";
	struct lease_page *daemon, *guard;
	int daemon_fd, guard_fd;
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(lease_open(directory, &guard, &guard_fd), 0);
	assert_int_equal(lease_open(directory, &daemon, &daemon_fd), 0);
	assert_false(lease_read(guard, &seen));
	assert_int_equal(lease_guard(daemon, SECOND), LEASE_GUARD_ABSENT);
	for (uint64_t i = 1; i < 5; i++) {
		terms.release = i;
		lease_write(daemon, &terms, i * SECOND);
		assert_true(lease_read(guard, &seen));
		assert_int_equal(seen.release, i);
		assert_int_equal(atomic_load(&guard->renewed_ns), i * SECOND);
		/* Killed in the middle of the next one. */
		memset(&daemon->terms[(i + 1) % 2], 0xff, sizeof(terms));
		assert_true(lease_read(guard, &seen));
		assert_int_equal(seen.release, i);
	}
	atomic_store(&guard->beat_ns, 5 * SECOND);
	assert_int_equal(lease_guard(daemon, 6 * SECOND), LEASE_GUARD_RUNNING);
	assert_int_equal(lease_guard(daemon, 5 * SECOND + LEASE_BEAT_OLD_NS), LEASE_GUARD_ABSENT);
	atomic_store(&guard->fence, 1);
	assert_int_equal(lease_guard(daemon, 6 * SECOND), LEASE_GUARD_FENCED);
	lease_close(daemon, daemon_fd);
	/* Of another boot of the machine: nothing of it counts. */
	guard->boot[0] ^= 1;
	assert_int_equal(lease_open(directory, &daemon, &daemon_fd), 0);
	assert_false(lease_read(daemon, &seen));
	assert_int_equal(lease_guard(daemon, 6 * SECOND), LEASE_GUARD_ABSENT);
	lease_close(daemon, daemon_fd);
	(void)snprintf(path, sizeof(path), "%s/" LEASE_FILE, directory);
	(void)unlink(path);
	assert_true(lease_is_gone(guard_fd));
	lease_close(guard, guard_fd);
	(void)rmdir(directory);
}

/* ---- the pair ------------------------------------------------------------------------------------ */

/*
 * One LAG, two members; time is only the order of things.  What a guard knows of the peer is what the
 * last hello said, for as long as it counts as heard; a hello is also heard late, when what it says is
 * over.  Every event is possible at any moment, and all states that follow are looked at.
 */
enum known { KNOWN_NOTHING, KNOWN_DOWN, KNOWN_UP };

struct member {
	unsigned box : 1;    /* it has power */
	unsigned cable : 1;  /* of its leg */
	unsigned daemon : 1; /* it runs */
	unsigned synced : 1; /* and is in sync: what it says may be given back */
	unsigned expired : 1;
	unsigned down : 1;  /* the leg, by the guard */
	unsigned heard : 1; /* the peer's daemon, within the last second */
	unsigned hears : 1; /* the path from the peer passes */
	unsigned known : 2; /* of the peer's leg, by that */
	unsigned guard : 2; /* enum decide_state */
};

struct pair {
	struct member members[2];
};

#define PAIR_BITS 24
static uint8_t visited[1U << PAIR_BITS];

static uint32_t pair_number(const struct pair *pair)
{
	uint32_t number = 0;

	for (uint32_t m = 0; m < 2; m++) {
		const struct member *at = &pair->members[m];

		number = number << 12 |
			 (uint32_t)(at->box | at->cable << 1 | at->daemon << 2 | at->synced << 3 |
				    at->expired << 4 | at->down << 5 | at->heard << 6 |
				    at->hears << 7 | at->known << 8 | at->guard << 10);
	}
	return number;
}

static struct pair pair_of(uint32_t number)
{
	struct pair pair;

	for (uint32_t m = 2; m-- > 0; number >>= 12) {
		pair.members[m] = (struct member){
			.box = number & 1,
			.cable = number >> 1 & 1,
			.daemon = number >> 2 & 1,
			.synced = number >> 3 & 1,
			.expired = number >> 4 & 1,
			.down = number >> 5 & 1,
			.heard = number >> 6 & 1,
			.hears = number >> 7 & 1,
			.known = number >> 8 & 3,
			.guard = number >> 10 & 3,
		};
	}
	return pair;
}

static bool serves(const struct member *member)
{
	return member->box && member->cable && !member->down;
}

/* What the guard does when it looks: its state, and then its leg. */
static void look(struct member *own, const struct member *peer, bool settled)
{
	struct decide_view view = {
		.known = true,
		.released = own->synced,
		.age_ns = own->expired ? HOLD : 0,
		.hold_ns = HOLD,
		.heard_ns = own->heard ? 0 : UINT64_MAX,
		.carrier = own->hears && peer->box,
	};
	struct decide_leg_view leg = {
		.expired = own->expired,
		.was_down = own->down,
		.known = own->heard && own->known != KNOWN_NOTHING,
		.peer_up = own->heard && own->known == KNOWN_UP,
		.peer_down_ns = settled ? DECIDE_OFFER_NS : 0,
	};
	enum decide_state state = decide_next((enum decide_state)own->guard, decide_input(&view));

	own->guard = state & 3;
	own->down = decide_leg(state, &leg) != DECIDE_LEG_LEAVE &&
		    (own->down || decide_leg(state, &leg) == DECIDE_LEG_DOWN);
}

#define EVENTS 15

/* What happens to @member, by number; false when it cannot happen now. */
static bool happen(struct pair *pair, uint32_t m, uint32_t event)
{
	struct member *own = &pair->members[m], *peer = &pair->members[1 - m];

	switch (event) {
	case 0: /* the daemon dies, or hangs */
		own->daemon = own->synced = 0;
		return true;
	case 1: /* it is back: it renews, and is not in sync */
		own->daemon = own->box;
		own->expired = 0;
		return own->box;
	case 2: /* in sync, or alone by its own verdict */
		own->synced = own->daemon;
		return own->daemon;
	case 3:
		/*
		 * The lease expires: it held for twice as long as a hello counts, so the peer acts on
		 * our daemon's word no more, and what we know was said after that (decide_hears()).
		 */
		if (!own->box || own->daemon || own->expired || peer->heard) {
			return false;
		}
		own->expired = 1;
		own->heard = 0;
		own->known = KNOWN_NOTHING;
		return true;
	case 4:
		own->cable = 0;
		return true;
	case 5:
		own->cable = 1;
		return true;
	case 6: /* the box dies, and with it everything */
		own->box = own->daemon = own->synced = own->heard = 0;
		own->known = KNOWN_NOTHING;
		return true;
	case 7: /* it boots: nothing is left of before */
		*own = (struct member){.box = 1,
				       .cable = own->cable,
				       .hears = own->hears,
				       .guard = DECIDE_STATE_IDLE};
		return true;
	case 8:
		own->hears = 0;
		return true;
	case 9:
		own->hears = 1;
		return true;
	case 10: /* a hello of the peer's daemon is heard */
		if (!own->box || !own->hears || !peer->daemon) {
			return false;
		}
		own->heard = 1;
		own->known = serves(peer) ? KNOWN_UP : KNOWN_DOWN;
		return true;
	case 11: /* one that does not know its legs yet */
		if (!own->box || !own->hears || !peer->daemon) {
			return false;
		}
		own->heard = 1;
		own->known = KNOWN_NOTHING;
		return true;
	case 12: /* a second without one */
		own->heard = 0;
		own->known = KNOWN_NOTHING;
		return true;
	case 13:
	case 14:
		if (!own->box || (own->guard == DECIDE_STATE_IDLE && !own->daemon)) {
			return false;
		}
		look(own, peer, event == 14);
		return true;
	default:
		return false;
	}
}

/* Let all who can be heard be heard, and all guards look, until nothing changes any more. */
static struct pair settle(struct pair pair)
{
	for (uint32_t round = 0; round < 8; round++) {
		for (uint32_t m = 0; m < 2; m++) {
			if (!happen(&pair, m, 10)) {
				(void)happen(&pair, m, 12);
			}
		}
		for (uint32_t m = 0; m < 2; m++) {
			if (!pair.members[m].daemon) {
				(void)happen(&pair, m, 3);
			}
			(void)happen(&pair, m, 14);
		}
		/* A daemon that runs comes to a verdict: in sync, or alone. */
		for (uint32_t m = 0; m < 2; m++) {
			(void)happen(&pair, m, 2);
		}
	}
	return pair;
}

/* NULL, or what must not be once everything has been heard. */
static const char *judge(const struct pair *pair)
{
	const struct member *a = &pair->members[0], *b = &pair->members[1];

	for (uint32_t m = 0; m < 2; m++) {
		const struct member *own = &pair->members[m], *peer = &pair->members[1 - m];

		if (!own->box || !own->cable || !own->down || serves(peer)) {
			continue;
		}
		/* A peer that is not heard, behind carrier, may serve: nobody can know (limits). */
		if (!own->daemon && own->hears && peer->box && !peer->daemon) {
			continue;
		}
		return "a leg is down by a guard, and the peer's does not serve";
	}
	if (a->down && b->down) {
		return "both guards have taken down the legs of one LAG";
	}
	return NULL;
}

static void tell(const struct pair *pair)
{
	for (uint32_t m = 0; m < 2; m++) {
		const struct member *at = &pair->members[m];

		print_message(
			"S%u: box %u cable %u daemon %u synced %u expired %u down %u heard %u "
			"hears %u known %u guard %s\n",
			m + 1, at->box, at->cable, at->daemon, at->synced, at->expired, at->down,
			at->heard, at->hears, at->known,
			decide_state_text((enum decide_state)at->guard));
	}
}

static void test_never_both_dark_while_one_could_serve_in_every_state_of_the_pair(void **state)
{
	static uint32_t queue[1U << PAIR_BITS];
	uint32_t head = 0, tail = 0, fenced = 0;
	struct member well = {.box = 1,
			      .cable = 1,
			      .daemon = 1,
			      .synced = 1,
			      .hears = 1,
			      .guard = DECIDE_STATE_WATCHING};
	struct pair begin_with = {{well, well}};

	(void)state;
	queue[tail++] = pair_number(&begin_with);
	visited[queue[0]] = 1;
	while (head < tail) {
		struct pair pair = pair_of(queue[head++]);
		struct pair quiet = settle(pair);
		const char *complaint = judge(&quiet);

		if (complaint != NULL) {
			tell(&pair);
			print_message("and when it is quiet:\n");
			tell(&quiet);
			fail_msg("%s", complaint);
		}
		fenced += pair.members[0].down || pair.members[1].down;
		for (uint32_t m = 0; m < 2; m++) {
			for (uint32_t event = 0; event < EVENTS; event++) {
				struct pair next = pair;
				uint32_t number;

				if (!happen(&next, m, event)) {
					continue;
				}
				number = pair_number(&next);
				if (!visited[number]) {
					visited[number] = 1;
					queue[tail++] = number;
				}
			}
		}
	}
	print_message("%u states, a leg down in %u\n", tail, fenced);
	assert_true(fenced > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell_of_the_guard_is_written),
		cmocka_unit_test(test_a_lease_that_holds_is_never_expired_whoever_is_heard),
		cmocka_unit_test(test_a_leg_is_down_only_while_the_peer_says_that_its_own_is_up),
		cmocka_unit_test(test_a_lease_that_is_not_renewed_expires_after_the_hold),
		cmocka_unit_test(test_time_in_which_the_guard_did_not_run_is_held_against_nobody),
		cmocka_unit_test(test_a_lease_from_before_the_guard_began_gets_a_whole_hold),
		cmocka_unit_test(test_what_a_damaged_lease_says_was_never_said),
		cmocka_unit_test(
			test_it_listens_before_a_lease_expires_and_as_long_as_it_is_expired),
		cmocka_unit_test(
			test_the_lease_says_what_was_written_last_also_when_the_next_word_was_cut_off),
		cmocka_unit_test(
			test_never_both_dark_while_one_could_serve_in_every_state_of_the_pair),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
