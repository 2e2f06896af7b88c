// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What came over the peer link for a router of ours (R31).  mark_peer_link runs at tc ingress of
 * the peer link, and only while last-resort routes are on: it sets one bit of the mark, and the
 * rules that lead to the last resort do not match a packet that has it.  So what the peer sent here
 * is never sent back, whatever the two members believe of each other.
 *
 * R1 and R4 do not look at marks; other bits are left as they are.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "maps.bpf.h"
#include "parse.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MLAG_MAP_ROUTERS_MAX);
	__type(key, struct mlag_router_key);
	__type(value, struct mlag_router);
} mlag_routers SEC(".maps");

SEC("tc")
int mark_peer_link(struct __sk_buff *skb)
{
	const struct mlag_domain *domain = find_domain();
	const struct mlag_router *router;
	struct parse_ethernet ethernet;
	struct parse_arrival parsed;

	if (!domain || parse_ethernet(skb, &ethernet) ||
	    parse_arrival(skb, &ethernet, domain->vlan_aware, domain->peer_link_untagged_vid,
			  &parsed)) {
		return TC_ACT_UNSPEC;
	}
	router = bpf_map_lookup_elem(&mlag_routers, &parsed.router_key);
	if (router) {
		skb->mark = mlag_peer_link_mark(skb->mark, parsed.packet.group, router->owner);
	}
	return TC_ACT_UNSPEC;
}
