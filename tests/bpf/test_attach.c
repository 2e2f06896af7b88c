// SPDX-License-Identifier: BSD-2-Clause
/*
 * The data plane on the wire: a bridge with a leg, the peer link and an orphan, frames sent in at
 * one far end and looked for at the others.  What a program does to a frame whose tag travels
 * beside it, where a redirect ends, and that programs are replaced, left and taken away as
 * datapath.h says can be seen only here.
 *
 * The bridge need not filter VLANs, which not every kernel can: told that it does, the programs
 * see the same frames, since a plain bridge lets every tag pass.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/datapath.h"
#include "wire.h"

#define LAG 7
#define PAYLOAD 50
#define SOON_MS 1000  /* a frame that should come does so by then */
#define SILENCE_MS 30 /* one that should not would have come by then */
#define TAG(vid) WIRE_TAG(ETH_P_8021Q, vid)

static struct {
	struct datapath *dp;
	uint32_t bridge, leg, peer_link;
	int leg_far, peer_link_far, orphan_far, self;
	uint32_t log_lines;
} lab;

static const uint8_t HOST[6] = {0x02, 0, 0, 0, 0, 0x0a};     /* behind the leg */
static const uint8_t ORPHAN[6] = {0x02, 0, 0, 0, 0, 0x0b};   /* behind the orphan's port */
static const uint8_t STRANGER[6] = {0x02, 0, 0, 0, 0, 0x0c}; /* behind PL */
static const uint8_t EVERYBODY[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void on_log(void *user, const char *text)
{
	(void)user;
	lab.log_lines++;
	print_message("log: %s\n", text);
}

static struct datapath *open_datapath(void)
{
	struct datapath_spec spec = {.sources_max = 64, .log = on_log};
	struct datapath *dp;

	assert_int_equal(datapath_open(&dp, &spec), 0);
	return dp;
}

static void make(struct wire_frame *ret, const uint8_t *destination, const uint8_t *source,
		 uint32_t tag)
{
	wire_frame_make(ret, destination, source, &tag, 1, PAYLOAD);
}

static void drain(int socket)
{
	struct wire_frame frame;

	while (wire_receive(socket, 0, &frame)) {
		continue;
	}
}

static void drain_all(void)
{
	usleep(SILENCE_MS * 1000);
	drain(lab.leg_far);
	drain(lab.peer_link_far);
	drain(lab.orphan_far);
}

static void expect(int socket, const struct wire_frame *expected)
{
	struct wire_frame frame;

	assert_int_equal(wire_receive(socket, SOON_MS, &frame), expected->size);
	assert_memory_equal(frame.bytes, expected->bytes, expected->size);
}

static void expect_silence(int socket)
{
	struct wire_frame frame;

	assert_int_equal(wire_receive(socket, SILENCE_MS, &frame), 0);
}

static void set_domain(struct datapath *dp, bool vlan_aware, uint16_t untagged_vid)
{
	struct mlag_domain domain = {
		.peer_link_ifindex = lab.peer_link,
		.peer_link_untagged_vid = untagged_vid,
		.vlan_aware = vlan_aware,
	};

	assert_int_equal(datapath_set_domain(dp, &domain), 0);
}

static void set_leg(struct datapath *dp, enum mlag_gate gate, uint16_t untagged_vid, int isolated)
{
	struct mlag_port port = {
		.kind = MLAG_PORT_LEG,
		.gate = (uint8_t)gate,
		.lag_id = LAG,
		.untagged_vid = untagged_vid,
	};

	if (isolated >= 0) {
		port.isolated[isolated / 64] = UINT64_C(1) << (isolated % 64);
	}
	assert_int_equal(datapath_set_port(dp, lab.leg, &port), 0);
}

/* Everything filled in first, then attached, as datapath.h asks for. */
static void start(struct datapath *dp)
{
	assert_int_equal(datapath_attach(dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach(dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
}

static int attached_program_id(uint32_t ifindex, enum bpf_tc_attach_point point, uint32_t *ret_id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = DATAPATH_TC_HANDLE,
		    .priority = DATAPATH_TC_PRIORITY);
	int error = bpf_tc_query(&hook, &opts);

	*ret_id = opts.prog_id;
	return error;
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

static uint64_t count(struct datapath *dp, uint32_t ifindex, enum mlag_reason reason)
{
	struct counter counter = {.ifindex = ifindex, .reason = reason};

	assert_int_equal(datapath_counters(dp, on_counter, &counter), 0);
	return counter.packets;
}

/* The bridge learns where the host is by a frame of the host. */
static void teach(uint32_t tag)
{
	struct wire_frame frame;

	make(&frame, EVERYBODY, HOST, tag);
	wire_send(lab.leg_far, &frame);
	drain_all();
}

static void test_without_programs_a_flood_goes_everywhere(void **state)
{
	struct wire_frame frame;

	(void)state;
	make(&frame, EVERYBODY, STRANGER, 0);
	wire_send(lab.peer_link_far, &frame);
	expect(lab.leg_far, &frame);
	expect(lab.orphan_far, &frame);
	make(&frame, EVERYBODY, STRANGER, TAG(10));
	wire_send(lab.peer_link_far, &frame);
	expect(lab.leg_far, &frame);
}

static void test_R1_flood_from_peer_link_is_for_orphans_only(void **state)
{
	struct counter counter = {.ifindex = lab.leg, .reason = MLAG_REASON_ISOLATED};
	struct wire_frame frame;

	(void)state;
	set_leg(lab.dp, MLAG_GATE_OPEN, 0, 0);
	make(&frame, EVERYBODY, STRANGER, 0);
	wire_send(lab.peer_link_far, &frame);
	expect(lab.orphan_far, &frame);
	expect_silence(lab.leg_far);
	assert_int_equal(datapath_counters(lab.dp, on_counter, &counter), 0);
	assert_int_equal(counter.packets, 1);
	assert_int_equal(counter.bytes, frame.size);
	make(&frame, EVERYBODY, ORPHAN, 0);
	wire_send(lab.orphan_far, &frame);
	expect(lab.leg_far, &frame);
	expect(lab.peer_link_far, &frame);
}

static void test_R1_by_vlan_of_a_tag_beside_the_frame(void **state)
{
	struct wire_frame frame;

	(void)state;
	set_domain(lab.dp, true, 1);
	set_leg(lab.dp, MLAG_GATE_OPEN, 1, 10);
	make(&frame, EVERYBODY, STRANGER, TAG(10));
	wire_send(lab.peer_link_far, &frame);
	expect(lab.orphan_far, &frame);
	expect_silence(lab.leg_far);
	make(&frame, EVERYBODY, STRANGER, TAG(11));
	wire_send(lab.peer_link_far, &frame);
	expect(lab.leg_far, &frame);
	set_leg(lab.dp, MLAG_GATE_OPEN, 1, 1);
	make(&frame, EVERYBODY, STRANGER, 0);
	wire_send(lab.peer_link_far, &frame);
	expect_silence(lab.leg_far);
}

static void test_R1_echo_is_dropped_while_it_is_lifted(void **state)
{
	struct mlag_source_key key = {.vlan = 10};
	struct mlag_source source = {.lag_id = LAG, .known = 1};
	struct wire_frame frame;

	(void)state;
	memcpy(key.mac, STRANGER, sizeof(key.mac));
	set_domain(lab.dp, true, 1);
	set_leg(lab.dp, MLAG_GATE_OPEN, 1, -1);
	assert_int_equal(datapath_set_source(lab.dp, &key, &source), 0);
	make(&frame, EVERYBODY, STRANGER, TAG(10));
	wire_send(lab.peer_link_far, &frame);
	expect(lab.orphan_far, &frame);
	expect_silence(lab.leg_far);
	assert_int_equal(datapath_set_source(lab.dp, &key, NULL), 0);
	wire_send(lab.peer_link_far, &frame);
	expect(lab.leg_far, &frame);
}

static void test_R4_own_frame_leaves_through_an_isolated_leg(void **state)
{
	struct wire_frame frame;

	(void)state;
	set_leg(lab.dp, MLAG_GATE_OPEN, 0, 0);
	make(&frame, EVERYBODY, STRANGER, 0);
	wire_send(lab.self, &frame);
	expect(lab.leg_far, &frame);
}

/* Sends to the host with @sent_tag while its leg is closed; looks for @expected_tag on PL. */
static void check_redirect(uint32_t sent_tag, uint32_t expected_tag)
{
	struct wire_frame sent, expected;
	uint64_t before = count(lab.dp, lab.leg, MLAG_REASON_GATE_REDIRECT);

	make(&sent, HOST, ORPHAN, sent_tag);
	make(&expected, HOST, ORPHAN, expected_tag);
	wire_send(lab.orphan_far, &sent);
	expect(lab.peer_link_far, &expected);
	expect_silence(lab.peer_link_far);
	expect_silence(lab.leg_far);
	assert_int_equal(count(lab.dp, lab.leg, MLAG_REASON_GATE_REDIRECT), before + 1);
}

static void test_R5_unicast_of_a_closed_leg_crosses_the_peer_link(void **state)
{
	struct wire_frame frame;

	(void)state;
	teach(0);
	make(&frame, HOST, ORPHAN, 0);
	wire_send(lab.orphan_far, &frame);
	expect(lab.leg_far, &frame);
	expect_silence(lab.peer_link_far);
	set_leg(lab.dp, MLAG_GATE_CLOSED, 0, -1);
	check_redirect(0, 0);
	check_redirect(TAG(10), TAG(10));
}

static void test_R5_redirect_has_the_tag_of_the_peer_link(void **state)
{
	(void)state;
	teach(0);
	set_domain(lab.dp, true, 20);
	set_leg(lab.dp, MLAG_GATE_CLOSED, 10, -1);
	check_redirect(0, TAG(10));	  /* the access leg's tag is restored */
	check_redirect(TAG(20), 0);	  /* PL's untagged VLAN */
	check_redirect(TAG(30), TAG(30)); /* trunk to trunk */
	set_leg(lab.dp, MLAG_GATE_CLOSED, 20, -1);
	check_redirect(0, 0); /* untagged on both */
}

static void test_R3_what_came_from_peer_link_never_returns_there(void **state)
{
	struct wire_frame frame;

	(void)state;
	teach(0);
	set_leg(lab.dp, MLAG_GATE_CLOSED, 0, -1);
	make(&frame, HOST, STRANGER, 0);
	wire_send(lab.peer_link_far, &frame);
	expect_silence(lab.peer_link_far);
	expect_silence(lab.leg_far);
	assert_int_equal(count(lab.dp, lab.leg, MLAG_REASON_PEER_LINK_RETURN), 1);
}

static void test_R1_flood_of_an_unknown_source_stays_off_the_peer_link(void **state)
{
	struct mlag_source_key key = {0};
	struct mlag_source source = {.lag_id = LAG, .peer_knows = 1, .known = 1};
	struct wire_frame frame;

	(void)state;
	memcpy(key.mac, HOST, sizeof(key.mac));
	set_leg(lab.dp, MLAG_GATE_UNICAST, 0, -1);
	make(&frame, EVERYBODY, HOST, 0);
	wire_send(lab.leg_far, &frame);
	expect(lab.orphan_far, &frame);
	expect_silence(lab.peer_link_far);
	assert_int_equal(count(lab.dp, lab.peer_link, MLAG_REASON_UNKNOWN_SOURCE), 1);
	assert_int_equal(datapath_set_source(lab.dp, &key, &source), 0);
	wire_send(lab.leg_far, &frame);
	expect(lab.peer_link_far, &frame);
}

static void test_leg_rx_counts_data_only(void **state)
{
	static const uint8_t LACP[6] = {0x01, 0x80, 0xc2, 0, 0, 0x02};
	struct wire_frame frame;
	uint64_t before, after;

	(void)state;
	set_leg(lab.dp, MLAG_GATE_CLOSED, 0, -1);
	assert_int_equal(datapath_leg_rx(lab.dp, lab.leg, &before), 0);
	make(&frame, LACP, HOST, 0);
	wire_send(lab.leg_far, &frame);
	make(&frame, EVERYBODY, HOST, 0);
	wire_send(lab.leg_far, &frame);
	wire_send(lab.leg_far, &frame);
	drain_all();
	assert_int_equal(datapath_leg_rx(lab.dp, lab.leg, &after), 0);
	assert_int_equal(after - before, 2);
	set_leg(lab.dp, MLAG_GATE_OPEN, 0, -1);
	wire_send(lab.leg_far, &frame);
	drain_all();
	assert_int_equal(datapath_leg_rx(lab.dp, lab.leg, &before), 0);
	assert_int_equal(before, after);
	assert_int_equal(datapath_leg_rx(lab.dp, lab.peer_link, &before), -ENOENT);
}

static void test_attach_is_idempotent_and_quiet(void **state)
{
	uint32_t first, second;

	(void)state;
	lab.log_lines = 0;
	assert_int_equal(attached_program_id(lab.leg, BPF_TC_EGRESS, &first), 0);
	start(lab.dp);
	start(lab.dp);
	assert_int_equal(attached_program_id(lab.leg, BPF_TC_EGRESS, &second), 0);
	assert_int_equal(first, second);
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	assert_int_equal(datapath_detach(lab.dp, lab.bridge), 0); /* no clsact there */
	assert_int_equal(datapath_detach(lab.dp, 99999), 0);
	assert_int_equal(datapath_attach(lab.dp, 99999, MLAG_PORT_LEG), -ENODEV);
	assert_int_equal(datapath_detach(lab.dp, 99999), 0);
	assert_int_equal(datapath_attach(lab.dp, 0, MLAG_PORT_LEG), -EINVAL);
	assert_int_equal(lab.log_lines, 0);
}

static void test_a_port_that_becomes_another_kind_changes_its_programs(void **state)
{
	uint64_t frames;
	uint32_t id;

	(void)state;
	assert_int_equal(attached_program_id(lab.leg, BPF_TC_INGRESS, &id), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_PEER_LINK), 0);
	assert_int_equal(attached_program_id(lab.leg, BPF_TC_EGRESS, &id), 0);
	assert_int_not_equal(attached_program_id(lab.leg, BPF_TC_INGRESS, &id), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_NONE), 0);
	assert_int_not_equal(attached_program_id(lab.leg, BPF_TC_EGRESS, &id), 0);
	assert_int_equal(attached_program_id(lab.leg, BPF_TC_INGRESS, &id), 0);
	assert_int_equal(datapath_leg_rx(lab.dp, lab.leg, &frames), -ENOENT);
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	assert_int_not_equal(attached_program_id(lab.leg, BPF_TC_INGRESS, &id), 0);
}

static void test_close_leaves_forwarding_and_detach_ends_it(void **state)
{
	struct datapath *second = open_datapath();
	struct wire_frame frame;

	(void)state;
	set_domain(second, false, 0);
	set_leg(second, MLAG_GATE_OPEN, 0, 0);
	start(second);
	datapath_close(second);
	make(&frame, EVERYBODY, STRANGER, 0);
	wire_send(lab.peer_link_far, &frame);
	expect(lab.orphan_far, &frame);
	expect_silence(lab.leg_far);
	/* By the datapath that did not attach it: a filter of an earlier daemon. */
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	wire_send(lab.peer_link_far, &frame);
	expect(lab.leg_far, &frame);
}

struct sender {
	_Atomic bool stop;
	uint32_t sent;
};

static void *send_floods(void *argument)
{
	struct sender *sender = argument;
	struct wire_frame frame;

	make(&frame, EVERYBODY, STRANGER, 0);
	while (!sender->stop) {
		wire_send(lab.peer_link_far, &frame);
		sender->sent++;
		if (sender->sent % 32 == 0) {
			usleep(100);
		}
	}
	return NULL;
}

static uint32_t receive_all(int socket)
{
	struct wire_frame frame;
	uint32_t frames = 0;

	while (wire_receive(socket, SILENCE_MS, &frame)) {
		frames++;
	}
	return frames;
}

/* Each new datapath knows that the leg is isolated before it attaches; no frame slips between. */
static void test_replacing_an_earlier_filter_lets_no_frame_through(void **state)
{
	enum { REPLACEMENTS = 20 };
	struct sender sender = {0};
	uint32_t previous, id;
	pthread_t thread;

	(void)state;
	set_leg(lab.dp, MLAG_GATE_OPEN, 0, 0);
	assert_int_equal(attached_program_id(lab.leg, BPF_TC_EGRESS, &previous), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_floods, &sender), 0);
	for (uint32_t round = 0; round < REPLACEMENTS; round++) {
		struct datapath *next = open_datapath();

		set_domain(next, false, 0);
		set_leg(next, MLAG_GATE_OPEN, 0, 0);
		start(next);
		assert_int_equal(attached_program_id(lab.leg, BPF_TC_EGRESS, &id), 0);
		assert_int_not_equal(id, previous);
		previous = id;
		datapath_close(next);
	}
	sender.stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	print_message("%u frames during %d replacements\n", sender.sent, REPLACEMENTS);
	assert_true(sender.sent > REPLACEMENTS);
	assert_true(receive_all(lab.orphan_far) > 0);
	assert_int_equal(receive_all(lab.leg_far), 0);
}

/* A filter of somebody else's: drops everything. */
static int load_dropper(void)
{
	static const struct bpf_insn DROP[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "dropper", "GPL", DROP, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void test_filters_of_others_still_see_what_passes(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)lab.leg, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, theirs, .handle = 1, .priority = 10, .prog_fd = load_dropper());
	struct wire_frame frame;

	(void)state;
	assert_int_equal(bpf_tc_attach(&hook, &theirs), 0);
	close(theirs.prog_fd);
	make(&frame, EVERYBODY, ORPHAN, 0);
	wire_send(lab.orphan_far, &frame);
	expect(lab.peer_link_far, &frame);
	expect_silence(lab.leg_far);
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	wire_send(lab.orphan_far, &frame);
	expect_silence(lab.leg_far);
	theirs.flags = 0;
	theirs.prog_fd = 0;
	theirs.prog_id = 0;
	assert_int_equal(bpf_tc_detach(&hook, &theirs), 0);
	wire_send(lab.orphan_far, &frame);
	expect(lab.leg_far, &frame);
}

static bool knows_source(uint16_t vlan)
{
	struct wire_frame frame;
	bool echo;

	set_domain(lab.dp, true, 0);
	set_leg(lab.dp, MLAG_GATE_OPEN, 0, -1);
	make(&frame, EVERYBODY, STRANGER, TAG(vlan));
	wire_send(lab.peer_link_far, &frame);
	expect(lab.orphan_far, &frame);
	echo = wire_receive(lab.leg_far, SILENCE_MS, &frame) == 0;
	drain_all();
	return echo;
}

static void test_sources_in_batches(void **state)
{
	enum { COUNT = 64, EXTRA = 2 }; /* 64 is what open_datapath() has room for */
	struct mlag_source_key keys[COUNT + EXTRA] = {0};
	struct mlag_source sources[COUNT + EXTRA] = {0};

	(void)state;
	for (uint32_t index = 0; index < COUNT + EXTRA; index++) {
		keys[index].vlan = (uint16_t)(100 + index);
		memcpy(keys[index].mac, STRANGER, sizeof(keys[index].mac));
		sources[index] = (struct mlag_source){.lag_id = LAG, .known = 1};
	}
	assert_int_equal(datapath_set_sources(lab.dp, keys, sources, 0), 0);
	assert_int_equal(datapath_set_sources(lab.dp, keys, sources, COUNT), 0);
	assert_true(knows_source(100));
	assert_true(knows_source(163));
	/* Full: those that are known can still be changed, and others are refused. */
	assert_int_equal(datapath_set_sources(lab.dp, keys, sources, COUNT), 0);
	assert_int_equal(datapath_set_sources(lab.dp, keys, sources, COUNT + EXTRA), -E2BIG);
	assert_false(knows_source(164));
	/* Some are forgotten in the middle, one of them unknown; the rest is set. */
	sources[1].known = 0;
	sources[2].known = 0;
	sources[64].known = 0;
	assert_int_equal(datapath_set_sources(lab.dp, keys, sources, COUNT + EXTRA), 0);
	assert_false(knows_source(101));
	assert_false(knows_source(102));
	assert_true(knows_source(103));
	assert_true(knows_source(165));
	/* What is forgotten leaves its room to others. */
	memset(sources, 0, sizeof(sources));
	assert_int_equal(datapath_set_sources(lab.dp, keys, sources, COUNT + EXTRA), 0);
	assert_false(knows_source(165));
	for (uint32_t index = 0; index < COUNT; index++) {
		keys[index].vlan = (uint16_t)(1000 + index);
		sources[index] = (struct mlag_source){.lag_id = LAG, .known = 1};
	}
	assert_int_equal(datapath_set_sources(lab.dp, keys, sources, COUNT), 0);
	assert_true(knows_source(1063));
}

static void test_a_large_domain_fits(void **state)
{
	enum { BATCH = 256, BATCHES = 512 };
	struct datapath_spec spec = {.sources_max = BATCH * BATCHES, .log = on_log};
	struct mlag_source_key keys[BATCH] = {0};
	struct mlag_source sources[BATCH] = {0};
	struct datapath *dp;

	(void)state;
	assert_int_equal(datapath_open(&dp, &spec), 0);
	for (uint32_t batch = 0; batch < BATCHES; batch++) {
		for (uint32_t index = 0; index < BATCH; index++) {
			keys[index].mac[4] = (uint8_t)(batch >> 8);
			keys[index].mac[3] = (uint8_t)batch;
			keys[index].mac[5] = (uint8_t)index;
			sources[index] = (struct mlag_source){.lag_id = LAG, .known = 1};
		}
		assert_int_equal(datapath_set_sources(dp, keys, sources, BATCH), 0);
	}
	datapath_close(dp);
}

static void test_the_loader_says_why(void **state)
{
	struct datapath_spec spec = {.sources_max = 0, .log = on_log};
	struct datapath *dp = NULL;

	(void)state;
	assert_int_equal(datapath_open(&dp, &spec), -EINVAL);
	lab.log_lines = 0;
	spec.sources_max = UINT32_MAX; /* more than the kernel gives */
	assert_true(datapath_open(&dp, &spec) < 0);
	assert_null(dp);
	assert_true(lab.log_lines > 0);
}

static void test_a_port_that_is_gone_is_no_error(void **state)
{
	uint32_t ifindex = wire_make_port("fleeting", "fleeting-far", lab.bridge);

	(void)state;
	assert_int_equal(datapath_attach(lab.dp, ifindex, MLAG_PORT_LEG), 0);
	wire_delete("fleeting");
	assert_int_equal(datapath_detach_all(lab.dp), 0);
}

static int set_up_network(void **state)
{
	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	lab.leg = wire_make_port("leg", "leg-far", lab.bridge);
	lab.peer_link = wire_make_port("pl", "pl-far", lab.bridge);
	(void)wire_make_port("orphan", "orphan-far", lab.bridge);
	lab.leg_far = wire_open("leg-far");
	lab.peer_link_far = wire_open("pl-far");
	lab.orphan_far = wire_open("orphan-far");
	lab.self = wire_open("br0");
	wire_wait_forwarding(lab.leg_far, lab.peer_link_far);
	wire_wait_forwarding(lab.peer_link_far, lab.leg_far);
	wire_wait_forwarding(lab.orphan_far, lab.leg_far);
	wire_wait_forwarding(lab.self, lab.leg_far);
	drain_all();
	return 0;
}

/* Each test begins with programs attached that let everything pass. */
static int set_up(void **state)
{
	(void)state;
	drain_all();
	lab.dp = open_datapath();
	set_domain(lab.dp, false, 0);
	set_leg(lab.dp, MLAG_GATE_OPEN, 0, -1);
	start(lab.dp);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	assert_int_equal(datapath_detach(lab.dp, lab.peer_link), 0);
	datapath_close(lab.dp);
	return 0;
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_programs_a_flood_goes_everywhere),
		test(test_R1_flood_from_peer_link_is_for_orphans_only),
		test(test_R1_by_vlan_of_a_tag_beside_the_frame),
		test(test_R1_echo_is_dropped_while_it_is_lifted),
		test(test_R4_own_frame_leaves_through_an_isolated_leg),
		test(test_R5_unicast_of_a_closed_leg_crosses_the_peer_link),
		test(test_R5_redirect_has_the_tag_of_the_peer_link),
		test(test_R3_what_came_from_peer_link_never_returns_there),
		test(test_R1_flood_of_an_unknown_source_stays_off_the_peer_link),
		test(test_leg_rx_counts_data_only),
		test(test_attach_is_idempotent_and_quiet),
		test(test_a_port_that_becomes_another_kind_changes_its_programs),
		test(test_close_leaves_forwarding_and_detach_ends_it),
		test(test_replacing_an_earlier_filter_lets_no_frame_through),
		test(test_filters_of_others_still_see_what_passes),
		test(test_sources_in_batches),
		cmocka_unit_test(test_a_large_domain_fits),
		cmocka_unit_test(test_the_loader_says_why),
		test(test_a_port_that_is_gone_is_no_error),
	};

	return cmocka_run_group_tests(tests, set_up_network, NULL);
}
