/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The maps that eBPF programs and mlagd share: names, keys, values and sizes.  The types a decision
 * reads belong to lib/forward.h; this header only lays maps over them.  A missing entry always
 * means: pass.
 */
#ifndef MLAG_MAPS_H
#define MLAG_MAPS_H

#include <linux/types.h>

#include "forward.h"
#include "shortcut.h"

/*
 * All maps are allocated whole at load: the kernel refills an allocator of single elements when it
 * finds the time, and until then a burst of rows is refused with ENOMEM (User Mode Linux finds the
 * time at the next tick).
 */
#define MLAG_MAP_PORTS_MAX 1024	      /* legs, orphan ports and the peer link, by ifindex */
#define MLAG_MAP_ROUTERS_MAX 8192     /* router MACs of both members in their VLANs */
#define MLAG_MAP_ADDRESSES_MAX 16384  /* IP addresses of both members */
#define MLAG_MAP_ANSWER_SVIS_MAX 4096 /* SVIs of ours, one a VLAN */
#define MLAG_MAP_SVIS_MAX 4096
#define MLAG_MAP_ENTRIES_MAX 4096 /* slaves of ports */
#define MLAG_MAP_FAST_COUNTERS_MAX ((MLAG_MAP_PORTS_MAX + 1) * MLAG_REASONS_COUNT)
#define MLAG_MAP_COUNTERS_MAX (MLAG_MAP_PORTS_MAX * (MLAG_REASONS_COUNT - 1))

/* mlag_domain: array of one struct mlag_domain. */
/* mlag_ports: hash of __u32 ifindex to struct mlag_port. */
/* mlag_sources: hash of struct mlag_source_key to struct mlag_source, sized by mlagd at load. */
/* mlag_router_octets: array by the last octet of a MAC: how many of mlag_routers end in it. */
/* mlag_routers: hash of struct mlag_router_key to struct mlag_router; also of mark_peer_link. */
/* mlag_answer: array of one __u64, nanoseconds of CLOCK_MONOTONIC until which R30 is in force. */
/* mlag_answer_svis: hash of __u32 ifindex to struct mlag_answer_svi (answer.h). */
/* mlag_addresses: hash of struct mlag_address to __u8, enum mlag_owner. */
/* mlag_svis: hash of __u32 ifindex to struct mlag_svi. */
/* mlag_senders: array of struct mlag_sender; the programs fill it. */
/*
 * mlag_recalls: per-CPU array of struct mlag_recall; the programs fill it.  Who writes to mlag_ports,
 * mlag_routers, mlag_addresses or mlag_entries gives mlag_domain another epoch afterwards.
 */
/* mlag_entries: hash of __u32 ifindex of a slave where XDP runs to struct mlag_entry. */
/*
 * mlag_fast_counters: per-CPU array of struct mlag_counter: what XDP counted of a port, by reason, from
 * mlag_port.counters on; the first of those, of no reason, is not used.
 */
/* mlag_exits: devmap hash of __u32 ifindex: ports that take what XDP redirects. */

/**
 * struct mlag_entry - a device that is no port itself, where XDP runs
 * @ifindex: its bond, the bridge port that its frames come by
 */
struct mlag_entry {
	__u32 ifindex;
};

/*
 * What a daemon that finds the maps of another one may make of them.  The same number means: a map
 * whose keys have the same size holds the same things; a value may have become longer (what came
 * later is zero then) or shorter.  Counters are kept while there are as many reasons as before.
 */
#define MLAG_LAYOUT 1

/**
 * struct mlag_state - the one value of the array mlag_state, which no program reads
 * @layout: MLAG_LAYOUT of who wrote it, 0 for nobody
 * @size: bytes used of @bytes
 * @netns_cookie: of the network namespace it is about, 0 where the kernel has no such number
 * @program_ids: the programs that read these maps: those of the daemon that wrote this, then those
 *	of the one before, whose places they take one by one
 * @bytes: what mlag_resume_write() wrote
 */
#define MLAG_STATE_PROGRAMS_MAX 16
struct mlag_state {
	__u32 layout;
	__u32 size;
	__u64 netns_cookie;
	__u32 program_ids[MLAG_STATE_PROGRAMS_MAX];
	__u8 bytes[432];
};

/**
 * struct mlag_counter_key - key of the per-CPU hash mlag_counters
 * @ifindex: the port at which the program that decided is attached
 * @reason: enum mlag_reason
 */
struct mlag_counter_key {
	__u32 ifindex;
	__u32 reason;
};

struct mlag_counter {
	__u64 packets;
	__u64 bytes;
};

/* mlag_trials: programs by enum datapath_program, for frames that nobody sent (explain.bpf.c). */
#define MLAG_MAP_TRIALS_MAX 5
#define MLAG_TRIAL_FAILED 0x6d6c /* no verdict of tc */

/**
 * mlag_leg_rx: hash of __u32 ifindex to __u64, a running count of data frames that arrived on a leg
 * whose gate is not open; a change proves that the partner sends (DESIGN §4, leg-up).
 */

#endif
