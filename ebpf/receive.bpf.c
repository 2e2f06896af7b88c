// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What arrives for a router of the pair: R20 to R26.  receive runs at tc ingress of every bridge
 * port but the peer link.  What to do is decided in forward.h and shortcut.h; here is only what a
 * decision needs from the kernel: maps and routes looked up, frames rewritten, redirected, counted.
 *
 * The bridge itself can do most of it.  The peer's router MACs are static entries to the peer link
 * in its FDB, so a frame that is passed as it is goes to the peer, tagged as PL tags its VLAN, its
 * packet untouched (R22, R23, R25); and a frame that got our own MAC goes to our SVI and is routed
 * by the kernel (R21).  In both cases the bridge has learned the sender and has refused what the
 * port may not send.  With no program attached everything still arrives, by a detour.  A shortcut
 * is the same result with less work, where mlag_domain.shortcuts allows it.
 *
 * Most frames cost one look at the Ethernet header and at one number.  Nothing here needs the
 * kernel's type information.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "receive.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MLAG_MAP_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} mlag_leg_rx SEC(".maps");

/* A sign of the partner, at a leg that waits for one (DESIGN §4, leg-up). */
static __always_inline void observe(const struct mlag_port *port, __u32 ifindex,
				    const __u8 *destination)
{
	__u64 *frames;

	if (!mlag_leg_observe(port, destination)) {
		return;
	}
	frames = bpf_map_lookup_elem(&mlag_leg_rx, &ifindex);
	if (frames) {
		__sync_fetch_and_add(frames, 1);
	}
}

/* Our MAC instead of the peer's.  A kernel without memory for that leaves the frame to the peer. */
static __always_inline int rewrite(struct __sk_buff *skb, const struct mlag_router *router,
				   enum mlag_reason reason)
{
	if (!bpf_skb_store_bytes(skb, 0, router->own_mac, sizeof(router->own_mac), 0)) {
		count(skb, reason);
	}
	return TC_ACT_UNSPEC;
}

static __always_inline long change_tag(struct __sk_buff *skb, enum mlag_tag_change change,
				       __u16 tci)
{
	if (change == MLAG_TAG_PUSH) {
		return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), tci);
	}
	return change == MLAG_TAG_POP ? bpf_skb_vlan_pop(skb) : 0;
}

/* R22, R23, R25: as if the bridge had sent it to PL. */
static __always_inline int send_to_peer(struct __sk_buff *skb, const struct mlag_domain *domain,
					const struct mlag_vlan *vlan, enum mlag_reason reason)
{
	count(skb, reason);
	if (change_tag(skb, mlag_redirect_tag(domain, vlan), vlan->vid)) {
		return TC_ACT_SHOT; /* no memory for four bytes */
	}
	return (int)bpf_redirect(domain->peer_link_ifindex, 0);
}

/* R21 as the kernel would have routed it: a hop less, the MACs and the tag of where it goes. */
static __always_inline int send_out(struct __sk_buff *skb, struct parse_arrival *parsed,
				    const struct bpf_fib_lookup *lookup,
				    const struct mlag_exit *way, __u32 ifindex)
{
	struct parse_macs macs;
	long error;
	__u16 tci;
	enum mlag_tag_change change = mlag_exit_tag(&parsed->arrival, way, &tci);

	__builtin_memcpy(macs.destination, lookup->dmac, sizeof(macs.destination));
	__builtin_memcpy(macs.source, lookup->smac, sizeof(macs.source));
	count(skb, MLAG_REASON_ROUTED_FOR_PEER);
	if (parsed->family == 4) {
		mlag_packet_take_hop_ipv4(parsed->header);
	} else {
		mlag_packet_take_hop_ipv6(parsed->header);
	}
	/* IPv4: TTL, protocol, checksum; IPv6: payload length, next header, hop limit. */
	error = bpf_skb_store_bytes(skb, parsed->ip_offset + (parsed->family == 4 ? 8 : 4),
				    parsed->header + (parsed->family == 4 ? 8 : 4), 4, 0);
	error = error ? error : bpf_skb_store_bytes(skb, 0, &macs, sizeof(macs), 0);
	if (change == MLAG_TAG_KEEP && parsed->arrival.vlan.tagged) {
		error = error ? error : change_tag(skb, MLAG_TAG_POP, 0);
		change = MLAG_TAG_PUSH;
	}
	error = error ? error : change_tag(skb, change, tci);
	return error ? TC_ACT_SHOT : (int)bpf_redirect(ifindex, 0);
}

/* Through the bridge: as it is, made ours, or not at all. */
static __always_inline int act(struct __sk_buff *skb, const struct mlag_domain *domain,
			       const struct parse_arrival *parsed, struct mlag_decision decision)
{
	if (decision.action == MLAG_ACTION_DROP) {
		count(skb, decision.reason);
		return TC_ACT_SHOT;
	}
	if (decision.reason == MLAG_REASON_NONE) {
		return TC_ACT_UNSPEC;
	}
	if (domain->shortcuts) {
		note_sender(parsed, skb->ifindex);
	}
	if (decision.action == MLAG_ACTION_REWRITE) {
		return rewrite(skb, &parsed->packet.router, decision.reason);
	}
	count(skb, decision.reason);
	return TC_ACT_UNSPEC;
}

/* A frame for a router of the pair. */
static __always_inline int receive_routed(struct __sk_buff *skb, const struct mlag_domain *domain,
					  const struct mlag_port *port,
					  struct parse_arrival *parsed)
{
	struct bpf_fib_lookup lookup;
	struct mlag_exit way = {0};
	struct mlag_decision decision, shortcut;
	__u32 exit_ifindex = 0;
	long answer;

	parse_ip(skb, parsed);
	decision = decide(skb, domain, port, parsed, &lookup, &answer);
	if (domain->shortcuts) {
		ask_sender(domain, parsed, skb->ifindex);
		shortcut = mlag_shortcut(domain, port, &parsed->packet, &parsed->arrival, &way,
					 decision);
		if (shortcut.action == MLAG_ACTION_ASK_EXIT) {
			exit_ifindex = ask_exit(skb, parsed, &lookup, answer, &way);
			shortcut = mlag_shortcut(domain, port, &parsed->packet, &parsed->arrival,
						 &way, decision);
		}
		if (shortcut.action == MLAG_ACTION_TO_PEER_LINK) {
			return send_to_peer(skb, domain, &parsed->arrival.vlan, decision.reason);
		}
		if (shortcut.action == MLAG_ACTION_SEND) {
			return send_out(skb, parsed, &lookup, &way, exit_ifindex);
		}
	}
	return act(skb, domain, parsed, decision);
}

SEC("tc")
int receive(struct __sk_buff *skb)
{
	const struct mlag_domain *domain = find_domain();
	const struct mlag_port *port;
	struct parse_ethernet ethernet;
	struct parse_arrival parsed;

	if (!domain || parse_ethernet(skb, &ethernet) ||
	    (!domain->gated && !may_be_router(ethernet.destination))) {
		return TC_ACT_UNSPEC;
	}
	port = find_port(skb->ifindex);
	if (!port) {
		return TC_ACT_UNSPEC;
	}
	observe(port, skb->ifindex, ethernet.destination);
	if (!may_be_router(ethernet.destination) ||
	    parse_arrival(skb, &ethernet, domain->vlan_aware, port->ingress_vid, &parsed) ||
	    mlag_receive(domain, port, &parsed.packet).action != MLAG_ACTION_ASK_ROUTER ||
	    !ask_router(&parsed)) {
		return TC_ACT_UNSPEC;
	}
	return receive_routed(skb, domain, port, &parsed);
}
