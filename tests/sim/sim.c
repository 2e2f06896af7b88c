/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulator: seeds in, violations out.  Each seed is a life of the pair (tests/unit/world.h):
 * phase one breaks things at random and demands safety after every few milliseconds; phase two
 * heals everything and demands that the pair converges and every host reaches every other; phase
 * three restarts daemons and demands that nobody notices.
 *
 *   sim                 300 seeds, and those that ever failed
 *   sim --seed N[.S]    one seed, told as a story; S is a stream of faults (world.h), 2 unless named
 *   sim --seeds N[.S]   that many
 *   sim --tls ...       the session goes through TLS (simtls.h)
 *   sim --soak          until stopped
 *   sim --until-failed N  the first of that many that fails (mutants.py)
 *   sim --replay FILE   what a daemon recorded (replay.h)
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chaos.h"
#include "claims.h"
#include "faults.h"
#include "replay.h"
#include "simtls.h"
#include "world.h"

#define SEEDS_DEFAULT 300
#define CHAOS_STEPS 400
#define HEAL_NS (26 * WORLD_SECOND) /* 20 s, and the longest that legs stay away after flaps */
#define RESTART_ROUNDS 3
#define LEASE_NS (2600 * WORLD_MS) /* restart-hold, without what a hello may be old */
#define TLS_SEEDS 30		   /* of those that are run in the clear */

#define STREAM_DEFAULT 2
#define JOBS_MAX 8 /* processes, one a processor */

struct life {
	uint64_t seed;
	uint32_t stream; /* of faults: in 0 the kernels lie as they did when it failed */
};

/* Every one that ever failed. */
static const struct life lives_kept[] = {
	{105, 0},  {118, 0},  {308, 0},	 {379, 0},  {426, 0},  {488, 0},  {522, 0},
	{889, 0},  {1103, 0}, {1906, 0}, {2019, 0}, {2357, 0}, {2688, 0}, {3190, 0},
	{3553, 0}, {3582, 0}, {5, 1},	 {24, 1},   {117, 1},  {196, 1},  {271, 1},
	{437, 1},  {2525, 1}, {5320, 1}, {5732, 1}, {5896, 1}, {8041, 1}, {8310, 1},
	{9094, 1}, {9256, 1}, {9547, 1}, {9700, 1}, {58, 2},
};

struct totals {
	uint64_t frames;
	uint64_t steps;
	uint64_t messages;
	uint64_t write_failures;
	uint64_t sessions_cut;
	uint64_t restarts;
	uint64_t leg_changes;
	uint64_t moves;
	uint64_t hellos;
	uint64_t hellos_lost;
	uint64_t stops;
	uint64_t path_changes;
	uint64_t verdicts[MLAG_VERDICT_ALONE_UNSURE + 1];
	uint64_t last_resorts;
	uint64_t fences;
	uint64_t legs_taken;
	uint64_t neighbor_events;
	uint64_t neighbor_writes;
	uint64_t moves_judged;
	uint64_t entries_judged;
	uint64_t holds;
	uint64_t faults[WORLD_FAULTS_COUNT];
	uint64_t virtual_ns;
};

static void add_totals(struct totals *totals, const struct world *world)
{
	totals->frames += world->frames;
	totals->steps += world->steps;
	totals->messages += world->messages;
	totals->write_failures += world->write_failures;
	totals->sessions_cut += world->sessions_cut;
	totals->restarts += world->restarts;
	totals->leg_changes += world->leg_changes;
	totals->moves += world->moves;
	totals->hellos += world->hellos;
	totals->hellos_lost += world->hellos_lost;
	totals->stops += world->stops;
	totals->path_changes += world->path_changes;
	for (uint32_t i = 0; i <= MLAG_VERDICT_ALONE_UNSURE; i++) {
		totals->verdicts[i] += world->verdicts[i];
	}
	totals->last_resorts += world->last_resort_changes;
	totals->fences += world->fences;
	totals->legs_taken += world->legs_taken;
	totals->neighbor_events += world->neighbor_events;
	totals->neighbor_writes += world->neighbor_writes;
	totals->moves_judged += world->moves_judged;
	totals->entries_judged += world->entries_judged;
	totals->holds += world->holds;
	for (uint32_t i = 0; i < WORLD_FAULTS_COUNT; i++) {
		totals->faults[i] += world->faults[i];
	}
	totals->virtual_ns += world->now_ns;
}

/* The kernels hold what both members claim. */
static const char *check_kernels(const struct world *world)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		struct mlag_mac_view view;
		uint32_t cursor = 0;

		while (mlag_next_mac(world->members[m].engine, &cursor, &view)) {
			struct mlag_fdb_entry entry = world_lookup(world, m, &view.key.mac);
			const struct world_member *member = &world->members[m];
			uint32_t port = view.lag_id != 0 ? member->legs[view.lag_id - 1U].ifindex
					: view.own	 ? member->orphan_ifindex
							 : WORLD_PEER_LINK;

			if (view.own && view.peer && view.lag_id == 0) {
				return "both members claim an orphan";
			}
			if (entry.ifindex != port) {
				return "a kernel points a MAC to the wrong port";
			}
		}
	}
	return NULL;
}

/*
 * R29, after all faults: what one member hears of a host the other holds too, and what it forgets
 * the other forgets, unless it knows it of its own.
 */
static const char *check_neighbors(struct world *world)
{
	const char *complaint;

	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		/* From a MAC that is new: who asked the old one in vain waits for news. */
		world_neighbor_answers(world, world_neighbor_random(world, WORLD_MEMBERS), i,
				       4 + world_neighbor_random(world, 3));
	}
	world_run(world, WORLD_SECOND);
	complaint = world_check_neighbors(world);
	if (complaint != NULL) {
		return complaint;
	}
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		world_neighbor_flush(world, world_neighbor_random(world, WORLD_MEMBERS), i);
	}
	world_run(world, WORLD_SECOND);
	complaint = world_check_neighbors(world);
	return complaint != NULL ? complaint : world_check_claims(world);
}

static void print_neighbors(const struct world *world, uint32_t member)
{
	struct mlag_neighbor_view view;
	uint32_t cursor = 0;

	while (mlag_next_neighbor_view(world->members[member].engine, &cursor, &view)) {
		(void)printf(
			"  neighbour %u/%02x%02x: own %d, peer %d, MAC %u; believed %s at %u%s\n",
			view.key.family, view.key.octets[3], view.key.octets[15], view.own,
			view.peer, view.mac.octets[5], mlag_neighbor_state_text(view.entry.state),
			view.entry.mac.octets[5], view.entry.marked ? ", marked" : "");
	}
}

/* ---- restarts ------------------------------------------------------------------------------ */

/* What `mlagctl macs` says, and what the two members conclude of each other. */
struct opinion {
	enum mlag_role role;
	enum mlag_verdict verdict;
	uint32_t macs_count;
	struct mlag_mac_view macs[WORLD_MACS_MAX];
};

static int compare_macs(const void *a, const void *b)
{
	return memcmp(&((const struct mlag_mac_view *)a)->key,
		      &((const struct mlag_mac_view *)b)->key, sizeof(struct mlag_mac_key));
}

static void take_opinion(const struct world *world, uint32_t member, struct opinion *ret)
{
	const struct mlag_engine *engine = world->members[member].engine;
	struct mlag_view view;
	uint32_t cursor = 0;

	memset(ret, 0, sizeof(*ret));
	mlag_get_view(engine, &view);
	ret->role = view.role;
	ret->verdict = view.verdict;
	while (mlag_next_mac(engine, &cursor, &ret->macs[ret->macs_count])) {
		/* A number that rose, or an entry of another kind, is nobody's business. */
		ret->macs[ret->macs_count].own_seq = 0;
		ret->macs[ret->macs_count].peer_seq = 0;
		ret->macs[ret->macs_count].entry.kind = MLAG_FDB_NONE;
		ret->macs_count++;
	}
	qsort(ret->macs, ret->macs_count, sizeof(ret->macs[0]), compare_macs);
}

/* Some legs are down or without a partner, and everybody knows everybody. */
static void settle(struct world *world)
{
	static struct world_picture picture;

	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			uint32_t what = world_random(world, 8);

			world_set_link(world, m, lag, what != 0);
			world_set_partner(world, m, lag, what != 1);
		}
	}
	world_run(world, 5 * WORLD_SECOND);
	for (uint32_t i = 0; i < 3; i++) {
		world_take_picture(world, &picture);
		world_run(world, WORLD_SECOND);
	}
}

/* SAFE-40, for as long as the restarted daemons need to find each other, and longer. */
static const char *watch(struct world *world, const struct world_picture *before,
			 uint64_t duration_ns)
{
	uint64_t end_ns = world->now_ns + duration_ns;
	const char *complaint = world_check_picture(world, before);

	while (complaint == NULL && world->now_ns < end_ns) {
		world_run(world, (1 + world_random(world, 10)) * WORLD_MS);
		complaint = world_check_picture(world, before);
	}
	return complaint;
}

static const char *check_opinions(const struct world *world, const struct opinion *before)
{
	static struct opinion now;

	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		take_opinion(world, m, &now);
		if (now.role != before[m].role || now.verdict != before[m].verdict) {
			return "SAFE-40: a restart changed a role or a verdict";
		}
		if (now.macs_count != before[m].macs_count ||
		    memcmp(now.macs, before[m].macs, now.macs_count * sizeof(now.macs[0])) != 0) {
			return "SAFE-40: a restart changed what is known of MACs";
		}
	}
	return NULL;
}

/* Longer than a lease holds: nobody is heard, so no guard does anything; who is heard later is told so. */
static const char *end_long_round(struct world *world, const char *complaint)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		chaos_start_member(world, m);
	}
	settle(world);
	return complaint;
}

/* One daemon restarts, or both, at once or one after the other, also while the other is dead. */
static const char *restart_round(struct world *world)
{
	static struct world_picture before;
	static struct opinion opinions[WORLD_MEMBERS];
	uint32_t first = world_random(world, WORLD_MEMBERS);
	bool both = world_random(world, 2) != 0;
	bool is_long = world_random(world, 4) == 0;
	uint64_t dead_ns, watch_ns;
	const char *complaint;

	/* A daemon that is dead for long while the other is heard: that is not to go unnoticed. */
	is_long = is_long && (both || !world->guards);
	settle(world);
	world_take_picture(world, &before);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		take_opinion(world, m, &opinions[m]);
	}
	chaos_tell(world, both ? "both daemons restart" : "a daemon restarts", first, 0);
	world_stop(world, first);
	if (both) {
		world_run(world, world_random(world, 3) * 100 * WORLD_MS);
		world_stop(world, 1 - first);
	}
	dead_ns = world_random(world, 2000) * WORLD_MS;
	complaint = watch(world, &before, dead_ns);
	if (complaint == NULL && is_long) {
		complaint = watch(world, &before, 5 * WORLD_SECOND);
	}
	if (is_long && world->guards) {
		return end_long_round(world, complaint);
	}
	if (complaint == NULL) {
		chaos_start_member(world, first);
		/* A guard whose daemon is dead for longer than its lease fences, now that a peer is heard. */
		dead_ns = dead_ns < LEASE_NS ? LEASE_NS - dead_ns : 0;
		watch_ns = world_random(world, 1000) * WORLD_MS;
		complaint = watch(world, &before,
				  world->guards && watch_ns > dead_ns ? dead_ns : watch_ns);
	}
	if (complaint == NULL && both) {
		chaos_start_member(world, 1 - first);
	}
	if (complaint == NULL) {
		complaint = watch(world, &before, 2 * WORLD_SECOND);
	}
	/* Who waits for longer than restart-hold concludes something. */
	return complaint != NULL || is_long ? complaint : check_opinions(world, opinions);
}

static const char *restart_unnoticed(struct world *world)
{
	const char *complaint = NULL;

	world->write_failure_percent = 0;
	world->hello_loss_percent = 0;
	world->hello_delay_ns = 0;
	for (uint32_t i = 0; i < RESTART_ROUNDS && complaint == NULL; i++) {
		complaint = restart_round(world);
	}
	return complaint;
}

static void print_macs(const struct world *world, uint32_t member)
{
	struct mlag_mac_view view;
	uint32_t cursor = 0;

	while (mlag_next_mac(world->members[member].engine, &cursor, &view)) {
		struct mlag_fdb_entry entry = world_lookup(world, member, &view.key.mac);

		(void)printf(
			"  mac %02x:%02x: own %u, peer %u, LAG %u, seen %s at %u; kernel %s at %u\n",
			view.key.mac.octets[1], view.key.mac.octets[5], view.own_seq, view.peer_seq,
			view.lag_id, mlag_fdb_kind_text(view.entry.kind), view.entry.ifindex,
			mlag_fdb_kind_text(entry.kind), entry.ifindex);
	}
}

static bool has_vlan(const __u64 *vlans)
{
	return (vlans[WORLD_VLAN / 64] >> (WORLD_VLAN % 64)) & 1;
}

/* What the two data planes hold, for the story of a violation. */
static void print_state(const struct world *world)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		const struct world_member *member = &world->members[m];

		(void)printf("S%u: daemon %s, peer link %s\n", m + 1,
			     member->running ? "runs" : "dead", world->peer_link ? "up" : "down");
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			const struct world_leg *leg = &member->legs[lag];

			(void)printf(
				"  leg %u: link %d, partner %d, link since %.3f ms, joins %.3f ms; gate %u, "
				"flood %d, R1 %s%s%s\n",
				lag + 1, leg->link, leg->partner, (double)leg->link_ns / 1e6,
				(double)leg->join_ns / 1e6, leg->port.gate, leg->flood,
				has_vlan(leg->port.isolated) ? "in force" : "lifted",
				has_vlan(leg->port.held) ? ", VLAN held" : "",
				leg->vlan_missing ? ", VLAN missing" : "");
		}
		print_macs(world, m);
		print_neighbors(world, m);
	}
}

static const char *check_now(struct world *world)
{
	const char *complaint = world_check_verdicts(world);

	if (complaint == NULL) {
		complaint = faults_check(world);
	}
	if (complaint == NULL) {
		complaint = claims_check_enforced(world);
	}
	if (complaint == NULL) {
		complaint = world_check_fdb(world);
	}
	return complaint != NULL ? complaint : world_check_safety(world);
}

/* LIVE-8: one leads, and the pair is peered. */
static const char *check_pair(const struct world *world)
{
	struct mlag_view a;
	struct mlag_view b;

	mlag_get_view(world->members[0].engine, &a);
	mlag_get_view(world->members[1].engine, &b);
	if (a.verdict != MLAG_VERDICT_PEERED || b.verdict != MLAG_VERDICT_PEERED) {
		return "LIVE-8: not peered after healing";
	}
	return a.role + b.role != MLAG_ROLE_PRIMARY + MLAG_ROLE_SECONDARY
		       ? "LIVE-8: not one primary and one secondary"
		       : NULL;
}

static bool with_tls;

static const char *run_life(uint64_t seed, uint32_t stream, bool trace, struct totals *totals)
{
	static struct world world;
	const char *complaint = NULL;

	world_init(&world, seed);
	world_set_stream(&world, seed, stream);
	world.trace = trace;
	if (with_tls) {
		simtls_begin(&world);
	}
	faults_begin(&world);
	world.event_delay_ns = world_random(&world, 20) * WORLD_MS;
	world.route = (enum world_route)world_random(&world, 3);
	world.hello_loss_percent = world_random(&world, 4) == 0 ? world_random(&world, 30) : 0;
	world.hello_double_percent = world_random(&world, 4) == 0 ? 20 : 0;
	world.hello_delay_ns = world_random(&world, 4) == 0 ? 150 * WORLD_MS : 0;

	/*
	 * A restarted daemon knows nothing of a peer that it cannot hear, so it must not conclude
	 * that there is none (docs/invariants.md, limits).
	 */
	world.members[0].config.startup_wait_ns = 3600 * WORLD_SECOND;
	world.members[1].config.startup_wait_ns = 3600 * WORLD_SECOND;
	/* A switch that never ran the daemon has no filter: nothing can be promised of it. */
	world.hold_at_start = seed % 2 == 1;
	world.guards = seed % 4 != 0;
	world.members[0].config.last_resort = true;
	world.members[1].config.last_resort = true;
	chaos_start_member(&world, 0);
	chaos_start_member(&world, 1);
	world.write_failure_percent = world_random(&world, 4) == 0 ? 5 : 0;
	for (uint32_t i = 0; i < CHAOS_STEPS && complaint == NULL; i++) {
		world_run(&world, (1 + world_random(&world, 200)) * WORLD_MS);
		complaint = check_now(&world);
		if (complaint == NULL) {
			complaint = chaos_break_something(&world);
		}
		if (complaint == NULL) {
			chaos_change_default(&world);
			chaos_change_drain(&world);
			complaint = check_now(&world);
		}
		for (uint32_t n = world_neighbor_random(&world, 6); n > 0; n--) {
			chaos_stir_neighbors(&world);
		}
		faults_stir(&world);
		faults_lie(&world);
		if (complaint == NULL) {
			complaint = world_check_claims(&world);
		}
	}
	if (complaint == NULL) {
		chaos_heal(&world);
		faults_heal(&world);
		/* A daemon that starts while old LACP values linger takes its legs for open first. */
		world_run(&world, WORLD_SECOND);
		if (!world_run_until_open(&world, HEAL_NS)) {
			complaint = "LIVE: not converged after healing";
		}
	}
	if (complaint == NULL) {
		(void)world_check_safety(&world);
		world_run(&world, 2 * WORLD_SECOND);
		complaint = world_check_live(&world);
	}
	if (complaint == NULL) {
		world_run(&world, WORLD_SECOND);
		complaint = check_kernels(&world);
	}
	if (complaint == NULL) {
		complaint = check_pair(&world);
	}
	if (complaint == NULL) {
		complaint = world_check_verdicts(&world);
	}
	if (complaint == NULL) {
		complaint = world_check_last_resort_live(&world);
	}
	if (complaint == NULL) {
		complaint = check_neighbors(&world);
	}
	if (complaint == NULL) {
		complaint = restart_unnoticed(&world);
	}
	if (complaint == NULL) {
		complaint = faults_check(&world);
	}
	if (complaint == NULL) {
		complaint = faults_damage(&world);
	}
	if (complaint == NULL) {
		complaint = claims_check_moves(&world);
	}
	if (complaint != NULL) {
		(void)printf("seed %llu.%u: at %.3f ms: %s\n", (unsigned long long)seed, stream,
			     (double)world.now_ns / 1e6, complaint);
		(void)fflush(stdout);
	}
	if (complaint != NULL && trace) {
		print_state(&world);
	}
	add_totals(totals, &world);
	simtls_end(&world);
	world_fini(&world);
	return complaint;
}

/* Until one fails: who looks for a bug wants no more. */
static int run_until_failed(uint64_t count)
{
	struct totals totals = {0};

	for (uint64_t seed = 1; seed <= count; seed++) {
		if (run_life(seed, STREAM_DEFAULT, false, &totals) != NULL) {
			return 1;
		}
	}
	return 0;
}

/* The lives of a run, and what came of them: each processor takes the next one that nobody has. */
struct run {
	uint64_t first;
	uint64_t count;
	uint32_t stream;
	_Atomic uint64_t next;
	struct {
		struct totals totals;
		uint64_t failed;
	} jobs[JOBS_MAX];
};

static void work(struct run *run, uint32_t job)
{
	const uint64_t kept = sizeof(lives_kept) / sizeof(lives_kept[0]);
	uint64_t i;

	while ((i = atomic_fetch_add(&run->next, 1)) < kept + run->count) {
		struct life life = {.seed = run->first + i - kept, .stream = run->stream};

		life = i < kept ? lives_kept[i] : life;
		run->jobs[job].failed +=
			run_life(life.seed, life.stream, false, &run->jobs[job].totals) != NULL;
	}
}

static void sum_up(const struct run *run, uint32_t jobs, struct totals *totals, uint64_t *failed)
{
	for (uint32_t job = 0; job < jobs; job++) {
		/* Counters and nothing else. */
		const uint64_t *from = (const uint64_t *)&run->jobs[job].totals;
		uint64_t *to = (uint64_t *)totals;

		for (size_t i = 0; i < sizeof(*totals) / sizeof(*to); i++) {
			to[i] += from[i];
		}
		*failed += run->jobs[job].failed;
	}
}

/* A life that ends its process by an assert is a failure, too. */
static uint64_t run_jobs(struct run *run, uint32_t jobs)
{
	uint64_t died = 0;

	(void)fflush(stdout);
	for (uint32_t job = 1; job < jobs; job++) {
		pid_t child = fork();

		if (child == 0) {
			work(run, job);
			exit(0); /* not _exit(): make coverage counts it, too */
		}
		died += child < 0;
	}
	work(run, 0);
	for (uint32_t job = 1; job < jobs; job++) {
		int status;

		died += wait(&status) < 0 || status != 0;
	}
	return died;
}

static int run_seeds(uint64_t first, uint64_t count, uint32_t stream)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t jobs = processors < 1		? 1
			: processors < JOBS_MAX ? (uint32_t)processors
						: JOBS_MAX;
	struct run *run =
		mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct totals totals = {0};
	uint64_t failed;
	struct timespec begin;
	struct timespec end;

	if (run == MAP_FAILED) {
		perror("sim");
		return 1;
	}
	run->first = first;
	run->count = count;
	run->stream = stream;
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	failed = run_jobs(run, jobs);
	sum_up(run, jobs, &totals, &failed);
	(void)munmap(run, sizeof(*run));
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	(void)printf(
		"sim: seeds %llu to %llu of stream %u in %.1f s: %.1f h of virtual time, %llu steps, "
		"%llu frames, %llu messages\n",
		(unsigned long long)first, (unsigned long long)(first + count - 1), stream,
		(double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9,
		(double)totals.virtual_ns / 3.6e12, (unsigned long long)totals.steps,
		(unsigned long long)totals.frames, (unsigned long long)totals.messages);
	(void)printf("sim: faults: %llu leg changes, %llu connections cut, %llu restarts, "
		     "%llu failed writes, %llu moves\n",
		     (unsigned long long)totals.leg_changes,
		     (unsigned long long)totals.sessions_cut, (unsigned long long)totals.restarts,
		     (unsigned long long)totals.write_failures, (unsigned long long)totals.moves);
	(void)printf("sim: hellos: %llu said, %llu copies lost; %llu path changes, %llu stops; "
		     "verdicts reached:",
		     (unsigned long long)totals.hellos, (unsigned long long)totals.hellos_lost,
		     (unsigned long long)totals.path_changes, (unsigned long long)totals.stops);
	for (uint32_t i = MLAG_VERDICT_STARTING; i <= MLAG_VERDICT_ALONE_UNSURE; i++) {
		(void)printf(" %s %llu", mlag_verdict_text((enum mlag_verdict)i),
			     (unsigned long long)totals.verdicts[i]);
	}
	(void)printf("\nsim: the last resort came or went %llu times\n",
		     (unsigned long long)totals.last_resorts);
	(void)printf("sim: legs were held %llu times\n", (unsigned long long)totals.holds);
	(void)printf("sim: guards: %llu fences, %llu legs taken down\n",
		     (unsigned long long)totals.fences, (unsigned long long)totals.legs_taken);
	(void)printf("sim: neighbours: %llu events, %llu writes\n",
		     (unsigned long long)totals.neighbor_events,
		     (unsigned long long)totals.neighbor_writes);
	(void)printf(
		"sim: FDBs: %llu moves of what is alive judged, %llu entries held against claims\n",
		(unsigned long long)totals.moves_judged, (unsigned long long)totals.entries_judged);
	(void)printf("sim: and");
	for (uint32_t i = 0; i < WORLD_FAULTS_COUNT; i++) {
		(void)printf("%s %llu %s", i == 0 ? "" : ",", (unsigned long long)totals.faults[i],
			     faults_text((enum world_fault)i));
	}
	if (with_tls) {
		(void)printf("\n");
		simtls_print();
	}
	(void)printf("\n%llu passed, %llu failed\n", (unsigned long long)(count - failed),
		     (unsigned long long)failed);
	return failed == 0 ? 0 : 1;
}

/* The same lives through TLS: the very same. */
static int run_tls_seeds(uint64_t count)
{
	uint64_t failed = 0;

	for (uint64_t seed = 1; seed <= count; seed++) {
		struct totals clear = {0}, through = {0};
		const char *complaint;

		(void)run_life(seed, STREAM_DEFAULT, false, &clear);
		with_tls = true;
		complaint = run_life(seed, STREAM_DEFAULT, false, &through);
		with_tls = false;
		if (complaint == NULL && memcmp(&clear, &through, sizeof(clear)) != 0) {
			complaint = "TLS changed what happened";
			(void)printf("seed %llu: %s\n", (unsigned long long)seed, complaint);
		}
		failed += complaint != NULL;
	}
	simtls_print();
	(void)printf("%llu passed through TLS, %llu failed\n", (unsigned long long)(count - failed),
		     (unsigned long long)failed);
	return failed == 0 ? 0 : 1;
}

/* A number from the command line, and perhaps a stream behind it, or an end with words. */
static struct life parse_life(const char *text)
{
	struct life life = {.stream = STREAM_DEFAULT};
	char *end;

	errno = 0;
	life.seed = strtoull(text, &end, 10);
	if (errno == 0 && end != text && *end == '.' && end[1] != '\0') {
		life.stream = (uint32_t)strtoull(end + 1, &end, 10);
	}
	if (errno != 0 || *end != '\0' || end == text) {
		(void)fprintf(stderr, "sim: '%s' is not a number\n", text);
		exit(3);
	}
	return life;
}

int main(int argc, char **argv)
{
	struct totals totals = {0};
	struct life life;

	if (argc == 1) {
		return run_seeds(1, SEEDS_DEFAULT, STREAM_DEFAULT) | run_tls_seeds(TLS_SEEDS);
	}
	if (strcmp(argv[1], "--tls") == 0) {
		with_tls = true;
		argv++;
		argc--;
	}
	if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
		life = parse_life(argv[2]);
		return run_life(life.seed, life.stream, true, &totals) == NULL ? 0 : 1;
	}
	if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
		life = parse_life(argv[2]);
		return run_seeds(1, life.seed, life.stream);
	}
	if (argc == 2 && strcmp(argv[1], "--soak") == 0) {
		for (uint64_t first = 1; run_seeds(first, 1000, STREAM_DEFAULT) == 0;
		     first += 1000) {
		}
		return 1;
	}
	if (argc == 3 && strcmp(argv[1], "--until-failed") == 0) {
		return run_until_failed(parse_life(argv[2]).seed);
	}
	if (argc == 3 && strcmp(argv[1], "--replay") == 0) {
		return replay_file(argv[2]);
	}
	(void)fprintf(
		stderr,
		"Usage: sim [--tls] [--seed N[.S] | --seeds N[.S] | --soak | --until-failed N | "
		"--replay FILE]\n");
	return 3;
}
