/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an adapter or a peer says of things that are not there, or that cannot be: it is ignored, counted
 * where it is a mistake, and changes nothing (lib/mlag.h: the engine never fails).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "rig.h"

#define STRANGE 9 /* a LAG that only the peer has */

static struct rig rig;
static const struct leg_value up = {.up = 1, .generation = 3};

static int start(void **state)
{
	(void)state;
	rig_init(&rig, 0);
	rig_static_leg(&rig);
	rig_connect(&rig);
	rig_hear_snapshots(&rig);
	rig_hear_leg(&rig, STRANGE, &up);
	(void)rig_drain(&rig);
	(void)rig_apply(&rig);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static uint64_t ignored(void)
{
	struct mlag_view view;

	mlag_get_view(rig.engine, &view);
	return view.ignored_count;
}

static void expect_ignored(const struct mlag_event *event)
{
	uint64_t before = ignored();

	rig_step(&rig, event);
	assert_int_equal(ignored(), before + 1);
	assert_int_equal(rig.effects.count, 0);
}

static void test_a_lag_that_only_the_peer_has_is_no_leg_here(void **state)
{
	struct mlag_leg_observation seen;
	struct mlag_event event = {.type = MLAG_EVENT_DRAIN};
	struct mlag_leg_program program;
	struct mlag_leg_view view;
	struct mlag_vlans held;
	const char *because;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	seen.ifindex = RIG_LEG + 5;
	seen.carrier = true;
	for (uint16_t lag_id = STRANGE; lag_id <= STRANGE + 1; lag_id++) { /* or nobody */
		event = (struct mlag_event){.type = MLAG_EVENT_DRAIN};
		event.drain.lag_id = lag_id;
		event.drain.on = true;
		expect_ignored(&event);
		event = (struct mlag_event){.type = MLAG_EVENT_LEG_REMOVE};
		event.leg_configure.lag_id = lag_id;
		expect_ignored(&event);
		event = (struct mlag_event){.type = MLAG_EVENT_LEG};
		event.leg.lag_id = lag_id;
		event.leg.observation = &seen;
		expect_ignored(&event);
		assert_false(mlag_may_drain(rig.engine, lag_id, &because));
		assert_string_equal(because, "there is no such LAG here");
		assert_null(rig_own_leg(&rig, lag_id));
	}
	event = (struct mlag_event){.type = MLAG_EVENT_LEG_APPLIED};
	event.leg_applied.lag_id = STRANGE;
	rig_step(&rig, &event);
	assert_false(mlag_next_leg(rig.engine, &program));
	mlag_held_vlans(rig.engine, &held);
	for (uint32_t i = 0; i < MLAG_VLAN_WORDS; i++) {
		assert_true(held.words[i] == 0);
	}
	/* But it is shown, as the peer's. */
	for (uint32_t i = 0; mlag_get_leg(rig.engine, i, &view); i++) {
		assert_true(view.lag_id == 1 || view.state == MLAG_LEG_NONE);
	}
}

static void test_a_device_of_neighbours_has_a_vlan_and_a_kind(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_DEVICE};

	(void)state;
	event.neighbor_device.ifindex = RIG_LEG;
	event.neighbor_device.vlan = MLAG_VLANS_MAX - 1;
	event.neighbor_device.device = MLAG_NEIGHBOR_ON_SVI;
	expect_ignored(&event);
	event.neighbor_device.vlan = RIG_VLAN;
	event.neighbor_device.device = MLAG_NEIGHBOR_ON_NONE;
	expect_ignored(&event);
	event.neighbor_device.device = (enum mlag_neighbor_device)99;
	expect_ignored(&event);
}

static void test_who_may_drain(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_DRAIN};
	struct mlag_leg_observation dark;
	const char *because;

	(void)state;
	/* The peer has no leg of it: the host would be cut off. */
	assert_false(mlag_may_drain(rig.engine, 1, &because));
	assert_non_null(strstr(because, "cut off"));
	rig_hear_leg(&rig, 1, &up);
	assert_true(mlag_may_drain(rig.engine, 1, &because));
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	assert_false(mlag_may_drain(rig.engine, 1, &because));
	/* What serves nobody can be drained by anybody. */
	memset(&dark, 0, sizeof(dark));
	dark.ifindex = RIG_LEG;
	rig_observe_leg(&rig, 1, &dark);
	assert_true(mlag_may_drain(rig.engine, 1, &because));
	event.drain.lag_id = 1;
	event.drain.on = true;
	rig_step(&rig, &event);
	assert_true(mlag_may_drain(rig.engine, 1, &because));
}

static void test_what_can_be_resumed_is_resumed_once_and_at_the_start(void **state)
{
	struct mlag_address_program address = {.owner = MLAG_OWNER_PEER};
	struct mlag_resume resume = rig_resume();
	struct mlag_leg_program leg = {.lag_id = 1, .ifindex = RIG_LEG};
	struct mlag_event event = {.type = MLAG_EVENT_RESUME, .resume = &resume};

	(void)state;
	resume.written_ns = rig.now_ns;
	expect_ignored(&event); /* there are legs */
	event = (struct mlag_event){.type = MLAG_EVENT_RESUMED};
	expect_ignored(&event);
	event = (struct mlag_event){.type = MLAG_EVENT_RESUME_LEG, .resume_leg = &leg};
	leg.memory.generation = 1;
	expect_ignored(&event);
	event = (struct mlag_event){.type = MLAG_EVENT_RESUME_ADDRESS, .resume_address = &address};
	address.key.kind = MLAG_ADDRESS_ROUTER_MAC;
	address.key.octets[0] = 2;
	expect_ignored(&event);
	event = (struct mlag_event){.type = MLAG_EVENT_RESUME_MAC};
	event.resume_mac.key = rig_key(1);
	event.resume_mac.place.known = 1;
	expect_ignored(&event);
}

static void begin_resume(void)
{
	struct mlag_resume resume = rig_resume();
	struct mlag_event event = {.type = MLAG_EVENT_RESUME, .resume = &resume};

	rig_fini(&rig);
	rig_init(&rig, 4);
	rig.now_ns = 10 * RIG_SECOND;
	resume.written_ns = rig.now_ns + 1;
	rig_step(&rig, &event);
	assert_int_equal(ignored(), 1); /* from the future */
	resume.written_ns = rig.now_ns;
	rig_step(&rig, &event);
	assert_int_equal(ignored(), 1);
	expect_ignored(&event); /* once is enough */
}

static void test_what_was_found_of_a_leg_makes_sense_or_is_ignored(void **state)
{
	const struct mlag_leg_program good = {.lag_id = 1,
					      .ifindex = RIG_LEG,
					      .gate = MLAG_GATE_OPEN,
					      .memory = {.generation = 7}};
	struct mlag_leg_program leg = good;
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_LEG, .resume_leg = &leg};
	struct mlag_leg_view view;

	(void)state;
	begin_resume();
	expect_ignored(&event); /* not configured */
	rig_configure_leg(&rig, 1);
	leg.ifindex = 0;
	expect_ignored(&event);
	leg = good;
	leg.gate = (enum mlag_gate)(MLAG_GATE_OPEN + 1);
	expect_ignored(&event);
	leg = good;
	leg.memory.generation = 0;
	expect_ignored(&event);
	leg = good;
	rig_step(&rig, &event);
	assert_true(mlag_get_leg(rig.engine, 0, &view));
	assert_int_equal(view.state, MLAG_LEG_OPEN);
}

static void test_what_was_found_of_a_leg_is_told_before_it_is_seen(void **state)
{
	const struct mlag_leg_program leg = {.lag_id = 1,
					     .ifindex = RIG_LEG,
					     .gate = MLAG_GATE_OPEN,
					     .memory = {.generation = 7}};
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_LEG, .resume_leg = &leg};
	struct mlag_leg_observation seen;

	(void)state;
	begin_resume();
	memset(&seen, 0, sizeof(seen));
	seen.ifindex = RIG_LEG;
	rig_configure_leg(&rig, 1);
	rig_observe_leg(&rig, 1, &seen);
	expect_ignored(&event);
}

static void test_what_was_found_of_macs_and_addresses_makes_sense_or_is_ignored(void **state)
{
	struct mlag_address_program address = {.owner = MLAG_OWNER_PEER};
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_ADDRESS, .resume_address = &address};
	struct mlag_mac_view view;

	(void)state;
	begin_resume();
	expect_ignored(&event); /* of no kind */
	address.key.kind = MLAG_ADDRESS_ROUTER_MAC;
	address.key.octets[0] = 2;
	address.owner = MLAG_OWNER_NONE;
	expect_ignored(&event);
	address.owner = (enum mlag_owner)(MLAG_OWNER_PEER + 1);
	expect_ignored(&event);
	event = (struct mlag_event){.type = MLAG_EVENT_RESUME_MAC};
	event.resume_mac.place.known = 1;
	event.resume_mac.key = rig_key(1);
	event.resume_mac.key.mac.octets[0] = 1; /* a group */
	expect_ignored(&event);
	event.resume_mac.key = rig_key(1);
	event.resume_mac.place.own_seq = UINT32_MAX;
	expect_ignored(&event);
	event.resume_mac.place.own_seq = 0;
	event.resume_mac.place.peer_seq = UINT32_MAX;
	expect_ignored(&event);
	event.resume_mac.place.peer_seq = 0;
	event.resume_mac.place.known = 0;
	expect_ignored(&event);
	/* The peer's word without its number is no claim of it. */
	event.resume_mac.place.known = 1;
	event.resume_mac.place.memory = MLAG_SOURCE_PEER;
	rig_step(&rig, &event);
	assert_false(rig_mac(&rig, 1, &view));
	event.resume_mac.key = rig_key(2);
	event.resume_mac.place.peer_seq = 5;
	rig_step(&rig, &event);
	assert_true(rig_mac(&rig, 2, &view) && view.peer);
}

static void test_more_macs_than_there_are_rows_are_read_when_there_is_room(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_MAC};

	(void)state;
	begin_resume(); /* with four rows */
	for (uint8_t mac = 1; mac <= 5; mac++) {
		event.resume_mac.key = rig_key(mac);
		event.resume_mac.place.known = 1;
		event.resume_mac.place.peer_seq = 1;
		event.resume_mac.place.memory = MLAG_SOURCE_PEER;
		rig_step(&rig, &event);
	}
	assert_int_equal(rig.engine->macs.rows_used, 4);
	assert_true(rig.engine->macs_dropped);
	/* Nor is there a place to note that a write failed. */
	event = (struct mlag_event){.type = MLAG_EVENT_FDB_FAILED};
	event.fdb_failed.key = rig_key(6);
	event.fdb_failed.error = 16;
	rig_step(&rig, &event);
	assert_int_equal(rig.engine->macs.rows_used, 4);
}

static void test_keys_that_there_cannot_be_are_in_no_table(void **state)
{
	struct mlag_mac_key group = rig_key(1);
	struct mlag_address_key key = {.kind = MLAG_ADDRESS_DEFAULT_ROUTE, .family = 4};
	struct mlag_event event = {.type = MLAG_EVENT_ADDRESS};
	struct mlag_address_view address;
	struct mlag_mac_view mac;

	(void)state;
	group.mac.octets[0] |= 1;
	assert_false(mlag_get_mac(rig.engine, &group, &mac));
	/* A default route is not observed like an address. */
	event.address.key = key;
	event.address.present = true;
	expect_ignored(&event);
	assert_false(mlag_find_address(rig.engine, &key, &address));
	/* An SVI's address is known, and claimed by nobody who does not need it. */
	key = (struct mlag_address_key){.kind = MLAG_ADDRESS_SVI_IP, .family = 4, .vlan = RIG_VLAN};
	key.octets[0] = 10;
	event.address.key = key;
	rig_step(&rig, &event);
	assert_false(mlag_find_address(rig.engine, &key, &address));
}

static void test_a_hello_by_no_path_is_malformed(void **state)
{
	uint64_t before = rig.engine->malformed_count;

	(void)state;
	rig_say_hello(&rig, MLAG_PATH_NONE, true);
	rig_say_hello(&rig, MLAG_PATHS_COUNT, true);
	assert_int_equal(rig.engine->malformed_count, before + 2);
}

static void test_another_system_mac_is_another_member(void **state)
{
	struct mlag_config config = rig.config;
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE, .reconfigure = &config};

	(void)state;
	rig_step(&rig, &event); /* the same */
	assert_int_equal(rig.closes, 0);
	config.system_mac.octets[5] ^= 1;
	rig_step(&rig, &event);
	assert_int_equal(rig.closes, 1);
	assert_int_equal(rig.close_reason, MLAG_CLOSE_RECONFIGURED);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_a_lag_that_only_the_peer_has_is_no_leg_here),
		RIG_TEST(test_a_device_of_neighbours_has_a_vlan_and_a_kind),
		RIG_TEST(test_who_may_drain),
		RIG_TEST(test_what_can_be_resumed_is_resumed_once_and_at_the_start),
		RIG_TEST(test_what_was_found_of_a_leg_makes_sense_or_is_ignored),
		RIG_TEST(test_what_was_found_of_a_leg_is_told_before_it_is_seen),
		RIG_TEST(test_what_was_found_of_macs_and_addresses_makes_sense_or_is_ignored),
		RIG_TEST(test_more_macs_than_there_are_rows_are_read_when_there_is_room),
		RIG_TEST(test_keys_that_there_cannot_be_are_in_no_table),
		RIG_TEST(test_a_hello_by_no_path_is_malformed),
		RIG_TEST(test_another_system_mac_is_another_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
