// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What came over the peer link for a router of ours (R31).  mark_peer_link runs at tc ingress of
 * the peer link, and only while last-resort routes are on.  It sets one bit of the mark, and the
 * rules that lead to the last resort do not match a packet that has it: so what the peer sent here
 * is never sent back that way, whatever the two members believe of each other.  And it sets another
 * bit where the peer has routed the packet to us and our own routes would return it; a rule makes
 * that unreachable.
 *
 * R1 and R4 do not look at marks; other bits are left as they are.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "receive.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Whether our kernel would send the packet out of the device it came by, to the MAC it came from. */
static __always_inline bool goes_back(struct __sk_buff *skb, struct parse_arrival *parsed,
				      const struct parse_ethernet *ethernet)
{
	struct bpf_fib_lookup lookup;

	parse_ip(skb, parsed);
	if (!parsed->packet.family || parsed->packet.malformed ||
	    !mlag_packet_is_routable(&parsed->packet)) {
		return false;
	}
	fill_lookup(parsed, &lookup);
	lookup.tot_len = 0; /* one that is too large for it would be answered, not returned */
	return bpf_fib_lookup(skb, &lookup, sizeof(lookup), lookup_flags(parsed)) ==
		       BPF_FIB_LKUP_RET_SUCCESS &&
	       lookup.ifindex == parsed->packet.router.own_ifindex &&
	       parse_key_word(0, lookup.dmac) == parse_key_word(0, ethernet->source);
}

SEC("tc")
int mark_peer_link(struct __sk_buff *skb)
{
	const struct mlag_domain *domain = find_domain();
	const struct mlag_router *sender;
	struct parse_ethernet ethernet;
	struct parse_arrival parsed;

	if (!domain || parse_ethernet(skb, &ethernet) ||
	    parse_arrival(skb, &ethernet, domain->vlan_aware, domain->peer_link_untagged_vid,
			  &parsed) ||
	    parsed.packet.group || !ask_router(&parsed)) {
		return TC_ACT_UNSPEC;
	}
	skb->mark = mlag_peer_link_mark(skb->mark, 0, parsed.packet.router.owner);
	sender = bpf_map_lookup_elem(&mlag_routers, &parsed.sender_key);
	if (sender && parsed.packet.router.owner == MLAG_OWNER_SELF) {
		skb->mark = mlag_return_mark(skb->mark, sender->owner,
					     goes_back(skb, &parsed, &ethernet));
	}
	return TC_ACT_UNSPEC;
}
