/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From a socket buffer to the values that a decision of forward.h reads.  The functions are only
 * for eBPF programs at tc, where a frame begins with its Ethernet header in both directions; the
 * types are XDP's too.
 */
#ifndef MLAG_PARSE_BPF_H
#define MLAG_PARSE_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "forward.h"
#include "shortcut.h"

/* An Ethernet header as it is in the frame. */
struct parse_ethernet {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
};

/* The addresses of a frame. */
struct parse_macs {
	__u8 destination[6];
	__u8 source[6];
};

/* Everything the programs want to know of one frame. */
struct parse_frame {
	struct mlag_frame frame;
	struct mlag_source_key source_key;
	struct mlag_source_key destination_key;
	struct mlag_vlan vlan;
};

/* A VLAN and a MAC, as keys of maps and as the word that is made and hashed at once. */
union parse_key {
	struct mlag_router_key router;
	struct mlag_source_key source;
	__u64 word;
};

static __always_inline __u64 parse_key_word(__u16 vlan, const __u8 *mac)
{
	const __u16 *words = (const __u16 *)mac; /* in a frame, so on an even address */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__u64)words[2] << 48 | (__u64)words[1] << 32 | (__u64)words[0] << 16 | vlan;
#else
	return (__u64)vlan << 48 | (__u64)words[0] << 32 | (__u64)words[1] << 16 | words[2];
#endif
}

/* A frame that arrived, and where its IP header would be. */
struct parse_arrival {
	__u8 header[MLAG_IPV6_HEADER_SIZE] __attribute__((aligned(8)));
	struct mlag_packet packet;
	union parse_key router_key;
	union parse_key sender_key;
	struct mlag_arrival arrival;
	__u32 ip_offset;
	__u8 family; /* of the ethertype; packet.family waits until the router is known */
};

/* Copies the Ethernet header: 0, or negative for a frame that has none. */
static __always_inline long parse_ethernet(struct __sk_buff *skb, struct parse_ethernet *ret)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;

	if (data + sizeof(*ret) <= data_end) {
		*ret = *(const struct parse_ethernet *)data; /* two bytes at a time */
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

/*
 * Finds the outer tag of a frame that arrived, and the ethertype behind it.  The kernel puts every
 * outer tag beside a frame before tc sees it.  One of 802.1ad the bridge puts back, as payload.
 */
static __always_inline long parse_arrival_tag(struct __sk_buff *skb,
					      struct parse_ethernet *ethernet, struct mlag_tag *ret,
					      __u32 *ret_offset)
{
	struct {
		__be16 tci;
		__be16 type;
	} inside;

	__builtin_memset(ret, 0, sizeof(*ret));
	*ret_offset = ETH_HLEN;
	if (skb->vlan_present) {
		if (skb->vlan_proto != bpf_htons(ETH_P_8021Q)) {
			ethernet->type = bpf_htons(ETH_P_8021AD);
			return 0;
		}
		ret->beside = 1;
		ret->beside_tci = (__u16)skb->vlan_tci;
		return 0;
	}
	if (ethernet->type != bpf_htons(ETH_P_8021Q)) {
		return 0;
	}
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &inside, sizeof(inside))) {
		return -1;
	}
	ret->inside = 1;
	ret->inside_tci = bpf_ntohs(inside.tci);
	ethernet->type = inside.type;
	*ret_offset = ETH_HLEN + sizeof(inside);
	return 0;
}

/* What is below IP of a frame, from its Ethernet header and its tag. */
static __always_inline void parse_below_ip(const struct parse_ethernet *ethernet,
					   const struct mlag_tag *tag, __u8 vlan_aware,
					   __u16 ingress_vid, struct parse_arrival *ret)
{
	ret->packet.group = mlag_mac_is_group(ethernet->destination);
	ret->family = mlag_family_of(vlan_aware, tag, bpf_ntohs(ethernet->type));
	ret->arrival = mlag_arrival_of(vlan_aware, ingress_vid, tag);
	ret->router_key.word = parse_key_word(ret->arrival.vlan.vid, ethernet->destination);
	ret->sender_key.word = parse_key_word(ret->arrival.vlan.vid, ethernet->source);
}

/*
 * Reads what there is below IP of a frame that arrived at a port where @ingress_vid is the VLAN of
 * what has no tag.  0, or negative for a frame cut off in there, which no bridge will take.
 */
static __always_inline long parse_arrival(struct __sk_buff *skb, struct parse_ethernet *ethernet,
					  __u8 vlan_aware, __u16 ingress_vid,
					  struct parse_arrival *ret)
{
	struct mlag_tag tag;

	__builtin_memset(ret, 0, sizeof(*ret));
	if (parse_arrival_tag(skb, ethernet, &tag, &ret->ip_offset)) {
		return -1;
	}
	parse_below_ip(ethernet, &tag, vlan_aware, ingress_vid, ret);
	return 0;
}

/* Reads the IP header, if it is IP. */
static __always_inline void parse_ip(struct __sk_buff *skb, struct parse_arrival *parsed)
{
	__u32 available = skb->len - parsed->ip_offset;
	__u32 size = parsed->family == 4 ? MLAG_IPV4_HEADER_SIZE : MLAG_IPV6_HEADER_SIZE;

	parsed->packet.family = parsed->family;
	if (!parsed->family) {
		return;
	}
	if (bpf_skb_load_bytes(skb, parsed->ip_offset, parsed->header, size)) {
		parsed->packet.malformed = 1;
		return;
	}
	if (parsed->family == 4) {
		mlag_packet_read_ipv4(&parsed->packet, parsed->header, available,
				      skb->gso_size != 0);
	} else {
		mlag_packet_read_ipv6(&parsed->packet, parsed->header, available);
	}
}

#endif
