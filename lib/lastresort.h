/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last resort (R31): a member that lost a default route it once had sends by its peer what it
 * has no other route for, while the peer has a way out that does not lead back here.
 *
 * Each member claims one row of the address table for each family (MLAG_ADDRESS_DEFAULT_ROUTE): its
 * presence says that the sender takes part, its value whether the sender has a way out.  A member
 * becomes active only after the peer has acknowledged that this one has none, and who acknowledges
 * that is not active from then on: so the two are never active towards each other, whatever is lost,
 * late, or happens at the same time (SAFE-31).
 */
#ifndef MLAG_LASTRESORT_H
#define MLAG_LASTRESORT_H

#include "mlag.h"

#define LASTRESORT_FAMILIES 2 /* IPv4, IPv6 */
#define LASTRESORT_WAY_OUT 1  /* value of the row: the sender has a way out */

/**
 * struct lastresort - the last resort of one family, in the default routing domain
 * @seen: the default route, as last observed
 * @had: there was a usable one since the feature is on
 * @adopting: what an earlier daemon left in the kernel stays until the peer was heard
 * @program: as mlag_get_last_resort() says it
 */
struct lastresort {
	struct mlag_default_route seen;
	bool had;
	bool adopting;
	struct mlag_last_resort program;
};

/** lastresort_init() - of a new engine */
void lastresort_init(struct mlag_engine *engine);

/** lastresort_observe() - the default route of a family was looked at */
void lastresort_observe(struct mlag_engine *engine, const struct mlag_default_route *route);

/** lastresort_session_start() - a session begins with a peer that may not know these rows */
void lastresort_session_start(struct mlag_engine *engine);

/** lastresort_concerns() - rows of this kind are a matter of the last resort alone */
bool lastresort_concerns(const struct mlag_address_key *key);

/** lastresort_dirty() - something changed that it may depend on */
void lastresort_dirty(struct mlag_engine *engine);

/** lastresort_refresh() - claim and decide again, if something changed */
void lastresort_refresh(struct mlag_engine *engine);

#endif
