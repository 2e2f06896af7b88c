/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From a socket buffer to the values that a decision of forward.h reads.  Only for eBPF programs
 * at tc, where a frame begins with its Ethernet header in both directions.
 */
#ifndef MLAG_PARSE_BPF_H
#define MLAG_PARSE_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "forward.h"

/* An Ethernet header as it is in the frame. */
struct parse_ethernet {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
};

/* Everything the programs want to know of one frame. */
struct parse_frame {
	struct mlag_frame frame;
	struct mlag_source_key source_key;
	struct mlag_source_key destination_key;
	struct mlag_vlan vlan;
};

/* Copies the Ethernet header: 0, or negative for a frame that has none. */
static __always_inline long parse_ethernet(struct __sk_buff *skb, struct parse_ethernet *ret)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;

	if (data + sizeof(*ret) <= data_end) {
		__builtin_memcpy(ret, data, sizeof(*ret));
		return 0;
	}
	return bpf_skb_load_bytes(skb, 0, ret, sizeof(*ret));
}

/* Finds the tags; one inside the frame is read only where mlag_vlan_of() would look at it. */
static __always_inline long parse_tag(struct __sk_buff *skb, __be16 type, __u8 vlan_aware,
				      __u16 untagged_vid, struct mlag_tag *ret)
{
	__be16 tci;

	__builtin_memset(ret, 0, sizeof(*ret));
	if (!vlan_aware) {
		return 0;
	}
	if (skb->vlan_present) {
		ret->beside = 1;
		ret->beside_tci = (__u16)skb->vlan_tci;
		return 0;
	}
	if (untagged_vid || type != bpf_htons(ETH_P_8021Q)) {
		return 0;
	}
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &tci, sizeof(tci))) {
		return -1;
	}
	ret->inside = 1;
	ret->inside_tci = bpf_ntohs(tci);
	return 0;
}

/*
 * Reads a frame at egress of a port that sends @untagged_vid without a tag.  0, or negative for a
 * frame that is cut off before what every frame has.
 */
static __always_inline long parse_egress(struct __sk_buff *skb, __u8 vlan_aware, __u16 untagged_vid,
					 struct parse_frame *ret)
{
	struct parse_ethernet ethernet;
	struct mlag_tag tag;

	if (parse_ethernet(skb, &ethernet) ||
	    parse_tag(skb, ethernet.type, vlan_aware, untagged_vid, &tag)) {
		return -1;
	}
	__builtin_memset(ret, 0, sizeof(*ret));
	ret->vlan = mlag_vlan_of(vlan_aware, untagged_vid, &tag);
	ret->frame.ingress_ifindex = skb->ingress_ifindex;
	ret->frame.vlan = ret->vlan.vid;
	ret->frame.group = mlag_mac_is_group(ethernet.destination);
	ret->frame.reserved = mlag_mac_is_reserved(ethernet.destination);
	ret->source_key.vlan = ret->vlan.vid;
	__builtin_memcpy(ret->source_key.mac, ethernet.source, sizeof(ret->source_key.mac));
	ret->destination_key.vlan = ret->vlan.vid;
	__builtin_memcpy(ret->destination_key.mac, ethernet.destination,
			 sizeof(ret->destination_key.mac));
	return 0;
}

#endif
