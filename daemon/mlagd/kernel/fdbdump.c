// SPDX-License-Identifier: BSD-2-Clause
/*
 * A dump in slices (see fdbdump.h).  fdb.c owns the object, and reads a slice whenever the event loop
 * says that the next one is there: a million entries take a second, and hellos do not wait for it.
 *
 * What is read here may be older than an event that was read before it.  So whoever takes the lines
 * believes an event more than a line, and asks by name for what was deleted in the meantime.
 */
#include "kernel/fdbdump.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define FDBDUMP_RECEIVE_BYTES (1024 * 1024)
#define FDBDUMP_REQUEST_SIZE 256

struct fdbdump_slice {
	struct fdbdump *dump;
	netlink_handler handler;
	void *user;
	bool done;
	int error;
};

int fdbdump_open(struct fdbdump *dump, sd_event *event, sd_event_io_handler_t callback, void *user)
{
	int error = netlink_open(&dump->netlink, FDBDUMP_RECEIVE_BYTES);

	if (error < 0) {
		return error;
	}
	error = sd_event_add_io(event, &dump->source, netlink_fd(&dump->netlink), EPOLLIN, callback,
				user);
	if (error < 0) {
		return error;
	}
	return sd_event_source_set_enabled(dump->source, SD_EVENT_OFF);
}

void fdbdump_close(struct fdbdump *dump)
{
	sd_event_source_disable_unref(dump->source);
	netlink_close(&dump->netlink);
	free(dump->deleted);
}

void fdbdump_stop(struct fdbdump *dump)
{
	dump->running = false;
	free(dump->deleted);
	dump->deleted = NULL;
	dump->deleted_count = 0;
	if (dump->source != NULL) {
		(void)sd_event_source_set_enabled(dump->source, SD_EVENT_OFF);
	}
}

int fdbdump_start(struct fdbdump *dump, const struct fdbmsg_bridge *bridge)
{
	uint8_t buffer[FDBDUMP_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_prepare(&dump->netlink, buffer, RTM_GETNEIGH, NLM_F_DUMP);
	int error;

	fdbdump_stop(dump);
	dump->deleted = calloc(FDBDUMP_DELETED_MAX, sizeof(*dump->deleted));
	if (dump->deleted == NULL) {
		return -ENOMEM;
	}
	netlink_discard(&dump->netlink); /* of one that was stopped */
	fdbmsg_put_dump(message, bridge);
	error = netlink_send(&dump->netlink, message, message->nlmsg_len);
	if (error == 0) {
		error = sd_event_source_set_enabled(dump->source, SD_EVENT_ON);
	}
	if (error < 0) {
		fdbdump_stop(dump);
		return error;
	}
	dump->seq = message->nlmsg_seq;
	dump->forgot = false;
	dump->running = true;
	fdblocal_clear(&dump->locals);
	return 0;
}

void fdbdump_note_deleted(struct fdbdump *dump, const struct mlag_mac_key *key)
{
	if (!dump->running) {
		return;
	}
	if (dump->deleted_count == FDBDUMP_DELETED_MAX) {
		dump->forgot = true;
		return;
	}
	dump->deleted[dump->deleted_count++] = *key;
}

static void fdbdump_take(void *user, const struct nlmsghdr *message)
{
	struct fdbdump_slice *slice = user;

	if (message->nlmsg_seq != slice->dump->seq || slice->done) {
		return;
	}
	if (message->nlmsg_type == NLMSG_ERROR) {
		slice->error = netlink_error(message);
		slice->done = true;
	} else if (message->nlmsg_type == NLMSG_DONE) {
		slice->error = netlink_done(message);
		slice->done = true;
	} else {
		slice->handler(slice->user, message);
	}
}

int fdbdump_read(struct fdbdump *dump, uint32_t datagrams_max, netlink_handler handler, void *user)
{
	struct fdbdump_slice slice = {.dump = dump, .handler = handler, .user = user};
	int count;

	if (!dump->running) {
		return 0;
	}
	count = netlink_read(&dump->netlink, datagrams_max, fdbdump_take, &slice);
	if (count < 0) {
		return count;
	}
	if (!slice.done) {
		return 0;
	}
	return slice.error < 0 ? slice.error : 1;
}
