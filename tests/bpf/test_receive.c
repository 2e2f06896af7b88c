// SPDX-License-Identifier: BSD-2-Clause
/*
 * R20 to R25 (and what R26 needs of them), one scene a case: the same frame is given to forward.h
 * here and, by BPF_PROG_TEST_RUN, to the loaded program, and both must say what the scene expects;
 * of the frame nothing may change but the destination MAC, and only what was decided is counted.
 * The routes are the kernel's own, of a network namespace with real ones.  A last test takes the
 * product of what a decision depends on and demands that program and forward.h agree everywhere.
 *
 * BPF_PROG_TEST_RUN cannot put a tag beside a frame; test_routed.c has those, and the wire.
 */
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
#include "ip.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define SEGMENTS 3    /* a frame of the kernel's segmentation offload counts as what leaves */
#define VRF 77	      /* a routing domain that is not the default one */
#define NARROW_MTU 68 /* of a device that a large packet does not fit through */

/* Everywhere that a packet goes in here, who has the address, and whether the kernel routes it. */
static const struct place {
	const char *ip;
	enum mlag_owner owner;
	enum mlag_owner owner_in_vrf;
	bool route;
} PLACES[] = {
	{"10.0.20.9", .owner_in_vrf = MLAG_OWNER_PEER, .route = true},
	{"10.0.20.77", .route = true}, /* no neighbour yet */
	{"10.0.30.9", .route = true},  /* through NARROW_MTU */
	{"10.40.0.1", .route = true},  /* by a gateway */
	{"10.66.0.1", .route = true},  /* blackhole */
	{"10.67.0.1", .route = true},  /* unreachable */
	{"10.68.0.1", .route = true},  /* prohibit */
	{.ip = "10.99.0.1"},
	{"10.0.10.1", .owner = MLAG_OWNER_SELF},
	{"10.0.10.2", .owner = MLAG_OWNER_PEER, .route = true},
	{"10.0.10.9", .route = true}, /* a host in the VLAN it comes from */
	{"192.0.2.2", .owner = MLAG_OWNER_PEER},
	{.ip = "10.0.10.255"}, /* broadcast in one of our networks */
	{.ip = "255.255.255.255"},
	{.ip = "224.0.0.5"},
	{.ip = "239.255.255.250"},
	{.ip = "127.0.0.1"},
	{.ip = "0.0.0.0"},
	{.ip = "169.254.1.1"},
	{"2001:db8:20::9", .owner_in_vrf = MLAG_OWNER_PEER, .route = true},
	{"2001:db8:20::77", .route = true},
	{"2001:db8:40::1", .route = true},
	{"2001:db8:66::1", .route = true},
	{"2001:db8:67::1", .route = true},
	{"2001:db8:68::1", .route = true},
	{.ip = "2001:db8:99::1"},
	{"2001:db8:10::1", .owner = MLAG_OWNER_SELF},
	{"2001:db8:10::2", .owner = MLAG_OWNER_PEER, .route = true},
	{"2001:db8:2::2", .owner = MLAG_OWNER_PEER},
	{.ip = "ff02::5"},
	{.ip = "ff0e::1"},
	{.ip = "::1"},
	{.ip = "::"},
	{.ip = "fe80::2"},
	{.ip = "febf::2"},
};

enum mac {
	MAC_PEER,
	MAC_OWN,
	MAC_STRANGER,
	MAC_GROUP,
	MACS_COUNT,
};

struct scene {
	const char *name;
	const char *ip; /* NULL: not IP */
	uint8_t hop_limit;
	enum ip_shape shape;
	enum mac to;
	bool vlan_aware;
	uint16_t ingress_vid;
	uint16_t router_vlan; /* where the router MACs are known */
	uint32_t tags[2];
	uint16_t ethertype; /* instead of the packet's */
	uint32_t domain;    /* of the routers */
	bool unproven;
	bool without_svi;
	bool without_port;
	bool segmented; /* the kernel's segmentation offload */
	enum mlag_port_kind kind;
	enum mlag_action action;
	enum mlag_reason reason;
};

#define PASS .action = MLAG_ACTION_PASS
#define TO_PEER(why) .action = MLAG_ACTION_PASS, .reason = MLAG_REASON_##why
#define DROP(why) .action = MLAG_ACTION_DROP, .reason = MLAG_REASON_##why
#define ROUTED .action = MLAG_ACTION_REWRITE, .reason = MLAG_REASON_ROUTED_FOR_PEER
#define TAGGED(vid) .tags = {WIRE_TAG(ETH_P_8021Q, vid)}
#define AWARE(pvid, vlan) .vlan_aware = true, .ingress_vid = (pvid), .router_vlan = (vlan)
#define V4 "10.0.20.9"
#define V6 "2001:db8:20::9"

static const struct scene SCENES[] = {
	/* R20: whose MAC it is */
	{"R20 a stranger's MAC", V4, 64, .to = MAC_STRANGER, PASS},
	{"R20 a group MAC", V4, 64, .to = MAC_GROUP, PASS},
	{"R20 our MAC, third party", V4, 64, .to = MAC_OWN, PASS},
	{"R20 our MAC, third party, v6", V6, 64, .to = MAC_OWN, PASS},
	{"R20 our MAC, our address", "10.0.10.1", 64, .to = MAC_OWN, PASS},
	{"R20 our MAC, the peer's address", "10.0.10.2", 64, .to = MAC_OWN, PASS},
	{"R20 our MAC, no route", "10.99.0.1", 64, .to = MAC_OWN, PASS},
	{"R20 our MAC, not IP", .to = MAC_OWN, PASS},
	{"R20 at a leg", V4, 64, .kind = MLAG_PORT_LEG, ROUTED},
	{"R20 nothing is received for others at PL", V4, 64, .kind = MLAG_PORT_PEER_LINK, PASS},
	{"a port that is not in the map passes", V4, 64, .without_port = true, PASS},
	/* R20 by VLAN */
	{"R20 by VLAN: access port", V4, 64, AWARE(10, 10), ROUTED},
	{"R20 by VLAN: access port of another", V4, 64, AWARE(11, 10), PASS},
	{"R20 by VLAN: tag", V4, 64, AWARE(0, 10), TAGGED(10), ROUTED},
	{"R20 by VLAN: tag, v6", V6, 64, AWARE(0, 10), TAGGED(10), ROUTED},
	{"R20 by VLAN: the tag outdoes the port's VLAN", V4, 64, AWARE(11, 10), TAGGED(10), ROUTED},
	{"R20 by VLAN: tag of another", V4, 64, AWARE(10, 10), TAGGED(11), PASS},
	{"R20 by VLAN: priority bits do not matter", V4, 64, AWARE(0, 10), TAGGED(0xe00a), ROUTED},
	{"R20 by VLAN: a priority tag is no VLAN", V4, 64, AWARE(10, 10), TAGGED(0xe000), ROUTED},
	{"R20 by VLAN: a priority tag where all need one", V4, 64, AWARE(0, 10), TAGGED(0), PASS},
	{"R20 by VLAN: no tag where all need one", V4, 64, AWARE(0, 10), PASS},
	{"R20 by VLAN: of two tags the outer counts", V4, 64, AWARE(0, 10),
	 .tags = {WIRE_TAG(ETH_P_8021Q, 11), WIRE_TAG(ETH_P_8021Q, 10)}, PASS},
	{"R20 plain bridge: a priority tag", V4, 64, TAGGED(0xe000), ROUTED},
	/* R21 */
	{"R21 third party", V4, 64, ROUTED},
	{"R21 third party, v6", V6, 64, ROUTED},
	{"R21 no neighbour yet", "10.0.20.77", 64, ROUTED},
	{"R21 no neighbour yet, v6", "2001:db8:20::77", 64, ROUTED},
	{"R21 by a gateway", "10.40.0.1", 64, ROUTED},
	{"R21 by a gateway, v6", "2001:db8:40::1", 64, ROUTED},
	{"R21 back into its own VLAN", "10.0.10.9", 64, ROUTED},
	{"R21 a route that is a blackhole", "10.66.0.1", 64, ROUTED},
	{"R21 a route that is unreachable: ICMP from here", "10.67.0.1", 64, ROUTED},
	{"R21 a route that is prohibited: ICMP from here", "10.68.0.1", 64, ROUTED},
	{"R21 a route that is unreachable, v6", "2001:db8:67::1", 64, ROUTED},
	{"R21 fits the next hop", "10.0.30.9", 64, ROUTED},
	{"R21 does not fit the next hop: ICMP from here", "10.0.30.9", 64, IP_LARGE, ROUTED},
	{"R21 options", V4, 64, IP_OPTIONS, ROUTED},
	{"R21 extension header", V6, 64, IP_OPTIONS, ROUTED},
	{"R21 first fragment", V4, 64, IP_FIRST_FRAGMENT, ROUTED},
	{"R21 later fragment", V4, 64, IP_LATER_FRAGMENT, ROUTED},
	{"R21 first fragment, v6", V6, 64, IP_FIRST_FRAGMENT, ROUTED},
	{"R21 later fragment, v6", V6, 64, IP_LATER_FRAGMENT, ROUTED},
	{"R21 padding", V4, 64, IP_PADDED, ROUTED},
	{"R21 more than a length says", V4, 64, IP_NO_SIZE, .segmented = true, ROUTED},
	{"R21 our address with the peer's MAC", "10.0.10.1", 64, ROUTED},
	{"R21 our address with the peer's MAC, v6", "2001:db8:10::1", 64, ROUTED},
	{"R21 our address, last hop", "10.0.10.1", 0, ROUTED},
	{"R21 not before the peer's addresses are proven", V4, 64, .unproven = true,
	 TO_PEER(PEER_UNPROVEN)},
	{"R21 not without an SVI of ours", V4, 64, .without_svi = true, TO_PEER(PEER_UNPROVEN)},
	{"R21 unproven, and no hop left: for the peer to say", V4, 0, .unproven = true,
	 TO_PEER(PEER_UNPROVEN)},
	/* R22 */
	{"R22 the peer's address", "10.0.10.2", 64, TO_PEER(TO_PEER)},
	{"R22 the peer's address, v6", "2001:db8:10::2", 64, TO_PEER(TO_PEER)},
	{"R22 the peer's loopback", "192.0.2.2", 64, TO_PEER(TO_PEER)},
	{"R22 the peer's loopback, v6", "2001:db8:2::2", 64, TO_PEER(TO_PEER)},
	{"R22 TTL 1", "10.0.10.2", 1, TO_PEER(TO_PEER)},
	{"R22 TTL 1, v6", "2001:db8:10::2", 1, TO_PEER(TO_PEER)},
	{"R22 TTL 0", "10.0.10.2", 0, TO_PEER(TO_PEER)},
	{"R22 options", "10.0.10.2", 1, IP_OPTIONS, TO_PEER(TO_PEER)},
	{"R22 extension header", "2001:db8:10::2", 1, IP_OPTIONS, TO_PEER(TO_PEER)},
	{"R22 tagged", "10.0.10.2", 1, AWARE(0, 10), TAGGED(10), TO_PEER(TO_PEER)},
	{"R22 the peer's address in this routing domain", V4, 64, .domain = VRF, TO_PEER(TO_PEER)},
	{"R22 the peer's address in another routing domain", "10.0.10.2", 64, .domain = VRF,
	 .kind = MLAG_PORT_LEG, ROUTED},
	/* R23 */
	{"R23 not IP", TO_PEER(NOT_ROUTABLE)},
	{"R23 ARP", V4, 64, .ethertype = ETH_P_ARP, TO_PEER(NOT_ROUTABLE)},
	{"R23 a length instead of an ethertype (IS-IS)", V4, 64, .ethertype = 60,
	 TO_PEER(NOT_ROUTABLE)},
	{"R23 not IP, unproven", .unproven = true, TO_PEER(NOT_ROUTABLE)},
	{"R23 IP in two tags", V4, 64, AWARE(0, 10),
	 .tags = {WIRE_TAG(ETH_P_8021Q, 10), WIRE_TAG(ETH_P_8021Q, 20)}, TO_PEER(NOT_ROUTABLE)},
	{"R23 IP in a tag of 802.1ad", V4, 64, AWARE(10, 10), .tags = {WIRE_TAG(ETH_P_8021AD, 10)},
	 TO_PEER(NOT_ROUTABLE)},
	{"R23 IP in a tag on a plain bridge", V4, 64, TAGGED(10), TO_PEER(NOT_ROUTABLE)},
	{"R23 our MAC, IP in two tags", V4, 0, AWARE(0, 10), .to = MAC_OWN,
	 .tags = {WIRE_TAG(ETH_P_8021Q, 10), WIRE_TAG(ETH_P_8021Q, 20)}, PASS},
	{"R23 link-local", "169.254.1.1", 64, TO_PEER(NOT_ROUTABLE)},
	{"R23 link-local, v6", "fe80::2", 1, TO_PEER(NOT_ROUTABLE)},
	{"R23 multicast", "224.0.0.5", 1, TO_PEER(NOT_ROUTABLE)},
	{"R23 multicast, v6", "ff02::5", 1, TO_PEER(NOT_ROUTABLE)},
	{"R23 broadcast", "255.255.255.255", 64, TO_PEER(NOT_ROUTABLE)},
	{"R23 loopback", "127.0.0.1", 64, TO_PEER(NOT_ROUTABLE)},
	{"R23 loopback, v6", "::1", 64, TO_PEER(NOT_ROUTABLE)},
	{"R23 unspecified", "0.0.0.0", 64, TO_PEER(NOT_ROUTABLE)},
	{"R23 unspecified, v6", "::", 64, TO_PEER(NOT_ROUTABLE)},
	/* R24 */
	{"R24 TTL 1, third party: ICMP from here", V4, 1, ROUTED},
	{"R24 hop limit 1, third party: ICMP from here", V6, 1, ROUTED},
	{"R24 TTL 0, third party", V4, 0, DROP(TTL_ZERO)},
	{"R24 hop limit 0, third party", V6, 0, DROP(TTL_ZERO)},
	{"R24 our MAC, TTL 0, third party", V4, 0, .to = MAC_OWN, DROP(TTL_ZERO)},
	{"R24 our MAC, hop limit 0, third party", V6, 0, .to = MAC_OWN, DROP(TTL_ZERO)},
	{"R24 our MAC, TTL 0, the peer's address", "10.0.10.2", 0, .to = MAC_OWN, DROP(TTL_ZERO)},
	{"R24 our MAC, TTL 0, our address", "10.0.10.1", 0, .to = MAC_OWN, PASS},
	{"R24 our MAC, TTL 0, multicast", "224.0.0.5", 0, .to = MAC_OWN, PASS},
	{"R24 our MAC, TTL 1", V4, 1, .to = MAC_OWN, PASS},
	{"R24 a stranger's MAC, TTL 0", V4, 0, .to = MAC_STRANGER, PASS},
	{"R24 wrong version", V4, 64, IP_BAD_VERSION, DROP(MALFORMED)},
	{"R24 wrong version, v6", V6, 64, IP_BAD_VERSION, DROP(MALFORMED)},
	{"R24 header too small", V4, 64, IP_BAD_HEADER_SIZE, DROP(MALFORMED)},
	{"R24 longer than its frame", V4, 64, IP_LONGER_THAN_FRAME, DROP(MALFORMED)},
	{"R24 longer than its frame, v6", V6, 64, IP_LONGER_THAN_FRAME, DROP(MALFORMED)},
	{"R24 shorter than its header", V4, 64, IP_SHORTER_THAN_HEADER, DROP(MALFORMED)},
	{"R24 no length", V4, 64, IP_NO_SIZE, DROP(MALFORMED)},
	{"R24 cut off, tagged", V4, 64, IP_CUT_OFF, AWARE(0, 10), TAGGED(10), DROP(MALFORMED)},
	{"R24 cut off, tagged, v6", V6, 64, IP_CUT_OFF, AWARE(0, 10), TAGGED(10), DROP(MALFORMED)},
	{"R24 our MAC, wrong version", V4, 64, IP_BAD_VERSION, .to = MAC_OWN, DROP(MALFORMED)},
	{"R24 malformed, for the peer", "10.0.10.2", 64, IP_BAD_VERSION, DROP(MALFORMED)},
	{"R24 malformed, unproven", V4, 64, IP_BAD_VERSION, .unproven = true, DROP(MALFORMED)},
	{"R24 malformed, a stranger's MAC", V4, 64, IP_BAD_VERSION, .to = MAC_STRANGER, PASS},
	/* R25 */
	{"R25 no route", "10.99.0.1", 64, TO_PEER(NO_ROUTE)},
	{"R25 no route, v6", "2001:db8:99::1", 64, TO_PEER(NO_ROUTE)},
	{"R25 no route, TTL 1: ICMP from the peer", "10.99.0.1", 1, TO_PEER(NO_ROUTE)},
	{"R25 broadcast in a network of ours", "10.0.10.255", 64, TO_PEER(NO_ROUTE)},
};

static struct {
	struct datapath *dp;
	uint32_t svi, port;
	int program_fd;
} lab;

static const uint8_t SOURCE_MAC[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t OUR_MAC[6] = {0x02, 0, 0, 0, 1, 0x01};
static const uint8_t MACS[MACS_COUNT][6] = {
	[MAC_PEER] = {0x02, 0, 0, 0, 1, 0x02},
	[MAC_OWN] = {0x02, 0, 0, 0, 1, 0x01},
	[MAC_STRANGER] = {0x02, 0, 0, 0, 0, 0x0b},
	[MAC_GROUP] = {0x01, 0, 0x5e, 0, 0, 0x05},
};

static const struct place *place_of(const char *ip)
{
	for (uint32_t index = 0; index < ARRAY_SIZE(PLACES); index++) {
		if (strcmp(PLACES[index].ip, ip) == 0) {
			return &PLACES[index];
		}
	}
	fail_msg("%s is no place", ip);
	return NULL;
}

static enum mlag_owner owner_at(const struct place *place, uint32_t domain)
{
	return domain == VRF ? place->owner_in_vrf : place->owner;
}

static struct mlag_domain domain_of(const struct scene *scene)
{
	return (struct mlag_domain){
		.peer_link_ifindex = 1,
		.vlan_aware = scene->vlan_aware,
		.route_for_peer = !scene->unproven,
	};
}

static struct mlag_port port_of(const struct scene *scene)
{
	return (struct mlag_port){
		.kind = (uint8_t)scene->kind,
		.ingress_vid = scene->ingress_vid,
	};
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

static void frame_of(const struct scene *scene, struct wire_frame *ret)
{
	struct ip_packet packet = {
		.destination_mac = MACS[scene->to],
		.source_mac = SOURCE_MAC,
		.tags = {scene->tags[0], scene->tags[1]},
		.source = scene->ip && strchr(scene->ip, ':') ? "2001:db8:10::5" : "10.0.10.5",
		.destination = scene->ip,
		.hop_limit = scene->hop_limit,
		.shape = scene->shape,
	};

	if (!scene->ip) {
		wire_frame_make(ret, MACS[scene->to], SOURCE_MAC, scene->tags, 2, 46);
		return;
	}
	ip_frame_make(ret, &packet);
	if (scene->ethertype) {
		uint32_t offset = scene->tags[0] ? 16 : 12;

		ret->bytes[offset] = (uint8_t)(scene->ethertype >> 8);
		ret->bytes[offset + 1] = (uint8_t)scene->ethertype;
	}
}

/* Reads the packet as the program should. */
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

static struct mlag_decision answer(const struct scene *scene, const struct wire_frame *frame,
				   uint16_t vlan, uint8_t family, uint32_t offset)
{
	struct mlag_domain domain = domain_of(scene);
	struct mlag_port port = port_of(scene);
	struct mlag_packet packet = {.group = mlag_mac_is_group(frame->bytes)};
	struct mlag_decision decision = mlag_receive(&domain, &port, &packet);

	if (decision.action == MLAG_ACTION_ASK_ROUTER) {
		packet.router_asked = 1;
		packet.router_found = (scene->to == MAC_PEER || scene->to == MAC_OWN) &&
				      vlan == scene->router_vlan;
		packet.router = router_of(scene, scene->to);
		if (packet.router_found) {
			read_packet(frame, offset, family, scene->segmented, &packet);
		}
		decision = mlag_receive(&domain, &port, &packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ADDRESS) {
		packet.address_asked = 1;
		packet.address_owner = (uint8_t)owner_at(place_of(scene->ip), scene->domain);
		decision = mlag_receive(&domain, &port, &packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ROUTE) {
		packet.route_asked = 1;
		packet.route_found = place_of(scene->ip)->route;
		decision = mlag_receive(&domain, &port, &packet);
	}
	return decision;
}

/* The decision as userspace takes it. */
static struct mlag_decision decide(const struct scene *scene, const struct wire_frame *frame)
{
	uint16_t type = (uint16_t)(frame->bytes[12] << 8 | frame->bytes[13]);
	struct mlag_tag tag = {.inside = type == ETH_P_8021Q};
	uint32_t offset = ETH_HLEN;

	if (scene->without_port) {
		return mlag_pass(); /* forward.h is not even asked */
	}
	if (tag.inside) {
		tag.inside_tci = (uint16_t)(frame->bytes[14] << 8 | frame->bytes[15]);
		type = (uint16_t)(frame->bytes[16] << 8 | frame->bytes[17]);
		offset += 4;
	}
	return answer(scene, frame, mlag_ingress_vid(scene->vlan_aware, scene->ingress_vid, &tag),
		      mlag_family_of(scene->vlan_aware, &tag, type), offset);
}

static void set_routers(const struct scene *scene, bool present)
{
	for (enum mac mac = MAC_PEER; mac <= MAC_OWN; mac++) {
		struct mlag_router_key key = {.vlan = scene->router_vlan};
		struct mlag_router router = router_of(scene, mac);

		memcpy(key.mac, MACS[mac], sizeof(key.mac));
		assert_int_equal(datapath_set_router(lab.dp, &key, present ? &router : NULL), 0);
	}
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
}

/* Gives a frame to the loaded program.  Return: its verdict (TC_ACT_…). */
static int run(const struct scene *scene, const struct wire_frame *frame, struct wire_frame *ret)
{
	struct __sk_buff skb = {
		.ifindex = lab.port,
		.ingress_ifindex = lab.port,
		.gso_segs = SEGMENTS,
		.gso_size = scene->segmented ? 100 : 0,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->size,
		    .data_out = ret->bytes, .data_size_out = sizeof(ret->bytes), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(lab.program_fd, &opts), 0);
	ret->size = opts.data_size_out;
	return (int)opts.retval;
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
static void check_counters(enum mlag_reason counted, const struct count *before, uint32_t size)
{
	struct count after = read_counters();

	for (uint32_t reason = 1; reason < MLAG_REASONS_COUNT; reason++) {
		assert_int_equal(after.packets[reason] - before->packets[reason],
				 reason == counted ? SEGMENTS : 0);
		assert_int_equal(after.bytes[reason] - before->bytes[reason],
				 reason == counted ? size : 0);
	}
}

static bool is_as_decided(const struct wire_frame *in, int verdict, const struct wire_frame *out,
			  enum mlag_action action)
{
	struct wire_frame expected = *in;

	if (action == MLAG_ACTION_REWRITE) {
		memcpy(expected.bytes, OUR_MAC, sizeof(OUR_MAC));
	}
	return verdict == (action == MLAG_ACTION_DROP ? TC_ACT_SHOT : TC_ACT_UNSPEC) &&
	       out->size == expected.size && memcmp(out->bytes, expected.bytes, expected.size) == 0;
}

static void test_scene(void **state)
{
	const struct scene *scene = *state;
	struct count before = read_counters();
	struct mlag_decision decision;
	struct wire_frame frame, out;
	int verdict;

	frame_of(scene, &frame);
	decision = decide(scene, &frame);
	assert_int_equal(decision.action, scene->action);
	assert_int_equal(decision.reason, scene->reason);
	fill_maps(scene);
	verdict = run(scene, &frame, &out);
	set_routers(scene, false);
	assert_true(is_as_decided(&frame, verdict, &out, scene->action));
	check_counters(scene->reason, &before, frame.size);
}

/* Mixed radix: each digit is one thing a decision depends on. */
static uint32_t digit(uint32_t *rest, uint32_t radix)
{
	uint32_t value = *rest % radix;

	*rest /= radix;
	return value;
}

/* One frame of the product: userspace says what to expect, the program must do it. */
static void agree(const struct scene *scene, uint64_t *expected_counts)
{
	struct mlag_decision decision;
	struct wire_frame frame, out;
	int verdict;

	frame_of(scene, &frame);
	decision = decide(scene, &frame);
	verdict = run(scene, &frame, &out);
	if (!is_as_decided(&frame, verdict, &out, decision.action)) {
		fail_msg("to %d %s hops %d shape %d aware %d vid %d tags %x %x unproven %d no SVI"
			 " %d kind %d: forward.h says action %d, reason %d; verdict %d",
			 (int)scene->to, scene->ip ? scene->ip : "-", scene->hop_limit,
			 (int)scene->shape, scene->vlan_aware, scene->ingress_vid, scene->tags[0],
			 scene->tags[1], scene->unproven, scene->without_svi, (int)scene->kind,
			 (int)decision.action, (int)decision.reason, verdict);
	}
	expected_counts[decision.reason] += SEGMENTS;
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
	const uint32_t size = ARRAY_SIZE(TAGS) * 3 * MACS_COUNT * (ARRAY_SIZE(PLACES) + 1);

	for (uint32_t number = 0; number < size; number++) {
		uint32_t rest = number;

		memcpy(scene->tags, TAGS[digit(&rest, ARRAY_SIZE(TAGS))], sizeof(scene->tags));
		scene->hop_limit = HOP_LIMITS[digit(&rest, 3)];
		scene->to = digit(&rest, MACS_COUNT);
		scene->ip = rest < ARRAY_SIZE(PLACES) ? PLACES[rest].ip : NULL;
		/* Every shape comes with every place and tag in one state or another. */
		scene->shape = (number + number / IP_SHAPES_COUNT) % IP_CUT_OFF;
		agree(scene, expected_counts);
	}
	return size;
}

static void test_program_agrees_with_forward_everywhere(void **state)
{
	static const uint16_t VIDS[] = {0, 10, 11};
	const uint32_t size = 2 * 3 * 2 * 2 * 3 * 2;
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
			.without_svi = rest != 0,
		};

		fill_maps(&scene);
		frames += agree_on_frames(&scene, expected_counts);
		set_routers(&scene, false);
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
	ip_set_forwarding("br0", false);
	for (uint32_t index = 0; index < ARRAY_SIZE(IPS); index++) {
		struct scene scene = {.ip = IPS[index], .hop_limit = 64};
		struct count before = read_counters();

		frame_of(&scene, &frame);
		fill_maps(&scene);
		assert_int_equal(run(&scene, &frame, &out), TC_ACT_UNSPEC);
		set_routers(&scene, false);
		assert_memory_equal(out.bytes, frame.bytes, frame.size);
		check_counters(MLAG_REASON_NO_ROUTE, &before, frame.size);
	}
	ip_set_forwarding("br0", true);
}

static void test_R25_an_SVI_that_is_gone(void **state)
{
	struct scene scene = {.ip = V4, .hop_limit = 64};
	uint32_t svi = lab.svi;
	struct wire_frame frame, out;

	(void)state;
	lab.svi = 99999;
	frame_of(&scene, &frame);
	fill_maps(&scene);
	lab.svi = svi;
	assert_int_equal(run(&scene, &frame, &out), TC_ACT_UNSPEC);
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
	frame_of(&scene, &frame);
	fill_maps(&scene);
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_PEER), 0);
	assert_int_equal(run(&scene, &frame, &out), TC_ACT_UNSPEC);
	assert_memory_equal(out.bytes, frame.bytes, frame.size);
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_SELF), 0);
	assert_int_equal(run(&scene, &frame, &out), TC_ACT_UNSPEC);
	assert_memory_equal(out.bytes, OUR_MAC, sizeof(OUR_MAC));
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_NONE), 0);
	assert_int_equal(datapath_set_address(lab.dp, &address, MLAG_OWNER_NONE), 0);
	set_routers(&scene, false);
	set_routers(&scene, false);
	assert_int_equal(run(&scene, &frame, &out), TC_ACT_UNSPEC);
	assert_memory_equal(out.bytes, frame.bytes, frame.size);
}

static void set_addresses(void)
{
	for (uint32_t index = 0; index < ARRAY_SIZE(PLACES); index++) {
		const struct place *place = &PLACES[index];
		struct mlag_address address = {0};

		address.family = ip_parse(place->ip, address.octets);
		assert_int_equal(datapath_set_address(lab.dp, &address, (uint8_t)place->owner), 0);
		address.domain = VRF;
		assert_int_equal(
			datapath_set_address(lab.dp, &address, (uint8_t)place->owner_in_vrf), 0);
	}
}

static void set_up_routing(void)
{
	static const char *const DEVICES[] = {"br0", "out"};
	static const uint8_t NEIGHBOR[6] = {0x02, 0, 0, 0, 2, 0x09};

	wire_set_mtu("narrow", NARROW_MTU);
	ip_enable(DEVICES, ARRAY_SIZE(DEVICES));
	ip_add_address("br0", "10.0.10.1/24");
	ip_add_address("br0", "2001:db8:10::1/64");
	ip_add_address("out", "10.0.20.1/24");
	ip_add_address("out", "2001:db8:20::1/64");
	ip_add_address("narrow", "10.0.30.1/24");
	ip_add_neighbor("out", "10.0.20.9", NEIGHBOR);
	ip_add_neighbor("out", "2001:db8:20::9", NEIGHBOR);
	ip_add_neighbor("narrow", "10.0.30.9", NEIGHBOR);
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

	(void)state;
	wire_enter_namespace();
	lab.svi = wire_make_bridge("br0");
	lab.port = wire_make_port("port", "port-far", lab.svi);
	(void)wire_make_port("out", "out-far", 0);
	(void)wire_make_port("narrow", "narrow-far", 0);
	set_up_routing();
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	set_addresses();
	assert_int_equal(datapath_attach(lab.dp, lab.port, MLAG_PORT_NONE), 0);
	lab.program_fd = wire_open_program(lab.port, BPF_TC_INGRESS);
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
	enum { OTHERS = 5 };
	struct CMUnitTest tests[OTHERS + ARRAY_SIZE(SCENES)] = {
		cmocka_unit_test(test_R23_ranges_of_addresses),
		cmocka_unit_test(test_program_agrees_with_forward_everywhere),
		cmocka_unit_test(test_R25_a_member_that_does_not_forward),
		cmocka_unit_test(test_R25_an_SVI_that_is_gone),
		cmocka_unit_test(test_addresses_come_and_go),
	};

	for (uint32_t index = 0; index < ARRAY_SIZE(SCENES); index++) {
		tests[OTHERS + index] = (struct CMUnitTest){
			.name = SCENES[index].name,
			.test_func = test_scene,
			.initial_state = (void *)(uintptr_t)&SCENES[index],
		};
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
