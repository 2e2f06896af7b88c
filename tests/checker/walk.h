/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Follows every copy of one frame through both members to its end, by the very functions that the
 * eBPF programs are compiled from.
 */
#ifndef MLAG_TESTS_CHECKER_WALK_H
#define MLAG_TESTS_CHECKER_WALK_H

#include <stdarg.h>
#include <stdio.h>

#include "model.h"

/* Destinations beyond the hosts. */
enum {
	TO_GHOST = HOSTS, /* a MAC that nobody has */
	TO_EVERYBODY,
	TO_ROUTER_1, /* router MAC of the first member */
	TO_ROUTER_2,
	TO_SHARED,   /* the shared gateway's MAC */
	TO_RESERVED, /* 01:80:c2:00:00:0x */
};

/* Sources beyond the hosts: the members' own frames, and routed ones. */
enum {
	FROM_ROUTER_1 = HOSTS,
	FROM_ROUTER_2,
};

/* What the frame carries. */
#define CARGOES(X)                                 \
	X(CARGO_OTHER, "not IP")                   \
	X(CARGO_LINK_LOCAL, "link-local IP")       \
	X(CARGO_MEMBER_1, "IP for S1")             \
	X(CARGO_MEMBER_2, "IP for S2")             \
	X(CARGO_BOTH, "IP for the shared gateway") \
	X(CARGO_THIRD, "IP for a third party")     \
	X(CARGO_MALFORMED, "malformed IP")
#define CARGO_VALUE(symbol, text) symbol,
enum cargo { CARGOES(CARGO_VALUE) CARGOES_COUNT };
extern const char *const cargo_text[CARGOES_COUNT];

#define GENERATIONS_MAX 4 /* a routed packet is a new frame */
#define TTL_MANY 9

struct frame {
	uint32_t source;
	uint32_t destination;
	uint32_t third; /* the host that a third-party packet is for */
	enum cargo cargo;
	uint32_t ttl;
	uint32_t generation;
};

struct outcome {
	uint32_t copies[HOSTS];	   /* that came out at a host, whoever they are for */
	uint32_t delivered[HOSTS]; /* of those: for this very host */
	uint32_t ttl[HOSTS];	   /* of the last one delivered */
	bool returned;		   /* a host got its own frame */
	uint32_t reached[MEMBERS]; /* deliveries to the machine itself */
	uint32_t reached_ttl[MEMBERS];
	uint32_t answered[MEMBERS]; /* ICMP errors */
	uint32_t routed[MEMBERS];
	uint32_t crossings[MEMBERS][GENERATIONS_MAX];
	uint32_t dropped; /* by a reason that is not expected */
	bool leaked;	  /* something left by a gate that does not let it */
	bool lost_way;	  /* it was sent to no device */
	uint32_t steps;
	bool loops;
};

/**
 * walk() - send a frame
 * @state: the pair
 * @member: where it arrives
 * @port: by which port; PORT_SVI for a frame of the member's own
 * @frame: the frame
 * @story: where each step is told, NULL for silence
 */
struct outcome walk(const struct state *state, uint32_t member, uint32_t port,
		    const struct frame *frame, FILE *story);

#endif
