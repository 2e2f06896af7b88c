/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol engine: everything mlagd decides, and nothing it does.
 *
 * An adapter tells the engine what it observed (struct mlag_event) and the time; the engine
 * answers with effects, values that say what should happen next.  No socket, clock, log or
 * allocation is in here, so the same sources run in mlagd, in the simulator and in the fuzzers.
 *
 * What can be long is not an effect but is *pulled*, a slice at a time, so that nothing has to be
 * queued and a slow reader costs no memory: legs to program (mlag_next_leg), FDB operations
 * (mlag_next_fdb), messages for the peer (mlag_next_message).  The effects only say that something
 * is there.  The adapter pulls in this order, which is part of the contract (DESIGN §4):
 *   urgent messages (a leg that fails is told to the peer first), legs, urgent messages again
 *   (acknowledgements of what was just programmed), then FDB slices and bulk messages in turn.
 *
 * All times are nanoseconds of one monotonic clock.  MLAG_NEVER_NS means no time at all.
 */
#ifndef MLAG_MLAG_H
#define MLAG_MLAG_H

#include "forward.h"
#include "mlag_diff.h"
#include "mlag_neighbor.h"
#include "mlag_seen.h"
#include "types.h"

#define MLAG_VERSION "0.1.0"
#define MLAG_PROTOCOL_VERSION 1
#define MLAG_NEVER_NS UINT64_MAX

struct mlag_engine;

/**
 * struct mlag_config - what the engine needs of the configuration
 * @system_mac: shared LACP system id of the pair
 * @domain_id: 1..65535, equal on both members
 * @priority: 0..65535, the lower becomes primary
 * @hello_interval_ns: time between two signs of life
 * @dead_multiplier: intervals of silence after which the session is dead
 * @restart_hold_ns: how long a silent peer behind a living peer link is taken to be restarting
 * @startup_wait_ns: how long to wait for a peer never heard, or a peer link never usable
 * @backup: there is a backup path for hellos
 * @boot_id: 64 random bits of this daemon start, not 0
 * @hash_seed: secret seed of the hash tables
 * @macs_max: rows of the MAC table, 1..MLAG_MACS_MAX; only read by mlag_engine_init()
 * @last_resort: R31 is wanted
 * @neighbors_max: rows of the table of neighbours, 0 for MLAG_NEIGHBORS_MAX; likewise
 */
struct mlag_config {
	struct mlag_mac system_mac;
	uint16_t domain_id;
	uint16_t priority;
	uint64_t hello_interval_ns;
	uint32_t dead_multiplier;
	uint64_t restart_hold_ns;
	uint64_t startup_wait_ns;
	bool backup;
	uint64_t boot_id;
	uint64_t hash_seed;
	uint32_t macs_max;
	bool last_resort;
	uint32_t neighbors_max;
};

enum mlag_event_type {
	MLAG_EVENT_NONE,
	MLAG_EVENT_TICK,		/* time passed */
	MLAG_EVENT_CHANNEL_UP,		/* a connection to the peer stands */
	MLAG_EVENT_CHANNEL_DOWN,	/* it ended, whoever ended it */
	MLAG_EVENT_MESSAGE,		/* one whole message of the peer */
	MLAG_EVENT_HELLO,		/* a hello came by one of the paths */
	MLAG_EVENT_PROMOTE,		/* somebody asks this member to lead */
	MLAG_EVENT_PEER_LINK,		/* the peer link or the bridge changed */
	MLAG_EVENT_LEG,			/* a leg changed, or was polled */
	MLAG_EVENT_LEG_APPLIED,		/* the data plane holds what mlag_next_leg() said */
	MLAG_EVENT_LEG_CONFIGURE,	/* a [lag] section appeared */
	MLAG_EVENT_LEG_REMOVE,		/* a [lag] section went away */
	MLAG_EVENT_FDB,			/* an FDB entry is now as given */
	MLAG_EVENT_FDB_DUMP_BEGIN,	/* entries that follow are a dump */
	MLAG_EVENT_FDB_DUMP_END,	/* the dump is over; it alone proves no absence */
	MLAG_EVENT_FDB_FAILED,		/* an operation of mlag_next_fdb() failed */
	MLAG_EVENT_ADDRESS,		/* an own address or router MAC came or went */
	MLAG_EVENT_NEIGHBOR_DEVICE,	/* a device of a VLAN came, went, or is another one */
	MLAG_EVENT_NEIGHBOR,		/* a neighbour entry is now as given */
	MLAG_EVENT_NEIGHBOR_DUMP_BEGIN, /* entries that follow are a dump */
	MLAG_EVENT_NEIGHBOR_DUMP_END,	/* the dump is over; it alone proves no absence */
	MLAG_EVENT_NEIGHBOR_FAILED,	/* an operation of mlag_next_neighbors() failed */
	MLAG_EVENT_DEFAULT_ROUTE,	/* the default route was looked at */
	MLAG_EVENT_ASK,			/* somebody wants to know how the peer sees a table */
	MLAG_EVENT_DRAIN,		/* somebody wants a leg held, or no longer */
	MLAG_EVENT_RECONFIGURE,		/* [domain] or timers changed */
	MLAG_EVENT_GOODBYE,		/* this member leaves: tell the peer */
	MLAG_EVENT_RESUME,	   /* the data plane goes on by the word of an earlier daemon */
	MLAG_EVENT_RESUME_LEG,	   /* what it holds for a leg that is configured */
	MLAG_EVENT_RESUME_MAC,	   /* a row of its map of known MACs */
	MLAG_EVENT_RESUME_ADDRESS, /* what it holds for an address */
	MLAG_EVENT_RESUMED,	   /* that was all, and the kernel has been read */
	MLAG_EVENT_LEG_REFUSED,	   /* the device of a leg takes no programs: it cannot serve */
};

struct mlag_resume;
struct mlag_leg_program;
struct mlag_address_program;

/**
 * struct mlag_event - one observation
 * @type: says which member of the union counts
 * @tick.read_ns: channel and paths were read dry after this time; silence counts only up to it
 * @message.data: one framed message, header included; borrowed for the call
 * @message.size: MLAG_WIRE_HEADER_SIZE..MLAG_WIRE_MESSAGE_MAX
 * @hello.path: by which it came
 * @hello.data: as it came, without the headers of what carried it; borrowed for the call
 * @hello.authentic: whoever sent it has the key, or there is none; otherwise it proves life and
 *	nothing else
 * @peer_link: borrowed
 * @leg.lag_id: the LAG
 * @leg.observation: borrowed
 * @leg_applied.lag_id, @leg_applied.serial: as mlag_next_leg() gave them
 * @leg_refused.lag_id: the LAG; its device has no program, floods nothing, and until MLAG_EVENT_LEG_APPLIED
 *	the leg is held and nobody waits for it
 * @leg_configure.lag_id: 1..65535
 * @leg_configure.is_new: nothing of it was in service under an earlier daemon: it is held until sync is
 *	proven; only heeded when it is configured
 * @leg_configure.is_drained: as @drain.on
 * @leg_configure.held: why an earlier daemon holds its device, which is out of service; none: it does not
 * @drain.lag_id: the LAG
 * @drain.on: its leg is to be held; off: no longer for that
 * @fdb.key, @fdb.entry: the entry; kind none means it is gone
 * @fdb.listed: by a line of a dump, which may be older than what was stepped since
 *	MLAG_EVENT_FDB_DUMP_BEGIN
 * @fdb_failed.key: the key of the operation
 * @fdb_failed.error: errno, positive
 * @address.key: the address
 * @address.present: it is there now
 * @address.domain: of a router MAC: routing domain of its SVI
 * @address.ifindex: of a router MAC: its SVI; 0 for one more MAC there, such as a shared gateway's
 * @default_route: borrowed
 * @neighbor_device.vlan: 1..4094, or 0 on a plain bridge
 * @neighbor_device.device: not none
 * @neighbor_device.ifindex: 0 when there is none any more; the kernel forgot its neighbours
 * @neighbor.key, @neighbor.entry: the entry; state none means it is gone
 * @neighbor_failed.key: the key of the operation
 * @neighbor_failed.error: errno, positive
 * @ask: borrowed
 * @reconfigure: borrowed
 * @resume: borrowed; see resume.h
 * @resume_leg: borrowed; serial, flood and carrier are not looked at
 * @resume_mac.key, @resume_mac.place: a row
 * @resume_address: borrowed; old_peer_link_ifindex is not looked at
 */
struct mlag_event {
	enum mlag_event_type type;
	union {
		struct {
			uint64_t read_ns;
		} tick;
		struct {
			const uint8_t *data;
			uint32_t size;
		} message;
		struct {
			enum mlag_path path;
			const uint8_t *data;
			uint32_t size;
			bool authentic;
		} hello;
		const struct mlag_peer_link *peer_link;
		struct {
			uint16_t lag_id;
			const struct mlag_leg_observation *observation;
		} leg;
		struct {
			uint16_t lag_id;
			uint32_t serial;
		} leg_applied;
		struct {
			uint16_t lag_id;
		} leg_refused;
		struct {
			uint16_t lag_id;
			bool is_new;
			bool is_drained;
			enum mlag_hold held;
		} leg_configure;
		struct {
			uint16_t lag_id;
			bool on;
		} drain;
		struct {
			struct mlag_mac_key key;
			struct mlag_fdb_entry entry;
			bool listed;
		} fdb;
		struct {
			struct mlag_mac_key key;
			int error;
		} fdb_failed;
		struct {
			struct mlag_address_key key;
			bool present;
			uint32_t domain;
			uint32_t ifindex;
		} address;
		const struct mlag_default_route *default_route;
		struct {
			uint16_t vlan;
			enum mlag_neighbor_device device;
			uint32_t ifindex;
		} neighbor_device;
		struct {
			struct mlag_neighbor_key key;
			struct mlag_neighbor_entry entry;
		} neighbor;
		struct {
			struct mlag_neighbor_key key;
			int error;
		} neighbor_failed;
		const struct mlag_question *ask;
		const struct mlag_config *reconfigure;
		const struct mlag_resume *resume;
		const struct mlag_leg_program *resume_leg;
		struct {
			struct mlag_mac_key key;
			struct mlag_source place;
		} resume_mac;
		const struct mlag_address_program *resume_address;
	};
};

enum mlag_effect_type {
	MLAG_EFFECT_NONE,
	MLAG_EFFECT_CLOSE,  /* send what is due, end the connection, retry after close.retry_ns */
	MLAG_EFFECT_NOTICE, /* something a person or a monitor should hear of */
	MLAG_EFFECT_DIFFERENCE, /* a row was not what it should be; it is put right */
};

#define MLAG_NOTICES(X)                           \
	X(MLAG_NOTICE_NONE, "none")               \
	X(MLAG_NOTICE_SESSION, "session")         \
	X(MLAG_NOTICE_VERDICT, "verdict")         \
	X(MLAG_NOTICE_ROLE, "role")               \
	X(MLAG_NOTICE_PEER, "peer")               \
	X(MLAG_NOTICE_PEER_LINK, "peer link")     \
	X(MLAG_NOTICE_BACKUP, "backup path")      \
	X(MLAG_NOTICE_LEG, "leg")                 \
	X(MLAG_NOTICE_PEER_LEG, "peer-leg")       \
	X(MLAG_NOTICE_REFUSED, "refused")         \
	X(MLAG_NOTICE_TABLE_FULL, "table-full")   \
	X(MLAG_NOTICE_FLAPPING, "flapping")       \
	X(MLAG_NOTICE_MISMATCH, "mismatch")       \
	X(MLAG_NOTICE_SYNCED, "synced")           \
	X(MLAG_NOTICE_LAST_RESORT, "last-resort") \
	X(MLAG_NOTICE_RESUMED, "resumed")         \
	X(MLAG_NOTICE_HOLD, "hold")
enum mlag_notice { MLAG_NOTICES(MLAG_ENUM_VALUE) };
const char *mlag_notice_text(enum mlag_notice notice);

/**
 * struct mlag_effect - one consequence
 * @type: says which member of the union counts
 * @close.reason: why
 * @close.retry_ns: do not connect or accept before this time has passed
 * @notice.notice: what changed
 * @notice.lag_id: of a leg or hold notice, else 0
 * @notice.from, @notice.to: old and new word; constant strings
 * @notice.because: the cause; a constant string
 * @difference: of the row
 */
struct mlag_effect {
	enum mlag_effect_type type;
	union {
		struct {
			enum mlag_close_reason reason;
			uint64_t retry_ns;
		} close;
		struct {
			enum mlag_notice notice;
			uint16_t lag_id;
			const char *from;
			const char *to;
			const char *because;
		} notice;
		struct mlag_difference difference;
	};
};

/**
 * struct mlag_effects - the effects of one step
 * @count: how many of @items are filled
 * @notices_lost: notices for which there was no room; nothing but notices is ever lost
 */
struct mlag_effects {
	uint32_t count;
	uint32_t notices_lost;
	struct mlag_effect items[MLAG_EFFECTS_MAX];
};

/**
 * mlag_engine_size() - bytes of memory an engine needs
 * @config: only macs_max and neighbors_max are read
 *
 * Return: the size for mlag_engine_init(); most of it is touched only as tables fill.
 */
size_t mlag_engine_size(const struct mlag_config *config);

/**
 * mlag_engine_init() - make an engine in memory of the caller's
 * @memory: mlag_engine_size() bytes, zeroed, aligned for any type
 * @config: copied
 * @now_ns: the time of birth; startup-wait counts from here
 *
 * Return: the engine; it owns nothing but @memory, so there is no fini.
 */
struct mlag_engine *mlag_engine_init(void *memory, const struct mlag_config *config,
				     uint64_t now_ns);

/**
 * mlag_step() - tell the engine what happened
 * @engine: the engine
 * @event: what was observed; an event that makes no sense is counted and otherwise ignored
 * @now_ns: the time; never less than in an earlier call
 * @ret_effects: overwritten with the consequences
 *
 * Context: never blocks, never fails, does not keep pointers of @event.
 */
void mlag_step(struct mlag_engine *engine, const struct mlag_event *event, uint64_t now_ns,
	       struct mlag_effects *ret_effects);

/**
 * mlag_deadline_ns() - when the engine next wants MLAG_EVENT_TICK
 * @engine: the engine
 *
 * Return: a time that may already have passed, or MLAG_NEVER_NS.
 */
uint64_t mlag_deadline_ns(const struct mlag_engine *engine);

/**
 * mlag_leg_poll_ns() - how often the carrier and LACP state of legs should be observed
 * @engine: the engine
 *
 * Return: 20 ms while a leg is pending (DESIGN §4), 100 ms with a static leg that has carrier (a
 * plain port's event may come a second late), half a second otherwise, MLAG_NEVER_NS without legs.
 */
uint64_t mlag_leg_poll_ns(const struct mlag_engine *engine);

enum mlag_urgency {
	MLAG_URGENCY_NONE,
	MLAG_URGENCY_URGENT, /* hello, refusal, legs, acknowledgements, keepalive, goodbye */
	MLAG_URGENCY_BULK,   /* also tables */
};

/**
 * mlag_next_message() - take the next message for the peer
 * @engine: the engine
 * @urgency: the least urgent kind wanted; urgent ones always come first
 * @now_ns: the time
 * @ret_data: room for MLAG_WIRE_MESSAGE_MAX bytes
 *
 * Return: the message's size in bytes, or 0 when nothing is due.
 */
uint32_t mlag_next_message(struct mlag_engine *engine, enum mlag_urgency urgency, uint64_t now_ns,
			   uint8_t *ret_data);

/**
 * mlag_next_hello() - take the hello that is due, if one is
 * @engine: the engine
 * @now_ns: the time
 * @ret_data: room for MLAG_HELLO_SIZE_MAX bytes; the same is to be sent on every path
 *
 * Return: its size in bytes, 0 when none is due.
 */
uint32_t mlag_next_hello(struct mlag_engine *engine, uint64_t now_ns, uint8_t *ret_data);

/**
 * mlag_may_promote() - would MLAG_EVENT_PROMOTE make this member primary?
 * @engine: the engine
 * @ret_because: why not; a constant string, NULL if it would
 *
 * The role moves when the peer is heard, so that it hears of it, or when nothing at all is known of
 * it and somebody knows better than we do.  A primary may always.
 */
bool mlag_may_promote(const struct mlag_engine *engine, const char **ret_because);

/**
 * struct mlag_leg_program - what the data plane should hold for one leg
 * @lag_id: the LAG
 * @ifindex: its device
 * @serial: to be returned with MLAG_EVENT_LEG_APPLIED
 * @gate: what may leave through the leg
 * @flood: the bridge may flood to it (flood, mcast_flood and bcast_flood of the port)
 * @carrier: the leg has carrier; if so and the gate closes, the flood flags go first, so that no
 *	flood is mistaken for known unicast; without carrier the gate goes first (DESIGN §4)
 * @untagged_vid: see struct mlag_leg_observation
 * @hold: why the device is to be out of service, told to its partner by LACP first; none: it is to be
 *	as it was found.  Only with a closed gate, once that is applied
 * @stay: the device stays in service or out of it, whichever it is: it is to be held and its gate not
 *	closed yet, or nothing has been decided yet.  What an earlier daemon held is not let go for that
 * @own_system: LACP under the device's own system id, not the pair's
 * @isolated: VLANs in which R1 is in force
 * @held: of an open leg: VLANs that the peer has not acknowledged: no group frames there
 * @memory: to be kept with the rest, for the daemon after this one
 */
struct mlag_leg_program {
	uint16_t lag_id;
	uint16_t untagged_vid;
	uint32_t ifindex;
	uint32_t serial;
	enum mlag_gate gate;
	bool flood;
	bool carrier;
	enum mlag_hold hold;
	bool stay;
	bool own_system;
	struct mlag_vlans isolated;
	struct mlag_vlans held;
	struct mlag_port_memory memory;
};

/**
 * mlag_next_leg() - take the next leg whose program changed
 * @engine: the engine
 * @ret_program: what the data plane should hold
 *
 * The caller programs it and steps MLAG_EVENT_LEG_APPLIED; nothing is acknowledged to the peer
 * before that.  A leg whose programming failed is not stepped and comes again after 100 ms.
 *
 * Return: true when there was one.
 */
bool mlag_next_leg(struct mlag_engine *engine, struct mlag_leg_program *ret_program);

/* What to do with one FDB entry. */
#define MLAG_FDB_VERBS(X)                                                                  \
	X(MLAG_FDB_VERB_NONE, "none")                                                      \
	X(MLAG_FDB_VERB_SET, "set")	/* create or replace, as given */                  \
	X(MLAG_FDB_VERB_RENEW, "renew") /* delete, then create: the kind's flags differ */ \
	X(MLAG_FDB_VERB_DELETE, "delete")                                                  \
	X(MLAG_FDB_VERB_VERIFY, "verify") /* ask the kernel, and step MLAG_EVENT_FDB */
enum mlag_fdb_verb { MLAG_FDB_VERBS(MLAG_ENUM_VALUE) };

/**
 * struct mlag_fdb_operation - one operation on the FDB and on the map of known MACs
 * @verb: what to do in the kernel's FDB; none leaves it alone
 * @key: the entry
 * @entry: what it should be (set, renew), or the port it is deleted from (delete)
 * @place_known: the map of known MACs should hold @place, otherwise it should not have the key
 * @place: where the MAC is, and whether the peer knows
 */
struct mlag_fdb_operation {
	enum mlag_fdb_verb verb;
	struct mlag_mac_key key;
	struct mlag_fdb_entry entry;
	bool place_known;
	struct mlag_source place;
};

/**
 * mlag_next_fdb() - take the next slice of FDB operations
 * @engine: the engine
 * @ret_operations: room for @size_max of them
 * @size_max: 1..MLAG_FDB_BATCH_MAX
 *
 * What is taken is believed done until MLAG_EVENT_FDB or MLAG_EVENT_FDB_FAILED says otherwise.
 *
 * Return: how many were written.
 */
uint32_t mlag_next_fdb(struct mlag_engine *engine, struct mlag_fdb_operation *ret_operations,
		       uint32_t size_max);

/**
 * mlag_wants_dump() - MACs found no room, and there is room again
 *
 * Return: true until the next MLAG_EVENT_FDB_DUMP_BEGIN: the FDB should be dumped.
 */
bool mlag_wants_dump(const struct mlag_engine *engine);

/**
 * struct mlag_address_program - what the data plane should hold for one address
 * @key: the address
 * @owner: none: it should hold nothing
 * @domain: of a router MAC: routing domain of its owner's SVI, by which the owner's IP addresses
 *	are looked up
 * @own_mac: of the peer's router MAC: ours in the same VLAN, all zero where we have no SVI
 * @own_ifindex: of a router MAC: our SVI in the VLAN, 0 for none
 * @on_peer_link: of the peer's router MAC: it wants a static sticky FDB entry on the peer link
 * @peer_link_ifindex: which that is, 0 for none
 * @old_peer_link_ifindex: where an earlier program wanted one; what is no longer wanted is deleted
 */
struct mlag_address_program {
	struct mlag_address_key key;
	enum mlag_owner owner;
	uint32_t domain;
	struct mlag_mac own_mac;
	bool on_peer_link;
	uint32_t own_ifindex;
	uint32_t peer_link_ifindex;
	uint32_t old_peer_link_ifindex;
};

/**
 * mlag_next_addresses() - take the next slice of addresses whose program changed
 * @engine: the engine
 * @ret_programs: room for @size_max of them
 * @size_max: 1..MLAG_FDB_BATCH_MAX
 *
 * Return: how many were written.
 */
uint32_t mlag_next_addresses(struct mlag_engine *engine, struct mlag_address_program *ret_programs,
			     uint32_t size_max);

/**
 * mlag_may_route_for_peer() - R21: the peer's address table is proven complete here
 *
 * While it is not, everything with the peer's router MAC goes to the peer.
 */
bool mlag_may_route_for_peer(const struct mlag_engine *engine);

/* R31, of one family. */
#define MLAG_LAST_RESORTS(X)                                                 \
	X(MLAG_LAST_RESORT_NONE, "none")                                     \
	X(MLAG_LAST_RESORT_OFF, "off")	   /* in the configuration */        \
	X(MLAG_LAST_RESORT_READY, "ready") /* not needed, or not possible */ \
	X(MLAG_LAST_RESORT_ACTIVE, "active")
enum mlag_last_resort_state { MLAG_LAST_RESORTS(MLAG_ENUM_VALUE) };
const char *mlag_last_resort_state_text(enum mlag_last_resort_state state);

/**
 * struct mlag_last_resort - the last resort of one family (R31), to be made so and to be shown
 * @family: 4 or 6
 * @state: with "active" the route is wanted, otherwise none of ours
 * @armed: the rules that lead to the route's table are wanted
 * @keep: what is there stays as it is, for the peer was not heard yet; route and rules alike
 * @vlan: of the next hop; 0 on a plain bridge, and unless active
 * @ifindex: our SVI there; 0 unless active
 * @octets: the next hop, an address of the peer's of this family, the rest zero
 * @because: why; a constant string
 */
struct mlag_last_resort {
	uint8_t family;
	enum mlag_last_resort_state state;
	bool armed;
	bool keep;
	uint16_t vlan;
	uint32_t ifindex;
	uint8_t octets[16];
	const char *because;
};

/**
 * mlag_last_resort_serial() - changes whenever mlag_get_last_resort() says something new
 *
 * What is new is to be made so before the next message is taken: the peer acts on what it says.
 */
uint64_t mlag_last_resort_serial(const struct mlag_engine *engine);

/**
 * mlag_get_last_resort() - what should be so, by position
 * @index: 0, 1 … until it returns false
 */
bool mlag_get_last_resort(const struct mlag_engine *engine, uint32_t index,
			  struct mlag_last_resort *ret_last_resort);

/** mlag_last_resort_differs() - the peer does not take part in what is on here */
bool mlag_last_resort_differs(const struct mlag_engine *engine);

/**
 * struct mlag_address_view - one address, for `mlagctl addresses`
 * @own, @peer: who has it
 * @domain: see struct mlag_address_program
 */
struct mlag_address_view {
	struct mlag_address_key key;
	bool own;
	bool peer;
	uint32_t domain;
};

/** mlag_next_address_view() - walk the address table; as mlag_next_mac() */
bool mlag_next_address_view(const struct mlag_engine *engine, uint32_t *cursor,
			    struct mlag_address_view *ret_view);

/** mlag_find_address() - one address of the table; false when neither member has it */
bool mlag_find_address(const struct mlag_engine *engine, const struct mlag_address_key *key,
		       struct mlag_address_view *ret_view);

/**
 * struct mlag_table_view - how one replicated table stands
 * @local_count, @remote_count: rows that this member and that the peer publishes
 * @match: both digests were proven equal since the last change
 * @full: rows found no room and are missing here
 * @differences_count: rows that were not what they should be, and were put right
 */
struct mlag_table_view {
	uint32_t local_count;
	uint32_t remote_count;
	bool match;
	bool full;
	uint64_t differences_count;
};

/**
 * struct mlag_view - the whole state at a glance, for `mlagctl status`
 * @verdict_since_ns, @session_since_ns: on the engine's clock
 * @verdict_because, @verdict_next: why it is so, and what would change it; constant strings
 * @peer_finding, @link_finding, @backup_finding: what is found of the peer and of each path
 * @refused_by_us: with session refused: this member refused the other
 * @close_reason: why the last session ended or was refused
 * @peer_known: the fields about the peer were filled by a HELLO
 * @synced: the peer's snapshots are complete and programmed here, and ours there
 * @fdb_pending: operations not yet taken by mlag_next_fdb()
 * @neighbors_pending, @legs_pending: the same of mlag_next_neighbors() and mlag_next_leg()
 * @malformed_count, @ignored_count: messages refused, events that made no sense
 * @closes: by enum mlag_close_reason: connections that ended for it
 */
struct mlag_view {
	enum mlag_role role;
	enum mlag_verdict verdict;
	uint64_t verdict_since_ns;
	const char *verdict_because;
	const char *verdict_next;
	enum mlag_peer_finding peer_finding;
	enum mlag_path_finding link_finding;
	enum mlag_path_finding backup_finding;
	enum mlag_session_state session;
	uint64_t session_since_ns;
	bool refused_by_us;
	enum mlag_close_reason close_reason;
	struct mlag_mac member_id;
	uint64_t boot_id;
	uint32_t role_epoch;
	bool peer_known;
	struct mlag_mac peer_member_id;
	uint64_t peer_boot_id;
	uint16_t peer_priority;
	uint16_t peer_protocol;
	char peer_version[MLAG_TEXT_MAX];
	bool peer_link_carrier;
	bool peer_link_usable;
	bool synced;
	struct mlag_table_view legs;
	struct mlag_table_view macs;
	struct mlag_table_view addresses;
	struct mlag_table_view neighbors;
	uint32_t fdb_pending;
	uint32_t neighbors_pending;
	uint32_t legs_pending;
	uint64_t malformed_count;
	uint64_t ignored_count;
	uint64_t sessions_count;
	uint64_t closes[MLAG_CLOSE_REASONS_COUNT];
};

void mlag_get_view(const struct mlag_engine *engine, struct mlag_view *ret_view);

/**
 * struct mlag_leg_view - one LAG, for `mlagctl lags`
 * @state: of the local leg
 * @hold: why it is to be held; @held: its device is out of service for that
 * @peer_present: the peer has a leg of this LAG
 * @peer_up: the peer's leg is ready or open
 * @peer_open: the peer's leg floods
 * @peer_isolates: the peer has R1 in force for what our leg is now
 * @peer_vlans: VLANs of the peer's leg
 * @isolated: R1 is in force here in at least one VLAN of the leg
 * @partner_differs: both legs speak LACP and their partners are not the same system
 * @mode_differs: only one of the two legs speaks LACP
 * @partner_elsewhere_lag_id: the peer knows the partner of our leg under this LAG id, 0 for none
 */
struct mlag_leg_view {
	uint16_t lag_id;
	uint32_t ifindex;
	enum mlag_leg_state state;
	enum mlag_hold hold;
	bool held;
	uint64_t since_ns;
	uint32_t generation;
	bool peer_present;
	bool peer_up;
	bool peer_open;
	bool peer_isolates;
	struct mlag_vlans peer_vlans;
	bool isolated;
	bool partner_differs;
	bool mode_differs;
	uint16_t partner_elsewhere_lag_id;
	struct mlag_mac partner_mac;
	struct mlag_mac peer_partner_mac;
};

/**
 * mlag_get_leg() - look at a LAG by position
 * @index: 0, 1, 2 … until it returns false
 *
 * Return: true when there is one; LAGs that only the peer has come too.
 */
bool mlag_get_leg(const struct mlag_engine *engine, uint32_t index, struct mlag_leg_view *ret_view);

/**
 * mlag_may_drain() - may a leg be drained without cutting its host off?
 * @lag_id: a LAG that is configured here, or any other
 * @ret_because: why not; a constant string, NULL if it may
 */
bool mlag_may_drain(const struct mlag_engine *engine, uint16_t lag_id, const char **ret_because);

/**
 * mlag_held_vlans() - VLANs whose hosts this member cannot reach
 * @ret_vlans: those of at least one leg here, all of which are held, while the peer link does not
 *	carry; bit 0 on a plain bridge
 *
 * Orphans are not looked at: the engine does not know them.
 */
void mlag_held_vlans(const struct mlag_engine *engine, struct mlag_vlans *ret_vlans);

/**
 * struct mlag_mac_view - one MAC, for `mlagctl macs`
 * @own, @peer: who sees it
 * @lag_id: the LAG of the winning claim, 0 for an orphan
 * @entry: what the kernel holds, as last seen
 * @own_seq, @peer_seq: sequence numbers of the claims, 0 for none
 */
struct mlag_mac_view {
	struct mlag_mac_key key;
	bool own;
	bool peer;
	uint16_t lag_id;
	struct mlag_fdb_entry entry;
	uint32_t own_seq;
	uint32_t peer_seq;
};

/**
 * mlag_next_mac() - walk the MAC table, row by row
 * @cursor: in and out; starts at 0.  Rows may come and go between two calls
 *
 * Return: true when @ret_view was filled, false at the end.
 */
bool mlag_next_mac(const struct mlag_engine *engine, uint32_t *cursor,
		   struct mlag_mac_view *ret_view);

/**
 * struct mlag_flap_view - a MAC whose moves are not followed now, because there are too many (R9)
 * @moves: that were followed before that
 * @until_ns: when they are followed again, on the engine's clock
 */
struct mlag_flap_view {
	struct mlag_mac_key key;
	uint32_t moves;
	uint64_t until_ns;
};

/** mlag_next_flap() - walk those MACs; as mlag_next_mac() */
bool mlag_next_flap(const struct mlag_engine *engine, uint32_t *cursor,
		    struct mlag_flap_view *ret_view);

/** mlag_get_mac() - look a MAC up; false when nobody claims it */
bool mlag_get_mac(const struct mlag_engine *engine, const struct mlag_mac_key *key,
		  struct mlag_mac_view *ret_view);

/**
 * mlag_assert_failed() - the one hook an engine's assert calls; its embedder supplies it
 *
 * Context: does not return.
 */
_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line);

#define mlag_assert(expression) \
	((expression) ? (void)0 : mlag_assert_failed(#expression, __FILE__, __LINE__))

#endif
