/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's neighbours on the devices of the bridge's VLANs: observed by events and dumps,
 * changed in batches (R29).
 */
#ifndef MLAGD_KERNEL_NEIGHBORS_H
#define MLAGD_KERNEL_NEIGHBORS_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "mlag.h"

struct neighbors;

/**
 * struct neighbors_handler - who hears of neighbours
 * @entry: an entry is now as given; state none means it is gone.  Own writes do not come back; what
 *	the kernel said of a key while it was being written is found out anew, so that an older word
 *	is never told after the write
 * @dump_begin: entries that follow belong to a dump, until @dump_end; it comes again, without an
 *	end, when a dump failed and starts over
 * @dump_end: the dump is over; dumps miss entries, so what did not come is only a suspicion
 * @failed: an operation of neighbors_apply() failed; @error is a positive errno
 *
 * Context: from the event loop, neighbors_drain(), neighbors_apply() or neighbors_resync(); must
 * not call functions of this module that may call back (they answer -EBUSY).
 */
struct neighbors_handler {
	void (*entry)(void *user, const struct mlag_neighbor_key *key,
		      const struct mlag_neighbor_entry *entry);
	void (*dump_begin)(void *user);
	void (*dump_end)(void *user);
	void (*failed)(void *user, const struct mlag_neighbor_key *key, int error);
};

/**
 * neighbors_open() - open the sockets and subscribe; nothing is reported before there is a device
 * @ret: the new object
 * @event: the loop it lives in; referenced
 * @handler: copied
 * @user: first argument of the callbacks
 *
 * Return: 0 or -errno of the sockets.
 */
int neighbors_open(struct neighbors **ret, sd_event *event, const struct neighbors_handler *handler,
		   void *user);

/**
 * neighbors_close() - stop and free
 * @neighbors: NULL is fine
 *
 * Entries stay as they are, for the next start.
 */
void neighbors_close(struct neighbors *neighbors);

/**
 * neighbors_set_device() - say which device a VLAN has
 * @neighbors: the object
 * @vlan: 1..4094, or 0 on a plain bridge
 * @device: what it is
 * @ifindex: 0 for none any more
 *
 * What is known on it is read soon, by a dump.
 */
void neighbors_set_device(struct neighbors *neighbors, uint16_t vlan,
			  enum mlag_neighbor_device device, uint32_t ifindex);

/**
 * neighbors_drain() - deliver the events that are pending now, without blocking
 * @neighbors: the object
 *
 * To be called before operations are taken from the engine, so that they do not answer an older
 * state of the kernel.
 *
 * Return: 0, or -EBUSY from a callback.
 */
int neighbors_drain(struct neighbors *neighbors);

/**
 * neighbors_apply() - execute the verbs of operations, in order
 * @neighbors: the object
 * @operations: their keys differ
 * @count: any number; batches are made here
 *
 * DELETE of what is gone is success.  VERIFY reports the entry by entry(), with state none if there
 * is none.
 *
 * Return: 0 also when operations failed (failed() has said which), -EBUSY from a callback, or
 * -errno of the socket (every operation of the batch was reported by failed()).
 */
int neighbors_apply(struct neighbors *neighbors, const struct mlag_neighbor_operation *operations,
		    uint32_t count);

/**
 * neighbors_resync() - dump again, soon, and not more than once a second
 * @neighbors: the object
 *
 * A dump during which neighbours came and went is repeated a few times, each later than the one
 * before: what it missed of entries that nobody touched is found by the next.
 */
void neighbors_resync(struct neighbors *neighbors);

/**
 * struct neighbors_problem - something that a person should put right
 * @code: "neighbor-table-full"; constant
 * @text: a sentence
 */
struct neighbors_problem {
	const char *code;
	char text[200];
};

/**
 * neighbors_problems() - what is wrong now
 * @neighbors: the object
 * @ret: room for @max problems
 * @max: how many are wanted
 *
 * Return: how many were written.
 */
uint32_t neighbors_problems(const struct neighbors *neighbors, struct neighbors_problem *ret,
			    uint32_t max);

#endif
