// SPDX-License-Identifier: BSD-2-Clause
/*
 * Asking for the default routes, for routes.c.  Of IPv4, a dump comes by ascending destination, so
 * it is read up to the first other one and given up (0.3 ms beside a million routes, where all of
 * it takes a second).  Of IPv6 the default route comes last: that dump is read whole (0.2 s for
 * 200 000 routes), in slices of the event loop, and never for more than a tenth of the time.
 */
#include "kernel/routeslook.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"

#define ROUTESLOOK_RECEIVE_BYTES (256 * 1024)
#define ROUTESLOOK_SLICE_MAX 4 /* datagrams of a dump a wakeup: a thousand routes, 4 ms */
#define ROUTESLOOK_HEAD_MAX 64 /* datagrams of IPv4 before the first other destination */
#define ROUTESLOOK_RETRY_US 1000000
#define ROUTESLOOK_ACCURACY_US 1000
#define ROUTESLOOK_PAUSE 9 /* so many times as long as the dump before */

struct routeslook {
	sd_event *event;
	sd_event_source *io_source;
	sd_event_source *timer;
	routeslook_fn *looked;
	void *user;
	struct netlink dump; /* of IPv6, one at a time */
	struct routesmsg_choice choice;
	bool again;
	uint64_t spent_us;
	uint64_t not_before_us;
};

struct nlmsghdr *routeslook_prepare(struct netlink *netlink, uint8_t *buffer, uint8_t family,
				    uint32_t table)
{
	struct nlmsghdr *message = netlink_prepare(netlink, buffer, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->rtm_family = family == 4 ? AF_INET : AF_INET6;
	mnl_attr_put_u32(message, RTA_TABLE, table);
	return message;
}

/* ---- IPv4 ----------------------------------------------------------------------------------- */

/* State of a dump; @over: what is looked for is not to come any more. */
struct routeslook_dump {
	struct routesmsg_choice *choice;
	bool head;
	bool over;
	int error;
};

static void routeslook_take(void *user, const struct nlmsghdr *message)
{
	struct routeslook_dump *dump = user;
	struct routesmsg route;

	if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0 && !dump->head) {
		dump->error = -EINTR;
	}
	if (message->nlmsg_type == NLMSG_DONE) {
		dump->over = true;
	} else if (message->nlmsg_type == NLMSG_ERROR) {
		dump->over = true;
		dump->error = netlink_error(message);
	} else if (message->nlmsg_type == RTM_NEWROUTE && routesmsg_parse(message, &route) == 0) {
		routesmsg_consider(dump->choice, &route);
		dump->over = dump->over ||
			     (dump->head && route.table == RT_TABLE_MAIN && !route.from_zero);
	}
}

/* No such table yet; a kernel without that family. */
static bool routeslook_is_empty(int error)
{
	return error == -ENOENT || error == -EOPNOTSUPP || error == -EAFNOSUPPORT;
}

/* Read a dump of IPv4 up to the first destination that does not begin at 0.0.0.0. */
static int routeslook_read_head(struct netlink *netlink, struct routeslook_dump *dump)
{
	uint32_t i = 0;

	while (!dump->over && i < ROUTESLOOK_HEAD_MAX) {
		struct pollfd ready = {.fd = netlink_fd(netlink), .events = POLLIN};
		int count = netlink_read(netlink, 1, routeslook_take, dump);

		if (count < 0) {
			return count;
		}
		i += (uint32_t)count;
		if (count == 0 && !dump->over && poll(&ready, 1, NETLINK_TIMEOUT_MS) == 0) {
			return -ETIMEDOUT;
		}
	}
	return routeslook_is_empty(dump->error) ? 0 : dump->error;
}

static int routeslook_ipv4(struct routeslook *look)
{
	uint8_t buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct routesmsg_choice choice = {0};
	struct routeslook_dump dump = {.choice = &choice, .head = true};
	struct netlink netlink;
	struct nlmsghdr *message;
	int error = netlink_open(&netlink, ROUTESLOOK_RECEIVE_BYTES);

	if (error < 0) {
		return error;
	}
	message = routeslook_prepare(&netlink, buffer, 4, RT_TABLE_MAIN);
	error = netlink_send(&netlink, message, message->nlmsg_len);
	if (error == 0) {
		error = routeslook_read_head(&netlink, &dump);
	}
	netlink_close(&netlink); /* a dump is given up by closing its socket */
	if (error == 0) {
		look->looked(look->user, 4, &choice);
	}
	return error;
}

/* ---- IPv6 ----------------------------------------------------------------------------------- */

static uint64_t routeslook_clock_us(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int routeslook_due(sd_event_source *source, uint64_t now_us, void *user);

static void routeslook_want_ipv6(struct routeslook *look)
{
	int error;

	if (look->dump.socket != NULL) {
		look->again = true;
		return;
	}
	if (look->timer == NULL) {
		error = sd_event_add_time(look->event, &look->timer, CLOCK_MONOTONIC,
					  look->not_before_us, ROUTESLOOK_ACCURACY_US,
					  routeslook_due, look);
	} else {
		error = sd_event_source_set_time(look->timer, look->not_before_us);
		if (error >= 0) {
			error = sd_event_source_set_enabled(look->timer, SD_EVENT_ONESHOT);
		}
	}
	if (error < 0) {
		log_error("routes: cannot arm a timer: %s", strerror(-error));
	}
}

static void routeslook_end(struct routeslook *look, int error)
{
	uint64_t now_us = routeslook_clock_us();

	look->io_source = sd_event_source_disable_unref(look->io_source);
	netlink_close(&look->dump);
	/* A big table that changes all the time must not keep us busy. */
	look->not_before_us = now_us + ROUTESLOOK_PAUSE * look->spent_us;
	if (error < 0 && error != -EINTR) {
		log_warning("routes: the IPv6 routes cannot be read: %s; again in a second",
			    strerror(-error));
		look->not_before_us = now_us + ROUTESLOOK_RETRY_US;
	}
	if (error == 0) {
		look->looked(look->user, 6, &look->choice);
	}
	if (error < 0 || look->again) {
		look->again = false;
		routeslook_want_ipv6(look);
	}
}

static int routeslook_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct routeslook *look = user;
	struct routeslook_dump dump = {.choice = &look->choice};
	uint64_t begin_us = routeslook_clock_us();
	int count = netlink_read(&look->dump, ROUTESLOOK_SLICE_MAX, routeslook_take, &dump);

	(void)source;
	(void)fd;
	(void)events;
	look->spent_us += routeslook_clock_us() - begin_us;
	/* What changed in between was told by an event, and is looked at by the next dump. */
	if (count < 0) {
		routeslook_end(look, count);
	} else if (dump.error < 0) {
		routeslook_end(look, routeslook_is_empty(dump.error) ? 0 : dump.error);
	} else if (dump.over) {
		routeslook_end(look, 0);
	}
	return 0;
}

static int routeslook_begin(struct routeslook *look)
{
	uint8_t buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message;
	int error = netlink_open(&look->dump, ROUTESLOOK_RECEIVE_BYTES);

	memset(&look->choice, 0, sizeof(look->choice));
	look->spent_us = 0;
	if (error < 0) {
		return error;
	}
	message = routeslook_prepare(&look->dump, buffer, 6, RT_TABLE_MAIN);
	error = netlink_send(&look->dump, message, message->nlmsg_len);
	if (error < 0) {
		return error;
	}
	return sd_event_add_io(look->event, &look->io_source, netlink_fd(&look->dump), EPOLLIN,
			       routeslook_readable, look);
}

static int routeslook_due(sd_event_source *source, uint64_t now_us, void *user)
{
	struct routeslook *look = user;
	int error;

	(void)source;
	(void)now_us;
	if (look->dump.socket != NULL) {
		return 0;
	}
	error = routeslook_begin(look);
	if (error < 0) {
		routeslook_end(look, error);
	}
	return 0;
}

/* ---- life and death ------------------------------------------------------------------------- */

void routeslook_want(struct routeslook *look, uint8_t family)
{
	int error;

	if (family == 6) {
		routeslook_want_ipv6(look);
		return;
	}
	error = routeslook_ipv4(look);
	if (error < 0) {
		log_warning("routes: the IPv4 default route cannot be read: %s", strerror(-error));
	}
}

int routeslook_open(struct routeslook **ret, sd_event *event, routeslook_fn *looked, void *user)
{
	struct routeslook *look = calloc(1, sizeof(*look));

	if (look == NULL) {
		return -ENOMEM;
	}
	look->event = sd_event_ref(event);
	look->looked = looked;
	look->user = user;
	*ret = look;
	return 0;
}

void routeslook_close(struct routeslook *look)
{
	if (look == NULL) {
		return;
	}
	sd_event_source_disable_unref(look->io_source);
	sd_event_source_disable_unref(look->timer);
	netlink_close(&look->dump);
	sd_event_unref(look->event);
	free(look);
}
