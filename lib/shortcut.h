/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ways round the bridge.  What forward.h decided for the peer's router MAC can be carried out by
 * the bridge and the kernel's routing, or, with less work, by the program itself: straight to PL
 * (R22, R23, R25), or with one hop less straight out of the port that the next hop is behind (R21).
 *
 * A shortcut must not be a way around what the bridge would have asked (DESIGN §1): the port has to
 * forward the frame's VLAN and must not be locked, and so has the port that the frame leaves by.
 * One frame a second of each sender takes the slow way, so that bridge and neighbour tables go on
 * hearing of it.  Whatever is not sure takes the slow way too, which is always right.
 *
 * A shortcut of another kind is at the end: what need not be looked at when it leaves.
 *
 * Pure functions, compiled into the programs and into the tests, as forward.h is.
 */
#ifndef MLAG_SHORTCUT_H
#define MLAG_SHORTCUT_H

#include "forward.h"

/* struct mlag_domain.shortcuts */
#define MLAG_SHORTCUT_TO_PEER 1 /* R22, R23, R25 */
#define MLAG_SHORTCUT_ROUTED 2	/* R21, round the kernel's own forwarding and its filters */

#define MLAG_SENDERS_MAX \
	16384 /* a power of 2; two that meet in a place take the slow way more often */

#define MLAG_RECALLS_MAX 512 /* see mlag_recall_place() */

/**
 * struct mlag_sender - when a source last took the slow way, at the place of mlag_sender_place()
 * @key: who: a VLAN and a MAC, as a word
 * @time_ticks: on the programs' clock
 * @ifindex: the bridge port it came by
 * @pad: zero
 */
struct mlag_sender {
	__u64 key;
	__u64 time_ticks;
	__u32 ifindex;
	__u32 pad;
};

/**
 * struct mlag_svi - an interface of ours that the kernel routes to; the key is its ifindex
 * @vlan: the VLAN of the bridge it is in, 0 on a plain bridge
 * @reverse_path: the kernel wants a route back to the source (rp_filter): 0 no, 1 by the interface
 *	that the packet came by, 2 by any
 * @pad: zero
 */
struct mlag_svi {
	__u16 vlan;
	__u8 reverse_path;
	__u8 pad;
};

/**
 * struct mlag_arrival - how a frame came
 * @vlan: the VLAN the bridge would put it in, and whether a tag says so
 * @priority_tag: it has a tag of no VLAN
 * @sender_due: its sender is to be seen by the bridge again
 */
struct mlag_arrival {
	struct mlag_vlan vlan;
	__u8 priority_tag;
	__u8 sender_due;
};

/**
 * struct mlag_exit - where routing and known MACs lead a packet (R21)
 * @asked: the rest are answers
 * @vlan: the VLAN of the SVI it would leave by
 * @port: the port that the next hop is behind, NULL when routing, FDB or map do not say
 */
struct mlag_exit {
	__u8 asked;
	__u16 vlan;
	const struct mlag_port *port;
};

/**
 * mlag_arrival_of() - how a frame came, from its tag
 * @vlan_aware, @ingress_vid, @tag: see mlag_ingress_vid()
 */
MLAG_INLINE struct mlag_arrival mlag_arrival_of(__u8 vlan_aware, __u16 ingress_vid,
						const struct mlag_tag *tag)
{
	struct mlag_arrival arrival = {{0, 0}, 0, 0};
	__u16 vid = mlag_tag_vid(tag);

	arrival.vlan.vid = mlag_ingress_vid(vlan_aware, ingress_vid, tag);
	arrival.vlan.tagged = vlan_aware && vid != 0;
	arrival.priority_tag = (tag->beside || tag->inside) && vid == 0;
	return arrival;
}

/* Where a source is kept, below MLAG_SENDERS_MAX. */
MLAG_INLINE __u32 mlag_sender_place(__u64 key)
{
	return (__u32)((key * 0x9e3779b97f4a7c15ull) >> 50); /* Fibonacci hashing */
}

/**
 * mlag_sender_is_due() - whether the bridge is to see a sender again, once a second
 * @domain: the pair
 * @sender: what is remembered at its place
 * @key: who it is
 * @ifindex: the bridge port that the frame came by
 * @now_ticks: on the programs' clock
 */
MLAG_INLINE bool mlag_sender_is_due(const struct mlag_domain *domain,
				    const struct mlag_sender *sender, __u64 key, __u32 ifindex,
				    __u64 now_ticks)
{
	return sender->key != key || sender->ifindex != ifindex ||
	       now_ticks - sender->time_ticks >= domain->second_ticks;
}

MLAG_INLINE bool mlag_forwards(const __u64 *words, __u16 vid)
{
	return (words[(vid & 0xfff) / 64] >> (vid % 64)) & 1;
}

/* The bridge would take the frame, and nobody waits to see it. */
MLAG_INLINE bool mlag_arrival_may_shortcut(const struct mlag_port *port,
					   const struct mlag_arrival *arrival)
{
	return !port->guarded && !mlag_gate_restricts(port->gate) && !arrival->priority_tag &&
	       !arrival->sender_due && mlag_forwards(port->forwards, arrival->vlan.vid);
}

/* Unicast of this VLAN may leave by the port. */
MLAG_INLINE bool mlag_exit_is_open(const struct mlag_exit *way)
{
	return way->port && way->port->kind != MLAG_PORT_PEER_LINK &&
	       way->port->gate != MLAG_GATE_CLOSED && !mlag_port_is_held(way->port, way->vlan) &&
	       mlag_forwards(way->port->forwards, way->vlan);
}

/**
 * mlag_shortcut() - a way round the bridge for what mlag_receive() decided, if there is one
 * @domain: the pair
 * @port: the port that the frame came by
 * @packet: the frame
 * @arrival: how it came
 * @way: where it would go
 * @decision: of mlag_receive(), which asks no more
 *
 * Return: MLAG_ACTION_TO_PEER_LINK or MLAG_ACTION_SEND with the same reason, MLAG_ACTION_ASK_EXIT
 * where way.asked is 0, or @decision.
 */
MLAG_INLINE struct mlag_decision
mlag_shortcut(const struct mlag_domain *domain, const struct mlag_port *port,
	      const struct mlag_packet *packet, const struct mlag_arrival *arrival,
	      const struct mlag_exit *way, struct mlag_decision decision)
{
	if (decision.reason == MLAG_REASON_NONE || !mlag_arrival_may_shortcut(port, arrival)) {
		return decision;
	}
	if (decision.action == MLAG_ACTION_PASS) {
		bool open = (domain->shortcuts & MLAG_SHORTCUT_TO_PEER) &&
			    domain->peer_link_ifindex &&
			    mlag_forwards(domain->peer_link_forwards, arrival->vlan.vid);

		return open ? mlag_decide(MLAG_ACTION_TO_PEER_LINK, decision.reason) : decision;
	}
	/* To us, with an error to its sender (R24), or with more to it than a hop less: not here. */
	if (decision.action != MLAG_ACTION_REWRITE || !(domain->shortcuts & MLAG_SHORTCUT_ROUTED) ||
	    !packet->route_asked || packet->hop_limit <= 1 || !packet->plain) {
		return decision;
	}
	if (!way->asked) {
		return mlag_decide(MLAG_ACTION_ASK_EXIT, MLAG_REASON_NONE);
	}
	return mlag_exit_is_open(way) ? mlag_decide(MLAG_ACTION_SEND, decision.reason) : decision;
}

/**
 * struct mlag_recall_key - packets that are alike to every decision which the kernel's routing has
 *	no part in
 * @destination: address, the rest zero
 * @router: destination MAC, and the VLAN of the tag, 0 without one, as a word
 * @ifindex: where XDP saw it
 * @family: 4 or 6
 */
struct mlag_recall_key {
	__u64 destination[2];
	__u64 router;
	__u32 ifindex;
	__u32 family;
};

/**
 * struct mlag_recall - that such packets go to the peer (R22, R23), found out once, at the place of
 *	mlag_recall_place()
 * @key: which packets
 * @epoch: of struct mlag_domain, read before the rest was found out; 0 for not yet
 * @candidate: the epoch in which it was found out once
 * @ifindex: the bridge port they come by
 * @counter: where they are counted, 0 for nowhere
 * @vid: the VLAN they are in
 * @change: enum mlag_tag_change
 * @pad: zero
 */
struct mlag_recall {
	struct mlag_recall_key key;
	__u64 epoch;
	__u64 candidate;
	__u32 ifindex;
	__u32 counter;
	__u16 vid;
	__u8 change;
	__u8 pad[5];
};

/* Where packets are kept, below MLAG_RECALLS_MAX. */
MLAG_INLINE __u32 mlag_recall_place(const struct mlag_recall_key *key)
{
	__u64 word = key->destination[0] ^ (key->destination[1] << 7 | key->destination[1] >> 57) ^
		     key->router ^ (__u64)key->ifindex << 32;

	return (__u32)((word * 0x9e3779b97f4a7c15ull) >> 55); /* Fibonacci hashing */
}

MLAG_INLINE bool mlag_recall_is_of(const struct mlag_recall *recall,
				   const struct mlag_recall_key *key)
{
	return recall->key.ifindex == key->ifindex && recall->key.family == key->family &&
	       recall->key.router == key->router &&
	       recall->key.destination[0] == key->destination[0] &&
	       recall->key.destination[1] == key->destination[1];
}

/* It is of these packets, and no row has changed since. */
MLAG_INLINE bool mlag_recall_holds(const struct mlag_domain *domain,
				   const struct mlag_recall *recall,
				   const struct mlag_recall_key *key)
{
	return recall->epoch == domain->epoch && mlag_recall_is_of(recall, key);
}

/**
 * mlag_may_recall() - whether what was decided of a packet holds for all that have its key
 * @packet: the packet
 * @shortcut: of mlag_shortcut()
 *
 * What the kernel's routing had a say in does not: nobody tells of its changes.
 */
MLAG_INLINE bool mlag_may_recall(const struct mlag_packet *packet, struct mlag_decision shortcut)
{
	return shortcut.action == MLAG_ACTION_TO_PEER_LINK && packet->family &&
	       !packet->route_asked;
}

/**
 * mlag_exit_tag() - how a frame's tag changes on its way out of a port (R21)
 * @arrival: how it came
 * @way: where it goes
 * @ret_tci: the tag it has then, if it has one
 *
 * MLAG_TAG_KEEP with a tag means that its content is replaced: routing ends a VLAN.
 */
MLAG_INLINE enum mlag_tag_change mlag_exit_tag(const struct mlag_arrival *arrival,
					       const struct mlag_exit *way, __u16 *ret_tci)
{
	bool tagged = way->vlan && way->vlan != way->port->untagged_vid;

	*ret_tci = way->vlan;
	if (tagged == (arrival->vlan.tagged != 0)) {
		return MLAG_TAG_KEEP;
	}
	return tagged ? MLAG_TAG_PUSH : MLAG_TAG_POP;
}

/**
 * mlag_packet_take_hop_ipv4() - one hop less, and the checksum of it (RFC 1624, equation 3)
 * @header: MLAG_IPV4_HEADER_SIZE bytes; TTL is not 0
 */
MLAG_INLINE void mlag_packet_take_hop_ipv4(__u8 *header)
{
	/* HC' = ~(~HC + ~m + m'), where m' is m - 0x0100: HC + 0x0100, end-around, never ffff. */
	__u32 sum = ((__u32)header[10] << 8 | header[11]) + 0x0100;

	sum += sum >= 0xffff;
	header[8]--;
	header[10] = (__u8)(sum >> 8);
	header[11] = (__u8)sum;
}

/* One hop less. */
MLAG_INLINE void mlag_packet_take_hop_ipv6(__u8 *header)
{
	header[7]--;
}

/* The leg does not let everything leave that is not the peer's. */
MLAG_INLINE bool mlag_port_is_gated(const struct mlag_port *port)
{
	__u64 held = 0;

	for (__u32 index = 0; index < MLAG_FORWARD_VLAN_WORDS; index++) {
		held |= port->held[index];
	}
	return port->kind == MLAG_PORT_LEG && (mlag_gate_restricts(port->gate) || held);
}

/**
 * mlag_egress_is_free() - whether a frame may leave here without a look at port and frame
 * @domain: the pair
 * @ingress_ifindex: see struct mlag_frame
 *
 * It is what mlag_leg_egress() and mlag_peer_link_egress() would say of all of them.
 */
MLAG_INLINE bool mlag_egress_is_free(const struct mlag_domain *domain, __u32 ingress_ifindex)
{
	return !domain->gated &&
	       (!domain->peer_link_ifindex || ingress_ifindex != domain->peer_link_ifindex);
}

#endif
