// SPDX-License-Identifier: BSD-2-Clause
/*
 * Listens to what becomes of tc filters.  A filter of ours that somebody removes is a duplicate of
 * every flood, so events.c has audit.c look at the port at once.  A socket of its own: a program that
 * changes filters by the thousand must not delay the events of links.
 */
#include "kernel/filters.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/netlink.h"
#include "log.h"

#define FILTERS_RECEIVE_BYTES (1024 * 1024)
#define FILTERS_SLICE_MAX 64 /* datagrams a wakeup */

struct filters {
	sd_event *event;
	sd_event_source *io_source;
	struct netlink netlink;
	struct filters_handler handler;
	void *user;
};

uint32_t filters_parse(const struct nlmsghdr *message)
{
	const struct tcmsg *header;

	switch (message->nlmsg_type) {
	case RTM_DELQDISC:
	case RTM_DELCHAIN:
	case RTM_DELTFILTER:
	case RTM_NEWTFILTER: /* it may have taken another's place */
		break;
	default:
		return 0;
	}
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return 0;
	}
	header = mnl_nlmsg_get_payload(message);
	return header->tcm_ifindex > 0 ? (uint32_t)header->tcm_ifindex : 0;
}

static void filters_take(void *user, const struct nlmsghdr *message)
{
	struct filters *filters = user;
	uint32_t ifindex = filters_parse(message);

	if (ifindex != 0) {
		filters->handler.changed(filters->user, ifindex);
	}
}

static int filters_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct filters *filters = user;
	int count = netlink_read(&filters->netlink, FILTERS_SLICE_MAX, filters_take, filters);

	(void)source;
	(void)fd;
	(void)events;
	if (count == -ENOBUFS) {
		netlink_discard(&filters->netlink);
		filters->handler.changed(filters->user, 0);
	} else if (count < 0) {
		log_warning("filters: events cannot be read: %s", strerror(-count));
	}
	return 0;
}

static int filters_init(struct filters *filters)
{
	int error = netlink_open(&filters->netlink, FILTERS_RECEIVE_BYTES);

	if (error < 0) {
		return error;
	}
	error = netlink_join(&filters->netlink, RTNLGRP_TC);
	if (error < 0) {
		return error;
	}
	return sd_event_add_io(filters->event, &filters->io_source, netlink_fd(&filters->netlink),
			       EPOLLIN, filters_readable, filters);
}

int filters_open(struct filters **ret, sd_event *event, const struct filters_handler *handler,
		 void *user)
{
	struct filters *filters = calloc(1, sizeof(*filters));
	int error;

	if (filters == NULL) {
		return -ENOMEM;
	}
	filters->event = sd_event_ref(event);
	filters->handler = *handler;
	filters->user = user;
	error = filters_init(filters);
	if (error < 0) {
		filters_close(filters);
		return error;
	}
	*ret = filters;
	return 0;
}

void filters_close(struct filters *filters)
{
	if (filters == NULL) {
		return;
	}
	sd_event_source_disable_unref(filters->io_source);
	netlink_close(&filters->netlink);
	sd_event_unref(filters->event);
	free(filters);
}
