/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holding legs: when a leg that could serve is taken out of service, and how (DESIGN §2, §4 drain).
 *
 * Why a leg is held is a pure function (verdict_hold()).  How it gets there depends on who would notice:
 * with the peer at hand a leg that serves is *closing* first, so that no frame is lost: floods end,
 * the peer is told that the leg serves no more and lifts R1, and only when it has acknowledged that is
 * the leg's unicast *moving* to the peer link; then the device goes *down*.  Where nobody could take
 * over (PL is lost) there is nothing to wait for but our own gate.
 */
#ifndef MLAG_HOLD_H
#define MLAG_HOLD_H

#include "types.h"

struct leg;
struct mlag_engine;
struct mlag_leg_program;
struct table_row;

enum hold_stage {
	HOLD_STAGE_FREE,    /* it serves as it can */
	HOLD_STAGE_CLOSING, /* no floods; the peer is to lift R1 */
	HOLD_STAGE_MOVING,  /* nothing leaves through it any more */
	HOLD_STAGE_DOWN,    /* the device is out of service, or on the way there */
};

/**
 * struct hold - of one leg
 * @reason: why it is to be held, none for not at all; written by hold_refresh() alone, as is @stage
 * @stage: how far that is
 * @since_ns: when @stage was reached
 * @drained: somebody asked for it
 * @unproven: it has not served since the start, and sync has not been proven
 */
struct hold {
	enum mlag_hold reason;
	enum hold_stage stage;
	uint64_t since_ns;
	bool drained;
	bool unproven;
};

/**
 * struct hold_pair - of all legs
 * @start_ns: when this engine began, though it may go on where an earlier one ended
 * @verdict: when hold_refresh_pair() last looked
 * @peered_ns: since when it is peered, or when it last was
 * @heard_ns: since when the peer's hellos are heard though there is no session, 0: they are not
 * @rejoin_wait_ns: how long the peer link has to be stable before legs that gave way return; doubles
 *	whenever it is lost again soon, up to twice restart-hold
 */
struct hold_pair {
	uint64_t start_ns;
	enum mlag_verdict verdict;
	uint64_t peered_ns;
	uint64_t heard_ns;
	uint64_t rejoin_wait_ns;
};

/** hold_configure() - a leg is configured; see struct mlag_event */
void hold_configure(struct mlag_engine *engine, struct table_row *row, bool is_new, bool is_drained,
		    enum mlag_hold held);
/**
 * hold_resume() - go on where an earlier engine ended: a split that it saw is no new one
 * @rejoin_wait_ns: as mlag_get_resume() gave it
 */
void hold_resume(struct mlag_engine *engine, enum mlag_verdict verdict, uint64_t rejoin_wait_ns);

void hold_drain(struct mlag_engine *engine, uint16_t lag_id, bool on);

/** hold_refresh_pair() - the verdict may have changed; before the legs are looked at */
void hold_refresh_pair(struct mlag_engine *engine);

/** hold_refresh() - bring reason and stage of a leg in line; the leg's state follows from them */
void hold_refresh(struct mlag_engine *engine, struct table_row *row);

/** hold_program() - @ret_program's hold and stay, of what hold_refresh() concluded */
void hold_program(const struct mlag_engine *engine, const struct leg *leg,
		  struct mlag_leg_program *ret_program);

/** hold_deadline_ns() - when time alone may change something; never the past */
uint64_t hold_deadline_ns(const struct mlag_engine *engine);

#endif
