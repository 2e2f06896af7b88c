/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MAC addresses: who sees which where, and what each kernel should therefore hold (R5-R9).
 *
 * A member claims a MAC while its own data plane sees it: a dynamic FDB entry, an active one, or one
 * a person set.  What is known from the peer alone is programmed so that it can be told apart
 * (EXT_LEARNED on the peer link, static with activity notification on a leg) and is never claimed.
 * Two claims for different places are decided by sequence number, then by member id; the loser
 * withdraws, so both members come to the same end whatever the order of messages.
 */
#ifndef MLAG_MAC_H
#define MLAG_MAC_H

#include "mlag.h"
#include "table.h"

#define MAC_FLAG_STATIC 0x01 /* set by a person */

/**
 * struct mac_value - a claim
 * @lag_id: the LAG the MAC is at, 0 for an orphan of the claiming member
 * @flags: MAC_FLAG_STATIC
 */
struct mac_value {
	uint16_t lag_id;
	uint8_t flags;
	uint8_t pad;
};

/**
 * struct mac_local - what this member keeps with a MAC
 * @seen: what the kernel last reported
 * @believed: @seen, or what was handed out since
 * @source, @source_known: what the map of known MACs holds
 * @dump_epoch: the dump that last showed it
 * @verify: absent from a dump: ask for it
 * @retry: an operation failed
 * @external_is_ours: an EXTERNAL entry that is seen was written by this daemon
 */
struct mac_local {
	struct mlag_fdb_entry seen;
	struct mlag_fdb_entry believed;
	struct mlag_source source;
	uint16_t dump_epoch;
	bool source_known;
	bool verify;
	bool retry;
	bool external_is_ours;
};

extern const struct table_class mac_table_class;

/** mac_observe() - the kernel's FDB now holds this, or (@listed) a dump that is under way says so */
void mac_observe(struct mlag_engine *engine, const struct mlag_mac_key *key,
		 const struct mlag_fdb_entry *entry, bool listed);
void mac_dump_begin(struct mlag_engine *engine);
void mac_dump_end(struct mlag_engine *engine);
void mac_failed(struct mlag_engine *engine, const struct mlag_mac_key *key, int error);

/** mac_resume() - an earlier daemon had put this into the map of known MACs */
void mac_resume(struct mlag_engine *engine, const struct mlag_mac_key *key,
		const struct mlag_source *place);

/** mac_resumed() - legs and FDB were read too: judge every MAC */
void mac_resumed(struct mlag_engine *engine);

/** mac_changed() - table_row_fn: the peer's claim, or its acknowledgement of ours, changed */
void mac_changed(void *user, struct table *table, struct table_row *row);

/**
 * mac_port_gone() - @ifindex is no port of the bridge any more, and the kernel has flushed it
 *
 * The events that say so for each MAC may still be on their way.  To be followed by
 * mac_refresh_all().
 */
void mac_port_gone(struct mlag_engine *engine, uint32_t ifindex);

/**
 * mac_refresh_peer() - what the peer knows may not count any more
 *
 * When this daemon was away for longer than the peer waits, the peer's may have gone on alone and
 * forgotten MACs that it knew to be at a LAG of ours: it would send back what comes from them (R1).
 * So would a peer that began afresh, as after a loss of power, and says so in its hellos.
 * Its knowledge counts again from when both are in sync.  A data plane without a daemon forgets nothing.
 */
void mac_refresh_peer(struct mlag_engine *engine);

/**
 * mac_refresh_all() - ports changed: reconsider every MAC
 *
 * A slice of them at once, and the rest by mac_refresh_slice(): what is decided of a row in between is
 * decided by what is known then, as ever; what it claims is reconsidered a little later.
 */
void mac_refresh_all(struct mlag_engine *engine);

/** mac_refresh_slice() - the next slice, while engine->mac_pass is active */
void mac_refresh_slice(struct mlag_engine *engine);

/**
 * struct mac_pass - every MAC is reconsidered, a slice of rows at a time
 * @active: it has not come to the end
 * @again: somebody asked for another one meanwhile
 * @cursor: rows up to this one were looked at
 */
struct mac_pass {
	bool active;
	bool again;
	uint32_t cursor;
};

/** mac_tick() - try again what failed */
void mac_tick(struct mlag_engine *engine);

#endif
