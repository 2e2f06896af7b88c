/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R31 in two engines wired to each other (world.h), and in one with a peer made of bytes (rig.h):
 * who sends by whom as its last resort, and that the two never do so towards each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "world.h"

#define SVI(member) (50U + (member))
#define UPLINK 90
#define V4 0
#define V6 1

static struct world world;
static struct rig rig;

/* ---- making things -------------------------------------------------------------------------- */

static struct mlag_address_key make_key(enum mlag_address_kind kind, uint8_t family, uint16_t vlan,
					uint8_t first, uint8_t last)
{
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = (uint8_t)kind;
	key.family = family;
	key.vlan = vlan;
	key.octets[0] = first;
	key.octets[family == 6 ? 15 : family == 4 ? 3 : 5] = last;
	if (kind == MLAG_ADDRESS_LINK_LOCAL) {
		key.octets[1] = 0x80;
	}
	return key;
}

static struct mlag_address_key router(uint32_t member)
{
	return make_key(MLAG_ADDRESS_ROUTER_MAC, 0, WORLD_VLAN, 0x02, (uint8_t)(member + 1));
}

static struct mlag_address_key svi_ip(uint32_t member)
{
	return make_key(MLAG_ADDRESS_SVI_IP, 4, WORLD_VLAN, 10, (uint8_t)(member + 1));
}

static struct mlag_address_key ip(uint32_t member)
{
	return make_key(MLAG_ADDRESS_IP, 4, 0, 10, (uint8_t)(member + 1));
}

static struct mlag_address_key link_local(uint32_t member)
{
	return make_key(MLAG_ADDRESS_LINK_LOCAL, 6, WORLD_VLAN, 0xfe, (uint8_t)(member + 1));
}

/* A default route by somebody outside. */
static struct mlag_default_route by_uplink(void)
{
	struct mlag_default_route route;

	memset(&route, 0, sizeof(route));
	route.present = true;
	route.hops_count = 1;
	route.hops[0].ifindex = UPLINK;
	route.hops[0].usable = true;
	return route;
}

static struct mlag_default_route by_peer(uint32_t peer)
{
	struct mlag_default_route route = by_uplink();
	struct mlag_address_key key = ip(peer);

	route.hops[0].ifindex = SVI(1 - peer);
	route.hops[0].family = 4;
	memcpy(route.hops[0].octets, key.octets, sizeof(key.octets));
	return route;
}

static const struct mlag_default_route none;

static void set_default(uint32_t member, uint32_t family, const struct mlag_default_route *route)
{
	world_set_default(&world, member, family, route);
	assert_null(world_check_last_resort(&world));
}

static void run_ms(uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		world_run(&world, WORLD_MS);
		assert_null(world_check_last_resort(&world));
	}
}

static void add_addresses(uint32_t member)
{
	struct mlag_address_key keys[] = {router(member), ip(member), svi_ip(member),
					  link_local(member)};

	for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		world_set_address(&world, member, &keys[i], true, 0, i == 0 ? SVI(member) : 0);
	}
}

static int start_pair(void **state)
{
	struct mlag_default_route uplink = by_uplink();

	(void)state;
	world_init(&world, 1);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world.members[m].config.last_resort = true;
		world_start(&world, m);
		add_addresses(m);
		for (uint32_t family = V4; family <= V6; family++) {
			world_set_default(&world, m, family, &uplink);
		}
	}
	assert_true(world_run_until_open(&world, 10 * WORLD_SECOND));
	return 0;
}

static int end_pair(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static struct mlag_last_resort get(uint32_t member, uint32_t family)
{
	struct mlag_last_resort resort;

	assert_true(mlag_get_last_resort(world.members[member].engine, family, &resort));
	return resort;
}

static void expect(uint32_t member, uint32_t family, enum mlag_last_resort_state state,
		   const char *because)
{
	struct mlag_last_resort resort = get(member, family);

	assert_string_equal(mlag_last_resort_state_text(resort.state),
			    mlag_last_resort_state_text(state));
	assert_non_null(strstr(resort.because, because));
}

static void expect_active(uint32_t member, uint32_t family)
{
	struct mlag_address_key hop = family == V4 ? svi_ip(1 - member) : link_local(1 - member);
	struct mlag_last_resort resort = get(member, family);

	expect(member, family, MLAG_LAST_RESORT_ACTIVE, "the peer has one");
	assert_true(resort.armed);
	assert_false(resort.keep);
	assert_int_equal(resort.vlan, WORLD_VLAN);
	assert_int_equal(resort.ifindex, SVI(member));
	assert_memory_equal(resort.octets, hop.octets, sizeof(hop.octets));
}

static void reconfigure(uint32_t member, bool on)
{
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE};
	struct mlag_effects effects;

	world.members[member].config.last_resort = on;
	event.reconfigure = &world.members[member].config;
	mlag_step(world.members[member].engine, &event, world.now_ns, &effects);
	run_ms(10);
}

/* ---- two members ---------------------------------------------------------------------------- */

static void test_r31_off_by_default(void **state)
{
	(void)state;
	reconfigure(0, false);
	reconfigure(1, false);
	set_default(0, V4, &none);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_OFF, "configuration");
	assert_false(get(0, V4).armed);
	/* And nothing of it is in the table that the members exchange. */
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		struct mlag_address_view view;
		uint32_t cursor = 0;

		while (mlag_next_address_view(world.members[m].engine, &cursor, &view)) {
			assert_true(view.key.kind < MLAG_ADDRESS_SVI_IP);
		}
	}
}

static void test_r31_a_lost_default_route_goes_by_the_peer_that_has_one(void **state)
{
	(void)state;
	expect(0, V4, MLAG_LAST_RESORT_READY, "is there");
	for (uint32_t family = V4; family <= V6; family++) {
		struct mlag_default_route uplink = by_uplink();

		set_default(0, family, &none);
		/* Not before the peer knows that nothing leads out here any more (SAFE-31). */
		expect(0, family, MLAG_LAST_RESORT_READY, "not confirmed");
		run_ms(10);
		expect_active(0, family);
		expect(1, family, MLAG_LAST_RESORT_READY, "is there");
		set_default(0, family, &uplink);
		expect(0, family, MLAG_LAST_RESORT_READY, "is there");
	}
}

static void test_r31_not_for_who_never_had_a_default_route(void **state)
{
	(void)state;
	world_fini(&world);
	world_init(&world, 1);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world.members[m].config.last_resort = true;
		world_start(&world, m);
		add_addresses(m);
	}
	assert_true(world_run_until_open(&world, 10 * WORLD_SECOND));
	set_default(1, V4,
		    &(struct mlag_default_route){.present = true,
						 .hops_count = 1,
						 .hops = {{.ifindex = UPLINK, .usable = true}}});
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no default route yet");
	assert_false(get(0, V4).armed);
}

static void test_r31_both_lose_it_at_once_and_nobody_is_active(void **state)
{
	(void)state;
	set_default(0, V4, &none);
	set_default(1, V4, &none);
	for (uint32_t i = 0; i < 50; i++) {
		run_ms(1);
		expect(0, V4, MLAG_LAST_RESORT_READY, "");
		expect(1, V4, MLAG_LAST_RESORT_READY, "");
	}
	expect(0, V4, MLAG_LAST_RESORT_READY, "no way out");
	expect(1, V4, MLAG_LAST_RESORT_READY, "no way out");
}

static void test_r31_the_peer_loses_it_too_and_the_first_stops(void **state)
{
	struct mlag_default_route uplink = by_uplink();

	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	expect_active(0, V4);
	set_default(1, V4, &none);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no way out");
	expect(1, V4, MLAG_LAST_RESORT_READY, "no way out");
	/* The first to have one again serves the other. */
	set_default(0, V4, &uplink);
	run_ms(10);
	expect_active(1, V4);
}

static void test_r31_a_way_out_that_leads_back_is_none(void **state)
{
	struct mlag_default_route back = by_peer(0);
	struct mlag_default_route both = by_peer(0);

	(void)state;
	set_default(1, V4, &back);
	set_default(0, V4, &none);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no way out");
	expect(1, V4, MLAG_LAST_RESORT_READY, "is there");
	/* With one more next hop that leads elsewhere there is a way. */
	both.hops[1] = by_uplink().hops[0];
	both.hops_count = 2;
	set_default(1, V4, &both);
	run_ms(10);
	expect_active(0, V4);
	/* By the peer link itself, or a device on it, whatever the address is. */
	both.hops[1].lower_ifindex = WORLD_PEER_LINK;
	set_default(1, V4, &both);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no way out");
}

static void test_r31_a_link_local_next_hop_is_the_peers_in_its_vlan(void **state)
{
	struct mlag_default_route back = by_uplink();
	struct mlag_address_key key = link_local(0);

	(void)state;
	back.hops[0].family = 6;
	back.hops[0].ifindex = SVI(1);
	memcpy(back.hops[0].octets, key.octets, sizeof(key.octets));
	set_default(1, V6, &back);
	set_default(0, V6, &none);
	run_ms(10);
	expect(0, V6, MLAG_LAST_RESORT_READY, "no way out");
	back.hops[0].ifindex = UPLINK; /* somebody else's, on another link */
	set_default(1, V6, &back);
	run_ms(10);
	expect_active(0, V6);
}

static void test_r31_a_reject_route_is_no_way_out_and_no_loss(void **state)
{
	struct mlag_default_route reject = by_uplink();

	(void)state;
	reject.reject = true;
	reject.hops_count = 0;
	set_default(1, V4, &reject);
	set_default(0, V4, &none);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no way out");
	expect(1, V4, MLAG_LAST_RESORT_READY, "is there");
}

static void test_r31_a_next_hop_without_carrier_is_no_way_out(void **state)
{
	struct mlag_default_route dead = by_uplink();

	(void)state;
	dead.hops[0].usable = false;
	set_default(1, V4, &dead);
	set_default(0, V4, &none);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no way out");
}

static void test_r31_needs_an_svi_of_both_in_a_vlan_of_the_peer_link(void **state)
{
	struct mlag_address_key own = router(0), peers = svi_ip(1);

	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	expect_active(0, V4);
	world_set_address(&world, 1, &peers, false, 0, 0);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no address of the peer");
	world_set_address(&world, 1, &peers, true, 0, 0);
	run_ms(10);
	expect_active(0, V4);
	/* The SVI is made anew: the same next hop by another device. */
	world_set_address(&world, 0, &own, false, 0, 0);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no address of the peer");
	world_set_address(&world, 0, &own, true, 0, SVI(0) + 7);
	assert_int_equal(get(0, V4).ifindex, SVI(0) + 7);
	/* One in another routing domain is not meant. */
	world_set_address(&world, 0, &own, true, 5, SVI(0) + 7);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no address of the peer");
}

static void test_r31_the_peer_dies(void **state)
{
	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	expect_active(0, V4);
	world_stop(&world, 1);
	world_set_peer_link(&world, false);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no carrier");
	world_set_peer_link(&world, true);
	run_ms(10 * 1000); /* the verdict is alone by now */
	expect(0, V4, MLAG_LAST_RESORT_READY, "there is no peer");
	assert_true(get(0, V4).armed);
}

static void test_r31_the_peers_daemon_restarts_and_nothing_changes(void **state)
{
	uint64_t serial;

	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	serial = mlag_last_resort_serial(world.members[0].engine);
	world_stop(&world, 1);
	run_ms(500);
	expect_active(0, V4);
	world_start(&world, 1);
	add_addresses(1);
	for (uint32_t i = 0; i < 2000; i++) {
		run_ms(1);
		assert_int_equal(get(0, V4).state, MLAG_LAST_RESORT_ACTIVE);
	}
	assert_int_equal(mlag_last_resort_serial(world.members[0].engine), serial);
}

static void test_r31_a_restarted_daemon_keeps_what_it_finds_until_it_knows_better(void **state)
{
	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	world_stop(&world, 0);
	run_ms(500);
	world_start(&world, 0);
	assert_true(get(0, V4).keep);
	assert_true(get(0, V4).armed);
	assert_false(get(0, V6).keep); /* its default route is there: nothing to wait for */
	add_addresses(0);
	for (uint32_t i = 0; i < 3000; i++) {
		run_ms(1);
		assert_true(get(0, V4).keep || get(0, V4).state == MLAG_LAST_RESORT_ACTIVE);
	}
	expect_active(0, V4);
}

static void test_r31_a_restarted_daemon_removes_what_is_not_wanted(void **state)
{
	struct mlag_default_route uplink = by_uplink();

	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	world_stop(&world, 0);
	world_set_default(&world, 0, V4, &uplink); /* nobody is told */
	world_start(&world, 0);
	assert_false(get(0, V4).keep);
	expect(0, V4, MLAG_LAST_RESORT_READY, "is there");
	/* And where no peer comes, the wait has an end. */
	world_stop(&world, 0);
	world_set_default(&world, 0, V4, &none);
	world_stop(&world, 1);
	world_start(&world, 0);
	assert_true(get(0, V4).keep);
	run_ms(5000);
	assert_false(get(0, V4).keep);
	expect(0, V4, MLAG_LAST_RESORT_READY, "there is no peer");
}

static void test_r31_off_on_one_member_only(void **state)
{
	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	assert_false(mlag_last_resort_differs(world.members[0].engine));
	reconfigure(1, false);
	expect(0, V4, MLAG_LAST_RESORT_READY, "does not take part");
	assert_true(mlag_last_resort_differs(world.members[0].engine));
	assert_false(mlag_last_resort_differs(world.members[1].engine));
	/* Off here too: all of it goes, and on again it has forgotten what it once had. */
	reconfigure(1, true);
	expect_active(0, V4);
	reconfigure(0, false);
	expect(0, V4, MLAG_LAST_RESORT_OFF, "");
	assert_false(get(0, V4).armed);
	reconfigure(0, true);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no default route yet");
}

/* ---- which next hop, and which not ---------------------------------------------------------- */

static void step_peer_link(uint32_t member, uint32_t ifindex, bool has_vlan)
{
	struct mlag_peer_link link;
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &link};
	struct mlag_effects effects;

	memset(&link, 0, sizeof(link));
	link.ifindex = ifindex;
	link.bridge_ifindex = WORLD_BRIDGE;
	link.carrier = ifindex != 0;
	link.vlan_aware = true;
	link.mac.octets[0] = 0x02;
	link.mac.octets[5] = (uint8_t)(member + 1);
	if (has_vlan) {
		mlag_vlans_add(&link.vlans, WORLD_VLAN);
		mlag_vlans_add(&link.vlans, WORLD_VLAN - 1);
	}
	mlag_step(world.members[member].engine, &event, world.now_ns, &effects);
}

static void test_r31_the_next_hop_is_the_lowest_address_in_the_lowest_vlan(void **state)
{
	struct mlag_address_key lower = make_key(MLAG_ADDRESS_SVI_IP, 4, WORLD_VLAN, 9, 99);
	struct mlag_address_key keys[3];

	(void)state;
	step_peer_link(0, WORLD_PEER_LINK, true);
	step_peer_link(1, WORLD_PEER_LINK, true);
	set_default(0, V4, &none);
	run_ms(10);
	expect_active(0, V4);
	world_set_address(&world, 1, &lower, true, 0, 0);
	run_ms(10);
	assert_memory_equal(get(0, V4).octets, lower.octets, sizeof(lower.octets));
	/* A lower VLAN counts more, once both have an SVI there. */
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		keys[m] = router(m);
		keys[m].vlan = WORLD_VLAN - 1;
		world_set_address(&world, m, &keys[m], true, 0, 70 + m);
		run_ms(10);
	}
	keys[2] = make_key(MLAG_ADDRESS_SVI_IP, 4, WORLD_VLAN - 1, 11, 1);
	world_set_address(&world, 1, &keys[2], true, 0, 0);
	run_ms(10);
	assert_int_equal(get(0, V4).vlan, WORLD_VLAN - 1);
	assert_int_equal(get(0, V4).ifindex, 70);
	assert_memory_equal(get(0, V4).octets, keys[2].octets, sizeof(keys[2].octets));
}

static void test_r31_an_address_that_both_have_is_nobodys_next_hop(void **state)
{
	struct mlag_address_key shared = make_key(MLAG_ADDRESS_SVI_IP, 4, WORLD_VLAN, 9, 254);

	(void)state;
	world_set_address(&world, 0, &shared, true, 0, 0);
	world_set_address(&world, 1, &shared, true, 0, 0);
	run_ms(10);
	set_default(0, V4, &none);
	run_ms(10);
	expect_active(0, V4); /* by the peer's own one, though the shared one is lower */
}

static void test_r31_a_router_mac_of_another_domain_or_of_both_leads_to_nobody(void **state)
{
	struct mlag_address_key key = router(1);

	(void)state;
	world_set_address(&world, 1, &key, true, 5, SVI(1));
	run_ms(10);
	set_default(0, V4, &none);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no address of the peer");
	world_set_address(&world, 1, &key, true, 0, SVI(1));
	run_ms(10);
	expect_active(0, V4);
	world_set_address(&world, 0, &key, true, 0, SVI(0));
	expect(0, V4, MLAG_LAST_RESORT_READY, "no address of the peer");
}

static void test_r31_not_by_a_vlan_that_is_not_on_the_peer_link(void **state)
{
	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	expect_active(0, V4);
	step_peer_link(0, WORLD_PEER_LINK, false);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no address of the peer");
}

static void test_r31_ends_when_the_device_of_the_peer_link_is_gone(void **state)
{
	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	expect_active(0, V4);
	step_peer_link(0, 0, false);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no carrier");
}

/* What was found is kept while the peer link has not been seen yet, too. */
static void test_r31_what_was_found_is_kept_until_the_peer_link_is_known(void **state)
{
	struct mlag_default_route route = none;
	struct mlag_event event = {.type = MLAG_EVENT_DEFAULT_ROUTE, .default_route = &route};
	struct mlag_effects effects;

	(void)state;
	step_peer_link(0, 0, false);
	route.family = 4;
	route.adopted = true;
	mlag_step(world.members[0].engine, &event, world.now_ns, &effects);
	expect(0, V4, MLAG_LAST_RESORT_READY, "not heard yet");
	assert_true(get(0, V4).keep);
	/* But not by who shall not have a last resort at all. */
	reconfigure(1, false);
	mlag_step(world.members[1].engine, &event, world.now_ns, &effects);
	assert_false(get(1, V4).keep);
	assert_false(get(1, V4).armed);
}

static void test_r31_a_next_hop_that_is_our_own_address_does_not_lead_to_the_peer(void **state)
{
	struct mlag_default_route own = by_uplink();
	struct mlag_address_key v4 = ip(1), v6 = link_local(1);

	(void)state;
	own.hops[0].family = 4;
	own.hops[0].ifindex = SVI(1);
	memcpy(own.hops[0].octets, v4.octets, sizeof(v4.octets));
	set_default(1, V4, &own);
	own.hops[0].family = 6;
	memcpy(own.hops[0].octets, v6.octets, sizeof(v6.octets));
	set_default(1, V6, &own);
	set_default(0, V4, &none);
	set_default(0, V6, &none);
	run_ms(10);
	expect_active(0, V4);
	expect_active(0, V6);
}

static void test_r31_a_default_route_that_never_worked_is_no_loss(void **state)
{
	struct mlag_default_route useless = by_uplink();

	(void)state;
	reconfigure(0, false);
	useless.hops[0].usable = false;
	set_default(0, V4, &useless);
	reconfigure(0, true);
	set_default(0, V4, &none);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no default route yet");
	/* Nor is one that refuses. */
	reconfigure(0, false);
	useless.hops[0].usable = true;
	useless.reject = true;
	set_default(0, V4, &useless);
	reconfigure(0, true);
	set_default(0, V4, &none);
	run_ms(10);
	expect(0, V4, MLAG_LAST_RESORT_READY, "no default route yet");
}

static void test_r31_frozen_without_a_session_but_not_without_the_device(void **state)
{
	struct mlag_address_key key = router(0);

	(void)state;
	set_default(0, V4, &none);
	run_ms(10);
	world_set_path(&world, false);
	run_ms(500);
	expect_active(0, V4);
	world_set_address(&world, 0, &key, false, 0, 0);
	run_ms(10);
	assert_int_equal(get(0, V4).state, MLAG_LAST_RESORT_READY);
	world_set_address(&world, 0, &key, true, 0, SVI(0));
	expect(0, V4, MLAG_LAST_RESORT_READY, "session"); /* nor does it begin without one */
}

static void test_r31_who_differs_is_known_only_by_a_whole_table(void **state)
{
	(void)state;
	reconfigure(1, false);
	assert_true(mlag_last_resort_differs(world.members[0].engine));
	world_stop(&world, 1);
	assert_false(mlag_last_resort_differs(world.members[0].engine));
}

/* ---- a peer made of bytes ------------------------------------------------------------------- */

static int start_rig(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE};
	struct mlag_address_key key = svi_ip(0);

	(void)state;
	rig_init(&rig, 0);
	rig.config.last_resort = true;
	event.reconfigure = &rig.config;
	rig_step(&rig, &event);
	event = (struct mlag_event){.type = MLAG_EVENT_ADDRESS};
	event.address.key = key;
	event.address.present = true;
	rig_step(&rig, &event);
	return 0;
}

static int end_rig(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

/* Rows of the address table that the engine sends. */
static uint32_t count_address_rows(void)
{
	struct buf_reader payload;
	enum wire_type type;
	uint32_t count = 0;

	while ((type = rig_next(&rig, &payload)) != WIRE_NONE) {
		if (type == WIRE_ROWS && buf_get_u8(&payload) == WIRE_TABLE_ADDRESSES) {
			(void)buf_get_u32(&payload);
			count += buf_get_u16(&payload);
		}
	}
	return count;
}

static void test_r31_a_peer_that_does_not_know_the_rows_gets_none(void **state)
{
	(void)state;
	rig.hello.features = ~WIRE_FEATURE_LAST_RESORT;
	rig_connect(&rig);
	assert_int_equal(count_address_rows(), 0);
	/* One that does gets them, and the next that does not hears nothing of their end. */
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig.hello.features = WIRE_FEATURE_LAST_RESORT;
	rig.batch = 0;
	rig_connect(&rig);
	assert_int_equal(count_address_rows(), 3);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig.hello.features = 0;
	rig_connect(&rig);
	assert_int_equal(count_address_rows(), 0);
}

/* On or off, an address that went leaves no row behind. */
static void test_r31_addresses_that_go_leave_nothing(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_ADDRESS};
	struct mlag_event reconfigure_event = {.type = MLAG_EVENT_RECONFIGURE,
					       .reconfigure = &rig.config};

	(void)state;
	rig.hello.features = WIRE_FEATURE_LAST_RESORT;
	rig_connect(&rig);
	for (uint32_t on = 0; on < 2; on++) {
		uint32_t before;

		rig.config.last_resort = on == 1;
		rig_step(&rig, &reconfigure_event);
		(void)rig_drain(&rig);
		before = rig.engine->addresses.rows_used;
		for (uint32_t i = 0; i < 100; i++) {
			event.address.key = svi_ip(i + 5);
			event.address.present = true;
			rig_step(&rig, &event);
			event.address.present = false;
			rig_step(&rig, &event);
		}
		(void)rig_drain(&rig);
		assert_int_equal(rig.engine->addresses.rows_used, before);
	}
}

static void test_r31_an_impossible_observation_is_ignored(void **state)
{
	struct mlag_default_route route = by_uplink();
	struct mlag_event event = {.type = MLAG_EVENT_DEFAULT_ROUTE, .default_route = &route};
	struct mlag_view before, after;

	(void)state;
	mlag_get_view(rig.engine, &before);
	route.family = 5;
	rig_step(&rig, &event);
	route.family = 4;
	route.domain = 1;
	rig_step(&rig, &event);
	route.domain = 0;
	route.hops_count = MLAG_HOPS_MAX + 1;
	rig_step(&rig, &event);
	mlag_get_view(rig.engine, &after);
	assert_int_equal(after.ignored_count - before.ignored_count, 3);
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, start_pair, end_pair)
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, start_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(test_r31_off_by_default),
		PAIR_TEST(test_r31_a_lost_default_route_goes_by_the_peer_that_has_one),
		PAIR_TEST(test_r31_not_for_who_never_had_a_default_route),
		PAIR_TEST(test_r31_both_lose_it_at_once_and_nobody_is_active),
		PAIR_TEST(test_r31_the_peer_loses_it_too_and_the_first_stops),
		PAIR_TEST(test_r31_a_way_out_that_leads_back_is_none),
		PAIR_TEST(test_r31_a_link_local_next_hop_is_the_peers_in_its_vlan),
		PAIR_TEST(test_r31_a_reject_route_is_no_way_out_and_no_loss),
		PAIR_TEST(test_r31_a_next_hop_without_carrier_is_no_way_out),
		PAIR_TEST(test_r31_needs_an_svi_of_both_in_a_vlan_of_the_peer_link),
		PAIR_TEST(test_r31_the_peer_dies),
		PAIR_TEST(test_r31_the_peers_daemon_restarts_and_nothing_changes),
		PAIR_TEST(test_r31_a_restarted_daemon_keeps_what_it_finds_until_it_knows_better),
		PAIR_TEST(test_r31_a_restarted_daemon_removes_what_is_not_wanted),
		PAIR_TEST(test_r31_off_on_one_member_only),
		PAIR_TEST(test_r31_the_next_hop_is_the_lowest_address_in_the_lowest_vlan),
		PAIR_TEST(test_r31_an_address_that_both_have_is_nobodys_next_hop),
		PAIR_TEST(test_r31_a_router_mac_of_another_domain_or_of_both_leads_to_nobody),
		PAIR_TEST(test_r31_not_by_a_vlan_that_is_not_on_the_peer_link),
		PAIR_TEST(test_r31_ends_when_the_device_of_the_peer_link_is_gone),
		PAIR_TEST(test_r31_what_was_found_is_kept_until_the_peer_link_is_known),
		PAIR_TEST(test_r31_a_next_hop_that_is_our_own_address_does_not_lead_to_the_peer),
		PAIR_TEST(test_r31_a_default_route_that_never_worked_is_no_loss),
		PAIR_TEST(test_r31_frozen_without_a_session_but_not_without_the_device),
		PAIR_TEST(test_r31_who_differs_is_known_only_by_a_whole_table),
		RIG_TEST(test_r31_a_peer_that_does_not_know_the_rows_gets_none),
		RIG_TEST(test_r31_addresses_that_go_leave_nothing),
		RIG_TEST(test_r31_an_impossible_observation_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
