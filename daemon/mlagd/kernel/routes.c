// SPDX-License-Identifier: BSD-2-Clause
/*
 * The last resort in the kernel (see routes.h).  effects.c owns the object and is called back.
 *
 * An event is only a reason to look: IPv4 routes vanish with their device, their address or their
 * next hop object without a word, and nobody says which of several metrics counts.  What counts is
 * what the kernel answers when it is asked for the default route (routeslook.c), and for what is
 * ours (routesown.c).  The socket for events drops all routes but default ones before they take
 * room, so a full table that changes all day is not noticed.
 */
#include "kernel/routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/linkmsg.h"
#include "kernel/netlink.h"
#include "kernel/routeslook.h"
#include "kernel/routesmsg.h"
#include "kernel/routesown.h"
#include "log.h"

#define ROUTES_RECEIVE_BYTES (4 * 1024 * 1024)
#define ROUTES_SLICE_MAX 64	 /* datagrams of events a wakeup */
#define ROUTES_REPAIR_US 1000000 /* between two looks at what is ours, unasked */
#define ROUTES_SETTLE_US 20000	 /* events come in crowds */
#define ROUTES_ACCURACY_US 1000

static const uint8_t families[ROUTES_FAMILIES] = {4, 6};

/**
 * struct routes_family - one family
 * @looked: the default route was read since watching began
 * @adopted: something of ours was there when it began
 * @reported: as the handler knows it, when @looked
 * @nexthops_count, @nexthops: next hop objects of the default routes
 * @problem: what the kernel refuses, "" for nothing
 */
struct routes_family {
	bool looked;
	bool adopted;
	struct mlag_default_route reported;
	uint32_t nexthops_count;
	uint32_t nexthops[ROUTES_NEXTHOPS_MAX];
	char problem[320];
};

struct routes {
	sd_event *event;
	sd_event_source *io_source;
	sd_event_source *timer; /* to look at what is ours */
	struct routes_handler handler;
	void *user;
	bool enabled;
	struct netlink netlink;
	struct routeslook *look;
	struct routesown *own;
	uint64_t synced_us;
	struct routes_family families[ROUTES_FAMILIES];
	struct routes_wanted wanted;
	bool wanted_known;
};

static uint32_t routes_index(uint8_t family)
{
	return family == 6;
}

static uint64_t routes_now_us(const struct routes *routes)
{
	uint64_t now_us = 0;

	(void)sd_event_now(routes->event, CLOCK_MONOTONIC, &now_us);
	return now_us;
}

/* ---- the default routes --------------------------------------------------------------------- */

static void routes_looked(void *user, uint8_t family, const struct routesmsg_choice *choice)
{
	struct routes *routes = user;
	struct routes_family *entry = &routes->families[routes_index(family)];
	struct mlag_default_route route;
	bool first = !entry->looked;

	routesmsg_conclude(choice, family, &route);
	for (uint32_t i = 0; i < route.hops_count; i++) {
		if (route.hops[i].ifindex != 0) {
			route.hops[i].lower_ifindex =
				routesown_lower(routes->own, route.hops[i].ifindex);
		}
	}
	entry->looked = true;
	entry->nexthops_count = choice->nexthops_count;
	memcpy(entry->nexthops, choice->nexthops, sizeof(entry->nexthops));
	if (!first && memcmp(&route, &entry->reported, sizeof(route)) == 0) {
		return;
	}
	entry->reported = route;
	route.adopted = first && entry->adopted;
	routes->handler.default_route(routes->user, &route);
}

/* ---- what is ours --------------------------------------------------------------------------- */

static int routes_timer_due(sd_event_source *source, uint64_t now_us, void *user);

static void routes_arm(struct routes *routes, uint64_t due_us)
{
	int error;

	if (routes->timer == NULL) {
		error = sd_event_add_time(routes->event, &routes->timer, CLOCK_MONOTONIC, due_us,
					  ROUTES_ACCURACY_US, routes_timer_due, routes);
	} else {
		error = sd_event_source_set_time(routes->timer, due_us);
		if (error >= 0) {
			error = sd_event_source_set_enabled(routes->timer, SD_EVENT_ONESHOT);
		}
	}
	if (error < 0) {
		log_error("routes: cannot arm a timer: %s", strerror(-error));
	}
}

/* Said once, however often it is tried. */
static void routes_judge(struct routes *routes, uint32_t index, int error)
{
	struct routes_family *entry = &routes->families[index];
	char text[sizeof(entry->problem)] = "";

	if (error < 0) {
		(void)snprintf(text, sizeof(text), "IPv%u: %s", families[index],
			       routesown_error(routes->own));
	}
	if (strcmp(text, entry->problem) == 0) {
		return;
	}
	if (error < 0) {
		log_warning("last resort: %s; trying again every second", text);
	} else {
		log_notice("last resort: IPv%u is as it is wanted", families[index]);
	}
	memcpy(entry->problem, text, sizeof(text));
}

static void routes_sync(struct routes *routes)
{
	bool again = false;

	for (uint32_t i = 0; i < ROUTES_FAMILIES && routes->wanted_known; i++) {
		const struct mlag_last_resort *resort = &routes->wanted.resorts[i];
		int error;

		if (resort->keep || (routes->enabled && !routes->families[i].looked)) {
			continue;
		}
		error = routesown_sync(routes->own, resort, &routes->wanted);
		again = again || error < 0;
		if (error != -EAGAIN) {
			routes_judge(routes, i, error);
		}
	}
	routes->synced_us = routes_now_us(routes);
	if (again) {
		routes_arm(routes, routes->synced_us + ROUTES_REPAIR_US);
	}
}

static int routes_timer_due(sd_event_source *source, uint64_t now_us, void *user)
{
	(void)source;
	(void)now_us;
	routes_sync(user);
	return 0;
}

/* Somebody, perhaps we, changed something of ours: look, but take turns with who insists. */
static void routes_want_sync(struct routes *routes)
{
	uint64_t settled_us = routes_now_us(routes) + ROUTES_SETTLE_US;
	uint64_t due_us = routes->synced_us + ROUTES_REPAIR_US;

	routes_arm(routes, due_us > settled_us ? due_us : settled_us);
}

void routes_apply(struct routes *routes, const struct routes_wanted *wanted)
{
	routes->wanted = *wanted;
	routes->wanted_known = true;
	routes_sync(routes);
}

const char *routes_problem(const struct routes *routes)
{
	for (uint32_t i = 0; i < ROUTES_FAMILIES; i++) {
		if (routes->families[i].problem[0] != '\0') {
			return routes->families[i].problem;
		}
	}
	return NULL;
}

/* ---- events --------------------------------------------------------------------------------- */

/* What a slice of events gives reason for. */
struct routes_reasons {
	const struct routes *routes;
	bool look[ROUTES_FAMILIES];
	bool own;
};

static bool routes_is_hop(const struct routes_family *family, uint32_t ifindex)
{
	for (uint32_t i = 0; i < family->reported.hops_count; i++) {
		if (family->reported.hops[i].ifindex == ifindex) {
			return true;
		}
	}
	return false;
}

static void routes_take_link(struct routes_reasons *reasons, const struct nlmsghdr *message)
{
	const struct routes *routes = reasons->routes;
	struct linkmsg link;

	if (linkmsg_family(message) != AF_UNSPEC || linkmsg_parse(message, &link) < 0) {
		return;
	}
	for (uint32_t i = 0; i < ROUTES_FAMILIES; i++) {
		reasons->look[i] = reasons->look[i] ||
				   routes_is_hop(&routes->families[i], link.ifindex);
	}
	for (uint32_t i = 0; i < routes->wanted.devices_count && !reasons->own; i++) {
		reasons->own = routes->wanted.devices[i] == link.ifindex;
	}
}

static void routes_take_nexthop(struct routes_reasons *reasons, const struct nlmsghdr *message)
{
	uint32_t id = routesmsg_parse_nexthop(message);

	for (uint32_t i = 0; i < ROUTES_FAMILIES; i++) {
		const struct routes_family *family = &reasons->routes->families[i];

		for (uint32_t j = 0; j < family->nexthops_count; j++) {
			reasons->look[i] = reasons->look[i] || family->nexthops[j] == id;
		}
	}
}

static void routes_take_route(struct routes_reasons *reasons, const struct nlmsghdr *message)
{
	struct routesmsg route;

	if (routesmsg_parse(message, &route) < 0 || route.prefix != 0) {
		return;
	}
	if (route.table == RT_TABLE_MAIN) {
		reasons->look[routes_index(route.family)] = true;
	}
	reasons->own = reasons->own || route.table == ROUTES_TABLE;
}

static void routes_take(void *user, const struct nlmsghdr *message)
{
	struct routes_reasons *reasons = user;
	struct routesmsg_rule rule;

	switch (message->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		routes_take_route(reasons, message);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		reasons->own = reasons->own || (routesmsg_parse_rule(message, &rule) == 0 &&
						rule.protocol == ROUTES_PROTOCOL);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		routes_take_link(reasons, message);
		break;
	case RTM_DELADDR:
		/* What had it as its source went without a word; so did all of the device's last. */
		reasons->look[routes_index(4)] = true;
		reasons->own = true;
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		routes_take_nexthop(reasons, message);
		break;
	default:
		break;
	}
}

static int routes_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct routes *routes = user;
	struct routes_reasons reasons = {.routes = routes};
	int count = netlink_read(&routes->netlink, ROUTES_SLICE_MAX, routes_take, &reasons);

	(void)source;
	(void)fd;
	(void)events;
	if (count < 0) {
		log_warning("routes: events were lost (%s); looking at all again",
			    strerror(-count));
		netlink_discard(&routes->netlink);
		reasons.look[0] = true;
		reasons.look[1] = true;
		reasons.own = true;
	}
	if (reasons.own) {
		routes_want_sync(routes);
	}
	for (uint32_t i = 0; i < ROUTES_FAMILIES; i++) {
		if (reasons.look[i] && routes->enabled) {
			routeslook_want(routes->look, families[i]);
		}
	}
	return 0;
}

/* Of a million routes that come and go only the default ones take room in the socket. */
static int routes_filter(const struct netlink *netlink)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_dst_len)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (setsockopt(netlink_fd(netlink), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0) {
		return -errno;
	}
	return 0;
}

/* ---- life and death ------------------------------------------------------------------------- */

static int routes_subscribe(struct routes *routes)
{
	static const unsigned int groups[] = {RTNLGRP_LINK,	  RTNLGRP_IPV4_IFADDR,
					      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
					      RTNLGRP_IPV4_RULE,  RTNLGRP_IPV6_RULE};
	int error = netlink_open(&routes->netlink, ROUTES_RECEIVE_BYTES);

	if (error == 0) {
		error = routes_filter(&routes->netlink);
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && error == 0; i++) {
		error = netlink_join(&routes->netlink, groups[i]);
	}
	if (error == 0) {
		error = routeslook_open(&routes->look, routes->event, routes_looked, routes);
	}
	if (error < 0) {
		return error;
	}
	(void)netlink_join(&routes->netlink, RTNLGRP_NEXTHOP); /* since 5.3 */
	return sd_event_add_io(routes->event, &routes->io_source, netlink_fd(&routes->netlink),
			       EPOLLIN, routes_readable, routes);
}

static void routes_disable(struct routes *routes)
{
	routes->enabled = false;
	routes->io_source = sd_event_source_disable_unref(routes->io_source);
	routeslook_close(routes->look);
	routes->look = NULL;
	netlink_close(&routes->netlink);
	memset(routes->families, 0, sizeof(routes->families));
}

int routes_set_enabled(struct routes *routes, bool enabled)
{
	int error = 0;

	if (routes->enabled == enabled) {
		return 0;
	}
	if (!enabled) {
		routes_disable(routes);
		return 0;
	}
	error = routes_subscribe(routes);
	for (uint32_t i = 0; i < ROUTES_FAMILIES && error >= 0; i++) {
		error = routesown_find(routes->own, families[i], &routes->families[i].adopted);
	}
	if (error < 0) {
		routes_disable(routes);
		return error;
	}
	routes->enabled = true;
	for (uint32_t i = 0; i < ROUTES_FAMILIES; i++) {
		routeslook_want(routes->look, families[i]);
	}
	return 0;
}

int routes_open(struct routes **ret, sd_event *event, const struct routes_handler *handler,
		void *user)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	int error;

	if (routes == NULL) {
		return -ENOMEM;
	}
	routes->event = sd_event_ref(event);
	routes->handler = *handler;
	routes->user = user;
	error = routesown_open(&routes->own);
	if (error < 0) {
		routes_close(routes);
		return error;
	}
	*ret = routes;
	return 0;
}

void routes_close(struct routes *routes)
{
	if (routes == NULL) {
		return;
	}
	routes_disable(routes);
	sd_event_source_disable_unref(routes->timer);
	routesown_close(routes->own);
	sd_event_unref(routes->event);
	free(routes);
}
