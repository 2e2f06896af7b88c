/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The maps that every program reads, and what each of them does with those.  Each object that
 * includes this has them; mlagd gives all objects the same ones at load.
 */
#ifndef MLAG_MAPS_BPF_H
#define MLAG_MAPS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "mlag_maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mlag_domain);
} mlag_domain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MLAG_MAP_PORTS_MAX);
	__type(key, __u32);
	__type(value, struct mlag_port);
} mlag_ports SEC(".maps");

/* mlagd sizes it at load. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct mlag_source_key);
	__type(value, struct mlag_source);
} mlag_sources SEC(".maps");

/* mlagd makes the rows of a port when it attaches there, so the programs never fill it up. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MLAG_MAP_COUNTERS_MAX);
	__type(key, struct mlag_counter_key);
	__type(value, struct mlag_counter);
} mlag_counters SEC(".maps");

static __always_inline const struct mlag_domain *find_domain(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&mlag_domain, &zero);
}

static __always_inline const struct mlag_port *find_port(__u32 ifindex)
{
	return bpf_map_lookup_elem(&mlag_ports, &ifindex);
}

static __always_inline void count(struct __sk_buff *skb, enum mlag_reason reason)
{
	struct mlag_counter_key key = {.ifindex = skb->ifindex, .reason = reason};
	struct mlag_counter *counter = bpf_map_lookup_elem(&mlag_counters, &key);

	if (counter) {
		counter->packets += skb->gso_segs > 1 ? skb->gso_segs : 1;
		counter->bytes += skb->len;
	}
}

#endif
