// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * R30: with the peer link down and the peer alive, hosts are told the peer's router MAC when they
 * ask for one of its addresses.  Nothing here is attached, or does anything, while PL carries.
 *
 * answer runs at tc ingress of our SVIs, behind the bridge: what gets there has passed the VLAN,
 * STP and lock checks of the port it came by, and its sender is learned; and the answer goes out by
 * the SVI, so the bridge finds the port and the tag for it.  Questions to the peer's own MAC would
 * not get there, for the bridge sends them to the peer link: answer_port, at tc ingress of the
 * bridge's ports, makes our own MAC their destination first (as R21 does with packets).
 *
 * What is answered, and with which bytes, is decided in answer.h.  A daemon that dies stops this
 * within seconds: the lease in mlag_answer is a time of the kernel's monotonic clock.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "answer.h"
#include "maps.bpf.h"
#include "parse.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MLAG_MAP_ROUTERS_MAX);
	__type(key, struct mlag_router_key);
	__type(value, struct mlag_router);
} mlag_routers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MLAG_MAP_ADDRESSES_MAX);
	__type(key, struct mlag_address);
	__type(value, __u8);
} mlag_addresses SEC(".maps");

/* The time until which to answer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} mlag_answer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MLAG_MAP_ANSWER_SVIS_MAX);
	__type(key, __u32);
	__type(value, struct mlag_answer_svi);
} mlag_answer_svis SEC(".maps");

static __always_inline bool is_on(void)
{
	__u32 zero = 0;
	const __u64 *until_ns = bpf_map_lookup_elem(&mlag_answer, &zero);

	return until_ns && bpf_ktime_get_ns() < *until_ns;
}

/* Reads the most that a question can be; what the frame does not have stays zero. */
static __always_inline long load(struct __sk_buff *skb, __u8 *ret_frame)
{
	__builtin_memset(ret_frame, 0, MLAG_ANSWER_FRAME_SIZE);
	if (skb->len >= MLAG_ANSWER_NS_SIZE) {
		return bpf_skb_load_bytes(skb, 0, ret_frame, MLAG_ANSWER_NS_SIZE);
	}
	if (skb->len >= MLAG_ANSWER_NS_SHORT_SIZE) {
		return bpf_skb_load_bytes(skb, 0, ret_frame, MLAG_ANSWER_NS_SHORT_SIZE);
	}
	if (skb->len >= MLAG_ANSWER_ARP_SIZE) {
		return bpf_skb_load_bytes(skb, 0, ret_frame, MLAG_ANSWER_ARP_SIZE);
	}
	return -1;
}

static __always_inline __u8 ask_owner(const struct mlag_answer_svi *svi, const __u8 *frame,
				      __u8 family)
{
	struct mlag_address address;
	const __u8 *owner;

	mlag_question_address(svi, frame, family, &address);
	owner = bpf_map_lookup_elem(&mlag_addresses, &address);
	return owner ? *owner : MLAG_OWNER_NONE;
}

/* Puts the answer in the place of the question, and sends it the way it came, out of the SVI. */
static __always_inline int reply(struct __sk_buff *skb, const __u8 *frame, __u8 family)
{
	long error;

	if (family == 4) {
		error = bpf_skb_store_bytes(skb, 0, frame, MLAG_ANSWER_ARP_SIZE, 0);
	} else if (frame[MLAG_ANSWER_IP + 5] == 32) {
		error = bpf_skb_store_bytes(skb, 0, frame, MLAG_ANSWER_NS_SIZE, 0);
	} else {
		error = bpf_skb_store_bytes(skb, 0, frame, MLAG_ANSWER_NS_SHORT_SIZE, 0);
	}
	if (error) {
		return TC_ACT_UNSPEC;
	}
	count(skb, MLAG_REASON_ANSWERED);
	return (int)bpf_redirect(skb->ifindex, 0);
}

SEC("tc")
int answer(struct __sk_buff *skb)
{
	__u8 frame[MLAG_ANSWER_FRAME_SIZE] __attribute__((aligned(8)));
	const struct mlag_answer_svi *svi;
	__u32 ifindex = skb->ifindex;
	__u8 family;

	/* A frame with a tag beside it is on its way to another device. */
	if (!is_on() || skb->vlan_present) {
		return TC_ACT_UNSPEC;
	}
	svi = bpf_map_lookup_elem(&mlag_answer_svis, &ifindex);
	if (!svi || load(skb, frame)) {
		return TC_ACT_UNSPEC;
	}
	family = mlag_question_family(frame, skb->len);
	if (!family || !mlag_answers(svi, frame, ask_owner(svi, frame, family))) {
		return TC_ACT_UNSPEC;
	}
	if (family == 4) {
		mlag_answer_arp(svi, frame);
	} else {
		mlag_answer_ns(svi, frame);
	}
	return reply(skb, frame, family);
}

/* Questions come with their tag beside them, or without: only those are looked at. */
SEC("tc")
int answer_port(struct __sk_buff *skb)
{
	__u8 frame[MLAG_ANSWER_FRAME_SIZE] __attribute__((aligned(8)));
	const struct mlag_domain *domain = find_domain();
	const struct mlag_port *port = find_port(skb->ifindex);
	const struct mlag_router *router;
	struct mlag_router_key key = {0};
	struct mlag_tag tag = {0};

	if (!domain || !port || !is_on() || load(skb, frame) ||
	    !mlag_is_question_for_peer(frame, skb->len)) {
		return TC_ACT_UNSPEC;
	}
	if (skb->vlan_present) {
		if (skb->vlan_proto != bpf_htons(ETH_P_8021Q)) {
			return TC_ACT_UNSPEC;
		}
		tag.beside = 1;
		tag.beside_tci = (__u16)skb->vlan_tci;
	}
	if (!domain->vlan_aware && mlag_tag_vid(&tag)) {
		return TC_ACT_UNSPEC; /* not for the bridge's own addresses */
	}
	key.vlan = mlag_ingress_vid(domain->vlan_aware, port->ingress_vid, &tag);
	__builtin_memcpy(key.mac, frame, sizeof(key.mac));
	router = bpf_map_lookup_elem(&mlag_routers, &key);
	if (router && router->owner == MLAG_OWNER_PEER && router->own_ifindex) {
		(void)bpf_skb_store_bytes(skb, 0, router->own_mac, sizeof(router->own_mac), 0);
	}
	return TC_ACT_UNSPEC;
}
