// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames that nobody sent: the programs say of them what they would do, and nothing is counted, no
 * partner is proven and no frame leaves.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/datapath.h"
#include "datapath/trial.h"
#include "ip.h"
#include "isolate.skel.h"
#include "receive.skel.h"
#include "redirects.skel.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define LAG 7

static struct {
	struct datapath *dp;
	struct datapath_trial *trial;
	uint32_t svi, leg, peer_link, port;
} lab;

static const uint8_t HOST_MAC[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t OTHER_MAC[6] = {0x02, 0, 0, 0, 0, 0x0b};
static const uint8_t OUR_MAC[6] = {0x02, 0, 0, 0, 1, 0x01};
static const uint8_t PEER_MAC[6] = {0x02, 0, 0, 0, 1, 0x02};
static const uint8_t GROUP_MAC[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* ---- what the maps hold --------------------------------------------------------------------- */

static void set_domain(bool vlan_aware, uint16_t untagged_vid)
{
	struct mlag_domain domain = {
		.peer_link_ifindex = lab.peer_link,
		.peer_link_untagged_vid = untagged_vid,
		.vlan_aware = vlan_aware,
		.route_for_peer = 1,
	};

	assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
}

static void set_leg(enum mlag_gate gate, uint16_t isolated_vid, uint16_t untagged_vid)
{
	struct mlag_port port = {
		.kind = MLAG_PORT_LEG,
		.gate = (uint8_t)gate,
		.lag_id = LAG,
		.untagged_vid = untagged_vid,
		.ingress_vid = untagged_vid,
	};

	port.isolated[isolated_vid / 64] = UINT64_C(1) << (isolated_vid % 64);
	assert_int_equal(datapath_set_port(lab.dp, lab.leg, &port), 0);
}

static void set_routers(uint16_t vlan)
{
	struct mlag_router own = {.owner = MLAG_OWNER_SELF, .own_ifindex = lab.svi};
	struct mlag_router peer = {.owner = MLAG_OWNER_PEER, .own_ifindex = lab.svi};
	struct mlag_router_key key = {.vlan = vlan};
	struct mlag_address address = {.family = 4, .octets = {10, 0, 10, 2}};

	memcpy(own.own_mac, OUR_MAC, 6);
	memcpy(peer.own_mac, OUR_MAC, 6);
	memcpy(key.mac, OUR_MAC, 6);
	assert_int_equal(datapath_set_router(lab.dp, &key, &own), 0);
	memcpy(key.mac, PEER_MAC, 6);
	assert_int_equal(datapath_set_router(lab.dp, &key, &peer), 0);
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_PEER), 0);
}

/* ---- a run ---------------------------------------------------------------------------------- */

static int on_frame(const struct wire_frame *frame, enum datapath_program program, uint32_t at,
		    uint32_t from, uint16_t tag, struct mlag_decision *ret)
{
	struct datapath_question question = {
		.program = program,
		.ifindex = at,
		.ingress_ifindex = from,
		.tagged = tag != 0,
		.tci = tag,
		.bytes = frame->bytes,
		.size = frame->size,
	};

	return datapath_trial_run(lab.trial, &question, ret);
}

static void expect(enum datapath_program program, const struct wire_frame *frame, uint32_t at,
		   uint32_t from, uint16_t tag, enum mlag_action action, enum mlag_reason reason)
{
	struct mlag_decision decision = {MLAG_ACTION_NONE, MLAG_REASON_NONE};

	assert_int_equal(on_frame(frame, program, at, from, tag, &decision), 0);
	assert_int_equal(decision.action, action);
	assert_int_equal(decision.reason, reason);
}

static void received(const uint8_t *to, const char *ip, uint8_t ttl, uint16_t tag,
		     enum mlag_action action, enum mlag_reason reason)
{
	struct ip_packet packet = {
		.destination_mac = to,
		.source_mac = HOST_MAC,
		.source = "10.0.10.9",
		.destination = ip,
		.hop_limit = ttl,
	};
	struct wire_frame frame;

	ip_frame_make(&frame, &packet);
	expect(DATAPATH_PROGRAM_RECEIVE, &frame, lab.leg, lab.leg, tag, action, reason);
}

static void sent(enum datapath_program program, const uint8_t *to, uint32_t at, uint32_t from,
		 uint16_t tag, enum mlag_action action, enum mlag_reason reason)
{
	struct wire_frame frame;

	wire_frame_make(&frame, to, HOST_MAC, NULL, 0, 46);
	expect(program, &frame, at, from, tag, action, reason);
}

static void test_receive_decides_as_on_the_wire(void **state)
{
	(void)state;
	set_domain(false, 0);
	set_leg(MLAG_GATE_OPEN, 0, 0);
	set_routers(0);
	received(PEER_MAC, "10.0.20.9", 64, 0, MLAG_ACTION_REWRITE, MLAG_REASON_ROUTED_FOR_PEER);
	received(PEER_MAC, "10.0.10.2", 1, 0, MLAG_ACTION_PASS, MLAG_REASON_TO_PEER);
	received(PEER_MAC, "169.254.1.1", 1, 0, MLAG_ACTION_PASS, MLAG_REASON_NOT_ROUTABLE);
	received(PEER_MAC, "10.0.20.9", 0, 0, MLAG_ACTION_DROP, MLAG_REASON_TTL_ZERO);
	received(PEER_MAC, "10.99.0.1", 64, 0, MLAG_ACTION_PASS, MLAG_REASON_NO_ROUTE);
	received(OUR_MAC, "10.0.20.9", 64, 0, MLAG_ACTION_PASS, MLAG_REASON_NONE);
	received(OTHER_MAC, "10.0.20.9", 0, 0, MLAG_ACTION_PASS, MLAG_REASON_NONE);
}

/* BPF_PROG_TEST_RUN alone cannot do this: the tag is beside the frame, as the kernel has it. */
static void test_a_tag_is_beside_the_frame(void **state)
{
	(void)state;
	set_domain(true, 5);
	set_leg(MLAG_GATE_OPEN, 10, 20);
	set_routers(10);
	received(PEER_MAC, "10.0.20.9", 64, 10, MLAG_ACTION_REWRITE, MLAG_REASON_ROUTED_FOR_PEER);
	received(PEER_MAC, "10.0.20.9", 64, 0xe00a, MLAG_ACTION_REWRITE,
		 MLAG_REASON_ROUTED_FOR_PEER);
	received(PEER_MAC, "10.0.20.9", 64, 0, MLAG_ACTION_PASS, MLAG_REASON_NONE);
	received(PEER_MAC, "10.0.20.9", 64, 11, MLAG_ACTION_PASS, MLAG_REASON_NONE);
	/* At a port with an untagged VLAN only a tag beside the frame is the bridge's. */
	sent(DATAPATH_PROGRAM_LEG, GROUP_MAC, lab.leg, lab.peer_link, 10, MLAG_ACTION_DROP,
	     MLAG_REASON_ISOLATED);
	sent(DATAPATH_PROGRAM_LEG, GROUP_MAC, lab.leg, lab.peer_link, 0, MLAG_ACTION_PASS,
	     MLAG_REASON_NONE);
}

static void test_isolate_decides_as_on_the_wire(void **state)
{
	struct mlag_source_key key = {.mac = {0x02, 0, 0, 0, 0, 0x0a}};
	struct mlag_source source = {.lag_id = LAG, .peer_knows = 1, .known = 1};

	(void)state;
	set_domain(false, 0);
	set_leg(MLAG_GATE_OPEN, 0, 0);
	sent(DATAPATH_PROGRAM_LEG, OTHER_MAC, lab.leg, lab.peer_link, 0, MLAG_ACTION_DROP,
	     MLAG_REASON_ISOLATED);
	sent(DATAPATH_PROGRAM_LEG, OTHER_MAC, lab.leg, lab.svi, 0, MLAG_ACTION_PASS,
	     MLAG_REASON_NONE);
	set_leg(MLAG_GATE_CLOSED, 1, 0);
	sent(DATAPATH_PROGRAM_LEG, OTHER_MAC, lab.leg, lab.port, 0, MLAG_ACTION_TO_PEER_LINK,
	     MLAG_REASON_GATE_REDIRECT);
	sent(DATAPATH_PROGRAM_LEG, GROUP_MAC, lab.leg, lab.port, 0, MLAG_ACTION_DROP,
	     MLAG_REASON_GATE_FLOOD);
	sent(DATAPATH_PROGRAM_PEER_LINK, GROUP_MAC, lab.peer_link, lab.leg, 0, MLAG_ACTION_DROP,
	     MLAG_REASON_UNKNOWN_SOURCE);
	assert_int_equal(datapath_set_source(lab.dp, &key, &source), 0);
	sent(DATAPATH_PROGRAM_PEER_LINK, GROUP_MAC, lab.peer_link, lab.leg, 0, MLAG_ACTION_PASS,
	     MLAG_REASON_NONE);
	sent(DATAPATH_PROGRAM_LEG, GROUP_MAC, lab.leg, lab.peer_link, 0, MLAG_ACTION_DROP,
	     MLAG_REASON_ECHO);
	sent(DATAPATH_PROGRAM_PEER_LINK, GROUP_MAC, lab.peer_link, lab.peer_link, 0,
	     MLAG_ACTION_DROP, MLAG_REASON_PEER_LINK_RETURN);
	assert_int_equal(datapath_set_source(lab.dp, &key, NULL), 0);
}

/* R27: the program of the bridge itself, which reads what is ICMP. */
static void test_svi_egress_decides_as_on_the_wire(void **state)
{
	struct ip_packet packet = {
		.destination_mac = HOST_MAC,
		.source_mac = OUR_MAC,
		.source = "10.0.10.1",
		.destination = "10.0.10.9",
		.hop_limit = 64,
		.shape = IP_REDIRECT,
	};
	struct wire_frame frame;

	(void)state;
	ip_frame_make(&frame, &packet);
	expect(DATAPATH_PROGRAM_SVI, &frame, lab.svi, lab.port, 0, MLAG_ACTION_DROP,
	       MLAG_REASON_REDIRECT);
	packet.source = "2001:db8:10::1";
	packet.destination = "2001:db8:10::9";
	ip_frame_make(&frame, &packet);
	expect(DATAPATH_PROGRAM_SVI, &frame, lab.svi, lab.port, 0, MLAG_ACTION_DROP,
	       MLAG_REASON_REDIRECT);
	packet.shape = IP_PLAIN;
	ip_frame_make(&frame, &packet);
	expect(DATAPATH_PROGRAM_SVI, &frame, lab.svi, lab.port, 0, MLAG_ACTION_PASS,
	       MLAG_REASON_NONE);
}

/* ---- nothing is disturbed ------------------------------------------------------------------- */

static void add_up(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
		   uint64_t bytes)
{
	(void)ifindex;
	(void)reason;
	(void)bytes;
	*(uint64_t *)user += packets;
}

static void test_nothing_is_counted_and_no_partner_is_proven(void **state)
{
	uint64_t packets = 0, rx_before, rx_after;

	test_receive_decides_as_on_the_wire(state);
	test_isolate_decides_as_on_the_wire(state);
	test_svi_egress_decides_as_on_the_wire(state);
	assert_int_equal(datapath_counters(lab.dp, add_up, &packets), 0);
	assert_int_equal(packets, 0);
	/* A frame at a leg whose gate is closed is what makes it ready, if it is real. */
	set_leg(MLAG_GATE_CLOSED, 1, 0);
	assert_int_equal(datapath_leg_rx(lab.dp, lab.leg, &rx_before), 0);
	received(OTHER_MAC, "10.0.20.9", 64, 0, MLAG_ACTION_PASS, MLAG_REASON_NONE);
	assert_int_equal(datapath_leg_rx(lab.dp, lab.leg, &rx_after), 0);
	assert_int_equal(rx_before, rx_after);
}

static void test_no_frame_leaves(void **state)
{
	int far = wire_open("pl-far");
	struct wire_frame frame;

	(void)state;
	set_domain(false, 0);
	set_leg(MLAG_GATE_CLOSED, 1, 0);
	sent(DATAPATH_PROGRAM_LEG, OTHER_MAC, lab.leg, lab.port, 0, MLAG_ACTION_TO_PEER_LINK,
	     MLAG_REASON_GATE_REDIRECT);
	assert_int_equal(wire_receive(far, 100, &frame), 0);
}

static void test_what_changed_in_the_maps_is_seen_at_once(void **state)
{
	(void)state;
	set_domain(false, 0);
	set_leg(MLAG_GATE_OPEN, 0, 0);
	sent(DATAPATH_PROGRAM_LEG, OTHER_MAC, lab.leg, lab.peer_link, 0, MLAG_ACTION_DROP,
	     MLAG_REASON_ISOLATED);
	set_leg(MLAG_GATE_OPEN, 1, 0);
	sent(DATAPATH_PROGRAM_LEG, OTHER_MAC, lab.leg, lab.peer_link, 0, MLAG_ACTION_PASS,
	     MLAG_REASON_NONE);
}

static void test_a_device_that_is_gone_is_said(void **state)
{
	struct mlag_decision decision;
	struct wire_frame frame;

	(void)state;
	wire_frame_make(&frame, OTHER_MAC, HOST_MAC, NULL, 0, 46);
	assert_int_equal(on_frame(&frame, DATAPATH_PROGRAM_LEG, 9999, lab.port, 0, &decision),
			 -ENODEV);
	assert_true(on_frame(&frame, DATAPATH_PROGRAM_NONE, lab.leg, lab.port, 0, &decision) < 0);
}

static void test_the_maps_can_be_read(void **state)
{
	struct mlag_source_key source_key = {.vlan = 9};
	struct mlag_router_key router_key = {.vlan = 0};
	struct mlag_address address = {.family = 4, .octets = {10, 0, 10, 2}};
	struct mlag_domain domain;
	struct mlag_source source;
	struct mlag_router router;
	struct mlag_port port;
	uint8_t owner;

	(void)state;
	set_domain(true, 3);
	set_leg(MLAG_GATE_UNICAST, 0, 0);
	set_routers(0);
	memcpy(router_key.mac, PEER_MAC, 6);
	assert_int_equal(datapath_get_domain(lab.dp, &domain), 0);
	assert_int_equal(domain.peer_link_untagged_vid, 3);
	assert_int_equal(datapath_get_port(lab.dp, lab.leg, &port), 0);
	assert_int_equal(port.gate, MLAG_GATE_UNICAST);
	assert_int_equal(datapath_get_port(lab.dp, 9999, &port), -ENOENT);
	assert_int_equal(datapath_get_source(lab.dp, &source_key, &source), -ENOENT);
	assert_int_equal(datapath_get_router(lab.dp, &router_key, &router), 0);
	assert_int_equal(router.owner, MLAG_OWNER_PEER);
	assert_int_equal(datapath_get_owner(lab.dp, &address, &owner), 0);
	assert_int_equal(owner, MLAG_OWNER_PEER);
	assert_true(datapath_map_fd(lab.dp, "no_such_map") < 0);
}

/*
 * A map that a program writes must be in the list of trial.c, or an explanation disturbs the real
 * one.  Who adds a map says here which it is.
 */
static void check_maps(const struct bpf_object *object)
{
	static const char *const read[] = {"mlag_domain",  "mlag_ports",	 "mlag_sources",
					   "mlag_routers", "mlag_addresses",	 "mlag_svis",
					   ".rodata",	   "mlag_router_octets", "mlag_state"};
	static const char *const written[] = {"mlag_counters", "mlag_leg_rx", "mlag_senders"};
	const struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_SIZE(read); i++) {
			is_known = is_known || strstr(name, read[i]) != NULL;
		}
		for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
			is_known = is_known || strcmp(name, written[i]) == 0;
		}
		if (!is_known) {
			fail_msg("%s: is it written by a program? Then trial.c must not share it",
				 name);
		}
	}
}

static void test_every_map_is_known_as_read_or_written(void **state)
{
	struct isolate_bpf *isolate = isolate_bpf__open();
	struct receive_bpf *receive = receive_bpf__open();
	struct redirects_bpf *redirects = redirects_bpf__open();

	(void)state;
	check_maps(isolate->obj);
	check_maps(receive->obj);
	check_maps(redirects->obj);
	isolate_bpf__destroy(isolate);
	redirects_bpf__destroy(redirects);
	receive_bpf__destroy(receive);
}

/* ---- the network ---------------------------------------------------------------------------- */

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("libbpf: %s\n", text);
}

static int set_up(void **state)
{
	static const char *const devices[] = {"br0", "out"};
	static const uint8_t neighbor[6] = {0x02, 0, 0, 0, 2, 0x09};
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};

	(void)state;
	wire_enter_namespace();
	lab.svi = wire_make_bridge("br0");
	lab.leg = wire_make_port("leg", "leg-far", lab.svi);
	lab.peer_link = wire_make_port("pl", "pl-far", lab.svi);
	lab.port = wire_make_port("port", "port-far", lab.svi);
	(void)wire_make_port("out", "out-far", 0);
	ip_enable(devices, ARRAY_SIZE(devices));
	ip_add_address("br0", "10.0.10.1/24");
	ip_add_address("out", "10.0.20.1/24");
	ip_add_neighbor("out", "10.0.20.9", neighbor);
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.port, MLAG_PORT_NONE), 0);
	assert_int_equal(datapath_trial_open(&lab.trial, lab.dp), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	datapath_trial_close(lab.trial);
	datapath_trial_close(NULL);
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	datapath_close(lab.dp);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive_decides_as_on_the_wire),
		cmocka_unit_test(test_a_tag_is_beside_the_frame),
		cmocka_unit_test(test_isolate_decides_as_on_the_wire),
		cmocka_unit_test(test_svi_egress_decides_as_on_the_wire),
		cmocka_unit_test(test_nothing_is_counted_and_no_partner_is_proven),
		cmocka_unit_test(test_no_frame_leaves),
		cmocka_unit_test(test_what_changed_in_the_maps_is_seen_at_once),
		cmocka_unit_test(test_a_device_that_is_gone_is_said),
		cmocka_unit_test(test_the_maps_can_be_read),
		cmocka_unit_test(test_every_map_is_known_as_read_or_written),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
