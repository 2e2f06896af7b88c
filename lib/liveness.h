/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is the peer alive, and what do the paths to it pass?  Pure: hellos, carrier and time in, findings
 * out (DESIGN §2).
 *
 * A hello that is *trusted* (authentic, of our domain, in a version that we read) is taken at its
 * word: who sends it, which hello it is, what its sender hears.  Any other proves life and nothing
 * else.  Silence counts only up to the moment at which we last tried to hear, and never while we
 * were not running ourselves.
 */
#ifndef MLAG_LIVENESS_H
#define MLAG_LIVENESS_H

#include "types.h"

/* The peer link, as far as hellos and carrier tell. */
#define LIVENESS_LINKS(X)                                         \
	X(LIVENESS_LINK_NO_CARRIER, "no carrier")                 \
	X(LIVENESS_LINK_MUTE, "carrier, but not heard both ways") \
	X(LIVENESS_LINK_USABLE, "usable")
#define LIVENESS_VALUE(symbol, text) symbol,
enum liveness_link { LIVENESS_LINKS(LIVENESS_VALUE) LIVENESS_LINKS_COUNT };

/* The peer, as far as all paths and the session tell. */
#define LIVENESS_LIVES(X)                                                               \
	X(LIVENESS_LIFE_NEVER, "never heard since the start")                           \
	X(LIVENESS_LIFE_LEFT, "it said goodbye")                                        \
	X(LIVENESS_LIFE_FENCED, "its guard says that its legs are down")                \
	X(LIVENESS_LIFE_SILENT_APART, "silent, the paths not at once or only one")      \
	X(LIVENESS_LIFE_SILENT_TOGETHER, "silent, both paths within one dead time")     \
	X(LIVENESS_LIFE_FADING, "heard, but nothing sent after the peer link was lost") \
	X(LIVENESS_LIFE_ALIVE, "heard")
enum liveness_life { LIVENESS_LIVES(LIVENESS_VALUE) LIVENESS_LIVES_COUNT };

/**
 * struct liveness_path - one path
 * @present: it is configured; of the peer link: it has carrier
 * @heard: something within the dead time
 * @ever_heard: since the start; @heard_ns is the last time
 * @trusted: the last hello on it was
 * @boot_id, @sequence: of the last trusted one on it
 */
struct liveness_path {
	bool present;
	bool heard;
	bool ever_heard;
	bool trusted;
	uint64_t heard_ns;
	uint64_t boot_id;
	uint32_t sequence;
};

/**
 * struct liveness - all that is known; zeroed, then liveness_init()
 * @own_boot_id: a hello with this one is our own echo
 * @boot_id, @boot_id_before: the peer's, and the one that it had before; @boot_ns: when that changed
 * @session_ns: when the session last proved @boot_id, 0 while there is none
 * @sequence: the newest trusted hello on any path, and what it said: @hears, @interval_ns
 * @life_ns: the last sign of life by any path or session
 * @carrier_ns: when the peer link last gained carrier
 * @lost_ns: when the peer link was last found not to be usable
 * @proof_ns: until then the peer link has time to prove itself, so that two members who find each
 *	other are not split for a moment
 * @usable: it was, when last looked at
 * @awaited: it has not been usable since this member started, so it may not be there yet; until
 *	liveness_await_no_more()
 * @left: the peer said goodbye, and nothing was heard of another boot of it
 * @fenced: the guard of the peer said that its daemon is dead, and which legs are down
 * @fence_boot_id, @fence_sequence: the last hello of a guard
 */
struct liveness {
	uint64_t interval_ns;
	uint32_t dead_multiplier;
	uint64_t own_boot_id;
	uint64_t boot_id;
	uint64_t boot_id_before;
	uint64_t boot_ns;
	uint64_t session_ns;
	uint32_t sequence;
	uint8_t hears;
	uint64_t peer_interval_ns;
	bool ever_heard;
	bool usable;
	bool awaited;
	bool left;
	bool fenced;
	uint64_t fence_boot_id;
	uint32_t fence_sequence;
	uint64_t life_ns;
	uint64_t carrier_ns;
	uint64_t lost_ns;
	uint64_t proof_ns;
	struct liveness_path paths[MLAG_PATHS_COUNT];
};

/**
 * struct liveness_hello - what a hello tells of liveness
 * @hears_us: bits of the paths on which its sender hears this very boot of ours
 */
struct liveness_hello {
	bool trusted;
	uint64_t boot_id;
	uint32_t sequence;
	uint8_t hears_us;
	bool leaving;
	bool fenced;
	uint64_t interval_ns;
};

enum liveness_news {
	LIVENESS_NEWS_NONE,  /* our own echo, a replay, one that has left: ignore it */
	LIVENESS_NEWS_LIFE,  /* somebody lives; what else it says does not count */
	LIVENESS_NEWS_OLDER, /* life, and a newer hello has come by the other path */
	LIVENESS_NEWS_WORD,  /* the peer's newest word */
	LIVENESS_NEWS_FENCE, /* the word of its guard: no life, but what it says of legs counts */
};

void liveness_init(struct liveness *liveness, uint64_t own_boot_id);
void liveness_configure(struct liveness *liveness, uint64_t interval_ns, uint32_t dead_multiplier);

/** liveness_dead_ns() - the dead time: by our interval, or the peer's if that is longer */
uint64_t liveness_dead_ns(const struct liveness *liveness);

/** liveness_set_present() - a path was configured, or carrier of the peer link changed: at once */
void liveness_set_present(struct liveness *liveness, enum mlag_path path, bool present,
			  uint64_t now_ns);

/** liveness_hear() - a hello came by a path */
enum liveness_news liveness_hear(struct liveness *liveness, enum mlag_path path,
				 const struct liveness_hello *hello, uint64_t now_ns);

/** liveness_hear_session() - the session proves life, and whose; it clears a goodbye and a fence */
void liveness_hear_session(struct liveness *liveness, uint64_t boot_id, uint64_t now_ns);

/** liveness_end_session() - it proves nothing any more */
void liveness_end_session(struct liveness *liveness);

/** liveness_leave() - the peer said goodbye in the session */
void liveness_leave(struct liveness *liveness, uint64_t boot_id, uint64_t now_ns);

/** liveness_tick() - every path was read dry at @read_ns */
void liveness_tick(struct liveness *liveness, uint64_t read_ns);

/**
 * liveness_skip() - for so long until now we were not running: it is not held against anybody, nor is
 * it that the peer did not hear us meanwhile
 */
void liveness_skip(struct liveness *liveness, uint64_t duration_ns, uint64_t now_ns);

/** liveness_deadline_ns() - when time alone may change something; UINT64_MAX for never */
uint64_t liveness_deadline_ns(const struct liveness *liveness);

/** liveness_await_no_more() - a peer link that is not usable is lost, also if it never was usable */
void liveness_await_no_more(struct liveness *liveness);

enum liveness_link liveness_link(const struct liveness *liveness);

/**
 * liveness_life() - what is known of the peer
 * @session_up: the session stands
 * @session_ns: when something was last heard in it
 * @now_ns: the time
 */
enum liveness_life liveness_life(const struct liveness *liveness, bool session_up,
				 uint64_t session_ns, uint64_t now_ns);

/** liveness_path_finding() - what is found on a path */
enum mlag_path_finding liveness_path_finding(const struct liveness *liveness, enum mlag_path path);

/** liveness_is_heard() - the peer is heard on some path, be it by hellos that are not trusted */
bool liveness_is_heard(const struct liveness *liveness);

/** liveness_hears() - bits of the paths on which trusted hellos are heard, for our own hello */
uint8_t liveness_hears(const struct liveness *liveness);

#endif
