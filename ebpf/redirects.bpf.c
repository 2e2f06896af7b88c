// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ICMP redirects do not leave the pair's SVIs: R27.  svi_egress runs at tc egress of the bridge
 * device itself.  Everything that this machine sends by an SVI passes there, be it the bridge, a
 * VLAN device on it or a macvlan on one, and nothing that is merely bridged does; so an SVI that is
 * made later needs no program of its own.
 *
 * The decision is in forward.h.  What cannot be read passes.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>

#include "maps.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Where the IP header is: a VLAN device leaves its tag beside the frame, or puts it inside. */
static __always_inline __u8 find_ip(struct __sk_buff *skb, __u32 *ret_offset)
{
	__be16 type;

	*ret_offset = ETH_HLEN;
	if (bpf_skb_load_bytes(skb, ETH_HLEN - sizeof(type), &type, sizeof(type))) {
		return 0;
	}
	if (type == bpf_htons(ETH_P_8021Q)) {
		*ret_offset += 4;
		if (bpf_skb_load_bytes(skb, ETH_HLEN + 2, &type, sizeof(type))) {
			return 0;
		}
	}
	if (type == bpf_htons(ETH_P_IP)) {
		return 4;
	}
	return type == bpf_htons(ETH_P_IPV6) ? 6 : 0;
}

static __always_inline void read_ipv4(struct __sk_buff *skb, __u32 offset,
				      struct mlag_departure *ret, __u32 *ret_behind)
{
	__u8 header[MLAG_IPV4_HEADER_SIZE];

	if (bpf_skb_load_bytes(skb, offset, header, sizeof(header))) {
		ret->family = 0;
		return;
	}
	ret->protocol = header[9];
	ret->later_fragment = (header[6] & 0x1f) || header[7];
	*ret_behind = offset + (header[0] & 0xfu) * 4;
}

static __always_inline void read_ipv6(struct __sk_buff *skb, __u32 offset,
				      struct mlag_departure *ret, __u32 *ret_behind)
{
	if (bpf_skb_load_bytes(skb, offset + 6, &ret->protocol, sizeof(ret->protocol))) {
		ret->family = 0;
	}
	*ret_behind = offset + MLAG_IPV6_HEADER_SIZE;
}

SEC("tc")
int svi_egress(struct __sk_buff *skb)
{
	struct mlag_departure departure = {0};
	struct mlag_decision decision;
	__u32 offset, behind = 0;

	departure.family = find_ip(skb, &offset);
	if (departure.family == 4) {
		read_ipv4(skb, offset, &departure, &behind);
	} else if (departure.family == 6) {
		read_ipv6(skb, offset, &departure, &behind);
	}
	if (!mlag_departure_is_icmp(&departure) ||
	    bpf_skb_load_bytes(skb, behind, &departure.icmp_type, sizeof(departure.icmp_type))) {
		return TC_ACT_UNSPEC;
	}
	decision = mlag_svi_egress(&departure);
	if (decision.action != MLAG_ACTION_DROP) {
		return TC_ACT_UNSPEC;
	}
	count(skb, decision.reason);
	return TC_ACT_SHOT;
}
