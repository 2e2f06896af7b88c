// SPDX-License-Identifier: BSD-2-Clause
/*
 * R27, one packet a case: the same frame is given by BPF_PROG_TEST_RUN to the program that is
 * attached to the bridge device, and what it carries to forward.h here; both must say what the case
 * expects, and only what was dropped is counted.  Then the whole product of what the decision reads.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <setjmp.h>
#include <stdarg.h>
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

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define PAYLOAD 80

#define ICMP 1
#define TCP 6
#define ICMPV6 58
#define HOP_BY_HOP 0

static struct {
	struct datapath *dp;
	uint32_t bridge;
	int program_fd;
} lab;

/* @header_words: of IPv4, 5 without options; @fragment: of IPv4, flags and offset */
static const struct scene {
	const char *name;
	uint16_t ethertype;
	bool tagged;
	uint8_t protocol;
	uint8_t type;
	uint8_t header_words;
	uint16_t fragment;
	bool dropped;
} SCENES[] = {
	{"R27 redirect, v4", ETH_P_IP, false, ICMP, 5, 5, 0, true},
	{"R27 redirect, v4, tag in the frame", ETH_P_IP, true, ICMP, 5, 5, 0, true},
	{"R27 redirect, v4, behind options", ETH_P_IP, false, ICMP, 5, 8, 0, true},
	{"R27 redirect, v4, do not fragment", ETH_P_IP, false, ICMP, 5, 5, 0x4000, true},
	{"R27 redirect, v4, first fragment", ETH_P_IP, false, ICMP, 5, 5, 0x2000, true},
	{"R27 v4, the middle of something", ETH_P_IP, false, ICMP, 5, 5, 0x2001, false},
	{"R27 v4, the end of something", ETH_P_IP, false, ICMP, 5, 5, 0x0100, false},
	{"R27 echo, v4", ETH_P_IP, false, ICMP, 8, 5, 0, false},
	{"R27 unreachable, v4", ETH_P_IP, false, ICMP, 3, 5, 0, false},
	{"R27 v4, type 137 is none of IPv4's", ETH_P_IP, false, ICMP, 137, 5, 0, false},
	{"R27 TCP, v4", ETH_P_IP, false, TCP, 5, 5, 0, false},
	{"R27 protocol 58 in IPv4", ETH_P_IP, false, ICMPV6, 137, 5, 0, false},
	{"R27 redirect, v6", ETH_P_IPV6, false, ICMPV6, 137, 0, 0, true},
	{"R27 redirect, v6, tag in the frame", ETH_P_IPV6, true, ICMPV6, 137, 0, 0, true},
	{"R27 neighbour solicitation", ETH_P_IPV6, false, ICMPV6, 135, 0, 0, false},
	{"R27 neighbour advertisement", ETH_P_IPV6, false, ICMPV6, 136, 0, 0, false},
	{"R27 router advertisement", ETH_P_IPV6, false, ICMPV6, 134, 0, 0, false},
	{"R27 v6, type 5 is none of IPv6's", ETH_P_IPV6, false, ICMPV6, 5, 0, 0, false},
	{"R27 protocol 1 in IPv6", ETH_P_IPV6, false, ICMP, 137, 0, 0, false},
	{"R27 v6, an extension header: no kernel redirects so", ETH_P_IPV6, false, HOP_BY_HOP, 137,
	 0, 0, false},
	{"R27 ARP", ETH_P_ARP, false, ICMP, 5, 5, 0, false},
};

static uint32_t put_ip(const struct scene *scene, uint8_t *packet)
{
	uint32_t size = 40;

	memset(packet, 0, PAYLOAD);
	if (scene->ethertype == ETH_P_IPV6) {
		packet[0] = 0x60;
		packet[5] = PAYLOAD - 40;
		packet[6] = scene->protocol;
		packet[7] = 255;
	} else {
		size = scene->header_words * 4u;
		packet[0] = (uint8_t)(0x40 | scene->header_words);
		packet[3] = PAYLOAD;
		packet[6] = (uint8_t)(scene->fragment >> 8);
		packet[7] = (uint8_t)scene->fragment;
		packet[8] = 64;
		packet[9] = scene->protocol;
	}
	packet[size] = scene->type;
	return size;
}

static void make_frame(const struct scene *scene, struct wire_frame *ret)
{
	static const uint8_t to[6] = {0x02, 0, 0, 0, 0, 1}, from[6] = {0x02, 0, 0, 0, 0, 2};
	uint32_t tag = scene->tagged ? WIRE_TAG(ETH_P_8021Q, 10) : 0;
	uint32_t offset = scene->tagged ? 18 : 14;

	wire_frame_make(ret, to, from, &tag, 1, PAYLOAD);
	ret->bytes[offset - 2] = (uint8_t)(scene->ethertype >> 8);
	ret->bytes[offset - 1] = (uint8_t)scene->ethertype;
	(void)put_ip(scene, ret->bytes + offset);
}

static int run_or_fail(const struct wire_frame *frame, int *ret_verdict)
{
	struct __sk_buff context = {.ifindex = lab.bridge};
	uint8_t out[WIRE_FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->size,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &context,
		    .ctx_size_in = sizeof(context));

	if (bpf_prog_test_run_opts(lab.program_fd, &opts) != 0) {
		return -1;
	}
	assert_int_equal(opts.data_size_out, frame->size);
	assert_memory_equal(out, frame->bytes, frame->size);
	*ret_verdict = (int)opts.retval;
	return 0;
}

static int run(const struct wire_frame *frame)
{
	int verdict = -1;

	assert_int_equal(run_or_fail(frame, &verdict), 0);
	return verdict;
}

struct count {
	uint64_t packets;
	uint64_t others;
};

static void on_counter(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
		       uint64_t bytes)
{
	struct count *count = user;

	(void)bytes;
	if (ifindex == lab.bridge && reason == MLAG_REASON_REDIRECT) {
		count->packets = packets;
	} else {
		count->others += packets;
	}
}

static struct count read_count(void)
{
	struct count count = {0};

	assert_int_equal(datapath_counters(lab.dp, on_counter, &count), 0);
	return count;
}

static struct mlag_decision decide(const struct scene *scene)
{
	const struct mlag_departure departure = {
		.family = scene->ethertype == ETH_P_IP	   ? 4
			  : scene->ethertype == ETH_P_IPV6 ? 6
							   : 0,
		.protocol = scene->protocol,
		.later_fragment = (scene->fragment & 0x1fff) != 0,
		.icmp_type = scene->type,
	};

	return mlag_svi_egress(&departure);
}

static void check(const struct scene *scene, bool dropped)
{
	struct count before = read_count(), after;
	struct mlag_decision decision = decide(scene);
	struct wire_frame frame;
	int verdict;

	make_frame(scene, &frame);
	verdict = run(&frame);
	after = read_count();
	assert_int_equal(decision.action, dropped ? MLAG_ACTION_DROP : MLAG_ACTION_PASS);
	assert_int_equal(decision.reason, dropped ? MLAG_REASON_REDIRECT : MLAG_REASON_NONE);
	assert_int_equal(verdict, dropped ? TC_ACT_SHOT : TC_ACT_UNSPEC);
	assert_int_equal(after.packets - before.packets, dropped);
	assert_int_equal(after.others, before.others);
}

static void test_scene(void **state)
{
	const struct scene *scene = *state;

	check(scene, scene->dropped);
}

static void test_program_agrees_with_forward_everywhere(void **state)
{
	static const uint16_t ethertypes[] = {ETH_P_IP, ETH_P_IPV6, ETH_P_ARP};
	static const uint16_t fragments[] = {0, 0x2000, 0x2001, 0x0100};
	uint32_t dropped = 0;

	(void)state;
	for (uint32_t number = 0; number < 3 * 2 * 4 * 4 * 256; number++) {
		static const uint8_t protocols[] = {HOP_BY_HOP, ICMP, TCP, ICMPV6};
		const struct scene scene = {
			.ethertype = ethertypes[number / 256 % 3],
			.tagged = number / 768 % 2,
			.protocol = protocols[number / 1536 % 4],
			.fragment = fragments[number / 6144 % 4],
			.header_words = 5,
			.type = (uint8_t)number,
		};
		struct wire_frame frame;

		make_frame(&scene, &frame);
		if (decide(&scene).action == MLAG_ACTION_DROP) {
			assert_int_equal(run(&frame), TC_ACT_SHOT);
			dropped++;
		} else {
			assert_int_equal(run(&frame), TC_ACT_UNSPEC);
		}
	}
	/* v4: two of the fragments, with a tag and without; v6: both, whatever the fragment is. */
	assert_int_equal(dropped, 2 * 2 + 2 * 4);
}

static void test_a_packet_that_is_cut_off_passes(void **state)
{
	struct wire_frame frame;
	int verdict;

	(void)state;
	make_frame(&SCENES[0], &frame);
	/* The kernel takes no test frame without the whole of what its ethertype says. */
	for (frame.size = 34; run_or_fail(&frame, &verdict) == 0; frame.size--) {
		assert_int_equal(verdict, TC_ACT_UNSPEC);
	}
	assert_true(frame.size < 34);
}

static void test_the_program_is_seen_to_be_gone(void **state)
{
	bool intact = false;

	(void)state;
	assert_int_equal(datapath_verify_svis(lab.dp, lab.bridge, &intact), 0);
	assert_true(intact);
	assert_int_equal(datapath_detach(lab.dp, lab.bridge), 0);
	assert_int_equal(datapath_verify_svis(lab.dp, lab.bridge, &intact), 0);
	assert_false(intact);
	assert_int_equal(datapath_attach_svis(lab.dp, lab.bridge), 0);
	assert_int_equal(datapath_verify_svis(lab.dp, lab.bridge, &intact), 0);
	assert_true(intact);
	assert_int_equal(datapath_attach_svis(lab.dp, 0), -EINVAL);
}

static int set_up(void **state)
{
	struct datapath_spec spec = {.sources_max = 16};

	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	assert_int_equal(datapath_attach_svis(lab.dp, lab.bridge), 0);
	/* What runs is what is attached. */
	lab.program_fd = wire_open_program(lab.bridge, BPF_TC_EGRESS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(lab.program_fd);
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	datapath_close(lab.dp);
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(SCENES) + 3] = {
		cmocka_unit_test(test_program_agrees_with_forward_everywhere),
		cmocka_unit_test(test_a_packet_that_is_cut_off_passes),
		cmocka_unit_test(test_the_program_is_seen_to_be_gone),
	};

	for (uint32_t index = 0; index < ARRAY_SIZE(SCENES); index++) {
		tests[3 + index] = (struct CMUnitTest){
			.name = SCENES[index].name,
			.test_func = test_scene,
			.initial_state = (void *)(uintptr_t)&SCENES[index],
		};
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
