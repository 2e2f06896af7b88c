/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on where an earlier daemon ended (see resume.h): the pair as a whole, to bytes and back, and
 * into the engine.  Legs, MACs and addresses are resumed by their own files.  Called by engine.c.
 */
#include "resume.h"

#define XXH_INLINE_ALL
#define XXH_NO_STREAM
#include <string.h>
#include <xxhash.h>

#include "engine.h"

#define RESUME_MAGIC UINT32_C(0x6d6c7232) /* "mlr2": another layout gets another number */
#define RESUME_DIGEST_SIZE 8

enum resume_flag {
	RESUME_SESSION_UP = 0x01,
	RESUME_PEER_KNOWN = 0x02,
	RESUME_PEER_LEFT = 0x04,
	RESUME_PEER_LEGS_KNOWN = 0x08,
	RESUME_LIFT_ALLOWED = 0x10,
	RESUME_ADDRESSES_KNOWN = 0x20,
	RESUME_PEER_RANK_KNOWN = 0x40,
	RESUME_FLAGS_ALL = 0x7f,
};

enum life_flag {
	LIFE_EVER_HEARD = 0x01,
	LIFE_USABLE = 0x02,
	LIFE_LEFT = 0x04,
	LIFE_FENCED = 0x08,
	LIFE_AWAITED = 0x10,
	LIFE_FLAGS_ALL = 0x1f,
};

enum path_flag {
	PATH_PRESENT = 0x01,
	PATH_HEARD = 0x02,
	PATH_EVER_HEARD = 0x04,
	PATH_TRUSTED = 0x08,
	PATH_FLAGS_ALL = 0x0f,
};

static uint8_t flags_of(const struct mlag_resume *resume)
{
	uint32_t flags = 0;

	flags |= resume->session_up ? RESUME_SESSION_UP : 0;
	flags |= resume->peer_known ? RESUME_PEER_KNOWN : 0;
	flags |= resume->peer_left ? RESUME_PEER_LEFT : 0;
	flags |= resume->peer_legs_known ? RESUME_PEER_LEGS_KNOWN : 0;
	flags |= resume->lift_allowed ? RESUME_LIFT_ALLOWED : 0;
	flags |= resume->addresses_known ? RESUME_ADDRESSES_KNOWN : 0;
	flags |= resume->peer_rank_known ? RESUME_PEER_RANK_KNOWN : 0;
	return (uint8_t)flags;
}

static void set_flags(struct mlag_resume *resume, uint8_t flags)
{
	resume->session_up = (flags & RESUME_SESSION_UP) != 0;
	resume->peer_known = (flags & RESUME_PEER_KNOWN) != 0;
	resume->peer_left = (flags & RESUME_PEER_LEFT) != 0;
	resume->peer_legs_known = (flags & RESUME_PEER_LEGS_KNOWN) != 0;
	resume->lift_allowed = (flags & RESUME_LIFT_ALLOWED) != 0;
	resume->addresses_known = (flags & RESUME_ADDRESSES_KNOWN) != 0;
	resume->peer_rank_known = (flags & RESUME_PEER_RANK_KNOWN) != 0;
}

static void put_path(struct buf_writer *writer, const struct liveness_path *path)
{
	buf_put_u8(writer,
		   (uint8_t)((path->present ? PATH_PRESENT : 0) | (path->heard ? PATH_HEARD : 0) |
			     (path->ever_heard ? PATH_EVER_HEARD : 0) |
			     (path->trusted ? PATH_TRUSTED : 0)));
	buf_put_u64(writer, path->heard_ns);
	buf_put_u64(writer, path->boot_id);
	buf_put_u32(writer, path->sequence);
}

static bool get_path(struct buf_reader *reader, uint64_t written_ns, struct liveness_path *path)
{
	uint8_t flags = buf_get_u8(reader);

	path->present = (flags & PATH_PRESENT) != 0;
	path->heard = (flags & PATH_HEARD) != 0;
	path->ever_heard = (flags & PATH_EVER_HEARD) != 0;
	path->trusted = (flags & PATH_TRUSTED) != 0;
	path->heard_ns = buf_get_u64(reader);
	path->boot_id = buf_get_u64(reader);
	path->sequence = buf_get_u32(reader);
	return (flags & ~PATH_FLAGS_ALL) == 0 && path->heard_ns <= written_ns;
}

static void put_liveness(struct buf_writer *writer, const struct liveness *liveness)
{
	buf_put_u8(writer, (uint8_t)((liveness->ever_heard ? LIFE_EVER_HEARD : 0) |
				     (liveness->usable ? LIFE_USABLE : 0) |
				     (liveness->left ? LIFE_LEFT : 0) |
				     (liveness->fenced ? LIFE_FENCED : 0) |
				     (liveness->awaited ? LIFE_AWAITED : 0)));
	buf_put_u64(writer, liveness->boot_id);
	buf_put_u64(writer, liveness->boot_id_before);
	buf_put_u32(writer, liveness->sequence);
	buf_put_u8(writer, liveness->hears);
	buf_put_u64(writer, liveness->peer_interval_ns);
	buf_put_u64(writer, liveness->life_ns);
	buf_put_u64(writer, liveness->carrier_ns);
	buf_put_u64(writer, liveness->lost_ns);
	for (uint32_t i = 0; i < MLAG_PATHS_COUNT; i++) {
		put_path(writer, &liveness->paths[i]);
	}
}

static bool get_liveness(struct buf_reader *reader, uint64_t written_ns, struct liveness *liveness)
{
	uint8_t flags = buf_get_u8(reader);
	bool ok = (flags & ~LIFE_FLAGS_ALL) == 0;

	liveness->ever_heard = (flags & LIFE_EVER_HEARD) != 0;
	liveness->usable = (flags & LIFE_USABLE) != 0;
	liveness->left = (flags & LIFE_LEFT) != 0;
	liveness->fenced = (flags & LIFE_FENCED) != 0;
	liveness->awaited = (flags & LIFE_AWAITED) != 0;
	liveness->boot_id = buf_get_u64(reader);
	liveness->boot_id_before = buf_get_u64(reader);
	liveness->sequence = buf_get_u32(reader);
	liveness->hears = buf_get_u8(reader);
	liveness->peer_interval_ns = buf_get_u64(reader);
	liveness->life_ns = buf_get_u64(reader);
	liveness->carrier_ns = buf_get_u64(reader);
	liveness->lost_ns = buf_get_u64(reader);
	for (uint32_t i = 0; i < MLAG_PATHS_COUNT; i++) {
		ok = get_path(reader, written_ns, &liveness->paths[i]) && ok;
	}
	return ok && liveness->life_ns <= written_ns && liveness->carrier_ns <= written_ns &&
	       liveness->lost_ns <= written_ns &&
	       liveness->peer_interval_ns <= UINT16_MAX * ENGINE_MS;
}

uint32_t mlag_resume_write(const struct mlag_resume *resume, uint8_t *ret_data)
{
	struct buf_writer writer;

	buf_writer_init(&writer, ret_data, MLAG_RESUME_SIZE_MAX);
	buf_put_u32(&writer, RESUME_MAGIC);
	buf_put_mac(&writer, &resume->system_mac);
	buf_put_u16(&writer, resume->domain_id);
	buf_put_u32(&writer, resume->bridge_ifindex);
	buf_put_u64(&writer, resume->written_ns);
	buf_put_u64(&writer, resume->birth_ns);
	buf_put_u64(&writer, resume->verdict_since_ns);
	buf_put_u8(&writer, (uint8_t)resume->role);
	buf_put_u32(&writer, resume->role_epoch);
	buf_put_u8(&writer, (uint8_t)resume->verdict);
	buf_put_u8(&writer, flags_of(resume));
	buf_put_mac(&writer, &resume->peer_member_id);
	buf_put_u64(&writer, resume->peer_boot_id);
	buf_put_u32(&writer, resume->peer_role_epoch);
	buf_put_u16(&writer, resume->peer_priority);
	buf_put_u16(&writer, resume->peer_protocol);
	buf_put_u64(&writer, resume->peer_rank_boot_id);
	buf_put_u64(&writer, resume->peer_hold_ns);
	buf_put_u64(&writer, resume->rejoin_wait_ns);
	buf_put_text(&writer, resume->peer_version);
	put_liveness(&writer, &resume->liveness);
	buf_put_u64(&writer, XXH3_64bits(ret_data, writer.offset));
	mlag_assert(!writer.failed);
	return writer.offset;
}

static bool is_undamaged(const uint8_t *data, uint32_t size)
{
	struct buf_reader reader;

	if (size < RESUME_DIGEST_SIZE || size > MLAG_RESUME_SIZE_MAX) {
		return false;
	}
	buf_reader_init(&reader, data + size - RESUME_DIGEST_SIZE, RESUME_DIGEST_SIZE);
	return buf_get_u64(&reader) == XXH3_64bits(data, size - RESUME_DIGEST_SIZE);
}

bool mlag_resume_read(const uint8_t *data, uint32_t size, struct mlag_resume *ret_resume)
{
	struct mlag_resume resume;
	struct buf_reader reader;
	uint8_t role, verdict, flags;
	bool ok;

	if (!is_undamaged(data, size)) {
		return false;
	}
	memset(&resume, 0, sizeof(resume));
	buf_reader_init(&reader, data, size - RESUME_DIGEST_SIZE);
	if (buf_get_u32(&reader) != RESUME_MAGIC) {
		return false;
	}
	resume.system_mac = buf_get_mac(&reader);
	resume.domain_id = buf_get_u16(&reader);
	resume.bridge_ifindex = buf_get_u32(&reader);
	resume.written_ns = buf_get_u64(&reader);
	resume.birth_ns = buf_get_u64(&reader);
	resume.verdict_since_ns = buf_get_u64(&reader);
	role = buf_get_u8(&reader);
	resume.role_epoch = buf_get_u32(&reader);
	verdict = buf_get_u8(&reader);
	flags = buf_get_u8(&reader);
	resume.peer_member_id = buf_get_mac(&reader);
	resume.peer_boot_id = buf_get_u64(&reader);
	resume.peer_role_epoch = buf_get_u32(&reader);
	resume.peer_priority = buf_get_u16(&reader);
	resume.peer_protocol = buf_get_u16(&reader);
	resume.peer_rank_boot_id = buf_get_u64(&reader);
	resume.peer_hold_ns = buf_get_u64(&reader);
	resume.rejoin_wait_ns = buf_get_u64(&reader);
	buf_get_text(&reader, resume.peer_version, sizeof(resume.peer_version));
	ok = get_liveness(&reader, resume.written_ns, &resume.liveness);
	if (!ok || reader.failed || buf_left(&reader) != 0 || role > MLAG_ROLE_SECONDARY ||
	    verdict == MLAG_VERDICT_NONE || verdict > MLAG_VERDICT_ALONE_UNSURE ||
	    (flags & ~RESUME_FLAGS_ALL) != 0 || resume.birth_ns > resume.written_ns ||
	    resume.verdict_since_ns > resume.written_ns ||
	    resume.peer_hold_ns > UINT32_MAX * ENGINE_MS) {
		return false;
	}
	resume.role = (enum mlag_role)role;
	resume.verdict = (enum mlag_verdict)verdict;
	set_flags(&resume, flags);
	*ret_resume = resume;
	return true;
}

const char *mlag_resume_refuse(const struct mlag_resume *resume, const struct mlag_config *config,
			       uint32_t bridge_ifindex, uint64_t now_ns)
{
	if (resume->domain_id != config->domain_id ||
	    memcmp(&resume->system_mac, &config->system_mac, sizeof(config->system_mac)) != 0) {
		return "it is of another domain";
	}
	if (bridge_ifindex == 0 || resume->bridge_ifindex != bridge_ifindex) {
		return "it is of another bridge";
	}
	if (resume->written_ns > now_ns) {
		return "it is from the future";
	}
	return NULL;
}

void mlag_get_resume(const struct mlag_engine *engine, struct mlag_resume *ret_resume)
{
	memset(ret_resume, 0, sizeof(*ret_resume));
	ret_resume->system_mac = engine->config.system_mac;
	ret_resume->domain_id = engine->config.domain_id;
	ret_resume->bridge_ifindex = engine->peer_link.bridge_ifindex;
	ret_resume->birth_ns = engine->birth_ns;
	ret_resume->verdict_since_ns = engine->verdict_since_ns;
	ret_resume->role = engine->role;
	ret_resume->role_epoch = engine->role_epoch;
	ret_resume->verdict = engine->verdict;
	ret_resume->session_up = engine->session == MLAG_SESSION_UP;
	ret_resume->peer_known = engine->peer_known;
	ret_resume->peer_left = engine->peer_left;
	ret_resume->peer_legs_known = engine->peer_legs_known;
	ret_resume->lift_allowed = engine->lift_allowed;
	ret_resume->addresses_known = engine->addresses_known;
	ret_resume->liveness = engine->liveness;
	ret_resume->liveness.interval_ns = 0;
	ret_resume->liveness.dead_multiplier = 0;
	ret_resume->liveness.own_boot_id = 0;
	ret_resume->liveness.proof_ns = 0;
	ret_resume->peer_hold_ns = engine->peer_hold_ns;
	ret_resume->rejoin_wait_ns = engine->hold.rejoin_wait_ns;
	ret_resume->peer_rank_known = engine->peer_rank_known;
	ret_resume->peer_rank_boot_id = engine->peer_rank_boot_id;
	ret_resume->peer_member_id = engine->peer_rank.member_id;
	ret_resume->peer_role_epoch = engine->peer_rank.role_epoch;
	ret_resume->peer_priority = engine->peer_rank.priority;
	if (engine->peer_known) {
		ret_resume->peer_boot_id = engine->peer.boot_id;
		ret_resume->peer_protocol = engine->peer.version;
		memcpy(ret_resume->peer_version, engine->peer.software,
		       sizeof(ret_resume->peer_version));
	}
}

/* Without what changes with every hello, and is as good a second later. */
static struct mlag_resume without_moments(const struct mlag_resume *resume)
{
	struct mlag_resume copy;

	memcpy(&copy, resume, sizeof(copy));
	copy.written_ns = 0;
	copy.liveness.life_ns = 0;
	copy.liveness.sequence = 0;
	for (uint32_t i = 0; i < MLAG_PATHS_COUNT; i++) {
		copy.liveness.paths[i].heard_ns = 0;
		copy.liveness.paths[i].sequence = 0;
	}
	return copy;
}

bool mlag_resume_differs(const struct mlag_resume *a, const struct mlag_resume *b)
{
	struct mlag_resume still_a = without_moments(a);
	struct mlag_resume still_b = without_moments(b);

	return memcmp(&still_a, &still_b, sizeof(still_a)) != 0;
}

static void resume_peer(struct mlag_engine *engine, const struct mlag_resume *resume)
{
	engine->peer_known = resume->peer_known;
	engine->peer_left = resume->peer_left;
	engine->peer_legs_known = resume->peer_legs_known;
	engine->lift_allowed = resume->lift_allowed;
	engine->addresses_known = resume->addresses_known;
	engine->peer.member_id = resume->peer_member_id;
	engine->peer.boot_id = resume->peer_boot_id;
	engine->peer.role_epoch = resume->peer_role_epoch;
	engine->peer.priority = resume->peer_priority;
	engine->peer.version = resume->peer_protocol;
	memcpy(engine->peer.software, resume->peer_version, sizeof(engine->peer.software));
	engine->peer_hold_ns = resume->peer_hold_ns;
	engine->peer_rank_known = resume->peer_rank_known;
	engine->peer_rank_boot_id = resume->peer_rank_boot_id;
	engine->peer_rank.member_id = resume->peer_member_id;
	engine->peer_rank.role_epoch = resume->peer_role_epoch;
	engine->peer_rank.priority = resume->peer_priority;
}

/* It is as if we had been stopped for that long: silence does not count while nobody listened. */
static void resume_liveness(struct mlag_engine *engine, const struct liveness *found,
			    uint64_t gap_ns, bool is_valid)
{
	struct liveness *liveness = &engine->liveness;
	struct liveness own = *liveness;

	*liveness = *found;
	liveness->interval_ns = own.interval_ns;
	liveness->dead_multiplier = own.dead_multiplier;
	liveness->own_boot_id = own.own_boot_id;
	liveness->carrier_ns += gap_ns;
	liveness->lost_ns += gap_ns;
	liveness_skip(liveness, gap_ns, engine->now_ns);
	for (uint32_t i = 0; !is_valid && i < MLAG_PATHS_COUNT; i++) {
		liveness->paths[i].heard = false;
		liveness->paths[i].trusted = false;
	}
	if (!is_valid) {
		liveness->life_ns = engine->now_ns;
	}
	liveness_set_present(liveness, MLAG_PATH_BACKUP, engine->config.backup, engine->now_ns);
}

void resume_begin(struct mlag_engine *engine, const struct mlag_resume *resume)
{
	uint64_t gap_ns = engine->now_ns - resume->written_ns;
	bool is_valid = gap_ns <= engine->config.restart_hold_ns; /* the lease */

	if (engine->resuming || engine->legs.rows_used != 0 ||
	    resume->written_ns > engine->now_ns) {
		engine->ignored_count++;
		return;
	}
	engine->resuming = true;
	engine->afresh = false;
	engine->isolation_frozen = true;
	engine->role_epoch = resume->role_epoch;
	resume_peer(engine, resume);
	resume_liveness(engine, &resume->liveness, gap_ns, is_valid);
	hold_resume(engine, resume->verdict, resume->rejoin_wait_ns);
	/*
	 * The data plane went on unchanged, however long nobody looked after it.  What was concluded
	 * of the pair counts only for as long as the peer waits for us.
	 */
	engine->was_away = !is_valid;
	if (!is_valid) {
		return;
	}
	engine->role = resume->role;
	if (resume->role != MLAG_ROLE_NONE && resume->peer_rank_known) {
		/* As it was when they last heard each other; the next hello says. */
		engine->peer_role = resume->role == MLAG_ROLE_PRIMARY ? MLAG_ROLE_SECONDARY
								      : MLAG_ROLE_PRIMARY;
	}
	engine->verdict = resume->verdict;
	engine->verdict_since_ns = resume->verdict_since_ns;
	engine->birth_ns = resume->birth_ns + gap_ns;
}

void resume_end(struct mlag_engine *engine)
{
	if (!engine->resuming) {
		engine->ignored_count++;
		return;
	}
	engine->resuming = false;
	engine->hold.start_ns = engine->now_ns; /* until here nobody was listened to */
	engine_notice(
		engine, MLAG_NOTICE_RESUMED, 0, "", mlag_verdict_text(engine->verdict),
		engine->verdict == MLAG_VERDICT_STARTING
			? "the data plane goes on as it was found; what was concluded is too old"
			: "the data plane goes on as it was found");
	mac_resumed(engine);
	address_resumed(engine);
}
