/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard at work (see guard.h).  One look is: how old is the lease, is the peer's daemon heard, what
 * follows (decide.c), and then each leg as it should be, again at every look: what somebody else sets up
 * meanwhile goes down again.  Called by main.c.
 */
#include "guard.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define GUARD_LINKS_NS UINT64_C(1000000000) /* between two looks at all links */
#define GUARD_SAY_NS UINT64_C(1000000000)
#define GUARD_LATE_NS UINT64_C(50000000) /* wakes are not exact */

static uint64_t clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- what is known ------------------------------------------------------------------------- */

/* A daemon of our pair that is not ours; whether its legs are known is another question. */
static void on_heard(void *user, const uint8_t *data, uint32_t size)
{
	static struct hello hello;
	struct guard *guard = user;

	if (!hello_get(data, size, &hello) || hello.kind != HELLO_KIND_DAEMON ||
	    hello.domain_id != guard->own.domain_id || hello.boot_id == guard->own.boot_id ||
	    memcmp(&hello.member_id, &guard->own.member_id, sizeof(hello.member_id)) == 0 ||
	    (hello.flags & HELLO_LEAVING) != 0) {
		return;
	}
	guard->heard_ns = clock_ns();
	guard->peer = hello;
}

static void read_terms(struct guard *guard)
{
	guard->known = lease_read(guard->page, &guard->terms) &&
		       hello_get(guard->terms.hello, guard->terms.hello_size, &guard->own);
}

static bool has_carrier(const struct guard *guard, const char *ifname)
{
	const struct legdown_device *device = legdown_find(&guard->legdown, ifname);

	return device != NULL && device->carrier;
}

/* All links at once, which costs something: only when it may matter, once a second or @now. */
static void look_at_links(struct guard *guard, uint64_t now_ns, bool now)
{
	int r;

	if (!now && guard->links_ns != 0 &&
	    now_ns + GUARD_LATE_NS < guard->links_ns + GUARD_LINKS_NS) {
		return;
	}
	guard->links_ns = now_ns;
	r = legdown_look(&guard->legdown);
	if (r < 0) {
		log_warning("the links cannot be read: %s", strerror(-r));
	}
}

/* ---- legs ------------------------------------------------------------------------------------ */

static int do_set_up(void *user, uint32_t ifindex, bool up)
{
	struct guard *guard = user;

	guard->error = legdown_set_up(&guard->legdown, ifindex, up);
	return guard->error;
}

/* Partners are told nothing first (docs/decisions/0023). */
static int no_get_priority(void *user, uint32_t ifindex, uint16_t *ret_priority)
{
	(void)user;
	(void)ifindex;
	(void)ret_priority;
	return -EOPNOTSUPP;
}

static int no_set_priority(void *user, uint32_t ifindex, uint16_t priority)
{
	(void)user;
	(void)ifindex;
	(void)priority;
	return -EOPNOTSUPP;
}

static const char *get_error_text(void *user)
{
	const struct guard *guard = user;

	return strerror(-guard->error);
}

static uint32_t lag_of(const struct guard *guard, uint32_t leg_ifindex)
{
	for (uint32_t i = 0; i < guard->terms.legs_count; i++) {
		const struct legdown_device *leg =
			legdown_find(&guard->legdown, guard->terms.legs[i].ifname);

		if (leg != NULL && leg->ifindex == leg_ifindex) {
			return guard->terms.legs[i].lag_id;
		}
	}
	return 0;
}

/*
 * Into the page, which whoever comes after us reads: a row before the number that counts it.  Rows that
 * are there already do not change, but that the last takes the place of one that is gone.
 */
static int do_save(void *user, const struct holder_record *records, uint32_t count)
{
	struct guard *guard = user;
	struct lease_page *page = guard->page;
	uint32_t before = atomic_load(&page->downs_count);

	for (uint32_t i = 0; i < count; i++) {
		struct lease_down down = {records[i].leg_ifindex, records[i].ifindex, 0};

		if (i < before && page->downs[i].ifindex == down.ifindex &&
		    page->downs[i].leg_ifindex == down.leg_ifindex) {
			continue;
		}
		down.lag_id = lag_of(guard, down.leg_ifindex);
		page->downs[i] = down;
	}
	atomic_store(&page->downs_count, count);
	return 0;
}

static const struct holder_ops holder_ops = {do_set_up, no_get_priority, no_set_priority,
					     get_error_text, do_save};

/* Nothing is held but what an earlier guard has taken down. */
static int open_holder(struct guard *guard)
{
	uint32_t count = atomic_load(&guard->page->downs_count);
	int r = 0;

	holder_close(guard->holder);
	guard->holder = NULL;
	r = holder_open(&guard->holder, LEASE_DOWNS_MAX, &holder_ops, guard);
	for (uint32_t i = 0; r == 0 && i < count && i < LEASE_DOWNS_MAX; i++) {
		const struct lease_down *down = &guard->page->downs[i];

		(void)holder_found(guard->holder,
				   &(struct holder_record){down->leg_ifindex, down->ifindex, 0});
	}
	if (r == 0) {
		holder_drop(guard->holder, 0, ""); /* what was there twice is counted once */
	}
	return r;
}

static bool is_down(const struct guard *guard, uint16_t lag_id)
{
	uint32_t count = atomic_load(&guard->page->downs_count);

	for (uint32_t i = 0; i < count; i++) {
		if (guard->page->downs[i].lag_id == lag_id) {
			return true;
		}
	}
	return false;
}

/* Does the peer say which of its legs are up, and is this one? */
static bool knows_peer_legs(const struct guard *guard)
{
	return guard->peer.version == HELLO_VERSION && (guard->peer.flags & HELLO_LEGS_KNOWN) != 0;
}

static bool is_up_at_peer(const struct guard *guard, uint16_t lag_id)
{
	const struct hello *peer = &guard->peer;

	for (uint32_t i = 0; i < peer->legs_count; i++) {
		if (peer->legs[i].lag_id == lag_id) {
			return (peer->legs[i].flags & HELLO_LEG_UP) != 0;
		}
	}
	return false;
}

static uint64_t silence_ns(const struct guard *guard, uint64_t now_ns)
{
	if (guard->heard_ns == 0) {
		/* It does not count as heard, and nobody is gone who had no time to be heard. */
		return DECIDE_HEARD_NS + 1 + (now_ns - guard->listen_ns);
	}
	return guard->heard_ns > now_ns ? 0 : now_ns - guard->heard_ns;
}

static void decide_one(struct guard *guard, uint32_t index, bool expired, uint64_t now_ns)
{
	struct guard_leg *leg = &guard->legs[index];
	struct decide_leg_view view = {
		.expired = expired,
		.was_down = is_down(guard, guard->terms.legs[index].lag_id),
		.known = decide_hears(silence_ns(guard, now_ns), guard->terms.hold_ns) &&
			 knows_peer_legs(guard),
	};
	enum decide_leg decided;

	if (leg->lag_id != guard->terms.legs[index].lag_id) {
		*leg = (struct guard_leg){.lag_id = guard->terms.legs[index].lag_id};
	}
	view.peer_up = view.known && is_up_at_peer(guard, leg->lag_id);
	if (!view.known || view.peer_up) {
		leg->down_since_ns = 0;
	} else if (leg->down_since_ns == 0) {
		leg->down_since_ns = now_ns;
	}
	view.peer_down_ns = leg->down_since_ns == 0 ? 0 : now_ns - leg->down_since_ns;
	decided = decide_leg(guard->state, &view);
	guard->news = guard->news || decided != leg->decided;
	leg->decided = decided;
}

static void apply(struct guard *guard, const struct lease_leg *leg, bool hold, uint64_t now_ns)
{
	struct holder_leg view;
	bool was_held;

	legdown_fill(&guard->legdown, leg->ifname, &view);
	if (view.ifindex == 0) {
		return;
	}
	was_held = holder_is_held(guard->holder, view.ifindex);
	if (!hold && !was_held) {
		return;
	}
	view.hold = hold;
	/* What refuses is tried again with the next look. */
	(void)holder_apply(guard->holder, &view, now_ns);
	if (was_held != holder_is_held(guard->holder, view.ifindex)) {
		log_notice("leg %s (LAG %u): %s", leg->ifname, leg->lag_id,
			   hold ? "taken down: the peer's leg is up" : "up again");
		guard->news = true;
	}
}

/* Everything up again that was; what is no leg any more belongs to whoever made it something else. */
static void give_legs(struct guard *guard, uint64_t now_ns)
{
	uint32_t cursor = 0, ifindex;

	for (uint32_t i = 0; i < guard->terms.legs_count; i++) {
		apply(guard, &guard->terms.legs[i], false, now_ns);
	}
	while ((ifindex = holder_next_leg(guard->holder, &cursor)) != 0) {
		if (lag_of(guard, ifindex) == 0) {
			holder_drop(guard->holder, ifindex, "(gone)");
			cursor = 0;
		}
	}
}

static void set_legs(struct guard *guard, bool expired, uint64_t now_ns)
{
	for (uint32_t i = 0; i < guard->terms.legs_count; i++) {
		decide_one(guard, i, expired, now_ns);
	}
	if (guard->news) {
		look_at_links(guard, now_ns, true);
	}
	for (uint32_t i = 0; i < guard->terms.legs_count; i++) {
		const struct lease_leg *leg = &guard->terms.legs[i];

		switch (guard->legs[i].decided) {
		case DECIDE_LEG_DOWN:
			apply(guard, leg, true, now_ns);
			break;
		case DECIDE_LEG_LEAVE:
			apply(guard, leg, false, now_ns);
			break;
		case DECIDE_LEG_OFFER:
			break;
		}
	}
}

/* ---- the hello that says so -------------------------------------------------------------------- */

/* The daemon's last words, but for what is down now, and for what came up since: a host may send by it. */
static void say_fenced(struct guard *guard, uint64_t now_ns)
{
	static struct hello hello;
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct buf_writer writer;

	if (!guard->news && now_ns + GUARD_LATE_NS < guard->said_ns + GUARD_SAY_NS) {
		return;
	}
	hello = guard->own;
	hello.kind = HELLO_KIND_FENCED;
	hello.authentication = HELLO_AUTHENTICATION_NONE;
	hello.sequence = atomic_fetch_add(&guard->page->said, 1) + 1;
	hello.hears = 0;
	hello.flags = HELLO_LEGS_KNOWN;
	hello.legs_count = 0;
	for (uint32_t i = 0; i < guard->terms.legs_count; i++) {
		struct hello_leg *leg = &hello.legs[hello.legs_count++];

		*leg = (struct hello_leg){.lag_id = guard->terms.legs[i].lag_id};
		for (uint32_t j = 0; j < guard->own.legs_count; j++) {
			if (guard->own.legs[j].lag_id == leg->lag_id) {
				*leg = guard->own.legs[j];
				break;
			}
		}
		if (is_down(guard, leg->lag_id) && guard->legs[i].decided == DECIDE_LEG_DOWN) {
			leg->flags = 0;
		} else if (has_carrier(guard, guard->terms.legs[i].ifname)) {
			leg->flags |= HELLO_LEG_UP;
		}
	}
	buf_writer_init(&writer, data, sizeof(data));
	hello_put(&writer, &hello);
	if (!writer.failed) {
		paths_say(&guard->paths, &guard->terms, data, writer.offset);
	}
	guard->said_ns = now_ns;
	guard->news = false;
}

/* ---- one look ------------------------------------------------------------------------------- */

static void drop_legs(struct guard *guard)
{
	uint32_t cursor = 0, ifindex;

	while ((ifindex = holder_next_leg(guard->holder, &cursor)) != 0) {
		holder_drop(guard->holder, ifindex, "");
		cursor = 0;
	}
}

static void enter(struct guard *guard, enum decide_state state, enum decide_input input)
{
	log_notice("%s -> %s: %s", decide_state_text(guard->state), decide_state_text(state),
		   decide_input_text(input));
	guard->news = true;
	switch (state) {
	case DECIDE_STATE_FENCED:
		atomic_store(&guard->page->fence, atomic_fetch_add(&guard->page->fences, 1) + 1);
		break;
	case DECIDE_STATE_IDLE:
		if (guard->state == DECIDE_STATE_FENCED) {
			drop_legs(guard); /* who leaves, leaves them down */
		}
		atomic_store(&guard->page->fence, 0);
		break;
	case DECIDE_STATE_WATCHING:
	case DECIDE_STATE_FROZEN:
		atomic_store(&guard->page->fence, 0);
		break;
	case DECIDE_STATES_COUNT:
		break;
	}
	guard->state = state;
}

static enum decide_input look_at_all(struct guard *guard, uint64_t now_ns)
{
	uint64_t fence = atomic_load(&guard->page->fence);
	struct decide_view view = {
		.known = guard->known,
		.left = guard->terms.left,
		.released = fence != 0 && guard->terms.release == fence,
		.age_ns = guard->clock.age_ns,
		.hold_ns = guard->terms.hold_ns,
		.heard_ns = silence_ns(guard, now_ns),
	};

	if (view.known && !view.left && view.age_ns >= view.hold_ns) {
		look_at_links(guard, now_ns, false);
		view.carrier = has_carrier(guard, guard->terms.link);
	}
	return decide_input(&view);
}

static void act(struct guard *guard, enum decide_input input, uint64_t now_ns)
{
	bool expired = input == DECIDE_INPUT_HEARD || input == DECIDE_INPUT_SILENT ||
		       input == DECIDE_INPUT_GONE;

	if (guard->state == DECIDE_STATE_FENCED) {
		look_at_links(guard, now_ns, false);
		/* Also while the daemon is back, and not in sync: no host may be left without a leg. */
		set_legs(guard, expired, now_ns);
		if (expired) {
			say_fenced(guard, now_ns);
		}
	} else if (atomic_load(&guard->page->downs_count) > 0) {
		look_at_links(guard, now_ns, true);
		give_legs(guard, now_ns);
	}
}

/* The file was removed: whoever has it anew knows nothing of what we took down. */
static void follow_page(struct guard *guard)
{
	struct lease_page *page;
	int fd;

	if (!lease_is_gone(guard->page_fd) || lease_open(guard->run_dir, &page, &fd) < 0) {
		return;
	}
	log_notice("the lease was removed: beginning anew");
	look_at_links(guard, clock_ns(), true);
	give_legs(guard, clock_ns());
	lease_close(guard->page, guard->page_fd);
	guard->page = page;
	guard->page_fd = fd;
	drop_legs(guard);
	memset(&guard->clock, 0, sizeof(guard->clock));
	guard->state = DECIDE_STATE_IDLE;
}

uint64_t guard_look(struct guard *guard)
{
	uint64_t now_ns = clock_ns();
	enum decide_input input;
	enum decide_state next;
	bool listened = guard->listens;
	bool absent;

	follow_page(guard);
	absent = decide_look(&guard->clock, atomic_load(&guard->page->renewed_ns), now_ns);
	atomic_store(&guard->page->beat_ns, now_ns);
	read_terms(guard);
	guard->listens = guard->known &&
			 decide_listens(guard->state, guard->clock.age_ns, guard->terms.hold_ns);
	if (guard->known) {
		paths_follow(&guard->paths, &guard->terms, guard->listens);
		/* What came before we listened, or while we did not run, says nothing of now. */
		if (absent || !listened) {
			guard->heard_ns = 0;
			guard->listen_ns = now_ns;
			paths_read(&guard->paths, &guard->terms, NULL, NULL);
		}
		paths_read(&guard->paths, &guard->terms, on_heard, guard);
	}
	input = look_at_all(guard, now_ns);
	next = decide_next(guard->state, input);
	if (next != guard->state) {
		enter(guard, next, input);
	}
	act(guard, input, now_ns);
	return decide_sleep_ns(&guard->clock,
			       guard->known ? guard->terms.hold_ns : UINT64_C(60000000000),
			       guard->listens, clock_ns());
}

int guard_open(struct guard *guard, const char *run_dir)
{
	int r;

	guard->run_dir = run_dir;
	guard->page_fd = -1;
	guard->legdown.fd = -1;
	paths_init(&guard->paths);
	r = legdown_open(&guard->legdown);
	if (r == 0) {
		r = lease_open(run_dir, &guard->page, &guard->page_fd);
	}
	if (r == 0) {
		r = open_holder(guard);
	}
	if (r < 0) {
		guard_close(guard);
		return r;
	}
	guard->state = DECIDE_STATE_IDLE;
	if (atomic_load(&guard->page->fence) != 0) {
		uint64_t now_ns = clock_ns();
		uint64_t renewed_ns = atomic_load(&guard->page->renewed_ns);

		/* It had expired then; only what was renewed since is younger. */
		guard->clock = (struct decide_clock){now_ns, now_ns, renewed_ns,
						     now_ns > renewed_ns ? now_ns - renewed_ns : 0};
		guard->state = DECIDE_STATE_FENCED;
		log_notice("an earlier guard has fenced this member: going on");
	}
	return 0;
}

void guard_close(struct guard *guard)
{
	paths_close(&guard->paths);
	legdown_close(&guard->legdown);
	holder_close(guard->holder);
	guard->holder = NULL;
	lease_close(guard->page, guard->page_fd);
	guard->page = NULL;
	guard->page_fd = -1;
}
