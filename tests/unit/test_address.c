/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Own addresses of two members wired to each other (world.h): who is told to own what, and when
 * R21 may begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"
#include "worldkernel.h"

#define SVI 50

static struct world world;

static struct mlag_address_key router(uint16_t vlan, uint8_t last)
{
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_ROUTER_MAC;
	key.vlan = vlan;
	key.octets[0] = 0x02;
	key.octets[5] = last;
	return key;
}

static struct mlag_address_key ipv4(uint32_t domain, uint8_t last)
{
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_IP;
	key.family = 4;
	key.domain = domain;
	key.octets[0] = 10;
	key.octets[3] = last;
	return key;
}

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

static void expect_owner(uint32_t member, const struct mlag_address_key *key, enum mlag_owner owner)
{
	const struct mlag_address_program *program = world_address(&world, member, key);

	assert_int_equal(program != NULL ? program->owner : MLAG_OWNER_NONE, owner);
}

static void test_r22_an_address_of_the_peer_is_the_peers(void **state)
{
	struct mlag_address_key key = ipv4(0, 1);

	(void)state;
	world_set_address(&world, 0, &key, true, 0, 0);
	world_run(&world, 50 * WORLD_MS);
	expect_owner(0, &key, MLAG_OWNER_SELF);
	expect_owner(1, &key, MLAG_OWNER_PEER);
	world_set_address(&world, 0, &key, false, 0, 0);
	world_run(&world, 50 * WORLD_MS);
	expect_owner(0, &key, MLAG_OWNER_NONE);
	expect_owner(1, &key, MLAG_OWNER_NONE);
}

static void test_r22_an_address_on_both_members_is_ours(void **state)
{
	struct mlag_address_key key = ipv4(0, 1);

	(void)state;
	world_set_address(&world, 0, &key, true, 0, 0);
	world_set_address(&world, 1, &key, true, 0, 0);
	world_run(&world, 50 * WORLD_MS);
	expect_owner(0, &key, MLAG_OWNER_SELF);
	expect_owner(1, &key, MLAG_OWNER_SELF);
	world_set_address(&world, 1, &key, false, 0, 0);
	world_run(&world, 50 * WORLD_MS);
	expect_owner(1, &key, MLAG_OWNER_PEER);
}

static void test_r22_routing_domains_are_apart(void **state)
{
	struct mlag_address_key red = ipv4(mlag_routing_domain("red"), 1);
	struct mlag_address_key main_key = ipv4(mlag_routing_domain(""), 1);

	(void)state;
	assert_int_equal(mlag_routing_domain(""), 0);
	assert_int_not_equal(mlag_routing_domain("red"), mlag_routing_domain("blue"));
	world_set_address(&world, 0, &red, true, 0, 0);
	world_run(&world, 50 * WORLD_MS);
	expect_owner(1, &red, MLAG_OWNER_PEER);
	expect_owner(1, &main_key, MLAG_OWNER_NONE);
}

static void test_r20_router_macs_know_our_svi(void **state)
{
	struct mlag_address_key peers = router(WORLD_VLAN, 1);
	struct mlag_address_key ours = router(WORLD_VLAN, 2);
	const struct mlag_address_program *program;

	(void)state;
	world_set_address(&world, 0, &peers, true, 7, SVI);
	world_run(&world, 50 * WORLD_MS);
	program = world_address(&world, 1, &peers);
	assert_non_null(program);
	assert_int_equal(program->owner, MLAG_OWNER_PEER);
	assert_int_equal(program->domain, 7);
	assert_true(program->on_peer_link);
	assert_int_equal(program->peer_link_ifindex, WORLD_PEER_LINK);
	assert_int_equal(program->own_ifindex, 0);
	/* Our SVI comes later: the program is handed out again. */
	world_set_address(&world, 1, &ours, true, 0, SVI + 1);
	world_run(&world, 50 * WORLD_MS);
	program = world_address(&world, 1, &peers);
	assert_int_equal(program->own_ifindex, SVI + 1);
	assert_memory_equal(program->own_mac.octets, ours.octets, 6);
	/* And goes: what has its MAC is left to the bridge again. */
	world_set_address(&world, 1, &ours, false, 0, 0);
	program = world_address(&world, 1, &peers);
	assert_int_equal(program->own_ifindex, 0);
}

static void test_r20_a_router_mac_in_a_vlan_that_pl_lacks_has_no_entry_there(void **state)
{
	struct mlag_address_key key = router(WORLD_VLAN + 1, 1);

	(void)state;
	world_set_address(&world, 0, &key, true, 0, SVI);
	world_run(&world, 50 * WORLD_MS);
	assert_false(world_address(&world, 1, &key)->on_peer_link);
}

static void test_r20_a_router_mac_is_no_host(void **state)
{
	struct mlag_address_key key = router(WORLD_VLAN, 9);
	struct mlag_mac mac;
	struct mlag_mac_view view;
	uint32_t cursor = 0;

	(void)state;
	memcpy(mac.octets, key.octets, sizeof(mac.octets));
	world_set_address(&world, 0, &key, true, 0, SVI);
	world_run(&world, 50 * WORLD_MS);
	/* Somebody uses the peer's MAC behind an orphan port of ours. */
	(void)world_send_mac(&world, WORLD_ORPHAN_HOST(1), 1, &mac, WORLD_HOSTS);
	world_run(&world, 50 * WORLD_MS);
	while (mlag_next_mac(world.members[1].engine, &cursor, &view)) {
		assert_memory_not_equal(&view.key.mac, &mac, sizeof(mac));
	}
}

static void test_r21_only_while_the_peers_addresses_are_proven_complete(void **state)
{
	struct mlag_address_key key = ipv4(0, 1);

	(void)state;
	world_set_address(&world, 0, &key, true, 0, 0);
	world_run(&world, 500 * WORLD_MS);
	assert_true(mlag_may_route_for_peer(world.members[1].engine));
	/* R26: with the session gone it goes on. */
	world_set_path(&world, false);
	world_run(&world, WORLD_SECOND);
	assert_true(mlag_may_route_for_peer(world.members[1].engine));
	/* A daemon that starts afresh knows nothing yet. */
	world_stop(&world, 1);
	world_forget(&world, 1);
	world_start(&world, 1);
	assert_false(mlag_may_route_for_peer(world.members[1].engine));
	world_set_path(&world, true);
	world_run(&world, 2 * WORLD_SECOND);
	assert_true(mlag_may_route_for_peer(world.members[1].engine));
	expect_owner(1, &key, MLAG_OWNER_PEER);
}

static void test_r20_an_older_mac_of_our_svi_that_goes_changes_nothing(void **state)
{
	struct mlag_address_key peers = router(WORLD_VLAN, 1);
	struct mlag_address_key older = router(WORLD_VLAN, 2);
	struct mlag_address_key ours = router(WORLD_VLAN, 3);
	struct mlag_address_view view;

	(void)state;
	world_set_address(&world, 0, &peers, true, 0, SVI);
	world_set_address(&world, 1, &older, true, 0, SVI + 1);
	world_set_address(&world, 1, &ours, true, 0, SVI + 1);
	world_set_address(&world, 1, &older, false, 0, 0);
	world_run(&world, 50 * WORLD_MS);
	assert_memory_equal(world_address(&world, 1, &peers)->own_mac.octets, ours.octets, 6);
	assert_int_equal(world_address(&world, 1, &peers)->own_ifindex, SVI + 1);
	assert_true(mlag_find_address(world.members[1].engine, &peers, &view));
	assert_true(view.peer && !view.own);
	assert_true(mlag_find_address(world.members[1].engine, &ours, &view));
	assert_true(view.own && !view.peer);
	assert_false(mlag_find_address(world.members[1].engine, &older, &view));
}

/* R20: the entry of a router MAC that could not be written is tried again, and nothing else is. */
static void test_r20_an_entry_that_could_not_be_written_is_written_later(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_FDB_FAILED};
	struct mlag_address_key key = router(WORLD_VLAN, 1);
	struct mlag_address_key other = ipv4(0, 1);

	(void)state;
	world_set_address(&world, 0, &key, true, 0, SVI);
	world_set_address(&world, 0, &other, true, 0, 0);
	world_run(&world, 50 * WORLD_MS);
	expect_owner(1, &key, MLAG_OWNER_PEER);
	world.members[1].addresses_count = 0;
	event.fdb_failed.key.vlan = WORLD_VLAN;
	memcpy(event.fdb_failed.key.mac.octets, key.octets, 6);
	event.fdb_failed.error = 16;
	world_step(&world, 1, &event);
	world_step(&world, 1, &event);
	world_run(&world, 500 * WORLD_MS);
	assert_null(world_address(&world, 1, &key));
	world_run(&world, WORLD_SECOND);
	expect_owner(1, &key, MLAG_OWNER_PEER);
	assert_null(world_address(&world, 1, &other));
}

static void test_impossible_addresses_are_ignored(void **state)
{
	struct mlag_address_key key = ipv4(0, 1);
	struct mlag_view before;
	struct mlag_view after;

	(void)state;
	mlag_get_view(world.members[0].engine, &before);
	key.octets[0] = 224;
	world_set_address(&world, 0, &key, true, 0, 0);
	key = ipv4(0, 1);
	key.octets[9] = 1;
	world_set_address(&world, 0, &key, true, 0, 0);
	key = router(WORLD_VLAN, 1);
	key.octets[0] = 1;
	world_set_address(&world, 0, &key, true, 0, SVI);
	key = router(4095, 1);
	world_set_address(&world, 0, &key, true, 0, SVI);
	mlag_get_view(world.members[0].engine, &after);
	assert_int_equal(after.ignored_count - before.ignored_count, 4);
	assert_int_equal(after.addresses.local_count, 0);
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, start_pair, end_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(test_r22_an_address_of_the_peer_is_the_peers),
		PAIR_TEST(test_r22_an_address_on_both_members_is_ours),
		PAIR_TEST(test_r22_routing_domains_are_apart),
		PAIR_TEST(test_r20_router_macs_know_our_svi),
		PAIR_TEST(test_r20_a_router_mac_in_a_vlan_that_pl_lacks_has_no_entry_there),
		PAIR_TEST(test_r20_a_router_mac_is_no_host),
		PAIR_TEST(test_r21_only_while_the_peers_addresses_are_proven_complete),
		PAIR_TEST(test_r20_an_older_mac_of_our_svi_that_goes_changes_nothing),
		PAIR_TEST(test_r20_an_entry_that_could_not_be_written_is_written_later),
		PAIR_TEST(test_impossible_addresses_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
