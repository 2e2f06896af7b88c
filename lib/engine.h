/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of an engine, for the rooms of lib/ only.  Who may use the engine from outside uses
 * mlag.h.
 */
#ifndef MLAG_ENGINE_H
#define MLAG_ENGINE_H

#include "address.h"
#include "diff.h"
#include "flap.h"
#include "hold.h"
#include "lastresort.h"
#include "leg.h"
#include "liveness.h"
#include "mac.h"
#include "mlag.h"
#include "neighbor.h"
#include "session.h"
#include "table.h"
#include "verdict.h"
#include "wire.h"

/* Both members' LAGs, should they have none in common. */
#define ENGINE_LEG_ROWS (2 * MLAG_LEGS_MAX)

#define ENGINE_MS UINT64_C(1000000)
#define ENGINE_SECOND (1000 * ENGINE_MS)
#define ENGINE_GREETING_NS (3 * ENGINE_SECOND) /* from connection to hello */
#define ENGINE_REFUSED_RETRY_NS ENGINE_SECOND
#define ENGINE_RETRY_NS (100 * ENGINE_MS)
#define ENGINE_DIGEST_NS ENGINE_SECOND
#define ENGINE_RESYNC_NS (5 * ENGINE_SECOND)
#define ENGINE_COMPARE_NS ENGINE_SECOND
#define ENGINE_SLICE_NS ENGINE_MS /* between two slices of what is long: others have their turn */
#define ENGINE_SCRUB_NS (50 * ENGINE_MS) /* shortest time between two slices */

struct mlag_engine {
	struct mlag_config config;
	uint64_t now_ns;
	uint64_t birth_ns;
	struct mlag_effects *effects; /* of the step under way */

	enum mlag_session_state session;
	uint64_t session_since_ns;
	uint64_t heard_ns; /* the last message of the peer, or when the session began */
	uint64_t sessions_count;
	enum mlag_close_reason close_reason;
	bool refused_by_us;
	bool hello_due;
	bool refuse_due;
	bool goodbye_due;
	bool keepalive_due;
	uint64_t keepalive_ns; /* when the next one is due */
	uint64_t digest_ns;    /* when digests are due even if nothing changed */
	uint64_t
		resync_ns[WIRE_TABLES_COUNT]; /* by number: no fresh snapshot is asked for before */

	struct wire_hello peer; /* valid when peer_known */
	bool peer_known;
	bool peer_left;
	bool peer_legs_known; /* a whole snapshot of its legs was heard */

	struct liveness liveness;
	struct mlag_mac member_id; /* the last one known, though the device may be gone */
	uint64_t hello_ns;	   /* when the next hello is due, and when the last one was sent */
	uint64_t hello_sent_ns;
	uint32_t hello_sequence;
	bool hello_soon; /* it says something new: do not wait for the interval */
	bool leaving;	 /* this member has said goodbye */
	bool hello_said_goodbye;
	struct verdict_rank peer_rank; /* by the session's or a trusted hello's word */
	uint64_t peer_rank_boot_id;
	bool peer_rank_known;
	uint64_t peer_hold_ns;	  /* its restart-hold */
	enum mlag_role peer_role; /* what it last said of itself */

	enum mlag_role role;
	uint32_t role_epoch;
	enum mlag_verdict verdict;
	uint64_t verdict_since_ns;
	uint64_t verdict_wait_ns;    /* absolute: the verdict may change by time alone */
	const char *verdict_because; /* of the verdict as it is now */
	const char *verdict_next;
	enum mlag_path_finding link_finding;
	enum mlag_path_finding backup_finding;
	enum mlag_peer_finding peer_finding;

	struct hold_pair hold;
	struct mlag_peer_link peer_link;
	bool hello_legs_known; /* what hellos say of the peer's legs counts: no table says it */
	bool lift_allowed;     /* R2: the peer's word may lift R1 */
	bool resuming;	       /* between RESUME and RESUMED nothing is decided */
	bool isolation_frozen; /* R1 stays as it was found until the peer has spoken of its legs */
	bool was_away;	       /* for so long that the peer may have gone on alone; until in sync */
	bool peer_forgets;     /* and it has: its daemon runs */
	bool afresh;	       /* this engine began with nothing; until in sync */
	bool peer_afresh;      /* so says the peer */

	struct table legs;
	uint32_t leg_generation; /* the last one that was given to a leg that came up */
	uint32_t devices_count;
	struct {
		uint32_t ifindex;
		uint16_t lag_id;
	} devices[ENGINE_LEG_ROWS]; /* of the legs here */
	struct table macs;
	struct table addresses;
	bool addresses_known; /* R21: the peer's are complete, and programmed */
	uint64_t address_retry_ns;
	struct address_svi svis[MLAG_VLANS_MAX];
	struct lastresort last_resorts[LASTRESORT_FAMILIES];
	bool last_resort_dirty;
	enum mlag_verdict last_resort_verdict; /* when it was decided */
	bool last_resort_claimed;	       /* rows of ours are in the table of addresses */
	uint64_t last_resort_serial;	       /* of what mlag_get_last_resort() says */
	struct table neighbors;
	struct neighbor_state neighbor;
	uint16_t dump_epoch;
	uint64_t mac_retry_ns; /* 0 when nothing is to be retried */
	struct mac_pass mac_pass;
	uint64_t slice_ns;  /* when the next slices of what is long are due, if anything is */
	struct flaps flaps; /* MACs that move too often */
	bool macs_dropped;  /* MACs of the kernel's found no room since the last dump */
	bool synced;
	uint64_t scrub_ns; /* when rows were last looked at again */
	struct diff diff;

	uint64_t malformed_count;
	uint64_t closes[MLAG_CLOSE_REASONS_COUNT]; /* connections ended, by reason */
	uint64_t ignored_count;
};

/** engine_add_effect() - one more effect of this step; NULL when there is no room */
struct mlag_effect *engine_add_effect(struct mlag_engine *engine, enum mlag_effect_type type);

/** engine_notice() - add a notice to the effects of this step */
void engine_notice(struct mlag_engine *engine, enum mlag_notice notice, uint16_t lag_id,
		   const char *from, const char *to, const char *because);

/** engine_tell_differences() - an effect for each row that was newly found to differ */
void engine_tell_differences(struct mlag_engine *engine, struct table *table);

/** resume_begin(), resume_end() - MLAG_EVENT_RESUME and MLAG_EVENT_RESUMED, in resume.c */
void resume_begin(struct mlag_engine *engine, const struct mlag_resume *resume);
void resume_end(struct mlag_engine *engine);

#define ENGINE_TABLES 4 /* legs, addresses, MACs, neighbours */

/**
 * struct engine_table_line - a replicated table: who hears of changes, and of acknowledgements
 * @offset: where it is in the engine
 * @name: for notices
 * @changed: the peer's side of a row changed
 * @acked: the peer has a row of ours
 * @reconsider: a claim of ours was not what it had been; NULL where nothing follows from that
 */
struct engine_table_line {
	size_t offset;
	const char *name;
	table_row_fn *changed;
	table_row_fn *acked;
	void (*reconsider)(struct mlag_engine *engine);
};

/* Most urgent first. */
extern const struct engine_table_line engine_tables[ENGINE_TABLES];

/** engine_table() - the replicated tables, 0 to ENGINE_TABLES - 1, most urgent first */
struct table *engine_table(struct mlag_engine *engine, uint32_t index);

/** engine_forget_peer() - the peer has left on purpose: nothing that it claimed counts */
void engine_forget_peer(struct mlag_engine *engine);

/**
 * engine_session_input() - move the session and do what the transition asks for
 * @engine: the engine
 * @input: what happened to the connection
 * @reason: why, where it is going to be closed
 * @hello: the peer's, where that is what came, else NULL
 */
void engine_session_input(struct mlag_engine *engine, enum session_input input,
			  enum mlag_close_reason reason, const struct wire_hello *hello);

/** engine_get_message() - a message of the peer, in inbox.c */
void engine_get_message(struct mlag_engine *engine, const uint8_t *data, uint32_t size);

/** engine_is_alone() - the verdict is that nobody else leads */
static inline bool engine_is_alone(const struct mlag_engine *engine)
{
	return engine->verdict == MLAG_VERDICT_ALONE ||
	       engine->verdict == MLAG_VERDICT_ALONE_UNSURE;
}

/**
 * engine_nobody_floods() - no data plane of a peer can deliver what we flood a second time
 *
 * With carrier on the peer link the data plane of a peer that was heard may forward for ever
 * without its daemon, and may have lifted R1: only its acknowledgement, its goodbye, the word of its
 * guard or the loss of the peer link's carrier prove otherwise (R2, DESIGN §2).
 */
static inline bool engine_nobody_floods(const struct mlag_engine *engine)
{
	const struct liveness *liveness = &engine->liveness;

	switch (engine->verdict) {
	case MLAG_VERDICT_ALONE_UNSURE:
		return true;
	case MLAG_VERDICT_ALONE:
		return !liveness->ever_heard || liveness->left ||
		       liveness_link(liveness) == LIVENESS_LINK_NO_CARRIER;
	case MLAG_VERDICT_SPLIT:
		return liveness_link(liveness) == LIVENESS_LINK_NO_CARRIER;
	case MLAG_VERDICT_NONE:
	case MLAG_VERDICT_STARTING:
	case MLAG_VERDICT_PEERED:
	case MLAG_VERDICT_RESYNC:
		break;
	}
	return false;
}

#endif
