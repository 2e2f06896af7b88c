/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbours (R29) of two members wired to each other (world.h): what each kernel holds, and what comes
 * of it when they differ.  One engine alone is test_neighbor.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"
#include "worldkernel.h"

static struct world world;

static int start_pair(void **state)
{
	(void)state;
	world_init(&world, 1);
	world_start(&world, 0);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 10 * WORLD_SECOND));
	return 0;
}

static int end_pair(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static const struct mlag_neighbor_entry *entry_of(uint32_t member, uint32_t neighbor)
{
	return &world.members[member].neighbors[neighbor].entry;
}

/* What the kernel of a member holds; state none for nothing, and then no MAC. */
static void expect(uint32_t member, uint32_t neighbor, enum mlag_neighbor_state state, uint32_t mac,
		   bool marked)
{
	const struct mlag_neighbor_entry *entry = entry_of(member, neighbor);
	struct mlag_mac wanted = world_neighbor_mac(mac);

	assert_int_equal(entry->state, state);
	if (state != MLAG_NEIGHBOR_NONE) {
		assert_memory_equal(&entry->mac, &wanted, sizeof(wanted));
		assert_int_equal(entry->marked, marked);
	}
}

static bool view_of(uint32_t member, uint32_t neighbor, struct mlag_neighbor_view *ret)
{
	struct mlag_neighbor_key key = world_neighbor_key(neighbor);
	uint32_t cursor = 0;

	while (mlag_next_neighbor_view(world.members[member].engine, &cursor, ret)) {
		if (memcmp(&ret->key, &key, sizeof(key)) == 0) {
			return true;
		}
	}
	return false;
}

static void expect_claims(uint32_t neighbor, bool of_first, bool of_second)
{
	struct mlag_neighbor_view view;
	bool found = view_of(0, neighbor, &view);

	assert_int_equal(found, of_first || of_second);
	if (found) {
		assert_int_equal(view.own, of_first);
		assert_int_equal(view.peer, of_second);
		assert_true(view_of(1, neighbor, &view));
		assert_int_equal(view.own, of_second);
		assert_int_equal(view.peer, of_first);
	}
}

static void pass_time(void)
{
	world_run(&world, WORLD_SECOND);
}

static void test_r29_both_families_are_synced_both_ways(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	world_neighbor_asks(&world, 1, 1, 2);
	world_run(&world, 50 * WORLD_MS);
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	expect(0, 1, MLAG_NEIGHBOR_KNOWN, 2, true);
	expect_claims(0, true, false);
	expect_claims(1, false, true);
}

static void test_r29_what_was_there_before_the_start_is_synced(void **state)
{
	(void)state;
	world_stop(&world, 0);
	world_stop(&world, 1);
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		world_neighbor_asks(&world, i % 2, i, 3);
	}
	world_start(&world, 0);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	pass_time();
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		expect(i % 2, i, MLAG_NEIGHBOR_KNOWN, 3, false);
		expect(1 - i % 2, i, MLAG_NEIGHBOR_KNOWN, 3, true);
	}
}

static void test_r29_hearsay_is_not_repeated_also_after_a_restart(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_stop(&world, 1);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	expect_claims(0, true, false);
}

static void test_r29_what_the_kernel_confirmed_becomes_its_own(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_neighbor_answers(&world, 1, 0, 1);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_CONFIRMED, 1, false);
	expect_claims(0, true, true);
	/* And stays so, whatever the other forgets. */
	world_neighbor_flush(&world, 0, 0);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_CONFIRMED, 1, false);
	expect(0, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	expect_claims(0, false, true);
}

static void test_r29_a_flush_of_its_owner_withdraws_an_entry(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_neighbor_flush(&world, 0, 0);
	pass_time();
	expect(0, 0, MLAG_NEIGHBOR_NONE, 0, false);
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	expect_claims(0, false, false);
}

static void test_r29_a_flush_of_hearsay_brings_it_back(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_neighbor_flush(&world, 1, 0);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
}

static void test_r29_what_failed_at_its_owner_is_withdrawn(void **state)
{
	(void)state;
	world_neighbor_asks(&world, 0, 0, 1);
	world_neighbor_asks(&world, 0, 2, 1);
	world_neighbor_asks(&world, 1, 2, 1);
	pass_time();
	world_neighbor_fails(&world, 0, 0);
	world_neighbor_fails(&world, 0, 2);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	expect_claims(0, false, false);
	/* Unless the other has it of its own. */
	expect(1, 2, MLAG_NEIGHBOR_KNOWN, 1, false);
	expect_claims(2, false, true);
}

static void test_r29_hearsay_that_failed_is_cleared_and_not_insisted_on(void **state)
{
	(void)state;
	world_neighbor_asks(&world, 0, 0, 1);
	pass_time();
	world_neighbor_fails(&world, 1, 0);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	expect_claims(0, true, false);
	/* News is worth another try. */
	world_neighbor_answers(&world, 0, 0, 2);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 2, true);
	/* So is an answer that the kernel gets by itself. */
	world_neighbor_fails(&world, 1, 0);
	pass_time();
	world_neighbor_answers(&world, 1, 0, 2);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_CONFIRMED, 2, false);
	expect_claims(0, true, true);
}

static void test_r29_a_changed_mac_is_right_on_both_whoever_notices(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 8; round++) {
		uint32_t member = round % 2;

		world_neighbor_answers(&world, member, 0, 1 + round);
		world_run(&world, 20 * WORLD_MS);
		expect(member, 0, MLAG_NEIGHBOR_CONFIRMED, 1 + round, false);
		assert_memory_equal(&entry_of(0, 0)->mac, &entry_of(1, 0)->mac,
				    sizeof(entry_of(0, 0)->mac));
	}
	assert_null(world_check_neighbors(&world));
}

static void test_r29_two_sightings_at_once_end_alike_on_both(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 8; round++) {
		world.latency_ns = (1 + round * 5) * WORLD_MS;
		world_neighbor_answers(&world, 0, 0, 1);
		world_neighbor_answers(&world, 1, 0, 2);
		pass_time();
		assert_null(world_check_neighbors(&world));
	}
}

static void test_r29_what_a_person_set_is_not_overruled(void **state)
{
	(void)state;
	world_neighbor_set(&world, 0, 0, 1);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* Another MAC that the other member meets gives way at once. */
	world_neighbor_answers(&world, 1, 0, 2);
	pass_time();
	expect(0, 0, MLAG_NEIGHBOR_STATIC, 1, false);
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* Two persons of two minds: each keeps what he set, and nobody quarrels. */
	world_neighbor_set(&world, 1, 0, 3);
	pass_time();
	world.steps = 0;
	pass_time();
	expect(0, 0, MLAG_NEIGHBOR_STATIC, 1, false);
	expect(1, 0, MLAG_NEIGHBOR_STATIC, 3, false);
	assert_true(world.steps < 500);
}

static void test_r29_a_silent_peer_takes_nothing_with_it(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_stop(&world, 0);
	world_run(&world, 10 * WORLD_SECOND);
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* Also not a restart while it is silent. */
	world_stop(&world, 1);
	world_start(&world, 1);
	world_run(&world, 10 * WORLD_SECOND);
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* But what it forgot meanwhile goes when it is back. */
	world_neighbor_flush(&world, 0, 0);
	world_start(&world, 0);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
}

static void test_r29_without_the_device_nothing_is_written_and_then_all(void **state)
{
	(void)state;
	world_set_svi(&world, 1, false);
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	world_set_svi(&world, 1, true);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* The owner's device goes: its neighbours are nobody's. */
	world_set_svi(&world, 0, false);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
}

static struct mlag_address_key address_of(uint32_t neighbor, uint32_t domain)
{
	struct mlag_neighbor_key neighbor_key = world_neighbor_key(neighbor);
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_IP;
	key.family = neighbor_key.family;
	key.domain = domain;
	memcpy(key.octets, neighbor_key.octets, sizeof(key.octets));
	return key;
}

static struct mlag_address_key router_of(uint32_t mac)
{
	struct mlag_mac octets = world_neighbor_mac(mac);
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_ROUTER_MAC;
	key.vlan = WORLD_VLAN;
	memcpy(key.octets, octets.octets, sizeof(octets.octets));
	return key;
}

static void test_r29_the_members_own_addresses_are_no_neighbours(void **state)
{
	struct mlag_address_key ip = address_of(0, 7);
	struct mlag_address_key svi = router_of(20);

	(void)state;
	/* Known as a neighbour first, as an address of the peer's afterwards. */
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	expect_claims(0, true, false);
	world_set_address(&world, 0, &svi, true, 7, WORLD_SVI);
	world_set_address(&world, 1, &ip, true, 0, 0);
	pass_time();
	expect_claims(0, false, false);
	expect(0, 0, MLAG_NEIGHBOR_CONFIRMED, 1, false);
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	/* It is an address no more: a host like any other. */
	world_set_address(&world, 1, &ip, false, 0, 0);
	pass_time();
	expect_claims(0, true, false);
	/* The same address in another routing domain says nothing of this one. */
	ip = address_of(0, 8);
	world_set_address(&world, 1, &ip, true, 0, 0);
	pass_time();
	expect_claims(0, true, false);
}

static void test_r29_the_members_router_macs_are_no_neighbours(void **state)
{
	struct mlag_address_key svi = router_of(1);

	(void)state;
	world_set_address(&world, 1, &svi, true, 0, WORLD_SVI);
	world_run(&world, 50 * WORLD_MS);
	world_neighbor_answers(&world, 0, 0, 1);
	world_neighbor_answers(&world, 0, 2, 2);
	pass_time();
	expect_claims(0, false, false);
	expect_claims(2, true, false);
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
}

static void test_r29_failed_writes_are_made_good(void **state)
{
	(void)state;
	world.write_failure_percent = 70;
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		world_neighbor_answers(&world, i % 2, i, 1);
	}
	pass_time();
	world.write_failure_percent = 0;
	world_run(&world, 70 * WORLD_SECOND);
	assert_true(world.write_failures > 0);
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		expect(1 - i % 2, i, MLAG_NEIGHBOR_KNOWN, 1, true);
	}
}

static void test_r30_a_member_answers_for_its_peer_when_nobody_can_ask_it(void **state)
{
	(void)state;
	assert_false(mlag_answers_for_peer(world.members[0].engine));
	world_set_peer_link(&world, false);
	pass_time();
	assert_true(mlag_answers_for_peer(world.members[0].engine));
	world_set_peer_link(&world, true);
	pass_time();
	assert_false(mlag_answers_for_peer(world.members[0].engine));
	/* Behind carrier the kernel of a member whose daemon is dead answers by itself. */
	world_stop(&world, 1);
	world_run(&world, 10 * WORLD_SECOND);
	assert_false(mlag_answers_for_peer(world.members[0].engine));
	/* Of a dead box nobody else does, and routers go on using its MAC (R26). */
	world_set_peer_link(&world, false);
	pass_time();
	assert_true(mlag_answers_for_peer(world.members[0].engine));
}

static void test_r30_nobody_answers_for_a_peer_that_left_or_was_never_there(void **state)
{
	struct mlag_event goodbye = {.type = MLAG_EVENT_GOODBYE};

	(void)state;
	world_step(&world, 1, &goodbye);
	world_run(&world, 50 * WORLD_MS);
	world_stop(&world, 1);
	world_set_peer_link(&world, false);
	world_run(&world, WORLD_SECOND);
	assert_false(mlag_answers_for_peer(world.members[0].engine));
	world_start(&world, 0);
	world_run(&world, 10 * WORLD_SECOND);
	assert_false(mlag_answers_for_peer(world.members[0].engine));
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, start_pair, end_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(test_r29_both_families_are_synced_both_ways),
		PAIR_TEST(test_r29_what_was_there_before_the_start_is_synced),
		PAIR_TEST(test_r29_hearsay_is_not_repeated_also_after_a_restart),
		PAIR_TEST(test_r29_what_the_kernel_confirmed_becomes_its_own),
		PAIR_TEST(test_r29_a_flush_of_its_owner_withdraws_an_entry),
		PAIR_TEST(test_r29_a_flush_of_hearsay_brings_it_back),
		PAIR_TEST(test_r29_what_failed_at_its_owner_is_withdrawn),
		PAIR_TEST(test_r29_hearsay_that_failed_is_cleared_and_not_insisted_on),
		PAIR_TEST(test_r29_a_changed_mac_is_right_on_both_whoever_notices),
		PAIR_TEST(test_r29_two_sightings_at_once_end_alike_on_both),
		PAIR_TEST(test_r29_what_a_person_set_is_not_overruled),
		PAIR_TEST(test_r29_a_silent_peer_takes_nothing_with_it),
		PAIR_TEST(test_r29_without_the_device_nothing_is_written_and_then_all),
		PAIR_TEST(test_r29_the_members_own_addresses_are_no_neighbours),
		PAIR_TEST(test_r29_the_members_router_macs_are_no_neighbours),
		PAIR_TEST(test_r29_failed_writes_are_made_good),
		PAIR_TEST(test_r30_a_member_answers_for_its_peer_when_nobody_can_ask_it),
		PAIR_TEST(test_r30_nobody_answers_for_a_peer_that_left_or_was_never_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
