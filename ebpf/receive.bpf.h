/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the two entries of `receive`, at tc and at XDP, have in common: the maps and what is looked
 * up in them and in the kernel's routing.  Each entry reads frames its own way and does its own
 * way what was decided.
 */
#ifndef MLAG_RECEIVE_BPF_H
#define MLAG_RECEIVE_BPF_H

#include "maps.bpf.h"
#include "parse.bpf.h"

#define AF_INET 2
#define AF_INET6 10

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} mlag_router_octets SEC(".maps");

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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MLAG_MAP_SVIS_MAX);
	__type(key, __u32);
	__type(value, struct mlag_svi);
} mlag_svis SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MLAG_SENDERS_MAX);
	__type(key, __u32);
	__type(value, struct mlag_sender);
} mlag_senders SEC(".maps");

/* False for most frames, and cheap: no router MAC looks like that. */
static __always_inline bool may_be_router(const __u8 *mac)
{
	__u32 octet = mac[5];
	const __u32 *count = bpf_map_lookup_elem(&mlag_router_octets, &octet);

	return count && *count;
}

/* True when there is more to read: the frame is for a router of the pair. */
static __always_inline bool ask_router(struct parse_arrival *parsed)
{
	const struct mlag_router *router = bpf_map_lookup_elem(&mlag_routers, &parsed->router_key);

	parsed->packet.router_asked = 1;
	if (!router) {
		return false;
	}
	parsed->packet.router_found = 1;
	parsed->packet.router = *router;
	return true;
}

static __always_inline void ask_address(struct parse_arrival *parsed)
{
	struct mlag_address key = {
		.domain = parsed->packet.router.domain,
		.family = parsed->packet.family,
	};
	const __u8 *owner;

	__builtin_memcpy(key.octets, parsed->packet.destination, sizeof(key.octets));
	owner = bpf_map_lookup_elem(&mlag_addresses, &key);
	parsed->packet.address_asked = 1;
	parsed->packet.address_owner = owner ? *owner : MLAG_OWNER_NONE;
}

/* What the kernel will want to know of a packet before it routes it. */
static __always_inline void fill_lookup(const struct parse_arrival *parsed,
					struct bpf_fib_lookup *ret)
{
	const __u8 *header = parsed->header;

	__builtin_memset(ret, 0, sizeof(*ret));
	ret->ifindex = parsed->packet.router.own_ifindex;
	if (parsed->family == 4) {
		ret->family = AF_INET;
		ret->tos = header[1];
		ret->l4_protocol = header[9];
		ret->tot_len = (__u16)(header[2] << 8 | header[3]);
		__builtin_memcpy(&ret->ipv4_src, header + 12, sizeof(ret->ipv4_src));
		__builtin_memcpy(&ret->ipv4_dst, header + 16, sizeof(ret->ipv4_dst));
		return;
	}
	ret->family = AF_INET6;
	ret->l4_protocol = header[6];
	ret->tot_len = (__u16)((header[4] << 8 | header[5]) + MLAG_IPV6_HEADER_SIZE);
	__builtin_memcpy(&ret->flowinfo, header, sizeof(ret->flowinfo));
	ret->flowinfo &= bpf_htonl(0x0fffffff); /* without the version */
	__builtin_memcpy(ret->ipv6_src, header + 8, sizeof(ret->ipv6_src));
	__builtin_memcpy(ret->ipv6_dst, header + 24, sizeof(ret->ipv6_dst));
}

/* In a VRF the helper finds nothing by way of the rules (seen on 6.1): straight its table. */
static __always_inline __u32 lookup_flags(const struct parse_arrival *parsed)
{
	return parsed->packet.router.domain ? BPF_FIB_LOOKUP_DIRECT : 0;
}

/* There is a route, not that of the last resort, and the kernel will do what it says. */
static __always_inline bool is_route(long answer, const struct bpf_fib_lookup *lookup, __u32 domain)
{
	switch (answer) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return mlag_route_is_ours(lookup->rt_metric);
	case BPF_FIB_LKUP_RET_UNREACHABLE:
		return mlag_reject_is_route(domain);
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return true;
	default:
		return false;
	}
}

/*
 * Whether our kernel, given the packet, forwards it or answers its sender.  A route that says
 * blackhole, unreachable (not in a VRF) or prohibit is one; so is one whose next hop is not resolved yet, that
 * leaves by a tunnel, or whose MTU is too small.  Everything else is no route.
 *
 * Return: what the kernel said; @ret_lookup is an exit if that is BPF_FIB_LKUP_RET_SUCCESS.
 */
static __always_inline long ask_route(void *frame, struct parse_arrival *parsed,
				      struct bpf_fib_lookup *ret_lookup)
{
	long answer;

	fill_lookup(parsed, ret_lookup);
	answer = bpf_fib_lookup(frame, ret_lookup, sizeof(*ret_lookup), lookup_flags(parsed));
	parsed->packet.route_asked = 1;
	parsed->packet.route_found = is_route(answer, ret_lookup, parsed->packet.router.domain);
	return answer;
}

/* What mlag_receive() decides of a frame for a router, whose IP header was read. */
static __always_inline struct mlag_decision
decide(void *frame, const struct mlag_domain *domain, const struct mlag_port *port,
       struct parse_arrival *parsed, struct bpf_fib_lookup *ret_lookup, long *ret_answer)
{
	struct mlag_decision decision = mlag_receive(domain, port, &parsed->packet);

	*ret_answer = BPF_FIB_LKUP_RET_NOT_FWDED;
	if (decision.action == MLAG_ACTION_ASK_ADDRESS) {
		ask_address(parsed);
		decision = mlag_receive(domain, port, &parsed->packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ROUTE) {
		*ret_answer = ask_route(frame, parsed, ret_lookup);
		decision = mlag_receive(domain, port, &parsed->packet);
	}
	return decision;
}

/* The kernel drops what comes from where it has no route to (rp_filter); IPv6 has no such check. */
static __always_inline bool may_come_from(void *frame, const struct parse_arrival *parsed)
{
	__u32 own_ifindex = parsed->packet.router.own_ifindex;
	const struct mlag_svi *svi = bpf_map_lookup_elem(&mlag_svis, &own_ifindex);
	struct bpf_fib_lookup lookup;

	if (!svi) {
		return false;
	}
	if (!svi->reverse_path || parsed->family != 4) {
		return true;
	}
	fill_lookup(parsed, &lookup);
	lookup.tot_len = 0;
	__builtin_memcpy(&lookup.ipv4_dst, parsed->header + 12, sizeof(lookup.ipv4_dst));
	__builtin_memcpy(&lookup.ipv4_src, parsed->header + 16, sizeof(lookup.ipv4_src));
	switch (bpf_fib_lookup(frame, &lookup, sizeof(lookup), lookup_flags(parsed))) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return svi->reverse_path != 1 || lookup.ifindex == own_ifindex;
	default:
		return false;
	}
}

/* Finds the port that the next hop is behind.  Return: its ifindex, 0 when that is not known. */
static __always_inline __u32 ask_exit(void *frame, const struct parse_arrival *parsed,
				      const struct bpf_fib_lookup *lookup, long answer,
				      struct mlag_exit *ret)
{
	__u32 svi_ifindex = lookup->ifindex;
	const struct mlag_source *place;
	struct mlag_source_key key = {0};
	const struct mlag_svi *svi;
	__u32 ifindex;

	ret->asked = 1;
	if (answer != BPF_FIB_LKUP_RET_SUCCESS) {
		return 0;
	}
	svi = bpf_map_lookup_elem(&mlag_svis, &svi_ifindex);
	if (!svi) {
		return 0;
	}
	ret->vlan = svi->vlan;
	key.vlan = svi->vlan;
	__builtin_memcpy(key.mac, lookup->dmac, sizeof(key.mac));
	place = bpf_map_lookup_elem(&mlag_sources, &key);
	if (!place || !may_come_from(frame, parsed)) {
		return 0;
	}
	ifindex = place->ifindex;
	ret->port = find_port(ifindex);
	return ifindex;
}

static __always_inline struct mlag_sender *find_sender(const struct parse_arrival *parsed)
{
	__u32 place = mlag_sender_place(parsed->sender_key.word);

	return bpf_map_lookup_elem(&mlag_senders, &place);
}

/* Whether the frame's sender is to be seen by the bridge; @port_ifindex: where it came by. */
static __always_inline void ask_sender(const struct mlag_domain *domain,
				       struct parse_arrival *parsed, __u32 port_ifindex)
{
	const struct mlag_sender *sender = find_sender(parsed);

	parsed->arrival.sender_due = !sender ||
				     mlag_sender_is_due(domain, sender, parsed->sender_key.word,
							port_ifindex, bpf_jiffies64());
}

/* The bridge is about to see it.  Who writes at the same time makes it due again, no more. */
static __always_inline void note_sender(const struct parse_arrival *parsed, __u32 port_ifindex)
{
	struct mlag_sender *sender = find_sender(parsed);

	if (sender) {
		sender->key = parsed->sender_key.word;
		sender->ifindex = port_ifindex;
		sender->time_ticks = bpf_jiffies64();
	}
}

#endif
