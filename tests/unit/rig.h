/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One engine and a peer made of bytes: the test says what the peer says, message by message, and
 * sees what the engine answers.  For what two well-behaved engines (world.h) never do.
 */
#ifndef MLAG_TESTS_RIG_H
#define MLAG_TESTS_RIG_H

#include "engine.h"
#include "resume.h"

#define RIG_MS UINT64_C(1000000)
#define RIG_SECOND (1000 * RIG_MS)
#define RIG_STEP_NS (50 * RIG_MS)
#define RIG_PEER_LINK 10 /* ifindex of the peer link */
#define RIG_LEG 20	 /* ifindex of the leg of LAG 1 */
#define RIG_ORPHAN 30	 /* ifindex of some other port */
#define RIG_VLAN 7

struct rig {
	struct mlag_engine *engine;
	void *memory;
	struct mlag_config config;
	struct mlag_peer_link peer_link;
	struct hello
		path_hello; /* what the peer says on the paths; its boot id is that of @hello */
	bool silent;	    /* it says nothing there */
	struct wire_hello hello; /* what the peer says of itself */
	uint64_t now_ns;
	struct mlag_effects effects; /* of the last step */
	uint32_t closes;	     /* since rig_init() */
	enum mlag_close_reason close_reason;
	uint32_t notices[MLAG_NOTICE_HOLD + 1];
	uint32_t batch; /* of the last ROWS message of MACs, then of legs */
	uint32_t leg_batch;
	uint32_t neighbor_batch;
	uint8_t bytes[MLAG_WIRE_MESSAGE_MAX]; /* the message under way */
	struct buf_writer writer;	      /* its payload */
	struct mlag_view view;		      /* the last one asked for */
};

/** rig_init() - an engine that knows its peer link and nothing else; @macs_max 0 for 64 */
void rig_init(struct rig *rig, uint32_t macs_max);
void rig_fini(struct rig *rig);

void rig_step(struct rig *rig, const struct mlag_event *event);
void rig_step_type(struct rig *rig, enum mlag_event_type type);

/** rig_say_hello() - the peer says hello on a path, trusted or not */
void rig_say_hello(struct rig *rig, enum mlag_path path, bool authentic);

/**
 * rig_tick() - time passes, with the channel read dry all along; the session is silent, and unless the
 * rig is, hellos come on the peer link
 */
void rig_tick(struct rig *rig, uint64_t duration_ns);

/** rig_begin() - start a message of the peer; its payload goes to @writer */
struct buf_writer *rig_begin(struct rig *rig);

/** rig_init_connected() - a static leg, a session that stands, and nothing left to be said */
void rig_init_connected(struct rig *rig);

/** rig_view() - what the engine shows of itself now */
const struct mlag_view *rig_view(struct rig *rig);

/** rig_expect_closed() - the session was ended once, for this */
void rig_expect_closed(struct rig *rig, enum mlag_close_reason reason);

/** rig_hear() - the engine hears it, from memory of its very size */
void rig_hear(struct rig *rig, uint16_t type);

/** rig_hear_bytes() - the engine hears any bytes as a message */
void rig_hear_bytes(struct rig *rig, const uint8_t *data, uint32_t size);

/** rig_hear_hello() - the peer's hello */
void rig_hear_hello(struct rig *rig);

/** rig_connect() - connection and hello: the session is up */
void rig_connect(struct rig *rig);

/** rig_begin_rows() - start a ROWS message of @count rows with the next batch number */
struct buf_writer *rig_begin_rows(struct rig *rig, enum wire_table table, uint16_t count);

void rig_hear_begin(struct rig *rig, enum wire_table table, uint32_t id);
void rig_hear_end(struct rig *rig, enum wire_table table, uint32_t id);
void rig_hear_ack(struct rig *rig, enum wire_table table, uint32_t batch, uint32_t snapshot);

/** rig_hear_snapshots() - empty snapshots of both tables: the peer has nothing */
void rig_hear_snapshots(struct rig *rig);

/** rig_hear_mac(), rig_hear_no_mac() - the peer claims a MAC in RIG_VLAN, or withdraws it */
void rig_hear_mac(struct rig *rig, uint8_t mac, uint16_t lag_id, uint32_t seq, uint8_t flags);
void rig_hear_no_mac(struct rig *rig, uint8_t mac);

/** rig_hear_leg() - the peer speaks of its leg */
void rig_hear_leg(struct rig *rig, uint16_t lag_id, const struct leg_value *value);
void rig_hear_no_leg(struct rig *rig, uint16_t lag_id);

/** rig_next() - the next message of the engine; its type, WIRE_NONE when there is none */
enum wire_type rig_next(struct rig *rig, struct buf_reader *ret_payload);

/** rig_drain() - take all messages; how many there were */
uint32_t rig_drain(struct rig *rig);

/** rig_apply() - take all programs of legs and confirm them; how many there were */
uint32_t rig_apply(struct rig *rig);

struct mlag_mac_key rig_key(uint8_t mac);

/** rig_fdb() - the kernel reports an entry in RIG_VLAN */
void rig_fdb(struct rig *rig, uint8_t mac, uint32_t ifindex, enum mlag_fdb_kind kind);

/** rig_operations() - take all FDB operations (at most MLAG_FDB_BATCH_MAX) */
uint32_t rig_operations(struct rig *rig, struct mlag_fdb_operation *ret_operations);

/** rig_operation() - take exactly one FDB operation; anything else fails an assert */
struct mlag_fdb_operation rig_operation(struct rig *rig);

/** rig_mac() - what the engine thinks of a MAC; false if nobody claims it */
bool rig_mac(const struct rig *rig, uint8_t mac, struct mlag_mac_view *ret_view);

/** rig_configure_leg() - LAG @lag_id appears in the configuration */
void rig_configure_leg(struct rig *rig, uint16_t lag_id);

/** rig_observe_leg() - observe it */
void rig_observe_leg(struct rig *rig, uint16_t lag_id, const struct mlag_leg_observation *seen);

/** rig_static_leg() - LAG 1 as a static leg with carrier on RIG_LEG, configured and applied */
void rig_static_leg(struct rig *rig);

/** rig_own_leg() - what the engine publishes of its leg; NULL for nothing */
const struct leg_value *rig_own_leg(const struct rig *rig, uint16_t lag_id);

/** rig_resume() - what a daemon may have left, every kind of field with something in it */
struct mlag_resume rig_resume(void);

#endif
