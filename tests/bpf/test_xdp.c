// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fast entry of `receive` on the wire: XDP in the driver of veth ports of a bridge, with the
 * programs at tc behind it.  What a redirect at XDP ends as, that nothing is done twice, and what
 * goes on to tc and to the bridge can be seen only here.  To show that a frame went by XDP, the filter
 * at tc is taken away for it.  See test_xdp_device.c for how XDP gets to a device.
 *
 * The bridge need not filter VLANs; see test_attach.c.  The far ends have GRO on, so that they take
 * what is redirected to them.
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
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/datapath.h"
#include "ip.h"
#include "shortcut.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define LAG_IN 7
#define LAG_OUT 8
#define SOON_MS 1000  /* a frame that should come does so by then */
#define SILENCE_MS 30 /* one that should not would have come by then */
#define TAG(tci) WIRE_TAG(ETH_P_8021Q, tci)
#define ALL_SHORTCUTS (MLAG_SHORTCUT_TO_PEER | MLAG_SHORTCUT_ROUTED)

#define HOST_V4 "10.0.10.5"
#define HOST_V6 "2001:db8:10::5"
#define PEER_V4 "10.0.10.2"
#define PEER_V6 "2001:db8:10::2"
#define THIRD_V4 "10.0.20.9"
#define THIRD_V6 "2001:db8:20::9"
#define NOWHERE_V4 "10.99.0.1"

static struct {
	struct datapath *dp;
	uint32_t bridge, leg, out, peer_link;
	int leg_far, out_far, peer_link_far;
	uint8_t own_mac[6];
	struct mlag_domain domain;
	struct mlag_port port; /* the leg that frames come by */
	struct mlag_port exit; /* the one that they leave by */
	uint64_t sender_seen_ms;
} lab;

static const uint8_t HOST[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t PEER[6] = {0x02, 0, 0, 0, 1, 0x02};
static const uint8_t THIRD[6] = {0x02, 0, 0, 0, 2, 0x09}; /* behind the other leg */

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("log: %s\n", text);
}

static void make_tagged(struct wire_frame *ret, const uint8_t *mac, const char *address,
			uint8_t hop_limit, uint32_t tag)
{
	struct ip_packet packet = {
		.destination_mac = mac,
		.source_mac = HOST,
		.tags = {tag},
		.source = strchr(address, ':') ? HOST_V6 : HOST_V4,
		.destination = address,
		.hop_limit = hop_limit,
	};

	ip_frame_make(ret, &packet);
}

static void make(struct wire_frame *ret, const char *address, uint8_t hop_limit)
{
	make_tagged(ret, PEER, address, hop_limit, 0);
}

static void expect(int socket, const struct wire_frame *expected)
{
	struct wire_frame frame;

	assert_int_equal(wire_receive(socket, SOON_MS, &frame), expected->size);
	assert_memory_equal(frame.bytes, expected->bytes, expected->size);
}

static void drain(void)
{
	const int sockets[] = {lab.leg_far, lab.out_far, lab.peer_link_far};
	struct wire_frame frame;

	usleep(SILENCE_MS * 1000);
	for (uint32_t index = 0; index < ARRAY_SIZE(sockets); index++) {
		while (wire_receive(sockets[index], 0, &frame)) {
			continue;
		}
	}
}

/* Of no far end comes anything more, so that what came, came once. */
static void expect_silence(void)
{
	const int sockets[] = {lab.leg_far, lab.out_far, lab.peer_link_far};
	struct wire_frame frame;

	usleep(SILENCE_MS * 1000);
	for (uint32_t index = 0; index < ARRAY_SIZE(sockets); index++) {
		assert_int_equal(wire_receive(sockets[index], 0, &frame), 0);
	}
}

/* What is routed: a hop further, from our MAC to the next hop's, with a tag or none. */
static void routed(struct wire_frame *ret, const struct wire_frame *frame, uint32_t ip_offset,
		   uint32_t tag)
{
	uint32_t tags[1] = {tag};

	wire_frame_make(ret, THIRD, lab.own_mac, tags, 1, 0);
	memcpy(ret->bytes + ret->size - 2, frame->bytes + ip_offset - 2,
	       frame->size - ip_offset + 2);
	ip_take_hop(ret, ret->size);
	ret->size += frame->size - ip_offset;
}

static void check_routed(const struct wire_frame *frame)
{
	struct wire_frame expected;

	routed(&expected, frame, ETH_HLEN, 0);
	wire_send(lab.leg_far, frame);
	expect(lab.out_far, &expected);
	expect_silence();
}

static void check_crosses(const struct wire_frame *frame)
{
	wire_send(lab.leg_far, frame);
	expect(lab.peer_link_far, frame);
	expect_silence();
}

struct counter {
	uint32_t ifindex;
	enum mlag_reason reason;
	uint64_t packets, bytes;
};

static void on_counter(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
		       uint64_t bytes)
{
	struct counter *counter = user;

	if (ifindex == counter->ifindex && reason == counter->reason) {
		counter->packets = packets;
		counter->bytes = bytes;
	}
}

static struct counter count(enum mlag_reason reason)
{
	struct counter counter = {.ifindex = lab.leg, .reason = reason};

	assert_int_equal(datapath_counters(lab.dp, on_counter, &counter), 0);
	return counter;
}

static void set_address(const char *text, enum mlag_owner owner)
{
	struct mlag_address address = {0};

	address.family = ip_parse(text, address.octets);
	assert_int_equal(datapath_set_address(lab.dp, &address, (uint8_t)owner), 0);
}

static void set_router(const uint8_t *mac, enum mlag_owner owner)
{
	struct mlag_router_key key = {0};
	struct mlag_router router = {.own_ifindex = lab.bridge, .owner = (uint8_t)owner};

	memcpy(key.mac, mac, sizeof(key.mac));
	memcpy(router.own_mac, lab.own_mac, sizeof(router.own_mac));
	assert_int_equal(datapath_set_router(lab.dp, &key, &router), 0);
}

/* The maps after something in lab was changed. */
static void write_state(void)
{
	assert_int_equal(datapath_set_domain(lab.dp, &lab.domain), 0);
	assert_int_equal(datapath_set_port(lab.dp, lab.leg, &lab.port), 0);
	assert_int_equal(datapath_set_port(lab.dp, lab.out, &lab.exit), 0);
}

/* The bridge sees the sender, by a frame that goes to the peer; then there is no tc. */
static void leave_it_to_xdp(uint32_t tag)
{
	struct wire_frame frame;

	wire_frame_make(&frame, PEER, HOST, &tag, 1, 46);
	wire_send(lab.leg_far, &frame);
	drain();
	wire_remove_filter(lab.leg);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* On a busy machine the sender may be due again before a test has seen what it wants to. */
static bool sender_may_be_due(void)
{
	return now_ms() - lab.sender_seen_ms > 900;
}

/* As leave_it_to_xdp(), when the sender was seen before, but perhaps not in this second. */
static void leave_it_to_xdp_again(uint32_t tag)
{
	struct mlag_domain slow = lab.domain;

	slow.shortcuts = MLAG_SHORTCUT_ROUTED; /* the sender takes the slow way */
	assert_int_equal(datapath_set_domain(lab.dp, &slow), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	lab.sender_seen_ms = now_ms();
	leave_it_to_xdp(tag);
	write_state();
}

static void test_R21_third_party_is_routed_at_xdp(void **state)
{
	struct wire_frame frame;

	(void)state;
	leave_it_to_xdp(0);
	make(&frame, THIRD_V4, 64);
	check_routed(&frame);
	make(&frame, THIRD_V6, 2);
	check_routed(&frame);
	assert_int_equal(count(MLAG_REASON_ROUTED_FOR_PEER).packets, 2);
}

/* Every checksum there is comes out right: all of TTL and identification, by their sum. */
static void test_R21_checksum_after_a_hop(void **state)
{
	(void)state;
	for (uint32_t sum = 0; sum <= 0xffff; sum++) {
		struct wire_frame frame, expected;
		uint8_t *header = frame.bytes + ETH_HLEN;

		make(&frame, THIRD_V4, (uint8_t)(2 + sum % 254));
		header[4] = (uint8_t)(sum >> 8);
		header[5] = (uint8_t)sum;
		ip_set_checksum(&frame, ETH_HLEN);
		expected = frame;
		ip_take_hop(&expected, ETH_HLEN);
		mlag_packet_take_hop_ipv4(header);
		assert_memory_equal(frame.bytes, expected.bytes, expected.size);
	}
}

static void test_R22_R23_R25_go_to_the_peer_at_xdp(void **state)
{
	struct wire_frame frame;

	(void)state;
	leave_it_to_xdp(0);
	make(&frame, PEER_V4, 1);
	check_crosses(&frame);
	make(&frame, PEER_V6, 1);
	check_crosses(&frame);
	make(&frame, "fe80::2", 1);
	check_crosses(&frame);
	make(&frame, NOWHERE_V4, 64);
	check_crosses(&frame);
	assert_int_equal(count(MLAG_REASON_TO_PEER).packets, 2);
	assert_int_equal(count(MLAG_REASON_NO_ROUTE).packets, 1);
	assert_int_equal(count(MLAG_REASON_NO_ROUTE).bytes, frame.size);
}

static void test_R24_drops_are_counted_at_xdp(void **state)
{
	struct wire_frame frame;

	(void)state;
	wire_remove_filter(lab.leg);
	make(&frame, THIRD_V4, 0);
	wire_send(lab.leg_far, &frame);
	make_tagged(&frame, lab.own_mac, THIRD_V6, 0, 0);
	wire_send(lab.leg_far, &frame);
	expect_silence();
	assert_int_equal(count(MLAG_REASON_TTL_ZERO).packets, 2);
}

/* TTL 1 is the kernel's to answer, by way of tc, and is counted once. */
static void test_R24_the_last_hop_goes_on_to_tc(void **state)
{
	enum { ICMP_OFFSET = ETH_HLEN + 20, TIME_EXCEEDED = 11 };
	struct wire_frame frame, error;

	(void)state;
	make(&frame, THIRD_V4, 1);
	wire_send(lab.leg_far, &frame);
	assert_true(wire_receive(lab.leg_far, SOON_MS, &error) > ICMP_OFFSET);
	assert_int_equal(error.bytes[ICMP_OFFSET], TIME_EXCEEDED);
	expect_silence();
	assert_int_equal(count(MLAG_REASON_ROUTED_FOR_PEER).packets, 1);
}

/* The first frame of a sender goes the slow way, and one each second: the bridge learns of it. */
static void test_the_sender_stays_learned(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, THIRD_V4, 64);
	check_routed(&frame); /* the slow way */
	wire_remove_filter(lab.leg);
	check_routed(&frame); /* by XDP */
	usleep(1300 * 1000);
	check_crosses(&frame); /* XDP leaves it to tc, which is not there, and the bridge to PL */
}

static void test_a_sender_that_moved_goes_the_slow_way(void **state)
{
	struct mlag_port orphan = {.forwards = {1}};
	struct wire_frame frame;

	(void)state;
	leave_it_to_xdp(0);
	make(&frame, THIRD_V4, 64);
	check_routed(&frame);
	/* The entry is said to be another port's, as a slave that moved to another bond. */
	assert_int_equal(datapath_set_port(lab.dp, lab.bridge, &orphan), 0);
	assert_int_equal(datapath_delete_port(lab.dp, lab.leg), 0);
	assert_int_equal(datapath_set_entry(lab.dp, lab.leg, lab.bridge), 0);
	check_crosses(&frame);
	assert_int_equal(datapath_set_entry(lab.dp, lab.leg, 0), 0);
	assert_int_equal(datapath_delete_port(lab.dp, lab.bridge), 0);
}

/* A slave of a bond counts as its bond while it collects; else nothing happens at XDP. */
static void test_a_slave_acts_for_its_bond_while_it_collects(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, THIRD_V4, 0);
	wire_remove_filter(lab.leg);
	assert_int_equal(datapath_delete_port(lab.dp, lab.leg), 0);
	check_crosses(&frame); /* no entry: XDP lets pass what it would drop */
	assert_int_equal(datapath_set_port(lab.dp, lab.bridge, &lab.port), 0);
	assert_int_equal(datapath_set_entry(lab.dp, lab.leg, lab.bridge), 0);
	wire_send(lab.leg_far, &frame);
	expect_silence();
	assert_int_equal(datapath_set_entry(lab.dp, lab.leg, 0), 0);
	check_crosses(&frame);
	assert_int_equal(datapath_delete_port(lab.dp, lab.bridge), 0);
}

static void test_shortcuts_obey_the_ingress_port(void **state)
{
	struct wire_frame frame;

	(void)state;
	leave_it_to_xdp(0);
	make(&frame, THIRD_V4, 64);
	check_routed(&frame);
	lab.port.guarded = 1; /* locked */
	write_state();
	check_crosses(&frame); /* the bridge's way, with no tc */
	lab.port.guarded = 0;
	lab.port.forwards[0] = 0; /* blocked */
	write_state();
	check_crosses(&frame);
	lab.port.forwards[0] = 1;
	lab.port.gate = MLAG_GATE_UNICAST; /* what comes by it is to be seen at tc */
	write_state();
	check_crosses(&frame);
	lab.port.gate = MLAG_GATE_OPEN;
	write_state();
	check_routed(&frame);
}

static void test_R21_obeys_the_port_it_leaves_by(void **state)
{
	struct wire_frame frame;

	(void)state;
	leave_it_to_xdp(0);
	make(&frame, THIRD_V4, 64);
	lab.exit.gate = MLAG_GATE_CLOSED;
	write_state();
	check_crosses(&frame);
	lab.exit.gate = MLAG_GATE_UNICAST;
	write_state();
	check_routed(&frame);
	lab.exit.forwards[0] = 0;
	write_state();
	check_crosses(&frame);
	assert_int_equal(datapath_set_exit(lab.dp, lab.out, false), 0);
	lab.exit.forwards[0] = 1;
	write_state();
	check_crosses(&frame); /* its driver takes no redirects */
	assert_int_equal(datapath_set_exit(lab.dp, lab.out, true), 0);
	check_routed(&frame);
}

static void set_vlans(uint16_t ingress_vid, uint16_t untagged_vid)
{
	struct mlag_router_key key = {.vlan = 10};
	struct mlag_router router = {.own_ifindex = lab.bridge, .owner = MLAG_OWNER_PEER};
	struct mlag_source_key source_key = {.vlan = 20};
	struct mlag_source source = {.lag_id = LAG_OUT, .known = 1, .ifindex = lab.out};
	struct mlag_svi svi = {.vlan = 20};

	memcpy(key.mac, PEER, sizeof(key.mac));
	memcpy(router.own_mac, lab.own_mac, sizeof(router.own_mac));
	memcpy(source_key.mac, THIRD, sizeof(source_key.mac));
	assert_int_equal(datapath_set_router(lab.dp, &key, &router), 0);
	assert_int_equal(datapath_set_source(lab.dp, &source_key, &source), 0);
	assert_int_equal(datapath_set_svi(lab.dp, lab.bridge, &svi), 0);
	lab.domain.vlan_aware = 1;
	lab.domain.peer_link_forwards[0] = 1 << 10;
	lab.port.ingress_vid = ingress_vid;
	lab.port.forwards[0] = 1 << 10;
	lab.exit.forwards[0] = 1 << 20;
	lab.exit.untagged_vid = untagged_vid;
	write_state();
}

static void check_tags(const struct wire_frame *frame, uint32_t ip_offset, uint32_t tag)
{
	struct wire_frame expected;

	routed(&expected, frame, ip_offset, tag);
	wire_send(lab.leg_far, frame);
	expect(lab.out_far, &expected);
	expect_silence();
}

static void test_R21_tags(void **state)
{
	struct wire_frame tagged, untagged;

	(void)state;
	make_tagged(&tagged, PEER, THIRD_V4, 64, TAG(10));
	make(&untagged, THIRD_V4, 64);
	set_vlans(10, 0);
	leave_it_to_xdp(TAG(10));
	check_tags(&tagged, ETH_HLEN + 4, TAG(20));
	check_tags(&untagged, ETH_HLEN, TAG(20));
	set_vlans(10, 20);
	check_tags(&tagged, ETH_HLEN + 4, 0);
	check_tags(&untagged, ETH_HLEN, 0);
}

static void test_R22_tags(void **state)
{
	struct wire_frame tagged, untagged;

	(void)state;
	make_tagged(&tagged, PEER, PEER_V4, 1, TAG(10));
	make(&untagged, PEER_V4, 1);
	set_vlans(10, 0);
	leave_it_to_xdp(TAG(10));
	for (uint32_t attempt = 0; attempt < 3; attempt++) { /* the last by heart */
		check_crosses(&tagged);
		wire_send(lab.leg_far, &untagged);
		expect(lab.peer_link_far, &tagged);
	}
	lab.domain.peer_link_untagged_vid = 10;
	leave_it_to_xdp_again(TAG(10));
	for (uint32_t attempt = 0; attempt < 3; attempt++) {
		check_crosses(&untagged);
		wire_send(lab.leg_far, &tagged);
		expect(lab.peer_link_far, &untagged);
	}
	expect_silence();
	assert_int_equal(count(MLAG_REASON_TO_PEER).packets, 12);
}

/* Whether a frame that crosses was sent by XDP: what takes the bridge's way is not counted. */
static bool crosses_by_xdp(const struct wire_frame *frame)
{
	uint64_t before = count(MLAG_REASON_TO_PEER).packets;

	check_crosses(frame);
	return count(MLAG_REASON_TO_PEER).packets > before;
}

/* Often enough that the program knows it by heart; its sender was seen less than a second ago. */
static void learn(const struct wire_frame *frame)
{
	uint32_t times;

	do {
		leave_it_to_xdp_again(0);
		times = 0;
		while (times < 3 && crosses_by_xdp(frame)) {
			times++;
		}
	} while (times < 3 && sender_may_be_due());
	assert_int_equal(times, 3);
}

/* This suite can fail: a row that is taken away without a new epoch is not missed. */
static void test_R22_is_not_looked_up_again_within_an_epoch(void **state)
{
	const char *const addresses[] = {PEER_V4, PEER_V6};
	struct datapath_maps maps;
	struct wire_frame frame;
	uint64_t before;

	(void)state;
	datapath_get_maps(lab.dp, &maps);
	for (uint32_t index = 0; index < ARRAY_SIZE(addresses); index++) {
		struct mlag_address address = {0};
		bool crossed;

		address.family = ip_parse(addresses[index], address.octets);
		make(&frame, addresses[index], 1);
		do {
			set_address(addresses[index], MLAG_OWNER_PEER);
			learn(&frame);
			assert_int_equal(bpf_map_delete_elem(maps.addresses, &address), 0);
			crossed = crosses_by_xdp(&frame);
		} while (!crossed && sender_may_be_due());
		assert_true(crossed);
	}
	before = count(MLAG_REASON_TO_PEER).packets;
	write_state();
	make(&frame, PEER_V4, 1);
	wire_send(lab.leg_far, &frame);
	drain();
	assert_int_equal(count(MLAG_REASON_TO_PEER).packets, before);
}

static void test_R22_follows_each_row_at_once(void **state)
{
	struct mlag_port port;
	struct mlag_domain domain;
	struct wire_frame frame;
	uint64_t before;

	(void)state;
	port = lab.port;
	domain = lab.domain;
	make(&frame, PEER_V4, 1);
	for (uint32_t change = 0; change < 6; change++) {
		learn(&frame);
		lab.port.guarded = change == 0;
		lab.port.forwards[0] = change != 1;
		lab.port.gate = change == 2 ? MLAG_GATE_UNICAST : MLAG_GATE_OPEN;
		lab.domain.shortcuts = change == 3 ? 0 : ALL_SHORTCUTS;
		lab.domain.peer_link_forwards[0] = change != 4;
		lab.domain.route_for_peer = change != 5;
		if (change < 3) {
			assert_int_equal(datapath_set_port(lab.dp, lab.leg, &lab.port), 0);
		} else {
			assert_int_equal(datapath_set_domain(lab.dp, &lab.domain), 0);
		}
		assert_false(crosses_by_xdp(&frame));
		lab.port = port;
		lab.domain = domain;
		write_state();
	}
	learn(&frame);
	before = count(MLAG_REASON_TO_PEER).packets;
	set_address(PEER_V4, MLAG_OWNER_NONE);
	wire_send(lab.leg_far, &frame);
	drain();
	set_address(PEER_V4, MLAG_OWNER_SELF);
	wire_send(lab.leg_far, &frame);
	drain();
	assert_int_equal(count(MLAG_REASON_TO_PEER).packets, before);
	set_address(PEER_V4, MLAG_OWNER_PEER);
	learn(&frame);
	set_router(PEER, MLAG_OWNER_SELF);
	assert_false(crosses_by_xdp(&frame));
	set_router(PEER, MLAG_OWNER_PEER);
	learn(&frame);
	before = count(MLAG_REASON_TO_PEER).packets;
	assert_int_equal(datapath_delete_port(lab.dp, lab.leg), 0);
	check_crosses(&frame);
	write_state();
	assert_int_equal(count(MLAG_REASON_TO_PEER).packets, before);
}

static void test_R22_known_by_heart_is_of_one_slave_sender_and_packet(void **state)
{
	static const uint8_t ANOTHER[6] = {0x02, 0, 0, 0, 0, 0x0b};
	struct wire_frame frame, other;

	(void)state;
	make(&frame, PEER_V4, 1);
	learn(&frame);
	make(&other, THIRD_V4, 64);
	check_routed(&other);
	make(&other, PEER_V4, 1);
	memcpy(other.bytes + 6, ANOTHER, sizeof(ANOTHER));
	assert_false(crosses_by_xdp(&other)); /* the bridge has not seen it yet */
	other = frame;
	other.bytes[ETH_HLEN + 3]++; /* longer than there is */
	wire_send(lab.leg_far, &other);
	expect_silence();
	assert_int_equal(count(MLAG_REASON_MALFORMED).packets, 1);
	usleep(1300 * 1000);
	assert_false(crosses_by_xdp(&frame)); /* the bridge is to see its sender again */
	/* The slave of another bond: its sender came by another port. */
	learn(&frame);
	assert_int_equal(datapath_delete_port(lab.dp, lab.leg), 0);
	assert_int_equal(datapath_set_port(lab.dp, lab.bridge, &lab.port), 0);
	assert_int_equal(datapath_set_entry(lab.dp, lab.leg, lab.bridge), 0);
	assert_false(crosses_by_xdp(&frame));
	assert_int_equal(datapath_set_entry(lab.dp, lab.leg, 0), 0);
	assert_false(crosses_by_xdp(&frame));
	assert_int_equal(datapath_delete_port(lab.dp, lab.bridge), 0);
}

/* A host on an access port is not let into another VLAN. */
static void test_a_tag_of_another_vlan_gets_nowhere_by_xdp(void **state)
{
	struct wire_frame frame;

	(void)state;
	set_vlans(11, 0);
	lab.port.forwards[0] = 1 << 11;
	write_state();
	leave_it_to_xdp(TAG(10));
	make_tagged(&frame, PEER, PEER_V4, 1, TAG(10));
	check_crosses(&frame); /* the bridge's way: this one minds no VLANs */
	assert_int_equal(count(MLAG_REASON_TO_PEER).packets, 0);
}

static void fill_maps(void)
{
	struct mlag_port peer_link = {.kind = MLAG_PORT_PEER_LINK, .forwards = {1}};
	struct mlag_source_key key = {0};
	struct mlag_source source = {.lag_id = LAG_OUT, .known = 1, .ifindex = lab.out};
	struct mlag_source peer = {.known = 1, .peer_knows = 1};
	struct mlag_svi svi = {0};

	memcpy(key.mac, PEER, sizeof(key.mac));
	assert_int_equal(datapath_set_source(lab.dp, &key, &peer), 0);
	memcpy(key.mac, THIRD, sizeof(key.mac));
	lab.domain = (struct mlag_domain){
		.peer_link_ifindex = lab.peer_link,
		.route_for_peer = 1,
		.shortcuts = ALL_SHORTCUTS,
		.peer_link_forwards = {1},
	};
	lab.port = (struct mlag_port){
		.kind = MLAG_PORT_LEG,
		.gate = MLAG_GATE_OPEN,
		.lag_id = LAG_IN,
		.forwards = {1},
	};
	lab.exit = lab.port;
	lab.exit.lag_id = LAG_OUT;
	set_address(PEER_V4, MLAG_OWNER_PEER);
	set_address(PEER_V6, MLAG_OWNER_PEER);
	set_router(PEER, MLAG_OWNER_PEER);
	set_router(lab.own_mac, MLAG_OWNER_SELF);
	assert_int_equal(datapath_set_source(lab.dp, &key, &source), 0);
	assert_int_equal(datapath_set_svi(lab.dp, lab.bridge, &svi), 0);
	assert_int_equal(datapath_set_port(lab.dp, lab.peer_link, &peer_link), 0);
	assert_int_equal(datapath_set_exit(lab.dp, lab.out, true), 0);
	assert_int_equal(datapath_set_exit(lab.dp, lab.peer_link, true), 0);
	write_state();
}

static void set_up_routing(void)
{
	static const char *const DEVICES[] = {"br0"};

	ip_enable(DEVICES, ARRAY_SIZE(DEVICES));
	ip_set_redirects("br0", false);
	ip_add_address("br0", "10.0.10.1/24");
	ip_add_address("br0", "2001:db8:10::1/64");
	ip_add_address("br0", "10.0.20.1/24");
	ip_add_address("br0", "2001:db8:20::1/64");
	ip_add_neighbor("br0", THIRD_V4, THIRD);
	ip_add_neighbor("br0", THIRD_V6, THIRD);
	ip_add_neighbor("br0", HOST_V4, HOST);
}

static int set_up_network(void **state)
{
	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	lab.leg = wire_make_port("leg", "leg-far", lab.bridge);
	lab.peer_link = wire_make_port("pl", "pl-far", lab.bridge);
	lab.out = wire_make_port("out", "out-far", lab.bridge);
	wire_set_feature("out-far", WIRE_GRO, true);
	wire_set_feature("pl-far", WIRE_GRO, true);
	lab.leg_far = wire_open("leg-far");
	lab.peer_link_far = wire_open("pl-far");
	lab.out_far = wire_open("out-far");
	wire_pin_mac("pl", PEER);
	wire_pin_mac("out", THIRD);
	wire_pin_mac("leg", HOST);
	wire_get_mac("br0", lab.own_mac);
	set_up_routing();
	wire_wait_forwarding(lab.leg_far, lab.peer_link_far);
	wire_wait_forwarding(lab.out_far, lab.peer_link_far);
	ip_wait_local();
	return 0;
}

static int set_up(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};
	char reason[XDP_REASON_SIZE];

	(void)state;
	drain();
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	fill_maps();
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.out, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
	assert_int_equal(datapath_attach_xdp(lab.dp, lab.leg, reason), 0);
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
		test(test_R21_third_party_is_routed_at_xdp),
		test(test_R21_checksum_after_a_hop),
		test(test_R22_R23_R25_go_to_the_peer_at_xdp),
		test(test_R24_drops_are_counted_at_xdp),
		test(test_R24_the_last_hop_goes_on_to_tc),
		test(test_the_sender_stays_learned),
		test(test_a_sender_that_moved_goes_the_slow_way),
		test(test_a_slave_acts_for_its_bond_while_it_collects),
		test(test_shortcuts_obey_the_ingress_port),
		test(test_R21_obeys_the_port_it_leaves_by),
		test(test_R21_tags),
		test(test_R22_tags),
		test(test_R22_is_not_looked_up_again_within_an_epoch),
		test(test_R22_follows_each_row_at_once),
		test(test_R22_known_by_heart_is_of_one_slave_sender_and_packet),
		test(test_a_tag_of_another_vlan_gets_nowhere_by_xdp),
	};

	return cmocka_run_group_tests(tests, set_up_network, NULL);
}
