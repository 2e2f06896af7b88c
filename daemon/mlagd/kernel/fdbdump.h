/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dump of the FDB that is read a slice at a time, while events and writes go on.
 */
#ifndef MLAGD_KERNEL_FDBDUMP_H
#define MLAGD_KERNEL_FDBDUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "kernel/fdblocal.h"
#include "kernel/fdbmsg.h"
#include "kernel/netlink.h"
#include "mlag.h"

/* Deletions during one dump that are remembered; more, and the dump has to be taken again. */
#define FDBDUMP_DELETED_MAX 16384

/**
 * struct fdbdump - embedded in who owns the FDB; zeroed before fdbdump_open()
 * @netlink: a socket of its own, so that answers to writes do not wait behind the dump
 * @source: readable; off while no dump is under way
 * @seq: of the request
 * @running: from fdbdump_start() until fdbdump_read() has returned something else than 0
 * @deleted, @deleted_count: keys of entries that went while the dump was under way
 * @forgot: there were more of those
 * @locals: addresses of this machine that the dump has shown so far
 */
struct fdbdump {
	struct netlink netlink;
	sd_event_source *source;
	uint32_t seq;
	bool running;
	bool forgot;
	uint32_t deleted_count;
	struct mlag_mac_key *deleted;
	struct fdblocal locals;
};

/** fdbdump_open() - make the socket; @callback is called when there is something to read */
int fdbdump_open(struct fdbdump *dump, sd_event *event, sd_event_io_handler_t callback, void *user);

void fdbdump_close(struct fdbdump *dump);

/**
 * fdbdump_start() - ask for all entries of a bridge
 *
 * Return: 0, -ENOMEM, or -errno of the socket; then nothing is under way.
 */
int fdbdump_start(struct fdbdump *dump, const struct fdbmsg_bridge *bridge);

/** fdbdump_stop() - what still comes of a dump is for nobody */
void fdbdump_stop(struct fdbdump *dump);

/** fdbdump_note_deleted() - an event said that an entry is gone; a line may still show it */
void fdbdump_note_deleted(struct fdbdump *dump, const struct mlag_mac_key *key);

/**
 * fdbdump_read() - hand out the next lines
 * @datagrams_max: of several hundred lines each
 *
 * Return: 0 while there may be more, 1 at the end, -errno when the dump failed.
 */
int fdbdump_read(struct fdbdump *dump, uint32_t datagrams_max, netlink_handler handler, void *user);

#endif
