// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fast entry of `receive` on a bond in 802.3ad mode that is a bridge port: it runs on the slave,
 * before bonding, and acts for the bond while the slave is an entry.  Skipped where the kernel has
 * no bonding; the lab tests/lab/test_routing_xdp_fallback.py runs it where it has.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/datapath.h"
#include "ip.h"
#include "shortcut.h"
#include "wire.h"

#define LAG 7
#define SOON_MS 3000
#define SILENCE_MS 100
#define THIRD_V4 "10.0.20.9"
#define PEER_V4 "10.0.10.2"

static struct {
	bool has_bonding;
	struct datapath *dp;
	uint32_t bridge, bond, slave, peer_link;
	int slave_far, peer_link_far, bond_view;
	uint8_t own_mac[6];
} lab;

static const uint8_t HOST[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t PEER[6] = {0x02, 0, 0, 0, 1, 0x02};
static const uint8_t LACP[6] = {0x01, 0x80, 0xc2, 0, 0, 0x02};

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("log: %s\n", text);
}

static void make(struct wire_frame *ret, const char *address, uint8_t hop_limit)
{
	struct ip_packet packet = {
		.destination_mac = PEER,
		.source_mac = HOST,
		.source = "10.0.10.5",
		.destination = address,
		.hop_limit = hop_limit,
	};

	ip_frame_make(ret, &packet);
}

static void drain(int socket)
{
	struct wire_frame frame;

	while (wire_receive(socket, SILENCE_MS, &frame)) {
		continue;
	}
}

static void drain_all(void)
{
	drain(lab.slave_far);
	drain(lab.peer_link_far);
	drain(lab.bond_view);
}

static bool arrives(int socket, const struct wire_frame *expected)
{
	struct wire_frame frame;

	return wire_receive(socket, SILENCE_MS, &frame) == expected->size &&
	       memcmp(frame.bytes, expected->bytes, expected->size) == 0;
}

static void set_port(uint32_t ifindex, enum mlag_port_kind kind, enum mlag_gate gate)
{
	struct mlag_port port = {
		.kind = (uint8_t)kind,
		.gate = (uint8_t)gate,
		.lag_id = LAG,
		.forwards = {1},
	};

	assert_int_equal(datapath_set_port(lab.dp, ifindex, &port), 0);
}

struct counter {
	enum mlag_reason reason;
	uint64_t packets;
};

static void on_counter(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
		       uint64_t bytes)
{
	struct counter *counter = user;

	(void)bytes;
	if (ifindex == lab.bond && reason == counter->reason) {
		counter->packets = packets;
	}
}

static uint64_t count(enum mlag_reason reason)
{
	struct counter counter = {.reason = reason};

	assert_int_equal(datapath_counters(lab.dp, on_counter, &counter), 0);
	return counter.packets;
}

/* Until the bond takes what arrives at its slave. */
static void wait_for_bond(void)
{
	wire_wait_forwarding(lab.slave_far, lab.peer_link_far);
	drain_all();
}

static void test_a_slave_that_collects_acts_for_its_bond(void **state)
{
	struct wire_frame frame;

	(void)state;
	assert_int_equal(datapath_set_entry(lab.dp, lab.slave, lab.bond), 0);
	make(&frame, THIRD_V4, 0); /* dropped before bonding has seen it */
	wire_send(lab.slave_far, &frame);
	assert_false(arrives(lab.bond_view, &frame));
	assert_int_equal(count(MLAG_REASON_TTL_ZERO), 1);
}

static void test_a_slave_that_does_not_collect_is_left_to_bonding(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, THIRD_V4, 0);
	wire_send(lab.slave_far, &frame);
	assert_true(arrives(lab.bond_view, &frame));
	/* And then it is dropped at tc of the bond, and counted there, once. */
	assert_int_equal(count(MLAG_REASON_TTL_ZERO), 1);
}

static void test_r22_is_redirected_from_the_slave(void **state)
{
	struct wire_frame frame;

	(void)state;
	assert_int_equal(datapath_set_entry(lab.dp, lab.slave, lab.bond), 0);
	make(&frame, PEER_V4, 1);
	wire_send(lab.slave_far, &frame); /* the slow way: the bridge sees the sender */
	assert_true(arrives(lab.peer_link_far, &frame));
	assert_true(arrives(lab.bond_view, &frame));
	wire_send(lab.slave_far, &frame);
	assert_true(arrives(lab.peer_link_far, &frame));
	assert_false(arrives(lab.bond_view, &frame)); /* bonding did not see it */
	assert_int_equal(count(MLAG_REASON_TO_PEER), 2);
}

static void test_lacp_passes(void **state)
{
	struct wire_frame frame;

	(void)state;
	assert_int_equal(datapath_set_entry(lab.dp, lab.slave, lab.bond), 0);
	wire_frame_make(&frame, LACP, HOST, NULL, 0, 46);
	wire_send(lab.slave_far, &frame);
	/* Bonding leaves it on the slave, where a packet socket of the slave sees it. */
	assert_false(arrives(lab.peer_link_far, &frame));
	assert_int_equal(count(MLAG_REASON_NOT_ROUTABLE), 0);
}

static void test_a_leg_that_waits_for_its_partner_is_seen_at_tc(void **state)
{
	uint64_t before, after;
	struct wire_frame frame;

	(void)state;
	assert_int_equal(datapath_set_entry(lab.dp, lab.slave, lab.bond), 0);
	set_port(lab.bond, MLAG_PORT_LEG, MLAG_GATE_CLOSED);
	assert_int_equal(datapath_leg_rx(lab.dp, lab.bond, &before), 0);
	make(&frame, PEER_V4, 1);
	wire_send(lab.slave_far, &frame);
	assert_true(arrives(lab.bond_view, &frame));
	assert_int_equal(datapath_leg_rx(lab.dp, lab.bond, &after), 0);
	assert_true(after > before);
}

static void set_address(const char *text, enum mlag_owner owner)
{
	struct mlag_address address = {0};

	address.family = ip_parse(text, address.octets);
	assert_int_equal(datapath_set_address(lab.dp, &address, (uint8_t)owner), 0);
}

static void fill_maps(void)
{
	struct mlag_router_key key = {0};
	struct mlag_router router = {.own_ifindex = lab.bridge, .owner = MLAG_OWNER_PEER};
	struct mlag_domain domain = {
		.peer_link_ifindex = lab.peer_link,
		.route_for_peer = 1,
		.shortcuts = MLAG_SHORTCUT_TO_PEER | MLAG_SHORTCUT_ROUTED,
		.peer_link_forwards = {1},
	};

	memcpy(key.mac, PEER, sizeof(key.mac));
	memcpy(router.own_mac, lab.own_mac, sizeof(router.own_mac));
	set_address(PEER_V4, MLAG_OWNER_PEER);
	assert_int_equal(datapath_set_router(lab.dp, &key, &router), 0);
	assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
	set_port(lab.bond, MLAG_PORT_LEG, MLAG_GATE_OPEN);
	set_port(lab.peer_link, MLAG_PORT_PEER_LINK, MLAG_GATE_NONE);
	assert_int_equal(datapath_set_exit(lab.dp, lab.peer_link, true), 0);
}

static int set_up_network(void **state)
{
	(void)state;
	wire_enter_namespace();
	lab.has_bonding = wire_make_bond("bond1", "slave", "slave-far");
	if (!lab.has_bonding) {
		return 0;
	}
	lab.bridge = wire_make_bridge("br0");
	lab.bond = if_nametoindex("bond1");
	lab.slave = if_nametoindex("slave");
	wire_enslave("bond1", lab.bridge);
	lab.peer_link = wire_make_port("pl", "pl-far", lab.bridge);
	wire_set_feature("pl-far", WIRE_GRO, true);
	wire_pin_mac("pl", PEER);
	lab.slave_far = wire_open("slave-far");
	lab.peer_link_far = wire_open("pl-far");
	lab.bond_view = wire_open("bond1");
	wire_get_mac("br0", lab.own_mac);
	wait_for_bond();
	return 0;
}

static int set_up(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};
	char reason[XDP_REASON_SIZE];

	(void)state;
	if (!lab.has_bonding) {
		return 0;
	}
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	fill_maps();
	assert_int_equal(datapath_attach(lab.dp, lab.bond, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach_xdp(lab.dp, lab.bond, reason), 0);
	wait_for_bond();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (lab.has_bonding) {
		assert_int_equal(datapath_set_entry(lab.dp, lab.slave, 0), 0);
		assert_int_equal(datapath_detach_all(lab.dp), 0);
		datapath_close(lab.dp);
	}
	return 0;
}

/* Needs no bond: a slave comes, moves to another bond, and goes, and goes again. */
static void test_slaves_come_and_go(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};
	struct datapath *dp;

	(void)state;
	assert_int_equal(datapath_open(&dp, &spec), 0);
	assert_int_equal(datapath_set_entry(dp, 5, 6), 0);
	assert_int_equal(datapath_set_entry(dp, 5, 7), 0);
	assert_int_equal(datapath_set_entry(dp, 5, 0), 0);
	assert_int_equal(datapath_set_entry(dp, 5, 0), 0);
	datapath_close(dp);
}

static void run(void **state, void (*function)(void **state))
{
	if (!lab.has_bonding) {
		skip();
	}
	function(state);
}

#define TEST(function)                                 \
	static void on_a_bond_##function(void **state) \
	{                                              \
		run(state, function);                  \
	}

TEST(test_a_slave_that_collects_acts_for_its_bond)
TEST(test_a_slave_that_does_not_collect_is_left_to_bonding)
TEST(test_r22_is_redirected_from_the_slave)
TEST(test_lacp_passes)
TEST(test_a_leg_that_waits_for_its_partner_is_seen_at_tc)

#define test(function) cmocka_unit_test_setup_teardown(on_a_bond_##function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slaves_come_and_go),
		test(test_a_slave_that_collects_acts_for_its_bond),
		test(test_a_slave_that_does_not_collect_is_left_to_bonding),
		test(test_r22_is_redirected_from_the_slave),
		test(test_lacp_passes),
		test(test_a_leg_that_waits_for_its_partner_is_seen_at_tc),
	};

	return cmocka_run_group_tests(tests, set_up_network, NULL);
}
