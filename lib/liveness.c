/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Liveness (see liveness.h).  Called by pair.c; draws no conclusions, which is verdict.c's.
 */
#include "liveness.h"

#include "mlag.h"

static uint8_t path_bit(enum mlag_path path)
{
	return (uint8_t)(1U << path);
}

void liveness_init(struct liveness *liveness, uint64_t own_boot_id)
{
	liveness->own_boot_id = own_boot_id;
	liveness->awaited = true;
}

void liveness_configure(struct liveness *liveness, uint64_t interval_ns, uint32_t dead_multiplier)
{
	liveness->interval_ns = interval_ns;
	liveness->dead_multiplier = dead_multiplier;
}

uint64_t liveness_dead_ns(const struct liveness *liveness)
{
	uint64_t interval_ns = liveness->peer_interval_ns > liveness->interval_ns
				       ? liveness->peer_interval_ns
				       : liveness->interval_ns;

	return interval_ns * liveness->dead_multiplier;
}

/* A hello that is not trusted tells nothing of what its sender hears: that is no reason to part. */
static bool hears_us(const struct liveness *liveness, enum mlag_path path)
{
	return !liveness->paths[path].trusted || (liveness->hears & path_bit(path)) != 0;
}

enum liveness_link liveness_link(const struct liveness *liveness)
{
	const struct liveness_path *link = &liveness->paths[MLAG_PATH_PEER_LINK];

	if (!link->present) {
		return LIVENESS_LINK_NO_CARRIER;
	}
	return link->heard && hears_us(liveness, MLAG_PATH_PEER_LINK) ? LIVENESS_LINK_USABLE
								      : LIVENESS_LINK_MUTE;
}

/* Note when the peer link is lost: what is said before proves nothing about after. */
static void look_at_link(struct liveness *liveness, uint64_t now_ns)
{
	bool usable = liveness_link(liveness) == LIVENESS_LINK_USABLE;

	if (liveness->usable && !usable) {
		liveness->lost_ns = now_ns;
	}
	liveness->usable = usable;
	liveness->awaited = liveness->awaited && !usable;
}

void liveness_await_no_more(struct liveness *liveness)
{
	liveness->awaited = false;
}

bool liveness_is_heard(const struct liveness *liveness)
{
	return liveness->paths[MLAG_PATH_PEER_LINK].heard ||
	       liveness->paths[MLAG_PATH_BACKUP].heard;
}

static void note_life(struct liveness *liveness, uint64_t now_ns)
{
	liveness->ever_heard = true;
	liveness->life_ns = now_ns;
	liveness->left = false;
	liveness->fenced = false;
}

/* Two members find each other by one path first, by whichever. */
static void allow_proof(struct liveness *liveness, uint64_t now_ns)
{
	liveness->proof_ns = now_ns + liveness_dead_ns(liveness);
}

void liveness_set_present(struct liveness *liveness, enum mlag_path path, bool present,
			  uint64_t now_ns)
{
	if (!present) {
		liveness->paths[path].heard = false;
	} else if (path == MLAG_PATH_PEER_LINK && !liveness->paths[path].present) {
		liveness->carrier_ns = now_ns;
		/* Without carrier a guard may have given its legs back: it is to say so again. */
		liveness->fenced = false;
	}
	liveness->paths[path].present = present;
	look_at_link(liveness, now_ns);
}

/* The peer has another life than before: nothing that it had said counts any more. */
static void take_boot(struct liveness *liveness, uint64_t boot_id, uint64_t now_ns)
{
	liveness->boot_id_before = liveness->boot_id;
	liveness->boot_id = boot_id;
	liveness->boot_ns = now_ns;
	liveness->sequence = 0;
	liveness->hears = 0;
}

/*
 * Is this another boot than the one that we know to be the peer's now?  A hello may be late and of a
 * former boot.  For one dead time after a change the boot before is such a one, and while the session
 * stands any other is; but not for longer, or one late hello would shut out the peer for good.
 */
static bool is_of_former_boot(const struct liveness *liveness, uint64_t boot_id, uint64_t now_ns)
{
	uint64_t dead_ns = liveness_dead_ns(liveness);

	if (boot_id == liveness->boot_id) {
		return false;
	}
	if (liveness->session_ns != 0 && now_ns - liveness->session_ns < dead_ns) {
		return true;
	}
	return boot_id == liveness->boot_id_before && now_ns - liveness->boot_ns < dead_ns;
}

void liveness_hear_session(struct liveness *liveness, uint64_t boot_id, uint64_t now_ns)
{
	bool found = !liveness_is_heard(liveness) &&
		     (!liveness->ever_heard || liveness->left ||
		      now_ns - liveness->life_ns >= liveness_dead_ns(liveness));

	liveness->session_ns = now_ns;
	if (boot_id != liveness->boot_id) {
		/* What the boot before heard of us is forgotten, what this one hears it has yet to say. */
		take_boot(liveness, boot_id, now_ns);
		found = true;
	}
	if (found) {
		allow_proof(liveness, now_ns);
	}
	note_life(liveness, now_ns);
}

void liveness_end_session(struct liveness *liveness)
{
	liveness->session_ns = 0;
}

static void leave(struct liveness *liveness)
{
	for (uint32_t path = 0; path < MLAG_PATHS_COUNT; path++) {
		liveness->paths[path].heard = false;
	}
	liveness->left = true;
	liveness->ever_heard = true;
}

void liveness_leave(struct liveness *liveness, uint64_t boot_id, uint64_t now_ns)
{
	if (is_of_former_boot(liveness, boot_id, now_ns)) {
		return; /* there is another already */
	}
	if (boot_id != liveness->boot_id) {
		take_boot(liveness, boot_id, now_ns);
	}
	leave(liveness);
}

/* A hello from nobody that we know of, or that cannot be trusted: life and nothing else. */
static enum liveness_news hear_life(struct liveness *liveness, struct liveness_path *from,
				    uint64_t now_ns)
{
	if (!liveness_is_heard(liveness)) {
		allow_proof(liveness, now_ns);
	}
	from->trusted = false;
	from->heard = true;
	from->ever_heard = true;
	from->heard_ns = now_ns;
	note_life(liveness, now_ns);
	return LIVENESS_NEWS_LIFE;
}

static enum liveness_news hear_word(struct liveness *liveness, struct liveness_path *from,
				    const struct liveness_hello *hello, uint64_t now_ns)
{
	bool found = !liveness_is_heard(liveness);

	if (hello->boot_id != liveness->boot_id) {
		take_boot(liveness, hello->boot_id, now_ns);
		found = true;
	}
	from->trusted = true;
	from->heard = true;
	from->ever_heard = true;
	from->heard_ns = now_ns;
	from->boot_id = hello->boot_id;
	from->sequence = hello->sequence;
	note_life(liveness, now_ns);
	if (found) {
		allow_proof(liveness, now_ns);
	}
	if (hello->sequence < liveness->sequence) {
		return LIVENESS_NEWS_OLDER;
	}
	liveness->sequence = hello->sequence;
	liveness->hears = hello->hears_us;
	liveness->peer_interval_ns = hello->interval_ns;
	return LIVENESS_NEWS_WORD;
}

/*
 * The guard of the peer.  Its daemon is silent, so this is no life.  Nor does it count while that is
 * heard by us, or for a boot that another has followed, or when it was said before.
 */
static enum liveness_news hear_fence(struct liveness *liveness, const struct liveness_hello *hello,
				     uint64_t now_ns)
{
	bool in_session = liveness->session_ns != 0 &&
			  now_ns - liveness->session_ns < liveness_dead_ns(liveness);
	bool again = hello->boot_id == liveness->fence_boot_id &&
		     hello->sequence <= liveness->fence_sequence;

	if (liveness_is_heard(liveness) || in_session || again || liveness->left ||
	    (hello->boot_id == liveness->boot_id_before && hello->boot_id != liveness->boot_id)) {
		return LIVENESS_NEWS_NONE;
	}
	liveness->fence_boot_id = hello->boot_id;
	liveness->fence_sequence = hello->sequence;
	liveness->fenced = true;
	return LIVENESS_NEWS_FENCE;
}

enum liveness_news liveness_hear(struct liveness *liveness, enum mlag_path path,
				 const struct liveness_hello *hello, uint64_t now_ns)
{
	struct liveness_path *from = &liveness->paths[path];
	enum liveness_news news;

	if (hello->boot_id == liveness->own_boot_id || !from->present) {
		return LIVENESS_NEWS_NONE;
	}
	if (!hello->trusted) {
		news = hear_life(liveness, from, now_ns);
	} else if (hello->fenced) {
		return hear_fence(liveness, hello, now_ns);
	} else if (is_of_former_boot(liveness, hello->boot_id, now_ns) ||
		   (hello->boot_id == liveness->boot_id && liveness->left) ||
		   (hello->boot_id == from->boot_id && hello->sequence <= from->sequence)) {
		return LIVENESS_NEWS_NONE; /* late, left, or twice */
	} else if (hello->leaving) {
		if (hello->boot_id != liveness->boot_id) {
			take_boot(liveness, hello->boot_id, now_ns);
		}
		leave(liveness);
		news = LIVENESS_NEWS_LIFE;
	} else {
		news = hear_word(liveness, from, hello, now_ns);
	}
	look_at_link(liveness, now_ns);
	return news;
}

void liveness_tick(struct liveness *liveness, uint64_t read_ns)
{
	uint64_t dead_ns = liveness_dead_ns(liveness);

	for (uint32_t i = 0; i < MLAG_PATHS_COUNT; i++) {
		struct liveness_path *path = &liveness->paths[i];

		if (path->heard && read_ns >= path->heard_ns + dead_ns) {
			path->heard = false;
		}
	}
	look_at_link(liveness, read_ns);
}

void liveness_skip(struct liveness *liveness, uint64_t duration_ns, uint64_t now_ns)
{
	for (uint32_t i = 0; i < MLAG_PATHS_COUNT; i++) {
		liveness->paths[i].heard_ns += duration_ns;
	}
	liveness->life_ns += duration_ns;
	liveness->session_ns += liveness->session_ns != 0 ? duration_ns : 0;
	allow_proof(liveness, now_ns);
}

uint64_t liveness_deadline_ns(const struct liveness *liveness)
{
	uint64_t dead_ns = liveness_dead_ns(liveness);
	uint64_t deadline_ns = UINT64_MAX;

	for (uint32_t i = 0; i < MLAG_PATHS_COUNT; i++) {
		const struct liveness_path *path = &liveness->paths[i];

		if (path->heard && path->heard_ns + dead_ns < deadline_ns) {
			deadline_ns = path->heard_ns + dead_ns;
		}
	}
	return deadline_ns;
}

/* Did the peer say anything after the peer link was lost?  Then it is alive, and parted from us. */
static bool spoke_after_loss(const struct liveness *liveness, bool session_up, uint64_t session_ns)
{
	const struct liveness_path *link = &liveness->paths[MLAG_PATH_PEER_LINK];
	const struct liveness_path *backup = &liveness->paths[MLAG_PATH_BACKUP];
	uint64_t surely_after_ns = liveness->lost_ns + liveness->interval_ns;

	if (link->heard) {
		return true; /* on the link itself: that it does not hear us */
	}
	if (backup->heard && backup->trusted) {
		/* One hello may have been lost on the link by the death itself; two were not. */
		return backup->boot_id != link->boot_id || backup->sequence >= link->sequence + 2 ||
		       (backup->sequence > link->sequence &&
			(liveness->hears & path_bit(MLAG_PATH_PEER_LINK)) == 0) ||
		       (session_up && session_ns >= surely_after_ns);
	}
	return (backup->heard && backup->heard_ns >= surely_after_ns) ||
	       (session_up && session_ns >= surely_after_ns);
}

/* Both fell silent within one dead time: then it was the peer, not the paths (DESIGN §2). */
static bool fell_silent_together(const struct liveness *liveness)
{
	const struct liveness_path *link = &liveness->paths[MLAG_PATH_PEER_LINK];
	const struct liveness_path *backup = &liveness->paths[MLAG_PATH_BACKUP];
	uint64_t apart_ns = link->heard_ns > backup->heard_ns ? link->heard_ns - backup->heard_ns
							      : backup->heard_ns - link->heard_ns;

	return link->ever_heard && backup->ever_heard && backup->present &&
	       apart_ns <= liveness_dead_ns(liveness);
}

enum liveness_life liveness_life(const struct liveness *liveness, bool session_up,
				 uint64_t session_ns, uint64_t now_ns)
{
	enum liveness_link link = liveness_link(liveness);

	if (liveness_is_heard(liveness) || session_up) {
		if (link == LIVENESS_LINK_USABLE) {
			return LIVENESS_LIFE_ALIVE;
		}
		if (link == LIVENESS_LINK_MUTE && now_ns < liveness->proof_ns) {
			return LIVENESS_LIFE_FADING;
		}
		return spoke_after_loss(liveness, session_up, session_ns) ? LIVENESS_LIFE_ALIVE
									  : LIVENESS_LIFE_FADING;
	}
	if (liveness->left) {
		return LIVENESS_LIFE_LEFT;
	}
	if (liveness->fenced) {
		return LIVENESS_LIFE_FENCED;
	}
	if (!liveness->ever_heard) {
		return LIVENESS_LIFE_NEVER;
	}
	return fell_silent_together(liveness) ? LIVENESS_LIFE_SILENT_TOGETHER
					      : LIVENESS_LIFE_SILENT_APART;
}

enum mlag_path_finding liveness_path_finding(const struct liveness *liveness, enum mlag_path path)
{
	const struct liveness_path *at = &liveness->paths[path];

	if (!at->present) {
		return path == MLAG_PATH_PEER_LINK ? MLAG_PATH_FINDING_NO_CARRIER
						   : MLAG_PATH_FINDING_NONE;
	}
	if (at->heard) {
		return hears_us(liveness, path) ? MLAG_PATH_FINDING_GOOD
						: MLAG_PATH_FINDING_UNHEARD;
	}
	if (liveness_is_heard(liveness) && (liveness->hears & path_bit(path)) != 0) {
		return MLAG_PATH_FINDING_DEAF;
	}
	return MLAG_PATH_FINDING_SILENT;
}

uint8_t liveness_hears(const struct liveness *liveness)
{
	uint8_t bits = 0;

	for (uint32_t path = 0; path < MLAG_PATHS_COUNT; path++) {
		if (liveness->paths[path].heard && liveness->paths[path].trusted) {
			bits |= path_bit((enum mlag_path)path);
		}
	}
	return bits;
}
