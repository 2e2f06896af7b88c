// SPDX-License-Identifier: BSD-2-Clause
/*
 * Keeps the model of the links true and reports what changed.  Everything goes through one socket:
 * events, dumps and the polls of LACP state, for which there are no events.  The kernel takes the
 * snapshot for each of these messages under one lock, so in one queue they are in the order in
 * which they were true; with a second socket an old event could undo a newer poll.
 *
 * effects.c owns the object and is called back.  Start, overrun and a doubtful dump are one path,
 * links_sync(): read everything, believe what was described, and remove what was not described
 * only after asking for it by its number.
 */
#include "kernel/links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/linkstate.h"
#include "kernel/netlink.h"
#include "kernel/vlanmsg.h"
#include "log.h"

#define LINKS_RECEIVE_BYTES (32 * 1024 * 1024)
#define LINKS_SLICE_MAX 8	       /* datagrams a wakeup */
#define LINKS_SYNC_TRIES_MAX 3	       /* dumps in a row, when they come out unclean */
#define LINKS_SYNC_INTERVAL_US 1000000 /* between resyncs after an overrun */
#define LINKS_VLAN_DELAY_US 20000      /* VLAN events come in crowds */
#define LINKS_POLL_STALL_US 1000000    /* a poll without an answer for so long was lost */
#define LINKS_POLL_BATCH_MAX 64	       /* requests a system call */
#define LINKS_REQUEST_SIZE 64	       /* bytes of one RTM_GETLINK */
#define LINKS_TIMER_ACCURACY_US 1000

struct links {
	sd_event *event;
	sd_event_source *io_source;
	sd_event_source *poll_source;
	sd_event_source *sync_source;
	sd_event_source *vlan_source;
	struct netlink netlink;
	struct linkstate state;
	struct links_handler handler;
	void *user;
	struct mlag_peer_link peer_link;
	bool peer_link_reported;
	struct mlag_vlans peer_link_forwards; /* as reported */
	struct links_port *members;	      /* as reported, by ascending ifindex */
	uint32_t members_count;
	bool lost;	    /* the model could not take something over */
	uint64_t synced_us; /* when the last sync began */
	uint64_t poll_us;   /* interval, UINT64_MAX for never */
	uint64_t polled_us; /* when the last poll was sent */
	uint32_t poll_seq;  /* its last request, 0 while none is out */
	bool poll_answered;
};

static uint64_t links_now_us(const struct links *links)
{
	uint64_t now_us = 0;

	(void)sd_event_now(links->event, CLOCK_MONOTONIC, &now_us);
	return now_us;
}

/* Arm a one-shot timer, made at its first use. */
static void links_arm(struct links *links, sd_event_source **source, uint64_t delay_us,
		      sd_event_time_handler_t callback)
{
	int error;

	if (*source == NULL) {
		error = sd_event_add_time_relative(links->event, source, CLOCK_MONOTONIC, delay_us,
						   LINKS_TIMER_ACCURACY_US, callback, links);
	} else {
		error = sd_event_source_set_time_relative(*source, delay_us);
		if (error >= 0) {
			error = sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
		}
	}
	if (error < 0) {
		log_error("links: cannot arm a timer: %s", strerror(-error));
	}
}

static int links_sync_due(sd_event_source *source, uint64_t now_us, void *user);
static int links_vlans_due(sd_event_source *source, uint64_t now_us, void *user);
static int links_poll_due(sd_event_source *source, uint64_t now_us, void *user);

/* Read everything again, soon, but not more than once a second. */
static void links_want_sync(struct links *links)
{
	uint64_t now_us = links_now_us(links);
	uint64_t due_us = links->synced_us + LINKS_SYNC_INTERVAL_US;

	links_arm(links, &links->sync_source, due_us > now_us ? due_us - now_us : 0,
		  links_sync_due);
}

/* ---- messages ---------------------------------------------------------------------------- */

static void links_take_link(struct links *links, const struct nlmsghdr *message)
{
	struct linkmsg link;
	int error = linkmsg_parse(message, &link);

	if (error == -ENOMSG) {
		return;
	}
	if (error == 0 && message->nlmsg_type == RTM_DELLINK) {
		linkstate_remove(&links->state, link.ifindex);
		return;
	}
	if (error == 0) {
		error = linkstate_update(&links->state, &link);
	}
	if (error < 0) {
		log_warning("links: a link event was not taken over: %s", strerror(-error));
		links->lost = true;
	}
}

static void links_take_vlans(struct links *links, const struct nlmsghdr *message)
{
	struct linkmsg_vlans vlans;
	uint32_t ifindex;
	int error = linkmsg_parse_vlans(message, &ifindex, &vlans);

	if (error == -ENOMSG) {
		return;
	}
	if (error == 0) {
		/* RTM_DELLINK here says that the port left the bridge; the device may live on. */
		error = linkstate_update_vlans(&links->state, ifindex,
					       message->nlmsg_type == RTM_DELLINK ? NULL : &vlans);
	}
	if (error < 0) {
		log_warning("links: the VLANs of a port were not taken over: %s", strerror(-error));
		links->lost = true;
	}
}

static void links_take_settings(struct links *links, const struct nlmsghdr *message)
{
	struct linkmsg_settings settings;
	struct linkstate_link *link;
	uint32_t ifindex;

	if (linkmsg_parse_settings(message, &ifindex, &settings) < 0) {
		return;
	}
	link = linkstate_find(&links->state, ifindex);
	if (link != NULL) {
		link->message.settings = settings;
	}
}

static void links_take_vlan_states(struct links *links, const struct nlmsghdr *message)
{
	struct mlag_vlans named, blocked;
	uint32_t ifindex;

	if (vlanmsg_parse_states(message, &ifindex, &named, &blocked) == 0) {
		linkstate_update_vlan_states(&links->state, ifindex, &named, &blocked);
	}
}

static void links_take(void *user, const struct nlmsghdr *message)
{
	struct links *links = user;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (linkmsg_family(message) == AF_BRIDGE) {
			links_take_vlans(links, message);
			links_take_settings(links, message);
		} else {
			links_take_link(links, message);
		}
		break;
	case RTM_NEWVLAN:
	case RTM_DELVLAN:
		links_take_vlan_states(links, message);
		if (message->nlmsg_seq != 0) {
			break; /* an answer of ours */
		}
		/* Most of these come with an event of the port, but not all (default_pvid). */
		links_arm(links, &links->vlan_source, LINKS_VLAN_DELAY_US, links_vlans_due);
		break;
	case NLMSG_ERROR:
		/* Of a poll: an acknowledgement, or a device that went away; its event comes. */
		if (links->poll_seq != 0 && message->nlmsg_seq == links->poll_seq) {
			links->poll_seq = 0;
			links->poll_answered = true;
		}
		break;
	default:
		break;
	}
}

/* ---- reports ------------------------------------------------------------------------------ */

/* The ports there are now, by ascending ifindex, in memory of the caller's; NULL when it is short. */
static struct links_port *links_list_members(const struct links *links, uint32_t *ret_count)
{
	struct links_port *members;
	uint32_t index = 0;
	uint32_t count = 0;

	members = calloc(links->state.links_count + 1, sizeof(*members));
	while (members != NULL && linkstate_next_member(&links->state, &index, &members[count])) {
		count++;
	}
	*ret_count = count;
	return members;
}

static void links_report_gone(struct links *links, const struct links_port *now, uint32_t count)
{
	uint32_t i, j = 0;

	for (i = 0; i < links->members_count; i++) {
		uint32_t ifindex = links->members[i].ifindex;

		while (j < count && now[j].ifindex < ifindex) {
			j++;
		}
		if (j == count || now[j].ifindex != ifindex) {
			links->handler.port_gone(links->user, ifindex);
		}
	}
}

static void links_report_there(struct links *links, const struct links_port *now, uint32_t count)
{
	uint32_t i, j = 0;

	for (i = 0; i < count; i++) {
		const struct links_port *member = &now[i];

		while (j < links->members_count && links->members[j].ifindex < member->ifindex) {
			j++;
		}
		if (j == links->members_count ||
		    !linkstate_port_equal(&links->members[j], member)) {
			links->handler.port(links->user, member);
		}
	}
}

static void links_report_peer_link(struct links *links)
{
	struct mlag_peer_link peer_link;

	linkstate_observe_peer_link(&links->state, &peer_link);
	if (!links->peer_link_reported ||
	    !linkstate_peer_link_equal(&peer_link, &links->peer_link)) {
		links->peer_link_reported = true;
		links->peer_link = peer_link;
		links->handler.peer_link(links->user, &peer_link);
	}
}

static void links_report_peer_link_forwards(struct links *links)
{
	struct mlag_vlans forwards;

	linkstate_get_forwards(&links->state, links->state.ports[0].link, &forwards);
	if (memcmp(&forwards, &links->peer_link_forwards, sizeof(forwards)) != 0) {
		links->peer_link_forwards = forwards;
		links->handler.peer_link_forwards(links->user, &forwards);
	}
}

static void links_report_ports(struct links *links)
{
	uint32_t count;
	struct links_port *members = links_list_members(links, &count);

	if (members == NULL) {
		links_report_peer_link(links);
		links_want_sync(links);
		return;
	}
	links_report_gone(links, members, count);
	links_report_peer_link(links);
	links_report_peer_link_forwards(links);
	links_report_there(links, members, count);
	free(links->members);
	links->members = members;
	links->members_count = count;
}

static void links_report_settings(struct links *links)
{
	struct linkstate *state = &links->state;
	struct linkmsg_settings settings;
	uint32_t ifindex;
	uint32_t i;

	for (i = 0; i <= state->spec.lags_count; i++) {
		if (linkstate_take_settings(state, i, &ifindex, &settings)) {
			links->handler.settings(links->user, ifindex, &settings);
		}
	}
}

static void links_report(struct links *links)
{
	struct linkstate *state = &links->state;
	bool polled = links->poll_answered;
	uint32_t i;

	links->poll_answered = false;
	if (links->lost) {
		links->lost = false;
		links_want_sync(links);
	}
	linkstate_resolve(state);
	links_report_ports(links);
	for (i = 0; i < state->spec.lags_count; i++) {
		struct linkstate_port *port = &state->ports[i + 1];
		struct mlag_leg_observation leg;

		linkstate_observe_leg(state, i, &leg);
		if (port->reported && !(polled && leg.lacp) &&
		    linkstate_leg_equal(&leg, &port->leg)) {
			continue;
		}
		port->reported = true;
		port->leg = leg;
		links->handler.leg(links->user, state->spec.lags[i].id, &leg);
	}
	links_report_settings(links);
}

void links_repeat(struct links *links)
{
	for (uint32_t i = 0; i < links->state.spec.lags_count; i++) {
		links->state.ports[i + 1].reported = false;
	}
	links_report(links);
}

/* ---- reading everything -------------------------------------------------------------------- */

static struct nlmsghdr *links_request(struct links *links, void *buffer, uint8_t family,
				      uint32_t ifindex, uint16_t flags)
{
	struct nlmsghdr *message = netlink_prepare(&links->netlink, buffer, RTM_GETLINK, flags);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	uint32_t filter = RTEXT_FILTER_SKIP_STATS;

	header->ifi_family = family;
	header->ifi_index = (int)ifindex;
	if (family == AF_BRIDGE) {
		filter = RTEXT_FILTER_BRVLAN_COMPRESSED;
	}
	mnl_attr_put_u32(message, IFLA_EXT_MASK, filter);
	return message;
}

/* Send one RTM_GETLINK and take over all that comes until it is answered. */
static int links_ask(struct links *links, uint8_t family, uint32_t ifindex, uint16_t flags)
{
	uint8_t buffer[LINKS_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *message = links_request(links, buffer, family, ifindex, flags);
	int error = netlink_send(&links->netlink, buffer, message->nlmsg_len);

	if (error < 0) {
		return error;
	}
	return netlink_collect(&links->netlink, message->nlmsg_seq, links_take, links);
}

/* The states that VLANs have of their own (Linux 5.6). */
static int links_ask_vlan_states(struct links *links)
{
	uint8_t buffer[LINKS_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_prepare(&links->netlink, buffer, RTM_GETVLAN, NLM_F_DUMP);
	struct br_vlan_msg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	int error;

	header->family = AF_BRIDGE;
	error = netlink_send(&links->netlink, buffer, message->nlmsg_len);
	if (error < 0) {
		return error;
	}
	error = netlink_collect(&links->netlink, message->nlmsg_seq, links_take, links);
	return error == -EINVAL ? -EOPNOTSUPP : error;
}

/* A clean dump did not have some links: they are gone only if the kernel says so by number. */
static int links_confirm_unseen(struct links *links)
{
	uint32_t i = 0;

	while (i < links->state.links_count) {
		uint32_t ifindex = links->state.links[i].message.ifindex;
		int error;

		if (links->state.links[i].seen) {
			i++;
			continue;
		}
		error = links_ask(links, AF_UNSPEC, ifindex, NLM_F_ACK);
		if (error == -ENODEV) {
			linkstate_remove(&links->state, ifindex);
		} else if (error < 0) {
			return error;
		}
		/* Events may have moved the table: find the place again. */
		i = 0;
		while (i < links->state.links_count &&
		       links->state.links[i].message.ifindex <= ifindex) {
			i++;
		}
	}
	return 0;
}

static int links_sync_once(struct links *links)
{
	int error = netlink_drain(&links->netlink, links_take, links);

	linkstate_unsee(&links->state);
	if (error == 0) {
		error = links_ask(links, AF_UNSPEC, 0, NLM_F_DUMP);
	}
	if (error < 0) {
		return error;
	}
	error = links_confirm_unseen(links);
	if (error < 0) {
		return error;
	}
	error = links_ask(links, AF_BRIDGE, 0, NLM_F_DUMP);
	if (error == 0) {
		error = links_ask_vlan_states(links);
	}
	/* A kernel without bridges has nobody to answer. */
	return error == -EOPNOTSUPP ? 0 : error;
}

static bool links_is_transient(int error)
{
	return error == -EINTR || error == -ENOBUFS || error == -EBUSY;
}

/* 0 also when the dumps came out unclean; then it is tried again by the timer. */
static int links_sync(struct links *links)
{
	uint32_t i;
	int error = 0;

	links->synced_us = links_now_us(links);
	links->poll_seq = 0;
	for (i = 0; i < LINKS_SYNC_TRIES_MAX; i++) {
		error = links_sync_once(links);
		if (!links_is_transient(error)) {
			break;
		}
	}
	if (error < 0) {
		log_warning("links: reading all links came out unclean: %s; again in %d ms",
			    strerror(-error), LINKS_SYNC_INTERVAL_US / 1000);
		links_want_sync(links);
	}
	return links_is_transient(error) ? 0 : error;
}

static int links_sync_due(sd_event_source *source, uint64_t now_us, void *user)
{
	struct links *links = user;

	(void)source;
	(void)now_us;
	(void)links_sync(links);
	links_report(links);
	return 0;
}

static int links_vlans_due(sd_event_source *source, uint64_t now_us, void *user)
{
	struct links *links = user;

	(void)source;
	(void)now_us;
	if (links_ask(links, AF_BRIDGE, 0, NLM_F_DUMP) < 0) {
		links_want_sync(links);
	}
	links_report(links);
	return 0;
}

/* ---- polling ------------------------------------------------------------------------------ */

/* Whether a poll reads this link: an 802.3ad leg, a slave of one, or a leg that is no bond. */
static bool links_is_polled(const struct links *links, const struct linkstate_link *link)
{
	const struct linkstate_link *master;

	if (link->port != LINKSTATE_NO_PORT && link->port != 0) {
		return link->message.bond_8023ad || link->message.kind != LINKMSG_KIND_BOND;
	}
	if (link->message.master_kind != LINKMSG_KIND_BOND) {
		return false;
	}
	master = linkstate_find(&links->state, link->message.master);
	return master != NULL && master->port != LINKSTATE_NO_PORT && master->port != 0 &&
	       master->message.bond_8023ad;
}

/* The next link to poll from a place on; links_count when there is none. */
static uint32_t links_next_polled(const struct links *links, uint32_t from)
{
	while (from < links->state.links_count &&
	       !links_is_polled(links, &links->state.links[from])) {
		from++;
	}
	return from;
}

/* Send all requests, a batch a system call; only the last one is acknowledged. */
static void links_poll(struct links *links)
{
	uint8_t buffer[LINKS_POLL_BATCH_MAX * LINKS_REQUEST_SIZE]
		__attribute__((aligned(NLMSG_ALIGNTO)));
	uint32_t next = links_next_polled(links, 0);

	while (next < links->state.links_count) {
		size_t size = 0;
		uint32_t count;

		for (count = 0; count < LINKS_POLL_BATCH_MAX && next < links->state.links_count;
		     count++) {
			uint32_t ifindex = links->state.links[next].message.ifindex;
			struct nlmsghdr *message;

			next = links_next_polled(links, next + 1);
			message = links_request(links, buffer + size, AF_UNSPEC, ifindex,
						next < links->state.links_count ? 0 : NLM_F_ACK);
			links->poll_seq = message->nlmsg_seq;
			size += message->nlmsg_len;
		}
		if (netlink_send(&links->netlink, buffer, size) < 0) {
			links->poll_seq = 0;
			links_want_sync(links);
			return;
		}
	}
}

static int links_poll_due(sd_event_source *source, uint64_t now_us, void *user)
{
	struct links *links = user;

	(void)source;
	if (links->poll_us == UINT64_MAX) {
		return 0;
	}
	if (links->poll_seq == 0 || now_us - links->polled_us > LINKS_POLL_STALL_US) {
		links->polled_us = now_us;
		links_poll(links);
	}
	links_arm(links, &links->poll_source, links->poll_us, links_poll_due);
	return 0;
}

void links_set_poll(struct links *links, uint64_t interval_ns)
{
	uint64_t interval_us = interval_ns == UINT64_MAX ? UINT64_MAX : interval_ns / 1000;

	if (interval_us == 0) {
		interval_us = 1;
	}
	if (interval_us == links->poll_us) {
		return;
	}
	links->poll_us = interval_us;
	if (interval_us != UINT64_MAX) {
		links_arm(links, &links->poll_source, interval_us, links_poll_due);
	} else if (links->poll_source != NULL) {
		(void)sd_event_source_set_enabled(links->poll_source, SD_EVENT_OFF);
	}
}

/* ---- events, life and death ---------------------------------------------------------------- */

static int links_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct links *links = user;
	int count = netlink_read(&links->netlink, LINKS_SLICE_MAX, links_take, links);

	(void)source;
	(void)fd;
	(void)events;
	if (count < 0) {
		log_warning("links: events were lost (%s); reading all links again",
			    strerror(-count));
		links_want_sync(links);
	}
	links_report(links);
	return 0;
}

static bool links_spec_valid(const struct links_spec *spec)
{
	return spec->lags_count <= MLAG_LEGS_MAX;
}

/* Sockets and sources of a new object; the caller closes it if this fails. */
static int links_init(struct links *links)
{
	int error = netlink_open(&links->netlink, LINKS_RECEIVE_BYTES);

	if (error < 0) {
		return error;
	}
	error = netlink_join(&links->netlink, RTNLGRP_LINK);
	if (error < 0) {
		return error;
	}
	if (netlink_join(&links->netlink, RTNLGRP_BRVLAN) < 0) {
		log_info("links: this kernel has no VLAN events; those of ports have to do");
	}
	error = sd_event_add_io(links->event, &links->io_source, netlink_fd(&links->netlink),
				EPOLLIN, links_readable, links);
	if (error < 0) {
		return error;
	}
	/* Before anything else: a leg that fails is what everybody waits for. */
	error = sd_event_source_set_priority(links->io_source, SD_EVENT_PRIORITY_IMPORTANT);
	if (error < 0) {
		return error;
	}
	/* Nothing is read before links_start(). */
	return sd_event_source_set_enabled(links->io_source, SD_EVENT_OFF);
}

int links_open(struct links **ret, sd_event *event, const struct links_spec *spec,
	       const struct links_handler *handler, void *user)
{
	struct links *links;
	int error;

	if (!links_spec_valid(spec)) {
		return -EINVAL;
	}
	links = calloc(1, sizeof(*links));
	if (links == NULL) {
		return -ENOMEM;
	}
	links->event = sd_event_ref(event);
	links->handler = *handler;
	links->user = user;
	links->poll_us = UINT64_MAX;
	linkstate_configure(&links->state, spec);
	error = links_init(links);
	if (error < 0) {
		links_close(links);
		return error;
	}
	*ret = links;
	return 0;
}

void links_close(struct links *links)
{
	if (links == NULL) {
		return;
	}
	sd_event_source_disable_unref(links->io_source);
	sd_event_source_disable_unref(links->poll_source);
	sd_event_source_disable_unref(links->sync_source);
	sd_event_source_disable_unref(links->vlan_source);
	netlink_close(&links->netlink);
	linkstate_fini(&links->state);
	free(links->members);
	sd_event_unref(links->event);
	free(links);
}

int links_start(struct links *links)
{
	int error = links_sync(links);

	if (error < 0) {
		return error;
	}
	error = sd_event_source_set_enabled(links->io_source, SD_EVENT_ON);
	if (error < 0) {
		return error;
	}
	links_report(links);
	return 0;
}

int links_configure(struct links *links, const struct links_spec *spec)
{
	if (!links_spec_valid(spec)) {
		return -EINVAL;
	}
	linkstate_configure(&links->state, spec);
	links_report(links);
	return 0;
}

void links_get_bond(const struct links *links, uint32_t ifindex, struct links_bond *ret)
{
	linkstate_get_bond(&links->state, ifindex, ret);
}

const char *links_ifname(const struct links *links, uint32_t ifindex, char buf[IFNAMSIZ])
{
	const struct linkstate_link *link = linkstate_find(&links->state, ifindex);

	if (link != NULL) {
		memcpy(buf, link->message.ifname, IFNAMSIZ);
	} else {
		(void)snprintf(buf, IFNAMSIZ, "#%u", ifindex);
	}
	return buf;
}

uint32_t links_problems(const struct links *links, struct links_problem *ret, uint32_t max)
{
	return linkproblems_find(&links->state, ret, max);
}
