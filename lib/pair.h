/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair as a whole: hellos heard and said, and from them, the session and carrier the verdict, the
 * role and what is found of the peer (DESIGN §2).  What decides is in liveness.c and verdict.c; here
 * is what it is decided from, and what follows.
 */
#ifndef MLAG_PAIR_H
#define MLAG_PAIR_H

#include "engine.h"

void pair_init(struct mlag_engine *engine);

/** pair_configure() - timers or paths changed */
void pair_configure(struct mlag_engine *engine);

/** pair_skip() - for so long until now nothing was stepped: this process was not running */
void pair_skip(struct mlag_engine *engine, uint64_t duration_ns, uint64_t now_ns);

/** pair_hear() - a hello came */
void pair_hear(struct mlag_engine *engine, enum mlag_path path, const uint8_t *data, uint32_t size,
	       bool authentic);

/** pair_hear_session() - the session stands, or a message came by it: the rank in @peer counts */
void pair_hear_session(struct mlag_engine *engine);

/** pair_end_session() - the session ended */
void pair_end_session(struct mlag_engine *engine);

/** pair_goodbye() - the peer said so in the session */
void pair_goodbye(struct mlag_engine *engine);

/** pair_observe_link() - the peer link is as engine->peer_link says */
void pair_observe_link(struct mlag_engine *engine);

/** pair_promote() - lead, if mlag_may_promote() */
void pair_promote(struct mlag_engine *engine);

/** pair_tick() - every path was read dry after @read_ns */
void pair_tick(struct mlag_engine *engine, uint64_t read_ns);

/** pair_refresh() - verdict, role and findings from all that is known */
void pair_refresh(struct mlag_engine *engine);

uint64_t pair_deadline_ns(const struct mlag_engine *engine);

#endif
