// SPDX-License-Identifier: BSD-2-Clause
/*
 * R20 to R25 on the wire: a bridge with an address, a leg, an orphan and the peer link, to which
 * the peer's router MAC is pinned, and a device that the kernel routes to.  What the program leaves
 * to bridge and routing, and whether they do it once and do it right, can be seen only here; each
 * rule is first shown to need the program.
 *
 * The bridge need not filter VLANs, which not every kernel can; see test_attach.c.
 */
#include <linux/if_ether.h>
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
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define LAG 7
#define SOON_MS 1000  /* a frame that should come does so by then */
#define SILENCE_MS 30 /* one that should not would have come by then */
#define TAG(tci) WIRE_TAG(ETH_P_8021Q, tci)

#define HOST_V4 "10.0.10.5"
#define HOST_V6 "2001:db8:10::5"
#define OWN_V4 "10.0.10.1"
#define OWN_V6 "2001:db8:10::1"
#define PEER_V4 "10.0.10.2"
#define PEER_V6 "2001:db8:10::2"
#define THIRD_V4 "10.0.20.9"
#define THIRD_V6 "2001:db8:20::9"
#define NOWHERE_V4 "10.99.0.1"
#define NOWHERE_V6 "2001:db8:99::1"

static struct {
	struct datapath *dp;
	uint32_t bridge, leg, orphan, peer_link;
	uint32_t domain; /* the routing domain of the bridge */
	int leg_far, orphan_far, peer_link_far, out_far;
	uint8_t own_mac[6], out_mac[6];
} lab;

static const uint8_t HOST[6] = {0x02, 0, 0, 0, 0, 0x0a}; /* behind the leg */
static const uint8_t ORPHAN[6] = {0x02, 0, 0, 0, 0, 0x0b};
static const uint8_t PEER[6] = {0x02, 0, 0, 0, 1, 0x02};
static const uint8_t THIRD[6] = {0x02, 0, 0, 0, 2, 0x09}; /* behind the routed device */

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("log: %s\n", text);
}

static bool is_v6(const char *address)
{
	return strchr(address, ':') != NULL;
}

static void make_tagged(struct wire_frame *ret, const uint8_t *mac, const char *address,
			uint8_t hop_limit, uint32_t tag)
{
	struct ip_packet packet = {
		.destination_mac = mac,
		.source_mac = HOST,
		.tags = {tag},
		.source = is_v6(address) ? HOST_V6 : HOST_V4,
		.destination = address,
		.hop_limit = hop_limit,
	};

	ip_frame_make(ret, &packet);
}

static void make(struct wire_frame *ret, const uint8_t *mac, const char *address, uint8_t hop_limit)
{
	make_tagged(ret, mac, address, hop_limit, 0);
}

static void expect(int socket, const struct wire_frame *expected)
{
	struct wire_frame frame;

	assert_int_equal(wire_receive(socket, SOON_MS, &frame), expected->size);
	assert_memory_equal(frame.bytes, expected->bytes, expected->size);
}

/* Of no far end comes anything more, so that what came, came once. */
static void expect_silence(void)
{
	const int sockets[] = {lab.leg_far, lab.orphan_far, lab.peer_link_far, lab.out_far};
	struct wire_frame frame;

	usleep(SILENCE_MS * 1000);
	for (uint32_t index = 0; index < ARRAY_SIZE(sockets); index++) {
		assert_int_equal(wire_receive(sockets[index], 0, &frame), 0);
	}
}

/* The frame, and nothing else, and it once, leaves by PL as it was sent. */
static void check_crosses(int socket, const struct wire_frame *frame)
{
	wire_send(socket, frame);
	expect(lab.peer_link_far, frame);
	expect_silence();
}

/* The frame's packet comes out of the routed device, a hop further, once, and nowhere else. */
static void check_routed(int socket, const struct wire_frame *frame, uint32_t ip_offset)
{
	struct wire_frame expected;

	memcpy(expected.bytes, THIRD, 6);
	memcpy(expected.bytes + 6, lab.out_mac, 6);
	memcpy(expected.bytes + 12, frame->bytes + ip_offset - 2, frame->size - ip_offset + 2);
	expected.size = frame->size - ip_offset + ETH_HLEN;
	ip_take_hop(&expected, ETH_HLEN);
	wire_send(socket, frame);
	expect(lab.out_far, &expected);
	expect_silence();
}

struct counter {
	uint32_t ifindex;
	enum mlag_reason reason;
	uint64_t packets;
};

static void on_counter(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
		       uint64_t bytes)
{
	struct counter *counter = user;

	(void)bytes;
	if (ifindex == counter->ifindex && reason == counter->reason) {
		counter->packets = packets;
	}
}

static uint64_t count(uint32_t ifindex, enum mlag_reason reason)
{
	struct counter counter = {.ifindex = ifindex, .reason = reason};

	assert_int_equal(datapath_counters(lab.dp, on_counter, &counter), 0);
	return counter.packets;
}

static void set_domain(bool vlan_aware, bool route_for_peer)
{
	struct mlag_domain domain = {
		.peer_link_ifindex = lab.peer_link,
		.vlan_aware = vlan_aware,
		.route_for_peer = route_for_peer,
	};

	assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
}

static void set_port(uint32_t ifindex, enum mlag_port_kind kind, uint16_t ingress_vid)
{
	struct mlag_port port = {
		.kind = (uint8_t)kind,
		.gate = MLAG_GATE_OPEN,
		.lag_id = kind == MLAG_PORT_LEG ? LAG : 0,
		.ingress_vid = ingress_vid,
	};

	assert_int_equal(datapath_set_port(lab.dp, ifindex, &port), 0);
}

static void set_router(uint16_t vlan, const uint8_t *mac, enum mlag_owner owner)
{
	struct mlag_router_key key = {.vlan = vlan};
	struct mlag_router router = {
		.domain = lab.domain,
		.own_ifindex = lab.bridge,
		.owner = (uint8_t)owner,
	};

	memcpy(key.mac, mac, sizeof(key.mac));
	memcpy(router.own_mac, lab.own_mac, sizeof(router.own_mac));
	assert_int_equal(datapath_set_router(lab.dp, &key, &router), 0);
}

static void set_address(const char *text, enum mlag_owner owner)
{
	struct mlag_address address = {.domain = lab.domain};

	address.family = ip_parse(text, address.octets);
	assert_int_equal(datapath_set_address(lab.dp, &address, (uint8_t)owner), 0);
}

static void attach_all(void)
{
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.orphan, MLAG_PORT_NONE), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
}

static void set_up_routing(void)
{
	static const char *const DEVICES[] = {"br0", "out"};

	ip_enable(DEVICES, ARRAY_SIZE(DEVICES));
	ip_add_address("br0", OWN_V4 "/24");
	ip_add_address("br0", OWN_V6 "/64");
	ip_add_address("out", "10.0.20.1/24");
	ip_add_address("out", "2001:db8:20::1/64");
	ip_add_neighbor("out", THIRD_V4, THIRD);
	ip_add_neighbor("out", THIRD_V6, THIRD);
	ip_add_neighbor("br0", HOST_V4, HOST);
}

static void wait_forwarding(void)
{
	wire_wait_forwarding(lab.leg_far, lab.peer_link_far);
	wire_wait_forwarding(lab.orphan_far, lab.peer_link_far);
	wire_wait_forwarding(lab.peer_link_far, lab.orphan_far);
	ip_wait_local();
}

static void drain(void)
{
	const int sockets[] = {lab.leg_far, lab.orphan_far, lab.peer_link_far, lab.out_far};
	struct wire_frame frame;

	usleep(SILENCE_MS * 1000);
	for (uint32_t index = 0; index < ARRAY_SIZE(sockets); index++) {
		while (wire_receive(sockets[index], 0, &frame)) {
			continue;
		}
	}
}

static void fill_maps(void)
{
	set_address(PEER_V4, MLAG_OWNER_PEER);
	set_address(PEER_V6, MLAG_OWNER_PEER);
	set_address(OWN_V4, MLAG_OWNER_SELF);
	set_address(OWN_V6, MLAG_OWNER_SELF);
	set_router(0, PEER, MLAG_OWNER_PEER);
	set_router(0, lab.own_mac, MLAG_OWNER_SELF);
	set_port(lab.leg, MLAG_PORT_LEG, 0);
	set_port(lab.orphan, MLAG_PORT_NONE, 0);
	set_port(lab.peer_link, MLAG_PORT_PEER_LINK, 0);
	set_domain(false, true);
}

static void test_without_the_program_all_goes_to_the_peer(void **state)
{
	static const char *const ADDRESSES[] = {THIRD_V4, THIRD_V6, PEER_V4, PEER_V6, NOWHERE_V4};
	struct wire_frame frame;

	(void)state;
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	for (uint32_t index = 0; index < ARRAY_SIZE(ADDRESSES); index++) {
		make(&frame, PEER, ADDRESSES[index], 64);
		check_crosses(lab.leg_far, &frame);
		check_crosses(lab.orphan_far, &frame);
	}
}

static void test_R20_our_own_mac_is_routed_as_ever(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, lab.own_mac, THIRD_V4, 64);
	check_routed(lab.leg_far, &frame, ETH_HLEN);
	make(&frame, lab.own_mac, THIRD_V6, 64);
	check_routed(lab.leg_far, &frame, ETH_HLEN);
}

static void test_R21_third_party_is_routed_here_once(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, PEER, THIRD_V4, 64);
	check_routed(lab.leg_far, &frame, ETH_HLEN);
	check_routed(lab.orphan_far, &frame, ETH_HLEN);
	make(&frame, PEER, THIRD_V6, 2);
	check_routed(lab.leg_far, &frame, ETH_HLEN);
	check_routed(lab.orphan_far, &frame, ETH_HLEN);
	assert_int_equal(count(lab.leg, MLAG_REASON_ROUTED_FOR_PEER), 2);
	assert_int_equal(count(lab.orphan, MLAG_REASON_ROUTED_FOR_PEER), 2);
}

static void test_R21_waits_for_the_peers_addresses(void **state)
{
	struct wire_frame frame;

	(void)state;
	set_domain(false, false);
	make(&frame, PEER, THIRD_V4, 64);
	check_crosses(lab.leg_far, &frame);
	set_domain(false, true);
	check_routed(lab.leg_far, &frame, ETH_HLEN);
}

/* The bridge has seen the sender before the packet left it: what goes to it is no flood. */
static void test_R21_keeps_the_sender_learned(void **state)
{
	static const uint8_t EVERYBODY[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct wire_frame frame;

	(void)state;
	wire_frame_make(&frame, EVERYBODY, HOST, NULL, 0, 46);
	wire_send(lab.orphan_far, &frame); /* it was there */
	expect(lab.leg_far, &frame);
	expect(lab.peer_link_far, &frame);
	make(&frame, PEER, THIRD_V4, 64);
	check_routed(lab.leg_far, &frame, ETH_HLEN);
	wire_frame_make(&frame, HOST, ORPHAN, NULL, 0, 46);
	wire_send(lab.orphan_far, &frame);
	expect(lab.leg_far, &frame);
	expect_silence();
}

static void test_R22_the_peers_address_is_left_to_the_peer(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, PEER, PEER_V4, 1);
	check_crosses(lab.leg_far, &frame);
	check_crosses(lab.orphan_far, &frame);
	make(&frame, PEER, PEER_V6, 1);
	check_crosses(lab.leg_far, &frame);
	check_crosses(lab.orphan_far, &frame);
	assert_int_equal(count(lab.leg, MLAG_REASON_TO_PEER), 2);
}

/* An address on both members is ours: it is not routed, and it does not cross. */
static void test_R22_our_address_is_taken_here(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, PEER, OWN_V6, 1);
	wire_send(lab.leg_far, &frame);
	expect_silence();
	assert_int_equal(count(lab.leg, MLAG_REASON_ROUTED_FOR_PEER), 1);
}

static void test_R23_what_is_not_routed_goes_to_the_peer(void **state)
{
	static const char *const ADDRESSES[] = {"169.254.1.1", "fe80::2", "224.0.0.5", "ff02::5"};
	struct wire_frame frame;

	(void)state;
	wire_frame_make(&frame, PEER, HOST, NULL, 0, 46);
	check_crosses(lab.leg_far, &frame);
	for (uint32_t index = 0; index < ARRAY_SIZE(ADDRESSES); index++) {
		make(&frame, PEER, ADDRESSES[index], 1);
		check_crosses(lab.leg_far, &frame);
	}
	assert_int_equal(count(lab.leg, MLAG_REASON_NOT_ROUTABLE), 1 + ARRAY_SIZE(ADDRESSES));
}

/* TTL 1: the error comes from here, to the sender, about the packet it sent. */
static void test_R24_the_last_hop_is_told_from_here(void **state)
{
	enum { ICMP_OFFSET = ETH_HLEN + 20, TIME_EXCEEDED = 11 };
	struct wire_frame frame, error;
	uint8_t own[16];

	(void)state;
	(void)ip_parse(OWN_V4, own);
	make(&frame, PEER, THIRD_V4, 1);
	wire_send(lab.leg_far, &frame);
	assert_true(wire_receive(lab.leg_far, SOON_MS, &error) > ICMP_OFFSET + 8 + 20);
	assert_memory_equal(error.bytes, HOST, 6);
	assert_memory_equal(error.bytes + 6, lab.own_mac, 6);
	assert_memory_equal(error.bytes + ETH_HLEN + 12, own, 4);
	assert_int_equal(error.bytes[ICMP_OFFSET], TIME_EXCEEDED);
	assert_memory_equal(error.bytes + ICMP_OFFSET + 8, frame.bytes + ETH_HLEN, 20);
	expect_silence();
}

static void test_R24_no_hop_left_is_dropped(void **state)
{
	const uint8_t *const macs[] = {PEER, lab.own_mac};
	struct wire_frame frame;

	(void)state;
	for (uint32_t index = 0; index < ARRAY_SIZE(macs); index++) {
		make(&frame, macs[index], THIRD_V4, 0);
		wire_send(lab.leg_far, &frame);
		make(&frame, macs[index], THIRD_V6, 0);
		wire_send(lab.leg_far, &frame);
	}
	expect_silence();
	assert_int_equal(count(lab.leg, MLAG_REASON_TTL_ZERO), 4);
}

static void test_R25_without_a_route_it_goes_to_the_peer(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, PEER, NOWHERE_V4, 64);
	check_crosses(lab.leg_far, &frame);
	make(&frame, PEER, NOWHERE_V6, 64);
	check_crosses(lab.leg_far, &frame);
	make(&frame, PEER, "10.0.10.255", 64);
	check_crosses(lab.leg_far, &frame);
	assert_int_equal(count(lab.leg, MLAG_REASON_NO_ROUTE), 3);
}

/* VLAN 0 is no VLAN: the packet is the bridge's own router's, with a tag that nobody minds. */
static void test_R21_a_priority_tag_beside_the_frame(void **state)
{
	struct wire_frame frame;

	(void)state;
	make_tagged(&frame, PEER, THIRD_V4, 64, TAG(0xe000));
	check_routed(lab.leg_far, &frame, ETH_HLEN + 4);
}

static void test_R23_a_tag_beside_the_frame_on_a_plain_bridge(void **state)
{
	struct wire_frame frame;

	(void)state;
	make_tagged(&frame, PEER, THIRD_V4, 64, TAG(10));
	check_crosses(lab.leg_far, &frame);
}

/*
 * The bridge is said to have VLANs, so its own router gets VLAN 10 of all that it does not know:
 * what is rewritten is seen no more.
 */
static void test_R20_by_vlan_of_a_tag_beside_the_frame(void **state)
{
	struct wire_frame frame;

	(void)state;
	set_domain(true, true);
	set_port(lab.leg, MLAG_PORT_LEG, 11);
	set_router(10, PEER, MLAG_OWNER_PEER);
	make_tagged(&frame, PEER, THIRD_V4, 64, TAG(10));
	wire_send(lab.leg_far, &frame);
	expect_silence();
	assert_int_equal(count(lab.leg, MLAG_REASON_ROUTED_FOR_PEER), 1);
	make_tagged(&frame, PEER, PEER_V4, 1, TAG(10)); /* R22, its tag kept */
	check_crosses(lab.leg_far, &frame);
	assert_int_equal(count(lab.leg, MLAG_REASON_TO_PEER), 1);
	make_tagged(&frame, PEER, THIRD_V4, 64, TAG(12)); /* no router's */
	check_crosses(lab.leg_far, &frame);
	make_tagged(&frame, PEER, THIRD_V4, 64, WIRE_TAG(ETH_P_8021AD, 10));
	check_crosses(lab.leg_far, &frame);
	assert_int_equal(count(lab.leg, MLAG_REASON_NOT_ROUTABLE), 0);
	set_port(lab.leg, MLAG_PORT_LEG, 10);
	check_crosses(lab.leg_far, &frame); /* in VLAN 10, and not IP */
	assert_int_equal(count(lab.leg, MLAG_REASON_NOT_ROUTABLE), 1);
	make(&frame, PEER, THIRD_V4, 64); /* in VLAN 10 too; of a plain bridge, so it is routed */
	check_routed(lab.leg_far, &frame, ETH_HLEN);
}

/* The last one: the network stays in the VRF. */
static void test_R21_in_a_vrf(void **state)
{
	struct wire_frame frame;

	(void)state;
	if (!ip_make_vrf("red", 100)) {
		skip();
	}
	ip_enslave("br0", "red");
	ip_enslave("out", "red");
	set_up_routing();
	wait_forwarding();
	drain();
	lab.domain = 77;
	fill_maps();
	make(&frame, PEER, THIRD_V4, 64);
	check_routed(lab.leg_far, &frame, ETH_HLEN);
	make(&frame, PEER, THIRD_V6, 64);
	check_routed(lab.leg_far, &frame, ETH_HLEN);
	make(&frame, PEER, PEER_V4, 1);
	check_crosses(lab.leg_far, &frame);
	make(&frame, PEER, NOWHERE_V4, 64);
	check_crosses(lab.leg_far, &frame);
	make(&frame, PEER, NOWHERE_V6, 64);
	check_crosses(lab.leg_far, &frame);
	make(&frame, PEER, "10.0.10.255", 64);
	check_crosses(lab.leg_far, &frame);
	assert_int_equal(count(lab.leg, MLAG_REASON_ROUTED_FOR_PEER), 2);
	assert_int_equal(count(lab.leg, MLAG_REASON_NO_ROUTE), 3);
}

static int set_up_network(void **state)
{
	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	lab.leg = wire_make_port("leg", "leg-far", lab.bridge);
	lab.peer_link = wire_make_port("pl", "pl-far", lab.bridge);
	lab.orphan = wire_make_port("orphan", "orphan-far", lab.bridge);
	(void)wire_make_port("out", "out-far", 0);
	lab.leg_far = wire_open("leg-far");
	lab.peer_link_far = wire_open("pl-far");
	lab.orphan_far = wire_open("orphan-far");
	lab.out_far = wire_open("out-far");
	wire_pin_mac("pl", PEER);
	wire_get_mac("br0", lab.own_mac);
	wire_get_mac("out", lab.out_mac);
	set_up_routing();
	wait_forwarding();
	return 0;
}

static int set_up(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};

	(void)state;
	drain();
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	fill_maps();
	attach_all();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	datapath_close(lab.dp);
	return 0;
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_without_the_program_all_goes_to_the_peer),
		test(test_R20_our_own_mac_is_routed_as_ever),
		test(test_R21_third_party_is_routed_here_once),
		test(test_R21_waits_for_the_peers_addresses),
		test(test_R21_keeps_the_sender_learned),
		test(test_R22_the_peers_address_is_left_to_the_peer),
		test(test_R22_our_address_is_taken_here),
		test(test_R23_what_is_not_routed_goes_to_the_peer),
		test(test_R24_the_last_hop_is_told_from_here),
		test(test_R24_no_hop_left_is_dropped),
		test(test_R25_without_a_route_it_goes_to_the_peer),
		test(test_R21_a_priority_tag_beside_the_frame),
		test(test_R23_a_tag_beside_the_frame_on_a_plain_bridge),
		test(test_R20_by_vlan_of_a_tag_beside_the_frame),
		test(test_R21_in_a_vrf),
	};

	return cmocka_run_group_tests(tests, set_up_network, NULL);
}
