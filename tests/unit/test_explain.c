// SPDX-License-Identifier: BSD-2-Clause
/*
 * The walk behind `mlagctl explain`: a small pair on paper (paper.h), a frame a case, and what must
 * be said of it: verdict, rules in order, and where each copy ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "paper.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* ---- a case a frame -------------------------------------------------------------------------- */

/* As text, so that a case reads as what is said: "here bond1 sent", "peer 2 dropped R1". */
static void tell_copies(const struct explain_trace *trace, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (uint32_t i = 0; i < trace->copies_count; i++) {
		const struct explain_copy *copy = &trace->copies[i];
		char place[24];

		(void)snprintf(place, sizeof(place), "%u", copy->lag_id);
		used += (size_t)snprintf(ret + used, size - used, "%s%s %s %s%s%s%s",
					 i > 0 ? ", " : "",
					 copy->member == EXPLAIN_HERE ? "here" : "peer",
					 copy->ifname[0] != '\0' ? copy->ifname
					 : copy->lag_id != 0	 ? place
								 : "-",
					 explain_fate_text(copy->fate), copy->tagged ? "+tag" : "",
					 copy->rule[0] != '\0' ? " " : "", copy->rule);
	}
}

static void tell_rules(const struct explain_trace *trace, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (uint32_t i = 0; i < trace->steps_count; i++) {
		if (trace->steps[i].rule[0] != '\0') {
			used += (size_t)snprintf(ret + used, size - used, "%s%s",
						 used > 0 ? " " : "", trace->steps[i].rule);
		}
	}
}

struct walk_case {
	const char *name;
	uint32_t in;
	enum who to;
	enum who from;
	const char *ip;
	uint8_t ttl;
	uint16_t tag;
	const char *assume[2];
	void (*change)(void);
	enum explain_verdict verdict;
	const char *rules;
	const char *copies;
};

static void mark_peer_link(void)
{
	paper.scene.marks = true;
}

static void block_port(void)
{
	paper.ports[3].state = BR_STATE_BLOCKING;
}

static void lock_port(void)
{
	paper.ports[3].locked = true;
}

static void isolate_ports(void)
{
	paper.ports[3].is_isolated = paper.ports[1].is_isolated = true;
}

static void detach(void)
{
	paper.is_detached = true;
}

static void unprove(void)
{
	paper.scene.domain.route_for_peer = 0;
}

static void set_pending(void)
{
	paper.ports[1].program.gate = MLAG_GATE_CLOSED;
	paper.ports[1].flood = paper.ports[1].mcast_flood = paper.ports[1].bcast_flood = false;
	paper.scene.legs[0].peer_isolates = false;
}

static void set_ready(void)
{
	set_pending();
	paper.ports[1].program.gate = MLAG_GATE_UNICAST;
}

static void lift(void)
{
	memset(paper.ports[1].program.isolated, 0, sizeof(paper.ports[1].program.isolated));
	paper.scene.legs[0].peer_up = paper.scene.legs[0].peer_open = false;
}

static void make_plain(void)
{
	paper.scene.domain.vlan_aware = 0;
	for (size_t i = 0; i < ARRAY_SIZE(paper.ports); i++) {
		struct explain_port *port = &paper.ports[i];

		memset(&port->vlans, 0, sizeof(port->vlans));
		mlag_vlans_add(&port->vlans, 0);
		memcpy(port->program.isolated, port->vlans.words, sizeof(port->program.isolated));
		port->ingress_vid = port->untagged_vid = 0;
		port->program.ingress_vid = port->program.untagged_vid = 0;
	}
}

static void forget_peer(void)
{
	paper.scene.peer_known = paper.scene.peer_alive = false;
}

static void make_trunk(void)
{
	paper.ports[3].ingress_vid = paper.ports[3].program.ingress_vid = 0;
}

static void stop_floods(void)
{
	paper.ports[1].bcast_flood = false;
	paper.ports[2].mcast_flood = false;
	paper.ports[3].flood = false;
}

static void snoop(void)
{
	paper.scene.snooping = true;
}

#define HERE_FLOOD_ORPHAN                                                                           \
	"here br0 stack, here peerlink sent+tag, peer - unknown, peer - stack, peer 1 dropped R1, " \
	"peer 2 dropped R1, peer 3 sent R2, here bond1 sent, here bond2 sent"

static const struct walk_case CASES[] = {
	/* layer 2 */
	{"R1 from the peer link to a LAG that the peer serves", PL, AT_LAG1, AT_PEERS_ORPHAN,
	 .tag = 10, .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R6 R1",
	 .copies = "here bond1 dropped R1"},
	{"R2 from the peer link to a LAG whose peer's leg is down", PL, AT_LAG1, AT_PEERS_ORPHAN,
	 .tag = 10, .change = lift, .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6 R2",
	 .copies = "here bond1 sent"},
	{"R1 lifted, and no echo to the sender's own LAG", PL, BROADCAST, AT_LAG1, .tag = 10,
	 .change = lift, .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3",
	 .copies = "here br0 stack, here bond1 dropped R1, here bond2 dropped R1, here o1 sent"},
	{"R3 a flood from the peer link", PL, BROADCAST, AT_PEERS_ORPHAN, .tag = 10,
	 .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3",
	 .copies = "here br0 stack, here bond1 dropped R1, here bond2 dropped R1, here o1 sent"},
	{"R3 a flood from a host: copies here and at the peer", ORPHAN, BROADCAST, AT_ORPHAN,
	 .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R3", .copies = HERE_FLOOD_ORPHAN},
	{"R3 an unknown unicast is flooded alike, but not to machines", ORPHAN, STRANGER, AT_ORPHAN,
	 .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R3",
	 .copies = "here peerlink sent+tag, peer - unknown, peer 1 dropped R1, peer 2 dropped R1, "
		   "peer 3 sent R2, here bond1 sent, here bond2 sent"},
	{"R3 a multicast where a leg is down: the peer delivers", ORPHAN, MULTICAST, AT_ORPHAN,
	 .assume = {"leg bond1 down"}, .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R3",
	 .copies = "here br0 stack, here peerlink sent+tag, peer - unknown, peer - stack, "
		   "peer 1 sent R2, peer 2 dropped R1, peer 3 sent R2, here bond1 dropped, "
		   "here bond2 sent"},
	{"R1 a flood of a host whose legs are both up comes back nowhere", LEG1, BROADCAST, AT_LAG1,
	 .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R3",
	 .copies = "here br0 stack, here peerlink sent+tag, peer - unknown, peer - stack, "
		   "peer 1 dropped R1, peer 2 dropped R1, peer 3 sent R2, here bond2 sent, "
		   "here o1 sent"},
	{"R1 a flood by a leg that is not open: the peer knows the source, no echo", LEG1,
	 BROADCAST, AT_LAG1, .change = set_pending, .verdict = EXPLAIN_VERDICT_FLOODED,
	 .rules = "R3 R3",
	 .copies = "here br0 stack, here peerlink sent+tag, peer - unknown, peer - stack, "
		   "peer 1 dropped R1, peer 2 dropped R1, peer 3 sent R2, here bond2 sent, "
		   "here o1 sent"},
	{"R1 a flood of nobody known by a leg that is not open stays here", LEG1, BROADCAST,
	 STRANGER, .change = set_pending, .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3",
	 .copies = "here br0 stack, here peerlink dropped+tag R1, here bond2 sent, here o1 sent"},
	{"R3 no flood to a leg that is not open", ORPHAN, BROADCAST, AT_ORPHAN,
	 .change = set_pending, .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R3",
	 .copies = "here br0 stack, here peerlink sent+tag, peer - unknown, peer - stack, "
		   "peer 1 sent R2, peer 2 dropped R1, peer 3 sent R2, here bond1 dropped R3, "
		   "here bond2 sent"},
	{"a port that takes no broadcasts", PL, BROADCAST, AT_PEERS_ORPHAN, .tag = 10,
	 .change = stop_floods, .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3",
	 .copies = "here br0 stack, here bond1 dropped R3, here bond2 dropped R1, here o1 sent"},
	{"a port that takes no multicasts", PL, MULTICAST, AT_PEERS_ORPHAN, .tag = 10,
	 .change = stop_floods, .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3",
	 .copies = "here br0 stack, here bond1 dropped R1, here bond2 dropped R3, here o1 sent"},
	{"a port that takes no unknown unicasts", PL, STRANGER, AT_PEERS_ORPHAN, .tag = 10,
	 .change = stop_floods, .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R3",
	 .copies = "here bond1 dropped R1, here bond2 dropped R1, here o1 dropped"},
	{"a VLAN that this machine is no member of", PL, BROADCAST, AT_PEERS_ORPHAN, .tag = 20,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R3", .copies = "here bond2 dropped+tag R1"},
	{"a VLAN that the peer's leg does not have", LEG2, BROADCAST, AT_LAG2, .tag = 20,
	 .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R3",
	 .copies = "here peerlink sent+tag, peer - unknown, peer - stack, peer 2 dropped R1"},
	{"R5 a pending leg's unicast goes over the peer link", ORPHAN, AT_LAG1, AT_ORPHAN,
	 .change = set_pending, .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6 R5 R8 R2",
	 .copies = "here bond1 redirected R5, here peerlink sent+tag, peer 1 sent R2"},
	{"R5 a leg down: the bridge's backup port", ORPHAN, AT_LAG1, AT_ORPHAN,
	 .assume = {"leg 1 down"}, .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6 R5 R8 R2",
	 .copies = "here peerlink sent+tag, peer 1 sent R2"},
	{"R5 both legs down", ORPHAN, AT_LAG1, AT_ORPHAN,
	 .assume = {"leg 1 down", "peer leg 1 down"}, .verdict = EXPLAIN_VERDICT_BRIDGED,
	 .rules = "R6 R5 R8 R1", .copies = "here peerlink sent+tag, peer 1 dropped"},
	{"a ready leg: unicast leaves here", ORPHAN, AT_LAG1, AT_ORPHAN, .change = set_ready,
	 .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6", .copies = "here bond1 sent"},
	{"R6 the local leg", ORPHAN, AT_LAG2, AT_ORPHAN, .verdict = EXPLAIN_VERDICT_BRIDGED,
	 .rules = "R6", .copies = "here bond2 sent"},
	{"R8 the peer's orphan", ORPHAN, AT_PEERS_ORPHAN, AT_ORPHAN,
	 .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R8 R8",
	 .copies = "here peerlink sent+tag, peer - sent"},
	{"R8 a LAG without a leg here", ORPHAN, AT_LAG3, AT_ORPHAN,
	 .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R8 R8 R2",
	 .copies = "here peerlink sent+tag, peer 3 sent R2"},
	{"R10 a reserved address", ORPHAN, RESERVED, AT_ORPHAN, .verdict = EXPLAIN_VERDICT_LOCAL,
	 .rules = "R10", .copies = "here o1 stack"},
	{"R11 multicast while the bridge snoops", PL, MULTICAST, AT_PEERS_ORPHAN, .tag = 10,
	 .change = snoop, .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R11",
	 .copies = "here br0 stack, here bond1 dropped R1, here bond2 dropped R1, here o1 sent"},
	/* the bridge's own checks */
	{"a VLAN that the port does not have", ORPHAN, AT_LAG2, AT_ORPHAN, .tag = 20,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "", .copies = "here o1 dropped"},
	{"no tag where all need one", ORPHAN, AT_LAG2, AT_ORPHAN, .change = make_trunk,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "", .copies = "here o1 dropped"},
	{"a blocked port", ORPHAN, AT_LAG2, AT_ORPHAN, .change = block_port,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "", .copies = "here o1 dropped"},
	{"a locked port, the sender not there", ORPHAN, AT_LAG2, AT_LAG1, .change = lock_port,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "", .copies = "here o1 dropped"},
	{"a locked port, the sender there", ORPHAN, AT_LAG2, AT_ORPHAN, .change = lock_port,
	 .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6", .copies = "here bond2 sent"},
	{"a group address as the sender", ORPHAN, AT_LAG2, MULTICAST,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "", .copies = "here o1 dropped"},
	{"ports isolated by the bridge", ORPHAN, AT_LAG1, AT_ORPHAN, .change = isolate_ports,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R6", .copies = "here bond1 dropped"},
	{"back where it came from", LEG1, AT_LAG1, STRANGER, .verdict = EXPLAIN_VERDICT_DROPPED,
	 .rules = "R6", .copies = "here bond1 dropped"},
	{"nothing arrives without carrier", LEG1, AT_LAG2, AT_LAG1, .assume = {"leg 1 down"},
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "", .copies = ""},
	/* layer 3 */
	{"R20 our MAC: routed", LEG1, OUR_MAC, AT_LAG1, "10.20.0.9", 64,
	 .verdict = EXPLAIN_VERDICT_ROUTED, .rules = "R20 R6", .copies = "here bond2 sent+tag"},
	{"R20 our MAC, our address", LEG1, OUR_MAC, AT_LAG1, "10.10.0.1", 1,
	 .verdict = EXPLAIN_VERDICT_LOCAL, .rules = "R20", .copies = "here br0 stack"},
	{"R20 our MAC, not IP", LEG1, OUR_MAC, AT_LAG1, .verdict = EXPLAIN_VERDICT_LOCAL,
	 .rules = "R20", .copies = "here br0 stack"},
	{"R4 routed though it came over the peer link", PL, OUR_MAC, AT_PEERS_ORPHAN, "10.20.0.9",
	 64, .tag = 10, .verdict = EXPLAIN_VERDICT_ROUTED, .rules = "R6 R4",
	 .copies = "here bond2 sent+tag"},
	{"R21 the peer's MAC, third party", LEG1, PEER_MAC, AT_LAG1, "10.20.0.9", 64,
	 .verdict = EXPLAIN_VERDICT_ROUTED, .rules = "R20 R21 R6", .copies = "here bond2 sent+tag"},
	{"R21 v6", LEG1, PEER_MAC, AT_LAG1, "fd00:20::9", 64, .verdict = EXPLAIN_VERDICT_ROUTED,
	 .rules = "R20 R21 R6", .copies = "here bond2 sent+tag"},
	{"R21 to the peer's orphan", LEG1, PEER_MAC, AT_LAG1, "10.10.0.9", 64,
	 .verdict = EXPLAIN_VERDICT_ROUTED, .rules = "R20 R21 R27 R8 R8",
	 .copies = "here peerlink sent+tag, peer - sent"},
	{"R21 no neighbour yet", LEG1, PEER_MAC, AT_LAG1, "10.10.0.8", 64,
	 .verdict = EXPLAIN_VERDICT_UNDECIDED, .rules = "R20 R21", .copies = "here dev20 unknown"},
	{"R21 by a device that is no port", LEG1, PEER_MAC, AT_LAG1, "10.30.0.9", 64,
	 .verdict = EXPLAIN_VERDICT_ROUTED, .rules = "R20 R21", .copies = "here dev30 outside"},
	{"R21 a blackhole", LEG1, PEER_MAC, AT_LAG1, "10.66.0.1", 64,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R20 R21", .copies = "here br0 dropped"},
	{"R21 unreachable", LEG1, PEER_MAC, AT_LAG1, "10.67.0.1", 64,
	 .verdict = EXPLAIN_VERDICT_ANSWERED, .rules = "R20 R21", .copies = "here br0 dropped"},
	{"R21 a source that fails the reverse path filter", LEG1, PEER_MAC, AT_LAG1, "10.68.0.1",
	 64, .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R20 R21", .copies = "here br0 dropped"},
	{"R21 not before the peer's addresses are proven", LEG1, PEER_MAC, AT_LAG1, "10.20.0.9", 64,
	 .change = unprove, .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R21 R20",
	 .copies = "here peerlink sent+tag, peer - unknown"},
	{"R21 the bridge refuses what was rewritten", ORPHAN, PEER_MAC, AT_ORPHAN, "10.20.0.9", 64,
	 .tag = 20, .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R20 R21",
	 .copies = "here o1 dropped"},
	{"R22 the peer's own address", LEG1, PEER_MAC, AT_LAG1, "10.10.0.2", 1,
	 .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R22 R20 R22",
	 .copies = "here peerlink sent+tag, peer - stack"},
	{"R22 v6", LEG1, PEER_MAC, AT_LAG1, "fd00:10::2", 1, .verdict = EXPLAIN_VERDICT_TO_PEER,
	 .rules = "R20 R22 R20 R22", .copies = "here peerlink sent+tag, peer - stack"},
	{"R22 the tag is PL's", LEG2, PEER_MAC, AT_LAG2, "10.10.0.2", 1, .tag = 20,
	 .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R22 R20 R22",
	 .copies = "here peerlink sent+tag, peer - stack"},
	{"R23 not IP", LEG1, PEER_MAC, AT_LAG1, .verdict = EXPLAIN_VERDICT_TO_PEER,
	 .rules = "R20 R23 R20 R23", .copies = "here peerlink sent+tag, peer - stack"},
	{"R23 link-local", LEG1, PEER_MAC, AT_LAG1, "169.254.0.9", 1,
	 .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R23 R20 R23",
	 .copies = "here peerlink sent+tag, peer - stack"},
	{"R24 TTL 0, the peer's MAC", LEG1, PEER_MAC, AT_LAG1, "10.20.0.9", 0,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R20 R24",
	 .copies = "here bond1 dropped R24"},
	{"R24 TTL 0, our MAC", LEG1, OUR_MAC, AT_LAG1, "10.20.0.9", 0,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R20 R24",
	 .copies = "here bond1 dropped R24"},
	{"R24 TTL 1: answered from here", LEG1, PEER_MAC, AT_LAG1, "10.20.0.9", 1,
	 .verdict = EXPLAIN_VERDICT_ANSWERED, .rules = "R20 R21 R24", .copies = "here br0 dropped"},
	{"R25 no route here", LEG1, PEER_MAC, AT_LAG1, "10.99.0.1", 64,
	 .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R25 R20",
	 .copies = "here peerlink sent+tag, peer - unknown"},
	{"R25 forwarding is off", LEG1, PEER_MAC, AT_LAG1, "10.69.0.1", 64,
	 .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R25 R20",
	 .copies = "here peerlink sent+tag, peer - unknown"},
	{"R25 TTL 1: the peer answers", LEG1, PEER_MAC, AT_LAG1, "10.99.0.1", 1,
	 .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R25 R20 R24",
	 .copies = "here peerlink sent+tag, peer - dropped"},
	{"R31 our MAC, the last resort", LEG1, OUR_MAC, AT_LAG1, LAST_RESORT_IP, 64,
	 .change = mark_peer_link, .verdict = EXPLAIN_VERDICT_ROUTED, .rules = "R20 R31 R27 R20",
	 .copies = "here peerlink sent+tag, peer - unknown"},
	{"R25, not R31, for the peer's MAC", LEG1, PEER_MAC, AT_LAG1, LAST_RESORT_IP, 64,
	 .change = mark_peer_link, .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R25 R20",
	 .copies = "here peerlink sent+tag, peer - unknown"},
	{"R31 not for what came over the peer link", PL, OUR_MAC, AT_PEERS_ORPHAN, LAST_RESORT_IP,
	 64, .tag = 10, .change = mark_peer_link, .verdict = EXPLAIN_VERDICT_ANSWERED, .rules = "",
	 .copies = "here br0 dropped"},
	{"no route, our MAC: answered", LEG1, OUR_MAC, AT_LAG1, "10.99.0.1", 64,
	 .verdict = EXPLAIN_VERDICT_ANSWERED, .rules = "R20", .copies = "here br0 dropped"},
	/* what if */
	{"if no route: R25", LEG1, PEER_MAC, AT_LAG1, "10.20.0.9", 64, .assume = {"no route"},
	 .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R25 R20",
	 .copies = "here peerlink sent+tag, peer - unknown"},
	{"if no route, our MAC", LEG1, OUR_MAC, AT_LAG1, "10.20.0.9", 64, .assume = {"no route"},
	 .verdict = EXPLAIN_VERDICT_ANSWERED, .rules = "R20", .copies = "here br0 dropped"},
	{"if the peer is dead: R26 routes for it", LEG1, PEER_MAC, AT_LAG1, "10.20.0.9", 64,
	 .assume = {"peer dead"}, .verdict = EXPLAIN_VERDICT_ROUTED, .rules = "R20 R26 R21 R6",
	 .copies = "here bond2 sent+tag"},
	{"if the peer is dead: R22 stops", LEG1, PEER_MAC, AT_LAG1, "10.10.0.2", 64,
	 .assume = {"peer dead"}, .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R20 R26 R22 R20",
	 .copies = "here peerlink dropped+tag"},
	{"if the peer is dead: floods stay here", ORPHAN, BROADCAST, AT_ORPHAN,
	 .assume = {"peer dead"}, .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3",
	 .copies = "here br0 stack, here peerlink dropped+tag, here bond1 sent, here bond2 sent"},
	{"if the peer is dead: nothing comes over the peer link", PL, AT_LAG1, AT_PEERS_ORPHAN,
	 .tag = 10, .assume = {"peer dead"}, .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "",
	 .copies = ""},
	{"if the peer died and came back", PL, AT_LAG1, AT_PEERS_ORPHAN, .tag = 10,
	 .assume = {"peer dead", "peer alive"}, .verdict = EXPLAIN_VERDICT_BRIDGED,
	 .rules = "R6 R2", .copies = "here bond1 sent"},
	{"if the peer's leg goes down: R1 is lifted", PL, AT_LAG1, AT_PEERS_ORPHAN, .tag = 10,
	 .assume = {"peer leg bond1 down"}, .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6 R2",
	 .copies = "here bond1 sent"},
	{"if it comes back: R1 is in force", PL, AT_LAG1, AT_PEERS_ORPHAN, .tag = 10,
	 .assume = {"peer leg bond1 up"}, .change = lift, .verdict = EXPLAIN_VERDICT_DROPPED,
	 .rules = "R6 R1", .copies = "here bond1 dropped R1"},
	{"if a pending leg comes up", ORPHAN, AT_LAG1, AT_ORPHAN, .assume = {"leg bond1 up"},
	 .change = set_pending, .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6",
	 .copies = "here bond1 sent"},
	{"if a pending leg comes up, the peer isolates", ORPHAN, BROADCAST, AT_ORPHAN,
	 .assume = {"leg bond1 up"}, .change = set_pending, .verdict = EXPLAIN_VERDICT_FLOODED,
	 .rules = "R3 R3", .copies = HERE_FLOOD_ORPHAN},
	{"if the peer link is down: R1 is back in force", PL, AT_LAG1, AT_PEERS_ORPHAN, .tag = 10,
	 .assume = {"peer link down", "peer link up"}, .change = lift,
	 .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6 R2", .copies = "here bond1 sent"},
	{"if the peer link is down: the peer's orphan is lost", ORPHAN, AT_PEERS_ORPHAN, AT_ORPHAN,
	 .assume = {"peer link down"}, .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R8",
	 .copies = "here peerlink dropped+tag"},
	{"if the MAC is unknown: flooded", ORPHAN, AT_LAG2, AT_ORPHAN, .assume = {"mac unknown"},
	 .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R3",
	 .copies = "here peerlink sent+tag, peer - unknown, peer 1 dropped R1, peer 2 dropped R1, "
		   "peer 3 sent R2, here bond1 sent, here bond2 sent"},
	{"if the MAC is unknown: a router's is pinned", LEG1, PEER_MAC, AT_LAG1, "10.10.0.2", 64,
	 .assume = {"mac unknown"}, .verdict = EXPLAIN_VERDICT_TO_PEER, .rules = "R20 R22 R20 R22",
	 .copies = "here peerlink sent+tag, peer - stack"},
	/* what is not there */
	{"without programs the bridge carries it to the peer", LEG1, PEER_MAC, AT_LAG1, "10.20.0.9",
	 64, .change = detach, .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R20",
	 .copies = "here peerlink sent+tag, peer - unknown"},
	{"without programs what came over the peer link doubles", PL, AT_LAG1, AT_PEERS_ORPHAN,
	 .tag = 10, .change = detach, .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R6",
	 .copies = "here bond1 sent"},
	{"no peer was heard yet", ORPHAN, AT_PEERS_ORPHAN, AT_ORPHAN, .change = forget_peer,
	 .verdict = EXPLAIN_VERDICT_BRIDGED, .rules = "R8",
	 .copies = "here peerlink sent+tag, peer - unknown"},
	{"a plain bridge: R1", PL, AT_LAG1, AT_PEERS_ORPHAN, .change = make_plain,
	 .verdict = EXPLAIN_VERDICT_DROPPED, .rules = "R6 R1", .copies = "here bond1 dropped R1"},
	{"a plain bridge: a flood", ORPHAN, BROADCAST, AT_ORPHAN, .change = make_plain,
	 .verdict = EXPLAIN_VERDICT_FLOODED, .rules = "R3 R3",
	 .copies = "here br0 stack, here peerlink sent, peer - unknown, peer - stack, "
		   "peer 1 dropped R1, peer 2 dropped R1, peer 3 sent R2, here bond1 sent, "
		   "here bond2 sent"},
};

static void make_frame(const struct walk_case *test, struct explain_frame *ret)
{
	struct explain_ip ip = {.hop_limit = test->ttl};

	ip.family = paper_parse_ip(test->ip, ip.destination);
	memcpy(ip.source, ip.destination, sizeof(ip.source));
	ip.source[15 - (ip.family == 4 ? 12 : 0)] ^= 0x40;
	explain_frame_make(ret, &paper_macs[test->to], &paper_macs[test->from], &ip);
	ret->tagged = test->tag != 0;
	ret->tci = test->tag;
}

static void walk_case(const struct walk_case *test, struct explain_trace *ret)
{
	struct explain_frame frame;

	if (test->change != NULL) {
		test->change();
	}
	for (size_t i = 0; i < ARRAY_SIZE(test->assume) && test->assume[i] != NULL; i++) {
		assert_int_equal(explain_assume(&paper.scene, test->assume[i]), 0);
	}
	make_frame(test, &frame);
	explain_walk(&paper.scene, explain_find_port(&paper.scene, test->in), &frame, ret);
}

static void test_case(void **state)
{
	const struct walk_case *test = *state;
	static struct explain_trace trace;
	char text[4096];

	walk_case(test, &trace);
	assert_string_equal(explain_verdict_text(trace.verdict),
			    explain_verdict_text(test->verdict));
	tell_rules(&trace, text, sizeof(text));
	assert_string_equal(text, test->rules);
	tell_copies(&trace, text, sizeof(text));
	assert_string_equal(text, test->copies);
	assert_int_equal(trace.differences, 0);
	assert_int_equal(trace.runs, 0); /* the programs are silent */
	assert_int_equal(trace.steps_lost + trace.copies_lost, 0);
	if (test->verdict == EXPLAIN_VERDICT_ROUTED) {
		assert_int_equal(trace.hop_limit, test->ttl - 1);
	} else if (test->verdict != EXPLAIN_VERDICT_UNDECIDED) {
		assert_int_equal(trace.hop_limit, test->ip != NULL ? test->ttl : -1);
	}
}

/* ---- programs ------------------------------------------------------------------------------- */

static struct explain_trace trace;

static void test_a_program_that_agrees_is_noted(void **state)
{
	const struct walk_case r22 = {
		.in = LEG1, .to = PEER_MAC, .from = AT_LAG1, .ip = "10.20.0.9", .ttl = 0};

	(void)state;
	paper.programs = HONEST;
	paper.honest = mlag_drop(MLAG_REASON_TTL_ZERO);
	walk_case(&r22, &trace);
	assert_int_equal(trace.runs, 1);
	assert_int_equal(trace.differences, 0);
	assert_true(trace.steps[trace.steps_count - 1].ran);
	assert_false(trace.steps[trace.steps_count - 1].differs);
}

static void test_a_program_that_differs_is_a_bug_and_is_said(void **state)
{
	const struct walk_case unicast = {.in = ORPHAN, .to = AT_LAG2, .from = AT_ORPHAN};
	uint32_t differing = 0;

	(void)state;
	paper.programs = WRONG;
	walk_case(&unicast, &trace);
	assert_int_equal(trace.runs, 2); /* receive and isolate */
	assert_int_equal(trace.differences, 2);
	for (uint32_t i = 0; i < trace.steps_count; i++) {
		differing += trace.steps[i].differs;
		assert_true(!trace.steps[i].differs || strstr(trace.steps[i].text, "a bug"));
	}
	assert_int_equal(differing, 2);
	/* What forward.h says is what is told. */
	assert_int_equal(trace.verdict, EXPLAIN_VERDICT_BRIDGED);
}

static void test_another_action_and_another_reason_both_differ(void **state)
{
	const struct walk_case ttl_0 = {
		.in = LEG1, .to = PEER_MAC, .from = AT_LAG1, .ip = "10.20.0.9", .ttl = 0};

	(void)state;
	paper.programs = HONEST;
	paper.honest = mlag_drop(MLAG_REASON_MALFORMED);
	walk_case(&ttl_0, &trace);
	assert_int_equal(trace.differences, 1);
	paper.honest = mlag_decide(MLAG_ACTION_PASS, MLAG_REASON_TTL_ZERO);
	walk_case(&ttl_0, &trace);
	assert_int_equal(trace.differences, 1);
}

static void test_a_program_that_differs_in_a_flood_is_said_too(void **state)
{
	const struct walk_case flood = {.in = ORPHAN, .to = BROADCAST, .from = AT_ORPHAN};
	uint32_t differing = 0;

	(void)state;
	paper.programs = WRONG;
	walk_case(&flood, &trace);
	assert_int_equal(trace.differences, 4); /* receive, the peer link, two legs */
	for (uint32_t i = 0; i < trace.steps_count; i++) {
		differing += trace.steps[i].differs;
	}
	assert_int_equal(differing, 4);
}

static void test_the_programs_own_lookup_of_a_route_counts(void **state)
{
	const struct walk_case routed = {
		.in = LEG1, .to = PEER_MAC, .from = AT_LAG1, .ip = "10.20.0.9", .ttl = 64};

	(void)state;
	paper.programs = HONEST;
	paper.honest = mlag_decide(MLAG_ACTION_PASS, MLAG_REASON_NO_ROUTE);
	walk_case(&routed, &trace);
	/* Of receive nothing differs; that of the peer link is no such answer. */
	assert_int_equal(trace.verdict, EXPLAIN_VERDICT_TO_PEER);
	for (uint32_t i = 0; i < trace.steps_count; i++) {
		assert_true(trace.steps[i].stage != EXPLAIN_STAGE_RECEIVE ||
			    !trace.steps[i].differs);
	}
}

static void test_nothing_is_run_where_something_is_assumed(void **state)
{
	const struct walk_case test = {
		.in = ORPHAN, .to = AT_LAG2, .from = AT_ORPHAN, .assume = {"leg bond1 down"}};

	(void)state;
	paper.programs = WRONG;
	walk_case(&test, &trace);
	assert_int_equal(paper.runs, 0);
	assert_int_equal(trace.runs, 0);
}

static void test_more_ports_than_a_trace_holds_are_counted(void **state)
{
	static struct explain_port many[EXPLAIN_COPIES_MAX + 40];
	const struct walk_case flood = {.in = ORPHAN, .to = BROADCAST, .from = AT_ORPHAN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = paper.ports[3];
		many[i].ifindex = (uint32_t)(1000 + i);
	}
	many[0] = paper.ports[3];
	paper.scene.ports = many;
	paper.scene.ports_count = ARRAY_SIZE(many);
	walk_case(&flood, &trace);
	assert_int_equal(trace.copies_count, EXPLAIN_COPIES_MAX);
	/* All but the one it came by, and the machine's own. */
	assert_int_equal(trace.copies_lost, ARRAY_SIZE(many) - EXPLAIN_COPIES_MAX);
}

static void test_R27_a_redirect_is_not_routed_out_of_an_svi(void **state)
{
	static const struct {
		const char *ip;
		uint32_t protocol_at;
		uint8_t protocol;
		uint32_t type_at;
		uint8_t type;
		enum explain_verdict verdict;
	} packets[] = {
		{"10.20.0.9", 23, 1, 34, 5, EXPLAIN_VERDICT_DROPPED},
		{"10.20.0.9", 23, 1, 34, 8, EXPLAIN_VERDICT_ROUTED},
		{"10.20.0.9", 23, 17, 34, 5, EXPLAIN_VERDICT_ROUTED},
		{"fd00:20::9", 20, 58, 54, 137, EXPLAIN_VERDICT_DROPPED},
		{"fd00:20::9", 20, 58, 54, 128, EXPLAIN_VERDICT_ROUTED},
		{"10.30.0.9", 23, 1, 34, 5, EXPLAIN_VERDICT_ROUTED}, /* by no SVI */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		const struct walk_case test = {
			.to = OUR_MAC, .from = AT_LAG1, .ip = packets[i].ip, .ttl = 64};
		struct explain_frame frame;
		char rules[64];

		make_frame(&test, &frame);
		frame.bytes[packets[i].protocol_at] = packets[i].protocol;
		frame.bytes[packets[i].type_at] = packets[i].type;
		explain_walk(&paper.scene, explain_find_port(&paper.scene, LEG1), &frame, &trace);
		assert_int_equal(trace.verdict, packets[i].verdict);
		tell_rules(&trace, rules, sizeof(rules));
		assert_true((strstr(rules, "R27") != NULL) ==
			    (packets[i].verdict == EXPLAIN_VERDICT_DROPPED));
	}
}

/* What routes back to where it came from would make a kernel tell its sender of a shorter way. */
static void test_R27_back_by_the_device_it_came_by_no_redirect_and_why(void **state)
{
	static const struct {
		const char *ip;
		bool program;
		bool setting;
		const char *text; /* NULL: no step of R27 */
	} cases[] = {
		{"10.10.0.9", true, true,
		 "no ICMP redirect to its sender: send_redirects is off, and the "
		 "program drops them at br0"},
		{"10.10.0.9", false, true, "no ICMP redirect to its sender: send_redirects is off"},
		{"10.10.0.9", true, false,
		 "no ICMP redirect to its sender: the program drops them at br0"},
		{"10.10.0.9", false, false,
		 "would get an ICMP redirect: send_redirects is on, and the "
		 "program that drops them is not at br0"},
		{"10.20.0.9", true, true, NULL},
		{"10.20.0.9", false, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct walk_case test = {
			.to = OUR_MAC, .from = AT_LAG1, .ip = cases[i].ip, .ttl = 64};
		struct explain_frame frame;
		const char *found = NULL;

		make_frame(&test, &frame);
		paper.redirects.program = cases[i].program;
		paper.redirects.setting = cases[i].setting;
		explain_walk(&paper.scene, explain_find_port(&paper.scene, LEG1), &frame, &trace);
		for (uint32_t step = 0; step < trace.steps_count; step++) {
			if (strcmp(trace.steps[step].rule, "R27") == 0) {
				assert_null(found);
				found = trace.steps[step].text;
			}
		}
		assert_true((found != NULL) == (cases[i].text != NULL));
		assert_true(found == NULL || strstr(found, cases[i].text) != NULL);
		assert_int_equal(trace.verdict, EXPLAIN_VERDICT_ROUTED);
	}
}

/* The program itself is asked of what is ICMP; without it a redirect leaves, and that is said. */
static void test_R27_the_program_of_the_svis_is_run_and_its_absence_is_told(void **state)
{
	const struct walk_case test = {
		.to = OUR_MAC, .from = AT_LAG1, .ip = "10.20.0.9", .ttl = 64};
	struct explain_frame frame;
	char rules[64];

	(void)state;
	make_frame(&test, &frame);
	frame.bytes[23] = 1;
	frame.bytes[34] = 5;
	paper.programs = HONEST;
	paper.honest = mlag_drop(MLAG_REASON_REDIRECT);
	explain_walk(&paper.scene, explain_find_port(&paper.scene, LEG1), &frame, &trace);
	assert_int_equal(trace.verdict, EXPLAIN_VERDICT_DROPPED);
	/* receive is asked first, and is not honest then. */
	assert_int_equal(trace.runs, 2);
	assert_int_equal(trace.differences, 1);
	paper.redirects.program = false;
	explain_walk(&paper.scene, explain_find_port(&paper.scene, LEG1), &frame, &trace);
	assert_int_equal(trace.verdict, EXPLAIN_VERDICT_ROUTED);
	tell_rules(&trace, rules, sizeof(rules));
	assert_non_null(strstr(rules, "R27"));
}

/* R31: what the peer has routed here by way of us, and who else may send the same. */
static void test_R31_what_the_peer_routed_here_and_would_go_back_is_told(void **state)
{
	static const struct {
		enum who from;
		const char *ip;
		bool marks;
		bool back;
	} cases[] = {
		{PEER_MAC, "10.88.0.1", true,
		 true}, /* by the peer, out of SVI10 where it came by */
		{PEER_MAC, "10.88.0.1", false, false}, /* R31 is off */
		{AT_LAG1, "10.88.0.1", true, false},   /* the peer only carried it */
		{PEER_MAC, "10.10.0.9", true, false},  /* to somebody else there */
		{PEER_MAC, "10.20.0.9", true, false},  /* by another device */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct walk_case test = {.to = OUR_MAC,
					       .from = cases[i].from,
					       .ip = cases[i].ip,
					       .ttl = 64,
					       .tag = 10};
		struct explain_frame frame;
		char rules[64];

		make_frame(&test, &frame);
		paper.scene.marks = cases[i].marks;
		explain_walk(&paper.scene, explain_find_port(&paper.scene, PL), &frame, &trace);
		tell_rules(&trace, rules, sizeof(rules));
		assert_true((strstr(rules, "R31") != NULL) == cases[i].back);
		assert_true((trace.verdict == EXPLAIN_VERDICT_ANSWERED) == cases[i].back);
	}
}

#define TEST(function) cmocka_unit_test_setup(function, paper_set_up)

int main(void)
{
	static const struct CMUnitTest others[] = {
		TEST(test_a_program_that_agrees_is_noted),
		TEST(test_a_program_that_differs_is_a_bug_and_is_said),
		TEST(test_another_action_and_another_reason_both_differ),
		TEST(test_a_program_that_differs_in_a_flood_is_said_too),
		TEST(test_the_programs_own_lookup_of_a_route_counts),
		TEST(test_nothing_is_run_where_something_is_assumed),
		TEST(test_more_ports_than_a_trace_holds_are_counted),
		TEST(test_R27_a_redirect_is_not_routed_out_of_an_svi),
		TEST(test_R31_what_the_peer_routed_here_and_would_go_back_is_told),
		TEST(test_R27_back_by_the_device_it_came_by_no_redirect_and_why),
		TEST(test_R27_the_program_of_the_svis_is_run_and_its_absence_is_told),
	};
	static struct CMUnitTest tests[ARRAY_SIZE(CASES) + ARRAY_SIZE(others)];

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		tests[i] = (struct CMUnitTest){
			.name = CASES[i].name,
			.test_func = test_case,
			.setup_func = paper_set_up,
			.initial_state = (void *)(uintptr_t)&CASES[i],
		};
	}
	memcpy(tests + ARRAY_SIZE(CASES), others, sizeof(others));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
