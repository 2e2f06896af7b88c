// SPDX-License-Identifier: BSD-2-Clause
/*
 * Nanoseconds a packet of each path through each program, over a program of the same type that does
 * nothing, by BPF_PROG_TEST_RUN.  A run that is repeated sees the packet as the last one left it,
 * so packets are such that they come out as they went in: the next hop of what is routed has the
 * peer's router MAC, and hops are many.
 */
#include <linux/if_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "aid.skel.h"
#include "bench.h"
#include "bpf/ip.h"
#include "member.h"
#include "shortcut.h"

#define REPEAT 200 /* less than there are hops */
#define CALLS 10   /* of which the fastest counts */
#define ROUNDS 5
#define ALL (MLAG_SHORTCUT_TO_PEER | MLAG_SHORTCUT_ROUTED)

#define ROUTED "10.0.20.10" /* behind a next hop that has the peer's router MAC */

enum program {
	NOTHING_TC,
	ISOLATE_LEG,
	RECEIVE,
	NOTHING_XDP,
	RECEIVE_XDP,
	PROGRAMS_COUNT,
};

static const struct path {
	const char *name;
	enum program program;
	enum program beside;
	const uint8_t *mac;
	const char *ip;
	uint32_t shortcuts;
	uint32_t verdict;
} PATHS[] = {
	{"isolate_leg: passed", ISOLATE_LEG, NOTHING_TC, MEMBER_NEIGHBOR, MEMBER_THIRD, 0, 0},
	{"receive: passed, not for a router", RECEIVE, NOTHING_TC, MEMBER_NEIGHBOR, MEMBER_THIRD, 0,
	 0},
	{"receive: R22 left to the bridge", RECEIVE, NOTHING_TC, MEMBER_PEER, MEMBER_PEER_IP, 0, 0},
	{"receive: R22 redirected", RECEIVE, NOTHING_TC, MEMBER_PEER, MEMBER_PEER_IP, ALL, 7},
	{"receive: R21 made ours", RECEIVE, NOTHING_TC, MEMBER_PEER, ROUTED, 0, 0},
	{"receive: R21 straight out", RECEIVE, NOTHING_TC, MEMBER_PEER, ROUTED, ALL, 7},
	{"receive_xdp: passed, not for a router", RECEIVE_XDP, NOTHING_XDP, MEMBER_NEIGHBOR,
	 MEMBER_THIRD, ALL, 2},
	{"receive_xdp: R22 redirected", RECEIVE_XDP, NOTHING_XDP, MEMBER_PEER, MEMBER_PEER_IP, ALL,
	 4},
	{"receive_xdp: R21 straight out", RECEIVE_XDP, NOTHING_XDP, MEMBER_PEER, ROUTED, ALL, 4},
};

#define PATHS_COUNT (sizeof(PATHS) / sizeof(PATHS[0]))

static struct {
	struct member member;
	int fds[PROGRAMS_COUNT];
	struct bench_series series[PATHS_COUNT];
} lab;

static uint32_t run(enum program program, struct wire_frame *frame, uint32_t repeat,
		    uint32_t *ret_verdict)
{
	bool xdp = program >= NOTHING_XDP;
	struct __sk_buff skb = {.ifindex = lab.member.in, .ingress_ifindex = lab.member.in};
	struct xdp_md context = {
		.data_end = frame->size,
		.ingress_ifindex = lab.member.in,
	};
	struct wire_frame out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->size,
		    .data_out = out.bytes, .data_size_out = sizeof(out.bytes),
		    .repeat = (int)repeat);

	opts.ctx_in = xdp ? (void *)&context : (void *)&skb;
	opts.ctx_size_in = xdp ? sizeof(context) : sizeof(skb);
	assert_int_equal(bpf_prog_test_run_opts(lab.fds[program], &opts), 0);
	*ret_verdict = opts.retval;
	return opts.duration;
}

/* The fastest of some calls: what the machine does beside only ever adds. */
static double fastest(enum program program, const struct path *path)
{
	struct ip_packet packet = {
		.destination_mac = path->mac,
		.source_mac = lab.member.own_mac, /* which it has again when it was routed */
		.source = "10.0.10.5",
		.destination = path->ip,
		.hop_limit = 255,
	};
	uint32_t best = UINT32_MAX;
	struct wire_frame frame;
	uint32_t verdict, ns;

	ip_frame_make(&frame, &packet);
	(void)run(RECEIVE, &frame, 1, &verdict); /* the sender is known for a second */
	for (uint32_t call = 0; call < CALLS; call++) {
		ns = run(program, &frame, REPEAT, &verdict);
		best = ns < best ? ns : best;
	}
	assert_int_equal((int)verdict, program < NOTHING_XDP && verdict != 7 ? -1
				       : program == path->program	     ? (int)path->verdict
									     : 2);
	return best;
}

/* The peer's router MAC is also that of a next hop, behind the other leg. */
static void make_next_hop(void)
{
	struct mlag_source_key key = {0};
	struct mlag_source source = {.known = 1, .ifindex = lab.member.out};

	ip_add_neighbor("br0", ROUTED, MEMBER_PEER);
	memcpy(key.mac, MEMBER_PEER, sizeof(key.mac));
	assert_int_equal(datapath_set_source(lab.member.dp[MEMBER_CLSACT], &key, &source), 0);
}

/* R21 made ours: the peer's router MAC is said to be ours, so that the frame does not change. */
static void set_own_mac(const uint8_t *mac)
{
	struct mlag_router_key key = {0};
	struct mlag_router router = {.own_ifindex = lab.member.bridge, .owner = MLAG_OWNER_PEER};

	memcpy(key.mac, MEMBER_PEER, sizeof(key.mac));
	memcpy(router.own_mac, mac, sizeof(router.own_mac));
	assert_int_equal(datapath_set_router(lab.member.dp[MEMBER_CLSACT], &key, &router), 0);
}

static void set_up(void)
{
	member_make(&lab.member);
	make_next_hop();
	set_own_mac(MEMBER_PEER);
	member_attach(&lab.member, MEMBER_CLSACT, 0, true);
	lab.fds[NOTHING_TC] = bpf_program__fd(lab.member.aid->progs.nothing_tc);
	lab.fds[NOTHING_XDP] = bpf_program__fd(lab.member.aid->progs.nothing_xdp);
	lab.fds[ISOLATE_LEG] = wire_open_program(lab.member.out, BPF_TC_EGRESS);
	lab.fds[RECEIVE] = wire_open_program(lab.member.in, BPF_TC_INGRESS);
	lab.fds[RECEIVE_XDP] = wire_open_xdp(lab.member.in);
}

static int bench(void)
{
	set_up();
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t index = 0; index < PATHS_COUNT; index++) {
			member_shortcuts(&lab.member, PATHS[index].shortcuts);
			bench_add(&lab.series[index],
				  fastest(PATHS[index].program, &PATHS[index]) -
					  fastest(PATHS[index].beside, &PATHS[index]));
		}
	}
	member_free(&lab.member);
	bench_begin("programs: ns a packet over a program that does nothing, medians");
	for (uint32_t index = 0; index < PATHS_COUNT; index++) {
		bench_print(PATHS[index].name, bench_median(&lab.series[index]), "ns",
			    BENCH_NO_LIMIT, 0);
	}
	return bench_end();
}

int main(void)
{
	return bench_run(bench);
}
