/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults (see faults.h).
 */
#include "faults.h"

#include <stdio.h>
#include <string.h>

#include "chaos.h"
#include "engine.h"

#define DAMAGES 4
#define FOUND_NS (3 * WORLD_SECOND)

const char *faults_text(enum world_fault fault)
{
#define FAULT_TEXT(symbol, text) [symbol] = (text),
	static const char *const texts[WORLD_FAULTS_COUNT] = {WORLD_FAULTS(FAULT_TEXT)};
#undef FAULT_TEXT

	return texts[fault];
}

static void draw_dialect(struct world *world)
{
	switch (world_fault_random(world, 4)) {
	case 0:
		world->dialect = WORLD_DIALECT_NEWER;
		break;
	case 1:
		world->dialect = WORLD_DIALECT_OLDER;
		break;
	default:
		world->dialect = WORLD_DIALECT_SAME;
		break;
	}
}

void faults_begin(struct world *world)
{
	draw_dialect(world);
	for (uint32_t lag = 0; lag < WORLD_LAGS && world_lies(world); lag++) {
		bool is_static = world_fault_random(world, 4) == 0;

		for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
			world->members[m].legs[lag].is_static = is_static;
		}
	}
}

static bool can_run(const struct world *world, uint32_t member)
{
	return world->members[member].running && !world->members[member].stopped;
}

static void flap(struct world *world, uint32_t member, uint32_t lag)
{
	bool up = world->members[member].legs[lag].link;

	world->faults[WORLD_FAULT_FLAP]++;
	for (uint32_t i = world_fault_random(world, 4); i > 0; i--) {
		world_set_link(world, member, lag, !up);
		world_run(world, (1 + world_fault_random(world, 5)) * WORLD_MS);
		world_set_link(world, member, lag, up);
		world_run(world, (1 + world_fault_random(world, 5)) * WORLD_MS);
	}
}

/* Ranks that change twice while a word is under way: docs/invariants.md, limits. */
static void reload(struct world *world, uint32_t member, uint16_t priority)
{
	if (!world_lies(world) || world->now_ns >= world->reload_ns + WORLD_SECOND) {
		world->reload_ns = world->now_ns;
		world_reload(world, member, priority);
	}
}

void faults_stir(struct world *world)
{
	uint32_t member = world_fault_random(world, WORLD_MEMBERS);
	uint32_t lag = world_fault_random(world, WORLD_LAGS);

	switch (world_fault_random(world, 40)) {
	case 0:
		world_overrun(world, member);
		break;
	case 1:
	case 2:
		/*
		 * What somebody takes away is written again when the event has come; until then
		 * the map of known MACs is as late as that (docs/invariants.md, limits).
		 */
		if (can_run(world, 0) && can_run(world, 1) && world_session_works(world)) {
			world_delete_entry(world, member,
					   world_fault_random(world, WORLD_MACS_MAX));
			world_run(world, world->event_delay_ns + world->latency_ns + 2 * WORLD_MS);
		}
		break;
	case 3:
		reload(world, member, (uint16_t)(32768 + world_fault_random(world, 3) - 1));
		break;
	case 4:
		flap(world, member, lag);
		break;
	default:
		break;
	}
}

/* ---- what stream 0 has not ------------------------------------------------------------------ */

/* What came with stream 2; the lives of kept seeds stay as they were. */
static bool has_refusals(const struct world *world)
{
	return world->stream >= 2;
}

/* A device that was made again takes no program for a while, or not before all is healed. */
static void refuse(struct world *world, uint32_t member, uint32_t lag)
{
	if (has_refusals(world) && lag < WORLD_LAGS) {
		world->members[member].legs[lag].refuses = world_fault_random(world, 2) != 0;
	}
}

/* Two devices of a member are made again, each with the ifindex of the other. */
static void renumber(struct world *world, uint32_t member)
{
	uint32_t lag = world_fault_random(world, WORLD_LAGS);
	uint32_t other = lag + 1 + world_fault_random(world, WORLD_LAGS - lag);
	bool is_merged = world_fault_random(world, 2) != 0;

	if (!can_run(world, member)) {
		return;
	}
	chaos_tell(world, "devices change their numbers", member, lag);
	refuse(world, member, lag);
	refuse(world, member, other);
	world_renumber(world, member, lag, other, is_merged);
	world_run(world, (200 + world_fault_random(world, 200)) * WORLD_MS);
	world_set_link(world, member, lag, true);
	if (other < WORLD_LAGS) {
		world_set_link(world, member, other, true);
	}
}

/* A machine is dark for a while; the other one runs (with a daemon dead nobody puts R1 back). */
static void lose_power(struct world *world, uint32_t member)
{
	if (!can_run(world, 0) || !can_run(world, 1) || !world->peer_link) {
		return;
	}
	chaos_tell(world, "a member loses power", member, 0);
	world_lose_power(world, member);
	world_set_peer_link(world, false);
	world_run(world, (100 + world_fault_random(world, 5000)) * WORLD_MS);
	world_set_peer_link(world, true);
	world_run(world, world_fault_random(world, 100) * WORLD_MS);
	chaos_tell(world, "it starts", member, 0);
	refuse(world, member, 0);
	chaos_start_member(world, member);
	/* Its legs come up after mlagd, a write that failed included (docs/invariants.md, limits). */
	world_run(world, (200 + world_fault_random(world, 500)) * WORLD_MS);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		world_set_link(world, member, lag, true);
	}
}

static enum mlag_verdict verdict_of(const struct world *world, uint32_t member)
{
	struct mlag_view view;

	mlag_get_view(world->members[member].engine, &view);
	return view.verdict;
}

/* Until a new session stands, whichever hellos overtake it, nobody concludes that they have parted. */
static void expect_no_split(struct world *world)
{
	uint64_t end_ns = world->now_ns + 150 * WORLD_MS;

	while (world->now_ns < end_ns) {
		world_run(world, WORLD_MS);
		if ((verdict_of(world, 0) == MLAG_VERDICT_SPLIT ||
		     verdict_of(world, 1) == MLAG_VERDICT_SPLIT) &&
		    world->complaint == NULL) {
			world->complaint = "SAFE-40: a restart made a split";
		}
	}
}

static void restart_in_other_version(struct world *world, uint32_t member)
{
	bool peered;

	if (!can_run(world, 0) || !can_run(world, 1)) {
		return;
	}
	peered = verdict_of(world, 0) == MLAG_VERDICT_PEERED &&
		 verdict_of(world, 1) == MLAG_VERDICT_PEERED && world->peer_link &&
		 world->link_passes[0] && world->link_passes[1] && world->hello_loss_percent == 0;
	world->faults[WORLD_FAULT_VERSION]++;
	chaos_tell(world, "a daemon is exchanged for another version", member, 0);
	world_stop(world, member);
	draw_dialect(world);
	chaos_start_member(world, member);
	if (peered) {
		expect_no_split(world);
	}
}

static void silence(struct world *world, uint32_t host)
{
	/* The maps of known MACs are late by the event and by the message about it. */
	if (can_run(world, 0) && can_run(world, 1) && world_session_works(world)) {
		world_silence(world, host);
		world_run(world, world->event_delay_ns + world->latency_ns + 2 * WORLD_MS);
	}
}

void faults_lie(struct world *world)
{
	uint32_t member, lag;

	if (!world_lies(world)) {
		return;
	}
	member = world_fault_random(world, WORLD_MEMBERS);
	lag = world_fault_random(world, WORLD_LAGS);
	switch (world_fault_random(world, 64)) {
	case 0:
	case 1:
	case 2:
		world_merge_events(world, member);
		break;
	case 3:
		renumber(world, member);
		break;
	case 4:
	case 5:
		world_change_entry(world, member, world_fault_random(world, WORLD_MACS_MAX));
		break;
	case 6:
	case 7:
		chaos_tell(world, "a clock stands still", member, 0);
		world_stall(world, member, (1 + world_fault_random(world, 400)) * WORLD_MS);
		break;
	case 8:
		silence(world, world_fault_random(world, WORLD_HOSTS));
		break;
	case 9:
		world_set_timers(world, member, world_fault_random(world, 3));
		break;
	case 10:
		chaos_tell(world, "a leg is configured again", member, lag);
		world_configure_again(world, member, lag);
		break;
	case 11:
		restart_in_other_version(world, member);
		break;
	case 12:
		lose_power(world, member);
		break;
	default:
		break;
	}
}

void faults_heal(struct world *world)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS && world_lies(world); m++) {
		world->members[m].stall_ns = 0;
		world_set_timers(world, m, 0);
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			world->members[m].legs[lag].refuses = false;
		}
	}
}

/* ---- rows that change in memory ------------------------------------------------------------- */

static struct table_row *random_row(struct world *world, struct table *table)
{
	struct table_row *row;
	uint32_t cursor = world_fault_random(world, table->rows_made + 1);
	uint32_t tries = 2;

	while (tries > 0) {
		row = table_next(table, &cursor);
		if (row == NULL) {
			cursor = 0;
			tries--;
		} else if (table_row_is_own(row) || table_row_is_peer(row)) {
			return row;
		}
	}
	return NULL;
}

/* A row of this very table, changed as no message would. */
static bool damage(struct world *world)
{
	uint32_t member = world_fault_random(world, WORLD_MEMBERS);
	uint32_t index = world_fault_random(world, ENGINE_TABLES);
	struct table *table = engine_table(world->members[member].engine, index);
	struct table_row *row = random_row(world, table);
	uint32_t how = world_fault_random(world, 3);

	if (row == NULL) {
		return false;
	}
	if (table_row_is_peer(row) && how == 0) {
		row->flags &= (uint16_t)~TABLE_ROW_PEER;
	} else if (!table_row_is_peer(row) && how == 0) {
		/* A claim of the peer's that it never made. */
		row->flags |= TABLE_ROW_PEER;
		row->peer_seq = row->own_seq;
		memcpy(table_peer(table, row), table_own(table, row), table->class->value_size);
	} else if (table_row_is_peer(row)) {
		row->peer_seq ^= 1U << world_fault_random(world, 31);
	} else {
		row->own_seq ^= 1U << world_fault_random(world, 31);
	}
	world->faults[WORLD_FAULT_DAMAGE]++;
	if (world->trace) {
		(void)printf("%9.3f ms  a row of table %u of S%u changes in memory\n",
			     (double)world->now_ns / 1e6, index, member + 1);
	}
	return true;
}

/* Read row by row, and both say so. */
static bool all_equal(const struct world *world)
{
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		const struct table *a = engine_table(world->members[0].engine, i);
		const struct table *b = engine_table(world->members[1].engine, i);

		if (!world_holds_claims(a, b) || !world_holds_claims(b, a) || !a->own_proven ||
		    !a->peer_proven || !b->own_proven || !b->peer_proven) {
			return false;
		}
	}
	return true;
}

static uint64_t found_count(const struct world *world)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		count += engine_table(world->members[0].engine, i)->differences_count +
			 engine_table(world->members[1].engine, i)->differences_count;
	}
	return count;
}

const char *faults_check(const struct world *world)
{
	return world->faults[WORLD_FAULT_DAMAGE] == 0 && found_count(world) != 0
		       ? "LIVE-10: a repair of what nobody broke"
		       : NULL;
}

const char *faults_damage(struct world *world)
{
	for (uint32_t i = 0; i < DAMAGES; i++) {
		/* An older pair asks for a snapshot, every five seconds at most. */
		uint64_t limit_ns = world->dialect == WORLD_DIALECT_OLDER ? 8 * WORLD_SECOND
									  : FOUND_NS;
		uint64_t end_ns = world->now_ns + limit_ns;
		uint64_t found = found_count(world);

		if (!damage(world)) {
			continue;
		}
		/* A digest that was equal before says nothing yet. */
		while (world->now_ns < end_ns &&
		       (all_equal(world) == false || world->now_ns + limit_ns == end_ns)) {
			world_run(world, 10 * WORLD_MS);
		}
		if (!all_equal(world)) {
			return "LIVE-10: what changed in memory was not repaired in time";
		}
		if (world->dialect != WORLD_DIALECT_OLDER && found_count(world) == found) {
			return "LIVE-10: what changed in memory was not counted";
		}
	}
	return NULL;
}
