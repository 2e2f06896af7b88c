/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard: looks at the lease, hears the peer, and does what decide.h says.  All of it is in one
 * structure of fixed size.
 */
#ifndef MLAGGUARD_GUARD_H
#define MLAGGUARD_GUARD_H

#include "common/lease.h"
#include "common/legdown.h"
#include "decide.h"
#include "hello.h"
#include "paths.h"

/**
 * struct guard_leg - the leg of @terms with the same number
 * @lag_id: when it was last looked at
 * @down_since_ns: since when the peer says that its own is not up, 0 while it does not
 * @decided: what is to be
 */
struct guard_leg {
	uint16_t lag_id;
	uint64_t down_since_ns;
	enum decide_leg decided;
};

/**
 * struct guard - zeroed, then guard_open()
 * @terms: what mlagd said last, if @known
 * @heard_ns: when the peer's daemon was heard, 0 for never; what it said is @peer
 * @listen_ns: since when it is listened without a break
 * @links_ns: when the links were last looked at
 * @said_ns: when the last hello was said
 * @news: something changed since
 */
struct guard {
	const char *run_dir;
	struct lease_page *page;
	int page_fd;
	bool known;
	struct lease_terms terms;
	struct decide_clock clock;
	enum decide_state state;
	bool listens;
	uint64_t heard_ns;
	uint64_t listen_ns;
	struct hello peer;
	struct hello own;
	uint64_t links_ns;
	uint64_t said_ns;
	bool news;
	struct holder *holder; /* what is down; its notes are in the page */
	struct guard_leg legs[MLAG_LEGS_MAX];
	struct paths paths;
	struct legdown legdown;
	int error; /* of the last device that was set */
};

/** guard_open() - 0 or -errno; an earlier guard's fence is taken over */
int guard_open(struct guard *guard, const char *run_dir);

void guard_close(struct guard *guard);

/**
 * guard_look() - look at everything, decide, and do it
 *
 * Return: after how many nanoseconds to look again, if nothing is heard before.
 */
uint64_t guard_look(struct guard *guard);

#endif
