// SPDX-License-Identifier: BSD-2-Clause
/*
 * The route and the rules of the last resort as they are and as they are wanted, for routes.c.
 * Whatever carries our protocol number is ours, whichever daemon made it: kept if it is as it is
 * wanted, otherwise taken away.  What does not carry it never comes in here.
 */
#include "kernel/routesown.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/linkmsg.h"
#include "kernel/netlink.h"
#include "kernel/routeslook.h"
#include "kernel/routesmsg.h"
#include "kernel/routeswrite.h"
#include "log.h"

#define ROUTESOWN_RECEIVE_BYTES (256 * 1024)
#define ROUTESOWN_RULES_MAX (2 * ROUTES_DEVICES_MAX)

/* What is there of one family, as just read. */
struct routesown_found {
	uint8_t family;
	uint32_t rules_count;
	bool has_route;
	struct routesmsg route;
	struct routesmsg_rule rules[ROUTESOWN_RULES_MAX];
};

struct routesown {
	struct netlink request;
	struct routeswrite *writer;
	struct routesown_found found;
	char names[ROUTES_DEVICES_MAX][IFNAMSIZ];
	bool there[ROUTES_DEVICES_MAX];
};

/* ---- reading -------------------------------------------------------------------------------- */

static void routesown_take(void *user, const struct nlmsghdr *message)
{
	struct routesown_found *found = user;
	struct routesmsg_rule rule;
	struct routesmsg route;

	if (message->nlmsg_type == RTM_NEWRULE && routesmsg_parse_rule(message, &rule) == 0 &&
	    rule.family == found->family && rule.protocol == ROUTES_PROTOCOL) {
		if (found->rules_count < ROUTESOWN_RULES_MAX) {
			found->rules[found->rules_count++] = rule;
		}
	} else if (message->nlmsg_type == RTM_NEWROUTE && routesmsg_parse(message, &route) == 0 &&
		   route.family == found->family && route.table == ROUTES_TABLE &&
		   route.protocol == ROUTES_PROTOCOL && route.prefix == 0 &&
		   route.priority == ROUTES_METRIC) {
		found->has_route = true;
		found->route = route;
	}
}

static int routesown_ask(struct routesown *own, struct nlmsghdr *message, netlink_handler handler,
			 void *user)
{
	int error = netlink_send(&own->request, message, message->nlmsg_len);

	if (error == 0) {
		error = netlink_collect(&own->request, message->nlmsg_seq, handler, user);
	}
	if (error == -ENOBUFS || error == -ETIMEDOUT) {
		netlink_discard(&own->request);
	}
	/* No such table yet; a kernel without that family, or without rules. */
	return error == -ENOENT || error == -EOPNOTSUPP || error == -EAFNOSUPPORT ? 0 : error;
}

static int routesown_read(struct routesown *own, uint8_t family)
{
	uint8_t buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_prepare(&own->request, buffer, RTM_GETRULE, NLM_F_DUMP);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	int error;

	own->found.family = family;
	own->found.rules_count = 0;
	own->found.has_route = false;
	header->family = family == 4 ? AF_INET : AF_INET6;
	error = routesown_ask(own, message, routesown_take, &own->found);
	if (error < 0) {
		return error;
	}
	message = routeslook_prepare(&own->request, buffer, family, ROUTES_TABLE);
	return routesown_ask(own, message, routesown_take, &own->found);
}

int routesown_find(struct routesown *own, uint8_t family, bool *ret_found)
{
	int error = routesown_read(own, family);

	if (error == 0) {
		*ret_found = own->found.has_route || own->found.rules_count > 0;
	}
	return error;
}

static void routesown_take_lower(void *user, const struct nlmsghdr *message)
{
	uint32_t *lower_ifindex = user;
	struct linkmsg link;

	if (message->nlmsg_type == RTM_NEWLINK && linkmsg_parse(message, &link) == 0) {
		*lower_ifindex = link.lower;
	}
}

uint32_t routesown_lower(struct routesown *own, uint32_t ifindex)
{
	uint8_t buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_prepare(&own->request, buffer, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	uint32_t lower_ifindex = 0;

	header->ifi_index = (int)ifindex;
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	(void)routesown_ask(own, message, routesown_take_lower, &lower_ifindex);
	return lower_ifindex;
}

/* ---- bringing in line ----------------------------------------------------------------------- */

static int routesown_compare_names(const void *a, const void *b)
{
	return strncmp(a, b, IFNAMSIZ);
}

/* The devices by name, each once: a rule holds the name, and waits for a device that is gone. */
static uint32_t routesown_names(struct routesown *own, const struct routes_wanted *wanted)
{
	uint32_t count = 0, kept = 0;

	for (uint32_t i = 0; i < wanted->devices_count; i++) {
		memset(own->names[count], 0, IFNAMSIZ);
		count += if_indextoname(wanted->devices[i], own->names[count]) != NULL;
	}
	qsort(own->names, count, IFNAMSIZ, routesown_compare_names);
	for (uint32_t i = 0; i < count; i++) {
		if (kept == 0 || strncmp(own->names[kept - 1], own->names[i], IFNAMSIZ) != 0) {
			memmove(own->names[kept++], own->names[i], IFNAMSIZ);
		}
	}
	return kept;
}

/* Take a rule away; the kernel finds it by all that it is. */
static int routesown_delete_rule(struct routesown *own, const struct routesmsg_rule *rule)
{
	if (rule->returns) {
		return routeswrite_set_return_rule(own->writer, rule->family, false);
	}
	return rule->genuine ? routeswrite_set_rule(own->writer, rule->family, rule->ifname, false)
			     : routeswrite_delete_rule(own->writer, rule);
}

/* The one rule that is for no device. */
static int routesown_sync_return(struct routesown *own, bool armed)
{
	bool there = false;

	for (uint32_t i = 0; i < own->found.rules_count; i++) {
		there = there || own->found.rules[i].returns;
	}
	return there == armed ? 0
			      : routeswrite_set_return_rule(own->writer, own->found.family, armed);
}

static int routesown_sync_rules(struct routesown *own, const struct routes_wanted *wanted,
				bool armed)
{
	uint32_t count = armed ? routesown_names(own, wanted) : 0;
	int error = 0, r;

	memset(own->there, 0, count * sizeof(own->there[0]));
	for (uint32_t i = 0; i < own->found.rules_count; i++) {
		const struct routesmsg_rule *rule = &own->found.rules[i];
		const char *name = rule->genuine ? bsearch(rule->ifname, own->names, count,
							   IFNAMSIZ, routesown_compare_names)
						 : NULL;
		size_t place = name != NULL ? (size_t)(name - own->names[0]) / IFNAMSIZ : 0;

		if (rule->returns) {
			continue;
		}
		if (name != NULL && !own->there[place]) {
			own->there[place] = true;
			continue;
		}
		r = routesown_delete_rule(own, rule);
		error = r < 0 ? r : error;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!own->there[i]) {
			r = routeswrite_set_rule(own->writer, own->found.family, own->names[i],
						 true);
			error = r < 0 ? r : error;
		}
	}
	return error;
}

static bool routesown_is_wanted(const struct routesown_found *found,
				const struct mlag_last_resort *resort)
{
	const struct mlag_hop *hop = &found->route.hops[0];

	return found->has_route && found->route.hops_count == 1 &&
	       hop->ifindex == resort->ifindex && hop->family == found->family &&
	       memcmp(hop->octets, resort->octets, sizeof(hop->octets)) == 0;
}

static int routesown_sync_route(struct routesown *own, const struct mlag_last_resort *resort)
{
	bool active = resort->state == MLAG_LAST_RESORT_ACTIVE;

	if (active && !routesown_is_wanted(&own->found, resort)) {
		return routeswrite_set_route(own->writer, resort->family, resort->octets,
					     resort->ifindex);
	}
	if (!active && own->found.has_route) {
		return routeswrite_delete_route(own->writer, resort->family);
	}
	return 0;
}

int routesown_sync(struct routesown *own, const struct mlag_last_resort *resort,
		   const struct routes_wanted *wanted)
{
	int error = routesown_read(own, resort->family);
	int route_error, rules_error, return_error;

	if (error < 0) {
		log_debug("last resort: what is ours cannot be read: %s", strerror(-error));
		return -EAGAIN;
	}
	/* The route first: it is what forwards. */
	route_error = routesown_sync_route(own, resort);
	rules_error = routesown_sync_rules(own, wanted, resort->armed);
	return_error = routesown_sync_return(own, resort->armed);
	if (route_error < 0) {
		return route_error;
	}
	return rules_error < 0 ? rules_error : return_error;
}

const char *routesown_error(const struct routesown *own)
{
	return routeswrite_error(own->writer);
}

int routesown_open(struct routesown **ret)
{
	struct routesown *own = calloc(1, sizeof(*own));
	int error;

	if (own == NULL) {
		return -ENOMEM;
	}
	error = netlink_open(&own->request, ROUTESOWN_RECEIVE_BYTES);
	if (error == 0) {
		error = routeswrite_open(&own->writer);
	}
	if (error < 0) {
		routesown_close(own);
		return error;
	}
	*ret = own;
	return 0;
}

void routesown_close(struct routesown *own)
{
	if (own == NULL) {
		return;
	}
	routeswrite_close(own->writer);
	netlink_close(&own->request);
	free(own);
}
