// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The peer-link filter and the gate of the legs: R1 to R5.  isolate_leg runs at tc egress of every
 * leg, isolate_peer_link at tc egress of the peer link.  What to do is decided in forward.h; here
 * is only what a decision needs from the kernel: maps read, frames counted, tags changed, frames
 * redirected.
 *
 * A frame that is passed goes on to the filters after this one (TC_ACT_UNSPEC, which is also
 * TCX_NEXT), because other people's filters are none of our business.  While all legs are open that
 * path reads nothing but mlag_domain; otherwise isolate_leg reads one hash, or three where R1 is
 * lifted.  Nothing here needs the kernel's type information.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "maps.bpf.h"
#include "parse.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Read and written by mlagd alone; bound to the programs so that the next one finds it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mlag_state);
} mlag_state SEC(".maps");

static __always_inline int drop(struct __sk_buff *skb, enum mlag_reason reason)
{
	count(skb, reason);
	return TC_ACT_SHOT;
}

static __always_inline void ask_places(struct parse_frame *parsed)
{
	struct mlag_frame *frame = &parsed->frame;
	const struct mlag_source *place;

	frame->source_asked = 1;
	place = bpf_map_lookup_elem(&mlag_sources, &parsed->source_key);
	if (place) {
		frame->source_found = 1;
		frame->source = *place;
	}
	place = bpf_map_lookup_elem(&mlag_sources, &parsed->destination_key);
	if (place) {
		frame->destination_found = 1;
		frame->destination = *place;
	}
}

/* Over PL as if the bridge had sent it there: in the same VLAN, tagged as PL tags that one. */
static __always_inline int redirect(struct __sk_buff *skb, const struct mlag_domain *domain,
				    const struct mlag_vlan *vlan, enum mlag_reason reason)
{
	enum mlag_tag_change change = mlag_redirect_tag(domain, vlan);
	long error = 0;

	if (change == MLAG_TAG_PUSH) {
		error = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan->vid);
	} else if (change == MLAG_TAG_POP) {
		error = bpf_skb_vlan_pop(skb);
	}
	if (error) {
		return drop(skb, MLAG_REASON_MALFORMED);
	}
	count(skb, reason);
	return (int)bpf_redirect(domain->peer_link_ifindex, 0);
}

static __always_inline int act(struct __sk_buff *skb, const struct mlag_domain *domain,
			       const struct mlag_vlan *vlan, struct mlag_decision decision)
{
	if (decision.action == MLAG_ACTION_DROP) {
		return drop(skb, decision.reason);
	}
	if (decision.action == MLAG_ACTION_TO_PEER_LINK) {
		return redirect(skb, domain, vlan, decision.reason);
	}
	return TC_ACT_UNSPEC;
}

SEC("tc")
int isolate_leg(struct __sk_buff *skb)
{
	const struct mlag_domain *domain = find_domain();
	const struct mlag_port *port;
	struct mlag_decision decision;
	struct parse_frame parsed;

	if (!domain || mlag_egress_is_free(domain, skb->ingress_ifindex)) {
		return TC_ACT_UNSPEC;
	}
	port = find_port(skb->ifindex);
	if (!port) {
		return TC_ACT_UNSPEC;
	}
	if (parse_egress(skb, domain->vlan_aware, port->untagged_vid, &parsed)) {
		return drop(skb, MLAG_REASON_MALFORMED);
	}
	decision = mlag_leg_egress(domain, port, &parsed.frame);
	if (decision.action == MLAG_ACTION_ASK_SOURCE) {
		ask_places(&parsed);
		decision = mlag_leg_egress(domain, port, &parsed.frame);
	}
	return act(skb, domain, &parsed.vlan, decision);
}

SEC("tc")
int isolate_peer_link(struct __sk_buff *skb)
{
	const struct mlag_domain *domain = find_domain();
	const struct mlag_port *ingress;
	struct mlag_decision decision;
	struct parse_frame parsed;

	if (!domain || mlag_egress_is_free(domain, skb->ingress_ifindex)) {
		return TC_ACT_UNSPEC;
	}
	if (parse_egress(skb, domain->vlan_aware, domain->peer_link_untagged_vid, &parsed)) {
		return drop(skb, MLAG_REASON_MALFORMED);
	}
	ingress = find_port(parsed.frame.ingress_ifindex);
	decision = mlag_peer_link_egress(domain, ingress, &parsed.frame);
	if (decision.action == MLAG_ACTION_ASK_SOURCE) {
		ask_places(&parsed);
		decision = mlag_peer_link_egress(domain, ingress, &parsed.frame);
	}
	return act(skb, domain, &parsed.vlan, decision);
}
