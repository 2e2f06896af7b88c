// SPDX-License-Identifier: BSD-2-Clause
/*
 * R1 to R5 and R10, one scene a case: the same frame is given to forward.h here and, by
 * BPF_PROG_TEST_RUN, to the loaded program, and both must say what the scene expects; the
 * program's counter and the bytes it leaves must fit.  A last test takes the product of all that a
 * decision depends on and demands that the two agree everywhere.
 *
 * BPF_PROG_TEST_RUN cannot put a tag beside a frame, so tags are inside here, at ports that have no
 * untagged VLAN; test_attach.c has them beside.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/datapath.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define LAG 7 /* of the leg under test */
#define OTHER_LAG 9
#define SEGMENTS 3 /* a frame of the kernel's segmentation offload counts as what leaves */
#define PAYLOAD 50

enum program {
	PROGRAM_LEG,
	PROGRAM_PEER_LINK,
	PROGRAM_OBSERVE,
	PROGRAMS_COUNT,
};

enum from {
	FROM_SELF, /* the machine's own: ingress 0 */
	FROM_PEER_LINK,
	FROM_ORPHAN,
	FROM_LEG,
	FROM_SVI, /* routed: the bridge, which is no port */
};

enum to {
	TO_UNICAST,
	TO_GROUP,
	TO_RESERVED,
};

enum source {
	SOURCE_UNKNOWN,
	SOURCE_HERE,	      /* at the leg's LAG, and the peer knows */
	SOURCE_HERE_ONLY,     /* at the leg's LAG, but the peer does not know */
	SOURCE_ELSEWHERE,     /* at another LAG, and the peer knows */
	SOURCE_IN_OTHER_VLAN, /* at the leg's LAG, in another VLAN */
};

enum destination {
	DESTINATION_UNKNOWN,
	DESTINATION_KNOWN,     /* in the map, and the peer knows */
	DESTINATION_HERE_ONLY, /* in the map, but the peer does not know */
	DESTINATION_AT_LEG,    /* at the leg's LAG, and the peer knows */
	DESTINATIONS_COUNT,
};

struct scene {
	const char *name;
	enum program program;
	enum from from;
	enum to to;
	enum source source;
	enum mlag_gate gate;
	bool vlan_aware;
	bool isolated; /* in isolated_vid */
	uint16_t isolated_vid;
	bool held; /* in VLAN 10 */
	uint16_t leg_untagged;
	uint16_t peer_link_untagged;
	uint32_t tags[2];
	bool without_peer_link;
	bool without_leg;      /* no entry in the map of ports */
	bool leg_is_peer_link; /* an entry of another kind */
	bool cut_off;	       /* the frame ends inside its tag */
	enum destination destination;
	enum mlag_action action;
	enum mlag_reason reason;
	enum mlag_tag_change change;
};

#define PASS .action = MLAG_ACTION_PASS
#define DROP(why) .action = MLAG_ACTION_DROP, .reason = MLAG_REASON_##why
#define REDIRECT .action = MLAG_ACTION_TO_PEER_LINK, .reason = MLAG_REASON_GATE_REDIRECT
#define TAGGED(vid) .tags = {WIRE_TAG(ETH_P_8021Q, vid)}
#define ISOLATED_IN(vid) .isolated = true, .isolated_vid = (vid)
#define LEG .program = PROGRAM_LEG
#define PEER_LINK .program = PROGRAM_PEER_LINK

static const struct scene SCENES[] = {
	/* R1, plain bridge */
	{"R1 from PL, isolated, group", LEG, FROM_PEER_LINK, TO_GROUP, ISOLATED_IN(0),
	 DROP(ISOLATED)},
	{"R1 from PL, isolated, unicast", LEG, FROM_PEER_LINK, TO_UNICAST, ISOLATED_IN(0),
	 DROP(ISOLATED)},
	{"R1 from PL, isolated, gate open", LEG, FROM_PEER_LINK, TO_GROUP, ISOLATED_IN(0),
	 .gate = MLAG_GATE_OPEN, DROP(ISOLATED)},
	{"R1 isolated comes before the gate", LEG, FROM_PEER_LINK, TO_GROUP, ISOLATED_IN(0),
	 .gate = MLAG_GATE_CLOSED, DROP(ISOLATED)},
	{"R1 isolated comes before the echo", LEG, FROM_PEER_LINK, TO_GROUP, SOURCE_HERE,
	 ISOLATED_IN(0), DROP(ISOLATED)},
	{"R1 from an orphan, isolated", LEG, FROM_ORPHAN, TO_GROUP, ISOLATED_IN(0), PASS},
	{"R1 a tag means nothing on a plain bridge", LEG, FROM_PEER_LINK, TO_GROUP, ISOLATED_IN(0),
	 TAGGED(10), DROP(ISOLATED)},
	{"R1 nor does bit 10", LEG, FROM_PEER_LINK, TO_GROUP, ISOLATED_IN(10), TAGGED(10), PASS},
	/* R1 by VLAN */
	{"R1 by VLAN: this one", LEG, FROM_PEER_LINK, TO_GROUP, .vlan_aware = true, ISOLATED_IN(10),
	 TAGGED(10), DROP(ISOLATED)},
	{"R1 by VLAN: another one", LEG, FROM_PEER_LINK, TO_GROUP, .vlan_aware = true,
	 ISOLATED_IN(10), TAGGED(11), PASS},
	{"R1 by VLAN: 64 apart", LEG, FROM_PEER_LINK, TO_GROUP, .vlan_aware = true, ISOLATED_IN(10),
	 TAGGED(74), PASS},
	{"R1 by VLAN: the last one", LEG, FROM_PEER_LINK, TO_GROUP, .vlan_aware = true,
	 ISOLATED_IN(4094), TAGGED(4094), DROP(ISOLATED)},
	{"R1 by VLAN: priority bits do not matter", LEG, FROM_PEER_LINK, TO_GROUP,
	 .vlan_aware = true, ISOLATED_IN(10), TAGGED(0xe00a), DROP(ISOLATED)},
	{"R1 by VLAN: access port", LEG, FROM_PEER_LINK, TO_GROUP, .vlan_aware = true,
	 ISOLATED_IN(10), .leg_untagged = 10, DROP(ISOLATED)},
	{"R1 by VLAN: access port of another", LEG, FROM_PEER_LINK, TO_GROUP, .vlan_aware = true,
	 ISOLATED_IN(10), .leg_untagged = 20, PASS},
	{"R1 by VLAN: a tag inside an access port's frame is the sender's", LEG, FROM_PEER_LINK,
	 TO_GROUP, .vlan_aware = true, ISOLATED_IN(10), .leg_untagged = 20, TAGGED(10), PASS},
	{"R1 by VLAN: 802.1ad is no VLAN of ours", LEG, FROM_PEER_LINK, TO_GROUP,
	 .vlan_aware = true, ISOLATED_IN(10), .tags = {WIRE_TAG(ETH_P_8021AD, 10)}, PASS},
	{"R1 by VLAN: of two tags the outer counts", LEG, FROM_PEER_LINK, TO_GROUP,
	 .vlan_aware = true, ISOLATED_IN(10),
	 .tags = {WIRE_TAG(ETH_P_8021Q, 20), WIRE_TAG(ETH_P_8021Q, 10)}, PASS},
	/* R1, the echo while it is lifted */
	{"R1 lifted, source unknown", LEG, FROM_PEER_LINK, TO_GROUP, SOURCE_UNKNOWN, PASS},
	{"R1 lifted, source at this LAG", LEG, FROM_PEER_LINK, TO_GROUP, SOURCE_HERE, DROP(ECHO)},
	{"R1 lifted, source at this LAG, unicast", LEG, FROM_PEER_LINK, TO_UNICAST, SOURCE_HERE,
	 DROP(ECHO)},
	{"R1 lifted, source at this LAG, peer unaware", LEG, FROM_PEER_LINK, TO_GROUP,
	 SOURCE_HERE_ONLY, DROP(ECHO)},
	{"R1 lifted, source at another LAG", LEG, FROM_PEER_LINK, TO_GROUP, SOURCE_ELSEWHERE, PASS},
	{"R1 lifted, source at this LAG in another VLAN", LEG, FROM_PEER_LINK, TO_GROUP,
	 SOURCE_IN_OTHER_VLAN, .vlan_aware = true, TAGGED(10), PASS},
	{"R1 lifted, source at this LAG in this VLAN", LEG, FROM_PEER_LINK, TO_GROUP, SOURCE_HERE,
	 .vlan_aware = true, TAGGED(10), DROP(ECHO)},
	{"R1 an echo is no matter for a frame from here", LEG, FROM_ORPHAN, TO_GROUP, SOURCE_HERE,
	 PASS},
	/* R3: from PL to a leg that is not open */
	{"R3 from PL, gate closed, unicast", LEG, FROM_PEER_LINK, TO_UNICAST,
	 .gate = MLAG_GATE_CLOSED, DROP(PEER_LINK_RETURN)},
	{"R3 from PL, gate closed, group", LEG, FROM_PEER_LINK, TO_GROUP, .gate = MLAG_GATE_CLOSED,
	 DROP(PEER_LINK_RETURN)},
	{"R3 from PL, gate unicast, group", LEG, FROM_PEER_LINK, TO_GROUP,
	 .gate = MLAG_GATE_UNICAST, DROP(GATE_FLOOD)},
	{"R3 from PL, gate unicast, unicast", LEG, FROM_PEER_LINK, TO_UNICAST,
	 .gate = MLAG_GATE_UNICAST, PASS},
	{"R3 from PL, gate open", LEG, FROM_PEER_LINK, TO_GROUP, .gate = MLAG_GATE_OPEN, PASS},
	/* R4 */
	{"R4 routed, though it came by PL", LEG, FROM_SVI, TO_UNICAST, ISOLATED_IN(0), PASS},
	{"R4 routed, of a source at this LAG", LEG, FROM_SVI, TO_UNICAST, SOURCE_HERE, PASS},
	{"R4 the machine's own", LEG, FROM_SELF, TO_GROUP, ISOLATED_IN(0), PASS},
	{"R4 the machine's own, and there is no PL", LEG, FROM_SELF, TO_GROUP, ISOLATED_IN(0),
	 .without_peer_link = true, PASS},
	/* R5 and the gate */
	{"R5 gate none, group", LEG, FROM_ORPHAN, TO_GROUP, PASS},
	{"R5 gate open, unicast", LEG, FROM_ORPHAN, TO_UNICAST, .gate = MLAG_GATE_OPEN, PASS},
	{"R5 gate unicast, unicast", LEG, FROM_ORPHAN, TO_UNICAST, .gate = MLAG_GATE_UNICAST, PASS},
	{"R5 gate unicast, group", LEG, FROM_ORPHAN, TO_GROUP, .gate = MLAG_GATE_UNICAST,
	 DROP(GATE_FLOOD)},
	{"R5 gate closed, unicast", LEG, FROM_ORPHAN, TO_UNICAST, .gate = MLAG_GATE_CLOSED,
	 REDIRECT},
	{"R5 gate closed, routed unicast", LEG, FROM_SVI, TO_UNICAST, .gate = MLAG_GATE_CLOSED,
	 REDIRECT},
	{"R5 gate closed, own unicast", LEG, FROM_SELF, TO_UNICAST, .gate = MLAG_GATE_CLOSED,
	 REDIRECT},
	{"R5 gate closed, isolation does not matter", LEG, FROM_ORPHAN, TO_UNICAST, ISOLATED_IN(0),
	 .gate = MLAG_GATE_CLOSED, REDIRECT},
	{"R5 gate closed, group", LEG, FROM_ORPHAN, TO_GROUP, .gate = MLAG_GATE_CLOSED,
	 DROP(GATE_FLOOD)},
	{"R5 gate closed, own group", LEG, FROM_SELF, TO_GROUP, .gate = MLAG_GATE_CLOSED,
	 DROP(GATE_FLOOD)},
	{"R5 gate closed, no PL", LEG, FROM_ORPHAN, TO_UNICAST, .gate = MLAG_GATE_CLOSED,
	 .without_peer_link = true, DROP(NO_PEER_LINK)},
	{"R2 gate open, group in a VLAN that is held", LEG, FROM_ORPHAN, TO_GROUP,
	 .gate = MLAG_GATE_OPEN, .vlan_aware = true, TAGGED(10), .held = true, DROP(GATE_FLOOD)},
	{"R2 gate open, group in another VLAN", LEG, FROM_ORPHAN, TO_GROUP, .gate = MLAG_GATE_OPEN,
	 .vlan_aware = true, TAGGED(11), .held = true, PASS},
	{"R2 gate open, unknown unicast in a VLAN that is held", LEG, FROM_ORPHAN, TO_UNICAST,
	 .gate = MLAG_GATE_OPEN, .vlan_aware = true, TAGGED(10), .held = true, DROP(GATE_FLOOD)},
	{"R2 gate open, unicast known at the LAG in a VLAN that is held", LEG, FROM_ORPHAN,
	 TO_UNICAST, .gate = MLAG_GATE_OPEN, .vlan_aware = true, TAGGED(10), .held = true,
	 .destination = DESTINATION_AT_LEG, PASS},
	{"R2 gate open, unicast known elsewhere in a VLAN that is held", LEG, FROM_ORPHAN,
	 TO_UNICAST, .gate = MLAG_GATE_OPEN, .vlan_aware = true, TAGGED(10), .held = true,
	 .destination = DESTINATION_KNOWN, DROP(GATE_FLOOD)},
	{"R2 gate open, group known at the LAG is still held", LEG, FROM_ORPHAN, TO_GROUP,
	 .gate = MLAG_GATE_OPEN, .vlan_aware = true, TAGGED(10), .held = true,
	 .destination = DESTINATION_AT_LEG, DROP(GATE_FLOOD)},
	{"R2 from PL a VLAN that is held is no matter", LEG, FROM_PEER_LINK, TO_GROUP,
	 .gate = MLAG_GATE_OPEN, .vlan_aware = true, TAGGED(10), .held = true, PASS},
	/* the tag of what is redirected */
	{"R5 redirect: trunk to trunk", LEG, FROM_ORPHAN, TO_UNICAST, .gate = MLAG_GATE_CLOSED,
	 .vlan_aware = true, TAGGED(10), REDIRECT},
	{"R5 redirect: trunk to PL's untagged VLAN", LEG, FROM_ORPHAN, TO_UNICAST,
	 .gate = MLAG_GATE_CLOSED, .vlan_aware = true, TAGGED(10), .peer_link_untagged = 10,
	 REDIRECT, .change = MLAG_TAG_POP},
	{"R5 redirect: access to trunk", LEG, FROM_ORPHAN, TO_UNICAST, .gate = MLAG_GATE_CLOSED,
	 .vlan_aware = true, .leg_untagged = 10, REDIRECT, .change = MLAG_TAG_PUSH},
	{"R5 redirect: access to PL's untagged VLAN", LEG, FROM_ORPHAN, TO_UNICAST,
	 .gate = MLAG_GATE_CLOSED, .vlan_aware = true, .leg_untagged = 10, .peer_link_untagged = 10,
	 REDIRECT},
	{"R5 redirect: access to trunk, a sender's tag within", LEG, FROM_ORPHAN, TO_UNICAST,
	 .gate = MLAG_GATE_CLOSED, .vlan_aware = true, .leg_untagged = 10, TAGGED(99), REDIRECT,
	 .change = MLAG_TAG_PUSH},
	{"R5 redirect: plain bridge keeps every tag", LEG, FROM_ORPHAN, TO_UNICAST,
	 .gate = MLAG_GATE_CLOSED, TAGGED(10), .peer_link_untagged = 10, REDIRECT},
	/* R10, and what the programs do not know */
	{"R10 reserved, isolated", LEG, FROM_PEER_LINK, TO_RESERVED, ISOLATED_IN(0), PASS},
	{"R10 reserved, gate closed: our LACP gets out", LEG, FROM_SELF, TO_RESERVED,
	 .gate = MLAG_GATE_CLOSED, PASS},
	{"R10 reserved, to PL", PEER_LINK, FROM_PEER_LINK, TO_RESERVED, PASS},
	{"a leg that is not in the map passes", LEG, FROM_PEER_LINK, TO_GROUP, ISOLATED_IN(0),
	 .without_leg = true, PASS},
	{"a port that is no leg passes", LEG, FROM_PEER_LINK, TO_GROUP, ISOLATED_IN(0),
	 .leg_is_peer_link = true, PASS},
	{"a frame cut off inside its tag", LEG, FROM_PEER_LINK, TO_UNICAST, .vlan_aware = true,
	 TAGGED(10), .cut_off = true, DROP(MALFORMED)},
	/* egress of PL */
	{"R3 from PL to PL", PEER_LINK, FROM_PEER_LINK, TO_UNICAST, DROP(PEER_LINK_RETURN)},
	{"R3 from PL to PL, group", PEER_LINK, FROM_PEER_LINK, TO_GROUP, DROP(PEER_LINK_RETURN)},
	{"R3 an orphan's flood goes to PL", PEER_LINK, FROM_ORPHAN, TO_GROUP, PASS},
	{"R3 an own flood goes to PL", PEER_LINK, FROM_SELF, TO_GROUP, PASS},
	{"R3 an open leg's flood goes to PL", PEER_LINK, FROM_LEG, TO_GROUP, .gate = MLAG_GATE_OPEN,
	 PASS},
	{"R3 an ungated leg's flood goes to PL", PEER_LINK, FROM_LEG, TO_GROUP, PASS},
	{"R1 flood by a closed leg, source unknown", PEER_LINK, FROM_LEG, TO_GROUP,
	 .gate = MLAG_GATE_CLOSED, DROP(UNKNOWN_SOURCE)},
	{"R1 flood by a ready leg, source unknown", PEER_LINK, FROM_LEG, TO_GROUP,
	 .gate = MLAG_GATE_UNICAST, DROP(UNKNOWN_SOURCE)},
	{"R1 flood by a ready leg, source known to both", PEER_LINK, FROM_LEG, TO_GROUP,
	 SOURCE_HERE, .gate = MLAG_GATE_UNICAST, PASS},
	{"R1 flood by a ready leg, source known only here", PEER_LINK, FROM_LEG, TO_GROUP,
	 SOURCE_HERE_ONLY, .gate = MLAG_GATE_UNICAST, DROP(UNKNOWN_SOURCE)},
	{"R1 flood by a ready leg, source elsewhere", PEER_LINK, FROM_LEG, TO_GROUP,
	 SOURCE_ELSEWHERE, .gate = MLAG_GATE_UNICAST, DROP(UNKNOWN_SOURCE)},
	{"R1 flood by a ready leg, by VLAN", PEER_LINK, FROM_LEG, TO_GROUP, SOURCE_HERE,
	 .gate = MLAG_GATE_UNICAST, .vlan_aware = true, TAGGED(10), PASS},
	{"R1 flood by a ready leg, known in another VLAN", PEER_LINK, FROM_LEG, TO_GROUP,
	 SOURCE_IN_OTHER_VLAN, .gate = MLAG_GATE_UNICAST, .vlan_aware = true, TAGGED(10),
	 DROP(UNKNOWN_SOURCE)},
	{"R1 flood by a ready leg, in PL's untagged VLAN", PEER_LINK, FROM_LEG, TO_GROUP,
	 SOURCE_HERE, .gate = MLAG_GATE_UNICAST, .vlan_aware = true, .peer_link_untagged = 10,
	 PASS},
	{"R5 known unicast by a closed leg goes to PL", PEER_LINK, FROM_LEG, TO_UNICAST,
	 .gate = MLAG_GATE_CLOSED, .destination = DESTINATION_KNOWN, PASS},
	{"R5 unicast of a known source by a closed leg goes to PL", PEER_LINK, FROM_LEG, TO_UNICAST,
	 SOURCE_HERE, .gate = MLAG_GATE_CLOSED, PASS},
	{"R1 unknown unicast of an unknown source by a closed leg", PEER_LINK, FROM_LEG, TO_UNICAST,
	 .gate = MLAG_GATE_CLOSED, DROP(UNKNOWN_SOURCE)},
	{"R1 unicast of an unknown source that the peer would flood", PEER_LINK, FROM_LEG,
	 TO_UNICAST, .gate = MLAG_GATE_UNICAST, .destination = DESTINATION_HERE_ONLY,
	 DROP(UNKNOWN_SOURCE)},
	{"R2 the peer does not isolate a VLAN that is held: no flood of an unknown sender",
	 PEER_LINK, FROM_LEG, TO_GROUP, .gate = MLAG_GATE_OPEN, .vlan_aware = true, TAGGED(10),
	 .held = true, DROP(UNKNOWN_SOURCE)},
	{"R2 but of one that it knows", PEER_LINK, FROM_LEG, TO_GROUP, .source = SOURCE_HERE,
	 .gate = MLAG_GATE_OPEN, .vlan_aware = true, TAGGED(10), .held = true, PASS},
	{"R2 and in any other VLAN", PEER_LINK, FROM_LEG, TO_GROUP, .gate = MLAG_GATE_OPEN,
	 .vlan_aware = true, TAGGED(11), .held = true, PASS},
	{"R1 a known destination is no excuse for a group frame", PEER_LINK, FROM_LEG, TO_GROUP,
	 .gate = MLAG_GATE_CLOSED, .destination = DESTINATION_KNOWN, DROP(UNKNOWN_SOURCE)},
	{"R5 unicast of an unknown source by an open leg goes to PL", PEER_LINK, FROM_LEG,
	 TO_UNICAST, .gate = MLAG_GATE_OPEN, PASS},
	{"R4 routed to PL, though it came by PL", PEER_LINK, FROM_SVI, TO_UNICAST, PASS},
	{"without a PL the program at it passes", PEER_LINK, FROM_PEER_LINK, TO_GROUP,
	 .without_peer_link = true, PASS},
};

static struct {
	struct datapath *dp;
	uint32_t leg, peer_link, orphan, svi;
	int program_fds[PROGRAMS_COUNT];
} lab;

static const uint8_t SOURCE_MAC[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t DESTINATIONS[][6] = {
	[TO_UNICAST] = {0x02, 0, 0, 0, 0, 0x0b},
	[TO_GROUP] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	[TO_RESERVED] = {0x01, 0x80, 0xc2, 0, 0, 0x02},
};

static uint32_t ingress_of(enum from from)
{
	switch (from) {
	case FROM_SELF:
		return 0;
	case FROM_PEER_LINK:
		return lab.peer_link;
	case FROM_ORPHAN:
		return lab.orphan;
	case FROM_LEG:
		return lab.leg;
	case FROM_SVI:
		return lab.svi;
	}
	return 0;
}

static struct mlag_domain domain_of(const struct scene *scene)
{
	return (struct mlag_domain){
		.peer_link_ifindex = scene->without_peer_link ? 0 : lab.peer_link,
		.peer_link_untagged_vid = scene->peer_link_untagged,
		.vlan_aware = scene->vlan_aware,
	};
}

static struct mlag_port leg_of(const struct scene *scene)
{
	struct mlag_port port = {
		.kind = scene->leg_is_peer_link ? MLAG_PORT_PEER_LINK : MLAG_PORT_LEG,
		.gate = (uint8_t)scene->gate,
		.lag_id = LAG,
		.untagged_vid = scene->leg_untagged,
	};

	if (scene->held) {
		port.held[0] = UINT64_C(1) << 10;
	}
	if (scene->isolated) {
		port.isolated[scene->isolated_vid / 64] = UINT64_C(1) << (scene->isolated_vid % 64);
	}
	return port;
}

static uint16_t frame_vlan_of(const struct scene *scene)
{
	uint16_t vlan = scene->program == PROGRAM_LEG ? scene->leg_untagged
						      : scene->peer_link_untagged;

	if (!scene->vlan_aware) {
		vlan = 0;
	} else if (!vlan && scene->tags[0] >> 16 == ETH_P_8021Q) {
		vlan = scene->tags[0] & 0xfff;
	}
	return vlan;
}

/* The VLAN in which the scene's source is known, if it is: that of the frame, or its neighbour. */
static uint16_t source_vlan_of(const struct scene *scene)
{
	uint16_t vlan = frame_vlan_of(scene);

	return scene->source == SOURCE_IN_OTHER_VLAN ? (uint16_t)(vlan + 1) : vlan;
}

static struct mlag_source source_of(const struct scene *scene)
{
	struct mlag_source source = {
		.lag_id = scene->source == SOURCE_ELSEWHERE ? OTHER_LAG : LAG,
		.peer_knows = scene->source != SOURCE_HERE_ONLY,
		.known = 1,
	};

	return source;
}

static void frame_of(const struct scene *scene, struct wire_frame *ret)
{
	wire_frame_make(ret, DESTINATIONS[scene->to], SOURCE_MAC, scene->tags, 2, PAYLOAD);
	if (scene->cut_off) {
		ret->size = ETH_HLEN + 1;
	}
}

static struct mlag_source destination_of(const struct scene *scene)
{
	struct mlag_source place = {
		.lag_id = scene->destination == DESTINATION_AT_LEG ? LAG : 0,
		.peer_knows = scene->destination != DESTINATION_HERE_ONLY,
		.known = 1,
	};

	return place;
}

/* The decision as userspace takes it. */
static struct mlag_decision decide(const struct scene *scene, enum mlag_tag_change *ret_change)
{
	struct mlag_domain domain = domain_of(scene);
	struct mlag_port leg = leg_of(scene);
	bool at_leg = scene->program == PROGRAM_LEG;
	struct mlag_tag tag = {
		.inside = scene->tags[0] >> 16 == ETH_P_8021Q,
		.inside_tci = (uint16_t)scene->tags[0],
	};
	struct mlag_vlan vlan = mlag_vlan_of(
		domain.vlan_aware, at_leg ? leg.untagged_vid : domain.peer_link_untagged_vid, &tag);
	struct mlag_frame frame = {
		.ingress_ifindex = ingress_of(scene->from),
		.vlan = vlan.vid,
		.group = mlag_mac_is_group(DESTINATIONS[scene->to]),
		.reserved = mlag_mac_is_reserved(DESTINATIONS[scene->to]),
	};
	const struct mlag_port *ingress = scene->from == FROM_LEG && !scene->without_leg ? &leg
											 : NULL;
	struct mlag_decision decision;

	*ret_change = mlag_redirect_tag(&domain, &vlan);
	if (scene->cut_off) {
		return mlag_drop(MLAG_REASON_MALFORMED); /* forward.h never sees such a frame */
	}
	if (at_leg && scene->without_leg) {
		return mlag_pass();
	}
	decision = at_leg ? mlag_leg_egress(&domain, &leg, &frame)
			  : mlag_peer_link_egress(&domain, ingress, &frame);
	if (decision.action != MLAG_ACTION_ASK_SOURCE) {
		return decision;
	}
	frame.source_asked = 1;
	frame.source_found = scene->source != SOURCE_UNKNOWN && source_vlan_of(scene) == vlan.vid;
	frame.source = source_of(scene);
	frame.destination_found = scene->destination != DESTINATION_UNKNOWN;
	frame.destination = destination_of(scene);
	return at_leg ? mlag_leg_egress(&domain, &leg, &frame)
		      : mlag_peer_link_egress(&domain, ingress, &frame);
}

static void fill_maps(const struct scene *scene)
{
	struct mlag_domain domain = domain_of(scene);
	struct mlag_port leg = leg_of(scene);
	struct mlag_source_key key = {.vlan = source_vlan_of(scene)};
	struct mlag_source source = source_of(scene);

	memcpy(key.mac, SOURCE_MAC, sizeof(key.mac));
	assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
	assert_int_equal(datapath_delete_port(lab.dp, lab.leg), 0);
	if (!scene->without_leg) {
		assert_int_equal(datapath_set_port(lab.dp, lab.leg, &leg), 0);
	}
	if (scene->source != SOURCE_UNKNOWN) {
		assert_int_equal(datapath_set_source(lab.dp, &key, &source), 0);
	}
	if (scene->destination != DESTINATION_UNKNOWN) {
		struct mlag_source place = destination_of(scene);

		memcpy(key.mac, DESTINATIONS[scene->to], sizeof(key.mac));
		key.vlan = frame_vlan_of(scene);
		assert_int_equal(datapath_set_source(lab.dp, &key, &place), 0);
	}
}

static void forget_macs(const struct scene *scene)
{
	struct mlag_source_key key = {.vlan = source_vlan_of(scene)};

	memcpy(key.mac, SOURCE_MAC, sizeof(key.mac));
	assert_int_equal(datapath_set_source(lab.dp, &key, NULL), 0);
	memcpy(key.mac, DESTINATIONS[scene->to], sizeof(key.mac));
	key.vlan = frame_vlan_of(scene);
	assert_int_equal(datapath_set_source(lab.dp, &key, NULL), 0);
}

/* Gives a frame to the loaded program.  Return: its verdict (TC_ACT_…). */
static int run(enum program program, uint32_t ingress, const struct wire_frame *frame,
	       struct wire_frame *ret)
{
	struct __sk_buff skb = {
		.ifindex = program == PROGRAM_PEER_LINK ? lab.peer_link : lab.leg,
		.ingress_ifindex = ingress,
		.gso_segs = SEGMENTS,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->size,
		    .data_out = ret->bytes, .data_size_out = sizeof(ret->bytes), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(lab.program_fds[program], &opts), 0);
	ret->size = opts.data_size_out;
	return (int)opts.retval;
}

struct count {
	uint32_t ifindex;
	uint64_t packets[MLAG_REASONS_COUNT];
	uint64_t bytes[MLAG_REASONS_COUNT];
};

static void on_counter(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
		       uint64_t bytes)
{
	struct count *count = user;

	if (ifindex == count->ifindex) {
		count->packets[reason] = packets;
		count->bytes[reason] = bytes;
	}
}

static struct count read_counters(enum program program)
{
	struct count count = {.ifindex = program == PROGRAM_LEG ? lab.leg : lab.peer_link};

	assert_int_equal(datapath_counters(lab.dp, on_counter, &count), 0);
	return count;
}

static int verdict_of(enum mlag_action action)
{
	switch (action) {
	case MLAG_ACTION_PASS:
		return TC_ACT_UNSPEC;
	case MLAG_ACTION_DROP:
		return TC_ACT_SHOT;
	case MLAG_ACTION_TO_PEER_LINK:
		return TC_ACT_REDIRECT;
	case MLAG_ACTION_NONE:
	case MLAG_ACTION_REWRITE:
	case MLAG_ACTION_ASK_SOURCE:
	case MLAG_ACTION_ASK_ROUTER:
	case MLAG_ACTION_ASK_ADDRESS:
	case MLAG_ACTION_ASK_ROUTE:
	case MLAG_ACTION_ASK_EXIT:
	case MLAG_ACTION_SEND:
		break;
	}
	return 12345;
}

/* Only what was decided is counted, and once. */
static void check_counters(const struct scene *scene, const struct count *before,
			   const struct wire_frame *frame)
{
	struct count after = read_counters(scene->program);

	for (uint32_t reason = 1; reason < MLAG_REASONS_COUNT; reason++) {
		bool counted = reason == scene->reason;

		assert_int_equal(after.packets[reason] - before->packets[reason],
				 counted ? SEGMENTS : 0);
		if (!counted) {
			assert_int_equal(after.bytes[reason], before->bytes[reason]);
		} else if (scene->change == MLAG_TAG_KEEP) {
			assert_int_equal(after.bytes[reason] - before->bytes[reason], frame->size);
		}
	}
}

/* A tag that was pushed is beside the frame, where a test run does not show it. */
static void check_bytes(const struct scene *scene, const struct wire_frame *out)
{
	struct scene popped = *scene;
	struct wire_frame expected;

	if (scene->change == MLAG_TAG_POP) {
		memmove(&popped.tags[0], &popped.tags[1], sizeof(popped.tags[0]));
		popped.tags[1] = 0;
	}
	frame_of(&popped, &expected);
	assert_int_equal(out->size, expected.size);
	assert_memory_equal(out->bytes, expected.bytes, expected.size);
}

static void test_scene(void **state)
{
	const struct scene *scene = *state;
	enum mlag_tag_change change;
	struct mlag_decision decision = decide(scene, &change);
	struct count before = read_counters(scene->program);
	struct wire_frame frame, out;

	assert_int_equal(decision.action, scene->action);
	assert_int_equal(decision.reason, scene->reason);
	if (decision.action == MLAG_ACTION_TO_PEER_LINK) {
		assert_int_equal(change, scene->change);
	}
	frame_of(scene, &frame);
	fill_maps(scene);
	assert_int_equal(run(scene->program, ingress_of(scene->from), &frame, &out),
			 verdict_of(scene->action));
	forget_macs(scene);
	check_counters(scene, &before, &frame);
	check_bytes(scene, &out);
}

/* One point of the product: userspace says what to expect, the program must do it. */
static void agree(struct scene *scene)
{
	struct mlag_decision decision = decide(scene, &scene->change);
	struct wire_frame frame, out;

	frame_of(scene, &frame);
	fill_maps(scene);
	if (run(scene->program, ingress_of(scene->from), &frame, &out) !=
	    verdict_of(decision.action)) {
		fail_msg("program %d from %d to %d source %d gate %d aware %d isolated %d tags %x"
			 " leg %d PL %d: forward.h says action %d, reason %d",
			 (int)scene->program, (int)scene->from, (int)scene->to, (int)scene->source,
			 (int)scene->gate, scene->vlan_aware, scene->isolated, scene->tags[0],
			 scene->leg_untagged, scene->peer_link_untagged, (int)decision.action,
			 (int)decision.reason);
	}
	scene->change = decision.action == MLAG_ACTION_TO_PEER_LINK ? scene->change : MLAG_TAG_KEEP;
	check_bytes(scene, &out);
	forget_macs(scene);
}

/* Mixed radix: each digit is one thing a decision depends on. */
static uint32_t digit(uint32_t *rest, uint32_t radix)
{
	uint32_t value = *rest % radix;

	*rest /= radix;
	return value;
}

static void test_program_agrees_with_forward_everywhere(void **state)
{
	static const uint16_t VIDS[] = {0, 10, 11};
	static const uint32_t TAGS[] = {0, WIRE_TAG(ETH_P_8021Q, 10), WIRE_TAG(ETH_P_8021AD, 10)};
	const uint32_t size = 2 * 5 * 3 * 5 * 4 * 2 * 3 * 3 * 3 * 2 * DESTINATIONS_COUNT * 3;
	uint32_t number;

	(void)state;
	for (number = 0; number < size; number++) {
		uint32_t rest = number;
		struct scene scene = {
			.program = digit(&rest, 2),
			.from = digit(&rest, 5),
			.to = digit(&rest, 3),
			.source = digit(&rest, 5),
			.gate = digit(&rest, 4),
			.vlan_aware = digit(&rest, 2),
			.leg_untagged = VIDS[digit(&rest, 3)],
			.peer_link_untagged = VIDS[digit(&rest, 3)],
			.tags = {TAGS[digit(&rest, 3)]},
			.held = digit(&rest, 2),
			.destination = digit(&rest, DESTINATIONS_COUNT),
		};

		/* Isolated in none, in the plain bridge's, in VLAN 10. */
		scene.isolated = rest != 0;
		scene.isolated_vid = rest == 2 ? 10 : 0;
		agree(&scene);
	}
	print_message("%u points\n", number);
}

static uint64_t observe(enum mlag_gate gate, const uint8_t *destination)
{
	struct scene scene = {.gate = gate};
	struct wire_frame frame, out;
	uint64_t before, after;

	fill_maps(&scene);
	wire_frame_make(&frame, destination, SOURCE_MAC, NULL, 0, PAYLOAD);
	assert_int_equal(datapath_leg_rx(lab.dp, lab.leg, &before), 0);
	assert_int_equal(run(PROGRAM_OBSERVE, lab.leg, &frame, &out), TC_ACT_UNSPEC);
	assert_int_equal(datapath_leg_rx(lab.dp, lab.leg, &after), 0);
	return after - before;
}

static void test_observe_counts_data_at_a_gate(void **state)
{
	static const uint8_t MLD[6] = {0x33, 0x33, 0, 0, 0, 0x16};

	(void)state;
	assert_int_equal(observe(MLAG_GATE_CLOSED, DESTINATIONS[TO_UNICAST]), 1);
	assert_int_equal(observe(MLAG_GATE_CLOSED, DESTINATIONS[TO_GROUP]), 1);
	assert_int_equal(observe(MLAG_GATE_UNICAST, DESTINATIONS[TO_GROUP]), 1);
	assert_int_equal(observe(MLAG_GATE_OPEN, DESTINATIONS[TO_GROUP]), 0);
	assert_int_equal(observe(MLAG_GATE_NONE, DESTINATIONS[TO_GROUP]), 0);
	assert_int_equal(observe(MLAG_GATE_CLOSED, DESTINATIONS[TO_RESERVED]), 0);
	assert_int_equal(observe(MLAG_GATE_CLOSED, MLD), 0);
}

static void test_reserved_are_exactly_sixteen(void **state)
{
	uint8_t mac[6] = {0x01, 0x80, 0xc2, 0, 0, 0};

	(void)state;
	for (uint32_t last = 0; last < 256; last++) {
		mac[5] = (uint8_t)last;
		assert_int_equal(mlag_mac_is_reserved(mac), last < 16);
	}
	mac[5] = 0;
	for (uint32_t index = 0; index < 5; index++) {
		mac[index] ^= 0x10;
		assert_false(mlag_mac_is_reserved(mac));
		mac[index] ^= 0x10;
	}
}

static void test_a_plain_bridge_tags_nothing_on_the_peer_link(void **state)
{
	struct mlag_domain domain = {.peer_link_ifindex = 1, .peer_link_untagged_vid = 10};

	(void)state;
	assert_false(mlag_peer_link_is_tagged(&domain, 0));
	assert_false(mlag_peer_link_is_tagged(&domain, 20));
	domain.vlan_aware = 1;
	assert_false(mlag_peer_link_is_tagged(&domain, 0));
	assert_false(mlag_peer_link_is_tagged(&domain, 10));
	assert_true(mlag_peer_link_is_tagged(&domain, 20));
}

static void test_reasons_have_texts_of_their_own(void **state)
{
#define REASON_TEXT(symbol, text, rule, expected) text,
	static const char *const TEXTS[] = {MLAG_REASONS(REASON_TEXT)};

	(void)state;
	assert_int_equal(ARRAY_SIZE(TEXTS), MLAG_REASONS_COUNT);
	for (uint32_t one = 0; one < ARRAY_SIZE(TEXTS); one++) {
		assert_true(TEXTS[one][0] != '\0');
		for (uint32_t two = one + 1; two < ARRAY_SIZE(TEXTS); two++) {
			assert_string_not_equal(TEXTS[one], TEXTS[two]);
		}
	}
}

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("libbpf: %s\n", text);
}

static int set_up(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};
	struct mlag_port peer_link = {.kind = MLAG_PORT_PEER_LINK};

	(void)state;
	wire_enter_namespace();
	lab.svi = wire_make_bridge("br0");
	lab.leg = wire_make_port("leg", "leg-far", 0);
	lab.peer_link = wire_make_port("pl", "pl-far", 0);
	lab.orphan = wire_make_port("orphan", "orphan-far", 0);
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	assert_int_equal(datapath_set_port(lab.dp, lab.peer_link, &peer_link), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
	/* What runs is what is attached. */
	lab.program_fds[PROGRAM_LEG] = wire_open_program(lab.leg, BPF_TC_EGRESS);
	lab.program_fds[PROGRAM_OBSERVE] = wire_open_program(lab.leg, BPF_TC_INGRESS);
	lab.program_fds[PROGRAM_PEER_LINK] = wire_open_program(lab.peer_link, BPF_TC_EGRESS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (uint32_t program = 0; program < PROGRAMS_COUNT; program++) {
		close(lab.program_fds[program]);
	}
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	datapath_close(lab.dp);
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(SCENES) + 5] = {
		cmocka_unit_test(test_a_plain_bridge_tags_nothing_on_the_peer_link),
		cmocka_unit_test(test_program_agrees_with_forward_everywhere),
		cmocka_unit_test(test_observe_counts_data_at_a_gate),
		cmocka_unit_test(test_reserved_are_exactly_sixteen),
		cmocka_unit_test(test_reasons_have_texts_of_their_own),
	};

	for (uint32_t index = 0; index < ARRAY_SIZE(SCENES); index++) {
		tests[5 + index] = (struct CMUnitTest){
			.name = SCENES[index].name,
			.test_func = test_scene,
			.initial_state = (void *)(uintptr_t)&SCENES[index],
		};
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
