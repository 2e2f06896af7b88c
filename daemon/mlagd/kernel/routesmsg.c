// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading route and rule messages, for routes.c.  What is malformed inside a message makes that
 * part as if it were not there: a next hop that cannot be read is no way out.
 */
#include "kernel/routesmsg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define ROUTESMSG_ATTRIBUTES_MAX 64

/* What all attributes of a message are, by number; later ones win. */
struct routesmsg_table {
	const struct nlattr *by_type[ROUTESMSG_ATTRIBUTES_MAX];
};

static int routesmsg_index(const struct nlattr *attribute, void *user)
{
	struct routesmsg_table *table = user;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type < ROUTESMSG_ATTRIBUTES_MAX) {
		table->by_type[type] = attribute;
	}
	return MNL_CB_OK;
}

static void routesmsg_parse_attributes(const void *data, size_t size, struct routesmsg_table *ret)
{
	memset(ret, 0, sizeof(*ret));
	(void)mnl_attr_parse_payload(data, size, routesmsg_index, ret);
}

static uint32_t routesmsg_number(const struct routesmsg_table *table, uint16_t type)
{
	const struct nlattr *attribute = table->by_type[type];

	return attribute != NULL && mnl_attr_get_payload_len(attribute) == sizeof(uint32_t)
		       ? mnl_attr_get_u32(attribute)
		       : 0;
}

static uint8_t routesmsg_family(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

/* RTA_GATEWAY is of the route's family, RTA_VIA says its own. */
static void routesmsg_read_gateway(const struct routesmsg_table *table, uint8_t family,
				   struct mlag_hop *hop)
{
	const struct nlattr *gateway = table->by_type[RTA_GATEWAY];
	const struct nlattr *via = table->by_type[RTA_VIA];
	const uint8_t *octets = NULL;
	uint32_t size = 0;

	if (gateway != NULL) {
		octets = mnl_attr_get_payload(gateway);
		size = mnl_attr_get_payload_len(gateway);
	} else if (via != NULL && mnl_attr_get_payload_len(via) > sizeof(uint16_t)) {
		const struct rtvia *header = mnl_attr_get_payload(via);

		family = routesmsg_family((uint8_t)header->rtvia_family);
		octets = header->rtvia_addr;
		size = mnl_attr_get_payload_len(via) - (uint32_t)sizeof(uint16_t);
	}
	if (octets != NULL && size == (family == 4 ? 4 : 16) && family != 0) {
		hop->family = family;
		memcpy(hop->octets, octets, size);
	}
}

static void routesmsg_add_hop(struct routesmsg *route, const struct routesmsg_table *table,
			      uint32_t ifindex, uint32_t flags)
{
	struct mlag_hop *hop;

	route->alive = route->alive || (flags & RTNH_F_DEAD) == 0;
	if (route->hops_count == MLAG_HOPS_MAX) {
		return;
	}
	hop = &route->hops[route->hops_count++];
	hop->ifindex = ifindex;
	hop->usable = (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) == 0;
	routesmsg_read_gateway(table, route->family, hop);
}

static void routesmsg_read_multipath(const struct nlattr *attribute, struct routesmsg *route)
{
	const uint8_t *data = mnl_attr_get_payload(attribute);
	size_t left = mnl_attr_get_payload_len(attribute);
	struct routesmsg_table table;
	struct rtnexthop hop;

	while (left >= sizeof(hop)) {
		size_t step;

		memcpy(&hop, data, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left) {
			return;
		}
		routesmsg_parse_attributes(data + sizeof(hop), hop.rtnh_len - sizeof(hop), &table);
		routesmsg_add_hop(route, &table, (uint32_t)hop.rtnh_ifindex, hop.rtnh_flags);
		step = ((size_t)hop.rtnh_len + RTNH_ALIGNTO - 1) / RTNH_ALIGNTO * RTNH_ALIGNTO;
		if (step >= left) {
			return;
		}
		data += step;
		left -= step;
	}
}

bool routesmsg_rejects(const struct routesmsg *route)
{
	return route->type == RTN_BLACKHOLE || route->type == RTN_UNREACHABLE ||
	       route->type == RTN_PROHIBIT;
}

static bool routesmsg_is_zero(const struct nlattr *attribute)
{
	static const uint8_t zero[16];

	return attribute == NULL || (mnl_attr_get_payload_len(attribute) <= sizeof(zero) &&
				     memcmp(mnl_attr_get_payload(attribute), zero,
					    mnl_attr_get_payload_len(attribute)) == 0);
}

int routesmsg_parse(const struct nlmsghdr *message, struct routesmsg *ret)
{
	const struct rtmsg *header;
	struct routesmsg_table table;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	if (routesmsg_family(header->rtm_family) == 0) {
		return -ENOMSG;
	}
	routesmsg_parse_attributes(mnl_nlmsg_get_payload_offset(message, sizeof(*header)),
				   message->nlmsg_len - NLMSG_LENGTH(sizeof(*header)), &table);
	memset(ret, 0, sizeof(*ret));
	ret->family = routesmsg_family(header->rtm_family);
	ret->table = routesmsg_number(&table, RTA_TABLE);
	if (ret->table == 0) {
		ret->table = header->rtm_table;
	}
	ret->protocol = header->rtm_protocol;
	ret->type = header->rtm_type;
	ret->prefix = header->rtm_dst_len;
	ret->from_zero = routesmsg_is_zero(table.by_type[RTA_DST]);
	ret->special = header->rtm_src_len != 0 || header->rtm_tos != 0 ||
		       (header->rtm_flags & RTM_F_CLONED) != 0;
	ret->priority = routesmsg_number(&table, RTA_PRIORITY);
	ret->nexthop_id = routesmsg_number(&table, RTA_NH_ID);
	if (routesmsg_rejects(ret)) {
		ret->alive = true;
	} else if (table.by_type[RTA_MULTIPATH] != NULL) {
		routesmsg_read_multipath(table.by_type[RTA_MULTIPATH], ret);
	} else {
		routesmsg_add_hop(ret, &table, routesmsg_number(&table, RTA_OIF),
				  header->rtm_flags);
	}
	return 0;
}

/* ---- the default route ---------------------------------------------------------------------- */

/* IPv6 keeps routes by several routers side by side, as one or as several. */
static void routesmsg_merge(struct routesmsg *best, const struct routesmsg *route)
{
	for (uint32_t i = 0; i < route->hops_count && best->hops_count < MLAG_HOPS_MAX; i++) {
		best->hops[best->hops_count++] = route->hops[i];
	}
}

void routesmsg_consider(struct routesmsg_choice *choice, const struct routesmsg *route)
{
	/* The kernel of old shows its own answer for "no route" as one. */
	bool null_entry = route->family == 6 && route->type == RTN_UNREACHABLE &&
			  route->protocol == RTPROT_KERNEL && route->priority == UINT32_MAX;

	if (route->prefix != 0 || route->special || null_entry || route->table != RT_TABLE_MAIN ||
	    (route->type != RTN_UNICAST && !routesmsg_rejects(route))) {
		return;
	}
	if (route->nexthop_id != 0 && choice->nexthops_count < ROUTES_NEXTHOPS_MAX) {
		choice->nexthops[choice->nexthops_count++] = route->nexthop_id;
	}
	if (!route->alive || (choice->found && route->priority > choice->best.priority)) {
		return;
	}
	if (choice->found && route->priority == choice->best.priority) {
		if (route->family == 6 && route->type == choice->best.type) {
			routesmsg_merge(&choice->best, route);
		}
		return;
	}
	choice->found = true;
	choice->best = *route;
}

void routesmsg_conclude(const struct routesmsg_choice *choice, uint8_t family,
			struct mlag_default_route *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->family = family;
	if (!choice->found) {
		return;
	}
	ret->present = true;
	ret->reject = routesmsg_rejects(&choice->best);
	ret->hops_count = choice->best.hops_count;
	memcpy(ret->hops, choice->best.hops, sizeof(ret->hops));
}

uint32_t routesmsg_parse_nexthop(const struct nlmsghdr *message)
{
	struct routesmsg_table table;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(struct nhmsg))) {
		return 0;
	}
	routesmsg_parse_attributes(mnl_nlmsg_get_payload_offset(message, sizeof(struct nhmsg)),
				   message->nlmsg_len - NLMSG_LENGTH(sizeof(struct nhmsg)), &table);
	return routesmsg_number(&table, NHA_ID);
}

/* ---- rules ---------------------------------------------------------------------------------- */

/* Nothing may be in a rule of ours that we did not put there. */
static bool routesmsg_is_bare(const struct fib_rule_hdr *header,
			      const struct routesmsg_table *table)
{
	return header->src_len == 0 && header->dst_len == 0 && header->tos == 0 &&
	       (header->flags & FIB_RULE_INVERT) == 0 && table->by_type[FRA_OIFNAME] == NULL &&
	       table->by_type[FRA_UID_RANGE] == NULL && table->by_type[FRA_IP_PROTO] == NULL &&
	       table->by_type[FRA_SPORT_RANGE] == NULL && table->by_type[FRA_DPORT_RANGE] == NULL;
}

static bool routesmsg_is_genuine(const struct fib_rule_hdr *header,
				 const struct routesmsg_table *table,
				 const struct routesmsg_rule *rule)
{
	return rule->priority == ROUTES_RULE_PRIORITY && rule->table == ROUTES_TABLE &&
	       header->action == FR_ACT_TO_TBL && rule->ifname[0] != '\0' &&
	       routesmsg_number(table, FRA_FWMARK) == 0 &&
	       routesmsg_number(table, FRA_FWMASK) == MLAG_MARK_PEER_LINK &&
	       routesmsg_is_bare(header, table);
}

static bool routesmsg_is_return(const struct fib_rule_hdr *header,
				const struct routesmsg_table *table,
				const struct routesmsg_rule *rule)
{
	return rule->priority == ROUTES_RETURN_PRIORITY && rule->ifname[0] == '\0' &&
	       header->action == FR_ACT_UNREACHABLE &&
	       routesmsg_number(table, FRA_FWMARK) == MLAG_MARK_RETURN &&
	       routesmsg_number(table, FRA_FWMASK) == MLAG_MARK_RETURN &&
	       routesmsg_is_bare(header, table);
}

int routesmsg_parse_rule(const struct nlmsghdr *message, struct routesmsg_rule *ret)
{
	const struct fib_rule_hdr *header;
	struct routesmsg_table table;
	const struct nlattr *name, *protocol;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	if (routesmsg_family(header->family) == 0) {
		return -ENOMSG;
	}
	routesmsg_parse_attributes(mnl_nlmsg_get_payload_offset(message, sizeof(*header)),
				   message->nlmsg_len - NLMSG_LENGTH(sizeof(*header)), &table);
	memset(ret, 0, sizeof(*ret));
	ret->family = routesmsg_family(header->family);
	ret->action = header->action;
	ret->priority = routesmsg_number(&table, FRA_PRIORITY);
	ret->table = routesmsg_number(&table, FRA_TABLE);
	if (ret->table == 0) {
		ret->table = header->table;
	}
	name = table.by_type[FRA_IIFNAME];
	if (name != NULL && mnl_attr_get_payload_len(name) <= sizeof(ret->ifname)) {
		memcpy(ret->ifname, mnl_attr_get_payload(name), mnl_attr_get_payload_len(name));
		ret->ifname[sizeof(ret->ifname) - 1] = '\0';
	}
	protocol = table.by_type[FRA_PROTOCOL];
	if (protocol != NULL && mnl_attr_get_payload_len(protocol) >= 1) {
		ret->protocol = mnl_attr_get_u8(protocol);
	}
	ret->genuine = routesmsg_is_genuine(header, &table, ret);
	ret->returns = routesmsg_is_return(header, &table, ret);
	return 0;
}
