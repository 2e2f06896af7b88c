// SPDX-License-Identifier: BSD-2-Clause
/*
 * R20 to R26, and what R27 asks of ways round the bridge, one scene a case (scenes.c): the same frame is given to
 * forward.h and shortcut.h (scenelab.c) and, by BPF_PROG_TEST_RUN, to the loaded programs at tc and at XDP,
 * and all must do what the scene expects, without shortcuts and with all of them; of the frame
 * nothing may change but what the way it takes asks for, and only what was decided is counted.
 * The routes are the kernel's own, of a network namespace with real ones.  A last test takes the
 * product of what a decision depends on and demands that programs and forward.h agree everywhere.
 *
 * BPF_PROG_TEST_RUN cannot put a tag beside a frame; test_routed.c has those, and the wire.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
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

#include "scenelab.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define V4 "10.0.20.9"
#define V6 "2001:db8:20::9"

/* ---- as the programs do -------------------------------------------------------------------- */

static void set_routers(const struct scene *scene, bool present)
{
	for (enum mac mac = MAC_PEER; mac <= MAC_OWN; mac++) {
		struct mlag_router_key key = {.vlan = scene->router_vlan};
		struct mlag_router router = scenelab_router_of(scene, mac);

		memcpy(key.mac, scenelab_macs[mac], sizeof(key.mac));
		assert_int_equal(datapath_set_router(scenelab.dp, &key, present ? &router : NULL),
				 0);
	}
}

static void set_exit(const struct scene *scene, bool present)
{
	struct mlag_source_key key = {.vlan = scene->exit.vlan};
	struct mlag_source source = {.lag_id = 9, .known = 1, .ifindex = scenelab.exit};
	struct mlag_svi own = {
		.vlan = scene->router_vlan,
		.reverse_path = scene->exit.reverse_path,
	};
	struct mlag_svi svi = {.vlan = scene->exit.vlan};
	struct mlag_port port = scenelab_exit_of(scene);

	memcpy(key.mac, scenelab_neighbor_mac, sizeof(key.mac));
	assert_int_equal(datapath_set_source(scenelab.dp, &key, present ? &source : NULL), 0);
	assert_int_equal(datapath_set_port(scenelab.dp, scenelab.exit, &port), 0);
	assert_int_equal(datapath_set_svi(scenelab.dp, scenelab.svi, &own), 0);
	assert_int_equal(datapath_set_svi(scenelab.dp, scenelab.out,
					  present && !scene->exit.elsewhere ? &svi : NULL),
			 0);
}

static void fill_maps(const struct scene *scene)
{
	struct mlag_domain domain = scenelab_domain_of(scene);
	struct mlag_port port = scenelab_port_of(scene);

	assert_int_equal(datapath_set_domain(scenelab.dp, &domain), 0);
	assert_int_equal(datapath_delete_port(scenelab.dp, scenelab.port), 0);
	if (!scene->without_port) {
		assert_int_equal(datapath_set_port(scenelab.dp, scenelab.port, &port), 0);
	}
	set_routers(scene, true);
	set_exit(scene, scene->exit.known);
}

static void empty_maps(const struct scene *scene)
{
	set_routers(scene, false);
	set_exit(scene, false);
}

/* Gives a frame to a loaded program.  Return: what it returned. */
static int run(enum entry entry, const struct scene *scene, const struct wire_frame *frame,
	       struct wire_frame *ret)
{
	struct __sk_buff skb = {
		.ifindex = scenelab.port,
		.ingress_ifindex = scenelab.port,
		.gso_segs = SEGMENTS,
		.gso_size = scene->segmented ? 100 : 0,
	};
	struct xdp_md xdp = {.data_end = frame->size, .ingress_ifindex = scenelab.port};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->size,
		    .data_out = ret->bytes, .data_size_out = sizeof(ret->bytes), .repeat = 1);

	opts.ctx_in = entry == ENTRY_TC ? (void *)&skb : (void *)&xdp;
	opts.ctx_size_in = entry == ENTRY_TC ? sizeof(skb) : sizeof(xdp);
	assert_int_equal(bpf_prog_test_run_opts(scenelab.fds[entry], &opts), 0);
	ret->size = opts.data_size_out;
	return (int)opts.retval;
}

#define SHOW_AGAIN_MS 800 /* less than the second for which a sender counts as seen */

static uint64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The bridge has seen the sender now. */
static void show_sender(const struct scene *scene, const struct wire_frame *frame)
{
	struct wire_frame ignored;

	if (scene->obstacle != OBSTACLE_SENDER_DUE) {
		(void)run(ENTRY_TC, scene, frame, &ignored);
	}
}

struct count {
	uint64_t packets[MLAG_REASONS_COUNT];
	uint64_t bytes[MLAG_REASONS_COUNT];
};

static void on_counter(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
		       uint64_t bytes)
{
	struct count *count = user;

	assert_int_equal(ifindex, scenelab.port);
	count->packets[reason] = packets;
	count->bytes[reason] = bytes;
}

static struct count read_counters(void)
{
	struct count count = {0};

	assert_int_equal(datapath_counters(scenelab.dp, on_counter, &count), 0);
	return count;
}

/* Only what was decided is counted, and once. */
static void check_counters(enum mlag_reason counted, const struct count *before, uint32_t packets,
			   uint32_t size)
{
	struct count after = read_counters();

	for (uint32_t reason = 1; reason < MLAG_REASONS_COUNT; reason++) {
		assert_int_equal(after.packets[reason] - before->packets[reason],
				 reason == counted ? packets : 0);
		assert_int_equal(after.bytes[reason] - before->bytes[reason],
				 reason == counted ? size : 0);
	}
}

/* ---- what must come of a frame ------------------------------------------------------------- */

static bool is_tagged(const struct scene *scene)
{
	return scene->vlan_aware && scene->tags[0] >> 16 == ETH_P_8021Q &&
	       (scene->tags[0] & 0xfff) != 0;
}

/* The frame with another outer tag: @tci, or none.  At tc a new tag travels beside the frame. */
static void retag(enum entry entry, const struct scene *scene, struct wire_frame *frame,
		  bool tagged, uint16_t tci)
{
	const uint8_t tag[4] = {0x81, 0, (uint8_t)(tci >> 8), (uint8_t)tci};

	if (is_tagged(scene)) {
		memmove(frame->bytes + 12, frame->bytes + 16, frame->size - 16);
		frame->size -= 4;
	}
	if (tagged && entry == ENTRY_XDP) {
		memmove(frame->bytes + 16, frame->bytes + 12, frame->size - 12);
		memcpy(frame->bytes + 12, tag, sizeof(tag));
		frame->size += 4;
	}
}

static void expect_at_peer_link(enum entry entry, const struct scene *scene,
				struct wire_frame *frame)
{
	uint16_t tci = is_tagged(scene) ? (uint16_t)scene->tags[0] : scene->ingress_vid;
	uint16_t vid = scene->vlan_aware ? tci & 0xfff : 0;
	bool tagged = vid && vid != scene->peer_link_untagged_vid;

	if (!tagged || !is_tagged(scene)) {
		retag(entry, scene, frame, tagged, tci);
	}
}

static void expect_at_exit(enum entry entry, const struct scene *scene, struct wire_frame *frame)
{
	const struct scene_exit *exit = &scene->exit;

	ip_take_hop(frame, is_tagged(scene) ? ETH_HLEN + 4 : ETH_HLEN);
	memcpy(frame->bytes, scenelab_neighbor_mac, 6);
	memcpy(frame->bytes + 6, scenelab.out_mac, 6);
	retag(entry, scene, frame, exit->vlan && exit->vlan != exit->untagged_vid, exit->vlan);
}

/* A leg that waits for a sign of its partner gets it at tc: XDP is to let everything pass there. */
static bool is_left_to_tc(enum entry entry, const struct scene *scene)
{
	return entry == ENTRY_XDP && mlag_gate_restricts((__u8)scene->gate);
}

/* What a program returns, and the frame as it leaves it. */
static int expect(enum entry entry, const struct scene *scene, enum mlag_action action,
		  struct wire_frame *frame)
{
	const int pass = entry == ENTRY_TC ? TC_ACT_UNSPEC : XDP_PASS;

	if (is_left_to_tc(entry, scene)) {
		return pass;
	}
	if (action == MLAG_ACTION_DROP) {
		return entry == ENTRY_TC ? TC_ACT_SHOT : XDP_DROP;
	}
	if (action == MLAG_ACTION_REWRITE && entry == ENTRY_TC) {
		memcpy(frame->bytes, scenelab_our_mac, sizeof(scenelab_our_mac));
	}
	if (action != MLAG_ACTION_TO_PEER_LINK && action != MLAG_ACTION_SEND) {
		return pass;
	}
	if (action == MLAG_ACTION_SEND) {
		expect_at_exit(entry, scene, frame);
	} else {
		expect_at_peer_link(entry, scene, frame);
	}
	return entry == ENTRY_TC ? TC_ACT_REDIRECT : XDP_REDIRECT;
}

static bool is_as_decided(enum entry entry, const struct scene *scene, enum mlag_action action,
			  const struct wire_frame *in, int returned, const struct wire_frame *out)
{
	struct wire_frame expected = *in;

	return returned == expect(entry, scene, action, &expected) && out->size == expected.size &&
	       memcmp(out->bytes, expected.bytes, expected.size) == 0;
}

/* What ends at XDP is counted there, and nothing else; at tc everything is that has a reason. */
static uint32_t counted(enum entry entry, const struct scene *scene, enum mlag_action action)
{
	if (entry == ENTRY_TC) {
		return SEGMENTS;
	}
	return !is_left_to_tc(entry, scene) &&
	       (action == MLAG_ACTION_DROP || action == MLAG_ACTION_TO_PEER_LINK ||
		action == MLAG_ACTION_SEND);
}

static void check_scene(enum entry entry, const struct scene *scene, struct mlag_decision decision)
{
	struct wire_frame frame, out;
	struct count before;
	uint32_t packets = counted(entry, scene, decision.action);
	int returned;

	scenelab_frame_of(scene, &frame);
	fill_maps(scene);
	show_sender(scene, &frame);
	before = read_counters();
	returned = run(entry, scene, &frame, &out);
	empty_maps(scene);
	if (!is_as_decided(entry, scene, decision.action, &frame, returned, &out)) {
		fail_msg("entry %d, shortcuts %u, action %d: returned %d, %u bytes of %u",
			 (int)entry, scenelab.shortcuts, (int)decision.action, returned, out.size,
			 frame.size);
	}
	check_counters(packets ? decision.reason : MLAG_REASON_NONE, &before, packets, frame.size);
}

static void test_scene(void **state)
{
	const struct scene *scene = *state;
	enum mlag_action shortcut = scene->shortcut ? scene->shortcut : scene->action;
	struct wire_frame frame;
	struct verdict verdict;

	scenelab_frame_of(scene, &frame);
	for (uint32_t shortcuts = 0; shortcuts <= ALL_SHORTCUTS; shortcuts += ALL_SHORTCUTS) {
		scenelab.shortcuts = shortcuts;
		verdict = scenelab_decide(scene, &frame);
		assert_int_equal(verdict.decision.action, scene->action);
		assert_int_equal(verdict.decision.reason, scene->reason);
		assert_int_equal(verdict.shortcut.action, shortcuts ? shortcut : scene->action);
		assert_int_equal(verdict.shortcut.reason, scene->reason);
		check_scene(ENTRY_TC, scene, verdict.shortcut);
		if (!scene->segmented) {
			check_scene(ENTRY_XDP, scene, verdict.shortcut);
		}
	}
}

/* Mixed radix: each digit is one thing a decision depends on. */
static uint32_t digit(uint32_t *rest, uint32_t radix)
{
	uint32_t value = *rest % radix;

	*rest /= radix;
	return value;
}

/* The bridge sees the sender in the VLAN of the routers. */
static uint32_t show_sender_in(const struct scene *state)
{
	struct scene scene = *state;
	struct wire_frame frame;

	scene.ip = NULL;
	scene.to = MAC_PEER;
	scene.tags[0] = scene.router_vlan ? WIRE_TAG(ETH_P_8021Q, scene.router_vlan) : 0;
	scenelab_frame_of(&scene, &frame);
	show_sender(&scene, &frame);
	return scenelab_decide(&scene, &frame).decision.reason;
}

static void disagree(enum entry entry, const struct scene *scene, struct mlag_decision decision,
		     int returned)
{
	fail_msg("entry %d to %d %s hops %d shape %d aware %d vid %d tags %x %x unproven %d no SVI "
		 "%d kind %d: action %d, reason %d; returned %d",
		 (int)entry, (int)scene->to, scene->ip ? scene->ip : "-", scene->hop_limit,
		 (int)scene->shape, scene->vlan_aware, scene->ingress_vid, scene->tags[0],
		 scene->tags[1], scene->unproven, scene->without_svi, (int)scene->kind,
		 (int)decision.action, (int)decision.reason, returned);
}

/*
 * One frame of the product: userspace says what to expect, the programs must do it.  A sender counts
 * as seen for a second, which a busy machine may need for less than all frames: it is shown again.
 */
static void agree(const struct scene *scene, uint64_t *expected_counts, uint64_t *shown_ms)
{
	struct wire_frame frame, out;
	struct mlag_decision decision;

	scenelab_frame_of(scene, &frame);
	decision = scenelab_decide(scene, &frame).shortcut;
	for (enum entry entry = 0; entry < ENTRIES_COUNT; entry++) {
		for (;;) {
			int returned;

			if (now_ms() - *shown_ms >= SHOW_AGAIN_MS) {
				expected_counts[show_sender_in(scene)] += SEGMENTS;
				*shown_ms = now_ms();
			}
			returned = run(entry, scene, &frame, &out);
			if (is_as_decided(entry, scene, decision.action, &frame, returned, &out)) {
				break;
			}
			if (now_ms() - *shown_ms < SHOW_AGAIN_MS) {
				disagree(entry, scene, decision, returned);
			}
			/* Decided as of a sender that was not seen; at tc that counts, too. */
			expected_counts[decision.reason] += entry == ENTRY_TC ? SEGMENTS : 0;
		}
		expected_counts[decision.reason] += counted(entry, scene, decision.action);
	}
}

/* Each frame there is, into one state of the maps.  Return: how many. */
static uint32_t agree_on_frames(struct scene *scene, uint64_t *expected_counts, uint64_t *shown_ms)
{
	static const uint32_t TAGS[][2] = {
		{0},
		{WIRE_TAG(ETH_P_8021Q, 10)},
		{WIRE_TAG(ETH_P_8021Q, 11)},
		{WIRE_TAG(ETH_P_8021Q, 0xe000)},
		{WIRE_TAG(ETH_P_8021AD, 10)},
		{WIRE_TAG(ETH_P_8021Q, 10), WIRE_TAG(ETH_P_8021Q, 10)},
	};
	static const uint8_t HOP_LIMITS[] = {0, 1, 64};
	const uint32_t size = ARRAY_SIZE(TAGS) * 3 * MACS_COUNT * (PLACES_COUNT + 1);

	for (uint32_t number = 0; number < size; number++) {
		uint32_t rest = number;

		memcpy(scene->tags, TAGS[digit(&rest, ARRAY_SIZE(TAGS))], sizeof(scene->tags));
		scene->hop_limit = HOP_LIMITS[digit(&rest, 3)];
		scene->to = digit(&rest, MACS_COUNT);
		scene->ip = rest < PLACES_COUNT ? PLACES[rest].ip : NULL;
		/* Every shape comes with every place and tag in one state or another. */
		scene->shape = (number + number / IP_SHAPES_COUNT) % IP_CUT_OFF;
		agree(scene, expected_counts, shown_ms);
	}
	return size;
}

static void test_programs_agree_with_forward_everywhere(void **state)
{
	static const uint16_t VIDS[] = {0, 10, 11};
	const uint32_t size = 2 * 3 * 2 * 2 * 3 * 2 * 2;
	struct count before = read_counters();
	uint64_t expected_counts[MLAG_REASONS_COUNT] = {0};
	struct count after;
	uint32_t frames = 0;

	(void)state;
	for (uint32_t number = 0; number < size; number++) {
		uint32_t rest = number;
		uint64_t shown_ms;
		struct scene scene = {
			.vlan_aware = digit(&rest, 2),
			.ingress_vid = VIDS[digit(&rest, 3)],
			.router_vlan = VIDS[digit(&rest, 2)],
			.unproven = digit(&rest, 2),
			.kind = digit(&rest, 3),
			.without_svi = digit(&rest, 2),
			.exit = {.known = true, .vlan = 20, .gate = MLAG_GATE_OPEN},
		};

		scenelab.shortcuts = rest ? ALL_SHORTCUTS : 0;
		fill_maps(&scene);
		expected_counts[show_sender_in(&scene)] += SEGMENTS;
		shown_ms = now_ms();
		frames += agree_on_frames(&scene, expected_counts, &shown_ms);
		empty_maps(&scene);
	}
	after = read_counters();
	for (uint32_t reason = 1; reason < MLAG_REASONS_COUNT; reason++) {
		assert_int_equal(after.packets[reason] - before.packets[reason],
				 expected_counts[reason]);
		/* And all of them were met. */
		assert_true(expected_counts[reason] || reason < MLAG_REASON_MALFORMED ||
			    reason > MLAG_REASON_NO_ROUTE);
	}
	print_message("%u frames\n", frames);
}

static void test_R25_a_member_that_does_not_forward(void **state)
{
	static const char *const IPS[] = {V4, V6};
	struct wire_frame frame, out;

	(void)state;
	scenelab.shortcuts = 0;
	ip_set_forwarding("br0", false);
	for (uint32_t index = 0; index < ARRAY_SIZE(IPS); index++) {
		struct scene scene = {.ip = IPS[index], .hop_limit = 64};
		struct count before = read_counters();

		scenelab_frame_of(&scene, &frame);
		fill_maps(&scene);
		assert_int_equal(run(ENTRY_TC, &scene, &frame, &out), TC_ACT_UNSPEC);
		set_routers(&scene, false);
		assert_memory_equal(out.bytes, frame.bytes, frame.size);
		check_counters(MLAG_REASON_NO_ROUTE, &before, SEGMENTS, frame.size);
	}
	ip_set_forwarding("br0", true);
}

static void test_R25_an_SVI_that_is_gone(void **state)
{
	struct scene scene = {.ip = V4, .hop_limit = 64};
	uint32_t svi = scenelab.svi;
	struct wire_frame frame, out;

	(void)state;
	scenelab.shortcuts = 0;
	scenelab.svi = 99999;
	scenelab_frame_of(&scene, &frame);
	fill_maps(&scene);
	scenelab.svi = svi;
	assert_int_equal(run(ENTRY_TC, &scene, &frame, &out), TC_ACT_UNSPEC);
	set_routers(&scene, false);
	assert_memory_equal(out.bytes, frame.bytes, frame.size);
}

/* What is never routed, at the borders of the ranges. */
static void test_R23_ranges_of_addresses(void **state)
{
	static const struct {
		const char *ip;
		bool routable;
	} ADDRESSES[] = {
		{"0.255.255.255", false},
		{"1.0.0.0", true},
		{"126.255.255.255", true},
		{"127.0.0.0", false},
		{"127.255.255.255", false},
		{"128.0.0.0", true},
		{"169.253.255.255", true},
		{"169.254.0.0", false},
		{"169.254.255.255", false},
		{"169.255.0.0", true},
		{"223.255.255.255", true},
		{"224.0.0.0", false},
		{"239.255.255.255", false},
		{"240.0.0.0", true},
		{"255.255.255.254", true},
		{"255.255.255.255", false},
		{"::", false},
		{"::1", false},
		{"::2", true},
		{"1::1", true},
		{"::1:1", true},
		{"fe7f:ffff::", true},
		{"fe80::", false},
		{"febf:ffff::", false},
		{"fec0::", true},
		{"feff::", true},
		{"ff00::", false},
		{"fc00::1", true},
		{"ffff::", false},
	};

	(void)state;
	for (uint32_t index = 0; index < ARRAY_SIZE(ADDRESSES); index++) {
		struct mlag_packet packet = {0};

		packet.family = ip_parse(ADDRESSES[index].ip, packet.destination);
		if (mlag_packet_is_routable(&packet) != ADDRESSES[index].routable) {
			fail_msg("%s", ADDRESSES[index].ip);
		}
	}
}

/* What is forgotten is passed again; forgetting twice is no error. */
static void test_addresses_come_and_go(void **state)
{
	struct mlag_address address = {.family = 4, .octets = {10, 0, 20, 9}};
	struct scene scene = {.ip = V4, .hop_limit = 64};
	struct wire_frame frame, out;

	(void)state;
	scenelab.shortcuts = 0;
	scenelab_frame_of(&scene, &frame);
	fill_maps(&scene);
	assert_int_equal(datapath_set_address(scenelab.dp, &address, MLAG_OWNER_PEER), 0);
	assert_int_equal(run(ENTRY_TC, &scene, &frame, &out), TC_ACT_UNSPEC);
	assert_memory_equal(out.bytes, frame.bytes, frame.size);
	assert_int_equal(datapath_set_address(scenelab.dp, &address, MLAG_OWNER_SELF), 0);
	assert_int_equal(run(ENTRY_TC, &scene, &frame, &out), TC_ACT_UNSPEC);
	assert_memory_equal(out.bytes, scenelab_our_mac, sizeof(scenelab_our_mac));
	assert_int_equal(datapath_set_address(scenelab.dp, &address, MLAG_OWNER_NONE), 0);
	assert_int_equal(datapath_set_address(scenelab.dp, &address, MLAG_OWNER_NONE), 0);
	set_routers(&scene, false);
	set_routers(&scene, false);
	assert_int_equal(run(ENTRY_TC, &scene, &frame, &out), TC_ACT_UNSPEC);
	assert_memory_equal(out.bytes, frame.bytes, frame.size);
}

static void set_addresses(void)
{
	for (uint32_t index = 0; index < PLACES_COUNT; index++) {
		const struct place *place = &PLACES[index];
		struct mlag_address address = {0};

		address.family = ip_parse(place->ip, address.octets);
		assert_int_equal(datapath_set_address(scenelab.dp, &address, (uint8_t)place->owner),
				 0);
		address.domain = SCENES_VRF;
		assert_int_equal(datapath_set_address(scenelab.dp, &address,
						      (uint8_t)place->owner_in_vrf),
				 0);
	}
}

static void set_up_routing(void)
{
	static const char *const DEVICES[] = {"br0", "out"};

	wire_set_mtu("narrow", NARROW_MTU);
	ip_enable(DEVICES, ARRAY_SIZE(DEVICES));
	ip_add_address("br0", "10.0.10.1/24");
	ip_add_address("br0", "2001:db8:10::1/64");
	ip_add_address("out", "10.0.20.1/24");
	ip_add_address("out", "2001:db8:20::1/64");
	ip_add_address("narrow", "10.0.30.1/24");
	ip_add_neighbor("out", "10.0.20.9", scenelab_neighbor_mac);
	ip_add_neighbor("out", "2001:db8:20::9", scenelab_neighbor_mac);
	ip_add_neighbor("narrow", "10.0.30.9", scenelab_neighbor_mac);
	ip_add_route("10.40.0.0/16", RTN_UNICAST, "10.0.20.9");
	ip_add_route("10.66.0.0/16", RTN_BLACKHOLE, NULL);
	ip_add_route("10.67.0.0/16", RTN_UNREACHABLE, NULL);
	ip_add_route("10.68.0.0/16", RTN_PROHIBIT, NULL);
	ip_add_route("2001:db8:40::/48", RTN_UNICAST, "2001:db8:20::9");
	ip_add_route("2001:db8:66::/48", RTN_BLACKHOLE, NULL);
	ip_add_route("2001:db8:67::/48", RTN_UNREACHABLE, NULL);
	ip_add_route("2001:db8:68::/48", RTN_PROHIBIT, NULL);
}

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("libbpf: %s\n", text);
}

static int set_up(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};
	char reason[XDP_REASON_SIZE];

	(void)state;
	wire_enter_namespace();
	scenelab.svi = wire_make_bridge("br0");
	scenelab.port = wire_make_port("port", "port-far", scenelab.svi);
	scenelab.exit = wire_make_port("exit", "exit-far", scenelab.svi);
	scenelab.out = wire_make_port("out", "out-far", 0);
	scenelab.narrow = wire_make_port("narrow", "narrow-far", 0);
	wire_get_mac("out", scenelab.out_mac);
	set_up_routing();
	assert_int_equal(datapath_open(&scenelab.dp, &spec), 0);
	set_addresses();
	assert_int_equal(datapath_attach(scenelab.dp, scenelab.port, MLAG_PORT_NONE), 0);
	assert_int_equal(datapath_attach_xdp(scenelab.dp, scenelab.port, reason), 0);
	assert_int_equal(datapath_set_exit(scenelab.dp, scenelab.exit, true), 0);
	assert_int_equal(datapath_set_exit(scenelab.dp, scenelab.narrow, true),
			 0); /* as the peer link */
	scenelab.fds[ENTRY_TC] = wire_open_program(scenelab.port, BPF_TC_INGRESS);
	scenelab.fds[ENTRY_XDP] = wire_open_xdp(scenelab.port);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(scenelab.fds[ENTRY_TC]);
	close(scenelab.fds[ENTRY_XDP]);
	assert_int_equal(datapath_detach_all(scenelab.dp), 0);
	datapath_close(scenelab.dp);
	return 0;
}

int main(void)
{
	enum { OTHERS = 5, TESTS_MAX = 512 };
	static struct CMUnitTest tests[TESTS_MAX] = {
		cmocka_unit_test(test_R23_ranges_of_addresses),
		cmocka_unit_test(test_programs_agree_with_forward_everywhere),
		cmocka_unit_test(test_R25_a_member_that_does_not_forward),
		cmocka_unit_test(test_R25_an_SVI_that_is_gone),
		cmocka_unit_test(test_addresses_come_and_go),
	};

	assert_true(OTHERS + SCENES_COUNT <= TESTS_MAX);
	for (uint32_t index = 0; index < SCENES_COUNT; index++) {
		tests[OTHERS + index] = (struct CMUnitTest){
			.name = SCENES[index].name,
			.test_func = test_scene,
			.initial_state = (void *)(uintptr_t)&SCENES[index],
		};
	}
	/* The count of an array of this size is not known to the macro. */
	return _cmocka_run_group_tests("R20 to R27", tests, OTHERS + SCENES_COUNT, set_up,
				       tear_down);
}
