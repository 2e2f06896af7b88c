/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge's forwarding database: observed by events and dumps, changed in batches.
 */
#ifndef MLAGD_KERNEL_FDB_H
#define MLAGD_KERNEL_FDB_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "mlag.h"

struct fdb;

/* Own router MACs: one a VLAN, and as many again. */
#define FDB_LOCALS_MAX 8192

/**
 * struct fdb_handler - who hears of the FDB
 * @entry: an entry is now as given; kind none means it is gone.  Own writes come back here like
 *	anything else; INACTIVE and EXTERNAL ones when the kernel acknowledges them
 * @listed: the same by a line of a dump, which may be older than an @entry since @dump_begin
 * @dump_begin: entries that follow belong to a dump, until @dump_end; it comes again, without an
 *	end, when a dump failed and starts over
 * @dump_end: the dump is over; dumps miss entries, so what did not come is only a suspicion
 * @failed: an operation of fdb_apply() failed; @error is a positive errno: EADDRINUSE for a MAC
 *	that is an address of this machine, EINVAL for a VLAN that the port does not have, EPERM for
 *	a dynamic entry on a port that does not forward
 *
 * Not reported: local addresses of the machine, group addresses, other bridges, entries without a
 * VLAN on a VLAN-aware bridge.
 *
 * Context: from the event loop, fdb_set_bridge(), fdb_drain() or fdb_apply(); must
 * not call functions of this module that may call back (they answer -EBUSY).
 */
struct fdb_handler {
	void (*entry)(void *user, const struct mlag_mac_key *key,
		      const struct mlag_fdb_entry *entry);
	void (*listed)(void *user, const struct mlag_mac_key *key,
		       const struct mlag_fdb_entry *entry);
	void (*dump_begin)(void *user);
	void (*dump_end)(void *user);
	void (*failed)(void *user, const struct mlag_mac_key *key, int error);
};

/**
 * struct fdb_statistics - what happened since fdb_open()
 * @events: FDB messages read from the event socket, of all bridges
 * @overruns: times the event socket overflowed; each is followed by a resync
 * @resyncs: complete dumps
 * @unclean_dumps: dumps that ended with an error
 * @operations: verbs executed, VERIFY included
 * @errors: operations that failed
 * @malformed: messages that made no sense
 */
struct fdb_statistics {
	uint64_t events;
	uint64_t overruns;
	uint64_t resyncs;
	uint64_t unclean_dumps;
	uint64_t operations;
	uint64_t errors;
	uint64_t malformed;
};

/**
 * fdb_open() - open the sockets; nothing is reported before fdb_set_bridge()
 * @ret: the new object
 * @event: the loop it lives in; referenced
 * @handler: copied
 * @user: first argument of the callbacks
 *
 * Return: 0 or -errno of the sockets.
 */
int fdb_open(struct fdb **ret, sd_event *event, const struct fdb_handler *handler, void *user);

/**
 * fdb_close() - stop and free
 * @fdb: NULL is fine
 */
void fdb_close(struct fdb *fdb);

/**
 * fdb_set_bridge() - say which bridge is meant, and dump its FDB
 * @fdb: the object
 * @bridge_ifindex: 0 for none: nothing is reported and nothing can be written
 * @vlan_aware: it filters VLANs: every entry has one
 *
 * Events are subscribed to before the dump.  The same arguments again change nothing.
 *
 * Return: 0, -EBUSY from a callback, or -errno; a failed dump is tried again by itself.
 */
int fdb_set_bridge(struct fdb *fdb, uint32_t bridge_ifindex, bool vlan_aware);

/**
 * fdb_set_peer_link() - say which port is the peer link
 * @ifindex: 0 for none; it may change at any time
 *
 * Events of EXTERNAL entries there are echoes of own writes, and not read.
 */
void fdb_set_peer_link(struct fdb *fdb, uint32_t ifindex);

/**
 * fdb_drain() - deliver the events that are pending now, without blocking
 * @fdb: the object
 *
 * To be called before operations are taken from the engine, so that they do not answer an older
 * state of the kernel.  fdb_apply() does it too, but for its operations it is late.
 *
 * Return: 0, or -EBUSY from a callback.
 */
int fdb_drain(struct fdb *fdb);

/**
 * fdb_apply() - execute the verbs of operations, in order
 * @fdb: the object, with a bridge
 * @operations: place and place_known are not looked at
 * @count: any number; batches are made here
 *
 * SET creates or replaces.  A SET cannot take the EXTERNAL kind from an entry, nor the static kinds
 * from one that becomes EXTERNAL, nor make ACTIVE what is INACTIVE: that takes RENEW, which moves,
 * deletes and creates in one batch, and whose inside is not reported.  DELETE deletes the entry
 * only while it points to the given port; if it is gone or elsewhere that is success; if the port
 * does not have the VLAN any more, all that is left there of that VLAN goes.  VERIFY reports the
 * entry by entry(), with kind none if there is none.  Two operations of one call have different
 * keys.
 *
 * Return: 0 also when operations failed (failed() has said which), -EBUSY from a callback, -ENODEV
 * without a bridge (nothing was reported), or -errno of the socket (every operation of the batch
 * was reported by failed()).
 */
int fdb_apply(struct fdb *fdb, const struct mlag_fdb_operation *operations, uint32_t count);

/**
 * fdb_set_local() - deliver a MAC to this machine, and do not flood it (R20)
 * @fdb: the object; a bridge is not needed yet
 * @vlan: 1..4094, or 0 on a plain bridge
 * @mac: router MAC of an SVI of ours; the bridge's own is fine, nothing is done for it
 * @present: it should be so; otherwise no more
 *
 * Wanted MACs are remembered: the entry is made now, when the bridge appears, and again whenever
 * somebody takes it away.  An entry that is local anyway (the bridge's own MAC, a port's) stays as
 * it is, also at the end.
 *
 * Return: 0; -EBUSY from a callback, -ENOSPC beyond FDB_LOCALS_MAX: nothing changed.  What the
 * kernel refuses is logged, and tried again every second.
 */
int fdb_set_local(struct fdb *fdb, uint16_t vlan, const struct mlag_mac *mac, bool present);

/**
 * fdb_hold_local() - the same for a MAC whose device is not up yet, and must not come up before
 * @fdb: the object
 * @vlan, @mac: as in fdb_set_local()
 * @hold: from now on; otherwise no more, unless fdb_set_local() wants it
 *
 * A SET or DELETE of the engine for such a MAC is left undone.
 *
 * Return: 0: the entry is there (or, for the end of a hold, gone); -EAGAIN when the kernel refuses
 * it, which is logged, and tried again every second; -EBUSY, -ENOSPC as fdb_set_local().
 */
int fdb_hold_local(struct fdb *fdb, uint16_t vlan, const struct mlag_mac *mac, bool hold);

/**
 * fdb_let_locals() - take away every local entry that fdb_set_local() and fdb_hold_local() made
 * @fdb: the object
 *
 * Return: 0, -EBUSY from a callback, or what the kernel answered last.
 */
int fdb_let_locals(struct fdb *fdb);

/**
 * fdb_resync() - dump again from the event loop, but not more than once a second
 * @fdb: the object
 *
 * The dump is read in slices, between which events are delivered and operations carried out.
 */
void fdb_resync(struct fdb *fdb);

/**
 * fdb_get_statistics() - copy the counters
 * @fdb: the object
 * @ret_statistics: overwritten
 */
void fdb_get_statistics(const struct fdb *fdb, struct fdb_statistics *ret_statistics);

#endif
