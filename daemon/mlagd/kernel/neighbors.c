// SPDX-License-Identifier: BSD-2-Clause
/*
 * The adapter of neighbours.  Two sockets: one hears events, one asks and writes, so that an answer
 * never waits behind a storm of events.  effects.c owns the object; what it is told here becomes
 * events of the engine, and the operations it takes from the engine come back to neighbors_apply().
 *
 * Own writes are dropped by a filter in the event socket, for neighbour events say who made them.
 * That leaves one trap: an event that was made before a write and is read after it.  So whatever is
 * told of a key that was just written is not believed but asked for (see neighbors_settle()).
 */
#include "kernel/neighbors.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/neighbormsg.h"
#include "kernel/netlink.h"
#include "kernel/sorted.h"
#include "log.h"

#define NEIGHBORS_EVENT_BYTES (32 * 1024 * 1024)
#define NEIGHBORS_REQUEST_BYTES (4 * 1024 * 1024)
#define NEIGHBORS_DEVICES_MAX 8192	/* two a VLAN */
#define NEIGHBORS_SLICE_MAX 64		/* datagrams a wakeup */
#define NEIGHBORS_BEFORE_MAX 256	/* datagrams before a write; in a storm there are more */
#define NEIGHBORS_DRAIN_MAX 4096	/* datagrams after one, and before a dump */
#define NEIGHBORS_DRAIN_ROUNDS_MAX 64	/* of that, before a dump: several full buffers */
#define NEIGHBORS_RESYNC_US 1000000	/* between two dumps */
#define NEIGHBORS_RESYNC_ROUNDS_MAX 5	/* further ones, when entries came and went meanwhile */
#define NEIGHBORS_TABLES_US 10000000	/* how often the tables are asked how they fare */
#define NEIGHBORS_FULL_TOLD_US 60000000 /* how long an overflow is a problem */
#define NEIGHBORS_TOLD_US 10000000	/* between two lines about failed writes */
#define NEIGHBORS_ACCURACY_US 1000

/**
 * struct neighbors_device - a device and what it is
 * @ifindex: the order of the table
 */
struct neighbors_device {
	uint32_t ifindex;
	uint16_t vlan;
	enum mlag_neighbor_device device;
};

/**
 * struct neighbors_fullness - what is known of overflows of one of the kernel's tables
 * @known: @now was read
 * @fulled_us: when an overflow was last noticed, 0 for never
 */
struct neighbors_fullness {
	bool known;
	struct neighbormsg_table now;
	uint64_t fulled_us;
};

/**
 * struct neighbors_batch - some operations on their way through the kernel
 * @count: at most MLAG_NEIGHBOR_BATCH_MAX, a message each
 * @first_seq: sequence number of the first
 * @errors: of a message, positive
 * @touched: the kernel said something of this key while it was being written
 */
struct neighbors_batch {
	struct neighbors *neighbors;
	const struct mlag_neighbor_operation *operations;
	uint32_t count;
	uint32_t first_seq;
	int errors[MLAG_NEIGHBOR_BATCH_MAX];
	bool touched[MLAG_NEIGHBOR_BATCH_MAX];
};

struct neighbors {
	sd_event *event;
	sd_event_source *io_source;
	sd_event_source *resync_source;
	sd_event_source *tables_source;
	struct netlink events;
	struct netlink requests;
	struct neighbors_handler handler;
	void *user;
	struct sorted devices;
	bool inside; /* somebody may be in a callback */
	uint64_t resynced_us;
	uint32_t resync_rounds; /* dumps in a row that were disturbed */
	uint64_t events_count;
	uint64_t told_us; /* when a failed write was last logged */
	uint64_t untold;
	struct neighbors_fullness tables[2]; /* IPv4, IPv6 */
	struct neighbors_batch *settling;
	uint8_t buffer[MLAG_NEIGHBOR_BATCH_MAX * NEIGHBORMSG_SIZE_MAX]
		__attribute__((aligned(NLMSG_ALIGNTO)));
};

static int neighbors_resync_due(sd_event_source *source, uint64_t due_us, void *user);
static int neighbors_tables_due(sd_event_source *source, uint64_t due_us, void *user);

static uint64_t neighbors_now_us(const struct neighbors *neighbors)
{
	uint64_t now_us = 0;

	(void)sd_event_now(neighbors->event, CLOCK_MONOTONIC, &now_us);
	return now_us;
}

/* Arm a one-shot timer, made at its first use. */
static void neighbors_arm(struct neighbors *neighbors, sd_event_source **source, uint64_t delay_us,
			  sd_event_time_handler_t callback)
{
	int error;

	if (*source == NULL) {
		error = sd_event_add_time_relative(neighbors->event, source, CLOCK_MONOTONIC,
						   delay_us, NEIGHBORS_ACCURACY_US, callback,
						   neighbors);
	} else {
		error = sd_event_source_set_time_relative(*source, delay_us);
		if (error >= 0) {
			error = sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
		}
	}
	if (error < 0) {
		log_error("neighbours: cannot arm a timer: %s", strerror(-error));
	}
}

void neighbors_resync(struct neighbors *neighbors)
{
	uint64_t now_us = neighbors_now_us(neighbors);
	uint64_t due_us = neighbors->resynced_us + NEIGHBORS_RESYNC_US;

	neighbors->resync_rounds = 0;
	neighbors_arm(neighbors, &neighbors->resync_source, due_us > now_us ? due_us - now_us : 0,
		      neighbors_resync_due);
}

/* ---- devices -------------------------------------------------------------------------------- */

static int neighbors_device_compare(const void *a, const void *b)
{
	const struct neighbors_device *left = a, *right = b;

	return (left->ifindex > right->ifindex) - (left->ifindex < right->ifindex);
}

static void neighbors_remove_device(struct neighbors *neighbors, uint16_t vlan,
				    enum mlag_neighbor_device device)
{
	uint32_t i;

	for (i = 0; i < neighbors->devices.count; i++) {
		struct neighbors_device *item = sorted_at(&neighbors->devices, i);

		if (item->vlan == vlan && item->device == device) {
			sorted_remove(&neighbors->devices, i);
			return;
		}
	}
}

void neighbors_set_device(struct neighbors *neighbors, uint16_t vlan,
			  enum mlag_neighbor_device device, uint32_t ifindex)
{
	struct neighbors_device new = {.ifindex = ifindex, .vlan = vlan, .device = device};
	void *item;
	int error;

	neighbors_remove_device(neighbors, vlan, device);
	if (ifindex == 0) {
		return;
	}
	error = sorted_put(&neighbors->devices, &new, &item);
	if (error < 0) {
		log_warning("neighbours: those of VLAN %u are not synced: %s", vlan,
			    strerror(-error));
		return;
	}
	/* A number that was another device's until now. */
	memcpy(item, &new, sizeof(new));
	neighbors_resync(neighbors);
}

/* ---- what the kernel says ------------------------------------------------------------------- */

static bool neighbors_key(const struct neighbors *neighbors, const struct neighbormsg *neighbor,
			  struct mlag_neighbor_key *ret_key)
{
	struct neighbors_device wanted = {.ifindex = neighbor->ifindex};
	const struct neighbors_device *device = sorted_find(&neighbors->devices, &wanted);

	if (device == NULL) {
		return false;
	}
	memset(ret_key, 0, sizeof(*ret_key));
	ret_key->family = neighbor->family;
	ret_key->device = (uint8_t)device->device;
	ret_key->vlan = device->vlan;
	memcpy(ret_key->octets, neighbor->octets, sizeof(ret_key->octets));
	return true;
}

static bool neighbors_keys_equal(const struct mlag_neighbor_key *a,
				 const struct mlag_neighbor_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* What was said of a key that is being written is not told: it is asked for afterwards. */
static bool neighbors_is_touched(struct neighbors *neighbors, const struct mlag_neighbor_key *key)
{
	struct neighbors_batch *batch = neighbors->settling;
	uint32_t i;

	for (i = 0; batch != NULL && i < batch->count; i++) {
		if (neighbors_keys_equal(&batch->operations[i].key, key)) {
			batch->touched[i] = true;
			return true;
		}
	}
	return false;
}

static void neighbors_take_event(void *user, const struct nlmsghdr *message)
{
	struct neighbors *neighbors = user;
	struct mlag_neighbor_key key;
	struct neighbormsg neighbor;

	neighbors->events_count++;
	if ((message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH) ||
	    neighbormsg_parse(message, &neighbor) < 0 ||
	    !neighbors_key(neighbors, &neighbor, &key) || neighbors_is_touched(neighbors, &key)) {
		return;
	}
	/* Failed because somebody took it away, not because nobody answered. */
	if (neighbor.entry.state == MLAG_NEIGHBOR_FAILED && message->nlmsg_pid != 0) {
		neighbor.entry.state = MLAG_NEIGHBOR_NONE;
	}
	neighbors->handler.entry(neighbors->user, &key, &neighbor.entry);
}

static void neighbors_take_dumped(void *user, const struct nlmsghdr *message)
{
	struct neighbors *neighbors = user;
	struct mlag_neighbor_key key;
	struct neighbormsg neighbor;

	if (message->nlmsg_type == RTM_NEWNEIGH && neighbormsg_parse(message, &neighbor) == 0 &&
	    neighbors_key(neighbors, &neighbor, &key)) {
		neighbors->handler.entry(neighbors->user, &key, &neighbor.entry);
	}
}

/* Deliver at most so many datagrams; an overrun ends it.  Returns what netlink_read() did. */
static int neighbors_read_events(struct neighbors *neighbors, uint32_t datagrams_max)
{
	int count =
		netlink_read(&neighbors->events, datagrams_max, neighbors_take_event, neighbors);

	if (count < 0) {
		log_warning("neighbours: events were lost (%s); reading all again",
			    strerror(-count));
		neighbors_resync(neighbors);
	}
	return count;
}

/* After an overrun the kernel delivers nothing new before the queue was empty once. */
static void neighbors_read_dry(struct neighbors *neighbors)
{
	uint32_t round;

	for (round = 0; round < NEIGHBORS_DRAIN_ROUNDS_MAX; round++) {
		int count = neighbors_read_events(neighbors, NEIGHBORS_DRAIN_MAX);

		if (count >= 0 && count < NEIGHBORS_DRAIN_MAX) {
			return;
		}
	}
}

int neighbors_drain(struct neighbors *neighbors)
{
	if (neighbors->inside) {
		return -EBUSY;
	}
	neighbors->inside = true;
	(void)neighbors_read_events(neighbors, NEIGHBORS_BEFORE_MAX);
	neighbors->inside = false;
	return 0;
}

/* ---- dumps ---------------------------------------------------------------------------------- */

static int neighbors_dump_family(struct neighbors *neighbors, uint8_t family)
{
	struct nlmsghdr *message =
		netlink_prepare(&neighbors->requests, neighbors->buffer, RTM_GETNEIGH, NLM_F_DUMP);
	int error;

	neighbormsg_put_dump(message, family);
	error = netlink_send(&neighbors->requests, message, message->nlmsg_len);
	if (error == 0) {
		error = netlink_collect(&neighbors->requests, message->nlmsg_seq,
					neighbors_take_dumped, neighbors);
	}
	if (error < 0) {
		netlink_discard(&neighbors->requests);
	}
	return error == -EOPNOTSUPP || error == -EAFNOSUPPORT ? 0 : error;
}

/* Also a dump without an error leaves entries out while others come and go. */
static int neighbors_dump(struct neighbors *neighbors, bool *ret_disturbed)
{
	uint64_t events_count = neighbors->events_count;
	int error;

	neighbors->handler.dump_begin(neighbors->user);
	error = neighbors_dump_family(neighbors, 4);
	if (error == 0) {
		error = neighbors_dump_family(neighbors, 6);
	}
	if (error < 0) {
		return error;
	}
	neighbors->handler.dump_end(neighbors->user);
	(void)neighbors_read_events(neighbors, NEIGHBORS_DRAIN_MAX);
	*ret_disturbed = neighbors->events_count != events_count;
	return 0;
}

static int neighbors_resync_due(sd_event_source *source, uint64_t due_us, void *user)
{
	struct neighbors *neighbors = user;
	bool disturbed = true;
	int error;

	(void)source;
	(void)due_us;
	neighbors->inside = true;
	neighbors_read_dry(neighbors);
	neighbors->resynced_us = neighbors_now_us(neighbors);
	error = neighbors_dump(neighbors, &disturbed);
	neighbors->inside = false;
	if (error < 0) {
		log_warning("neighbours: reading them failed: %s; trying again", strerror(-error));
	}
	if (disturbed && neighbors->resync_rounds < NEIGHBORS_RESYNC_ROUNDS_MAX) {
		neighbors_arm(neighbors, &neighbors->resync_source,
			      (uint64_t)NEIGHBORS_RESYNC_US << neighbors->resync_rounds,
			      neighbors_resync_due);
		neighbors->resync_rounds++;
	}
	return 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void neighbors_fail(struct neighbors *neighbors,
			   const struct mlag_neighbor_operation *operation, int error)
{
	uint64_t now_us = neighbors_now_us(neighbors);

	neighbors->untold++;
	if (neighbors->told_us == 0 || now_us - neighbors->told_us > NEIGHBORS_TOLD_US) {
		log_warning("neighbours: %llu entries were refused by the kernel, the last one, in "
			    "VLAN %u: %s; trying again",
			    (unsigned long long)neighbors->untold, operation->key.vlan,
			    strerror(error));
		neighbors->told_us = now_us;
		neighbors->untold = 0;
	}
	neighbors->handler.failed(neighbors->user, &operation->key, error);
}

static void neighbors_put(struct neighbors *neighbors, void *place,
			  const struct mlag_neighbor_operation *operation,
			  enum mlag_neighbor_verb verb, struct nlmsghdr **ret_message)
{
	struct neighbormsg neighbor = {
		.ifindex = operation->ifindex,
		.family = operation->key.family,
	};
	uint16_t type = RTM_GETNEIGH, flags = 0;

	memcpy(neighbor.octets, operation->key.octets, sizeof(neighbor.octets));
	neighbor.entry.mac = operation->mac;
	if (verb == MLAG_NEIGHBOR_VERB_SET || verb == MLAG_NEIGHBOR_VERB_KEEP) {
		type = RTM_NEWNEIGH;
	} else if (verb == MLAG_NEIGHBOR_VERB_DELETE) {
		type = RTM_DELNEIGH;
	}
	/* Without REPLACE another MAC would be ignored in silence. */
	if (verb == MLAG_NEIGHBOR_VERB_SET) {
		flags = NLM_F_CREATE | NLM_F_REPLACE;
	}
	*ret_message = netlink_prepare(&neighbors->requests, place, type, flags);
	switch (verb) {
	case MLAG_NEIGHBOR_VERB_SET:
		neighbormsg_put_set(*ret_message, &neighbor);
		break;
	case MLAG_NEIGHBOR_VERB_KEEP:
		neighbormsg_put_keep(*ret_message, &neighbor);
		break;
	case MLAG_NEIGHBOR_VERB_NONE:
	case MLAG_NEIGHBOR_VERB_DELETE:
	case MLAG_NEIGHBOR_VERB_VERIFY:
		neighbormsg_put_key(*ret_message, &neighbor);
		break;
	}
}

/* An answer to one message of the batch: an entry that was asked for, or an error. */
static void neighbors_batch_take(void *user, const struct nlmsghdr *message)
{
	struct neighbors_batch *batch = user;
	uint32_t index = message->nlmsg_seq - batch->first_seq;
	struct neighbormsg neighbor;

	if (index >= batch->count) {
		return;
	}
	if (message->nlmsg_type == NLMSG_ERROR) {
		batch->errors[index] = -netlink_error(message);
	} else if (message->nlmsg_type == RTM_NEWNEIGH) {
		/* One that is being resolved has no MAC yet: as good as none. */
		if (neighbormsg_parse(message, &neighbor) < 0) {
			memset(&neighbor, 0, sizeof(neighbor));
		}
		batch->neighbors->handler.entry(batch->neighbors->user,
						&batch->operations[index].key, &neighbor.entry);
	}
}

/* Send the whole batch, as told or with one verb for all, and wait for the answers. */
static int neighbors_batch_send(struct neighbors_batch *batch, enum mlag_neighbor_verb verb)
{
	struct neighbors *neighbors = batch->neighbors;
	struct nlmsghdr *message = NULL;
	size_t size = 0;
	uint32_t i;
	int error;

	/* Numbers within a batch are consecutive. */
	if (neighbors->requests.seq > UINT32_MAX - MLAG_NEIGHBOR_BATCH_MAX) {
		neighbors->requests.seq = 0;
	}
	for (i = 0; i < batch->count; i++) {
		neighbors_put(neighbors, neighbors->buffer + size, &batch->operations[i],
			      verb != MLAG_NEIGHBOR_VERB_NONE ? verb : batch->operations[i].verb,
			      &message);
		batch->first_seq = i == 0 ? message->nlmsg_seq : batch->first_seq;
		batch->errors[i] = 0;
		size += message->nlmsg_len;
	}
	if (message == NULL) {
		return 0; /* nothing to send */
	}
	message->nlmsg_flags |= NLM_F_ACK;
	error = netlink_send(&neighbors->requests, neighbors->buffer, size);
	if (error < 0) {
		return error;
	}
	error = netlink_collect(&neighbors->requests, message->nlmsg_seq, neighbors_batch_take,
				batch);
	if (error == -ENOBUFS || error == -ETIMEDOUT) {
		netlink_discard(&neighbors->requests);
		return error;
	}
	batch->errors[batch->count - 1] = -error;
	return 0;
}

/* What became of one message, in the engine's words. */
static void neighbors_settle_one(struct neighbors_batch *batch, uint32_t index,
				 enum mlag_neighbor_verb verb)
{
	static const struct mlag_neighbor_entry none;
	const struct mlag_neighbor_operation *operation = &batch->operations[index];
	int error = batch->errors[index];

	if (error == 0) {
		return;
	}
	if (error == ENOENT && verb == MLAG_NEIGHBOR_VERB_VERIFY) {
		batch->neighbors->handler.entry(batch->neighbors->user, &operation->key, &none);
	} else if (error != ENOENT || verb != MLAG_NEIGHBOR_VERB_DELETE) {
		neighbors_fail(batch->neighbors, operation, error);
	}
}

/* Ask for those keys of which the kernel spoke while they were being written. */
static int neighbors_ask_touched(struct neighbors *neighbors, const struct neighbors_batch *written)
{
	struct mlag_neighbor_operation operations[MLAG_NEIGHBOR_BATCH_MAX];
	struct neighbors_batch batch = {.neighbors = neighbors, .operations = operations};
	uint32_t i;
	int error;

	for (i = 0; i < written->count; i++) {
		if (written->touched[i]) {
			operations[batch.count++] = written->operations[i];
		}
	}
	if (batch.count == 0) {
		return 0;
	}
	error = neighbors_batch_send(&batch, MLAG_NEIGHBOR_VERB_VERIFY);
	for (i = 0; i < batch.count; i++) {
		if (error < 0) {
			neighbors_fail(neighbors, &operations[i], -error);
		} else {
			neighbors_settle_one(&batch, i, MLAG_NEIGHBOR_VERB_VERIFY);
		}
	}
	return error;
}

static int neighbors_settle(struct neighbors_batch *batch)
{
	struct neighbors *neighbors = batch->neighbors;
	uint32_t i;

	for (i = 0; i < batch->count; i++) {
		neighbors_settle_one(batch, i, batch->operations[i].verb);
	}
	/* Whatever was said before the last write is in the queue by now. */
	neighbors->settling = batch;
	(void)neighbors_read_events(neighbors, NEIGHBORS_DRAIN_MAX);
	neighbors->settling = NULL;
	return neighbors_ask_touched(neighbors, batch);
}

static int neighbors_apply_batch(struct neighbors *neighbors,
				 const struct mlag_neighbor_operation *operations, uint32_t count)
{
	struct neighbors_batch batch = {
		.neighbors = neighbors,
		.operations = operations,
		.count = count,
	};
	uint32_t i;
	int error = neighbors_batch_send(&batch, MLAG_NEIGHBOR_VERB_NONE);

	if (error < 0) {
		for (i = 0; i < count; i++) {
			neighbors_fail(neighbors, &operations[i], -error);
		}
		return error;
	}
	return neighbors_settle(&batch);
}

int neighbors_apply(struct neighbors *neighbors, const struct mlag_neighbor_operation *operations,
		    uint32_t count)
{
	uint32_t done;
	int error = 0;

	if (neighbors->inside) {
		return -EBUSY;
	}
	neighbors->inside = true;
	for (done = 0; done < count; done += MLAG_NEIGHBOR_BATCH_MAX) {
		uint32_t left = count - done;
		int failure = neighbors_apply_batch(
			neighbors, operations + done,
			left < MLAG_NEIGHBOR_BATCH_MAX ? left : MLAG_NEIGHBOR_BATCH_MAX);

		error = failure < 0 ? failure : error;
	}
	neighbors->inside = false;
	return error;
}

/* ---- overflows of the kernel's tables ------------------------------------------------------- */

static void neighbors_take_table(void *user, const struct nlmsghdr *message)
{
	struct neighbors *neighbors = user;
	struct neighbors_fullness *fullness;
	struct neighbormsg_table table;

	if (neighbormsg_parse_table(message, &table) < 0) {
		return;
	}
	fullness = &neighbors->tables[table.family == 4 ? 0 : 1];
	if (fullness->known && table.fulls > fullness->now.fulls) {
		if (fullness->fulled_us == 0) {
			log_warning("neighbours: the kernel's table of IPv%u is full (%u of %u)",
				    table.family, table.entries, table.threshold);
		}
		fullness->fulled_us = neighbors_now_us(neighbors);
	}
	fullness->known = true;
	fullness->now = table;
}

static int neighbors_tables_due(sd_event_source *source, uint64_t due_us, void *user)
{
	struct neighbors *neighbors = user;
	struct nlmsghdr *message = netlink_prepare(&neighbors->requests, neighbors->buffer,
						   RTM_GETNEIGHTBL, NLM_F_DUMP);
	uint32_t i;

	(void)source;
	(void)due_us; /* which is in the past */
	neighbormsg_put_tables(message);
	if (netlink_send(&neighbors->requests, message, message->nlmsg_len) < 0 ||
	    netlink_collect(&neighbors->requests, message->nlmsg_seq, neighbors_take_table,
			    neighbors) < 0) {
		netlink_discard(&neighbors->requests);
	}
	for (i = 0; i < 2; i++) {
		if (neighbors_now_us(neighbors) - neighbors->tables[i].fulled_us >
		    NEIGHBORS_FULL_TOLD_US) {
			neighbors->tables[i].fulled_us = 0;
		}
	}
	neighbors_arm(neighbors, &neighbors->tables_source, NEIGHBORS_TABLES_US,
		      neighbors_tables_due);
	return 0;
}

uint32_t neighbors_problems(const struct neighbors *neighbors, struct neighbors_problem *ret,
			    uint32_t max)
{
	uint32_t i, count = 0;

	for (i = 0; i < 2 && count < max; i++) {
		const struct neighbormsg_table *table = &neighbors->tables[i].now;

		if (neighbors->tables[i].fulled_us == 0) {
			continue;
		}
		ret[count].code = "neighbor-table-full";
		(void)snprintf(ret[count].text, sizeof(ret[count].text),
			       "neighbor table full: the kernel's table of IPv%u neighbours had no "
			       "room within the last minute (%u entries, gc_thresh3 is %u)",
			       table->family, table->entries, table->threshold);
		count++;
	}
	return count;
}

/* ---- life and death ------------------------------------------------------------------------- */

static int neighbors_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct neighbors *neighbors = user;

	(void)source;
	(void)fd;
	(void)events;
	neighbors->inside = true;
	(void)neighbors_read_events(neighbors, NEIGHBORS_SLICE_MAX);
	neighbors->inside = false;
	return 0;
}

static int neighbors_filter(struct neighbors *neighbors)
{
	struct sock_filter code[NEIGHBORMSG_FILTER_SIZE];
	struct sock_fprog program = {.len = NEIGHBORMSG_FILTER_SIZE, .filter = code};

	neighbormsg_make_filter(neighbors->requests.portid, code);
	if (setsockopt(netlink_fd(&neighbors->events), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0) {
		return -errno;
	}
	return 0;
}

static int neighbors_init(struct neighbors *neighbors)
{
	int error = netlink_open(&neighbors->events, NEIGHBORS_EVENT_BYTES);

	if (error < 0) {
		return error;
	}
	netlink_expect_small(&neighbors->events);
	error = netlink_open(&neighbors->requests, NEIGHBORS_REQUEST_BYTES);
	if (error < 0) {
		return error;
	}
	/* Before the group. */
	error = neighbors_filter(neighbors);
	if (error < 0) {
		return error;
	}
	error = netlink_join(&neighbors->events, RTNLGRP_NEIGH);
	if (error < 0) {
		return error;
	}
	neighbors_arm(neighbors, &neighbors->tables_source, 0, neighbors_tables_due);
	return sd_event_add_io(neighbors->event, &neighbors->io_source,
			       netlink_fd(&neighbors->events), EPOLLIN, neighbors_readable,
			       neighbors);
}

int neighbors_open(struct neighbors **ret, sd_event *event, const struct neighbors_handler *handler,
		   void *user)
{
	struct neighbors *neighbors = calloc(1, sizeof(*neighbors));
	int error;

	if (neighbors == NULL) {
		return -ENOMEM;
	}
	neighbors->event = sd_event_ref(event);
	neighbors->handler = *handler;
	neighbors->user = user;
	neighbors->devices.size = sizeof(struct neighbors_device);
	neighbors->devices.max = NEIGHBORS_DEVICES_MAX;
	neighbors->devices.compare = neighbors_device_compare;
	error = neighbors_init(neighbors);
	if (error < 0) {
		neighbors_close(neighbors);
		return error;
	}
	*ret = neighbors;
	return 0;
}

void neighbors_close(struct neighbors *neighbors)
{
	if (neighbors == NULL) {
		return;
	}
	sd_event_source_disable_unref(neighbors->io_source);
	sd_event_source_disable_unref(neighbors->resync_source);
	sd_event_source_disable_unref(neighbors->tables_source);
	netlink_close(&neighbors->events);
	netlink_close(&neighbors->requests);
	sorted_fini(&neighbors->devices);
	sd_event_unref(neighbors->event);
	free(neighbors);
}
