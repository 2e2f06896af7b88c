/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults (see faults.h).
 */
#include "faults.h"

#include <stdio.h>
#include <string.h>

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

void faults_begin(struct world *world)
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
		world_reload(world, member, (uint16_t)(32768 + world_fault_random(world, 3) - 1));
		break;
	case 4:
		flap(world, member, lag);
		break;
	default:
		break;
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
