/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a frame, step by step, and why: the walk behind `mlagctl explain`.
 *
 * Pure: values in, a trace out.  The values are a scene (the bridge's ports, what the programs hold
 * of them, what is known of the peer), a frame, and lookups for what depends on the frame; the
 * caller (control/explain.c) takes them from the kernel, the maps and the engine.  Decisions of the
 * pair are forward.h's, the same text that the programs are made of; where the caller can run the
 * programs themselves, each decision is also theirs, and the trace says when the two differ.
 * Around them the walk knows what the bridge and the kernel's routing do with a frame.
 */
#ifndef MLAGD_EXPLAIN_EXPLAIN_H
#define MLAGD_EXPLAIN_EXPLAIN_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "mlag.h"

#define EXPLAIN_FRAME_MAX 1522 /* octets of a frame, one tag included */
#define EXPLAIN_FRAME_MIN 60   /* as on the wire, without the check sequence */
#define EXPLAIN_STEPS_MAX 64
#define EXPLAIN_COPIES_MAX 96 /* more are counted; an answer is a line that fits its buffer */
#define EXPLAIN_TEXT_MAX 192
#define EXPLAIN_LEGS_MAX (2 * MLAG_LEGS_MAX)

/* ---- the frame ------------------------------------------------------------------------------ */

/**
 * struct explain_frame - a frame that arrives
 * @size, @bytes: without its outer 802.1Q tag, with the padding of the wire
 * @tagged, @tci: that tag
 * @ethertype: behind it
 */
struct explain_frame {
	uint32_t size;
	uint8_t bytes[EXPLAIN_FRAME_MAX];
	bool tagged;
	uint16_t tci;
	uint16_t ethertype;
};

/**
 * struct explain_ip - what routing reads of a packet
 * @family: 4, 6, or 0 for none that could be read
 * @mark: what a program has put beside it (R31), 0 for nothing
 * @source, @destination: the rest is zero
 * @source_port, @destination_port: of UDP and TCP, in host order, else 0
 */
struct explain_ip {
	uint8_t family;
	uint8_t hop_limit;
	uint8_t tos;
	uint8_t protocol;
	uint16_t source_port;
	uint16_t destination_port;
	uint32_t mark;
	uint8_t source[16];
	uint8_t destination[16];
};

/**
 * explain_frame_read() - take a frame as it is on the wire
 * @ret: filled; shorter frames are padded as a card does it
 * @octets: with a tag, if it has one; without the check sequence
 * @size: bytes
 *
 * Return: 0, -EINVAL for one that is shorter than an Ethernet header, its tag included, or longer
 * than EXPLAIN_FRAME_MAX.
 */
int explain_frame_read(struct explain_frame *ret, const uint8_t *octets, uint32_t size);

/**
 * explain_frame_make() - make a frame: a small UDP packet, or without a packet an unknown ethertype
 * @ret: filled; without a tag
 * @destination, @source: MACs
 * @ip: addresses, hop limit; family 0 for no packet
 */
void explain_frame_make(struct explain_frame *ret, const struct mlag_mac *destination,
			const struct mlag_mac *source, const struct explain_ip *ip);

/** explain_frame_ip() - read the packet of a frame; family 0 when there is none to be read */
void explain_frame_ip(const struct explain_frame *frame, struct explain_ip *ret);

/* ---- the scene ------------------------------------------------------------------------------ */

/**
 * struct explain_port - a port of the bridge
 * @vlans: allowed; bit 0 alone on a plain bridge
 * @ingress_vid: PVID, 0 for none
 * @untagged_vid: the VLAN that leaves without a tag, 0 for none
 * @state: BR_STATE_…
 * @locked: only sources that the FDB has there may enter
 * @is_isolated: the bridge's own kind of isolation: no frames to others that are
 * @flood, @mcast_flood, @bcast_flood: what is flooded to it
 * @backup_ifindex: where its unicast goes without carrier, 0 for none
 * @programmed: @program is in the map; otherwise the programs pass everything
 * @program: what they hold of it
 */
struct explain_port {
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	struct mlag_vlans vlans;
	uint16_t ingress_vid;
	uint16_t untagged_vid;
	uint8_t state;
	bool carrier;
	bool locked;
	bool is_isolated;
	bool flood;
	bool mcast_flood;
	bool bcast_flood;
	uint32_t backup_ifindex;
	bool programmed;
	struct mlag_port program;
};

/**
 * struct explain_leg - a LAG, as far as it is known here
 * @ifindex: of the leg here, 0 for none
 * @peer_present, @peer_up, @peer_open, @peer_isolates, @peer_vlans: see struct mlag_leg_view
 */
struct explain_leg {
	uint16_t lag_id;
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	bool peer_present;
	bool peer_up;
	bool peer_open;
	bool peer_isolates;
	struct mlag_vlans peer_vlans;
};

/* Where the bridge has a MAC. */
enum explain_fdb_place {
	EXPLAIN_FDB_NONE,
	EXPLAIN_FDB_LOCAL, /* this machine */
	EXPLAIN_FDB_PORT,
};

struct explain_fdb {
	enum explain_fdb_place place;
	uint32_t ifindex;
	enum mlag_fdb_kind kind;
};

/* What the kernel's routing does with a packet. */
#define EXPLAIN_ROUTES(X)                                                                       \
	X(EXPLAIN_ROUTE_NONE, "there is no route")                                              \
	X(EXPLAIN_ROUTE_LOCAL, "it is an address of this machine")                              \
	X(EXPLAIN_ROUTE_FORWARD, "it is forwarded")                                             \
	X(EXPLAIN_ROUTE_GROUP, "it is a broadcast or multicast address")                        \
	X(EXPLAIN_ROUTE_UNREACHABLE, "the route says unreachable")                              \
	X(EXPLAIN_ROUTE_PROHIBIT, "the route says prohibited")                                  \
	X(EXPLAIN_ROUTE_BLACKHOLE, "the route is a blackhole, or the source cannot be")         \
	X(EXPLAIN_ROUTE_SOURCE, "the source address fails the reverse path filter (rp_filter)") \
	X(EXPLAIN_ROUTE_OFF, "forwarding is off on the device it came in by")                   \
	X(EXPLAIN_ROUTE_FAILED, "the kernel did not answer")
enum explain_route_kind { EXPLAIN_ROUTES(MLAG_ENUM_VALUE) };

/**
 * struct explain_route - the kernel's answer
 * @ifindex: the device it leaves by
 * @has_gateway, @gateway: the next hop, if it is not the destination; of @gateway_family
 * @metric: of the route that matched, 0 when unknown; that of the last resort is its own (R31)
 * @matched: prefix and table that matched, for people; "" when unknown
 */
struct explain_route {
	enum explain_route_kind kind;
	uint32_t ifindex;
	bool has_gateway;
	uint8_t gateway_family;
	uint8_t gateway[16];
	uint32_t metric;
	char matched[80];
};

/**
 * struct explain_device - a device that routing knows
 * @on_bridge: what it sends enters the bridge, in @vlan (0 on a plain bridge)
 * @mac: its address
 */
struct explain_device {
	char ifname[IFNAMSIZ];
	bool on_bridge;
	uint16_t vlan;
	struct mlag_mac mac;
};

/* Which of the programs. */
enum explain_program {
	EXPLAIN_PROGRAM_NONE,
	EXPLAIN_PROGRAM_RECEIVE,
	EXPLAIN_PROGRAM_LEG,
	EXPLAIN_PROGRAM_PEER_LINK,
	EXPLAIN_PROGRAM_SVI, /* at egress of the bridge itself */
};

/**
 * struct explain_redirects - what keeps ICMP redirects from leaving by a device of the pair (R27)
 * @program: ours is at egress of the bridge, and drops both kinds
 * @setting: the kernel is told to send none of IPv4's, by the device and by all
 */
struct explain_redirects {
	bool program;
	bool setting;
};

/**
 * struct explain_run - a frame for a program
 * @ifindex: the port it is at
 * @ingress_ifindex: the device it came in by
 * @tagged, @tci: the tag beside it
 * @bytes, @size: the rest
 */
struct explain_run {
	enum explain_program program;
	uint32_t ifindex;
	uint32_t ingress_ifindex;
	bool tagged;
	uint16_t tci;
	const uint8_t *bytes;
	uint32_t size;
};

/**
 * struct explain_lookups - what depends on the frame; every function is told @user
 * @is_attached: our programs are what runs at a port
 * @fdb: where the bridge has a MAC
 * @source: the map of known MACs; false for none
 * @router: the map of router MACs; false for none
 * @owner: the map of addresses; MLAG_OWNER_NONE for none
 * @mac: what both members claim of a MAC; false for nothing
 * @route: the kernel's route of a packet that came in by @ifindex
 * @neighbor: the MAC of a next hop; false when it is not known
 * @device: a device; false when it does not exist
 * @redirects: what is done about redirects where a packet is routed back to where it came from
 * @run: NULL, or run a program and say what it decided; false when that could not be done
 */
struct explain_lookups {
	bool (*is_attached)(void *user, const struct explain_port *port);
	void (*fdb)(void *user, const struct mlag_mac_key *key, struct explain_fdb *ret);
	bool (*source)(void *user, const struct mlag_source_key *key, struct mlag_source *ret);
	bool (*router)(void *user, const struct mlag_router_key *key, struct mlag_router *ret);
	uint8_t (*owner)(void *user, const struct mlag_address *address);
	bool (*mac)(void *user, const struct mlag_mac_key *key, struct mlag_mac_view *ret);
	void (*route)(void *user, uint32_t ifindex, const struct explain_ip *ip,
		      struct explain_route *ret);
	bool (*neighbor)(void *user, uint32_t ifindex, uint8_t family, const uint8_t *address,
			 struct mlag_mac *ret);
	bool (*device)(void *user, uint32_t ifindex, struct explain_device *ret);
	void (*redirects)(void *user, const char *ifname, struct explain_redirects *ret);
	bool (*run)(void *user, const struct explain_run *run, struct mlag_decision *ret);
};

/**
 * struct explain_scene - everything that does not depend on the frame
 * @domain: as the programs hold it
 * @bridge_ifindex, @bridge_ifname, @bridge_vlans: of the bridge itself: where it is a member its machine is one
 * @ports: @ports_count of them
 * @peer_known: a peer was heard since this daemon started
 * @peer_alive: the session with it is up
 * @peer_dead: assumed: its whole switch is
 * @marks: what comes over PL for a router MAC of ours is marked: R31 is on
 * @snooping: the bridge snoops multicast: its groups are not looked at here
 * @without_route: assumed: no route to the destination here
 * @without_mac: assumed: the bridge does not know the destination MAC
 * @assumed: something was assumed, so nothing is run
 */
struct explain_scene {
	struct mlag_domain domain;
	uint32_t bridge_ifindex;
	char bridge_ifname[IFNAMSIZ];
	struct mlag_vlans bridge_vlans;
	uint32_t ports_count;
	struct explain_port *ports;
	uint32_t legs_count;
	struct explain_leg legs[EXPLAIN_LEGS_MAX];
	bool peer_known;
	bool peer_alive;
	bool peer_dead;
	bool marks;
	bool snooping;
	bool without_route;
	bool without_mac;
	bool assumed;
	const struct explain_lookups *lookups;
	void *user;
};

/** explain_find_port() - NULL if the bridge has no such port */
struct explain_port *explain_find_port(const struct explain_scene *scene, uint32_t ifindex);

/** explain_find_leg() - NULL if there is no such LAG */
struct explain_leg *explain_find_leg(const struct explain_scene *scene, uint16_t lag_id);

/** explain_peer_link() - NULL if there is none */
struct explain_port *explain_peer_link(const struct explain_scene *scene);

/** explain_find_name() - a LAG by its device or its number; NULL if there is no such LAG */
struct explain_leg *explain_find_name(const struct explain_scene *scene, const char *name);

/* What can be assumed, for messages and help. */
#define EXPLAIN_ASSUMPTIONS                                                                   \
	"\"leg LAG down\", \"leg LAG up\", \"peer leg LAG down\", \"peer leg LAG up\", "      \
	"\"peer dead\", \"peer alive\", \"peer link down\", \"peer link up\", \"no route\", " \
	"\"mac unknown\""

/**
 * explain_assume() - change a scene as an operator asks: what if …
 * @scene: changed as the pair would be some seconds later
 * @text: one of EXPLAIN_ASSUMPTIONS
 *
 * Return: 0, -EINVAL for one that is not understood, -ENOENT for a LAG that does not exist or has
 * no such leg.
 */
int explain_assume(struct explain_scene *scene, const char *text);

/* ---- the trace ------------------------------------------------------------------------------ */

enum explain_member {
	EXPLAIN_HERE,
	EXPLAIN_PEER,
};

#define EXPLAIN_STAGES(X)                     \
	X(EXPLAIN_STAGE_NONE, "none")         \
	X(EXPLAIN_STAGE_ARRIVAL, "arrival")   \
	X(EXPLAIN_STAGE_RECEIVE, "receive")   \
	X(EXPLAIN_STAGE_BRIDGE, "bridge")     \
	X(EXPLAIN_STAGE_FDB, "fdb")           \
	X(EXPLAIN_STAGE_STACK, "stack")       \
	X(EXPLAIN_STAGE_ROUTE, "route")       \
	X(EXPLAIN_STAGE_NEIGHBOR, "neighbor") \
	X(EXPLAIN_STAGE_ISOLATE, "isolate")   \
	X(EXPLAIN_STAGE_PEER_LINK, "peer-link")
enum explain_stage { EXPLAIN_STAGES(MLAG_ENUM_VALUE) };

/* What becomes of the frame as a whole. */
#define EXPLAIN_VERDICTS(X)                                                                 \
	X(EXPLAIN_VERDICT_NONE, "none")                                                     \
	X(EXPLAIN_VERDICT_DROPPED, "dropped")	  /* nobody gets it */                      \
	X(EXPLAIN_VERDICT_LOCAL, "local")	  /* this machine takes it */               \
	X(EXPLAIN_VERDICT_BRIDGED, "bridged")	  /* to one port */                         \
	X(EXPLAIN_VERDICT_FLOODED, "flooded")	  /* to every port of the VLAN that may */  \
	X(EXPLAIN_VERDICT_ROUTED, "routed")	  /* by this machine */                     \
	X(EXPLAIN_VERDICT_ANSWERED, "answered")	  /* this machine sends an ICMP error */    \
	X(EXPLAIN_VERDICT_TO_PEER, "to-peer")	  /* handed over, for the peer to decide */ \
	X(EXPLAIN_VERDICT_UNDECIDED, "undecided") /* waits for an ARP or ND answer */
enum explain_verdict { EXPLAIN_VERDICTS(MLAG_ENUM_VALUE) };

/* What becomes of one copy. */
#define EXPLAIN_FATES(X)                                                                  \
	X(EXPLAIN_FATE_NONE, "none")                                                      \
	X(EXPLAIN_FATE_SENT, "sent")		 /* leaves by the port */                 \
	X(EXPLAIN_FATE_DROPPED, "dropped")	 /* does not leave by it */               \
	X(EXPLAIN_FATE_REDIRECTED, "redirected") /* over the peer link instead */         \
	X(EXPLAIN_FATE_STACK, "stack")		 /* that member takes it */               \
	X(EXPLAIN_FATE_OUTSIDE, "outside")	 /* leaves by a device that is no port */ \
	X(EXPLAIN_FATE_UNKNOWN, "unknown")	 /* knowledge ends */
enum explain_fate { EXPLAIN_FATES(MLAG_ENUM_VALUE) };

const char *explain_stage_text(enum explain_stage stage);
const char *explain_verdict_text(enum explain_verdict verdict);
const char *explain_fate_text(enum explain_fate fate);

/** explain_reason_text(), explain_reason_rule() - of MLAG_REASONS; "" for a rule that is none */
const char *explain_reason_text(enum mlag_reason reason);
const char *explain_reason_rule(enum mlag_reason reason);

/**
 * struct explain_step - one thing that happens to the frame, in order
 * @ifname: where, "" for nowhere in particular
 * @rule: constant: "R21" …, "" for none
 * @reason: what it is counted as
 * @ran: the program itself decided so
 * @differs: what the program decided is not what forward.h says: a bug
 */
struct explain_step {
	enum explain_member member;
	enum explain_stage stage;
	char ifname[IFNAMSIZ];
	const char *rule;
	enum mlag_reason reason;
	bool ran;
	bool differs;
	char text[EXPLAIN_TEXT_MAX];
};

/**
 * struct explain_copy - where one copy ends
 * @ifname: the device; of the peer "", its names are not known here
 * @lag_id: of a leg, else 0
 * @peer_link: the device is the peer link: what follows is told by the copies of the peer
 * @rule, @reason: as in struct explain_step
 * @text: why, for people; "" where the rest says it all
 */
struct explain_copy {
	enum explain_member member;
	enum explain_fate fate;
	char ifname[IFNAMSIZ];
	uint16_t lag_id;
	bool peer_link;
	uint16_t vlan;
	bool tagged;
	const char *rule;
	enum mlag_reason reason;
	char text[EXPLAIN_TEXT_MAX];
};

/**
 * struct explain_trace - the answer
 * @hop_limit: of the packet as it leaves, -1 for no packet
 * @runs: decisions that the programs took too
 * @differences: those that differ
 * @steps_lost, @copies_lost: for which there was no room
 */
struct explain_trace {
	enum explain_verdict verdict;
	uint16_t vlan;
	int hop_limit;
	uint32_t runs;
	uint32_t differences;
	uint32_t steps_count;
	uint32_t steps_lost;
	struct explain_step steps[EXPLAIN_STEPS_MAX];
	uint32_t copies_count;
	uint32_t copies_lost;
	struct explain_copy copies[EXPLAIN_COPIES_MAX];
};

/**
 * explain_walk() - follow a frame
 * @scene: changed by nobody meanwhile
 * @port: a port of the scene, where it arrives
 * @frame: the frame
 * @ret: overwritten
 */
void explain_walk(const struct explain_scene *scene, const struct explain_port *port,
		  const struct explain_frame *frame, struct explain_trace *ret);

#endif
