/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small world of virtual time for engine tests and the simulator: two engines wired to each
 * other by their ports alone, a network between them, and for each a kernel that bridges frames by
 * the very decisions of lib/forward.h.  One seed, no clock, no socket: a run repeats exactly.
 *
 * The kernel behaves as was measured on Linux: LACP state lingers after a link comes up, the partner
 * sends before it is seen collecting, own FDB writes come back as events, and events are late.
 */
#ifndef MLAG_TESTS_WORLD_H
#define MLAG_TESTS_WORLD_H

#include "common/release.h"
#include "hello.h"
#include "mlag.h"
#include "mlagguard/decide.h"
#include "resume.h"

#define WORLD_MEMBERS 2
#define WORLD_LAGS 3
#define WORLD_HOSTS (WORLD_LAGS + 2) /* a host on each LAG, an orphan on each member */
#define WORLD_MACS_MAX 64
#define WORLD_ADDRESSES_MAX 64
#define WORLD_EVENTS_MAX 512
#define WORLD_NEIGHBORS_MAX 16 /* IP addresses of hosts, by number */
#define WORLD_MESSAGES_MAX 8
#define WORLD_HELLOS_MAX 64 /* that a socket of a member holds */
#define WORLD_VLAN 10
#define WORLD_MS UINT64_C(1000000)
#define WORLD_SECOND (1000 * WORLD_MS)

#define WORLD_PEER_LINK 1
#define WORLD_BRIDGE 2
#define WORLD_LEG(lag) (10U + (lag)) /* lag 0.. */
#define WORLD_ORPHAN 100 /* these at first: devices that come again may have others' numbers */
#define WORLD_SVI 200

/* Host numbers: 0..WORLD_LAGS-1 are dual-attached, then the orphan of each member. */
#define WORLD_ORPHAN_HOST(member) (WORLD_LAGS + (member))

struct table;

struct world_leg {
	uint32_t ifindex;	/* of its device */
	bool is_static;		/* no LACP: who has carrier takes part */
	uint64_t told_ns;	/* when the daemon hears of its carrier; 0: it has */
	bool link;		/* carrier: the cable, unless it is held or taken down */
	bool cable;		/* what is plugged in */
	enum mlag_hold held;	/* out of service; outlives the daemon */
	uint32_t releases;	/* how often it came back into service */
	bool served;		/* under an earlier daemon */
	bool own_system;	/* LACP under a system id of its own */
	bool drained;		/* somebody asked for it; outlives the daemon */
	uint64_t dark_ns;	/* since when it is held though nobody else serves, 0: it is not */
	bool taken;		/* down by the guard; outlives the daemon */
	uint64_t taken_dark_ns; /* since when it is, though it need not be; 0: it is not */
	bool partner;		/* the host's port is in its bond */
	bool vlan_missing;	/* WORLD_VLAN is not allowed on this leg */
	bool partner_before;	/* it took part when the link was lost */
	uint64_t link_ns;	/* when the link changed */
	uint64_t join_ns;	/* when the host's port takes part */
	bool data_arrived;	/* a frame came in since the last observation */
	struct mlag_port port;	/* what the data plane holds */
	bool flood;		/* flood flags of the port */
	bool refuses;		/* programs, while it has none */
	uint64_t next_poll_ns;
};

struct world_entry {
	bool used;
	struct mlag_mac_key key;
	struct mlag_fdb_entry entry;
	uint64_t seen_ns;
	uint32_t claimed_seq; /* of the daemon's claim for it at @claimed_ifindex, 0 for none */
	uint32_t claimed_ifindex;
};

struct world_source {
	bool used;
	struct mlag_mac_key key;
	struct mlag_source source;
};

struct world_fdb_event {
	uint64_t due_ns;
	struct mlag_mac_key key;
	struct mlag_fdb_entry entry;
};

/* A neighbour entry of the kernel's; a MAC is a number below 32, so that witnesses fit in a word. */
struct world_neighbor {
	struct mlag_neighbor_entry entry;
	uint32_t witnessed; /* MACs that this very kernel has learned */
};

struct world_neighbor_event {
	uint64_t due_ns;
	uint32_t neighbor;
	struct mlag_neighbor_entry entry;
};

struct world;

struct world_message {
	uint64_t due_ns;
	uint32_t size;
	uint8_t *data;
};

struct world_hello {
	uint64_t due_ns;
	enum mlag_path path;
	uint32_t size;
	uint8_t data[MLAG_HELLO_SIZE_MAX];
};

/* What the session runs over. */
enum world_route {
	WORLD_ROUTE_OWN, /* a third network */
	WORLD_ROUTE_PEER_LINK,
	WORLD_ROUTE_BACKUP,
};

/* The guard of a member (worldguard.c), and the lease that its daemon renews for it. */
struct world_guard {
	struct decide_clock clock;
	enum decide_state state;
	uint64_t look_ns; /* when it looks next */
	uint64_t renewed_ns;
	uint32_t hello_size;
	uint8_t hello[MLAG_HELLO_SIZE_MAX]; /* the last one of its daemon */
	uint64_t release;		    /* the fence that the daemon lets go */
	struct release released;	    /* the daemon's memory of it */
	uint64_t fence;
	uint64_t fences;
	uint64_t heard_ns;
	struct hello peer;
	uint32_t said;
	uint64_t said_ns;
	uint64_t down_since_ns[WORLD_LAGS]; /* the peer's leg */
	enum decide_leg decided[WORLD_LAGS];
};

struct world_member {
	struct mlag_engine *engine;
	void *memory;
	struct mlag_config config;
	bool running;
	bool stopped; /* SIGSTOP: nothing of it runs, its sockets fill */
	uint32_t orphan_ifindex;
	uint64_t clock_lag_ns; /* what its clock is behind: it stood still */
	uint64_t stall_ns;     /* how long it still does */
	struct world_hello hellos[WORLD_HELLOS_MAX];
	uint32_t hellos_count;
	uint64_t hello_heard_ns;   /* when it was last given one */
	uint64_t peer_audible_ns;  /* since when the peer can be heard on some path; 0: it cannot */
	uint64_t deaf_ns;	   /* since when the peer link does not pass what the peer sends */
	uint64_t lost_ns;	   /* since when it has run with the peer link lost */
	uint64_t fresh_ns;	   /* when it last started with nothing to go on with */
	bool link_unmet;	   /* and has concluded nothing since, no peer link there */
	enum mlag_verdict verdict; /* when last looked at */
	bool peer_link_reported;
	struct world_leg legs[WORLD_LAGS];
	struct world_entry fdb[WORLD_MACS_MAX];
	struct world_source sources[WORLD_MACS_MAX];
	struct world_fdb_event events[WORLD_EVENTS_MAX];
	uint32_t events_count;
	bool svi; /* a device of the VLAN is there */
	struct world_neighbor neighbors[WORLD_NEIGHBORS_MAX];
	struct world_neighbor_event neighbor_events[WORLD_EVENTS_MAX];
	uint32_t neighbor_events_count;
	struct mlag_address_program addresses[WORLD_ADDRESSES_MAX]; /* in the data plane */
	uint32_t addresses_count;
	struct mlag_event own[WORLD_ADDRESSES_MAX]; /* the machine's own */
	uint32_t own_count;
	/* R31: the default routes, and what of ours is in the kernel; both outlive the daemon */
	struct mlag_default_route defaults[2];
	struct mlag_last_resort last_resorts[2];
	struct world_message inbox[WORLD_MESSAGES_MAX];
	uint32_t inbox_count;
	bool connected; /* the engine was told so */
	uint64_t retry_ns;
	uint32_t starts;
	bool leg_failed; /* the last leg program was not written */
	struct world_guard guard;
	bool is_kept; /* @kept is with the data plane */
	struct mlag_resume kept;
	struct mlag_resume
		kept_before; /* what a daemon that dies in the middle of its work leaves */
};

/* What a run did to the pair beyond what has a counter of its own; each is counted. */
#define WORLD_FAULTS(X)                                                                \
	X(WORLD_FAULT_OVERRUN, "overruns") /* FDB events were lost; a dump followed */ \
	X(WORLD_FAULT_DUMP_SKIPPED, "rows that a dump left out")                       \
	X(WORLD_FAULT_DELETED, "entries deleted by others")                            \
	X(WORLD_FAULT_FLAP, "carriers that flapped")                                   \
	X(WORLD_FAULT_RELOAD, "reloads")                                               \
	X(WORLD_FAULT_UNKNOWN, "messages of unknown types")                            \
	X(WORLD_FAULT_LONGER, "longer messages")                                       \
	X(WORLD_FAULT_OLDER, "messages to and from older peers")                       \
	X(WORLD_FAULT_DAMAGE, "rows changed in memory")                                \
	X(WORLD_FAULT_EBUSY, "writes refused with EBUSY")                              \
	X(WORLD_FAULT_EEXIST, "with EEXIST")                                           \
	X(WORLD_FAULT_ENOENT, "with ENOENT")                                           \
	X(WORLD_FAULT_EPERM, "with EPERM")                                             \
	X(WORLD_FAULT_ENOMEM, "with ENOMEM")                                           \
	X(WORLD_FAULT_MERGED, "events merged with a later one")                        \
	X(WORLD_FAULT_LATE_LINK, "carriers told late")                                 \
	X(WORLD_FAULT_REUSE, "ifindexes reused")                                       \
	X(WORLD_FAULT_CHANGED, "entries changed by others")                            \
	X(WORLD_FAULT_STALL, "clocks that stood still")                                \
	X(WORLD_FAULT_PARTNER, "LACP partners that came or went")                      \
	X(WORLD_FAULT_SILENT, "hosts that fell silent")                                \
	X(WORLD_FAULT_TIMERS, "reloads with other timers")                             \
	X(WORLD_FAULT_LEG_AGAIN, "legs configured again")                              \
	X(WORLD_FAULT_VERSION, "restarts in another version")                          \
	X(WORLD_FAULT_POWER, "members that lost power")                                \
	X(WORLD_FAULT_LATENCY, "changes of latency")                                   \
	X(WORLD_FAULT_HELLO_LATE, "hellos that were late")                             \
	X(WORLD_FAULT_HELLO_DOUBLE, "hellos that came twice")                          \
	X(WORLD_FAULT_REFUSED, "programs that a device refused")
enum world_fault { WORLD_FAULTS(MLAG_ENUM_VALUE) WORLD_FAULTS_COUNT };

/* What the two members speak. */
enum world_dialect {
	WORLD_DIALECT_SAME,
	WORLD_DIALECT_NEWER, /* unknown types, and more behind what is known */
	WORLD_DIALECT_OLDER, /* no features, and nothing that came with them */
};

#define WORLD_SEALED_MAX (MLAG_WIRE_MESSAGE_MAX + 1024)

/**
 * struct world_wire - what messages go through between the members
 * @connect: a connection stands
 * @seal: what @sender says, as it is on the wire (WORLD_SEALED_MAX octets at most); the new size
 * @unseal: the other way; must be the message
 */
struct world_wire {
	void (*connect)(struct world *world);
	uint32_t (*seal)(struct world *world, uint32_t sender, const uint8_t *data, uint32_t size,
			 uint8_t *ret_data);
	uint32_t (*unseal)(struct world *world, uint32_t receiver, const uint8_t *data,
			   uint32_t size, uint8_t *ret_data);
};

struct world {
	const struct world_wire *wire; /* NULL: they are on it as they are */
	uint64_t now_ns;
	uint64_t random;
	uint64_t
		neighbor_random; /* a stream of its own: the lives of the kept seeds stay as they were */
	uint64_t fault_random; /* and of what is in WORLD_FAULTS */
	uint32_t
		stream; /* which one; in 0 the kernels lie less (worldlies.c), in 1 they refuse less */
	enum world_dialect dialect;
	uint64_t faults[WORLD_FAULTS_COUNT];
	struct world_member members[WORLD_MEMBERS];
	bool peer_link; /* carrier */
	bool path;	/* of the session, besides what it runs over */
	enum world_route route;
	bool link_passes[WORLD_MEMBERS];   /* what this member sends over the peer link arrives */
	bool backup_passes[WORLD_MEMBERS]; /* the same on the backup path */
	uint32_t hello_loss_percent;
	uint32_t hello_double_percent;
	uint64_t hello_delay_ns; /* most that one is late: they overtake each other */
	uint64_t link_good_ns;	 /* since when both run and hear each other on the peer link */
	uint64_t one_role_ns;	 /* since when both have the same role, though they do */
	const char *complaint;	 /* the first about verdicts and R31, as they were reached */
	bool connected;
	uint64_t connect_ns;
	uint64_t latency_ns;	 /* of a message */
	uint64_t event_delay_ns; /* most that a kernel event is late */
	uint32_t write_failure_percent;
	bool trace;
	/* counters, so that a run shows what it covered */
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
	uint64_t verdicts[MLAG_VERDICT_ALONE_UNSURE + 1]; /* how often each was reached */
	uint64_t default_changes; /* numbers that the simulator drew for them */
	bool guards;		  /* each member has one */
	uint64_t fences;
	uint64_t legs_taken;
	uint64_t last_resort_changes; /* routes of ours that came or went */
	uint64_t neighbor_events;
	uint64_t neighbor_writes;
	uint64_t moves_judged;	 /* SAFE-37 */
	uint64_t entries_judged; /* SAFE-38 */
	uint64_t holds;		 /* legs taken out of service */
	uint64_t reload_ns;	 /* when a priority changed last */
	uint64_t drain_changes;	 /* numbers that the simulator drew for them */
	bool hold_at_start;	 /* what did not serve before is held until sync is proven */
};

/** struct world_delivery - where the copies of one frame came out */
struct world_delivery {
	uint32_t copies[WORLD_HOSTS];
	uint32_t peer_link[WORLD_MEMBERS]; /* crossings, by the member that sent it over */
	uint32_t depth;			   /* a loop ends here */
};

void world_init(struct world *world, uint64_t seed);

/**
 * world_set_stream() - the same life with other WORLD_FAULTS
 *
 * Stream 0 is what world_init() sets: it has none of worldlies.c, so that seeds which were kept before
 * there were those live as they did.
 */
void world_set_stream(struct world *world, uint64_t seed, uint32_t stream);

void world_fini(struct world *world);

/**
 * world_start() - start (or start again) the daemon of a member; its kernel stays as it is
 *
 * It goes on with what the data plane holds, unless world_forget() was called.
 */
void world_start(struct world *world, uint32_t member);

/** world_stop() - end the daemon of a member without a word */
void world_stop(struct world *world, uint32_t member);

/** world_set_stopped() - stop the daemon of a member with SIGSTOP, or let it go on */
void world_set_stopped(struct world *world, uint32_t member, bool stopped);

/** world_set_passes() - what @member sends by a path arrives, or not; carrier knows nothing of it */
void world_set_passes(struct world *world, enum mlag_path path, uint32_t member, bool passes);

/** world_promote() - somebody asks a member to lead */
void world_promote(struct world *world, uint32_t member);

/** world_session_works() - it stands, and both members say and hear in it */
bool world_session_works(const struct world *world);
/** world_forget() - the next daemon of a member finds nothing that it can make sense of */
void world_forget(struct world *world, uint32_t member);

/** struct world_picture - where a frame of every host by every leg to everybody comes out */
struct world_picture {
	uint8_t sent[WORLD_HOSTS][WORLD_MEMBERS];
	uint8_t copies[WORLD_HOSTS][WORLD_MEMBERS][WORLD_HOSTS + 1][WORLD_HOSTS];
};

/** world_check_nothing_held() - SAFE-40: all that came out then comes out now; a text or NULL */
const char *world_check_nothing_held(struct world *world, const struct world_picture *before);

void world_take_picture(struct world *world, struct world_picture *ret_picture);

/** world_check_picture() - SAFE-40: all that came out then comes out now, and as often; a text or NULL */
const char *world_check_picture(struct world *world, const struct world_picture *before);

/** world_run() - let time pass */
void world_run(struct world *world, uint64_t duration_ns);

/** world_run_until_quiet() - let time pass until every leg with a link is open and all is synced */
bool world_run_until_open(struct world *world, uint64_t limit_ns);

/** world_set_address() - an own address of @member comes or goes */
void world_set_address(struct world *world, uint32_t member, const struct mlag_address_key *key,
		       bool present, uint32_t domain, uint32_t ifindex);

/** world_address() - what the data plane of @member holds for an address; NULL for nothing */
const struct mlag_address_program *world_address(const struct world *world, uint32_t member,
						 const struct mlag_address_key *key);

/** world_observe_default() - tell the engine of @member what its default route is now, if it runs */
void world_observe_default(struct world *world, uint32_t member, uint32_t index);

/** world_set_default() - the default route of a family (0 IPv4, 1 IPv6) comes or goes */
void world_set_default(struct world *world, uint32_t member, uint32_t index,
		       const struct mlag_default_route *route);

/** world_check_last_resort() - SAFE-31: never active towards each other; a text or NULL */
const char *world_check_last_resort(const struct world *world);

/** world_check_last_resort_live() - LIVE-31: active exactly where it helps; a text or NULL */
const char *world_check_last_resort_live(const struct world *world);
/* What the kernel of a member learns of neighbour number @neighbor (below WORLD_NEIGHBORS_MAX). */

/** world_neighbor_random() - as world_random(), for neighbours */
uint32_t world_neighbor_random(struct world *world, uint32_t below);

/** world_neighbor_key() - the table's key of a neighbour: an IPv4 or, every second, IPv6 address */
struct mlag_neighbor_key world_neighbor_key(uint32_t neighbor);
struct mlag_mac world_neighbor_mac(uint32_t mac);

/** world_neighbor_answers() - it answered from a MAC, so the kernel has it confirmed */
void world_neighbor_answers(struct world *world, uint32_t member, uint32_t neighbor, uint32_t mac);

/** world_neighbor_asks() - it asked from a MAC, so the kernel knows it */
void world_neighbor_asks(struct world *world, uint32_t member, uint32_t neighbor, uint32_t mac);

/** world_neighbor_ages() - nothing was heard of it for a while */
void world_neighbor_ages(struct world *world, uint32_t member, uint32_t neighbor);

/** world_neighbor_fails() - the kernel asked it in vain */
void world_neighbor_fails(struct world *world, uint32_t member, uint32_t neighbor);

/** world_neighbor_flush() - somebody took the entry out */
void world_neighbor_flush(struct world *world, uint32_t member, uint32_t neighbor);

/** world_neighbor_set() - a person set it */
void world_neighbor_set(struct world *world, uint32_t member, uint32_t neighbor, uint32_t mac);

/** world_set_svi() - the device of the VLAN comes, or goes with all that was known on it */
void world_set_svi(struct world *world, uint32_t member, bool present);

/** world_check_claims() - SAFE-19: nobody claims what its own kernel did not learn; a text or NULL */
const char *world_check_claims(struct world *world);

/** world_check_neighbors() - every neighbour is the same for both engines and both kernels */
const char *world_check_neighbors(const struct world *world);

/** world_fault_random() - as world_random(), for WORLD_FAULTS */
uint32_t world_fault_random(struct world *world, uint32_t below);

/** world_overrun() - events of the FDB are lost, and what is there is dumped, as dumps are */
void world_overrun(struct world *world, uint32_t member);

/** world_delete_entry() - somebody deletes one of the FDB's entries, whoever wrote it */
void world_delete_entry(struct world *world, uint32_t member, uint32_t number);

/** world_lies() - does this life have the faults of worldlies.c? */
bool world_lies(const struct world *world);

/** world_merge_events() - of events of one FDB entry that wait, only the last one will be told */
void world_merge_events(struct world *world, uint32_t member);

/** world_change_entry() - somebody replaces one of the FDB's entries, and its flags are lost */
void world_change_entry(struct world *world, uint32_t member, uint32_t number);

/**
 * world_renumber() - the devices of two legs, or of a leg and an orphan's port, are deleted and made again,
 * each with the ifindex of the other; their cables are out afterwards
 * @other: a LAG, or WORLD_LAGS for the orphan's port
 * @is_merged: the daemon sees what is there now, and never that a device was gone
 */
void world_renumber(struct world *world, uint32_t member, uint32_t lag, uint32_t other,
		    bool is_merged);

/** world_stall() - the clock of a member stands still, though the member runs */
void world_stall(struct world *world, uint32_t member, uint64_t duration_ns);

/** world_member_ns() - what the clock of a member says */
uint64_t world_member_ns(const struct world *world, uint32_t member);

/** world_silence() - a host is not heard for so long that both kernels age it out */
void world_silence(struct world *world, uint32_t host);

/** world_set_timers() - the configuration is read again, with other timers */
void world_set_timers(struct world *world, uint32_t member, uint32_t which);

/** world_configure_again() - a leg is taken out of the configuration, and put in again at once */
void world_configure_again(struct world *world, uint32_t member, uint32_t lag);

/** world_lose_power() - a member is dark, and what its kernel held is gone; chaos.h starts it again */
void world_lose_power(struct world *world, uint32_t member);

/** world_reload() - the configuration is read again: another priority, or the same */
void world_reload(struct world *world, uint32_t member, uint16_t priority);

/** world_translate() - what @sender says, in the dialect of the pair; the new size */
uint32_t world_translate(struct world *world, uint8_t *data, uint32_t size);

/** world_unknown_message() - a message of a newer peer's, its size */
uint32_t world_unknown_message(struct world *world, uint8_t *ret_data);

void world_set_link(struct world *world, uint32_t member, uint32_t lag, bool up);

/** world_set_drained() - somebody drains a leg, or no longer; a daemon that is dead reads it later */
void world_set_drained(struct world *world, uint32_t member, uint32_t lag, bool on);
void world_set_partner(struct world *world, uint32_t member, uint32_t lag, bool in_bond);
void world_set_peer_link(struct world *world, bool up);
void world_set_path(struct world *world, bool up);
/** world_set_vlan() - allow WORLD_VLAN on a leg, or not */
void world_set_vlan(struct world *world, uint32_t member, uint32_t lag, bool allowed);

struct mlag_mac world_host_mac(uint32_t host);

/** world_can_send() - host @host has a working leg at @member */
bool world_can_send(const struct world *world, uint32_t host, uint32_t member);

/**
 * world_send() - follow a frame of @host by its leg at @member to all its ends
 * @destination: a host, or WORLD_HOSTS for broadcast, WORLD_HOSTS + 1 for an unknown unicast
 */
struct world_delivery world_send(struct world *world, uint32_t host, uint32_t member,
				 uint32_t destination);

/** world_send_mac() - the same for any source MAC behind that port */
struct world_delivery world_send_mac(struct world *world, uint32_t host, uint32_t member,
				     const struct mlag_mac *source, uint32_t destination);

/** world_age() - the kernel ages a MAC out on @member, if it holds it as seen there */
void world_age(struct world *world, uint32_t member, const struct mlag_mac *mac);

/** world_random() - a number below @below */
uint32_t world_random(struct world *world, uint32_t below);

/** world_lookup() - what the kernel of @member holds for a MAC */
struct mlag_fdb_entry world_lookup(const struct world *world, uint32_t member,
				   const struct mlag_mac *mac);

/** world_check_safety() - SAFE-1 and SAFE-2 for a broadcast of every host by every leg; a text or NULL */
const char *world_check_safety(struct world *world);

/** world_holds_claims() - a table has of the peer what that one claims, row by row and not by digest */
bool world_holds_claims(const struct table *here, const struct table *there);

/** world_check_verdicts() - SAFE-14 to SAFE-17, SAFE-31 and R2, at every moment so far; a text or NULL */
const char *world_check_verdicts(const struct world *world);

/** world_check_fdb() - SAFE-38: a kernel holds what is claimed, and what its daemon thinks; a text or NULL */
const char *world_check_fdb(struct world *world);

/** world_check_live() - every host reaches every host once; tables match; a text or NULL */
const char *world_check_live(struct world *world);

#endif
