/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading messages about routes and rules, and choosing the default route that the kernel uses:
 * bytes in, values out, no socket.
 */
#ifndef MLAGD_KERNEL_ROUTESMSG_H
#define MLAGD_KERNEL_ROUTESMSG_H

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "mlag.h"

/*
 * What is ours in the kernel's routing (R31), so that an administrator knows it, and the daemon
 * finds it again.  The protocol number is free in rtnetlink.h and among those of FRR (186 to 199)
 * and other daemons; table and metric spell "mlag".  The rules come after main (32766) and default
 * (32767).
 */
#define ROUTES_PROTOCOL 109
#define ROUTES_TABLE MLAG_LAST_RESORT_METRIC
#define ROUTES_METRIC MLAG_LAST_RESORT_METRIC
#define ROUTES_RULE_PRIORITY 32800
/* What would go back to the peer that has routed it to us: before the rule of the VRFs (1000). */
#define ROUTES_RETURN_PRIORITY 999

#define ROUTES_NEXTHOPS_MAX 8 /* numbers of next hop objects that are watched */

/**
 * struct routesmsg - one route
 * @family: 4 or 6
 * @table, @protocol, @type: RT_TABLE_*, RTPROT_*, RTN_*
 * @special: with a source, a TOS or a clone of a route: not for every packet
 * @prefix: length of the destination's prefix
 * @from_zero: the destination begins at 0.0.0.0 or ::
 * @priority: the metric; lower is better
 * @nexthop_id: of a next hop object, 0 for none
 * @alive: the kernel uses it: it rejects, or a next hop is not dead
 * @hops_count, @hops: usable is: neither dead nor without carrier; lower_ifindex is not known here
 */
struct routesmsg {
	uint8_t family;
	uint32_t table;
	uint8_t protocol;
	uint8_t type;
	bool special;
	uint8_t prefix;
	bool from_zero;
	uint32_t priority;
	uint32_t nexthop_id;
	bool alive;
	uint32_t hops_count;
	struct mlag_hop hops[MLAG_HOPS_MAX];
};

/**
 * routesmsg_parse() - read a RTM_NEWROUTE or RTM_DELROUTE
 * @message: the whole message
 * @ret: filled
 *
 * Return: 0, -EBADMSG for one that is cut short, -ENOMSG for other families.
 */
int routesmsg_parse(const struct nlmsghdr *message, struct routesmsg *ret);

/**
 * routesmsg_rejects() - the route says no, in one way or another
 * @route: any route
 */
bool routesmsg_rejects(const struct routesmsg *route);

/**
 * struct routesmsg_choice - the default route that the kernel uses, as far as it was told
 * @best: of those told; counts when @found
 * @nexthops_count, @nexthops: next hop objects of any of them
 */
struct routesmsg_choice {
	bool found;
	struct routesmsg best;
	uint32_t nexthops_count;
	uint32_t nexthops[ROUTES_NEXTHOPS_MAX];
};

/**
 * routesmsg_consider() - one more route of the main table
 * @choice: zeroed before the first
 * @route: any route
 */
void routesmsg_consider(struct routesmsg_choice *choice, const struct routesmsg *route);

/**
 * routesmsg_conclude() - what was chosen
 * @choice: after the last route
 * @family: 4 or 6
 * @ret: filled, but for lower_ifindex and adopted
 */
void routesmsg_conclude(const struct routesmsg_choice *choice, uint8_t family,
			struct mlag_default_route *ret);

/**
 * routesmsg_parse_nexthop() - the number of a next hop object, of a RTM_NEWNEXTHOP or DELNEXTHOP
 *
 * Return: 0 when there is none.
 */
uint32_t routesmsg_parse_nexthop(const struct nlmsghdr *message);

/**
 * struct routesmsg_rule - one routing rule
 * @family: 4 or 6
 * @protocol: who made it
 * @genuine: it is as ours for devices are: priority, table, mark, incoming device, nothing else
 * @returns: it is as our rule for what would go back to the peer is
 * @ifname: the incoming device, "" for none
 * @action: FR_ACT_*
 * @priority, @table: of the rule
 */
struct routesmsg_rule {
	uint8_t family;
	uint8_t protocol;
	bool genuine;
	bool returns;
	char ifname[IFNAMSIZ];
	uint8_t action;
	uint32_t priority;
	uint32_t table;
};

/**
 * routesmsg_parse_rule() - read a RTM_NEWRULE or RTM_DELRULE
 *
 * Return: as routesmsg_parse().
 */
int routesmsg_parse_rule(const struct nlmsghdr *message, struct routesmsg_rule *ret);

#endif
