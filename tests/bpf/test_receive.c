// SPDX-License-Identifier: BSD-2-Clause
/*
 * R20 to R25 (and what R26 needs of them), one scene a case (scenes.c): the same frame is given to
 * forward.h and shortcut.h here and, by BPF_PROG_TEST_RUN, to the loaded programs at tc and at XDP,
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
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/datapath.h"
#include "scenes.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define SEGMENTS 3    /* a frame of the kernel's segmentation offload counts as what leaves */
#define NARROW_MTU 68 /* of a device that a large packet does not fit through */
#define ALL_SHORTCUTS (MLAG_SHORTCUT_TO_PEER | MLAG_SHORTCUT_ROUTED)
#define V4 "10.0.20.9"
#define V6 "2001:db8:20::9"

/* Who decides. */
enum entry {
	ENTRY_TC,
	ENTRY_XDP,
	ENTRIES_COUNT,
};

static struct {
	struct datapath *dp;
	uint32_t svi, port, exit, out, narrow;
	uint8_t out_mac[6];
	int fds[ENTRIES_COUNT];
	uint32_t shortcuts; /* that may be taken */
} lab;

static const uint8_t SOURCE_MAC[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t OUR_MAC[6] = {0x02, 0, 0, 0, 1, 0x01};
static const uint8_t NEIGHBOR_MAC[6] = {0x02, 0, 0, 0, 2, 0x09};
static const uint8_t MACS[MACS_COUNT][6] = {
	[MAC_PEER] = {0x02, 0, 0, 0, 1, 0x02},
	[MAC_OWN] = {0x02, 0, 0, 0, 1, 0x01},
	[MAC_STRANGER] = {0x02, 0, 0, 0, 0, 0x0b},
	[MAC_GROUP] = {0x01, 0, 0x5e, 0, 0, 0x05},
};

static const struct place *place_of(const char *ip)
{
	for (uint32_t index = 0; index < PLACES_COUNT; index++) {
		if (strcmp(PLACES[index].ip, ip) == 0) {
			return &PLACES[index];
		}
	}
	fail_msg("%s is no place", ip);
	return NULL;
}

static enum mlag_owner owner_at(const struct place *place, uint32_t domain)
{
	return domain == SCENES_VRF ? place->owner_in_vrf : place->owner;
}

static void forward_everywhere(__u64 *words)
{
	memset(words, 0xff, MLAG_FORWARD_VLAN_WORDS * sizeof(*words));
}

static struct mlag_domain domain_of(const struct scene *scene)
{
	struct mlag_domain domain = {
		.peer_link_ifindex = scene->obstacle == OBSTACLE_NO_PEER_LINK ? 0 : lab.narrow,
		.peer_link_untagged_vid = scene->peer_link_untagged_vid,
		.vlan_aware = scene->vlan_aware,
		.route_for_peer = !scene->unproven,
		.shortcuts = lab.shortcuts,
	};

	if (scene->obstacle != OBSTACLE_PEER_LINK_VLAN) {
		forward_everywhere(domain.peer_link_forwards);
	}
	return domain;
}

static struct mlag_port port_of(const struct scene *scene)
{
	struct mlag_port port = {
		.kind = (uint8_t)scene->kind,
		.gate = (uint8_t)scene->gate,
		.ingress_vid = scene->ingress_vid,
		.guarded = scene->obstacle == OBSTACLE_GUARDED,
	};

	if (scene->obstacle != OBSTACLE_INGRESS_VLAN) {
		forward_everywhere(port.forwards);
	}
	return port;
}

static struct mlag_port exit_of(const struct scene *scene)
{
	const struct scene_exit *exit = &scene->exit;
	struct mlag_port port = {
		.kind = exit->is_peer_link ? MLAG_PORT_PEER_LINK : MLAG_PORT_LEG,
		.gate = (uint8_t)exit->gate,
		.lag_id = 9,
		.untagged_vid = exit->untagged_vid,
	};

	if (!exit->not_forwarding) {
		port.forwards[exit->vlan / 64] = UINT64_C(1) << (exit->vlan % 64);
	}
	if (exit->held) {
		port.held[exit->vlan / 64] = UINT64_C(1) << (exit->vlan % 64);
	}
	return port;
}

static struct mlag_router router_of(const struct scene *scene, enum mac mac)
{
	struct mlag_router router = {
		.domain = scene->domain,
		.own_ifindex = scene->without_svi ? 0 : lab.svi,
		.owner = mac == MAC_OWN ? MLAG_OWNER_SELF : MLAG_OWNER_PEER,
	};

	memcpy(router.own_mac, OUR_MAC, sizeof(router.own_mac));
	return router;
}

/* The source that was not seen for a second is another one each time. */
static void source_of(const struct scene *scene, uint8_t ret[6])
{
	static uint8_t strangers;

	memcpy(ret, SOURCE_MAC, 6);
	if (scene->obstacle == OBSTACLE_SENDER_DUE) {
		ret[3] = 1;
		ret[4] = ++strangers;
	}
}

static void frame_of(const struct scene *scene, struct wire_frame *ret)
{
	uint8_t source_mac[6];
	struct ip_packet packet = {
		.destination_mac = MACS[scene->to],
		.source_mac = source_mac,
		.tags = {scene->tags[0], scene->tags[1]},
		.source = scene->ip && strchr(scene->ip, ':') ? "2001:db8:10::5" : "10.0.10.5",
		.destination = scene->ip,
		.hop_limit = scene->hop_limit,
		.shape = scene->shape,
	};

	source_of(scene, source_mac);
	if (!scene->ip) {
		wire_frame_make(ret, MACS[scene->to], source_mac, scene->tags, 2, 46);
		return;
	}
	if (scene->from) {
		packet.source = scene->from;
	}
	ip_frame_make(ret, &packet);
	if (scene->ethertype) {
		uint32_t offset = scene->tags[0] ? 16 : 12;

		ret->bytes[offset] = (uint8_t)(scene->ethertype >> 8);
		ret->bytes[offset + 1] = (uint8_t)scene->ethertype;
	}
}

/* ---- as userspace decides ------------------------------------------------------------------ */

/* Reads the packet as the programs should. */
static void read_packet(const struct wire_frame *frame, uint32_t offset, uint8_t family,
			bool segmented, struct mlag_packet *ret)
{
	uint32_t size = family == 4 ? MLAG_IPV4_HEADER_SIZE : MLAG_IPV6_HEADER_SIZE;

	ret->family = family;
	if (!family) {
		return;
	}
	if (frame->size < offset + size) {
		ret->malformed = 1;
	} else if (family == 4) {
		mlag_packet_read_ipv4(ret, frame->bytes + offset, frame->size - offset, segmented);
	} else {
		mlag_packet_read_ipv6(ret, frame->bytes + offset, frame->size - offset);
	}
}

/* What mlag_receive() says, asked as often as it wants. */
static struct mlag_decision answer(const struct scene *scene, const struct wire_frame *frame,
				   uint16_t vlan, uint8_t family, uint32_t offset,
				   struct mlag_packet *packet)
{
	struct mlag_domain domain = domain_of(scene);
	struct mlag_port port = port_of(scene);
	struct mlag_decision decision = mlag_receive(&domain, &port, packet);

	if (decision.action == MLAG_ACTION_ASK_ROUTER) {
		packet->router_asked = 1;
		packet->router_found = (scene->to == MAC_PEER || scene->to == MAC_OWN) &&
				       vlan == scene->router_vlan;
		packet->router = router_of(scene, scene->to);
		if (packet->router_found) {
			read_packet(frame, offset, family, scene->segmented, packet);
		}
		decision = mlag_receive(&domain, &port, packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ADDRESS) {
		packet->address_asked = 1;
		packet->address_owner = (uint8_t)owner_at(place_of(scene->ip), scene->domain);
		decision = mlag_receive(&domain, &port, packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ROUTE) {
		packet->route_asked = 1;
		packet->route_found = place_of(scene->ip)->route;
		decision = mlag_receive(&domain, &port, packet);
	}
	return decision;
}

/* What mlag_shortcut() says of that. */
static struct mlag_decision shorten(const struct scene *scene, const struct mlag_tag *tag,
				    const struct mlag_packet *packet, struct mlag_decision decision)
{
	struct mlag_domain domain = domain_of(scene);
	struct mlag_port port = port_of(scene);
	struct mlag_port exit = exit_of(scene);
	struct mlag_arrival arrival = mlag_arrival_of(scene->vlan_aware, scene->ingress_vid, tag);
	struct mlag_exit way = {0};
	struct mlag_decision shortcut;

	arrival.sender_due = scene->obstacle == OBSTACLE_SENDER_DUE;
	shortcut = mlag_shortcut(&domain, &port, packet, &arrival, &way, decision);
	if (shortcut.action == MLAG_ACTION_ASK_EXIT) {
		bool found = scene->exit.known && !scene->exit.elsewhere && !scene->exit.refused &&
			     place_of(scene->ip)->next_hop;

		way.asked = 1;
		way.vlan = scene->exit.vlan;
		way.port = found ? &exit : NULL;
		shortcut = mlag_shortcut(&domain, &port, packet, &arrival, &way, decision);
	}
	return shortcut;
}

struct verdict {
	struct mlag_decision decision;
	struct mlag_decision shortcut; /* the same where there is none */
};

static struct verdict decide(const struct scene *scene, const struct wire_frame *frame)
{
	uint16_t type = (uint16_t)(frame->bytes[12] << 8 | frame->bytes[13]);
	struct mlag_tag tag = {.inside = type == ETH_P_8021Q};
	struct mlag_packet packet = {.group = mlag_mac_is_group(frame->bytes)};
	struct verdict verdict = {mlag_pass(), mlag_pass()};
	uint32_t offset = ETH_HLEN;

	if (scene->without_port) {
		return verdict; /* forward.h is not even asked */
	}
	if (tag.inside) {
		tag.inside_tci = (uint16_t)(frame->bytes[14] << 8 | frame->bytes[15]);
		type = (uint16_t)(frame->bytes[16] << 8 | frame->bytes[17]);
		offset += 4;
	}
	verdict.decision = answer(scene, frame,
				  mlag_ingress_vid(scene->vlan_aware, scene->ingress_vid, &tag),
				  mlag_family_of(scene->vlan_aware, &tag, type), offset, &packet);
	verdict.shortcut = shorten(scene, &tag, &packet, verdict.decision);
	return verdict;
}

/* ---- as the programs do -------------------------------------------------------------------- */

static void set_routers(const struct scene *scene, bool present)
{
	for (enum mac mac = MAC_PEER; mac <= MAC_OWN; mac++) {
		struct mlag_router_key key = {.vlan = scene->router_vlan};
		struct mlag_router router = router_of(scene, mac);

		memcpy(key.mac, MACS[mac], sizeof(key.mac));
		assert_int_equal(datapath_set_router(lab.dp, &key, present ? &router : NULL), 0);
	}
}

static void set_exit(const struct scene *scene, bool present)
{
	struct mlag_source_key key = {.vlan = scene->exit.vlan};
	struct mlag_source source = {.lag_id = 9, .known = 1, .ifindex = lab.exit};
	struct mlag_svi own = {
		.vlan = scene->router_vlan,
		.reverse_path = scene->exit.reverse_path,
	};
	struct mlag_svi svi = {.vlan = scene->exit.vlan};
	struct mlag_port port = exit_of(scene);

	memcpy(key.mac, NEIGHBOR_MAC, sizeof(key.mac));
	assert_int_equal(datapath_set_source(lab.dp, &key, present ? &source : NULL), 0);
	assert_int_equal(datapath_set_port(lab.dp, lab.exit, &port), 0);
	assert_int_equal(datapath_set_svi(lab.dp, lab.svi, &own), 0);
	assert_int_equal(datapath_set_svi(lab.dp, lab.out,
					  present && !scene->exit.elsewhere ? &svi : NULL),
			 0);
}

static void fill_maps(const struct scene *scene)
{
	struct mlag_domain domain = domain_of(scene);
	struct mlag_port port = port_of(scene);

	assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
	assert_int_equal(datapath_delete_port(lab.dp, lab.port), 0);
	if (!scene->without_port) {
		assert_int_equal(datapath_set_port(lab.dp, lab.port, &port), 0);
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
		.ifindex = lab.port,
		.ingress_ifindex = lab.port,
		.gso_segs = SEGMENTS,
		.gso_size = scene->segmented ? 100 : 0,
	};
	struct xdp_md xdp = {.data_end = frame->size, .ingress_ifindex = lab.port};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->size,
		    .data_out = ret->bytes, .data_size_out = sizeof(ret->bytes), .repeat = 1);

	opts.ctx_in = entry == ENTRY_TC ? (void *)&skb : (void *)&xdp;
	opts.ctx_size_in = entry == ENTRY_TC ? sizeof(skb) : sizeof(xdp);
	assert_int_equal(bpf_prog_test_run_opts(lab.fds[entry], &opts), 0);
	ret->size = opts.data_size_out;
	return (int)opts.retval;
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

	assert_int_equal(ifindex, lab.port);
	count->packets[reason] = packets;
	count->bytes[reason] = bytes;
}

static struct count read_counters(void)
{
	struct count count = {0};

	assert_int_equal(datapath_counters(lab.dp, on_counter, &count), 0);
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
	memcpy(frame->bytes, NEIGHBOR_MAC, 6);
	memcpy(frame->bytes + 6, lab.out_mac, 6);
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
		memcpy(frame->bytes, OUR_MAC, sizeof(OUR_MAC));
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

	frame_of(scene, &frame);
	fill_maps(scene);
	show_sender(scene, &frame);
	before = read_counters();
	returned = run(entry, scene, &frame, &out);
	empty_maps(scene);
	if (!is_as_decided(entry, scene, decision.action, &frame, returned, &out)) {
		fail_msg("entry %d, shortcuts %u, action %d: returned %d, %u bytes of %u",
			 (int)entry, lab.shortcuts, (int)decision.action, returned, out.size,
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

	frame_of(scene, &frame);
	for (uint32_t shortcuts = 0; shortcuts <= ALL_SHORTCUTS; shortcuts += ALL_SHORTCUTS) {
		lab.shortcuts = shortcuts;
		verdict = decide(scene, &frame);
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

/* One frame of the product: userspace says what to expect, the programs must do it. */
static void agree(const struct scene *scene, uint64_t *expected_counts)
{
	struct wire_frame frame, out;
	struct mlag_decision decision;

	frame_of(scene, &frame);
	decision = decide(scene, &frame).shortcut;
	for (enum entry entry = 0; entry < ENTRIES_COUNT; entry++) {
		int returned = run(entry, scene, &frame, &out);

		if (!is_as_decided(entry, scene, decision.action, &frame, returned, &out)) {
			fail_msg("entry %d to %d %s hops %d shape %d aware %d vid %d tags %x %x "
				 "unproven %d no SVI %d kind %d: action %d, reason %d; returned %d",
				 (int)entry, (int)scene->to, scene->ip ? scene->ip : "-",
				 scene->hop_limit, (int)scene->shape, scene->vlan_aware,
				 scene->ingress_vid, scene->tags[0], scene->tags[1],
				 scene->unproven, scene->without_svi, (int)scene->kind,
				 (int)decision.action, (int)decision.reason, returned);
		}
		expected_counts[decision.reason] += counted(entry, scene, decision.action);
	}
}

/* The bridge sees the sender in the VLAN of the routers. */
static uint32_t show_sender_in(const struct scene *state)
{
	struct scene scene = *state;
	struct wire_frame frame;

	scene.ip = NULL;
	scene.to = MAC_PEER;
	scene.tags[0] = scene.router_vlan ? WIRE_TAG(ETH_P_8021Q, scene.router_vlan) : 0;
	frame_of(&scene, &frame);
	show_sender(&scene, &frame);
	return decide(&scene, &frame).decision.reason;
}

/* Each frame there is, into one state of the maps.  Return: how many. */
static uint32_t agree_on_frames(struct scene *scene, uint64_t *expected_counts)
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
		agree(scene, expected_counts);
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
		struct scene scene = {
			.vlan_aware = digit(&rest, 2),
			.ingress_vid = VIDS[digit(&rest, 3)],
			.router_vlan = VIDS[digit(&rest, 2)],
			.unproven = digit(&rest, 2),
			.kind = digit(&rest, 3),
			.without_svi = digit(&rest, 2),
			.exit = {.known = true, .vlan = 20, .gate = MLAG_GATE_OPEN},
		};

		lab.shortcuts = rest ? ALL_SHORTCUTS : 0;
		fill_maps(&scene);
		expected_counts[show_sender_in(&scene)] += SEGMENTS;
		frames += agree_on_frames(&scene, expected_counts);
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
	lab.shortcuts = 0;
	ip_set_forwarding("br0", false);
	for (uint32_t index = 0; index < ARRAY_SIZE(IPS); index++) {
		struct scene scene = {.ip = IPS[index], .hop_limit = 64};
		struct count before = read_counters();

		frame_of(&scene, &frame);
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
	uint32_t svi = lab.svi;
	struct wire_frame frame, out;

	(void)state;
	lab.shortcuts = 0;
	lab.svi = 99999;
	frame_of(&scene, &frame);
	fill_maps(&scene);
	lab.svi = svi;
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
	lab.shortcuts = 0;
	frame_of(&scene, &frame);
	fill_maps(&scene);
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_PEER), 0);
	assert_int_equal(run(ENTRY_TC, &scene, &frame, &out), TC_ACT_UNSPEC);
	assert_memory_equal(out.bytes, frame.bytes, frame.size);
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_SELF), 0);
	assert_int_equal(run(ENTRY_TC, &scene, &frame, &out), TC_ACT_UNSPEC);
	assert_memory_equal(out.bytes, OUR_MAC, sizeof(OUR_MAC));
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_NONE), 0);
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_NONE), 0);
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
		assert_int_equal(datapath_set_address(lab.dp, &address, (uint8_t)place->owner), 0);
		address.domain = SCENES_VRF;
		assert_int_equal(
			datapath_set_address(lab.dp, &address, (uint8_t)place->owner_in_vrf), 0);
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
	ip_add_neighbor("out", "10.0.20.9", NEIGHBOR_MAC);
	ip_add_neighbor("out", "2001:db8:20::9", NEIGHBOR_MAC);
	ip_add_neighbor("narrow", "10.0.30.9", NEIGHBOR_MAC);
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
	lab.svi = wire_make_bridge("br0");
	lab.port = wire_make_port("port", "port-far", lab.svi);
	lab.exit = wire_make_port("exit", "exit-far", lab.svi);
	lab.out = wire_make_port("out", "out-far", 0);
	lab.narrow = wire_make_port("narrow", "narrow-far", 0);
	wire_get_mac("out", lab.out_mac);
	set_up_routing();
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	set_addresses();
	assert_int_equal(datapath_attach(lab.dp, lab.port, MLAG_PORT_NONE), 0);
	assert_int_equal(datapath_attach_xdp(lab.dp, lab.port, reason), 0);
	assert_int_equal(datapath_set_exit(lab.dp, lab.exit, true), 0);
	assert_int_equal(datapath_set_exit(lab.dp, lab.narrow, true), 0); /* as the peer link */
	lab.fds[ENTRY_TC] = wire_open_program(lab.port, BPF_TC_INGRESS);
	lab.fds[ENTRY_XDP] = wire_open_xdp(lab.port);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(lab.fds[ENTRY_TC]);
	close(lab.fds[ENTRY_XDP]);
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	datapath_close(lab.dp);
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
	return _cmocka_run_group_tests("R20 to R26", tests, OTHERS + SCENES_COUNT, set_up,
				       tear_down);
}
