/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who touches the tc filters of a device: events only, nothing is read and nothing is kept.
 */
#ifndef MLAGD_KERNEL_FILTERS_H
#define MLAGD_KERNEL_FILTERS_H

#include <linux/netlink.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct filters;

/**
 * struct filters_handler - who hears of changes
 * @changed: a filter of the device was removed or replaced, or a queueing discipline with all its
 *	filters was removed; @ifindex 0: of any device, for events were lost.  What this process
 *	does itself is reported too.  How things are now is for the callee to ask.
 *
 * Context: from the event loop.
 */
struct filters_handler {
	void (*changed)(void *user, uint32_t ifindex);
};

/**
 * filters_open() - subscribe
 * @ret: the new object
 * @event: the loop it lives in; referenced
 * @handler: copied
 * @user: first argument of the callback
 *
 * Return: 0 or -errno of the socket.
 */
int filters_open(struct filters **ret, sd_event *event, const struct filters_handler *handler,
		 void *user);

/**
 * filters_close() - end the subscription and free
 * @filters: NULL is fine
 */
void filters_close(struct filters *filters);

/**
 * filters_parse() - which device a message says has lost a filter
 * @message: a whole message
 *
 * Return: its ifindex, or 0 when the message says no such thing.
 */
uint32_t filters_parse(const struct nlmsghdr *message);

#endif
