/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holding legs (see hold.h).  leg.c asks before it works out what a leg is; what is said of the leg and
 * programmed for it stays leg.c's.  Called by leg.c and engine.c.
 */
#include "hold.h"

#include <string.h>

#include "engine.h"
#include "leg.h"

#define HOLD_CLOSING_NS (2 * ENGINE_SECOND) /* for an acknowledgement that does not come */
#define HOLD_REJOIN_NS ENGINE_SECOND
#define HOLD_REJOIN_MAX_FACTOR 2 /* of restart-hold */
#define HOLD_PRIMARY_NS \
	(5 * ENGINE_SECOND) /* for the primary's leg to come up when a split begins */
#define HOLD_CALM_FACTOR 10 /* after so many times the wait, and at least: */
#define HOLD_CALM_NS (60 * ENGINE_SECOND)

static void enter(const struct mlag_engine *engine, struct leg *leg, enum hold_stage stage)
{
	leg->hold.stage = stage;
	leg->hold.since_ns = engine->now_ns;
}

void hold_configure(struct mlag_engine *engine, struct table_row *row, bool is_new, bool is_drained,
		    enum mlag_hold held)
{
	struct hold *hold = &leg_of(engine, row)->hold;

	memset(hold, 0, sizeof(*hold));
	hold->unproven = is_new;
	hold->drained = is_drained;
	hold->reason = held;
	if (held != MLAG_HOLD_NONE) {
		enter(engine, leg_of(engine, row), HOLD_STAGE_DOWN);
	}
}

void hold_resume(struct mlag_engine *engine, enum mlag_verdict verdict, uint64_t rejoin_wait_ns)
{
	uint64_t max_ns = engine->config.restart_hold_ns * HOLD_REJOIN_MAX_FACTOR;

	engine->hold.verdict = verdict;
	engine->hold.peered_ns = engine->now_ns;
	engine->hold.rejoin_wait_ns = rejoin_wait_ns < max_ns ? rejoin_wait_ns : max_ns;
}

void hold_drain(struct mlag_engine *engine, uint16_t lag_id, bool on)
{
	struct table_row *row = leg_find(engine, lag_id);

	if (row == NULL || !leg_of(engine, row)->configured) {
		engine->ignored_count++;
		return;
	}
	leg_of(engine, row)->hold.drained = on;
}

/* ---- the pair -------------------------------------------------------------------------------- */

/* PL is lost again: the sooner after the last time, the longer the legs stay away then. */
static void note_split(struct mlag_engine *engine)
{
	struct hold_pair *pair = &engine->hold;
	uint64_t calm_ns = pair->rejoin_wait_ns * HOLD_CALM_FACTOR;
	uint64_t max_ns = engine->config.restart_hold_ns * HOLD_REJOIN_MAX_FACTOR;
	bool calm = engine->now_ns - pair->peered_ns >=
		    (calm_ns > HOLD_CALM_NS ? calm_ns : HOLD_CALM_NS);

	if (pair->rejoin_wait_ns == 0 || calm) {
		pair->rejoin_wait_ns = HOLD_REJOIN_NS;
	} else {
		pair->rejoin_wait_ns *= 2;
	}
	if (pair->rejoin_wait_ns > max_ns) {
		pair->rejoin_wait_ns = max_ns;
	}
}

static bool hears_trusted(const struct mlag_engine *engine)
{
	return liveness_hears(&engine->liveness) != 0;
}

void hold_refresh_pair(struct mlag_engine *engine)
{
	struct hold_pair *pair = &engine->hold;

	if (engine->verdict != MLAG_VERDICT_RESYNC || !hears_trusted(engine)) {
		pair->heard_ns = 0;
	} else if (pair->heard_ns == 0) {
		pair->heard_ns = engine->now_ns;
	}
	if (engine->verdict == pair->verdict) {
		return;
	}
	pair->verdict = engine->verdict;
	if (engine->verdict == MLAG_VERDICT_SPLIT) {
		note_split(engine);
	} else if (engine->verdict == MLAG_VERDICT_PEERED) {
		pair->peered_ns = engine->now_ns;
	}
}

static uint64_t rejoin_ns(const struct mlag_engine *engine)
{
	uint64_t wait_ns = engine->hold.rejoin_wait_ns;

	return engine->hold.peered_ns + (wait_ns != 0 ? wait_ns : HOLD_REJOIN_NS);
}

/* ---- why ------------------------------------------------------------------------------------- */

/* The peer's last word: the session's, or that of its hellos while they say more. */
static bool peer_leg_serves(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct leg_value *peer = leg_peer_value(engine, row);

	switch (leg_of(engine, row)->word) {
	case LEG_WORD_NONE:
		break;
	case LEG_WORD_DOWN:
		return false;
	case LEG_WORD_READY:
	case LEG_WORD_OPEN:
		return true;
	}
	return peer != NULL && peer->up;
}

/* It lives, and refuses to talk, as one of another domain. */
static bool is_heard_without_trust(const struct mlag_engine *engine)
{
	return engine->verdict == MLAG_VERDICT_RESYNC && liveness_is_heard(&engine->liveness) &&
	       !hears_trusted(engine);
}

/*
 * When legs that have not served yet need not wait any longer.  Two that boot without a peer link find
 * out at the same moment, and the secondary does not let go of what the primary is about to serve.
 * startup-wait is for want of a peer: beside one that lives a leg that came into service would
 * draw traffic and never open to floods, since nobody acknowledges it.
 */
static uint64_t startup_passes_ns(const struct mlag_engine *engine)
{
	uint64_t wait_ns = engine->config.startup_wait_ns;
	uint64_t primary_ns = wait_ns < HOLD_PRIMARY_NS ? wait_ns : HOLD_PRIMARY_NS;
	uint64_t passes_ns = engine->hold.start_ns + wait_ns;

	if (is_heard_without_trust(engine)) {
		return UINT64_MAX;
	}
	if (engine->verdict == MLAG_VERDICT_SPLIT &&
	    passes_ns < engine->verdict_since_ns + primary_ns) {
		return engine->verdict_since_ns + primary_ns;
	}
	return passes_ns;
}

static bool startup_passed(const struct mlag_engine *engine)
{
	return engine->now_ns >= startup_passes_ns(engine);
}

/*
 * When a session has been missing for long though the peer is heard.  The time in which it was not
 * does not count: a daemon that was restarted has restart-hold to come back into the session.
 */
static uint64_t hold_passes_ns(const struct mlag_engine *engine)
{
	uint64_t heard_ns = engine->hold.heard_ns;

	return heard_ns == 0 ? UINT64_MAX : heard_ns + engine->config.restart_hold_ns;
}

static bool has_synced(const struct mlag_engine *engine)
{
	return engine->synced && engine->verdict == MLAG_VERDICT_PEERED;
}

static enum mlag_hold decide(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct hold *hold = &leg_of(engine, row)->hold;
	const struct verdict_leg view = {
		.verdict = engine->verdict,
		.role = engine->role,
		.peer_role = engine->peer_role,
		.peer_leg_up = peer_leg_serves(engine, row),
		.peer_trusted = hears_trusted(engine),
		.hold_passed = engine->now_ns >= hold_passes_ns(engine),
		.rejoin_passed = has_synced(engine) && engine->now_ns >= rejoin_ns(engine),
		.held = hold->reason,
		.drained = hold->drained,
		.unproven = hold->unproven && !has_synced(engine),
		.startup_passed = startup_passed(engine),
		.refused = leg_of(engine, row)->refused,
	};

	return verdict_hold(&view);
}

static const char *because(enum mlag_hold before, enum mlag_hold hold)
{
	switch (hold) {
	case MLAG_HOLD_STARTING:
		return "it has not served yet, and the tables are not proven equal";
	case MLAG_HOLD_SPLIT:
		return "the peer link is lost, and the primary's leg serves";
	case MLAG_HOLD_RESYNC:
		return "there is no session, and the primary's leg serves";
	case MLAG_HOLD_REJOIN:
		return "the peer link is back, and has yet to prove stable";
	case MLAG_HOLD_DRAINED:
		return "somebody asked for it";
	case MLAG_HOLD_REFUSED:
		return "its device takes no programs";
	case MLAG_HOLD_NONE:
		break;
	}
	switch (before) {
	case MLAG_HOLD_STARTING:
		return "the tables are proven equal, or nobody else serves";
	case MLAG_HOLD_SPLIT:
	case MLAG_HOLD_RESYNC:
	case MLAG_HOLD_REJOIN:
		return "the peer link is stable, or the primary's leg does not serve";
	case MLAG_HOLD_DRAINED:
		return "nobody asks for it any more";
	case MLAG_HOLD_REFUSED:
		return "its device has its programs";
	case MLAG_HOLD_NONE:
		break;
	}
	return "?";
}

/* ---- how ------------------------------------------------------------------------------------- */

/* Somebody takes over, if he is told before: then nothing needs to be lost. */
static bool may_hand_over(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct leg *leg = leg_of(engine, row);

	return engine->verdict == MLAG_VERDICT_PEERED && peer_leg_serves(engine, row) &&
	       (leg->state == MLAG_LEG_READY || leg->state == MLAG_LEG_OPEN);
}

/* R1 is lifted there for what this leg says of itself now: that it does not serve. */
static bool has_handed_over(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct leg *leg = leg_of(engine, row);
	const struct leg_value *peer = leg_peer_value(engine, row);
	const struct leg_value *own = table_row_is_own(row) ? table_own(&engine->legs, row) : NULL;

	return own != NULL && !own->up && own->generation == leg->generation &&
	       table_row_is_acked(&engine->legs, row) && peer != NULL && peer->enforced == 0;
}

static void begin(struct mlag_engine *engine, struct table_row *row)
{
	struct leg *leg = leg_of(engine, row);

	enter(engine, leg,
	      may_hand_over(engine, row) && !leg->refused ? HOLD_STAGE_CLOSING : HOLD_STAGE_MOVING);
}

static void end(struct mlag_engine *engine, struct leg *leg)
{
	/* The peer may be lifting R1 just now: what it acknowledged until here does not count. */
	if (leg->state == MLAG_LEG_READY) {
		leg_next_generation(engine, leg);
	}
	enter(engine, leg, HOLD_STAGE_FREE);
}

static bool is_out_of_use(const struct leg *leg)
{
	return leg->seen.ifindex == 0 || !leg->seen.carrier || leg->refused ||
	       (leg->program.gate == MLAG_GATE_CLOSED && leg->applied_gate == MLAG_GATE_CLOSED &&
		leg->applied_serial == leg->program.serial);
}

static void advance(struct mlag_engine *engine, struct table_row *row)
{
	struct leg *leg = leg_of(engine, row);
	bool late = engine->now_ns - leg->hold.since_ns >= HOLD_CLOSING_NS;

	switch (leg->hold.stage) {
	case HOLD_STAGE_FREE:
		begin(engine, row);
		return;
	case HOLD_STAGE_CLOSING:
		if (late || leg->refused || !may_hand_over(engine, row) ||
		    has_handed_over(engine, row)) {
			enter(engine, leg, HOLD_STAGE_MOVING);
		}
		return;
	case HOLD_STAGE_MOVING:
		if (is_out_of_use(leg)) {
			enter(engine, leg, HOLD_STAGE_DOWN);
		}
		return;
	case HOLD_STAGE_DOWN:
		return;
	}
}

void hold_refresh(struct mlag_engine *engine, struct table_row *row)
{
	struct leg *leg = leg_of(engine, row);
	enum mlag_hold reason;

	if (engine->resuming) {
		return; /* not all that an earlier engine knew has been told yet */
	}
	reason = decide(engine, row);
	if (reason != leg->hold.reason) {
		engine_notice(engine, MLAG_NOTICE_HOLD, leg_lag_id(engine, row),
			      mlag_hold_text(leg->hold.reason), mlag_hold_text(reason),
			      because(leg->hold.reason, reason));
		leg->hold.reason = reason;
	}
	if (reason != MLAG_HOLD_STARTING && (reason == MLAG_HOLD_NONE || has_synced(engine))) {
		leg->hold.unproven = false;
	}
	if (reason == MLAG_HOLD_NONE) {
		if (leg->hold.stage != HOLD_STAGE_FREE) {
			end(engine, leg);
		}
		return;
	}
	advance(engine, row);
}

void hold_program(const struct mlag_engine *engine, const struct leg *leg,
		  struct mlag_leg_program *ret_program)
{
	enum hold_stage stage = leg->hold.stage;

	ret_program->hold = stage == HOLD_STAGE_DOWN ? leg->hold.reason : MLAG_HOLD_NONE;
	ret_program->stay = engine->resuming || stage == HOLD_STAGE_CLOSING ||
			    stage == HOLD_STAGE_MOVING;
}

static void sooner(const struct mlag_engine *engine, uint64_t due_ns, uint64_t *deadline_ns)
{
	if (due_ns > engine->now_ns && due_ns < *deadline_ns) {
		*deadline_ns = due_ns;
	}
}

uint64_t hold_deadline_ns(const struct mlag_engine *engine)
{
	uint64_t deadline_ns = MLAG_NEVER_NS;
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		const struct leg *leg = leg_of(engine, row);

		if (!leg->configured) {
			continue;
		}
		if (leg->hold.unproven) {
			sooner(engine, startup_passes_ns(engine), &deadline_ns);
		}
		if (leg->hold.reason == MLAG_HOLD_REJOIN) {
			sooner(engine, rejoin_ns(engine), &deadline_ns);
		}
		if (leg->hold.stage == HOLD_STAGE_CLOSING) {
			sooner(engine, leg->hold.since_ns + HOLD_CLOSING_NS, &deadline_ns);
		}
		if (engine->verdict == MLAG_VERDICT_RESYNC) {
			sooner(engine, hold_passes_ns(engine), &deadline_ns);
		}
	}
	return deadline_ns;
}

/* ---- for people and adapters ----------------------------------------------------------------- */

bool mlag_may_drain(const struct mlag_engine *engine, uint16_t lag_id, const char **ret_because)
{
	const struct table_row *row = leg_find(engine, lag_id);
	const struct leg *leg = row != NULL ? leg_of(engine, row) : NULL;

	*ret_because = NULL;
	if (leg == NULL || !leg->configured) {
		*ret_because = "there is no such LAG here";
	} else if (leg->hold.stage == HOLD_STAGE_FREE && leg->seen.carrier &&
		   !(engine->session == MLAG_SESSION_UP && peer_leg_serves(engine, row))) {
		*ret_because = "the peer's leg does not serve: the host would be cut off";
	}
	return *ret_because == NULL;
}

void mlag_held_vlans(const struct mlag_engine *engine, struct mlag_vlans *ret_vlans)
{
	struct mlag_vlans served;
	struct table_row *row;
	uint32_t cursor = 0;

	memset(ret_vlans, 0, sizeof(*ret_vlans));
	memset(&served, 0, sizeof(served));
	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		const struct leg *leg = leg_of(engine, row);
		struct mlag_vlans *set = leg->hold.stage == HOLD_STAGE_DOWN ? ret_vlans : &served;

		for (uint32_t i = 0; leg->configured && i < MLAG_VLAN_WORDS; i++) {
			set->words[i] |= leg->seen.vlans.words[i];
		}
	}
	for (uint32_t i = 0; i < MLAG_VLAN_WORDS; i++) {
		ret_vlans->words[i] &= ~served.words[i];
		if (engine->verdict != MLAG_VERDICT_SPLIT) {
			ret_vlans->words[i] = 0;
		}
	}
}
