/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exhaustive forwarding checker: every state of the pair that ASSUME-1 to ASSUME-4 allow
 * (model.c), every frame, every promise (promises.c).  Symmetry is used: swapping the members, or
 * the LAGs, changes nothing, so frames of hosts enter by the first member, from the first LAG or
 * the first orphan.
 *
 *	checker [--first]	stop at the first violation instead of looking for the plainest
 *
 * Exit: 0 when everything holds, 1 with a violation, which is told step by step.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "promises.h"

#define WORKERS_MAX 16

struct violation {
	const char *what;
	struct state state;
	struct frame frame;
	uint32_t port;
	uint32_t weight;
	bool routed;
};

struct result {
	uint64_t states;
	uint64_t frames;
	uint64_t limits;
	uint64_t violations;
	struct violation plainest;
};

struct checker {
	struct result *results; /* of all workers */
	struct result *result;	/* of this one */
	struct lag_state lags[LAG_STATES_MAX];
	uint32_t lags_count;
	uint32_t worker;
	uint32_t workers_count;
	bool first;
};

static void blame(struct checker *checker, const char *what, const struct state *state,
		  uint32_t port, const struct frame *frame, const struct outcome *outcome,
		  bool routed)
{
	struct result *result = checker->result;
	struct violation *plainest = &result->plainest;
	uint32_t weight = 4 * outcome->steps + model_oddity(state);

	result->violations++;
	if (plainest->what == NULL || weight < plainest->weight) {
		*plainest = (struct violation){what, *state, *frame, port, weight, routed};
	}
}

/* One worker's first violation is enough for all. */
static bool is_done(const struct checker *checker)
{
	for (uint32_t i = 0; checker->first && i < checker->workers_count; i++) {
		if (checker->results[i].violations > 0) {
			return true;
		}
	}
	return false;
}

static void bridge_one(struct checker *checker, const struct state *state, uint32_t port,
		       const struct frame *frame)
{
	struct outcome outcome = walk(state, 0, port, frame, NULL);
	bool limit = false;
	const char *wrong = promise_bridged(state, 0, port, frame, &outcome, &limit);

	checker->result->frames++;
	checker->result->limits += limit;
	if (wrong != NULL) {
		blame(checker, wrong, state, port, frame, &outcome, false);
	}
}

struct sender {
	uint32_t source;
	uint32_t port;
};

static const struct sender senders[] = {
	{0, PORT_LEG(0)},
	{LAGS, PORT_ORPHAN},
	{FROM_ROUTER_1, PORT_SVI},
};
#define SENDERS_COUNT (sizeof(senders) / sizeof(senders[0]))

static bool can_send(const struct state *state, const struct sender *sender)
{
	return sender->port != (uint32_t)PORT_LEG(0) ||
	       state->lags[0].legs[0].phase != PHASE_NO_LINK;
}

static void bridge_to(struct checker *checker, const struct state *state, uint32_t destination)
{
	struct frame frame = {.destination = destination, .ttl = TTL_MANY};

	checker->result->states++;
	for (uint32_t i = 0; i < SENDERS_COUNT; i++) {
		if (senders[i].source != destination && can_send(state, &senders[i])) {
			frame.source = senders[i].source;
			bridge_one(checker, state, senders[i].port, &frame);
		}
	}
}

/* Every place of a unicast destination on each member, and what the maps say of it. */
static void bridge_unicast(struct checker *checker, struct state *state)
{
	for (uint32_t places = 0; places < 4 * PLACES_COUNT * PLACES_COUNT; places++) {
		state->place[0] = (enum place)(places / 4 % PLACES_COUNT);
		state->place[1] = (enum place)(places / 4 / PLACES_COUNT);
		state->place_shared[0] = places & 1;
		state->place_shared[1] = places & 2;
		if (!model_place_allowed(state)) {
			continue;
		}
		for (uint32_t destination = 0; destination <= TO_GHOST; destination++) {
			bridge_to(checker, state, destination);
		}
	}
	memset(state->place, 0, sizeof(state->place));
	memset(state->place_shared, 0, sizeof(state->place_shared));
}

static void check_bridging(struct checker *checker, struct state *state)
{
	for (uint32_t sources = 0; sources < SOURCES_COUNT * SOURCES_COUNT; sources++) {
		state->source[0] = (enum source)(sources % SOURCES_COUNT);
		state->source[1] = (enum source)(sources / SOURCES_COUNT);
		if (!model_source_allowed(state->source)) {
			continue;
		}
		bridge_to(checker, state, TO_EVERYBODY);
		bridge_to(checker, state, TO_RESERVED);
		bridge_unicast(checker, state);
		if (is_done(checker)) {
			return;
		}
	}
}

static void route_one(struct checker *checker, const struct state *state, uint32_t port,
		      const struct frame *frame)
{
	struct outcome outcome = walk(state, 0, port, frame, NULL);
	const char *wrong = promise_routed(state, port, frame, &outcome);

	checker->result->frames++;
	if (wrong != NULL) {
		blame(checker, wrong, state, port, frame, &outcome, true);
	}
}

/* A router behind LAG 2 and one behind the orphan port, by each router MAC. */
static void route_cargo(struct checker *checker, const struct state *state, enum cargo cargo,
			uint32_t third)
{
	static const uint32_t ttls[] = {0, 1, TTL_MANY};
	struct frame frame = {.cargo = cargo, .third = third};

	checker->result->states++;
	for (uint32_t ttl = 0; ttl < 3; ttl++) {
		frame.ttl = ttls[ttl];
		for (uint32_t to = TO_ROUTER_1; to <= TO_SHARED; to++) {
			frame.destination = to;
			if (state->no_svi && to != TO_ROUTER_2) {
				continue; /* whose MACs they would be */
			}
			if (state->lags[1].legs[0].phase != PHASE_NO_LINK) {
				frame.source = 1;
				route_one(checker, state, PORT_LEG(1), &frame);
			}
			if (third != LAGS) {
				frame.source = LAGS;
				route_one(checker, state, PORT_ORPHAN, &frame);
			}
		}
	}
}

static void route_all(struct checker *checker, const struct state *state)
{
	route_cargo(checker, state, CARGO_THIRD, 0);
	if (!model_is_quiet(&state->lags[0])) {
		return; /* only a packet for LAG 1 can tell the difference */
	}
	route_cargo(checker, state, CARGO_THIRD, LAGS);
	route_cargo(checker, state, CARGO_THIRD, LAGS + 1);
	for (uint32_t cargo = 0; cargo < CARGOES_COUNT; cargo++) {
		if (cargo != CARGO_THIRD) {
			route_cargo(checker, state, (enum cargo)cargo, 0);
		}
	}
}

static void check_routing(struct checker *checker, struct state *state)
{
	uint32_t count = (model_is_quiet(&state->lags[0]) ? 32 : 16) * ROUTES_COUNT * ROUTES_COUNT;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t bits = model_is_quiet(&state->lags[0]) ? i : i / 16 * 32 + i % 16;
		uint32_t routes = bits / 32;
		enum source source = bits & 8 ? SOURCE_SHARED : SOURCE_UNKNOWN;

		state->route_for_peer[0] = bits & 1;
		state->sticky[0] = bits & 2;
		state->sticky[1] = bits & 4;
		state->no_svi = bits & 16;
		state->source[0] = source;
		state->source[1] = source;
		state->route[0] = (enum route)(routes % ROUTES_COUNT);
		state->route[1] = (enum route)(routes / ROUTES_COUNT);
		if (state->route[0] == ROUTE_PEER && state->route[1] == ROUTE_PEER) {
			continue; /* a routing loop of somebody's making ends by its TTL */
		}
		route_all(checker, state);
		if (is_done(checker)) {
			return;
		}
	}
}

/* The peer link: both ways, one way, no way, gone, hairpin. */
#define PEER_LINKS_COUNT 6

static bool set_peer_link(struct state *state, uint32_t variant)
{
	state->passes[0] = variant & 1;
	state->passes[1] = variant & 2;
	if (variant >= 4) {
		state->peer_link_missing = variant == 4;
		state->peer_link_hairpin = variant == 5;
		state->passes[0] = variant == 5;
		state->passes[1] = variant == 5;
		return model_is_quiet(&state->lags[1]); /* one LAG is enough to see what it does */
	}
	return true;
}

/* Wrong flood flags on one LAG while the other is quiet show all that they can do. */
static bool is_allowed(const struct lag_state lags[LAGS])
{
	return (!model_has_flooded(&lags[0]) || model_is_quiet(&lags[1])) &&
	       (!model_has_flooded(&lags[1]) || model_is_quiet(&lags[0]));
}

static void check_all(struct checker *checker)
{
	uint32_t count = PEER_LINKS_COUNT * checker->lags_count * checker->lags_count;

	for (uint32_t i = checker->worker; i < count && !is_done(checker);
	     i += checker->workers_count) {
		uint32_t lags = i / PEER_LINKS_COUNT;
		struct state state = {
			.lags = {checker->lags[lags % checker->lags_count],
				 checker->lags[lags / checker->lags_count]},
			.route_for_peer = {true, true},
			.sticky = {true, true},
			.route = {ROUTE_DIRECT, ROUTE_DIRECT},
		};

		if (!is_allowed(state.lags) || !set_peer_link(&state, i % PEER_LINKS_COUNT)) {
			continue;
		}
		check_bridging(checker, &state);
		if (!model_has_flooded(&state.lags[0]) && !model_has_flooded(&state.lags[1])) {
			check_routing(checker, &state);
		}
	}
}

static void tell_state(const struct state *state)
{
	for (uint32_t lag = 0; lag < LAGS; lag++) {
		for (uint32_t member = 0; member < MEMBERS; member++) {
			const struct leg_state *leg = &state->lags[lag].legs[member];

			printf("  S%u, leg of LAG %u: %s%s\n", member + 1, lag + 1,
			       phase_text[leg->phase], leg->isolated ? ", R1 in force" : "");
		}
	}
	for (uint32_t member = 0; member < MEMBERS; member++) {
		printf("  S%u: peer link %s, source %s, destination %s%s; %s%s, %s\n", member + 1,
		       state->passes[member] ? "passes" : "passes nothing",
		       source_text[state->source[member]], place_text[state->place[member]],
		       state->place_shared[member] ? " (the peer knows)" : "",
		       state->route_for_peer[member] ? "routes for the peer"
						     : "does not route for the peer",
		       state->sticky[member] ? "" : ", no entry for the peer's MAC",
		       route_text[state->route[member]]);
	}
}

static void tell_violation(const struct violation *violation)
{
	static const char *const destinations[] = {"the host of LAG 1", "the host of LAG 2",
						   "the orphan of S1",	"the orphan of S2",
						   "an unknown MAC",	"everybody",
						   "S1's router MAC",	"S2's router MAC",
						   "the shared MAC",	"01:80:c2:00:00:0e"};
	static const char *const sources[] = {"the host of LAG 1", "the host of LAG 2",
					      "the orphan of S1",  "the orphan of S2",
					      "S1 itself",	   "S2 itself"};
	const struct frame *frame = &violation->frame;
	struct outcome outcome;

	printf("%s\n", violation->what);
	tell_state(&violation->state);
	printf("  A frame of %s, to %s", sources[frame->source], destinations[frame->destination]);
	if (violation->routed) {
		printf(", %s, TTL %u", cargo_text[frame->cargo], frame->ttl);
		if (frame->cargo == CARGO_THIRD) {
			printf(" (%s)", destinations[frame->third]);
		}
	}
	printf(violation->port == PORT_SVI ? ":\n" : ", arrives at S1:\n");
	outcome = walk(&violation->state, 0, violation->port, frame, stdout);
	printf("  copies %u %u %u %u, taken %u %u, answered %u %u\n", outcome.copies[0],
	       outcome.copies[1], outcome.copies[2], outcome.copies[3], outcome.reached[0],
	       outcome.reached[1], outcome.answered[0], outcome.answered[1]);
}

static void sum(const struct result *results, uint32_t count, struct result *ret_total)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct violation *plainest = &results[i].plainest;

		ret_total->states += results[i].states;
		ret_total->frames += results[i].frames;
		ret_total->limits += results[i].limits;
		ret_total->violations += results[i].violations;
		if (plainest->what != NULL && (ret_total->plainest.what == NULL ||
					       plainest->weight < ret_total->plainest.weight)) {
			ret_total->plainest = *plainest;
		}
	}
}

static uint32_t count_workers(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors < 1 ? 1 : processors > WORKERS_MAX ? WORKERS_MAX : (uint32_t)processors;
}

/* Each worker takes every nth state. */
static bool run_workers(struct checker *checker, struct result *results)
{
	bool good = true;
	int status;

	for (uint32_t i = 0; i < checker->workers_count; i++) {
		pid_t child = fork();

		if (child < 0) {
			perror("checker: fork");
			return false;
		}
		if (child == 0) {
			checker->worker = i;
			checker->results = results;
			checker->result = &results[i];
			check_all(checker);
			_exit(0);
		}
	}
	while (wait(&status) > 0) {
		good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	return good;
}

int main(int argc, char **argv)
{
	static struct checker checker;
	struct result total = {0};
	struct result *results;
	struct timespec then;
	struct timespec now;

	checker.first = argc == 2 && strcmp(argv[1], "--first") == 0;
	if (argc > 1 && !checker.first) {
		fprintf(stderr, "usage: checker [--first]\n");
		return 3;
	}
	checker.workers_count = count_workers();
	checker.lags_count = model_lag_states(checker.lags);
	results = mmap(NULL, sizeof(*results) * WORKERS_MAX, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED) {
		perror("checker: mmap");
		return 1;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &then);
	if (!run_workers(&checker, results)) {
		fprintf(stderr, "checker: a worker did not end as it should\n");
		return 1;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	sum(results, checker.workers_count, &total);
	printf("checker: %u states of a LAG, %llu of the pair, %llu frames, %llu violations, "
	       "%llu times the known limit, %lld s\n",
	       checker.lags_count, (unsigned long long)total.states,
	       (unsigned long long)total.frames, (unsigned long long)total.violations,
	       (unsigned long long)total.limits, (long long)(now.tv_sec - then.tv_sec));
	if (total.violations > 0) {
		tell_violation(&total.plainest);
	}
	return total.violations > 0 || total.frames == 0;
}
