/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of every single write to a kernel's FDB (SAFE-37), and of what it holds while its
 * daemon has nothing to read and nothing to write (SAFE-38); called by world.c and the simulator.
 *
 * The judge keeps his own books: a claim that the engine made for a MAC which its kernel sees is noted
 * with the entry, and stands until the entry is another one.
 */
#include <string.h>

#include "worldkernel.h"

/* Seen by this very kernel, behind a port of ours that has the VLAN. */
static bool is_alive(const struct world_member *member, const struct world_entry *entry)
{
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		if (member->legs[lag].ifindex == entry->entry.ifindex &&
		    member->legs[lag].vlan_missing) {
			return false;
		}
	}
	return (entry->entry.kind == MLAG_FDB_DYNAMIC || entry->entry.kind == MLAG_FDB_ACTIVE) &&
	       entry->entry.ifindex != WORLD_PEER_LINK;
}

/* The daemon has not read all that is to be said of it. */
static bool is_news(const struct world_member *member, const struct mlag_mac_key *key)
{
	for (uint32_t i = 0; i < member->events_count; i++) {
		if (memcmp(&member->events[i].key, key, sizeof(*key)) == 0) {
			return true;
		}
	}
	return false;
}

void worldfdb_note_claims(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		struct world_entry *entry = &m->fdb[i];
		struct mlag_mac_view view;

		if (!entry->used || !is_alive(m, entry)) {
			entry->claimed_seq = 0;
		} else if (!is_news(m, &entry->key) &&
			   mlag_get_mac(m->engine, &entry->key, &view) && view.own) {
			entry->claimed_seq = view.own_seq;
			entry->claimed_ifindex = entry->entry.ifindex;
		}
	}
}

void worldfdb_forget_claims(struct world *world, uint32_t member)
{
	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		world->members[member].fdb[i].claimed_seq = 0;
	}
}

/* R9: a later sighting has the higher number; ties go to the lower member id. */
static bool is_older(uint32_t member, uint32_t peer_seq, uint32_t own_seq)
{
	return peer_seq < own_seq || (peer_seq == own_seq && member == 0);
}

static const struct world_entry *find(const struct world_member *member,
				      const struct mlag_mac_key *key)
{
	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		if (member->fdb[i].used && memcmp(&member->fdb[i].key, key, sizeof(*key)) == 0) {
			return &member->fdb[i];
		}
	}
	return NULL;
}

static bool moves_away(const struct world_entry *entry, const struct mlag_fdb_operation *operation)
{
	switch (operation->verb) {
	case MLAG_FDB_VERB_NONE:
	case MLAG_FDB_VERB_VERIFY:
		break;
	case MLAG_FDB_VERB_SET:
	case MLAG_FDB_VERB_RENEW:
		return operation->entry.ifindex != entry->entry.ifindex;
	case MLAG_FDB_VERB_DELETE:
		return operation->entry.ifindex == entry->entry.ifindex;
	}
	return false;
}

static const char gave_way_text[] = "SAFE-37: a MAC that is alive here gave way to an older claim";

void worldfdb_judge(struct world *world, uint32_t member,
		    const struct mlag_fdb_operation *operation)
{
	const struct world_member *m = &world->members[member];
	const struct world_entry *entry = find(m, &operation->key);
	struct mlag_mac_view view;

	if (entry == NULL || !is_alive(m, entry) || entry->claimed_seq == 0 ||
	    entry->claimed_ifindex != entry->entry.ifindex || !moves_away(entry, operation) ||
	    is_news(m, &operation->key) || world->faults[WORLD_FAULT_DAMAGE] != 0) {
		return;
	}
	world->moves_judged++;
	if (!mlag_get_mac(m->engine, &operation->key, &view) || !view.peer ||
	    is_older(member, view.peer_seq, entry->claimed_seq)) {
		world->complaint = world->complaint != NULL ? world->complaint : gave_way_text;
	}
}

/* Nothing that was refused, or changed where no event tells of it. */
static bool is_at_rest(const struct world *world, uint32_t member)
{
	const struct world_member *m = &world->members[member];
	struct mlag_view view;

	if (!worldkernel_is_awake(world, member) || m->events_count != 0 ||
	    world->write_failure_percent != 0 || world->faults[WORLD_FAULT_DAMAGE] != 0) {
		return false;
	}
	mlag_get_view(m->engine, &view);
	return view.fdb_pending == 0;
}

static const char *check_kernel(struct world *world, const struct world_member *member)
{
	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		const struct world_entry *entry = &member->fdb[i];
		struct mlag_mac_view view;

		if (!entry->used || entry->entry.kind == MLAG_FDB_STICKY) {
			continue;
		}
		world->entries_judged++;
		if (!mlag_get_mac(member->engine, &entry->key, &view) ||
		    (!view.own && !view.peer)) {
			return "SAFE-38: a kernel holds a MAC that nobody claims";
		}
		if (memcmp(&view.entry, &entry->entry, sizeof(view.entry)) != 0) {
			return "SAFE-38: a kernel holds another entry than its daemon thinks";
		}
	}
	return NULL;
}

const char *world_check_fdb(struct world *world)
{
	const char *complaint = NULL;

	for (uint32_t m = 0; m < WORLD_MEMBERS && complaint == NULL; m++) {
		if (is_at_rest(world, m)) {
			complaint = check_kernel(world, &world->members[m]);
		}
	}
	return complaint;
}
