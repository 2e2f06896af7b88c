// SPDX-License-Identifier: BSD-2-Clause
/*
 * Keeps the model of addresses true and reports what changed in it.  One socket for events, dumps
 * and questions, as in links.c and for the same reason: in one queue they are in the order in which
 * they were true.  Almost: newer kernels dump addresses without the lock under which they change,
 * so a dump during which an address event came in is read again.
 *
 * effects.c owns the object and is called back.  Start, overrun and a doubtful dump are one path,
 * addresses_sync(): read everything, believe what was told, and remove what was not told only after
 * asking for it once more.
 */
#include "kernel/addresses.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/addressstate.h"
#include "kernel/netlink.h"
#include "log.h"

#define ADDRESSES_RECEIVE_BYTES (8 * 1024 * 1024)
#define ADDRESSES_SLICE_MAX 64		   /* datagrams a wakeup */
#define ADDRESSES_SYNC_TRIES_MAX 3	   /* dumps in a row, when they come out unclean */
#define ADDRESSES_SYNC_INTERVAL_US 1000000 /* between resyncs */
#define ADDRESSES_VLAN_DELAY_US 20000	   /* VLAN events come in crowds */
#define ADDRESSES_TIMER_ACCURACY_US 1000
#define ADDRESSES_REQUEST_SIZE 64 /* bytes */

struct addresses {
	sd_event *event;
	sd_event_source *io_source;
	sd_event_source *sync_source;
	sd_event_source *vlan_source;
	struct netlink netlink;
	struct addressstate state;
	struct addresses_handler handler;
	void *user;
	struct addressstate_row *rows; /* as reported */
	uint32_t rows_count;
	bool started;
	bool lost;	    /* the model could not take something over */
	bool clean;	    /* what is not in the model is not there */
	uint64_t synced_us; /* when the last sync began */
	uint64_t events;    /* about addresses */
};

/* ---- timers --------------------------------------------------------------------------------- */

static void addresses_arm(struct addresses *addresses, sd_event_source **source, uint64_t delay_us,
			  sd_event_time_handler_t callback)
{
	int error;

	if (*source == NULL) {
		error = sd_event_add_time_relative(addresses->event, source, CLOCK_MONOTONIC,
						   delay_us, ADDRESSES_TIMER_ACCURACY_US, callback,
						   addresses);
	} else {
		error = sd_event_source_set_time_relative(*source, delay_us);
		if (error >= 0) {
			error = sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
		}
	}
	if (error < 0) {
		log_error("addresses: cannot arm a timer: %s", strerror(-error));
	}
}

static uint64_t addresses_now_us(const struct addresses *addresses)
{
	uint64_t now_us = 0;

	(void)sd_event_now(addresses->event, CLOCK_MONOTONIC, &now_us);
	return now_us;
}

static int addresses_sync_due(sd_event_source *source, uint64_t now_us, void *user);
static int addresses_vlans_due(sd_event_source *source, uint64_t now_us, void *user);

/* Read everything again, soon, but not more than once a second. */
static void addresses_want_sync(struct addresses *addresses)
{
	uint64_t now_us = addresses_now_us(addresses);
	uint64_t due_us = addresses->synced_us + ADDRESSES_SYNC_INTERVAL_US;

	addresses_arm(addresses, &addresses->sync_source, due_us > now_us ? due_us - now_us : 0,
		      addresses_sync_due);
}

/* ---- messages ------------------------------------------------------------------------------- */

static void addresses_failed(struct addresses *addresses, const char *what, int error)
{
	log_warning("addresses: %s was not taken over: %s", what, strerror(-error));
	/* What found no room finds none by reading it again. */
	addresses->lost = addresses->lost || error != -ENOSPC;
}

static void addresses_take_link(struct addresses *addresses, const struct nlmsghdr *message)
{
	struct linkmsg link;
	int error = linkmsg_parse(message, &link);

	if (error == -ENOMSG) {
		return;
	}
	if (error == 0 && message->nlmsg_type == RTM_DELLINK) {
		addressstate_remove_link(&addresses->state, link.ifindex);
		return;
	}
	if (error == 0) {
		error = addressstate_put_link(&addresses->state, &link);
	}
	if (error < 0) {
		addresses_failed(addresses, "a link", error);
	}
}

/* Of all the bridge's messages only those about the bridge itself count. */
static void addresses_take_vlans(struct addresses *addresses, const struct nlmsghdr *message)
{
	struct linkmsg_vlans vlans;
	uint32_t ifindex;

	if (message->nlmsg_type == RTM_NEWLINK &&
	    linkmsg_parse_vlans(message, &ifindex, &vlans) == 0 &&
	    ifindex == addresses->state.bridge_ifindex) {
		addressstate_set_vlans(&addresses->state, &vlans);
	}
}

static void addresses_take_ip(struct addresses *addresses, const struct nlmsghdr *message)
{
	struct addressmsg ip;
	int error = addressmsg_parse(message, &ip);

	addresses->events += message->nlmsg_pid != addresses->netlink.portid;
	if (error == -ENOMSG) {
		return;
	}
	if (error == 0 && message->nlmsg_type == RTM_DELADDR) {
		addressstate_remove_ip(&addresses->state, &ip);
		return;
	}
	if (error == 0) {
		error = addressstate_put_ip(&addresses->state, &ip);
	}
	if (error < 0) {
		addresses_failed(addresses, "an address", error);
	}
}

static void addresses_take(void *user, const struct nlmsghdr *message)
{
	struct addresses *addresses = user;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (linkmsg_family(message) == AF_BRIDGE) {
			addresses_take_vlans(addresses, message);
		} else {
			addresses_take_link(addresses, message);
		}
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		addresses_take_ip(addresses, message);
		break;
	case RTM_NEWVLAN:
	case RTM_DELVLAN:
		/* Most of these come with an event of the bridge, but not all. */
		addresses_arm(addresses, &addresses->vlan_source, ADDRESSES_VLAN_DELAY_US,
			      addresses_vlans_due);
		break;
	default:
		break;
	}
}

/* ---- reports -------------------------------------------------------------------------------- */

static void addresses_report_gone(struct addresses *addresses, const struct addressstate_row *now,
				  uint32_t count)
{
	uint32_t i, j = 0;

	for (i = 0; i < addresses->rows_count; i++) {
		const struct addressstate_row *row = &addresses->rows[i];

		while (j < count && addressstate_row_compare(&now[j], row) < 0) {
			j++;
		}
		if (j == count || addressstate_row_compare(&now[j], row) != 0) {
			addresses->handler.address(addresses->user, &row->key, false, 0, 0);
		}
	}
}

static void addresses_report_there(struct addresses *addresses, const struct addressstate_row *now,
				   uint32_t count)
{
	uint32_t i, j = 0;

	for (i = 0; i < count; i++) {
		const struct addressstate_row *row = &now[i];
		const struct addressstate_row *old;

		while (j < addresses->rows_count &&
		       addressstate_row_compare(&addresses->rows[j], row) < 0) {
			j++;
		}
		old = j < addresses->rows_count ? &addresses->rows[j] : NULL;
		if (old == NULL || addressstate_row_compare(old, row) != 0 ||
		    old->domain != row->domain || old->ifindex != row->ifindex) {
			addresses->handler.address(addresses->user, &row->key, true, row->domain,
						   row->ifindex);
		}
	}
}

static void addresses_report_rows(struct addresses *addresses)
{
	struct addressstate_row *rows;
	uint32_t count;

	if (addressstate_rows(&addresses->state, &rows, &count) < 0) {
		log_warning("addresses: no memory to look at %u of them; again in %d ms",
			    addresses->state.ips.count, ADDRESSES_SYNC_INTERVAL_US / 1000);
		addresses_want_sync(addresses);
		return;
	}
	addresses_report_gone(addresses, rows, count);
	addresses_report_there(addresses, rows, count);
	free(addresses->rows);
	addresses->rows = rows;
	addresses->rows_count = count;
}

static void addresses_report(struct addresses *addresses)
{
	if (addresses->lost) {
		addresses->lost = false;
		addresses_want_sync(addresses);
	}
	if (addresses->started && addresses->state.changed) {
		addresses_report_rows(addresses);
	}
	if (addresses->started && addresses->state.touched) {
		addresses->state.touched = false;
		addresses->handler.changed(addresses->user);
	}
}

/* ---- reading everything --------------------------------------------------------------------- */

/* Send a request and take over all that comes until it is answered. */
static int addresses_ask(struct addresses *addresses, const struct nlmsghdr *message)
{
	int error = netlink_send(&addresses->netlink, message, message->nlmsg_len);

	if (error < 0) {
		return error;
	}
	return netlink_collect(&addresses->netlink, message->nlmsg_seq, addresses_take, addresses);
}

static int addresses_ask_links(struct addresses *addresses, uint8_t family, uint32_t ifindex,
			       uint16_t flags)
{
	uint8_t buffer[ADDRESSES_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_prepare(&addresses->netlink, buffer, RTM_GETLINK, flags);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ifi_family = family;
	header->ifi_index = (int)ifindex;
	mnl_attr_put_u32(message, IFLA_EXT_MASK,
			 family == AF_BRIDGE ? RTEXT_FILTER_BRVLAN_COMPRESSED
					     : RTEXT_FILTER_SKIP_STATS);
	return addresses_ask(addresses, message);
}

/* The addresses of a family, of all devices or of one. */
static int addresses_ask_ips(struct addresses *addresses, uint8_t family, uint32_t ifindex)
{
	uint8_t buffer[ADDRESSES_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_prepare(&addresses->netlink, buffer, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	uint64_t events = addresses->events;
	int error;

	header->ifa_family = family;
	header->ifa_index = ifindex;
	error = addresses_ask(addresses, message);
	if (error == -EOPNOTSUPP) {
		return 0; /* a kernel without IPv6 */
	}
	return error == 0 && addresses->events != events ? -EINTR : error;
}

/* What the bridge itself is a member of. */
static int addresses_ask_vlans(struct addresses *addresses)
{
	int error;

	if (addresses->state.bridge_ifindex == 0) {
		return 0;
	}
	error = addresses_ask_links(addresses, AF_BRIDGE, 0, NLM_F_DUMP);
	return error == -EOPNOTSUPP ? 0 : error;
}

/* A clean dump did not have some links: they are gone only if the kernel says so by number. */
static int addresses_confirm_links(struct addresses *addresses)
{
	struct sorted *links = &addresses->state.links;
	uint32_t i = 0;

	while (i < links->count) {
		struct addressstate_link link = *(struct addressstate_link *)sorted_at(links, i);
		int error;

		if (link.seen) {
			i++;
			continue;
		}
		error = addresses_ask_links(addresses, AF_UNSPEC, link.ifindex, NLM_F_ACK);
		if (error == -ENODEV) {
			addressstate_remove_link(&addresses->state, link.ifindex);
		} else if (error < 0) {
			return error;
		}
		/* Events may have moved the table: go on at the next higher number. */
		link.ifindex++;
		i = sorted_lower(links, &link);
	}
	return 0;
}

/* The same for addresses, where "by number" is a dump of the one device. */
static int addresses_confirm_ips(struct addresses *addresses)
{
	struct sorted *ips = &addresses->state.ips;
	uint32_t i = 0;

	while (i < ips->count) {
		struct addressstate_ip ip = *(struct addressstate_ip *)sorted_at(ips, i);
		int error;

		if (ip.seen) {
			i++;
			continue;
		}
		error = addresses_ask_ips(addresses, ip.message.family == 4 ? AF_INET : AF_INET6,
					  ip.message.ifindex);
		if (error < 0 && error != -ENODEV) {
			return error;
		}
		addressstate_forget_unseen(&addresses->state, ip.message.ifindex,
					   ip.message.family);
		i = sorted_lower(ips, &ip);
	}
	return 0;
}

static int addresses_sync_once(struct addresses *addresses)
{
	int error = netlink_drain(&addresses->netlink, addresses_take, addresses);

	addressstate_unsee(&addresses->state);
	if (error == 0) {
		error = addresses_ask_links(addresses, AF_UNSPEC, 0, NLM_F_DUMP);
	}
	if (error == 0) {
		error = addresses_confirm_links(addresses);
	}
	if (error == 0) {
		error = addresses_ask_ips(addresses, AF_INET, 0);
	}
	if (error == 0) {
		error = addresses_ask_ips(addresses, AF_INET6, 0);
	}
	if (error == 0) {
		error = addresses_confirm_ips(addresses);
	}
	return error == 0 ? addresses_ask_vlans(addresses) : error;
}

static bool addresses_is_transient(int error)
{
	return error == -EINTR || error == -ENOBUFS || error == -EBUSY;
}

/* 0 also when the dumps came out unclean; then it is tried again by the timer. */
static int addresses_sync(struct addresses *addresses)
{
	uint32_t i;
	int error = 0;

	addresses->synced_us = addresses_now_us(addresses);
	for (i = 0; i < ADDRESSES_SYNC_TRIES_MAX; i++) {
		error = addresses_sync_once(addresses);
		if (!addresses_is_transient(error)) {
			break;
		}
	}
	addresses->clean = addresses->clean || error == 0;
	if (error < 0) {
		/* Addresses that come and go as we read are no reason for alarm. */
		log_debug("addresses: reading came out unclean: %s; again in %d ms",
			  strerror(-error), ADDRESSES_SYNC_INTERVAL_US / 1000);
		addresses_want_sync(addresses);
	}
	return addresses_is_transient(error) ? 0 : error;
}

static int addresses_sync_due(sd_event_source *source, uint64_t now_us, void *user)
{
	struct addresses *addresses = user;
	int error = addresses_sync(addresses);

	(void)source;
	(void)now_us;
	if (error < 0) {
		log_warning("addresses: they cannot be read: %s; trying on", strerror(-error));
	}
	addresses_report(addresses);
	return 0;
}

static int addresses_vlans_due(sd_event_source *source, uint64_t now_us, void *user)
{
	struct addresses *addresses = user;

	(void)source;
	(void)now_us;
	if (addresses_ask_vlans(addresses) < 0) {
		addresses_want_sync(addresses);
	}
	addresses_report(addresses);
	return 0;
}

/* ---- events, life and death ----------------------------------------------------------------- */

static int addresses_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct addresses *addresses = user;
	int count =
		netlink_read(&addresses->netlink, ADDRESSES_SLICE_MAX, addresses_take, addresses);

	(void)source;
	(void)fd;
	(void)events;
	if (count < 0) {
		log_warning("addresses: events were lost (%s); reading all again",
			    strerror(-count));
		addresses_want_sync(addresses);
	}
	addresses_report(addresses);
	return 0;
}

static int addresses_init(struct addresses *addresses)
{
	static const unsigned int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
					      RTNLGRP_IPV6_IFADDR};
	int error = netlink_open(&addresses->netlink, ADDRESSES_RECEIVE_BYTES);
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]) && error == 0; i++) {
		error = netlink_join(&addresses->netlink, groups[i]);
	}
	if (error < 0) {
		return error;
	}
	(void)netlink_join(&addresses->netlink, RTNLGRP_BRVLAN); /* links.c says if it is missing */
	error = sd_event_add_io(addresses->event, &addresses->io_source,
				netlink_fd(&addresses->netlink), EPOLLIN, addresses_readable,
				addresses);
	if (error < 0) {
		return error;
	}
	/* Nothing is read before addresses_start(). */
	return sd_event_source_set_enabled(addresses->io_source, SD_EVENT_OFF);
}

int addresses_open(struct addresses **ret, sd_event *event, const struct addresses_handler *handler,
		   void *user)
{
	struct addresses *addresses = calloc(1, sizeof(*addresses));
	int error;

	if (addresses == NULL) {
		return -ENOMEM;
	}
	addresses->event = sd_event_ref(event);
	addresses->handler = *handler;
	addresses->user = user;
	addressstate_init(&addresses->state);
	error = addresses_init(addresses);
	if (error < 0) {
		addresses_close(addresses);
		return error;
	}
	*ret = addresses;
	return 0;
}

void addresses_close(struct addresses *addresses)
{
	if (addresses == NULL) {
		return;
	}
	sd_event_source_disable_unref(addresses->io_source);
	sd_event_source_disable_unref(addresses->sync_source);
	sd_event_source_disable_unref(addresses->vlan_source);
	netlink_close(&addresses->netlink);
	addressstate_fini(&addresses->state);
	free(addresses->rows);
	sd_event_unref(addresses->event);
	free(addresses);
}

int addresses_start(struct addresses *addresses)
{
	int error = addresses_sync(addresses);

	if (error < 0) {
		return error;
	}
	error = sd_event_source_set_enabled(addresses->io_source, SD_EVENT_ON);
	if (error < 0) {
		return error;
	}
	addresses->started = true;
	addresses_report(addresses);
	return 0;
}

void addresses_set_bridge(struct addresses *addresses, uint32_t bridge_ifindex, bool vlan_aware)
{
	if (!addressstate_set_bridge(&addresses->state, bridge_ifindex, vlan_aware) ||
	    !addresses->started) {
		return;
	}
	addresses->clean = addresses_ask_vlans(addresses) == 0;
	if (!addresses->clean) {
		addresses_want_sync(addresses);
	}
	addresses_report(addresses);
}

bool addresses_is_clean(const struct addresses *addresses)
{
	return addresses->clean;
}

const struct addressstate *addresses_state(const struct addresses *addresses)
{
	return &addresses->state;
}

uint32_t addresses_problems(const struct addresses *addresses, struct addresses_problem *ret,
			    uint32_t max)
{
	return addressstate_problems(&addresses->state, ret, max);
}
