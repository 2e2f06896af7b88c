// SPDX-License-Identifier: BSD-2-Clause
/*
 * Packets through a member, with live frames: the kernel alone, with our programs attached in each
 * way, and each rule in each way.  Every round measures every path, in turn, and ratios are of the
 * same round.  Time is from the generator to the sink, both included.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "member.h"
#include "shortcut.h"

#define FRAMES 20000
#define ROUNDS 21
#define ALL (MLAG_SHORTCUT_TO_PEER | MLAG_SHORTCUT_ROUTED)

enum path {
	REDIRECT,
	BRIDGE,
	BRIDGE_NOTHING,
	BRIDGE_NFT,
	BRIDGE_CLSACT,
	BRIDGE_TCX,
	BRIDGE_XDP,
	R21_KERNEL,
	R21_CLSACT,
	R21_TCX,
	R21_TCX_SHORTCUT,
	R21_XDP,
	R22_KERNEL,
	R22_CLSACT,
	R22_TCX,
	R22_CLSACT_SHORTCUT,
	R22_TCX_SHORTCUT,
	R22_XDP,
	PATHS_COUNT,
};

enum packet {
	TO_NEIGHBOR,
	TO_OWN_MAC,
	TO_THIRD,
	TO_PEER,
	PACKETS_COUNT,
};

static const struct {
	const char *name;
	enum packet packet;
	enum member_way way;
	uint32_t shortcuts;
	bool xdp;
} PATHS[PATHS_COUNT] = {
	[REDIRECT] = {"an XDP program that only redirects", TO_NEIGHBOR, MEMBER_BARE, 0, false},
	[BRIDGE] = {"kernel bridge alone", TO_NEIGHBOR, MEMBER_BARE, 0, false},
	[BRIDGE_NOTHING] = {"passed: programs that do nothing by tcx", TO_NEIGHBOR, MEMBER_BARE, 0,
			    false},
	[BRIDGE_NFT] = {"passed: R1 by an nft filter of the bridge", TO_NEIGHBOR, MEMBER_BARE, 0,
			false},
	[BRIDGE_CLSACT] = {"passed: isolate and receive by clsact", TO_NEIGHBOR, MEMBER_CLSACT, 0,
			   false},
	[BRIDGE_TCX] = {"passed: isolate and receive by tcx", TO_NEIGHBOR, MEMBER_TCX, 0, false},
	[BRIDGE_XDP] = {"passed: the same, and receive by XDP", TO_NEIGHBOR, MEMBER_TCX, ALL, true},
	[R21_KERNEL] = {"routed by the kernel alone (own MAC)", TO_OWN_MAC, MEMBER_BARE, 0, false},
	[R21_CLSACT] = {"R21 made ours by clsact", TO_THIRD, MEMBER_CLSACT, 0, false},
	[R21_TCX] = {"R21 made ours by tcx", TO_THIRD, MEMBER_TCX, 0, false},
	[R21_TCX_SHORTCUT] = {"R21 straight out by tcx", TO_THIRD, MEMBER_TCX, ALL, false},
	[R21_XDP] = {"R21 straight out by XDP", TO_THIRD, MEMBER_TCX, ALL, true},
	[R22_KERNEL] = {"to the peer by the bridge alone", TO_PEER, MEMBER_BARE, 0, false},
	[R22_CLSACT] = {"R22 left to the bridge by clsact", TO_PEER, MEMBER_CLSACT, 0, false},
	[R22_TCX] = {"R22 left to the bridge by tcx", TO_PEER, MEMBER_TCX, 0, false},
	[R22_CLSACT_SHORTCUT] = {"R22 redirected by clsact", TO_PEER, MEMBER_CLSACT, ALL, false},
	[R22_TCX_SHORTCUT] = {"R22 redirected by tcx", TO_PEER, MEMBER_TCX, ALL, false},
	[R22_XDP] = {"R22 redirected by XDP", TO_PEER, MEMBER_TCX, ALL, true},
};

static struct bench_series series[PATHS_COUNT];
static bool has_nft = true;

static void measure(struct member *member, enum path path, const struct wire_frame *frame)
{
	if (path == REDIRECT) {
		member_attach_redirect(member, true);
	}
	if (path == BRIDGE_NOTHING) {
		member_attach_nothing(member);
	}
	if (path == BRIDGE_NFT) {
		has_nft = has_nft && member_attach_filter(member);
		if (!has_nft) {
			return;
		}
	}
	member_attach(member, PATHS[path].way, PATHS[path].shortcuts, PATHS[path].xdp);
	(void)member_send(member, frame, FRAMES / 20); /* warm, and the sender known */
	bench_add(&series[path], member_send(member, frame, FRAMES));
	member_detach(member);
	if (path == REDIRECT) {
		member_attach_redirect(member, false);
	}
}

static double overhead(enum path path)
{
	return (bench_ratio(&series[path], &series[BRIDGE]) - 1) * 100;
}

static double speed(enum path path, enum path beside)
{
	return bench_ratio(&series[beside], &series[path]);
}

static void print(void)
{
	for (enum path path = 0; path < PATHS_COUNT; path++) {
		double ns = bench_median(&series[path]);

		if (path == BRIDGE_NFT && !has_nft) {
			(void)printf("  %-58s no nft here, or none in this kernel\n",
				     PATHS[path].name);
			continue;
		}
		(void)printf("  %-58s %8.0f ns     %.2f Mpps\n", PATHS[path].name, ns, 1e3 / ns);
	}
	(void)printf("\n");
	bench_print("pass-through by tcx, over the kernel bridge", overhead(BRIDGE_TCX), "%",
		    BENCH_AT_MOST, 10);
	bench_print("the same by programs that do nothing", overhead(BRIDGE_NOTHING), "%",
		    BENCH_NO_LIMIT, 0);
	if (has_nft) {
		bench_print("an nft filter of the bridge for R1 alone, over it",
			    overhead(BRIDGE_NFT), "%", BENCH_NO_LIMIT, 0);
	}
	bench_print("pass-through by clsact, over the kernel bridge", overhead(BRIDGE_CLSACT), "%",
		    BENCH_AT_MOST, 30);
	bench_print("pass-through with XDP, over the kernel bridge", overhead(BRIDGE_XDP), "%",
		    BENCH_NO_LIMIT, 0);
	bench_print("R22 by XDP, in parts of the bare redirect", speed(R22_XDP, REDIRECT), "x",
		    BENCH_AT_LEAST, 0.7);
	bench_print("R21 by XDP, in parts of the kernel's routing", speed(R21_XDP, R21_KERNEL), "x",
		    BENCH_AT_LEAST, 2.5);
	bench_print("R22 redirected by tcx, in parts of left to the bridge",
		    speed(R22_TCX_SHORTCUT, R22_TCX), "x", BENCH_NO_LIMIT, 0);
	bench_print("R22 redirected by clsact, in parts of left to the bridge",
		    speed(R22_CLSACT_SHORTCUT, R22_CLSACT), "x", BENCH_NO_LIMIT, 0);
	bench_print("R21 straight out by tcx, in parts of made ours",
		    speed(R21_TCX_SHORTCUT, R21_TCX), "x", BENCH_NO_LIMIT, 0);
}

static int bench(void)
{
	struct wire_frame frames[PACKETS_COUNT];
	struct member member;

	member_make(&member);
	member_packet(&frames[TO_NEIGHBOR], MEMBER_NEIGHBOR, MEMBER_THIRD);
	member_packet(&frames[TO_OWN_MAC], member.own_mac, MEMBER_THIRD);
	member_packet(&frames[TO_THIRD], MEMBER_PEER, MEMBER_THIRD);
	member_packet(&frames[TO_PEER], MEMBER_PEER, MEMBER_PEER_IP);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		(void)fprintf(stderr, "  round %u of %u\r", round + 1, ROUNDS);
		for (enum path path = 0; path < PATHS_COUNT; path++) {
			measure(&member, path, &frames[PATHS[path].packet]);
		}
	}
	member_free(&member);
	bench_begin("forwarding: packets through a member, live frames over veth, one CPU");
	print();
	return bench_end();
}

int main(void)
{
	return bench_run(bench);
}
