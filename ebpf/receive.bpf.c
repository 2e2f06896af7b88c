// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What arrives for a router of the pair: R20 to R26.  receive runs at tc ingress of every bridge
 * port but the peer link.  What to do is decided in forward.h; here is only what a decision needs
 * from the kernel: maps and routes looked up, a MAC rewritten, frames counted.
 *
 * The bridge itself does most of it.  The peer's router MACs are static entries to the peer link in
 * its FDB, so a frame that is passed as it is goes to the peer, tagged as PL tags its VLAN, its
 * packet untouched (R22, R23, R25); and a frame that got our own MAC goes to our SVI and is routed
 * by the kernel (R21).  In both cases the bridge has learned the sender and has refused what the
 * port may not send.  With no program attached everything still arrives, by a detour.
 *
 * Most frames cost one look at the Ethernet header and one lookup.  Nothing here needs the kernel's
 * type information.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "maps.bpf.h"
#include "parse.bpf.h"

#define AF_INET 2
#define AF_INET6 10

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

static __always_inline void ask_router(struct __sk_buff *skb, struct parse_arrival *parsed)
{
	const struct mlag_router *router = bpf_map_lookup_elem(&mlag_routers, &parsed->router_key);

	parsed->packet.router_asked = 1;
	if (router) {
		parsed->packet.router_found = 1;
		parsed->packet.router = *router;
		parse_ip(skb, parsed);
	}
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
		__builtin_memcpy(&ret->ipv4_src, header + 12, sizeof(ret->ipv4_src));
		__builtin_memcpy(&ret->ipv4_dst, header + 16, sizeof(ret->ipv4_dst));
		return;
	}
	ret->family = AF_INET6;
	ret->l4_protocol = header[6];
	__builtin_memcpy(&ret->flowinfo, header, sizeof(ret->flowinfo));
	ret->flowinfo &= bpf_htonl(0x0fffffff); /* without the version */
	__builtin_memcpy(ret->ipv6_src, header + 8, sizeof(ret->ipv6_src));
	__builtin_memcpy(ret->ipv6_dst, header + 24, sizeof(ret->ipv6_dst));
}

/*
 * Whether our kernel, given the packet, forwards it or answers its sender.  A route that says
 * blackhole, unreachable or prohibit is one; so is one whose next hop is not resolved yet, that
 * leaves by a tunnel, or whose MTU is too small.  Everything else is no route.
 */
static __always_inline void ask_route(struct __sk_buff *skb, struct parse_arrival *parsed)
{
	/* In a VRF the helper finds nothing by way of the rules (seen on 6.1): straight its table. */
	__u32 flags = parsed->packet.router.domain ? BPF_FIB_LOOKUP_DIRECT : 0;
	struct bpf_fib_lookup lookup;

	fill_lookup(parsed, &lookup);
	parsed->packet.route_asked = 1;
	switch (bpf_fib_lookup(skb, &lookup, sizeof(lookup), flags)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		parsed->packet.route_found = mlag_route_is_ours(lookup.rt_metric);
		break;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		parsed->packet.route_found = 1;
		break;
	default:
		break;
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

/* A way round the bridge would begin here: the decision is made, and nothing is changed yet. */
static __always_inline int act(struct __sk_buff *skb, const struct mlag_router *router,
			       struct mlag_decision decision)
{
	if (decision.action == MLAG_ACTION_REWRITE) {
		return rewrite(skb, router, decision.reason);
	}
	if (decision.reason != MLAG_REASON_NONE) {
		count(skb, decision.reason);
	}
	return decision.action == MLAG_ACTION_DROP ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc")
int receive(struct __sk_buff *skb)
{
	const struct mlag_domain *domain = find_domain();
	const struct mlag_port *port = find_port(skb->ifindex);
	struct parse_ethernet ethernet;
	struct mlag_decision decision;
	struct parse_arrival parsed;

	if (!domain || !port || parse_ethernet(skb, &ethernet)) {
		return TC_ACT_UNSPEC;
	}
	observe(port, skb->ifindex, ethernet.destination);
	if (parse_arrival(skb, &ethernet, domain->vlan_aware, port->ingress_vid, &parsed)) {
		return TC_ACT_UNSPEC;
	}
	decision = mlag_receive(domain, port, &parsed.packet);
	if (decision.action == MLAG_ACTION_ASK_ROUTER) {
		ask_router(skb, &parsed);
		decision = mlag_receive(domain, port, &parsed.packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ADDRESS) {
		ask_address(&parsed);
		decision = mlag_receive(domain, port, &parsed.packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ROUTE) {
		ask_route(skb, &parsed);
		decision = mlag_receive(domain, port, &parsed.packet);
	}
	return act(skb, &parsed.packet.router, decision);
}
