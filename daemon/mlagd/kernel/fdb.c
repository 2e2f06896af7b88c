// SPDX-License-Identifier: BSD-2-Clause
/*
 * The FDB adapter.  Two sockets: one hears events, one asks and writes, so that an answer never
 * waits behind a storm of events.  effects.c owns the object; what it is told here becomes events
 * of the engine, and the operations it takes from the engine come back to fdb_apply().
 *
 * Own writes are heard like anybody's, and the engine compares them with what it wants.  Exceptions
 * are the inside of a RENEW, whose delete nobody should take for a loss, and echoes that the socket
 * drops (fdbecho.c).
 */
#include "kernel/fdb.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/fdbbatch.h"
#include "kernel/fdbdump.h"
#include "kernel/fdbecho.h"
#include "kernel/fdblocal.h"
#include "kernel/fdbmsg.h"
#include "kernel/fdbown.h"
#include "kernel/netlink.h"
#include "log.h"

#define FDB_EVENT_BYTES (32 * 1024 * 1024)
#define FDB_REQUEST_BYTES (4 * 1024 * 1024)
#define FDB_SLICE_MAX 64     /* datagrams a wakeup */
#define FDB_DRAIN_MAX 256    /* datagrams before operations are taken, and after they are written */
#define FDB_BEFORE_MAX 64    /* datagrams in between: what came since */
#define FDB_DUMP_SLICE_MAX 4 /* datagrams of a dump a wakeup, some hundred lines each */
#define FDB_DRAIN_ROUNDS_MAX 1024 /* of FDB_DRAIN_MAX, before a dump: several full buffers */
#define FDB_RESYNC_INTERVAL_US 1000000
#define FDB_TIMER_ACCURACY_US 1000

struct fdb {
	sd_event *event;
	sd_event_source *io_source;
	sd_event_source *resync_source;
	struct netlink events;
	struct netlink requests;
	struct fdbmsg_bridge bridge;
	uint32_t peer_link_ifindex; /* of which the socket's filter knows */
	struct fdb_handler handler;
	void *user;
	struct fdb_statistics statistics;
	struct fdblocal local;
	struct fdbdump dump;
	bool dump_wanted; /* as soon as the events are read dry */
	struct fdbown own;
	sd_event_source *own_source; /* own router MACs may lack their entry */
	bool inside;		     /* somebody may be in a callback */
	uint64_t resynced_us;
	struct fdbbatch *renewing; /* whose inside is not reported */
	struct fdbecho echo;
	uint32_t doubts_count;
	struct mlag_mac_key doubts[FDB_DRAIN_MAX]; /* events that are asked for instead */
	struct fdbbatch_writer writer;
};

static int fdb_resync_due(sd_event_source *source, uint64_t now_us, void *user);
static void fdb_ask(struct fdb *fdb, const struct mlag_mac_key *keys, uint32_t count);
static int fdb_own_due(sd_event_source *source, uint64_t now_us, void *user);

static uint64_t fdb_now_us(const struct fdb *fdb)
{
	uint64_t now_us = 0;

	(void)sd_event_now(fdb->event, CLOCK_MONOTONIC, &now_us);
	return now_us;
}

/* Arm a one-shot timer, made at its first use. */
static void fdb_arm(struct fdb *fdb, sd_event_source **source, uint64_t delay_us,
		    sd_event_time_handler_t callback)
{
	int error;

	if (*source == NULL) {
		error = sd_event_add_time_relative(fdb->event, source, CLOCK_MONOTONIC, delay_us,
						   FDB_TIMER_ACCURACY_US, callback, fdb);
	} else {
		error = sd_event_source_set_time_relative(*source, delay_us);
		if (error >= 0) {
			error = sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
		}
	}
	if (error < 0) {
		log_error("fdb: cannot arm a timer: %s", strerror(-error));
	}
}

/* Dump again from the event loop, but not more than once a second. */
static void fdb_want_resync(struct fdb *fdb)
{
	uint64_t now_us = fdb_now_us(fdb);
	uint64_t due_us = fdb->resynced_us + FDB_RESYNC_INTERVAL_US;

	fdb_arm(fdb, &fdb->resync_source, due_us > now_us ? due_us - now_us : 0, fdb_resync_due);
}

/* ---- what the kernel says ------------------------------------------------------------------ */

static void fdb_take_local(struct fdb *fdb, const struct mlag_mac_key *key, uint16_t type)
{
	if (fdb->dump.running && type != RTM_DELNEIGH) {
		(void)fdblocal_add(&fdb->dump.locals, &key->mac);
	}
	if (type == RTM_DELNEIGH) {
		fdblocal_remove(&fdb->local, &key->mac);
		if (fdbown_lose(&fdb->own, key)) {
			fdb_arm(fdb, &fdb->own_source, 0, fdb_own_due);
		}
	} else if (!fdblocal_add(&fdb->local, &key->mac)) {
		log_warning("fdb: more than %d own MAC addresses; the rest is not protected from "
			    "what the peer says",
			    FDBLOCAL_MAX);
	}
}

/* An event, or (@listed) a line of a dump. */
static void fdb_take_message(struct fdb *fdb, const struct nlmsghdr *message, bool listed)
{
	struct mlag_mac_key key;
	struct mlag_fdb_entry entry;
	int error;

	if ((message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH) ||
	    fdb->bridge.ifindex == 0) {
		return;
	}
	error = fdbmsg_parse(message, &fdb->bridge, &key, &entry);
	if (error == -EADDRINUSE) {
		fdb_take_local(fdb, &key, message->nlmsg_type);
	} else if (error == -EBADMSG) {
		fdb->statistics.malformed++;
	}
	if (error == 0 && entry.kind != MLAG_FDB_NONE && fdbown_lose(&fdb->own, &key)) {
		/* An own router MAC, and somewhere else: that cannot stay. */
		fdb_arm(fdb, &fdb->own_source, 0, fdb_own_due);
	}
	if (error < 0 || (fdb->renewing != NULL &&
			  fdbbatch_hides(fdb->renewing, &key, entry.kind == MLAG_FDB_NONE))) {
		return;
	}
	if (listed) {
		fdb->handler.listed(fdb->user, &key, &entry);
		return;
	}
	if (entry.kind == MLAG_FDB_NONE) {
		fdbdump_note_deleted(&fdb->dump, &key);
	}
	if (fdbecho_outdates(&fdb->echo, &key, &entry) && fdb->doubts_count < FDB_DRAIN_MAX) {
		fdb->doubts[fdb->doubts_count++] = key;
		return;
	}
	fdb->handler.entry(fdb->user, &key, &entry);
}

static void fdb_take_line(void *user, const struct nlmsghdr *message)
{
	fdb_take_message(user, message, true);
}

static void fdb_take_event(void *user, const struct nlmsghdr *message)
{
	struct fdb *fdb = user;

	fdb->statistics.events++;
	fdb_take_message(fdb, message, false);
}

/* Deliver at most so many datagrams; an overrun ends it.  Returns what netlink_read() did. */
static int fdb_read_events(struct fdb *fdb, uint32_t datagrams_max)
{
	int count = netlink_read(&fdb->events, datagrams_max, fdb_take_event, fdb);

	if (count < 0) {
		fdb->statistics.overruns += count == -ENOBUFS ? 1 : 0;
		log_warning("fdb: events were lost (%s); reading the FDB again", strerror(-count));
		fdb_want_resync(fdb);
	}
	if (fdb->doubts_count > 0) {
		fdb_ask(fdb, fdb->doubts, fdb->doubts_count);
		fdb->doubts_count = 0;
	}
	if (count >= 0 && (uint32_t)count < datagrams_max) {
		fdbecho_clear(&fdb->echo);
	}
	return count;
}

/* After an overrun the kernel delivers nothing new before the queue was empty once. */
static void fdb_read_dry(struct fdb *fdb)
{
	uint32_t round;

	for (round = 0; round < FDB_DRAIN_ROUNDS_MAX; round++) {
		int count = fdb_read_events(fdb, FDB_DRAIN_MAX);

		if (count >= 0 && count < FDB_DRAIN_MAX) {
			return;
		}
	}
}

/* ---- dumps ---------------------------------------------------------------------------------- */

static void fdb_dump_failed(struct fdb *fdb, int error)
{
	fdb->statistics.unclean_dumps++;
	log_warning("fdb: reading the FDB failed: %s; again in %d ms", strerror(-error),
		    FDB_RESYNC_INTERVAL_US / 1000);
	fdb_want_resync(fdb);
}

static int fdb_dump(struct fdb *fdb)
{
	uint8_t buffer[FDBMSG_SIZE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_prepare(&fdb->requests, buffer, RTM_GETNEIGH, NLM_F_DUMP);
	int error;

	fdbmsg_put_dump(message, &fdb->bridge);
	fdb->resynced_us = fdb_now_us(fdb);
	fdblocal_clear(&fdb->local);
	error = netlink_send(&fdb->requests, message, message->nlmsg_len);
	if (error < 0) {
		return error;
	}
	fdb->handler.dump_begin(fdb->user);
	error = netlink_collect(&fdb->requests, message->nlmsg_seq, fdb_take_line, fdb);
	if (error < 0) {
		netlink_discard(&fdb->requests);
		return error;
	}
	fdb->statistics.resyncs++;
	fdb->handler.dump_end(fdb->user);
	return 0;
}

/* The first look at a bridge: nothing is said to anybody before it. */
static int fdb_read_all(struct fdb *fdb)
{
	int error;

	fdbdump_stop(&fdb->dump);
	fdb->dump_wanted = false;
	if (fdb->bridge.ifindex == 0) {
		return 0;
	}
	fdb->inside = true;
	if (fdbown_lose_all(&fdb->own)) {
		fdb_arm(fdb, &fdb->own_source, 0, fdb_own_due);
	}
	fdb_read_dry(fdb);
	error = fdb_dump(fdb);
	if (error < 0) {
		fdb_dump_failed(fdb, error);
	}
	fdb->inside = false;
	return error;
}

/* The events up to now are known: what the kernel lists from here on can be compared with them. */
static void fdb_dump_begin(struct fdb *fdb)
{
	int error;

	fdb->dump_wanted = false;
	fdb->resynced_us = fdb_now_us(fdb);
	if (fdbown_lose_all(&fdb->own)) {
		fdb_arm(fdb, &fdb->own_source, 0, fdb_own_due);
	}
	error = fdbdump_start(&fdb->dump, &fdb->bridge);
	if (error < 0) {
		fdb_dump_failed(fdb, error);
		return;
	}
	fdb->handler.dump_begin(fdb->user);
}

static void fdb_dump_end(struct fdb *fdb)
{
	fdb->dump.running = false;
	/* A line may have shown what an event had already taken away. */
	fdb_ask(fdb, fdb->dump.deleted, fdb->dump.deleted_count);
	if (fdb->dump.forgot) {
		fdb_want_resync(fdb);
	}
	fdb->local = fdb->dump.locals;
	fdbdump_stop(&fdb->dump);
	fdb->statistics.resyncs++;
	fdb->handler.dump_end(fdb->user);
}

static int fdb_dump_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct fdb *fdb = user;
	int r;

	(void)source;
	(void)fd;
	(void)events;
	fdb->inside = true;
	r = fdbdump_read(&fdb->dump, FDB_DUMP_SLICE_MAX, fdb_take_line, fdb);
	if (r > 0) {
		fdb_dump_end(fdb);
	} else if (r < 0) {
		fdbdump_stop(&fdb->dump);
		fdb_dump_failed(fdb, r);
	}
	fdb->inside = false;
	return 0;
}

/*
 * After an overrun the kernel delivers nothing new before the queue was empty once, and a dump is to
 * be compared with what came before it.
 */
static void fdb_dump_if_dry(struct fdb *fdb, int datagrams_count, uint32_t datagrams_max)
{
	if (fdb->dump_wanted && !fdb->dump.running && datagrams_count >= 0 &&
	    (uint32_t)datagrams_count < datagrams_max) {
		fdb_dump_begin(fdb);
	}
}

static int fdb_resync_due(sd_event_source *source, uint64_t now_us, void *user)
{
	struct fdb *fdb = user;

	(void)source;
	(void)now_us;
	if (fdb->bridge.ifindex == 0) {
		return 0;
	}
	if (fdb->dump.running) {
		fdb_want_resync(fdb); /* once that one is over */
		return 0;
	}
	fdb->dump_wanted = true;
	fdb->inside = true;
	fdb_dump_if_dry(fdb, fdb_read_events(fdb, FDB_SLICE_MAX), FDB_SLICE_MAX);
	fdb->inside = false;
	return 0;
}

void fdb_resync(struct fdb *fdb)
{
	if (!fdb->dump_wanted && !fdb->dump.running) {
		fdb_want_resync(fdb);
	}
}

int fdb_set_bridge(struct fdb *fdb, uint32_t bridge_ifindex, bool vlan_aware)
{
	if (fdb->inside) {
		return -EBUSY;
	}
	if (fdb->bridge.ifindex == bridge_ifindex && fdb->bridge.vlan_aware == vlan_aware) {
		return 0;
	}
	fdb->bridge.ifindex = bridge_ifindex;
	fdb->bridge.vlan_aware = vlan_aware;
	return fdb_read_all(fdb);
}

void fdb_set_peer_link(struct fdb *fdb, uint32_t ifindex)
{
	int error;

	if (ifindex == fdb->peer_link_ifindex) {
		return;
	}
	error = fdbecho_filter(&fdb->events, ifindex);
	if (error < 0) {
		log_warning("fdb: the filter of events stays as it is: %s", strerror(-error));
		return;
	}
	fdb->peer_link_ifindex = ifindex;
}

int fdb_drain(struct fdb *fdb)
{
	if (fdb->inside) {
		return -EBUSY;
	}
	fdb->inside = true;
	(void)fdb_read_events(fdb, FDB_DRAIN_MAX);
	fdb->inside = false;
	return 0;
}

/* ---- own router MACs ------------------------------------------------------------------------ */

static void fdb_own_replaced(void *user, const struct mlag_mac_key *key)
{
	static const struct mlag_fdb_entry none = {.ifindex = 0, .kind = MLAG_FDB_NONE};
	struct fdb *fdb = user;

	fdb->handler.entry(fdb->user, key, &none);
}

static void fdb_own_make(struct fdb *fdb)
{
	if (fdb->bridge.ifindex == 0) {
		return;
	}
	fdb->inside = true;
	if (fdbown_make(&fdb->own, &fdb->requests, &fdb->bridge, fdb_own_replaced, fdb) < 0) {
		fdb_arm(fdb, &fdb->own_source, FDB_RESYNC_INTERVAL_US, fdb_own_due);
	}
	fdb->inside = false;
}

static int fdb_own_due(sd_event_source *source, uint64_t now_us, void *user)
{
	(void)source;
	(void)now_us;
	fdb_own_make(user);
	return 0;
}

static int fdb_want_local(struct fdb *fdb, const struct mlag_mac_key *key, uint8_t holder)
{
	int r = fdbown_want(&fdb->own, key, holder);

	if (r > 0) {
		fdb_own_make(fdb);
	}
	return r < 0 ? r : 0;
}

static void fdb_forget_local(struct fdb *fdb, const struct mlag_mac_key *key, uint8_t holder)
{
	int r;

	/* One that was not wanted may be left from an earlier start. */
	if ((!fdbown_forget(&fdb->own, key, holder) && !fdblocal_has(&fdb->local, &key->mac)) ||
	    fdbown_wants(&fdb->own, key) || fdb->bridge.ifindex == 0) {
		return;
	}
	r = fdbown_unmake(&fdb->requests, &fdb->bridge, key);
	if (r < 0) {
		log_warning("fdb: the local entry of a router MAC in VLAN %u stays: %s", key->vlan,
			    strerror(-r));
	}
}

int fdb_set_local(struct fdb *fdb, uint16_t vlan, const struct mlag_mac *mac, bool present)
{
	struct mlag_mac_key key = {.vlan = vlan, .mac = *mac};

	if (fdb->inside) {
		return -EBUSY;
	}
	if (present) {
		return fdb_want_local(fdb, &key, FDBOWN_ADDRESS);
	}
	fdb_forget_local(fdb, &key, FDBOWN_ADDRESS);
	return 0;
}

int fdb_hold_local(struct fdb *fdb, uint16_t vlan, const struct mlag_mac *mac, bool hold)
{
	struct mlag_mac_key key = {.vlan = vlan, .mac = *mac};
	int r;

	if (fdb->inside) {
		return -EBUSY;
	}
	if (!hold) {
		fdb_forget_local(fdb, &key, FDBOWN_GATEWAY);
		if (!fdbown_wants(&fdb->own, &key)) {
			/* What the engine wanted there in the meantime was left undone. */
			fdb_own_replaced(fdb, &key);
		}
		return 0;
	}
	r = fdb_want_local(fdb, &key, FDBOWN_GATEWAY);
	if (r < 0 || fdbown_has(&fdb->own, &key)) {
		return r;
	}
	fdb_own_make(fdb);
	return fdbown_has(&fdb->own, &key) ? 0 : -EAGAIN;
}

int fdb_let_locals(struct fdb *fdb)
{
	int error = 0;

	if (fdb->inside) {
		return -EBUSY;
	}
	while (fdb->own.wanted.count > 0) {
		struct mlag_mac_key key =
			*(const struct mlag_mac_key *)sorted_at(&fdb->own.wanted, 0);
		int r = fdb->bridge.ifindex != 0 ? fdbown_unmake(&fdb->requests, &fdb->bridge, &key)
						 : 0;

		(void)fdbown_forget(&fdb->own, &key, UINT8_MAX);
		error = r < 0 ? r : error;
	}
	return error;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* As many operations as one batch has room for; that many are @ret_done. */
static int fdb_apply_batch(struct fdb *fdb, const struct mlag_fdb_operation *operations,
			   uint32_t count, uint32_t *ret_done)
{
	struct fdbbatch batch;
	int error = fdbbatch_write(&batch, &fdb->writer, operations, count);

	*ret_done = batch.count;
	if (error < 0) {
		return error;
	}
	/* The events of these writes are all there: hide the inside of renewals. */
	fdb->renewing = &batch;
	(void)fdb_read_events(fdb, FDB_DRAIN_MAX);
	fdb->renewing = NULL;
	fdb_ask(fdb, batch.missing, batch.missing_count);
	return 0;
}

/* Ask for entries by name; the answers are delivered. */
static void fdb_ask(struct fdb *fdb, const struct mlag_mac_key *keys, uint32_t count)
{
	struct mlag_fdb_operation operations[FDBBATCH_OPERATIONS_MAX];
	struct fdbbatch batch;

	while (count > 0) {
		uint32_t part = count < FDBBATCH_OPERATIONS_MAX ? count : FDBBATCH_OPERATIONS_MAX;

		memset(operations, 0, sizeof(operations));
		for (uint32_t i = 0; i < part; i++) {
			operations[i].verb = MLAG_FDB_VERB_VERIFY;
			operations[i].key = keys[i];
		}
		(void)fdbbatch_write(&batch, &fdb->writer, operations, part);
		keys += batch.count;
		count -= batch.count;
	}
}

int fdb_apply(struct fdb *fdb, const struct mlag_fdb_operation *operations, uint32_t count)
{
	int error = 0;

	if (fdb->inside) {
		return -EBUSY;
	}
	if (fdb->bridge.ifindex == 0) {
		return -ENODEV;
	}
	fdb->inside = true;
	(void)fdb_read_events(fdb, FDB_BEFORE_MAX);
	while (count > 0) {
		uint32_t done;
		int failure = fdb_apply_batch(fdb, operations, count, &done);

		error = failure < 0 ? failure : error;
		operations += done;
		count -= done;
	}
	fdb->inside = false;
	return error;
}

/* ---- life and death ------------------------------------------------------------------------- */

static int fdb_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct fdb *fdb = user;

	(void)source;
	(void)fd;
	(void)events;
	fdb->inside = true;
	fdb_dump_if_dry(fdb, fdb_read_events(fdb, FDB_SLICE_MAX), FDB_SLICE_MAX);
	fdb->inside = false;
	return 0;
}

static int fdb_init(struct fdb *fdb)
{
	int error = netlink_open(&fdb->events, FDB_EVENT_BYTES);

	if (error < 0) {
		return error;
	}
	netlink_expect_small(&fdb->events);
	error = netlink_open(&fdb->requests, FDB_REQUEST_BYTES);
	if (error < 0) {
		return error;
	}
	/* Before the group: neighbours of IP come by the same one. */
	error = fdbecho_filter(&fdb->events, 0);
	if (error < 0) {
		return error;
	}
	error = fdbdump_open(&fdb->dump, fdb->event, fdb_dump_readable, fdb);
	if (error < 0) {
		return error;
	}
	error = netlink_join(&fdb->events, RTNLGRP_NEIGH);
	if (error < 0) {
		return error;
	}
	return sd_event_add_io(fdb->event, &fdb->io_source, netlink_fd(&fdb->events), EPOLLIN,
			       fdb_readable, fdb);
}

int fdb_open(struct fdb **ret, sd_event *event, const struct fdb_handler *handler, void *user)
{
	struct fdb *fdb = calloc(1, sizeof(*fdb));
	int error;

	if (fdb == NULL) {
		return -ENOMEM;
	}
	fdb->event = sd_event_ref(event);
	fdb->handler = *handler;
	fdb->user = user;
	fdb->writer = (struct fdbbatch_writer){
		.requests = &fdb->requests,
		.bridge = &fdb->bridge,
		.local = &fdb->local,
		.own = &fdb->own,
		.echo = &fdb->echo,
		.handler = &fdb->handler,
		.user = user,
		.statistics = &fdb->statistics,
	};
	fdbown_init(&fdb->own, FDB_LOCALS_MAX);
	error = fdb_init(fdb);
	if (error < 0) {
		fdb_close(fdb);
		return error;
	}
	*ret = fdb;
	return 0;
}

void fdb_close(struct fdb *fdb)
{
	if (fdb == NULL) {
		return;
	}
	sd_event_source_disable_unref(fdb->io_source);
	sd_event_source_disable_unref(fdb->resync_source);
	sd_event_source_disable_unref(fdb->own_source);
	fdbown_fini(&fdb->own);
	fdbdump_close(&fdb->dump);
	netlink_close(&fdb->events);
	netlink_close(&fdb->requests);
	sd_event_unref(fdb->event);
	free(fdb);
}

void fdb_get_statistics(const struct fdb *fdb, struct fdb_statistics *ret_statistics)
{
	*ret_statistics = fdb->statistics;
}
