/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leg that an earlier daemon had programmed (DESIGN §2, restart).  What the data plane holds for it
 * says in which state it was, and what the peer had acknowledged; from there leg.c goes on, so a leg
 * that was open stays open, and R1 stays in force where it was.  Called by engine.c.
 */
#include <string.h>

#include "engine.h"

static enum mlag_leg_state state_of_gate(enum mlag_gate gate)
{
	switch (gate) {
	case MLAG_GATE_NONE:
	case MLAG_GATE_CLOSED:
		break;
	case MLAG_GATE_UNICAST:
		return MLAG_LEG_READY;
	case MLAG_GATE_OPEN:
		return MLAG_LEG_OPEN;
	}
	return MLAG_LEG_DOWN;
}

/* What the peer had said of its leg, as far as it was written down. */
static void adopt_peer_leg(struct mlag_engine *engine, struct table_row *row,
			   const struct mlag_leg_program *held)
{
	const struct leg *leg = leg_of(engine, row);
	struct leg_value value;

	if ((held->memory.flags & MLAG_MEMORY_PEER_PRESENT) == 0) {
		return;
	}
	memset(&value, 0, sizeof(value));
	value.up = held->memory.peer_generation != 0;
	value.open = value.up && (held->memory.flags & MLAG_MEMORY_PEER_OPEN) != 0;
	value.lacp = (held->memory.flags & MLAG_MEMORY_PEER_LACP) != 0;
	value.generation = held->memory.peer_generation;
	value.enforced = leg->state == MLAG_LEG_OPEN && !leg->opened_alone ? leg->generation : 0;
	value.vlans = held->isolated;
	table_adopt_peer(&engine->legs, row, 1, &value);
}

void leg_resume(struct mlag_engine *engine, const struct mlag_leg_program *held)
{
	struct table_row *row = leg_find(engine, held->lag_id);
	struct leg *leg;

	if (!engine->resuming || row == NULL || !leg_of(engine, row)->configured ||
	    leg_of(engine, row)->seen.ifindex != 0 || held->ifindex == 0 ||
	    held->gate > MLAG_GATE_OPEN || held->memory.generation == 0 ||
	    leg_of(engine, row)->refused) {
		engine->ignored_count++;
		return;
	}
	leg = leg_of(engine, row);
	leg_begin(engine, leg);
	leg->fresh = false; /* what was not open has yet to prove itself */
	leg->resumed = true;
	leg->resumed_isolated = held->isolated;
	leg->resumed_generation = held->memory.peer_generation;
	leg->state = state_of_gate(held->gate);
	leg->generation = held->memory.generation;
	leg->opened_alone = (held->memory.flags & MLAG_MEMORY_ALONE) != 0;
	leg->collecting_seen = true;
	for (uint32_t i = 0; leg->state == MLAG_LEG_OPEN && i < MLAG_VLAN_WORDS; i++) {
		leg->acked_vlans.words[i] = ~held->held.words[i];
	}
	leg->seen.vlans = leg->acked_vlans; /* what comes beyond them is new */
	leg->program = *held;
	leg->program.serial = 1;
	leg->program.carrier = true;
	leg->program.flood = leg->state == MLAG_LEG_OPEN;
	leg->program_generation = held->memory.peer_generation;
	leg->applied_serial = 1;
	leg->applied_generation = held->memory.peer_generation;
	leg->applied_gate = held->gate;
	adopt_peer_leg(engine, row, held);
	table_program(&engine->legs, row); /* programs and settings of the port are looked after */
}
