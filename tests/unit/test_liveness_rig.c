// SPDX-License-Identifier: BSD-2-Clause
/*
 * The pair of an engine that hears what a test says: silence, one-way paths, what is not trusted,
 * and R1 by the word of hellos (see test_liveness.c for liveness as a pure function).
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

static struct rig rig;
static struct mlag_view view;

static int start_rig(void **state)
{
	(void)state;
	rig_init(&rig, 0);
	rig.config.backup = true;
	rig_step(&rig,
		 &(struct mlag_event){.type = MLAG_EVENT_RECONFIGURE, .reconfigure = &rig.config});
	rig.path_hello.hears = BOTH;
	return 0;
}

static int end_rig(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static const struct mlag_view *look(void)
{
	mlag_get_view(rig.engine, &view);
	return &view;
}

static void set_carrier(bool carrier)
{
	rig.peer_link.carrier = carrier;
	rig_step(&rig,
		 &(struct mlag_event){.type = MLAG_EVENT_PEER_LINK, .peer_link = &rig.peer_link});
}

/* The peer says hello on these paths for some time; in the session it says nothing. */
static void say_for(uint64_t duration_ns, bool link, bool backup, bool authentic)
{
	for (uint64_t i = 0; i < duration_ns / RIG_STEP_NS; i++) {
		rig_tick(&rig, RIG_STEP_NS);
		rig.path_hello.sequence++;
		if (link) {
			rig.path_hello.sequence--; /* the same hello on both */
			rig_say_hello(&rig, MLAG_PATH_PEER_LINK, authentic);
		}
		if (backup) {
			rig.path_hello.sequence--;
			rig_say_hello(&rig, MLAG_PATH_BACKUP, authentic);
		}
	}
}

static void add_leg(uint16_t lag_id, uint8_t flags)
{
	rig.path_hello.flags |= HELLO_LEGS_KNOWN;
	rig.path_hello.legs[rig.path_hello.legs_count].lag_id = lag_id;
	rig.path_hello.legs[rig.path_hello.legs_count++].flags = flags;
}

static bool is_isolated(void)
{
	struct mlag_leg_view leg;

	assert_true(mlag_get_leg(rig.engine, 0, &leg));
	return leg.isolated;
}

static void test_r2_without_a_session_r1_follows_the_hellos_of_the_live_peer(void **state)
{
	(void)state;
	rig_static_leg(&rig);
	say_for(DEAD, true, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_true(is_isolated()); /* nothing is known of its legs */
	add_leg(1, HELLO_LEG_UP | HELLO_LEG_OPEN);
	say_for(INTERVAL, true, true, true);
	assert_true(is_isolated());
	rig.path_hello.legs[0].flags = 0;
	say_for(INTERVAL, true, true, true);
	assert_false(is_isolated());
	rig.path_hello.legs[0].flags = HELLO_LEG_UP;
	say_for(INTERVAL, true, true, true);
	assert_true(is_isolated());
	/* It has no such leg. */
	rig.path_hello.legs_count = 0;
	say_for(INTERVAL, true, true, true);
	assert_false(is_isolated());
	/* Then it falls silent: frozen. */
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(look()->link_finding, MLAG_PATH_FINDING_SILENT);
	assert_false(is_isolated());
}

/* Said before, and late: the session said later that the leg has come up since. */
static void test_r2_a_late_hello_does_not_undo_what_the_session_said(void **state)
{
	struct leg_value value = {.up = true, .open = true, .generation = 6};

	(void)state;
	rig_static_leg(&rig);
	say_for(DEAD, true, true, true);
	rig_connect(&rig);
	rig_hear_snapshots(&rig);
	mlag_vlans_add(&value.vlans, RIG_VLAN);
	rig_hear_leg(&rig, 1, &value);
	(void)rig_apply(&rig);
	assert_true(is_isolated());
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig.path_hello.boot_id = rig.hello.boot_id;
	add_leg(1, 0);
	rig.path_hello.legs[0].generation = 5;
	say_for(INTERVAL, true, true, true);
	assert_true(is_isolated());
	/* Of this coming-up it says something. */
	rig.path_hello.legs[0].generation = 6;
	say_for(INTERVAL, true, true, true);
	assert_false(is_isolated());
}

static void test_r2_a_hello_that_is_not_authentic_lifts_nothing(void **state)
{
	(void)state;
	rig_static_leg(&rig);
	add_leg(1, 0);
	say_for(RIG_SECOND, true, true, false);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_int_equal(view.link_finding, MLAG_PATH_FINDING_GOOD);
	assert_true(is_isolated());
	assert_int_equal(view.role, MLAG_ROLE_NONE); /* nor does its rank count */
	/* For ever, and never alone. */
	say_for(100 * RIG_SECOND, true, true, false);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_true(is_isolated());
}

static void test_r2_another_domain_or_version_is_life_and_nothing_else(void **state)
{
	(void)state;
	rig_static_leg(&rig);
	add_leg(1, 0);
	rig.path_hello.domain_id = 2;
	say_for(RIG_SECOND, true, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_true(is_isolated());
	rig.path_hello.domain_id = 1;
	rig.path_hello.version = 9;
	say_for(RIG_SECOND, true, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_true(is_isolated());
}

static void test_r2_a_split_puts_r1_back_in_force_whatever_was_said(void **state)
{
	(void)state;
	rig_static_leg(&rig);
	add_leg(1, 0);
	say_for(RIG_SECOND, true, true, true);
	assert_false(is_isolated());
	set_carrier(false);
	assert_true(is_isolated());
	say_for(RIG_SECOND, false, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_SPLIT);
	assert_true(is_isolated());
	/* The link has carrier again, and is silent. */
	set_carrier(true);
	say_for(RIG_SECOND, false, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_SPLIT);
	assert_true(is_isolated());
	say_for(INTERVAL, true, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_false(is_isolated());
}

static void
test_r2_a_silent_peer_behind_carrier_is_alone_after_the_longer_hold_and_r1_stays(void **state)
{
	(void)state;
	rig_static_leg(&rig);
	add_leg(1, HELLO_LEG_UP);
	rig.path_hello.restart_hold_ms = 10000; /* ours is 3 s */
	say_for(RIG_SECOND, true, true, true);
	rig_tick(&rig, 11900 * RIG_MS);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	rig_tick(&rig, 200 * RIG_MS);
	assert_int_equal(look()->verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(view.peer_finding, MLAG_PEER_FINDING_HUNG);
	assert_int_equal(view.role, MLAG_ROLE_PRIMARY);
	assert_true(is_isolated());
	/* The guard says that it is fenced: then, and only then, and leg by leg. */
	rig.path_hello.kind = HELLO_KIND_FENCED;
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, false);
	assert_true(is_isolated()); /* somebody lives, and nothing else */
	rig_tick(&rig, DEAD);
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	assert_int_equal(look()->peer_finding, MLAG_PEER_FINDING_FENCED);
	assert_true(is_isolated()); /* this one it has not taken down */
	rig.path_hello.legs[0].flags = 0;
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	assert_false(is_isolated());
	/* Without carrier it may have given them back: it has to say so again. */
	set_carrier(false);
	set_carrier(true);
	assert_true(is_isolated());
	rig_tick(&rig, INTERVAL);
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	assert_false(is_isolated());
	/* The daemon is back, and its leg. */
	rig.path_hello.kind = HELLO_KIND_DAEMON;
	rig.path_hello.legs[0].flags = HELLO_LEG_UP | HELLO_LEG_OPEN;
	say_for(DEAD, true, true, true);
	assert_true(is_isolated());
}

static enum mlag_leg_state leg_state(void)
{
	struct mlag_leg_view leg;

	assert_true(mlag_get_leg(rig.engine, 0, &leg));
	return leg.state;
}

static void test_r2_floods_wait_for_the_guard_of_a_dead_peer_leg_by_leg(void **state)
{
	(void)state;
	rig_static_leg(&rig);
	add_leg(1, HELLO_LEG_UP | HELLO_LEG_OPEN);
	say_for(RIG_SECOND, true, true, true);
	assert_int_equal(leg_state(), MLAG_LEG_READY); /* nobody has acknowledged it */
	rig_tick(&rig, 20 * RIG_SECOND);
	assert_int_equal(look()->verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(leg_state(), MLAG_LEG_READY);
	rig.path_hello.kind = HELLO_KIND_FENCED;
	rig_say_hello(&rig, MLAG_PATH_BACKUP, true);
	assert_int_equal(look()->peer_finding, MLAG_PEER_FINDING_FENCED);
	assert_int_equal(leg_state(), MLAG_LEG_READY); /* it is still up there */
	rig.path_hello.legs[0].flags = 0;
	rig_say_hello(&rig, MLAG_PATH_BACKUP, true);
	(void)rig_apply(&rig);
	assert_int_equal(leg_state(), MLAG_LEG_OPEN);
}

static void talk(bool up, uint32_t generation)
{
	struct leg_value value;

	memset(&value, 0, sizeof(value));
	value.up = up;
	value.generation = generation;
	mlag_vlans_add(&value.vlans, RIG_VLAN);
	rig_connect(&rig);
	rig_hear_begin(&rig, WIRE_TABLE_LEGS, 1);
	rig_hear_leg(&rig, 1, &value);
	rig_hear_end(&rig, WIRE_TABLE_LEGS, 1);
	(void)rig_apply(&rig);
}

static void keep_alive(uint32_t role_epoch)
{
	wire_put_keepalive(rig_begin(&rig), &(struct wire_keepalive){.role_epoch = role_epoch});
	rig_hear(&rig, WIRE_KEEPALIVE);
}

static void test_r2_a_link_that_passes_one_way_puts_r1_back_though_the_session_stands(void **state)
{
	(void)state;
	rig_static_leg(&rig);
	talk(false, 0);
	say_for(DEAD - RIG_STEP_NS, true, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_PEERED);
	assert_false(is_isolated());
	keep_alive(0);
	rig.path_hello.hears = 1U << MLAG_PATH_BACKUP;
	say_for(RIG_STEP_NS, true, true, true);
	keep_alive(0);
	say_for(DEAD - RIG_STEP_NS, true, true, true); /* it has had its time to prove itself */
	assert_int_equal(look()->session, MLAG_SESSION_UP);
	assert_int_equal(view.verdict, MLAG_VERDICT_SPLIT);
	assert_true(is_isolated());
	keep_alive(0);
	rig.path_hello.hears = BOTH;
	say_for(RIG_STEP_NS, true, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_PEERED);
	assert_false(is_isolated());
}

static void test_r2_nothing_is_enforced_for_a_leg_that_hellos_say_is_down(void **state)
{
	(void)state;
	rig_static_leg(&rig);
	talk(true, 5);
	assert_int_equal(rig_own_leg(&rig, 1)->enforced, 5);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	add_leg(1, 0);
	rig.path_hello.legs[0].generation = 5;
	say_for(INTERVAL, true, true, true);
	(void)rig_apply(&rig);
	assert_false(is_isolated());
	/* Should it come up again under that name, it must not take this for an acknowledgement. */
	assert_int_equal(rig_own_leg(&rig, 1)->enforced, 0);
}

static void test_r2_an_open_leg_that_the_table_does_not_know_is_isolated_in_every_vlan(void **state)
{
	struct mlag_leg_program program;

	(void)state;
	rig_static_leg(&rig);
	talk(true, 5);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	/* The coming-up that the table has: in its VLANs. */
	add_leg(1, HELLO_LEG_UP | HELLO_LEG_OPEN);
	rig.path_hello.legs[0].generation = 5;
	say_for(INTERVAL, true, true, true);
	program = leg_of(rig.engine, leg_find(rig.engine, 1))->program;
	assert_true(mlag_vlans_has(&program.isolated, RIG_VLAN));
	assert_false(mlag_vlans_has(&program.isolated, RIG_VLAN + 1));
	/* It has got another VLAN since, and opened while there was no carrier. */
	rig.path_hello.legs[0].generation = 6;
	say_for(INTERVAL, true, true, true);
	program = leg_of(rig.engine, leg_find(rig.engine, 1))->program;
	assert_true(mlag_vlans_has(&program.isolated, RIG_VLAN + 1));
	/* A restarted daemon does not flood yet: frozen. */
	rig.path_hello.legs[0].flags = HELLO_LEG_UP;
	say_for(INTERVAL, true, true, true);
	program = leg_of(rig.engine, leg_find(rig.engine, 1))->program;
	assert_true(mlag_vlans_has(&program.isolated, RIG_VLAN));
	assert_false(mlag_vlans_has(&program.isolated, RIG_VLAN + 1));
}

static void test_an_older_epoch_of_the_same_boot_is_a_late_message(void **state)
{
	(void)state;
	rig.hello.role_epoch = 3;
	rig_connect(&rig);
	say_for(DEAD - RIG_STEP_NS, true, true, true);
	rig_step_type(&rig, MLAG_EVENT_PROMOTE);
	assert_int_equal(look()->role, MLAG_ROLE_PRIMARY);
	keep_alive(9); /* it takes the role back, and the hello before that comes later */
	assert_int_equal(look()->role, MLAG_ROLE_SECONDARY);
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	assert_int_equal(look()->role, MLAG_ROLE_SECONDARY);
	/* Another boot may have forgotten its epoch. */
	rig.hello.boot_id++;
	rig.path_hello.sequence = 0;
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	assert_int_equal(look()->role, MLAG_ROLE_PRIMARY);
}

static void test_a_fence_ends_the_hold(void **state)
{
	(void)state;
	say_for(RIG_SECOND, true, true, true);
	rig_tick(&rig, 2 * DEAD);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	rig.path_hello.kind = HELLO_KIND_FENCED;
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_ALONE);
}

/* A guard was heard, so this member serves: that the peer returns by the backup path first changes nothing. */
static void test_a_start_that_is_over_does_not_begin_again(void **state)
{
	(void)state;
	assert_int_equal(look()->verdict, MLAG_VERDICT_STARTING);
	say_for(INTERVAL, false, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_STARTING);
	rig_tick(&rig, 2 * DEAD);
	assert_int_equal(look()->verdict, MLAG_VERDICT_STARTING);
	rig.path_hello.kind = HELLO_KIND_FENCED;
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_ALONE);
	rig.path_hello.kind = HELLO_KIND_DAEMON;
	set_carrier(false);
	for (uint32_t i = 0; i < 10; i++) {
		say_for(INTERVAL, false, true, true);
		assert_int_not_equal(look()->verdict, MLAG_VERDICT_STARTING);
	}
	assert_int_equal(view.verdict, MLAG_VERDICT_SPLIT);
}

static void test_a_hold_starts_anew_with_carrier(void **state)
{
	(void)state;
	say_for(RIG_SECOND, true, true, true);
	set_carrier(false);
	rig_tick(&rig, 60 * RIG_SECOND);
	assert_int_equal(look()->verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(view.peer_finding, MLAG_PEER_FINDING_DEAD);
	/* Somebody is behind the link, who may forward. */
	set_carrier(true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	rig_tick(&rig, 3700 * RIG_MS);
	assert_int_equal(look()->verdict, MLAG_VERDICT_ALONE);
}

static void test_findings_of_a_peer_that_is_gone_differ(void **state)
{
	(void)state;
	/* Hung: silent at once on both paths, with carrier. */
	rig_connect(&rig);
	say_for(RIG_SECOND, true, true, true);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(look()->peer_finding, MLAG_PEER_FINDING_HUNG);
	/* Ended: the same, but its end closed the session. */
	rig_connect(&rig);
	say_for(RIG_SECOND / 4, true, true, true);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(look()->peer_finding, MLAG_PEER_FINDING_ENDED);
	/* Dead: the same without carrier. */
	say_for(RIG_SECOND, true, true, true);
	assert_int_equal(look()->peer_finding, MLAG_PEER_FINDING_NO_SESSION);
	set_carrier(false);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(look()->peer_finding, MLAG_PEER_FINDING_DEAD);
	assert_int_equal(view.verdict, MLAG_VERDICT_ALONE);
	/* Unknown: not at once. */
	set_carrier(true);
	say_for(RIG_SECOND, true, true, true);
	say_for(RIG_SECOND, true, false, true);
	set_carrier(false);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(look()->peer_finding, MLAG_PEER_FINDING_UNKNOWN);
	assert_int_equal(view.verdict, MLAG_VERDICT_ALONE_UNSURE);
	/* Left. */
	set_carrier(true);
	say_for(RIG_SECOND, true, true, true);
	rig.path_hello.flags = HELLO_LEAVING;
	rig_say_hello(&rig, MLAG_PATH_BACKUP, true);
	assert_int_equal(look()->peer_finding, MLAG_PEER_FINDING_LEFT);
	assert_int_equal(view.verdict, MLAG_VERDICT_ALONE);
}

static void promote(void)
{
	rig_step_type(&rig, MLAG_EVENT_PROMOTE);
}

static void test_a_role_is_taken_with_an_epoch_above_both(void **state)
{
	const char *because;

	(void)state;
	rig.hello.role_epoch = 7;
	rig_connect(&rig);
	say_for(DEAD, true, true, true);
	assert_int_equal(look()->role, MLAG_ROLE_SECONDARY);
	assert_true(mlag_may_promote(rig.engine, &because));
	promote();
	assert_int_equal(look()->role, MLAG_ROLE_PRIMARY);
	assert_int_equal(view.role_epoch, 8);
	/* What it said before it heard of that changes nothing. */
	say_for(DEAD, true, true, true);
	assert_int_equal(look()->role, MLAG_ROLE_PRIMARY);
	promote();
	assert_int_equal(look()->role_epoch, 8); /* it is primary already */
	/* It takes the role back. */
	rig.hello.role_epoch = 9;
	say_for(DEAD, true, true, true);
	assert_int_equal(look()->role, MLAG_ROLE_SECONDARY);
}

static void test_a_role_is_not_taken_from_who_may_lead_and_cannot_hear(void **state)
{
	const char *because = NULL;

	(void)state;
	assert_false(mlag_may_promote(rig.engine, &because)); /* nobody was heard yet */
	assert_non_null(because);
	promote();
	assert_int_equal(look()->role, MLAG_ROLE_NONE);
	rig.hello.role_epoch = 7;
	say_for(RIG_SECOND, true, true, true);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_false(mlag_may_promote(rig.engine, &because));
	promote();
	assert_int_equal(look()->role, MLAG_ROLE_SECONDARY);
	/* In a split it hears of it; when nothing is known of it, somebody knows better. */
	say_for(RIG_SECOND, false, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_SPLIT);
	assert_true(mlag_may_promote(rig.engine, &because));
	set_carrier(false);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(look()->verdict, MLAG_VERDICT_ALONE_UNSURE);
	promote();
	assert_int_equal(look()->role, MLAG_ROLE_PRIMARY);
	assert_int_equal(view.role_epoch, 8);
}

static void test_an_own_hello_says_what_is_heard_and_which_legs_are_up(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct hello hello;
	uint32_t size;

	(void)state;
	rig_static_leg(&rig);
	rig_say_hello(&rig, MLAG_PATH_BACKUP, true);
	rig.now_ns += INTERVAL;
	size = mlag_next_hello(rig.engine, rig.now_ns, data);
	assert_true(hello_get(data, size, &hello));
	assert_true(hello.boot_id == rig.config.boot_id);
	assert_true(hello.heard_boot_id == rig.hello.boot_id);
	assert_int_equal(hello.hears, 1U << MLAG_PATH_BACKUP);
	assert_int_equal(hello.flags, HELLO_LEGS_KNOWN | HELLO_AFRESH);
	assert_int_equal(hello.legs_count, 1);
	assert_int_equal(hello.legs[0].lag_id, 1);
	assert_int_equal(hello.legs[0].flags, HELLO_LEG_UP);
	assert_int_equal(hello.restart_hold_ms, 3000);
	/* The next one not before the interval has passed, but what is new does not wait. */
	assert_int_equal(mlag_next_hello(rig.engine, rig.now_ns, data), 0);
	rig.now_ns += INTERVAL / 2;
	assert_int_equal(mlag_next_hello(rig.engine, rig.now_ns, data), 0);
	rig_say_hello(&rig, MLAG_PATH_PEER_LINK, true);
	size = mlag_next_hello(rig.engine, rig.now_ns, data);
	assert_true(size != 0 && hello_get(data, size, &hello));
	assert_int_equal(hello.hears, BOTH);
}

static enum mlag_hold hold_of_new_leg(void)
{
	struct mlag_leg_view leg;

	assert_true(mlag_get_leg(rig.engine, 0, &leg));
	return leg.hold;
}

static void configure_new_leg(void)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_CONFIGURE};

	event.leg_configure.lag_id = 1;
	event.leg_configure.is_new = true;
	rig_step(&rig, &event);
}

/* It would draw traffic and never open to floods: who lives and refuses to talk acknowledges nothing. */
static void test_a_new_leg_beside_a_peer_that_refuses_to_talk_stays_held(void **state)
{
	(void)state;
	configure_new_leg();
	say_for(3 * rig.config.startup_wait_ns, true, true, false);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_int_equal(hold_of_new_leg(), MLAG_HOLD_STARTING);
	assert_true(mlag_deadline_ns(rig.engine) > rig.engine->now_ns);
	/* Nobody lives there any more: startup-wait has passed without a peer. */
	set_carrier(false);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(hold_of_new_leg(), MLAG_HOLD_NONE);
}

/* Whom it can believe says which legs serve, so that startup-wait counts. */
static void
test_a_new_leg_beside_a_trusted_peer_without_a_session_waits_for_startup_wait(void **state)
{
	(void)state;
	configure_new_leg();
	say_for(rig.config.startup_wait_ns - RIG_SECOND, true, true, true);
	assert_int_equal(look()->verdict, MLAG_VERDICT_RESYNC);
	assert_int_equal(hold_of_new_leg(), MLAG_HOLD_STARTING);
	say_for(2 * RIG_SECOND, true, true, true);
	assert_int_equal(hold_of_new_leg(), MLAG_HOLD_NONE);
}

static void test_legs_without_a_gate_are_not_spoken_of(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct mlag_leg_observation seen = {.ifindex = RIG_LEG, .carrier = true};
	struct hello hello;

	(void)state;
	rig_configure_leg(&rig, 1);
	rig_observe_leg(&rig, 1, &seen);
	rig.now_ns += INTERVAL;
	assert_true(hello_get(data, mlag_next_hello(rig.engine, rig.now_ns, data), &hello));
	assert_int_equal(hello.flags, HELLO_AFRESH);
	assert_int_equal(hello.legs_count, 0);
}

static void test_who_leaves_says_so_once_and_then_nothing(void **state)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct hello hello;

	(void)state;
	rig.now_ns += INTERVAL;
	rig_step_type(&rig, MLAG_EVENT_GOODBYE);
	assert_true(hello_get(data, mlag_next_hello(rig.engine, rig.now_ns, data), &hello));
	assert_int_equal(hello.flags & HELLO_LEAVING, HELLO_LEAVING);
	rig.now_ns += INTERVAL;
	assert_int_equal(mlag_next_hello(rig.engine, rig.now_ns, data), 0);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, start_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_r2_without_a_session_r1_follows_the_hellos_of_the_live_peer),
		RIG_TEST(test_r2_a_late_hello_does_not_undo_what_the_session_said),
		RIG_TEST(test_r2_a_hello_that_is_not_authentic_lifts_nothing),
		RIG_TEST(test_r2_another_domain_or_version_is_life_and_nothing_else),
		RIG_TEST(test_r2_a_split_puts_r1_back_in_force_whatever_was_said),
		RIG_TEST(
			test_r2_a_silent_peer_behind_carrier_is_alone_after_the_longer_hold_and_r1_stays),
		RIG_TEST(test_r2_a_link_that_passes_one_way_puts_r1_back_though_the_session_stands),
		RIG_TEST(test_r2_nothing_is_enforced_for_a_leg_that_hellos_say_is_down),
		RIG_TEST(
			test_r2_an_open_leg_that_the_table_does_not_know_is_isolated_in_every_vlan),
		RIG_TEST(test_an_older_epoch_of_the_same_boot_is_a_late_message),
		RIG_TEST(test_a_fence_ends_the_hold),
		RIG_TEST(test_r2_floods_wait_for_the_guard_of_a_dead_peer_leg_by_leg),
		RIG_TEST(test_a_start_that_is_over_does_not_begin_again),
		RIG_TEST(test_a_hold_starts_anew_with_carrier),
		RIG_TEST(test_findings_of_a_peer_that_is_gone_differ),
		RIG_TEST(test_a_role_is_taken_with_an_epoch_above_both),
		RIG_TEST(test_a_role_is_not_taken_from_who_may_lead_and_cannot_hear),
		RIG_TEST(test_an_own_hello_says_what_is_heard_and_which_legs_are_up),
		RIG_TEST(test_legs_without_a_gate_are_not_spoken_of),
		RIG_TEST(test_a_new_leg_beside_a_peer_that_refuses_to_talk_stays_held),
		RIG_TEST(
			test_a_new_leg_beside_a_trusted_peer_without_a_session_waits_for_startup_wait),
		RIG_TEST(test_who_leaves_says_so_once_and_then_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
