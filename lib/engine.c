/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: dispatch of events, and the session with the peer (see mlag.h).  inbox.c takes its
 * messages apart, outbox.c makes ours.  What a leg or a MAC means is in leg.c and mac.c; here is what they have in common with
 * the peer and with time.  mlagd, the simulator and the fuzzers call this, and nothing else.
 */
#include "engine.h"

#include <string.h>

#include "pair.h"
#include "repair.h"

static size_t engine_size(void)
{
	return (sizeof(struct mlag_engine) + 63) / 64 * 64;
}

static uint32_t neighbors_max(const struct mlag_config *config)
{
	return config->neighbors_max != 0 ? config->neighbors_max : MLAG_NEIGHBORS_MAX;
}

size_t mlag_engine_size(const struct mlag_config *config)
{
	return engine_size() + table_size(&leg_table_class, ENGINE_LEG_ROWS) +
	       table_size(&mac_table_class, config->macs_max) +
	       table_size(&address_table_class, MLAG_ADDRESSES_MAX) +
	       table_size(&neighbor_table_class, neighbors_max(config));
}

struct mlag_engine *mlag_engine_init(void *memory, const struct mlag_config *config,
				     uint64_t now_ns)
{
	struct mlag_engine *engine = memory;
	uint8_t *rows = (uint8_t *)memory + engine_size();

	mlag_assert(config->macs_max >= 1 && config->macs_max <= MLAG_MACS_MAX);
	mlag_assert(config->neighbors_max <= MLAG_NEIGHBORS_MAX);
	engine->config = *config;
	engine->now_ns = now_ns;
	engine->birth_ns = now_ns;
	engine->session = MLAG_SESSION_IDLE;
	engine->session_since_ns = now_ns;
	engine->verdict = MLAG_VERDICT_STARTING;
	engine->verdict_since_ns = now_ns;
	engine->verdict_wait_ns = now_ns + config->startup_wait_ns;
	engine->leg_generation = (uint32_t)config->boot_id | 1;
	engine->hold.start_ns = now_ns;
	engine->afresh = true;
	pair_init(engine);
	table_init(&engine->legs, &leg_table_class, rows, ENGINE_LEG_ROWS, config->hash_seed);
	rows += table_size(&leg_table_class, ENGINE_LEG_ROWS);
	table_init(&engine->macs, &mac_table_class, rows, config->macs_max, config->hash_seed);
	rows += table_size(&mac_table_class, config->macs_max);
	table_init(&engine->addresses, &address_table_class, rows, MLAG_ADDRESSES_MAX,
		   config->hash_seed);
	rows += table_size(&address_table_class, MLAG_ADDRESSES_MAX);
	table_init(&engine->neighbors, &neighbor_table_class, rows, neighbors_max(config),
		   config->hash_seed);
	lastresort_init(engine);
	return engine;
}

struct mlag_effect *engine_add_effect(struct mlag_engine *engine, enum mlag_effect_type type)
{
	struct mlag_effects *effects = engine->effects;
	struct mlag_effect *effect;

	/* The last places are kept for what must not be lost. */
	if (effects->count >= MLAG_EFFECTS_MAX - (type == MLAG_EFFECT_NOTICE ? 4U : 0U)) {
		effects->notices_lost += type == MLAG_EFFECT_NOTICE;
		return NULL;
	}
	effect = &effects->items[effects->count++];
	memset(effect, 0, sizeof(*effect));
	effect->type = type;
	return effect;
}

void engine_notice(struct mlag_engine *engine, enum mlag_notice notice, uint16_t lag_id,
		   const char *from, const char *to, const char *because)
{
	struct mlag_effect *effect = engine_add_effect(engine, MLAG_EFFECT_NOTICE);

	if (effect != NULL) {
		effect->notice.notice = notice;
		effect->notice.lag_id = lag_id;
		effect->notice.from = from;
		effect->notice.to = to;
		effect->notice.because = because;
	}
}

/* What was found to differ is said by its key; what found no room is counted all the same. */
void engine_tell_differences(struct mlag_engine *engine, struct table *table)
{
	for (uint32_t i = 0; i < table->differences_new; i++) {
		struct mlag_effect *effect = engine_add_effect(engine, MLAG_EFFECT_DIFFERENCE);

		if (effect != NULL) {
			diff_describe(table, &table->differences[i], &effect->difference);
		}
	}
	table->differences_new = 0;
}

static void add_close(struct mlag_engine *engine, enum mlag_close_reason reason, uint64_t retry_ns)
{
	struct mlag_effect *effect = engine_add_effect(engine, MLAG_EFFECT_CLOSE);

	if (effect != NULL) {
		effect->close.reason = reason;
		effect->close.retry_ns = retry_ns;
	}
}

static void nothing_acked(void *user, struct table *table, struct table_row *row)
{
	(void)user;
	(void)table;
	(void)row;
}

static void address_acked(void *user, struct table *table, struct table_row *row)
{
	(void)table;
	(void)row;
	lastresort_dirty(user);
}

const struct engine_table_line engine_tables[ENGINE_TABLES] = {
	{offsetof(struct mlag_engine, legs), "legs", leg_peer_changed, nothing_acked, NULL},
	{offsetof(struct mlag_engine, addresses), "addresses", address_changed, address_acked,
	 address_refresh_all},
	{offsetof(struct mlag_engine, macs), "macs", mac_changed, mac_changed, mac_refresh_all},
	{offsetof(struct mlag_engine, neighbors), "neighbors", neighbor_changed, nothing_acked,
	 neighbor_recheck},
};

struct table *engine_table(struct mlag_engine *engine, uint32_t index)
{
	return (void *)((uint8_t *)engine + engine_tables[index].offset);
}

static uint64_t dead_time_ns(const struct mlag_engine *engine)
{
	return engine->config.hello_interval_ns * engine->config.dead_multiplier;
}

/* How long silence may last in the state the session is in; 0 where it does not matter. */
static uint64_t silence_limit_ns(const struct mlag_engine *engine)
{
	switch (engine->session) {
	case MLAG_SESSION_UP:
		return dead_time_ns(engine);
	case MLAG_SESSION_GREETING:
		return ENGINE_GREETING_NS;
	case MLAG_SESSION_NONE:
	case MLAG_SESSION_IDLE:
	case MLAG_SESSION_REFUSED:
		break;
	}
	return 0;
}

/* The connection's own state starts afresh. */
static void reset_connection(struct mlag_engine *engine)
{
	engine->hello_due = false;
	engine->refuse_due = false;
	engine->goodbye_due = false;
	engine->keepalive_due = false;
}

static void freeze(struct mlag_engine *engine)
{
	lastresort_dirty(engine);
	pair_end_session(engine);
	diff_session_end(engine);
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		table_session_end(engine_table(engine, i));
	}
}

static void establish(struct mlag_engine *engine, const struct wire_hello *hello)
{
	bool same_peer;

	mlag_assert(hello != NULL);
	same_peer = engine->peer_known && engine->peer.boot_id == hello->boot_id;
	engine->peer = *hello;
	engine->peer_known = true;
	engine->peer_role = (enum mlag_role)hello->role;
	engine->peer_left = false;
	pair_hear_session(engine);
	engine->sessions_count++;
	engine->close_reason = MLAG_CLOSE_NONE;
	engine->refused_by_us = false;
	engine->keepalive_due = true;
	engine->keepalive_ns = engine->now_ns + engine->config.hello_interval_ns;
	engine->digest_ns = engine->now_ns;
	memset(engine->resync_ns, 0, sizeof(engine->resync_ns));
	lastresort_session_start(engine);
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		engine_table(engine, i)->peer_repairs = (hello->features & WIRE_FEATURE_REPAIR) !=
							0;
		table_session_start(engine_table(engine, i), same_peer);
	}
	diff_session_start(engine);
}

void engine_forget_peer(struct mlag_engine *engine)
{
	engine->peer_left = true;
	engine->peer_legs_known = true; /* it has none */
	leg_forget_hello(engine);
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		table_forget_peer(engine_table(engine, i), engine_tables[i].changed, engine);
	}
}

static void note_close(struct mlag_engine *engine, enum mlag_close_reason reason)
{
	engine->close_reason = reason;
	engine->closes[reason]++;
}

void engine_session_input(struct mlag_engine *engine, enum session_input input,
			  enum mlag_close_reason reason, const struct wire_hello *hello)
{
	struct session_cell cell = session_transition(engine->session, input);
	enum mlag_session_state old = engine->session;

	engine->session = cell.next;
	if (old != cell.next) {
		engine->session_since_ns = engine->now_ns;
		engine_notice(engine, MLAG_NOTICE_SESSION, 0, mlag_session_state_text(old),
			      mlag_session_state_text(cell.next),
			      cell.next == MLAG_SESSION_UP || cell.next == MLAG_SESSION_GREETING
				      ? "the peer answers"
				      : mlag_close_reason_text(reason));
	}
	switch (cell.action) {
	case SESSION_ACTION_NONE:
		return;
	case SESSION_ACTION_IGNORE:
		engine->ignored_count++;
		return;
	case SESSION_ACTION_GREET:
		reset_connection(engine);
		engine->hello_due = true;
		engine->heard_ns = engine->now_ns;
		return;
	case SESSION_ACTION_ESTABLISH:
		establish(engine, hello);
		return;
	case SESSION_ACTION_REFUSE:
		engine->refuse_due = true;
		engine->refused_by_us = true;
		note_close(engine, reason);
		add_close(engine, reason, ENGINE_REFUSED_RETRY_NS);
		return;
	case SESSION_ACTION_GIVE_UP:
		engine->refused_by_us = false;
		note_close(engine, reason);
		add_close(engine, reason, ENGINE_REFUSED_RETRY_NS);
		return;
	case SESSION_ACTION_CLOSE:
		note_close(engine, reason);
		add_close(engine, reason, ENGINE_RETRY_NS);
		return;
	case SESSION_ACTION_FREEZE:
		note_close(engine, reason);
		freeze(engine);
		return;
	case SESSION_ACTION_FREEZE_CLOSE:
		note_close(engine, reason);
		engine->refused_by_us = false;
		freeze(engine);
		add_close(engine, reason,
			  cell.next == MLAG_SESSION_REFUSED ? ENGINE_REFUSED_RETRY_NS
							    : ENGINE_RETRY_NS);
		return;
	case SESSION_ACTION_PART:
		note_close(engine, reason);
		freeze(engine);
		pair_goodbye(engine);
		engine_forget_peer(engine);
		add_close(engine, reason, ENGINE_REFUSED_RETRY_NS);
		return;
	}
}

static void observe_peer_link(struct mlag_engine *engine, const struct mlag_peer_link *peer_link)
{
	bool ports_changed =
		engine->peer_link.ifindex != peer_link->ifindex ||
		memcmp(&engine->peer_link.vlans, &peer_link->vlans, sizeof(peer_link->vlans)) != 0;
	bool identity_changed =
		engine->peer_link.vlan_aware != peer_link->vlan_aware ||
		memcmp(&engine->peer_link.mac, &peer_link->mac, sizeof(peer_link->mac)) != 0;

	engine->peer_link = *peer_link;
	pair_observe_link(engine);
	lastresort_dirty(engine);
	if (identity_changed) {
		engine_session_input(engine, SESSION_INPUT_RESET, MLAG_CLOSE_RECONFIGURED, NULL);
	}
	if (ports_changed) {
		mac_refresh_all(engine);
		address_refresh_all(engine);
	}
}

static void reconfigure(struct mlag_engine *engine, const struct mlag_config *config)
{
	bool identity_changed = engine->config.domain_id != config->domain_id ||
				memcmp(&engine->config.system_mac, &config->system_mac,
				       sizeof(config->system_mac)) != 0 ||
				engine->config.priority != config->priority;
	struct mlag_config kept = engine->config;

	engine->config = *config;
	engine->config.boot_id = kept.boot_id;
	engine->config.hash_seed = kept.hash_seed;
	engine->config.macs_max = kept.macs_max;
	pair_configure(engine);
	lastresort_dirty(engine);
	engine->config.neighbors_max = kept.neighbors_max;
	if (identity_changed) {
		engine_session_input(engine, SESSION_INPUT_RESET, MLAG_CLOSE_RECONFIGURED, NULL);
	}
}

/* Rows are read again, all of them within a second (digest.h). */
static void scrub(struct mlag_engine *engine)
{
	uint64_t passed_ns = engine->now_ns - engine->scrub_ns;

	if (passed_ns < ENGINE_SCRUB_NS) {
		return;
	}
	engine->scrub_ns = engine->now_ns;
	passed_ns = passed_ns < ENGINE_SECOND ? passed_ns : ENGINE_SECOND;
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		struct table *table = engine_table(engine, i);
		uint64_t looks = table->rows_made * passed_ns / ENGINE_SECOND + 2;

		if (digest_scrub(table, (uint32_t)looks) && engine_tables[i].reconsider != NULL) {
			engine_tables[i].reconsider(engine);
		}
		engine_tell_differences(engine, table);
	}
}

/* Is something under way that takes more than a slice? */
static bool wants_slice(const struct mlag_engine *engine)
{
	return engine->mac_pass.active || table_wants_slice(&engine->legs) ||
	       table_wants_slice(&engine->addresses) || table_wants_slice(&engine->macs) ||
	       table_wants_slice(&engine->neighbors);
}

static void take_slices(struct mlag_engine *engine)
{
	if (!wants_slice(engine) || engine->now_ns < engine->slice_ns) {
		return;
	}
	engine->slice_ns = engine->now_ns + ENGINE_SLICE_NS;
	if (engine->mac_pass.active) {
		mac_refresh_slice(engine);
	}
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		struct table *table = engine_table(engine, i);

		if (table_wants_slice(table)) {
			table_advance(table);
		}
	}
}

static void tick(struct mlag_engine *engine, uint64_t read_ns)
{
	uint64_t limit_ns = silence_limit_ns(engine);

	pair_tick(engine, read_ns);
	/* Silence counts only up to the moment at which we tried to hear. */
	if (limit_ns != 0 && read_ns >= engine->heard_ns + limit_ns) {
		engine_session_input(engine, SESSION_INPUT_SILENCE, MLAG_CLOSE_TIMEOUT, NULL);
	}
	if (engine->session == MLAG_SESSION_UP && engine->now_ns >= engine->keepalive_ns) {
		engine->keepalive_due = true;
		engine->keepalive_ns = engine->now_ns + engine->config.hello_interval_ns;
	}
	take_slices(engine);
	scrub(engine);
	leg_tick(engine);
	mac_tick(engine);
	address_tick(engine);
	neighbor_tick(engine);
}

static void refresh_lift(struct mlag_engine *engine)
{
	const struct liveness *liveness = &engine->liveness;
	const struct liveness_path *link = &liveness->paths[MLAG_PATH_PEER_LINK];

	if ((engine->session == MLAG_SESSION_UP && engine->legs.peer_complete) ||
	    engine->peer_left) {
		engine->isolation_frozen = false;
	}
	/* R2: with PL lost all of R1 is back in force, until the live peer says otherwise. */
	if (!link->present || engine->verdict == MLAG_VERDICT_SPLIT) {
		engine->lift_allowed = false;
	} else if (engine->session == MLAG_SESSION_UP) {
		engine->lift_allowed |= engine->legs.peer_complete;
	} else if (engine->peer_left || liveness->fenced ||
		   (engine->hello_legs_known && link->heard && link->trusted &&
		    liveness_link(liveness) == LIVENESS_LINK_USABLE)) {
		engine->lift_allowed = true;
	}
}

/* R21: with the session gone what was complete stays so (R26); a new session starts over. */
static void refresh_addresses_known(struct mlag_engine *engine)
{
	if (engine->session == MLAG_SESSION_UP) {
		engine->addresses_known = engine->addresses.peer_complete &&
					  engine->addresses.program.count == 0;
	} else if (engine->peer_left) {
		engine->addresses_known = false;
	}
}

/* What follows from an event beyond the thing it was about. */
static void refresh_world(struct mlag_engine *engine)
{
	enum mlag_verdict verdict = engine->verdict;
	bool synced;

	pair_refresh(engine);
	refresh_lift(engine);
	hold_refresh_pair(engine);
	leg_refresh_all(engine);
	refresh_addresses_known(engine);
	lastresort_refresh(engine);
	synced = true;
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		synced = synced && table_is_synced(engine_table(engine, i));
	}
	if (synced != engine->synced) {
		engine->synced = synced;
		engine->was_away = engine->was_away && !synced;
		engine->afresh = engine->afresh && !synced;
		engine->peer_forgets = engine->peer_forgets && !synced;
		engine_notice(engine, MLAG_NOTICE_SYNCED, 0, synced ? "pending" : "synced",
			      synced ? "synced" : "pending",
			      synced ? "both members hold each other's tables"
				     : "a snapshot is owed");
		mac_refresh_all(engine);
	} else if (verdict != engine->verdict) {
		mac_refresh_all(engine); /* another session, or nobody who counts on us */
	}
	mac_refresh_peer(engine);
}

/* Does an event of this type concern more than its own row? */
static bool concerns_world(enum mlag_event_type type)
{
	switch (type) {
	case MLAG_EVENT_FDB:
	case MLAG_EVENT_FDB_DUMP_BEGIN:
	case MLAG_EVENT_FDB_DUMP_END:
	case MLAG_EVENT_FDB_FAILED:
	case MLAG_EVENT_NEIGHBOR_DEVICE:
	case MLAG_EVENT_NEIGHBOR:
	case MLAG_EVENT_NEIGHBOR_DUMP_BEGIN:
	case MLAG_EVENT_NEIGHBOR_DUMP_END:
	case MLAG_EVENT_NEIGHBOR_FAILED:
	case MLAG_EVENT_ASK:
		return false;
	case MLAG_EVENT_NONE:
	case MLAG_EVENT_TICK:
	case MLAG_EVENT_CHANNEL_UP:
	case MLAG_EVENT_CHANNEL_DOWN:
	case MLAG_EVENT_MESSAGE:
	case MLAG_EVENT_HELLO:
	case MLAG_EVENT_PROMOTE:
	case MLAG_EVENT_PEER_LINK:
	case MLAG_EVENT_LEG:
	case MLAG_EVENT_LEG_APPLIED:
	case MLAG_EVENT_LEG_CONFIGURE:
	case MLAG_EVENT_LEG_REMOVE:
	case MLAG_EVENT_ADDRESS:
	case MLAG_EVENT_DEFAULT_ROUTE:
	case MLAG_EVENT_DRAIN:
	case MLAG_EVENT_RECONFIGURE:
	case MLAG_EVENT_GOODBYE:
	case MLAG_EVENT_RESUME:
	case MLAG_EVENT_RESUME_LEG:
	case MLAG_EVENT_RESUME_MAC:
	case MLAG_EVENT_RESUME_ADDRESS:
	case MLAG_EVENT_RESUMED:
	case MLAG_EVENT_LEG_REFUSED:
		break;
	}
	return true;
}

/* Does what follows from the event concern more than its own row? */
static bool dispatch(struct mlag_engine *engine, const struct mlag_event *event)
{
	switch (event->type) {
	case MLAG_EVENT_NONE:
		engine->ignored_count++;
		break;
	case MLAG_EVENT_TICK:
		tick(engine, event->tick.read_ns);
		break;
	case MLAG_EVENT_CHANNEL_UP:
		engine_session_input(engine, SESSION_INPUT_CONNECTED, MLAG_CLOSE_NONE, NULL);
		break;
	case MLAG_EVENT_CHANNEL_DOWN:
		engine_session_input(engine, SESSION_INPUT_DISCONNECTED, MLAG_CLOSE_TRANSPORT,
				     NULL);
		break;
	case MLAG_EVENT_MESSAGE:
		engine_get_message(engine, event->message.data, event->message.size);
		break;
	case MLAG_EVENT_HELLO:
		pair_hear(engine, event->hello.path, event->hello.data, event->hello.size,
			  event->hello.authentic);
		break;
	case MLAG_EVENT_PROMOTE:
		pair_promote(engine);
		break;
	case MLAG_EVENT_PEER_LINK:
		observe_peer_link(engine, event->peer_link);
		break;
	case MLAG_EVENT_LEG:
		return leg_observe(engine, event->leg.lag_id, event->leg.observation);
	case MLAG_EVENT_LEG_APPLIED:
		leg_applied(engine, event->leg_applied.lag_id, event->leg_applied.serial);
		break;
	case MLAG_EVENT_LEG_REFUSED:
		leg_refused(engine, event->leg_refused.lag_id);
		break;
	case MLAG_EVENT_LEG_CONFIGURE:
		leg_configure(engine, event->leg_configure.lag_id, event->leg_configure.is_new,
			      event->leg_configure.is_drained, event->leg_configure.held);
		break;
	case MLAG_EVENT_LEG_REMOVE:
		leg_remove(engine, event->leg_configure.lag_id);
		break;
	case MLAG_EVENT_FDB:
		mac_observe(engine, &event->fdb.key, &event->fdb.entry, event->fdb.listed);
		break;
	case MLAG_EVENT_FDB_DUMP_BEGIN:
		mac_dump_begin(engine);
		break;
	case MLAG_EVENT_FDB_DUMP_END:
		mac_dump_end(engine);
		break;
	case MLAG_EVENT_FDB_FAILED:
		mac_failed(engine, &event->fdb_failed.key, event->fdb_failed.error);
		break;
	case MLAG_EVENT_ADDRESS:
		address_observe(engine, &event->address.key, event->address.present,
				event->address.domain, event->address.ifindex);
		break;
	case MLAG_EVENT_DEFAULT_ROUTE:
		lastresort_observe(engine, event->default_route);
		break;
	case MLAG_EVENT_NEIGHBOR_DEVICE:
	case MLAG_EVENT_NEIGHBOR:
	case MLAG_EVENT_NEIGHBOR_DUMP_BEGIN:
	case MLAG_EVENT_NEIGHBOR_DUMP_END:
	case MLAG_EVENT_NEIGHBOR_FAILED:
		neighbor_event(engine, event);
		break;
	case MLAG_EVENT_ASK:
		diff_ask(engine, event->ask);
		break;
	case MLAG_EVENT_DRAIN:
		hold_drain(engine, event->drain.lag_id, event->drain.on);
		break;
	case MLAG_EVENT_RECONFIGURE:
		reconfigure(engine, event->reconfigure);
		break;
	case MLAG_EVENT_GOODBYE:
		engine->goodbye_due = engine->session == MLAG_SESSION_UP;
		engine->leaving = true;
		engine->hello_soon = true;
		engine_session_input(engine, SESSION_INPUT_RESET, MLAG_CLOSE_GOODBYE, NULL);
		break;
	case MLAG_EVENT_RESUME:
		resume_begin(engine, event->resume);
		break;
	case MLAG_EVENT_RESUME_LEG:
		leg_resume(engine, event->resume_leg);
		break;
	case MLAG_EVENT_RESUME_MAC:
		mac_resume(engine, &event->resume_mac.key, &event->resume_mac.place);
		break;
	case MLAG_EVENT_RESUME_ADDRESS:
		address_resume(engine, event->resume_address);
		break;
	case MLAG_EVENT_RESUMED:
		resume_end(engine);
		break;
	}
	return concerns_world(event->type);
}

/*
 * There is a step at least every hello interval.  When there was none for longer, this process did
 * not run, or the whole machine: what it did not hear then is held against nobody, even if there is
 * nothing in the sockets.
 */
static void note_absence(struct mlag_engine *engine, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - engine->now_ns;
	uint64_t interval_ns = engine->config.hello_interval_ns;

	if (passed_ns > 2 * interval_ns) {
		engine->heard_ns += passed_ns - interval_ns;
		pair_skip(engine, passed_ns - interval_ns, now_ns);
	}
}

void mlag_step(struct mlag_engine *engine, const struct mlag_event *event, uint64_t now_ns,
	       struct mlag_effects *ret_effects)
{
	bool concerned;

	memset(ret_effects, 0, offsetof(struct mlag_effects, items));
	engine->effects = ret_effects;
	if (now_ns > engine->now_ns) {
		note_absence(engine, now_ns);
		engine->now_ns = now_ns;
	}
	concerned = dispatch(engine, event);
	if (!engine->resuming && concerned) {
		refresh_world(engine);
	}
	engine->effects = NULL;
}

uint64_t mlag_deadline_ns(const struct mlag_engine *engine)
{
	uint64_t limit_ns = silence_limit_ns(engine);
	uint64_t deadline = engine->verdict_wait_ns;
	uint64_t leg_ns = leg_deadline_ns(engine);
	uint64_t pair_ns = pair_deadline_ns(engine);
	uint64_t hold_ns = hold_deadline_ns(engine);

	deadline = leg_ns < deadline ? leg_ns : deadline;
	deadline = pair_ns < deadline ? pair_ns : deadline;
	deadline = hold_ns < deadline ? hold_ns : deadline;
	if (limit_ns != 0 && engine->heard_ns + limit_ns < deadline) {
		deadline = engine->heard_ns + limit_ns;
	}
	if (engine->session == MLAG_SESSION_UP && engine->keepalive_ns < deadline) {
		deadline = engine->keepalive_ns;
	}
	if (engine->address_retry_ns != 0 && engine->address_retry_ns < deadline) {
		deadline = engine->address_retry_ns;
	}
	if (engine->mac_retry_ns != 0 && engine->mac_retry_ns < deadline) {
		deadline = engine->mac_retry_ns;
	}
	if (wants_slice(engine) && engine->slice_ns < deadline) {
		deadline = engine->slice_ns;
	}
	if (neighbor_deadline_ns(engine) < deadline) {
		deadline = neighbor_deadline_ns(engine);
	}
	return deadline;
}
