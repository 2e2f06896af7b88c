/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the forwarding decision speaks of: the rows of the maps, frames and packets as a decision
 * reads them, and its answers.  A part of forward.h, which includes it.  Types are the kernel's
 * fixed-width ones because an eBPF object has no C library.
 */
#ifndef MLAG_FORWARD_TYPES_H
#define MLAG_FORWARD_TYPES_H

#include <linux/types.h>

#define MLAG_FORWARD_VLAN_WORDS 64 /* 4096 VLANs as 64-bit words */

#define MLAG_PROTOCOL_ICMP 1
#define MLAG_PROTOCOL_ICMPV6 58
#define MLAG_IPV4_HEADER_SIZE 20 /* without options */
#define MLAG_IPV6_HEADER_SIZE 40 /* without extension headers */

/* R31: the bit of skb->mark that says: this came over PL, for a router of ours. */
#define MLAG_MARK_PEER_LINK 0x40000000u
/* R31: the bit that says: the peer has routed this to us, and our kernel would route it back. */
#define MLAG_MARK_RETURN 0x20000000u
/* R31: the metric of the last resort, by which a lookup that ended there is known: "mlag". */
#define MLAG_LAST_RESORT_METRIC 0x6d6c6167u

/* What a bridge port is to the pair. */
enum mlag_port_kind {
	MLAG_PORT_NONE, /* an ordinary port: orphans live here */
	MLAG_PORT_PEER_LINK,
	MLAG_PORT_LEG,
};

/* What may leave through a leg (DESIGN §4). */
enum mlag_gate {
	MLAG_GATE_NONE,	   /* not gated: as open */
	MLAG_GATE_CLOSED,  /* leg down or pending: unicast goes to PL, group frames are dropped */
	MLAG_GATE_UNICAST, /* leg ready: unicast leaves here, group frames wait for the ack */
	MLAG_GATE_OPEN,
};

/* Who owns an address, as the data plane is told. */
enum mlag_owner {
	MLAG_OWNER_NONE,
	MLAG_OWNER_SELF, /* ours, or on both members */
	MLAG_OWNER_PEER,
};

/* struct mlag_port_memory.flags */
#define MLAG_MEMORY_ALONE 0x01	      /* it opened with nobody there to acknowledge it */
#define MLAG_MEMORY_PEER_PRESENT 0x02 /* the peer has a leg of the LAG */
#define MLAG_MEMORY_PEER_OPEN 0x04    /* and floods by it */
#define MLAG_MEMORY_PEER_LACP 0x08    /* and it speaks LACP */

/**
 * struct mlag_port_memory - of a leg: what the next daemon has to know beside what is in force
 * @generation: names this coming-up of the leg; the peer's acknowledgement is of it
 * @peer_generation: the coming-up of the peer's leg that @isolated is about, 0 while it is not up
 * @flags: MLAG_MEMORY_*
 * @pad: zero
 *
 * It is written with the gate in one operation, so the two are never of different times.
 */
struct mlag_port_memory {
	__u32 generation;
	__u32 peer_generation;
	__u8 flags;
	__u8 pad[3];
};

/**
 * struct mlag_port - what the programs know of one port, keyed by ifindex
 * @kind: enum mlag_port_kind
 * @gate: enum mlag_gate; only of a leg
 * @lag_id: of a leg, 1..65535
 * @untagged_vid: the VLAN that leaves this port without a tag, 0 for none or a plain bridge
 * @ingress_vid: the VLAN of what arrives without a tag (PVID), 0 for none or a plain bridge
 * @guarded: the bridge asks more of what arrives here than its VLAN (a locked port)
 * @pad: zero
 * @counters: where XDP counts of the port, given by who writes the map; 0 for nowhere
 * @isolated: of a leg: VLANs in which R1 is in force; bit 0 on a plain bridge
 * @held: of an open leg: VLANs in which floods wait all the same, because they came to the leg after
 *	the peer had acknowledged it
 * @forwards: VLANs in which the bridge forwards at this port; bit 0 on a plain bridge
 * @memory: no decision reads it
 */
struct mlag_port {
	__u8 kind;
	__u8 gate;
	__u16 lag_id;
	__u16 untagged_vid;
	__u16 ingress_vid;
	__u8 guarded;
	__u8 pad[3];
	__u32 counters;
	__u64 isolated[MLAG_FORWARD_VLAN_WORDS];
	__u64 held[MLAG_FORWARD_VLAN_WORDS];
	__u64 forwards[MLAG_FORWARD_VLAN_WORDS];
	struct mlag_port_memory memory;
};

/**
 * struct mlag_domain - what the programs know of the pair
 * @peer_link_ifindex: 0 while there is none
 * @peer_link_untagged_vid: the VLAN that is untagged on PL, 0 for none or a plain bridge
 * @vlan_aware: the bridge filters VLANs
 * @route_for_peer: R21: the peer's address table is proven complete
 * @gated: some leg is not wholly open: see mlag_port_is_gated() of shortcut.h
 * @pad: zero
 * @second_ticks: of the programs' clock; 0 while that is not known
 * @shortcuts: ways round the bridge that may be taken: MLAG_SHORTCUT_* of shortcut.h
 * @peer_link_forwards: VLANs in which the bridge forwards at PL; bit 0 on a plain bridge
 * @epoch: another number whenever a row changed of which struct mlag_recall is made; given by who
 *	writes the maps, and no part of any decision
 */
struct mlag_domain {
	__u32 peer_link_ifindex;
	__u16 peer_link_untagged_vid;
	__u8 vlan_aware;
	__u8 route_for_peer;
	__u8 gated;
	__u8 pad[3];
	__u32 second_ticks;
	__u32 shortcuts;
	__u64 peer_link_forwards[MLAG_FORWARD_VLAN_WORDS];
	__u64 epoch;
};

/**
 * struct mlag_source_key - key of the map of known sources
 * @vlan: 1..4094, or 0 on a plain bridge
 * @mac: the source MAC
 */
struct mlag_source_key {
	__u16 vlan;
	__u8 mac[6];
};

/* struct mlag_source.memory */
#define MLAG_SOURCE_PEER 0x01	     /* the peer claims the MAC, for this place */
#define MLAG_SOURCE_PEER_STATIC 0x02 /* as one that a person set */
#define MLAG_SOURCE_ROUTER 0x04	     /* a router MAC of the peer: the address table's business */

/**
 * struct mlag_source - where a MAC is known to be
 * @lag_id: the LAG, 0 for an orphan of either member
 * @peer_knows: the peer claims the same, or acknowledged that it holds it
 * @known: 1 in the map; a setter given 0 takes the MAC out
 * @ifindex: our port that it is behind, 0 for none: what is routed to it may go straight there
 * @own_seq, @peer_seq: sequence numbers of the claims, 0 for none; these and what follows are what
 *	the next daemon has to know, and no decision reads them
 * @memory: MLAG_SOURCE_*
 * @pad: zero
 */
struct mlag_source {
	__u16 lag_id;
	__u8 peer_knows;
	__u8 known;
	__u32 ifindex;
	__u32 own_seq;
	__u32 peer_seq;
	__u8 memory;
	__u8 pad[3];
};

/**
 * struct mlag_router_key - key of the map of router MACs
 * @vlan: 1..4094, or 0 on a plain bridge
 * @mac: the MAC
 */
struct mlag_router_key {
	__u16 vlan;
	__u8 mac[6];
};

/**
 * struct mlag_router - a router MAC in a VLAN (R20)
 * @domain: routing domain of its owner's SVI
 * @own_ifindex: our SVI in the VLAN, 0 for none
 * @own_mac: its MAC
 * @owner: enum mlag_owner
 * @pad: zero
 */
struct mlag_router {
	__u32 domain;
	__u32 own_ifindex;
	__u8 own_mac[6];
	__u8 owner;
	__u8 pad;
};

/**
 * struct mlag_address - key of the map of addresses; its value is a __u8, enum mlag_owner
 * @domain: routing domain; of a link-local address 0
 * @vlan: of a link-local address, else 0
 * @family: 4 or 6
 * @pad: zero
 * @octets: the address, the rest zero
 */
struct mlag_address {
	__u32 domain;
	__u16 vlan;
	__u8 family;
	__u8 pad;
	__u8 octets[16];
};

/*
 * Why a frame was not simply passed, or left to the bridge though it has the peer's MAC: symbol,
 * text, rule, expected.  Expected ones are the design at work; the others are a loss that somebody
 * should look at.
 */
#define MLAG_REASONS(X)                                                                            \
	X(MLAG_REASON_NONE, "none", "", 1)                                                         \
	X(MLAG_REASON_ISOLATED, "isolated", "R1", 1) /* from PL; the peer delivers */              \
	X(MLAG_REASON_ECHO, "echo", "R1", 1)	     /* from PL; sender is at this LAG */          \
	X(MLAG_REASON_UNKNOWN_SOURCE, "unknown-source", "R1", 1) /* flood, by a leg not open */    \
	X(MLAG_REASON_PEER_LINK_RETURN, "peer-link-return", "R3", 0) /* from PL, would go to PL */ \
	X(MLAG_REASON_GATE_FLOOD, "gate-flood", "R3", 1)	     /* group frame at a gate */   \
	X(MLAG_REASON_GATE_REDIRECT, "gate-redirect", "R5", 1) /* unicast of a closed leg: PL */   \
	X(MLAG_REASON_NO_PEER_LINK, "no-peer-link", "R5", 0)   /* closed leg, and no PL */         \
	X(MLAG_REASON_ANSWERED, "answered", "R30", 1) /* a question, in the peer's name */         \
	X(MLAG_REASON_MALFORMED, "malformed", "R24", 0)                                            \
	X(MLAG_REASON_ROUTED_FOR_PEER, "routed-for-peer", "R21", 1) /* made ours, routed here */   \
	X(MLAG_REASON_PEER_UNPROVEN, "peer-unproven", "R21", 1)	    /* may not be routed here */   \
	X(MLAG_REASON_TO_PEER, "to-peer", "R22", 1)		    /* to an address of its own */ \
	X(MLAG_REASON_NOT_ROUTABLE, "not-routable", "R23", 1) /* not IP, or IP of this link */     \
	X(MLAG_REASON_TTL_ZERO, "ttl-zero", "R24", 0)	      /* to a third party */               \
	X(MLAG_REASON_NO_ROUTE, "no-route", "R25", 1)	      /* none here: to the peer */         \
	X(MLAG_REASON_REDIRECT, "redirect", "R27", 1)	      /* of ICMP, out of an SVI */

#define MLAG_REASON_VALUE(symbol, text, rule, expected) symbol,
enum mlag_reason { MLAG_REASONS(MLAG_REASON_VALUE) MLAG_REASONS_COUNT };

enum mlag_action {
	MLAG_ACTION_NONE,
	MLAG_ACTION_PASS,
	MLAG_ACTION_DROP,
	MLAG_ACTION_TO_PEER_LINK,
	MLAG_ACTION_REWRITE,	 /* make our own router MAC the destination, then pass */
	MLAG_ACTION_ASK_SOURCE,	 /* look source and destination up and ask again */
	MLAG_ACTION_ASK_ROUTER,	 /* look the destination MAC up; if found, read the IP header */
	MLAG_ACTION_ASK_ADDRESS, /* look the destination address up in the router's domain */
	MLAG_ACTION_ASK_ROUTE,	 /* ask the kernel's routing, as from our SVI */
	MLAG_ACTION_ASK_EXIT,	 /* find the port that the next hop is behind (shortcut.h) */
	MLAG_ACTION_SEND,	 /* route it straight out of that port (shortcut.h) */
};

/*
 * A decision: @reason is why, for the counters.  With MLAG_ACTION_PASS it is none, except for a
 * frame that the bridge is to carry to the peer.
 */
struct mlag_decision {
	enum mlag_action action;
	enum mlag_reason reason;
};

/**
 * struct mlag_frame - what a decision reads of a frame
 * @ingress_ifindex: skb->ingress_ifindex: the bridge port of a bridged frame, the SVI of a routed
 *	one, 0 of the machine's own (so R4 holds without a mark)
 * @vlan: VLAN in the bridge, 0 on a plain bridge
 * @group: the destination has the group bit
 * @reserved: the destination is 01:80:c2:00:00:0x (R10)
 * @source_asked: what follows are answers of lookups
 * @source_found, @source: where the map of known MACs has the source
 * @destination_found, @destination: where it has the destination; what the peer knows too neither
 *	member floods
 */
struct mlag_frame {
	__u32 ingress_ifindex;
	__u16 vlan;
	__u8 group;
	__u8 reserved;
	__u8 source_asked;
	__u8 source_found;
	__u8 destination_found;
	struct mlag_source source;
	struct mlag_source destination;
};

/**
 * struct mlag_packet - what a decision reads of a frame that arrived (R20 to R26)
 * @group: the destination MAC has the group bit
 * @router_asked: @router_found and @router are answers of a lookup, and what follows was read
 * @router_found: the destination MAC is a router's, in the frame's VLAN
 * @family: 4, 6, or 0 for what is not IP; see mlag_family_of()
 * @malformed: the IP header contradicts itself or the frame
 * @hop_limit: TTL or hop limit
 * @plain: no options that a router minds, a source that may be answered, and not ICMP, which is looked
 *	at where it leaves (R27); see shortcut.h
 * @destination: the IP destination, as in struct mlag_address.octets
 * @address_asked: @address_owner is the answer of a lookup
 * @address_owner: enum mlag_owner, none for a third party
 * @route_asked: @route_found is an answer
 * @route_found: the kernel routes the packet, or answers its sender
 * @router: the answer
 */
struct mlag_packet {
	__u8 group;
	__u8 router_asked;
	__u8 router_found;
	__u8 family;
	__u8 malformed;
	__u8 hop_limit;
	__u8 plain;
	__u8 address_asked;
	__u8 address_owner;
	__u8 route_asked;
	__u8 route_found;
	__u8 pad; /* what follows is copied by words */
	__u8 destination[16];
	struct mlag_router router;
};

/**
 * struct mlag_tag - the VLAN tags of a frame at tc, before anybody said what they mean
 * @beside: a tag travels beside the frame (skb->vlan_present), as every tag does that a bridge left
 *	on the frame and every outer tag of a frame that arrives; at ingress never 802.1ad
 * @beside_tci: that tag, in host order
 * @inside: the ethertype in the frame itself is 802.1Q; never 802.1ad
 * @inside_tci: that tag, in host order
 */
struct mlag_tag {
	__u16 beside_tci;
	__u16 inside_tci;
	__u8 beside;
	__u8 inside;
};

/**
 * struct mlag_vlan - the VLAN a frame is in
 * @vid: 1..4094, or 0 on a plain bridge and for a frame that is in no VLAN of the bridge
 * @tagged: the frame carries this VLAN in a tag
 */
struct mlag_vlan {
	__u16 vid;
	__u8 tagged;
};

/* What a redirect to PL does to the frame's tag. */
enum mlag_tag_change {
	MLAG_TAG_KEEP,
	MLAG_TAG_PUSH, /* the leg is an access port in this VLAN, PL a trunk */
	MLAG_TAG_POP,  /* the VLAN is PL's untagged one */
};

#endif
