/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair as a whole (see pair.h).  Called by engine.c.
 */
#include "pair.h"

#include <string.h>

#include "hello.h"

#define SOON_PART 10 /* what is new waits for a tenth of the interval at most */

void pair_init(struct mlag_engine *engine)
{
	liveness_init(&engine->liveness, engine->config.boot_id);
	engine->verdict_because = "mlagd has started";
	engine->verdict_next = "the peer is heard, or startup-wait passes";
	engine->hello_ns = engine->now_ns;
	pair_configure(engine);
}

void pair_configure(struct mlag_engine *engine)
{
	const struct mlag_config *config = &engine->config;

	liveness_configure(&engine->liveness, config->hello_interval_ns, config->dead_multiplier);
	liveness_set_present(&engine->liveness, MLAG_PATH_BACKUP, config->backup, engine->now_ns);
	engine->hello_soon = true;
}

void pair_skip(struct mlag_engine *engine, uint64_t duration_ns, uint64_t now_ns)
{
	liveness_skip(&engine->liveness, duration_ns, now_ns);
	if (duration_ns > engine->config.restart_hold_ns) {
		engine->was_away = true;
	}
}

/* What session and hellos say may overtake each other; within one boot no epoch goes back. */
static void take_rank(struct mlag_engine *engine, uint64_t boot_id, uint32_t role_epoch,
		      uint16_t priority, const struct mlag_mac *member_id)
{
	if (boot_id != engine->peer_rank_boot_id || role_epoch > engine->peer_rank.role_epoch) {
		engine->peer_rank.role_epoch = role_epoch;
	}
	engine->peer_rank_boot_id = boot_id;
	engine->peer_rank.priority = priority;
	engine->peer_rank.member_id = *member_id;
	engine->peer_rank_known = true;
}

/* The peer's newest word: who leads by it, and which legs it has (R2). */
static void take_word(struct mlag_engine *engine, const struct hello *hello)
{
	take_rank(engine, hello->boot_id, hello->role_epoch, hello->priority, &hello->member_id);
	engine->peer_hold_ns = hello->restart_hold_ms * ENGINE_MS;
	engine->peer_role = (enum mlag_role)hello->role;
	engine->peer_afresh = (hello->flags & HELLO_AFRESH) != 0;
	if ((hello->flags & HELLO_LEGS_KNOWN) != 0 &&
	    !(engine->session == MLAG_SESSION_UP && engine->legs.peer_complete)) {
		leg_hear_hello(engine, hello->legs, hello->legs_count, hello->boot_id);
	}
}

void pair_hear(struct mlag_engine *engine, enum mlag_path path, const uint8_t *data, uint32_t size,
	       bool authentic)
{
	struct liveness *liveness = &engine->liveness;
	uint8_t heard = liveness_hears(liveness);
	uint64_t boot_id = liveness->boot_id;
	struct liveness_hello life;
	struct hello hello;

	if (path == MLAG_PATH_NONE || path >= MLAG_PATHS_COUNT || !hello_get(data, size, &hello)) {
		engine->malformed_count++;
		return;
	}
	life.trusted = authentic && hello.version == HELLO_VERSION &&
		       hello.domain_id == engine->config.domain_id &&
		       (hello.kind == HELLO_KIND_DAEMON || hello.kind == HELLO_KIND_FENCED);
	life.boot_id = hello.boot_id;
	life.sequence = hello.sequence;
	life.hears_us = hello.heard_boot_id == engine->config.boot_id ? hello.hears : 0;
	life.leaving = (hello.flags & HELLO_LEAVING) != 0;
	life.fenced = hello.kind == HELLO_KIND_FENCED;
	life.interval_ns = hello.interval_ms * ENGINE_MS;
	switch (liveness_hear(liveness, path, &life, engine->now_ns)) {
	case LIVENESS_NEWS_NONE:
		engine->ignored_count++;
		break;
	case LIVENESS_NEWS_LIFE:
	case LIVENESS_NEWS_OLDER:
		break;
	case LIVENESS_NEWS_WORD:
		take_word(engine, &hello);
		break;
	case LIVENESS_NEWS_FENCE:
		if ((hello.flags & HELLO_LEGS_KNOWN) != 0) {
			leg_hear_hello(engine, hello.legs, hello.legs_count, 0);
		}
		break;
	}
	if (liveness->left && !engine->peer_left && engine->session != MLAG_SESSION_UP) {
		engine_forget_peer(engine);
	}
	if (heard != liveness_hears(liveness) || boot_id != liveness->boot_id) {
		engine->hello_soon = true; /* the peer waits to hear that it is heard */
	}
}

void pair_hear_session(struct mlag_engine *engine)
{
	liveness_hear_session(&engine->liveness, engine->peer.boot_id, engine->now_ns);
	take_rank(engine, engine->peer.boot_id, engine->peer.role_epoch, engine->peer.priority,
		  &engine->peer.member_id);
}

void pair_end_session(struct mlag_engine *engine)
{
	liveness_end_session(&engine->liveness);
}

void pair_goodbye(struct mlag_engine *engine)
{
	liveness_leave(&engine->liveness, engine->peer.boot_id, engine->now_ns);
}

void pair_observe_link(struct mlag_engine *engine)
{
	static const struct mlag_mac nobody;
	bool carrier = engine->peer_link.ifindex != 0 && engine->peer_link.carrier;

	if (memcmp(&engine->peer_link.mac, &nobody, sizeof(nobody)) != 0) {
		engine->member_id = engine->peer_link.mac;
	}
	if (carrier != engine->liveness.paths[MLAG_PATH_PEER_LINK].present) {
		engine->hello_soon = true;
	}
	liveness_set_present(&engine->liveness, MLAG_PATH_PEER_LINK, carrier, engine->now_ns);
}

void pair_tick(struct mlag_engine *engine, uint64_t read_ns)
{
	uint8_t heard = liveness_hears(&engine->liveness);

	liveness_tick(&engine->liveness, read_ns);
	if (heard != liveness_hears(&engine->liveness)) {
		engine->hello_soon = true;
	}
}

/* ---- verdict and role ------------------------------------------------------------------------ */

static uint64_t left_ns(uint64_t since_ns, uint64_t length_ns, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > since_ns ? now_ns - since_ns : 0;

	return passed_ns < length_ns ? length_ns - passed_ns : 0;
}

static uint64_t hold_ns(const struct mlag_engine *engine)
{
	uint64_t own_ns = engine->config.restart_hold_ns;
	uint64_t longer_ns = engine->peer_hold_ns > own_ns ? engine->peer_hold_ns : own_ns;

	return longer_ns + longer_ns / 5;
}

static enum liveness_life life_of_peer(const struct mlag_engine *engine)
{
	return liveness_life(&engine->liveness, engine->session == MLAG_SESSION_UP,
			     engine->heard_ns, engine->now_ns);
}

static void refresh_verdict(struct mlag_engine *engine)
{
	const struct liveness *liveness = &engine->liveness;
	uint64_t now_ns = engine->now_ns;
	uint64_t silent_ns = liveness->life_ns > liveness->carrier_ns ? liveness->life_ns
								      : liveness->carrier_ns;
	struct verdict_view view = {
		.life = life_of_peer(engine),
		.link = liveness_link(liveness),
		.session_up = engine->session == MLAG_SESSION_UP,
		.link_awaited = liveness->awaited,
	};
	struct verdict verdict;

	view.left_ns[VERDICT_TIMER_STARTUP] =
		left_ns(engine->birth_ns, engine->config.startup_wait_ns, now_ns);
	view.left_ns[VERDICT_TIMER_DEAD] =
		left_ns(liveness->life_ns, liveness_dead_ns(liveness), now_ns);
	view.left_ns[VERDICT_TIMER_HOLD] = left_ns(silent_ns, hold_ns(engine), now_ns);
	verdict = verdict_decide(&view);
	engine->verdict_wait_ns = verdict.wait_ns == UINT64_MAX ? MLAG_NEVER_NS
								: now_ns + verdict.wait_ns;
	engine->verdict_because = verdict.because;
	engine->verdict_next = verdict.next;
	if (verdict.verdict != MLAG_VERDICT_STARTING) {
		liveness_await_no_more(&engine->liveness); /* the start is over */
	}
	if (verdict.verdict == engine->verdict) {
		return;
	}
	engine_notice(engine, MLAG_NOTICE_VERDICT, 0, mlag_verdict_text(engine->verdict),
		      mlag_verdict_text(verdict.verdict), verdict.because);
	engine->verdict = verdict.verdict;
	engine->verdict_since_ns = now_ns;
	engine->hello_soon = true;
}

static void set_role(struct mlag_engine *engine, enum mlag_role role, const char *because)
{
	if (role == engine->role) {
		return;
	}
	engine_notice(engine, MLAG_NOTICE_ROLE, 0, mlag_role_text(engine->role),
		      mlag_role_text(role), because);
	engine->role = role;
	engine->hello_soon = true;
	engine->keepalive_due = engine->session == MLAG_SESSION_UP;
}

/* The peer is alive, and its rank is known by its own word. */
static bool hears_rank(const struct mlag_engine *engine)
{
	const struct liveness_path *paths = engine->liveness.paths;

	return engine->peer_rank_known &&
	       (engine->session == MLAG_SESSION_UP ||
		(paths[MLAG_PATH_PEER_LINK].heard && paths[MLAG_PATH_PEER_LINK].trusted) ||
		(paths[MLAG_PATH_BACKUP].heard && paths[MLAG_PATH_BACKUP].trusted));
}

static void refresh_role(struct mlag_engine *engine)
{
	struct verdict_lead lead = {
		.verdict = engine->verdict,
		.role = engine->role,
		.peer_heard = hears_rank(engine),
		.own = {engine->role_epoch, engine->config.priority, engine->member_id},
		.peer = engine->peer_rank,
	};
	bool promoted;
	enum mlag_role role = verdict_role(&lead, &promoted);

	if (promoted) {
		/* A survivor stays primary when the other returns. */
		engine->role_epoch =
			verdict_next_epoch(engine->role_epoch, engine->peer_rank.role_epoch);
	}
	set_role(engine, role, promoted ? "nobody else is there" : "rank of the two members");
}

bool mlag_may_promote(const struct mlag_engine *engine, const char **ret_because)
{
	*ret_because = NULL;
	if (engine->role == MLAG_ROLE_PRIMARY || hears_rank(engine)) {
		return true;
	}
	switch (engine->verdict) {
	case MLAG_VERDICT_ALONE_UNSURE:
		return true;
	case MLAG_VERDICT_STARTING:
		*ret_because = "no peer was heard yet, and startup-wait has not passed";
		break;
	case MLAG_VERDICT_NONE:
	case MLAG_VERDICT_PEERED:
	case MLAG_VERDICT_RESYNC:
	case MLAG_VERDICT_SPLIT:
	case MLAG_VERDICT_ALONE:
		*ret_because = "the peer does not answer, and may lead: both would";
		break;
	}
	return false;
}

void pair_promote(struct mlag_engine *engine)
{
	const char *because;

	if (!mlag_may_promote(engine, &because)) {
		engine->ignored_count++;
		return;
	}
	if (engine->role == MLAG_ROLE_PRIMARY) {
		return;
	}
	engine->role_epoch = verdict_next_epoch(engine->role_epoch, engine->peer_rank.role_epoch);
	set_role(engine, MLAG_ROLE_PRIMARY, "somebody asked for it");
}

/* ---- what is found --------------------------------------------------------------------------- */

static enum mlag_peer_finding find_silent(const struct mlag_engine *engine, enum liveness_life life)
{
	bool together = life == LIVENESS_LIFE_SILENT_TOGETHER;

	if (liveness_link(&engine->liveness) == LIVENESS_LINK_NO_CARRIER) {
		return together ? MLAG_PEER_FINDING_DEAD : MLAG_PEER_FINDING_UNKNOWN;
	}
	if (engine->close_reason == MLAG_CLOSE_TRANSPORT) {
		return MLAG_PEER_FINDING_ENDED;
	}
	return together ? MLAG_PEER_FINDING_HUNG : MLAG_PEER_FINDING_SILENT;
}

static enum mlag_peer_finding find_peer(const struct mlag_engine *engine)
{
	enum liveness_life life = life_of_peer(engine);

	switch (life) {
	case LIVENESS_LIFE_NEVER:
	case LIVENESS_LIVES_COUNT:
		break;
	case LIVENESS_LIFE_LEFT:
		return MLAG_PEER_FINDING_LEFT;
	case LIVENESS_LIFE_FENCED:
		return MLAG_PEER_FINDING_FENCED;
	case LIVENESS_LIFE_SILENT_APART:
	case LIVENESS_LIFE_SILENT_TOGETHER:
		return find_silent(engine, life);
	case LIVENESS_LIFE_FADING:
	case LIVENESS_LIFE_ALIVE:
		if (engine->session == MLAG_SESSION_UP) {
			return MLAG_PEER_FINDING_WELL;
		}
		return engine->session == MLAG_SESSION_REFUSED ? MLAG_PEER_FINDING_REFUSED
							       : MLAG_PEER_FINDING_NO_SESSION;
	}
	return MLAG_PEER_FINDING_NONE;
}

static const char *path_because(enum mlag_path_finding finding)
{
	switch (finding) {
	case MLAG_PATH_FINDING_NONE:
		return "it is not configured";
	case MLAG_PATH_FINDING_GOOD:
		return "hellos are heard both ways";
	case MLAG_PATH_FINDING_NO_CARRIER:
		return "no carrier";
	case MLAG_PATH_FINDING_SILENT:
		return "nothing heard within the dead time";
	case MLAG_PATH_FINDING_DEAF:
		return "nothing heard within the dead time, but the peer hears us";
	case MLAG_PATH_FINDING_UNHEARD:
		return "the peer does not hear us";
	}
	return "?";
}

static const char *peer_because(enum mlag_peer_finding finding)
{
	switch (finding) {
	case MLAG_PEER_FINDING_NONE:
		return "nothing was heard of one since the start";
	case MLAG_PEER_FINDING_WELL:
		return "the session stands";
	case MLAG_PEER_FINDING_NO_SESSION:
		return "its hellos are heard";
	case MLAG_PEER_FINDING_REFUSED:
		return "its hellos are heard, and a session is refused";
	case MLAG_PEER_FINDING_ENDED:
		return "its end closed the session, and no hello came since";
	case MLAG_PEER_FINDING_HUNG:
		return "both paths fell silent at once, and the peer link has carrier";
	case MLAG_PEER_FINDING_SILENT:
		return "nothing is heard, and the peer link has carrier";
	case MLAG_PEER_FINDING_DEAD:
		return "both paths fell silent at once, and the peer link has no carrier";
	case MLAG_PEER_FINDING_UNKNOWN:
		return "all paths are lost, but not at once";
	case MLAG_PEER_FINDING_LEFT:
		return "it said goodbye";
	case MLAG_PEER_FINDING_FENCED:
		return "its guard says so";
	}
	return "?";
}

static void refresh_path(struct mlag_engine *engine, enum mlag_path path, enum mlag_notice notice,
			 enum mlag_path_finding *finding)
{
	enum mlag_path_finding now = liveness_path_finding(&engine->liveness, path);

	if (now != *finding) {
		engine_notice(engine, notice, 0, mlag_path_finding_text(*finding),
			      mlag_path_finding_text(now), path_because(now));
		*finding = now;
	}
}

static void refresh_findings(struct mlag_engine *engine)
{
	enum mlag_peer_finding peer = find_peer(engine);

	refresh_path(engine, MLAG_PATH_PEER_LINK, MLAG_NOTICE_PEER_LINK, &engine->link_finding);
	refresh_path(engine, MLAG_PATH_BACKUP, MLAG_NOTICE_BACKUP, &engine->backup_finding);
	if (peer != engine->peer_finding) {
		engine_notice(engine, MLAG_NOTICE_PEER, 0,
			      mlag_peer_finding_text(engine->peer_finding),
			      mlag_peer_finding_text(peer), peer_because(peer));
		engine->peer_finding = peer;
	}
}

void pair_refresh(struct mlag_engine *engine)
{
	refresh_findings(engine);
	refresh_verdict(engine);
	refresh_role(engine);
}

/* ---- our own hello --------------------------------------------------------------------------- */

static uint64_t hello_due_ns(const struct mlag_engine *engine)
{
	uint64_t soon_ns = engine->hello_sent_ns + engine->config.hello_interval_ns / SOON_PART;

	return engine->hello_soon && soon_ns < engine->hello_ns ? soon_ns : engine->hello_ns;
}

uint64_t pair_deadline_ns(const struct mlag_engine *engine)
{
	uint64_t deadline_ns = liveness_deadline_ns(&engine->liveness);
	uint64_t proof_ns = engine->liveness.proof_ns;
	uint64_t hello_ns = hello_due_ns(engine);

	if (proof_ns > engine->now_ns && proof_ns < deadline_ns) {
		deadline_ns = proof_ns;
	}
	return hello_ns < deadline_ns ? hello_ns : deadline_ns;
}

static void fill_hello(struct mlag_engine *engine, struct hello *hello)
{
	const struct mlag_config *config = &engine->config;

	hello->version = HELLO_VERSION;
	hello->kind = HELLO_KIND_DAEMON;
	hello->domain_id = config->domain_id;
	hello->member_id = engine->member_id;
	hello->boot_id = config->boot_id;
	hello->sequence = ++engine->hello_sequence;
	hello->heard_boot_id = engine->liveness.boot_id;
	hello->hears = liveness_hears(&engine->liveness);
	hello->flags = engine->leaving ? HELLO_LEAVING : 0;
	hello->flags |= engine->afresh ? HELLO_AFRESH : 0;
	hello->role = (uint8_t)engine->role;
	hello->verdict = (uint8_t)engine->verdict;
	hello->role_epoch = engine->role_epoch;
	hello->priority = config->priority;
	hello->interval_ms = (uint16_t)(config->hello_interval_ns / ENGINE_MS);
	hello->restart_hold_ms = (uint32_t)(config->restart_hold_ns / ENGINE_MS);
	if (leg_all_applied(engine)) {
		hello->flags |= HELLO_LEGS_KNOWN;
		hello->legs_count = leg_fill_hello(engine, hello->legs);
	}
}

uint32_t mlag_next_hello(struct mlag_engine *engine, uint64_t now_ns, uint8_t *ret_data)
{
	static const struct mlag_mac nobody;
	struct buf_writer writer;
	struct hello hello;

	engine->now_ns = now_ns > engine->now_ns ? now_ns : engine->now_ns;
	if (engine->now_ns < hello_due_ns(engine)) {
		return 0;
	}
	engine->hello_sent_ns = engine->now_ns;
	engine->hello_ns = engine->now_ns + engine->config.hello_interval_ns;
	engine->hello_soon = false;
	/* Who does not know itself yet has nothing to say, and who has left no more. */
	if (memcmp(&engine->member_id, &nobody, sizeof(nobody)) == 0 ||
	    (engine->leaving && engine->hello_said_goodbye)) {
		return 0;
	}
	memset(&hello, 0, sizeof(hello));
	fill_hello(engine, &hello);
	engine->hello_said_goodbye = engine->leaving;
	buf_writer_init(&writer, ret_data, MLAG_HELLO_SIZE_MAX);
	hello_put(&writer, &hello);
	mlag_assert(!writer.failed);
	return writer.offset;
}
