/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding decision as pure functions of values.  The same text is compiled into the eBPF
 * programs, into mlagctl and mlagd, and into the tests and the exhaustive checker, so there is one
 * answer to "what happens to this frame".
 *
 * Nothing here looks anything up: where a decision needs a second table (the LAG of a source MAC),
 * it says so, and the caller asks again with the answer.  What the functions speak of is in
 * forward_types.h.
 */
#ifndef MLAG_FORWARD_H
#define MLAG_FORWARD_H

#include <linux/types.h>
#include <stdbool.h>

#include "forward_types.h"

#ifndef MLAG_INLINE
#define MLAG_INLINE static inline __attribute__((always_inline))
#endif

MLAG_INLINE struct mlag_decision mlag_decide(enum mlag_action action, enum mlag_reason reason)
{
	struct mlag_decision decision = {action, reason};

	return decision;
}

MLAG_INLINE struct mlag_decision mlag_pass(void)
{
	return mlag_decide(MLAG_ACTION_PASS, MLAG_REASON_NONE);
}

MLAG_INLINE struct mlag_decision mlag_drop(enum mlag_reason reason)
{
	return mlag_decide(MLAG_ACTION_DROP, reason);
}

MLAG_INLINE bool mlag_mac_is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

/* 01:80:c2:00:00:00 to 0f: the bridge keeps these to itself (R10; 802.1Q table 8-1). */
MLAG_INLINE bool mlag_mac_is_reserved(const __u8 *mac)
{
	return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && mac[3] == 0 && mac[4] == 0 &&
	       (mac[5] & 0xf0) == 0;
}

/**
 * mlag_mac_proves_partner() - whether a frame to this address proves that the partner sends data
 * @destination: of a frame that arrived on a leg whose gate is not open
 *
 * LACP comes before the partner distributes, and a port that was taken out of its bond still
 * announces itself by IPv6 (MLD, DAD: 33:33:…).  Neither may make a leg ready.
 */
MLAG_INLINE bool mlag_mac_proves_partner(const __u8 *destination)
{
	return !mlag_mac_is_reserved(destination) &&
	       !(destination[0] == 0x33 && destination[1] == 0x33);
}

/* What may leave through a leg is less than everything. */
MLAG_INLINE bool mlag_gate_restricts(__u8 gate)
{
	return gate == MLAG_GATE_CLOSED || gate == MLAG_GATE_UNICAST;
}

/**
 * mlag_vlan_of() - which VLAN a frame is in at tc egress of a bridge port
 * @vlan_aware: see struct mlag_domain
 * @untagged_vid: of the port at whose egress the frame is
 * @tag: what was found
 *
 * A bridge leaves its tag beside the frame or strips it, so a tag inside is the sender's own
 * (QinQ through an access port) wherever the port has an untagged VLAN.  Only where it has none
 * can a tag inside be meant for the bridge's VLANs.
 */
MLAG_INLINE struct mlag_vlan mlag_vlan_of(__u8 vlan_aware, __u16 untagged_vid,
					  const struct mlag_tag *tag)
{
	struct mlag_vlan vlan = {0, 0};

	if (!vlan_aware) {
		return vlan;
	}
	if (tag->beside) {
		vlan.vid = tag->beside_tci & 0xfff;
	} else if (!untagged_vid && tag->inside) {
		vlan.vid = tag->inside_tci & 0xfff;
	}
	vlan.tagged = vlan.vid != 0;
	if (!vlan.tagged) {
		vlan.vid = untagged_vid;
	}
	return vlan;
}

/* The VLAN id that a frame's outer tag names: 0 for a priority tag, or none. */
MLAG_INLINE __u16 mlag_tag_vid(const struct mlag_tag *tag)
{
	if (tag->beside) {
		return tag->beside_tci & 0xfff;
	}
	return tag->inside ? tag->inside_tci & 0xfff : 0;
}

/**
 * mlag_ingress_vid() - which VLAN the bridge will put a frame in that arrives at a port
 * @vlan_aware: see struct mlag_domain
 * @ingress_vid: of the port
 * @tag: what was found
 *
 * Whether the port may carry that VLAN is the bridge's to say, after us.
 *
 * Return: 1..4094, or 0 on a plain bridge and for a frame that the bridge will not take.
 */
MLAG_INLINE __u16 mlag_ingress_vid(__u8 vlan_aware, __u16 ingress_vid, const struct mlag_tag *tag)
{
	__u16 vid = mlag_tag_vid(tag);

	if (!vlan_aware) {
		return 0;
	}
	return vid ? vid : ingress_vid;
}

/**
 * mlag_family_of() - which IP a frame carries to the router of its VLAN
 * @vlan_aware: see struct mlag_domain
 * @tag: what was found
 * @ethertype: what follows the outer tag, in host order
 *
 * On a plain bridge all tags share one FDB, but a tagged frame is no packet for the bridge's own
 * addresses.
 *
 * Return: 4, 6, or 0 for what is not IP, or not of this router.
 */
MLAG_INLINE __u8 mlag_family_of(__u8 vlan_aware, const struct mlag_tag *tag, __u16 ethertype)
{
	if (!vlan_aware && mlag_tag_vid(tag)) {
		return 0;
	}
	if (ethertype == 0x0800) {
		return 4;
	}
	return ethertype == 0x86dd ? 6 : 0;
}

/* Unspecified, loopback, link-local, multicast, broadcast: never routed (R21, R23). */
MLAG_INLINE bool mlag_ipv4_is_routable(const __u8 *address)
{
	return address[0] != 0 && address[0] != 127 && (address[0] & 0xf0) != 224 &&
	       !(address[0] == 169 && address[1] == 254) &&
	       (address[0] & address[1] & address[2] & address[3]) != 255;
}

MLAG_INLINE bool mlag_ipv6_is_routable(const __u8 *address)
{
	__u8 head = 0;

	if (address[0] == 0xff || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80)) {
		return false;
	}
	for (__u32 index = 0; index < 15; index++) {
		head |= address[index];
	}
	return head || address[15] > 1; /* neither :: nor ::1 */
}

/**
 * mlag_packet_read_ipv4() - take over what a decision reads of an IPv4 header
 * @packet: family is set by the caller
 * @header: MLAG_IPV4_HEADER_SIZE bytes
 * @available: bytes of the frame from there on, padding included
 * @segmented: of the kernel's segmentation offload, whose length does not always fit the header
 */
MLAG_INLINE void mlag_packet_read_ipv4(struct mlag_packet *packet, const __u8 *header,
				       __u32 available, bool segmented)
{
	__u32 header_size = (header[0] & 0xfu) * 4;
	__u32 total_size = (__u32)header[2] << 8 | header[3];

	if (!total_size && segmented) {
		total_size = available;
	}
	packet->malformed = header[0] >> 4 != 4 || header_size < MLAG_IPV4_HEADER_SIZE ||
			    total_size < header_size || total_size > available;
	packet->hop_limit = header[8];
	packet->plain = header_size == MLAG_IPV4_HEADER_SIZE && header[9] != MLAG_PROTOCOL_ICMP &&
			mlag_ipv4_is_routable(header + 12);
	__builtin_memcpy(packet->destination, header + 16, 4);
}

/**
 * mlag_packet_read_ipv6() - take over what a decision reads of an IPv6 header
 * @packet: family is set by the caller
 * @header: MLAG_IPV6_HEADER_SIZE bytes
 * @available: bytes of the frame from there on, padding included
 */
MLAG_INLINE void mlag_packet_read_ipv6(struct mlag_packet *packet, const __u8 *header,
				       __u32 available)
{
	__u32 payload_size = (__u32)header[4] << 8 | header[5]; /* 0 also of a jumbogram */

	packet->malformed = header[0] >> 4 != 6 || MLAG_IPV6_HEADER_SIZE + payload_size > available;
	packet->hop_limit = header[7];
	packet->plain = header[6] != 0 /* hop-by-hop */ && header[6] != MLAG_PROTOCOL_ICMPV6 &&
			mlag_ipv6_is_routable(header + 8);
	__builtin_memcpy(packet->destination, header + 24, 16);
}

MLAG_INLINE bool mlag_packet_is_routable(const struct mlag_packet *packet)
{
	return packet->family == 4 ? mlag_ipv4_is_routable(packet->destination)
				   : mlag_ipv6_is_routable(packet->destination);
}

/**
 * mlag_peer_link_is_tagged() - whether frames of this VLAN carry a tag on PL
 * @domain: the pair
 * @vid: the VLAN, 0 for none
 */
MLAG_INLINE bool mlag_peer_link_is_tagged(const struct mlag_domain *domain, __u16 vid)
{
	return domain->vlan_aware && vid && vid != domain->peer_link_untagged_vid;
}

/**
 * mlag_redirect_tag() - how a frame's tag changes on its way from a leg to PL
 * @domain: the pair
 * @vlan: what mlag_vlan_of() said at the leg
 *
 * The tag that an access leg stripped is restored; that of PL's untagged VLAN is taken off.
 */
MLAG_INLINE enum mlag_tag_change mlag_redirect_tag(const struct mlag_domain *domain,
						   const struct mlag_vlan *vlan)
{
	bool tagged = mlag_peer_link_is_tagged(domain, vlan->vid);

	if (tagged && !vlan->tagged) {
		return MLAG_TAG_PUSH;
	}
	if (!tagged && vlan->tagged) {
		return MLAG_TAG_POP;
	}
	return MLAG_TAG_KEEP;
}

MLAG_INLINE bool mlag_port_is_held(const struct mlag_port *port, __u16 vid)
{
	return (port->held[(vid & 0xfff) / 64] >> (vid % 64)) & 1;
}

MLAG_INLINE bool mlag_port_is_isolated(const struct mlag_port *port, __u16 vid)
{
	return (port->isolated[(vid & 0xfff) / 64] >> (vid % 64)) & 1;
}

MLAG_INLINE bool mlag_is_from_peer_link(const struct mlag_domain *domain,
					const struct mlag_frame *frame)
{
	return domain->peer_link_ifindex && frame->ingress_ifindex == domain->peer_link_ifindex;
}

/* R1, R3: a frame that was bridged in from PL is about to leave through a leg. */
MLAG_INLINE struct mlag_decision mlag_peer_link_to_leg(const struct mlag_port *port,
						       const struct mlag_frame *frame)
{
	if (mlag_port_is_isolated(port, frame->vlan)) {
		return mlag_drop(MLAG_REASON_ISOLATED);
	}
	if (!frame->source_asked) {
		return mlag_decide(MLAG_ACTION_ASK_SOURCE, MLAG_REASON_NONE);
	}
	if (frame->source_found && frame->source.lag_id == port->lag_id) {
		return mlag_drop(MLAG_REASON_ECHO);
	}
	if (port->gate == MLAG_GATE_CLOSED) {
		return mlag_drop(MLAG_REASON_PEER_LINK_RETURN);
	}
	if (port->gate == MLAG_GATE_UNICAST && frame->group) {
		return mlag_drop(MLAG_REASON_GATE_FLOOD);
	}
	return mlag_pass();
}

/*
 * R2: a VLAN that the peer has not acknowledged on this open leg.  Only what is known to be at its LAG
 * leaves: the bridge floods there, and has no flood flags by VLAN.
 */
MLAG_INLINE struct mlag_decision mlag_local_to_held_vlan(const struct mlag_port *port,
							 const struct mlag_frame *frame)
{
	if (frame->group) {
		return mlag_drop(MLAG_REASON_GATE_FLOOD);
	}
	if (!frame->source_asked) {
		return mlag_decide(MLAG_ACTION_ASK_SOURCE, MLAG_REASON_NONE);
	}
	return frame->destination_found && frame->destination.lag_id == port->lag_id
		       ? mlag_pass()
		       : mlag_drop(MLAG_REASON_GATE_FLOOD);
}

/* R4, R5: a frame of a local port, a routed one or the machine's own is about to leave there. */
MLAG_INLINE struct mlag_decision mlag_local_to_leg(const struct mlag_domain *domain,
						   const struct mlag_port *port,
						   const struct mlag_frame *frame)
{
	if (!mlag_gate_restricts(port->gate)) {
		return mlag_port_is_held(port, frame->vlan) ? mlag_local_to_held_vlan(port, frame)
							    : mlag_pass();
	}
	if (frame->group) {
		return mlag_drop(MLAG_REASON_GATE_FLOOD);
	}
	if (port->gate == MLAG_GATE_UNICAST) {
		return mlag_pass();
	}
	if (!domain->peer_link_ifindex) {
		return mlag_drop(MLAG_REASON_NO_PEER_LINK);
	}
	return mlag_decide(MLAG_ACTION_TO_PEER_LINK, MLAG_REASON_GATE_REDIRECT);
}

/**
 * mlag_leg_egress() - what happens to a frame that is about to leave through a leg (R1 to R5)
 * @domain: the pair
 * @port: the leg; a port that is none passes everything
 * @frame: the frame
 *
 * Return: MLAG_ACTION_ASK_SOURCE only where frame.source_asked is 0.
 */
MLAG_INLINE struct mlag_decision mlag_leg_egress(const struct mlag_domain *domain,
						 const struct mlag_port *port,
						 const struct mlag_frame *frame)
{
	if (port->kind != MLAG_PORT_LEG || frame->reserved) {
		return mlag_pass();
	}
	if (mlag_is_from_peer_link(domain, frame)) {
		return mlag_peer_link_to_leg(port, frame);
	}
	return mlag_local_to_leg(domain, port, frame);
}

/**
 * mlag_peer_link_egress() - what happens to a frame that is about to leave through PL (R1, R3)
 * @domain: the pair
 * @ingress: the port it was bridged in from, NULL where the programs know none
 * @frame: the frame
 *
 * While a leg is not open, or not in this VLAN, the peer's R1 is lifted, so what it gets over PL it
 * sends to the host.  A flood that the host itself sent by this leg must therefore not go there, unless the peer can
 * tell by the source that it is an echo.
 *
 * Return: MLAG_ACTION_ASK_SOURCE only where frame.source_asked is 0.
 */
MLAG_INLINE struct mlag_decision mlag_peer_link_egress(const struct mlag_domain *domain,
						       const struct mlag_port *ingress,
						       const struct mlag_frame *frame)
{
	if (frame->reserved) {
		return mlag_pass();
	}
	if (mlag_is_from_peer_link(domain, frame)) {
		return mlag_drop(MLAG_REASON_PEER_LINK_RETURN);
	}
	if (!ingress || ingress->kind != MLAG_PORT_LEG ||
	    !(mlag_gate_restricts(ingress->gate) || mlag_port_is_held(ingress, frame->vlan))) {
		return mlag_pass();
	}
	if (!frame->source_asked) {
		return mlag_decide(MLAG_ACTION_ASK_SOURCE, MLAG_REASON_NONE);
	}
	if (frame->source_found && frame->source.peer_knows &&
	    frame->source.lag_id == ingress->lag_id) {
		return mlag_pass();
	}
	if (!frame->group && frame->destination_found && frame->destination.peer_knows) {
		return mlag_pass(); /* known unicast: nobody floods it */
	}
	return mlag_drop(MLAG_REASON_UNKNOWN_SOURCE);
}

/**
 * mlag_leg_observe() - whether a frame that arrived on a leg counts as a sign of the partner
 * @port: the leg
 * @destination: the frame's destination MAC
 */
MLAG_INLINE bool mlag_leg_observe(const struct mlag_port *port, const __u8 *destination)
{
	return port->kind == MLAG_PORT_LEG && mlag_gate_restricts(port->gate) &&
	       mlag_mac_proves_partner(destination);
}

/**
 * mlag_peer_link_mark() - the mark of a frame that came over PL (R31)
 * @mark: what it has already; kept
 * @group: the destination has the group bit
 * @owner: enum mlag_owner of the router whose MAC the destination is, none for no router
 *
 * The last resort is not for what has this mark: it would go back to where it came from.
 */
MLAG_INLINE __u32 mlag_peer_link_mark(__u32 mark, __u8 group, __u8 owner)
{
	return !group && owner == MLAG_OWNER_SELF ? mark | MLAG_MARK_PEER_LINK : mark;
}

/**
 * mlag_return_mark() - the mark of a packet that the peer has routed to us (R31)
 * @mark: what it has already; kept
 * @sender: enum mlag_owner of the router whose MAC the source is, none for no router
 * @back: our kernel would send it out of the device it came by, to that MAC
 *
 * Members whose default routes lead to each other, for as long as a routing protocol takes to notice that
 * both have lost theirs, play a packet back and forth until its hop limit ends.  What has this mark is
 * unreachable.  A packet that the peer only carried here has its sender's MAC, and may go back.
 */
MLAG_INLINE __u32 mlag_return_mark(__u32 mark, __u8 sender, bool back)
{
	return sender == MLAG_OWNER_PEER && back ? mark | MLAG_MARK_RETURN : mark;
}

/**
 * mlag_route_is_ours() - whether a route counts for what has the peer's MAC (R25)
 * @metric: of the route that the kernel would take
 *
 * The last resort leads to the peer, and R25 gets there without routing the packet here.
 */
MLAG_INLINE bool mlag_route_is_ours(__u32 metric)
{
	return metric != MLAG_LAST_RESORT_METRIC;
}

/**
 * mlag_reject_is_route() - whether a route that says unreachable counts for what has the peer's MAC
 * @domain: routing domain of the router MAC
 *
 * Elsewhere somebody has set it, and it is answered from here.  The table of a VRF has to end in such
 * a route, or the lookup goes on in main: that says no more than that there is no other (R25).
 */
MLAG_INLINE bool mlag_reject_is_route(__u32 domain)
{
	return !domain;
}

/* R20, R24: a frame with a router MAC of ours; the kernel does the rest. */
MLAG_INLINE struct mlag_decision mlag_receive_own(const struct mlag_packet *packet)
{
	if (!packet->family) {
		return mlag_pass();
	}
	if (packet->malformed) {
		return mlag_drop(MLAG_REASON_MALFORMED);
	}
	if (packet->hop_limit || !mlag_packet_is_routable(packet)) {
		return mlag_pass();
	}
	if (!packet->address_asked) {
		return mlag_decide(MLAG_ACTION_ASK_ADDRESS, MLAG_REASON_NONE);
	}
	return packet->address_owner == MLAG_OWNER_SELF ? mlag_pass()
							: mlag_drop(MLAG_REASON_TTL_ZERO);
}

/* R21: what has the peer's MAC and is not for the peer. */
MLAG_INLINE struct mlag_decision mlag_receive_third_party(const struct mlag_packet *packet)
{
	if (!packet->hop_limit) {
		return mlag_drop(MLAG_REASON_TTL_ZERO);
	}
	if (!packet->route_asked) {
		return mlag_decide(MLAG_ACTION_ASK_ROUTE, MLAG_REASON_NONE);
	}
	return packet->route_found ? mlag_decide(MLAG_ACTION_REWRITE, MLAG_REASON_ROUTED_FOR_PEER)
				   : mlag_decide(MLAG_ACTION_PASS, MLAG_REASON_NO_ROUTE);
}

/* R21 to R25: a frame with a router MAC of the peer's, to which the bridge carries what we pass. */
MLAG_INLINE struct mlag_decision mlag_receive_for_peer(const struct mlag_domain *domain,
						       const struct mlag_packet *packet)
{
	if (packet->family && packet->malformed) {
		return mlag_drop(MLAG_REASON_MALFORMED);
	}
	if (!packet->family || !mlag_packet_is_routable(packet)) {
		return mlag_decide(MLAG_ACTION_PASS, MLAG_REASON_NOT_ROUTABLE);
	}
	if (!domain->route_for_peer || !packet->router.own_ifindex) {
		return mlag_decide(MLAG_ACTION_PASS, MLAG_REASON_PEER_UNPROVEN);
	}
	if (!packet->address_asked) {
		return mlag_decide(MLAG_ACTION_ASK_ADDRESS, MLAG_REASON_NONE);
	}
	if (packet->address_owner == MLAG_OWNER_PEER) {
		return mlag_decide(MLAG_ACTION_PASS, MLAG_REASON_TO_PEER);
	}
	if (packet->address_owner == MLAG_OWNER_SELF) {
		return mlag_decide(MLAG_ACTION_REWRITE, MLAG_REASON_ROUTED_FOR_PEER);
	}
	return mlag_receive_third_party(packet);
}

/**
 * mlag_receive() - what happens to a frame that arrives at a port (R20 to R26)
 * @domain: the pair
 * @port: the port; PL receives nothing for others
 * @packet: the frame
 *
 * The peer's router MACs lead to PL in the bridge's FDB, so to pass is to send there, with the
 * bridge's VLAN, STP and lock checks and its learning.  Only what is to be routed here is touched:
 * it gets our own MAC and is then like any packet to us.  Own addresses and what is not unicast are
 * decided before the kernel's routing is asked, because that cannot tell them from no route.
 *
 * Return: an MLAG_ACTION_ASK_… only where the answer is not in @packet; ask again at most thrice.
 */
MLAG_INLINE struct mlag_decision mlag_receive(const struct mlag_domain *domain,
					      const struct mlag_port *port,
					      const struct mlag_packet *packet)
{
	if (port->kind == MLAG_PORT_PEER_LINK || packet->group) {
		return mlag_pass();
	}
	if (!packet->router_asked) {
		return mlag_decide(MLAG_ACTION_ASK_ROUTER, MLAG_REASON_NONE);
	}
	if (packet->router_found && packet->router.owner == MLAG_OWNER_SELF) {
		return mlag_receive_own(packet);
	}
	if (packet->router_found && packet->router.owner == MLAG_OWNER_PEER) {
		return mlag_receive_for_peer(domain, packet);
	}
	return mlag_pass();
}

/**
 * struct mlag_departure - what a decision reads of a packet that leaves by an SVI (R27)
 * @family: 4, 6, or 0 for what is not IP
 * @protocol: what follows the IP header: IPv4's protocol, IPv6's next header
 * @later_fragment: of IPv4: what follows the header is the middle of something
 * @icmp_type: the first octet behind the IP header; only read with ICMP
 */
struct mlag_departure {
	__u8 family;
	__u8 protocol;
	__u8 later_fragment;
	__u8 icmp_type;
};

/* What is behind the header has to be read before mlag_svi_egress() can say anything. */
MLAG_INLINE bool mlag_departure_is_icmp(const struct mlag_departure *departure)
{
	return (departure->family == 4 && departure->protocol == MLAG_PROTOCOL_ICMP &&
		!departure->later_fragment) ||
	       (departure->family == 6 && departure->protocol == MLAG_PROTOCOL_ICMPV6);
}

/**
 * mlag_svi_egress() - what happens to a packet that this machine routes or sends by an SVI (R27)
 * @departure: the packet
 *
 * A host that took a redirect would send to the next hop's MAC what both members can route.  Those
 * of IPv4 the kernel can be told not to send; for IPv6 there is no such word.
 */
MLAG_INLINE struct mlag_decision mlag_svi_egress(const struct mlag_departure *departure)
{
	__u8 redirect = departure->family == 4 ? 5 : 137;

	if (mlag_departure_is_icmp(departure) && departure->icmp_type == redirect) {
		return mlag_drop(MLAG_REASON_REDIRECT);
	}
	return mlag_pass();
}

#endif
