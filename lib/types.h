/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nouns of the engine: MAC addresses, VLAN sets, roles, verdicts, leg states.  Enumerations
 * that people read are written once, as X-macros, so that the value and its text cannot differ.
 */
#ifndef MLAG_TYPES_H
#define MLAG_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlag_limits.h"

#define MLAG_ENUM_VALUE(symbol, text) symbol,

/**
 * struct mlag_mac - an EUI-48 address, in the order it has on the wire
 * @octets: first octet first; bit 0 of octets[0] is the group bit
 */
struct mlag_mac {
	uint8_t octets[6];
};

/**
 * struct mlag_vlans - a set of VLAN ids
 * @words: bit (v % 64) of word (v / 64) is VLAN v; bit 0 stands for a bridge without VLANs
 */
struct mlag_vlans {
	uint64_t words[MLAG_VLAN_WORDS];
};

static inline bool mlag_vlans_has(const struct mlag_vlans *set, uint16_t vlan)
{
	return vlan < MLAG_VLANS_MAX && ((set->words[vlan / 64] >> (vlan % 64)) & 1);
}

static inline void mlag_vlans_add(struct mlag_vlans *set, uint16_t vlan)
{
	if (vlan < MLAG_VLANS_MAX) {
		set->words[vlan / 64] |= UINT64_C(1) << (vlan % 64);
	}
}

/* What this member is in the pair (DESIGN §2). */
#define MLAG_ROLES(X)                   \
	X(MLAG_ROLE_NONE, "none")       \
	X(MLAG_ROLE_PRIMARY, "primary") \
	X(MLAG_ROLE_SECONDARY, "secondary")
enum mlag_role { MLAG_ROLES(MLAG_ENUM_VALUE) };

/* What this member concludes about the pair (DESIGN §2, the verdict table). */
#define MLAG_VERDICTS(X)                     \
	X(MLAG_VERDICT_NONE, "none")         \
	X(MLAG_VERDICT_STARTING, "starting") \
	X(MLAG_VERDICT_PEERED, "peered")     \
	X(MLAG_VERDICT_RESYNC, "resync")     \
	X(MLAG_VERDICT_SPLIT, "split")       \
	X(MLAG_VERDICT_ALONE, "alone")       \
	X(MLAG_VERDICT_ALONE_UNSURE, "alone-unsure")
enum mlag_verdict { MLAG_VERDICTS(MLAG_ENUM_VALUE) };

/* The ways on which the two members say hello to each other (DESIGN §2). */
enum mlag_path {
	MLAG_PATH_NONE,
	MLAG_PATH_PEER_LINK, /* raw frames on the peer link's device */
	MLAG_PATH_BACKUP,    /* UDP between backup-local and backup-remote */
	MLAG_PATHS_COUNT,
};

/* What is found on one path. */
#define MLAG_PATH_FINDINGS(X)                                                              \
	X(MLAG_PATH_FINDING_NONE, "none")	      /* there is no such path */          \
	X(MLAG_PATH_FINDING_GOOD, "good")	      /* hellos are heard both ways */     \
	X(MLAG_PATH_FINDING_NO_CARRIER, "no-carrier") /* or no such device */              \
	X(MLAG_PATH_FINDING_SILENT, "silent")	      /* nothing is heard */               \
	X(MLAG_PATH_FINDING_DEAF, "deaf")	      /* nothing, but the peer hears us */ \
	X(MLAG_PATH_FINDING_UNHEARD, "unheard")	      /* the peer does not hear us */
enum mlag_path_finding { MLAG_PATH_FINDINGS(MLAG_ENUM_VALUE) };

/* What is found of the peer itself. */
#define MLAG_PEER_FINDINGS(X)                                                                     \
	X(MLAG_PEER_FINDING_NONE, "none")	      /* nothing was ever heard of one */         \
	X(MLAG_PEER_FINDING_WELL, "well")	      /* it lives, and the session stands */      \
	X(MLAG_PEER_FINDING_NO_SESSION, "no-session") /* it lives, and there is no session yet */ \
	X(MLAG_PEER_FINDING_REFUSED, "refused")	      /* it lives, and a session is refused */    \
	X(MLAG_PEER_FINDING_ENDED, "ended")	      /* its daemon ended: killed, or stopped */  \
	X(MLAG_PEER_FINDING_HUNG, "hung")	/* silent on every path at once, with carrier */  \
	X(MLAG_PEER_FINDING_SILENT, "silent")	/* the same, but there is one path to tell by */  \
	X(MLAG_PEER_FINDING_DEAD, "dead")	/* the same, and the peer link lost carrier */    \
	X(MLAG_PEER_FINDING_UNKNOWN, "unknown") /* all paths are lost, not at once */             \
	X(MLAG_PEER_FINDING_LEFT, "left")	/* it said goodbye */                             \
	X(MLAG_PEER_FINDING_FENCED, "fenced")	/* its guard says that its legs are down */
enum mlag_peer_finding { MLAG_PEER_FINDINGS(MLAG_ENUM_VALUE) };

/* The session with the peer. */
#define MLAG_SESSION_STATES(X)               \
	X(MLAG_SESSION_NONE, "none")         \
	X(MLAG_SESSION_IDLE, "idle")         \
	X(MLAG_SESSION_GREETING, "greeting") \
	X(MLAG_SESSION_UP, "up")             \
	X(MLAG_SESSION_REFUSED, "refused")
enum mlag_session_state { MLAG_SESSION_STATES(MLAG_ENUM_VALUE) };

/* One leg, as its own member sees it (DESIGN §4). */
#define MLAG_LEG_STATES(X)             \
	X(MLAG_LEG_NONE, "none")       \
	X(MLAG_LEG_DOWN, "down")       \
	X(MLAG_LEG_PENDING, "pending") \
	X(MLAG_LEG_READY, "ready")     \
	X(MLAG_LEG_OPEN, "open")
enum mlag_leg_state { MLAG_LEG_STATES(MLAG_ENUM_VALUE) };

/* Why a leg is held: taken out of service though its device could serve (DESIGN §2). */
#define MLAG_HOLDS(X)                                                                       \
	X(MLAG_HOLD_NONE, "none")                                                           \
	X(MLAG_HOLD_STARTING, "starting") /* until in sync, or startup-wait has passed */   \
	X(MLAG_HOLD_SPLIT, "split")	  /* PL is lost, and the primary serves this LAG */ \
	X(MLAG_HOLD_RESYNC, "resync")	  /* no session for long, and the same */           \
	X(MLAG_HOLD_REJOIN, "rejoin")	  /* PL is back, and has yet to prove stable */     \
	X(MLAG_HOLD_DRAINED, "drained")	  /* somebody asked for it */                       \
	X(MLAG_HOLD_REFUSED, "refused")	  /* its device takes no programs */
enum mlag_hold { MLAG_HOLDS(MLAG_ENUM_VALUE) };

/* Why a session was refused or closed; the number is on the wire (docs/protocol.md). */
#define MLAG_CLOSE_REASONS(X)                                                             \
	X(MLAG_CLOSE_NONE, "no reason given")                                             \
	X(MLAG_CLOSE_VERSION, "protocol versions have nothing in common")                 \
	X(MLAG_CLOSE_DOMAIN, "the domain ids differ ([domain] id)")                       \
	X(MLAG_CLOSE_SYSTEM_MAC, "the system MACs differ ([domain] system-mac)")          \
	X(MLAG_CLOSE_SAME_MEMBER, "both members have the same id (MAC of the peer link)") \
	X(MLAG_CLOSE_VLAN_MODE, "only one of the two bridges is VLAN-aware")              \
	X(MLAG_CLOSE_MALFORMED, "a malformed message")                                    \
	X(MLAG_CLOSE_UNEXPECTED, "a message out of its turn")                             \
	X(MLAG_CLOSE_TIMEOUT, "nothing heard within the dead time")                       \
	X(MLAG_CLOSE_GOODBYE, "the peer said goodbye")                                    \
	X(MLAG_CLOSE_TRANSPORT, "the connection ended")                                   \
	X(MLAG_CLOSE_RECONFIGURED, "this member's identity changed")                      \
	X(MLAG_CLOSE_LIMIT, "a table of this member is full")
enum mlag_close_reason { MLAG_CLOSE_REASONS(MLAG_ENUM_VALUE) };
#define MLAG_CLOSE_REASONS_COUNT (MLAG_CLOSE_LIMIT + 1)

/**
 * mlag_role_text - the word for a role, as in the JSON contract
 * @role: any value; one outside the enumeration gives "?"
 *
 * Return: a constant string.  The functions below do the same for their enumerations.
 */
const char *mlag_role_text(enum mlag_role role);
const char *mlag_verdict_text(enum mlag_verdict verdict);
const char *mlag_path_finding_text(enum mlag_path_finding finding);
const char *mlag_peer_finding_text(enum mlag_peer_finding finding);
const char *mlag_session_state_text(enum mlag_session_state state);
const char *mlag_leg_state_text(enum mlag_leg_state state);
const char *mlag_hold_text(enum mlag_hold hold);
const char *mlag_close_reason_text(enum mlag_close_reason reason);

#endif
