/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guards of a world: the decisions are those of mlag-guard (daemon/mlagguard/decide.h), and when a
 * fence ends is mlagd's (daemon/common/release.h).  What guard.c does around them is done here with the
 * legs of the world.  A guard runs whatever its daemon does, and hears what arrives at its member.
 */
#include <string.h>

#include "worldkernel.h"

#define LOOK_NS (50 * WORLD_MS)
#define SAY_NS WORLD_SECOND
#define DARK_NS (9 * WORLD_SECOND) /* hello, offer, three hellos, and what a lease still holds */

void worldguard_renew(struct world *world, uint32_t member, const uint8_t *hello, uint32_t size)
{
	struct world_guard *guard = &world->members[member].guard;
	struct mlag_view view;

	if (guard->fence != 0) {
		mlag_get_view(world->members[member].engine, &view);
		if (release_look(&guard->released, guard->fence, &view, world->now_ns)) {
			guard->release = guard->fence;
		}
	}
	guard->renewed_ns = world->now_ns;
	guard->hello_size = size;
	memcpy(guard->hello, hello, size);
}

void worldguard_hear(struct world *world, uint32_t member, const uint8_t *data, uint32_t size)
{
	struct world_guard *guard = &world->members[member].guard;
	static struct hello hello;

	if (hello_get(data, size, &hello) && hello.kind == HELLO_KIND_DAEMON) {
		guard->heard_ns = world->now_ns;
		guard->peer = hello;
	}
}

void worldguard_start(struct world *world, uint32_t member)
{
	memset(&world->members[member].guard.released, 0, sizeof(struct release));
}

static bool is_up_at_peer(const struct hello *peer, uint32_t lag)
{
	for (uint32_t i = 0; i < peer->legs_count; i++) {
		if (peer->legs[i].lag_id == lag + 1) {
			return (peer->legs[i].flags & HELLO_LEG_UP) != 0;
		}
	}
	return false;
}

static void take(struct world *world, uint32_t member, uint32_t lag, bool taken)
{
	struct world_leg *leg = &world->members[member].legs[lag];

	if (leg->taken != taken) {
		world->legs_taken += taken;
		leg->taken = taken;
		world_change_carrier(world, member, lag);
	}
}

static void say_fenced(struct world *world, uint32_t member, bool news)
{
	struct world_guard *guard = &world->members[member].guard;
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	static struct hello hello;
	struct buf_writer writer;

	if (!news && world->now_ns < guard->said_ns + SAY_NS) {
		return;
	}
	mlag_assert(hello_get(guard->hello, guard->hello_size, &hello));
	hello.kind = HELLO_KIND_FENCED;
	hello.sequence = ++guard->said;
	hello.hears = 0;
	hello.flags = HELLO_LEGS_KNOWN;
	for (uint32_t i = 0; i < hello.legs_count; i++) {
		uint32_t lag = hello.legs[i].lag_id - 1U;

		if (world->members[member].legs[lag].taken &&
		    guard->decided[lag] == DECIDE_LEG_DOWN) {
			hello.legs[i].flags = 0;
		} else if (world->members[member].legs[lag].link) {
			hello.legs[i].flags |= HELLO_LEG_UP;
		}
	}
	buf_writer_init(&writer, data, sizeof(data));
	hello_put(&writer, &hello);
	world_say(world, member, data, writer.offset);
	guard->said_ns = world->now_ns;
}

static bool set_legs(struct world *world, uint32_t member, bool expired, bool heard)
{
	struct world_guard *guard = &world->members[member].guard;
	bool known = heard && (guard->peer.flags & HELLO_LEGS_KNOWN) != 0;
	bool news = false;

	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		struct decide_leg_view view = {
			.expired = expired,
			.was_down = world->members[member].legs[lag].taken,
			.known = known,
			.peer_up = known && is_up_at_peer(&guard->peer, lag),
		};
		enum decide_leg decided;

		if (!view.known || view.peer_up) {
			guard->down_since_ns[lag] = 0;
		} else if (guard->down_since_ns[lag] == 0) {
			guard->down_since_ns[lag] = world->now_ns;
		}
		view.peer_down_ns = guard->down_since_ns[lag] == 0
					    ? 0
					    : world->now_ns - guard->down_since_ns[lag];
		decided = decide_leg(guard->state, &view);
		news = news || decided != guard->decided[lag];
		guard->decided[lag] = decided;
		if (decided != DECIDE_LEG_OFFER) {
			take(world, member, lag, decided == DECIDE_LEG_DOWN);
		}
	}
	return news;
}

static void look(struct world *world, uint32_t member)
{
	struct world_guard *guard = &world->members[member].guard;
	struct decide_view view = {
		.known = guard->hello_size > 0,
		.released = guard->fence != 0 && guard->release == guard->fence,
		.hold_ns = world->members[member].config.restart_hold_ns,
		.heard_ns = guard->heard_ns == 0 ? UINT64_MAX : world->now_ns - guard->heard_ns,
		.carrier = world->peer_link,
	};
	enum decide_input input;
	enum decide_state next;
	bool news;

	(void)decide_look(&guard->clock, guard->renewed_ns, world->now_ns);
	view.age_ns = guard->clock.age_ns;
	input = decide_input(&view);
	next = decide_next(guard->state, input);
	news = next != guard->state;
	if (news) {
		guard->fence = next == DECIDE_STATE_FENCED ? ++guard->fences : 0;
		world->fences += next == DECIDE_STATE_FENCED;
	}
	guard->state = next;
	if (next != DECIDE_STATE_FENCED) {
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			take(world, member, lag, false);
		}
		return;
	}
	news = set_legs(world, member, view.age_ns >= view.hold_ns,
			decide_hears(view.heard_ns, view.hold_ns)) ||
	       news;
	if (view.age_ns >= view.hold_ns) {
		say_fenced(world, member, news);
	}
}

/* SAFE-22: what the guard has taken is not the last one, as far as its member can know. */
static void judge(struct world *world, uint32_t member)
{
	const struct world_member *peer = &world->members[1 - member];
	bool audible = peer->running && !peer->stopped && world->hello_loss_percent == 0 &&
		       ((world->peer_link && world->link_passes[1 - member]) ||
			world->backup_passes[1 - member]);

	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		struct world_leg *leg = &world->members[member].legs[lag];

		if (!audible || !leg->taken || !leg->cable || peer->legs[lag].link) {
			leg->taken_dark_ns = 0;
		} else if (leg->taken_dark_ns == 0) {
			leg->taken_dark_ns = world->now_ns;
		} else if (world->now_ns - leg->taken_dark_ns > DARK_NS &&
			   world->complaint == NULL) {
			world->complaint = "SAFE-22: a guard keeps the last leg of a host down";
		}
		if (leg->taken && peer->legs[lag].taken && world->complaint == NULL) {
			world->complaint = "SAFE-22: both legs of a LAG are down by guards";
		}
	}
}

void worldguard_run(struct world *world, uint32_t member)
{
	struct world_guard *guard = &world->members[member].guard;

	judge(world, member);
	if (world->now_ns >= guard->look_ns) {
		look(world, member);
		(void)decide_sleep_ns(&guard->clock, world->members[member].config.restart_hold_ns,
				      true, world->now_ns);
		guard->look_ns = world->now_ns + LOOK_NS;
	}
}
