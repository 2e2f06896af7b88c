// SPDX-License-Identifier: BSD-2-Clause
/*
 * The route and the rules of the last resort, by libnl-route-3.  routes.c decides what is missing
 * and calls this; every call is one request that the kernel answers at once.  All of what is
 * written or taken away carries our protocol number, so nobody else's is ever meant.
 */
#include "kernel/routeswrite.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ROUTESWRITE_TIMEOUT_S 5 /* the kernel answers at once, or something is broken */

struct routeswrite {
	struct nl_sock *socket;
	char error[256];
	char kernel_words[160]; /* extack of the last answer */
	int kernel_error;	/* negative errno of the last answer */
	uint32_t seq;		/* of the request that is out */
	bool answered;
};

/* ---- talking to the kernel ------------------------------------------------------------------ */

/* Every message that comes in passes here first: keep the kernel's writer words of an error. */
static int routeswrite_message_in(struct nl_msg *message, void *user)
{
	struct routeswrite *writer = user;
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct nlmsgerr *error = nlmsg_data(header);
	struct nlattr *words;

	if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_seq != writer->seq ||
	    nlmsg_datalen(header) < (int)sizeof(*error)) {
		return NL_OK;
	}
	writer->answered = true;
	writer->kernel_error = error->error;
	if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
		return NL_OK;
	}
	words = nlmsg_find_attr(header, (int)sizeof(*error), NLMSGERR_ATTR_MSG);
	if (words != NULL) {
		(void)nla_strlcpy(writer->kernel_words, words, sizeof(writer->kernel_words));
	}
	return NL_OK;
}

/* Send one request, take it over, and wait for its answer; @tolerated is no error. */
static int routeswrite_send_take(struct routeswrite *writer, struct nl_msg *message,
				 const char *what, int tolerated)
{
	int error;

	writer->kernel_error = 0;
	writer->kernel_words[0] = '\0';
	writer->answered = false;
	nl_complete_msg(writer->socket, message);
	writer->seq = nlmsg_hdr(message)->nlmsg_seq;
	error = nl_send(writer->socket, message);
	nlmsg_free(message);
	while (error >= 0 && !writer->answered) {
		error = nl_recvmsgs_default(writer->socket);
	}
	error = writer->answered ? writer->kernel_error : error == -NLE_AGAIN ? -ETIMEDOUT : -EIO;
	if (error == tolerated) {
		return 0;
	}
	if (error < 0) {
		(void)snprintf(writer->error, sizeof(writer->error), "%s: %s%s%s", what,
			       writer->kernel_words, writer->kernel_words[0] != '\0' ? ": " : "",
			       strerror(-error));
	}
	return error;
}

static int routeswrite_fail(struct routeswrite *writer, const char *what, int error)
{
	(void)snprintf(writer->error, sizeof(writer->error), "%s: %s", what, strerror(-error));
	return error;
}

static int routeswrite_family(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

/* ---- the route ------------------------------------------------------------------------------ */

/* The default route of our table, without a next hop yet. */
static struct rtnl_route *routeswrite_make_route(uint8_t family)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *everywhere = NULL;

	if (route == NULL ||
	    nl_addr_parse("default", routeswrite_family(family), &everywhere) < 0 ||
	    rtnl_route_set_family(route, (uint8_t)routeswrite_family(family)) < 0 ||
	    rtnl_route_set_dst(route, everywhere) < 0 ||
	    rtnl_route_set_type(route, RTN_UNICAST) < 0) {
		rtnl_route_put(route);
		nl_addr_put(everywhere);
		return NULL;
	}
	nl_addr_put(everywhere);
	rtnl_route_set_table(route, ROUTES_TABLE);
	rtnl_route_set_protocol(route, ROUTES_PROTOCOL);
	rtnl_route_set_priority(route, ROUTES_METRIC);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	return route;
}

static int routeswrite_add_hop(struct rtnl_route *route, uint8_t family, const uint8_t octets[16],
			       uint32_t ifindex)
{
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *gateway =
		nl_addr_build(routeswrite_family(family), octets, family == 4 ? 4 : 16);

	if (hop == NULL || gateway == NULL) {
		rtnl_route_nh_free(hop);
		nl_addr_put(gateway);
		return -ENOMEM;
	}
	rtnl_route_nh_set_gateway(hop, gateway);
	rtnl_route_nh_set_ifindex(hop, (int)ifindex);
	nl_addr_put(gateway);
	rtnl_route_add_nexthop(route, hop);
	rtnl_route_set_flags(route, RTNH_F_ONLINK);
	return 0;
}

int routeswrite_set_route(struct routeswrite *writer, uint8_t family, const uint8_t octets[16],
			  uint32_t ifindex)
{
	struct rtnl_route *route = routeswrite_make_route(family);
	struct nl_msg *message = NULL;

	if (route == NULL || routeswrite_add_hop(route, family, octets, ifindex) < 0 ||
	    rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
					 &message) < 0) {
		rtnl_route_put(route);
		return routeswrite_fail(writer, "adding the route", -ENOMEM);
	}
	rtnl_route_put(route);
	/* A device that has just gone: somebody is about to say so. */
	return routeswrite_send_take(writer, message, "adding the route", -ENODEV);
}

int routeswrite_delete_route(struct routeswrite *writer, uint8_t family)
{
	struct rtnl_route *route = routeswrite_make_route(family);
	struct nl_msg *message = NULL;

	if (route == NULL || rtnl_route_build_del_request(route, NLM_F_ACK, &message) < 0) {
		rtnl_route_put(route);
		return routeswrite_fail(writer, "deleting the route", -ENOMEM);
	}
	rtnl_route_put(route);
	return routeswrite_send_take(writer, message, "deleting the route", -ESRCH);
}

/* ---- rules ---------------------------------------------------------------------------------- */

static struct rtnl_rule *routeswrite_make_rule(uint8_t family, const char *ifname,
					       uint32_t priority, uint32_t table)
{
	struct rtnl_rule *rule = rtnl_rule_alloc();

	if (rule == NULL) {
		return NULL;
	}
	rtnl_rule_set_family(rule, routeswrite_family(family));
	rtnl_rule_set_prio(rule, priority);
	rtnl_rule_set_table(rule, table);
	rtnl_rule_set_action(rule, RTN_UNICAST); /* FR_ACT_TO_TBL */
	if ((ifname[0] != '\0' && rtnl_rule_set_iif(rule, ifname) < 0) ||
	    rtnl_rule_set_protocol(rule, ROUTES_PROTOCOL) < 0) {
		rtnl_rule_put(rule);
		return NULL;
	}
	return rule;
}

static int routeswrite_send_rule(struct routeswrite *writer, struct rtnl_rule *rule, bool present)
{
	const char *what = present ? "adding a rule" : "deleting a rule";
	struct nl_msg *message = NULL;
	int error = -1;

	if (rule != NULL && present) {
		error = rtnl_rule_build_add_request(rule, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
						    &message);
	} else if (rule != NULL) {
		error = rtnl_rule_build_delete_request(rule, NLM_F_ACK, &message);
	}
	rtnl_rule_put(rule);
	if (error < 0) {
		return routeswrite_fail(writer, what, -ENOMEM);
	}
	return routeswrite_send_take(writer, message, what, present ? -EEXIST : -ENOENT);
}

int routeswrite_set_rule(struct routeswrite *writer, uint8_t family, const char *ifname,
			 bool present)
{
	struct rtnl_rule *rule =
		routeswrite_make_rule(family, ifname, ROUTES_RULE_PRIORITY, ROUTES_TABLE);

	if (rule != NULL) {
		rtnl_rule_set_mark(rule, 0);
		rtnl_rule_set_mask(rule, MLAG_MARK_PEER_LINK);
	}
	return routeswrite_send_rule(writer, rule, present);
}

int routeswrite_set_return_rule(struct routeswrite *writer, uint8_t family, bool present)
{
	struct rtnl_rule *rule =
		routeswrite_make_rule(family, "", ROUTES_RETURN_PRIORITY, RT_TABLE_UNSPEC);

	if (rule != NULL) {
		rtnl_rule_set_action(rule, FR_ACT_UNREACHABLE);
		rtnl_rule_set_mark(rule, MLAG_MARK_RETURN);
		rtnl_rule_set_mask(rule, MLAG_MARK_RETURN);
	}
	return routeswrite_send_rule(writer, rule, present);
}

int routeswrite_delete_rule(struct routeswrite *writer, const struct routesmsg_rule *rule)
{
	struct rtnl_rule *theirs =
		routeswrite_make_rule(rule->family, rule->ifname, rule->priority, rule->table);

	if (theirs != NULL) {
		rtnl_rule_set_action(theirs, rule->action);
	}
	return routeswrite_send_rule(writer, theirs, false);
}

/* ---- life and death ------------------------------------------------------------------------- */

static int routeswrite_init(struct routeswrite *writer)
{
	struct timeval timeout = {.tv_sec = ROUTESWRITE_TIMEOUT_S};
	int one = 1;

	writer->socket = nl_socket_alloc();
	if (writer->socket == NULL) {
		return -ENOMEM;
	}
	if (nl_connect(writer->socket, NETLINK_ROUTE) < 0 ||
	    nl_socket_modify_cb(writer->socket, NL_CB_MSG_IN, NL_CB_CUSTOM, routeswrite_message_in,
				writer) < 0 ||
	    setsockopt(nl_socket_get_fd(writer->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0) {
		return -EIO;
	}
	/* A late answer is told by its number, in routeswrite_message_in(). */
	nl_socket_disable_seq_check(writer->socket);
	(void)setsockopt(nl_socket_get_fd(writer->socket), SOL_NETLINK, NETLINK_EXT_ACK, &one,
			 sizeof(one));
	(void)setsockopt(nl_socket_get_fd(writer->socket), SOL_NETLINK, NETLINK_CAP_ACK, &one,
			 sizeof(one));
	return 0;
}

int routeswrite_open(struct routeswrite **ret)
{
	struct routeswrite *writer = calloc(1, sizeof(*writer));
	int error;

	if (writer == NULL) {
		return -ENOMEM;
	}
	error = routeswrite_init(writer);
	if (error < 0) {
		routeswrite_close(writer);
		return error;
	}
	*ret = writer;
	return 0;
}

void routeswrite_close(struct routeswrite *writer)
{
	if (writer == NULL) {
		return;
	}
	nl_socket_free(writer->socket);
	free(writer);
}

const char *routeswrite_error(const struct routeswrite *writer)
{
	return writer->error;
}
