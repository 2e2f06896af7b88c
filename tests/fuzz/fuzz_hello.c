/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any datagrams on the peer link and on the backup path, as mlagd and mlag-guard take them: a hello is
 * read within its bounds and means the same after it was written again, somebody else's datagram is
 * nobody's life, and whatever is heard when, the engine's conclusions stay possible ones.
 *
 * The input is a list: an octet (which path, whether it is authentic, whether time passes), the size,
 * and the datagram; on the backup path with the headers that the guard's packet socket sees.
 */
#include "fuzz.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../daemon/mlagguard/paths.h"
#include "engine.h"
#include "hello.h"

#define DATAGRAMS_MAX 64

static struct paths paths;
static int far_link = -1;
static int far_tap = -1;

static void make_pair(int *ret_near, int *ret_far)
{
	int fds[2];

	fuzz_require(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) == 0);
	*ret_near = fds[0];
	*ret_far = fds[1];
}

static void make_sockets(void)
{
	if (far_link < 0) {
		paths_init(&paths);
		make_pair(&paths.link_fd, &far_link);
		make_pair(&paths.tap_fd, &far_tap);
	}
}

/* What is not read is all zero. */
static void try_hello(const uint8_t *data, uint32_t size)
{
	static struct hello hello, again;
	static uint8_t bytes[MLAG_HELLO_SIZE_MAX];
	struct buf_writer writer;

	if (!hello_get(data, size, &hello)) {
		return;
	}
	fuzz_require(size >= HELLO_HEAD_SIZE && hello.boot_id != 0 &&
		     hello.legs_count <= MLAG_LEGS_MAX);
	if (hello.version != HELLO_VERSION || hello.authentication != HELLO_AUTHENTICATION_NONE) {
		return;
	}
	buf_writer_init(&writer, bytes, sizeof(bytes));
	hello_put(&writer, &hello);
	fuzz_require(!writer.failed && hello_get(bytes, writer.offset, &again));
	fuzz_require(memcmp(&hello, &again, sizeof(hello)) == 0);
}

/* What mlag-guard hears of it: never more than came. */
struct heard {
	const uint8_t *data;
	size_t size;
	uint32_t count;
};

static void on_heard(void *user, const uint8_t *data, uint32_t size)
{
	struct heard *heard = user;

	fuzz_require(size > 0 && size <= heard->size);
	fuzz_require(memcmp(heard->data + (heard->size - size), data, size) == 0);
	heard->count++;
}

static void try_guard(const struct fuzz_input *datagram, bool backup, bool ip6)
{
	struct lease_terms terms = {.backup_size = sizeof(struct sockaddr_in)};
	struct sockaddr_in *local = (void *)&terms.backup_local;
	struct sockaddr_in *remote = (void *)&terms.backup_remote;
	struct heard heard = {datagram->data, datagram->size, 0};

	local->sin_family = remote->sin_family = AF_INET;
	local->sin_addr.s_addr = htonl(0xc000020b);
	remote->sin_addr.s_addr = htonl(0xc000020c);
	if (ip6) {
		memset(local, 0, sizeof(struct sockaddr_in6));
		memset(remote, 0, sizeof(struct sockaddr_in6));
		terms.backup_local.ss_family = terms.backup_remote.ss_family = AF_INET6;
	}
	if (datagram->size == 0 || datagram->size > 2048) {
		return;
	}
	fuzz_require(send(backup ? far_tap : far_link, datagram->data, datagram->size, 0) ==
		     (ssize_t)datagram->size);
	paths_read(&paths, &terms, on_heard, &heard);
	fuzz_require(heard.count <= 1 && (backup || heard.count == 1));
}

static void try_engine(struct mlag_engine *engine, const struct fuzz_input *datagram, uint8_t bits,
		       uint64_t now_ns)
{
	struct mlag_event event = {.type = MLAG_EVENT_HELLO};
	struct mlag_effects effects;
	struct mlag_view view;
	uint8_t *copy = fuzz_copy(datagram->data, datagram->size);

	event.hello.path = (bits & 1) != 0 ? MLAG_PATH_BACKUP : MLAG_PATH_PEER_LINK;
	event.hello.authentic = (bits & 2) != 0;
	event.hello.data = copy;
	event.hello.size = (uint32_t)datagram->size;
	mlag_step(engine, &event, now_ns, &effects);
	free(copy);
	fuzz_require(effects.count <= MLAG_EFFECTS_MAX);
	mlag_get_view(engine, &view);
	/* It never hears itself, and a session is nothing that a hello can make. */
	fuzz_require(engine->liveness.boot_id != engine->config.boot_id);
	fuzz_require(engine->sessions_count == 0);
	fuzz_require(mlag_deadline_ns(engine) > 0);
}

static void pass_time(struct mlag_engine *engine, uint64_t *now_ns, uint8_t steps)
{
	static uint8_t message[MLAG_WIRE_MESSAGE_MAX];
	struct mlag_event event = {.type = MLAG_EVENT_TICK};
	struct mlag_effects effects;

	*now_ns += UINT64_C(50000000) * steps;
	event.tick.read_ns = *now_ns;
	mlag_step(engine, &event, *now_ns, &effects);
	(void)mlag_next_hello(engine, *now_ns, message);
}

static struct mlag_engine *new_engine(uint64_t now_ns)
{
	struct mlag_config config = {.system_mac = {{2, 0, 0, 0, 0, 1}},
				     .domain_id = 1,
				     .priority = 32768,
				     .hello_interval_ns = 100000000,
				     .dead_multiplier = 3,
				     .restart_hold_ns = 3000000000,
				     .startup_wait_ns = 3000000000,
				     .backup = true,
				     .boot_id = 1,
				     .hash_seed = 1,
				     .macs_max = 8,
				     .neighbors_max = 8};
	struct mlag_peer_link link = {
		.ifindex = 10, .bridge_ifindex = 9, .carrier = true, .mac = {{2, 0, 0, 0, 0, 5}}};
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &link};
	void *memory = calloc(1, mlag_engine_size(&config));
	struct mlag_effects effects;
	struct mlag_engine *engine;

	fuzz_require(memory != NULL);
	engine = mlag_engine_init(memory, &config, now_ns);
	mlag_step(engine, &event, now_ns, &effects);
	for (uint16_t lag_id = 1; lag_id <= 2; lag_id++) {
		event = (struct mlag_event){.type = MLAG_EVENT_LEG_CONFIGURE};
		event.leg_configure.lag_id = lag_id;
		mlag_step(engine, &event, now_ns, &effects);
	}
	return engine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint64_t now_ns = 1000000000;
	struct mlag_engine *engine = new_engine(now_ns);

	make_sockets();
	for (uint32_t i = 0; i < DATAGRAMS_MAX && input.size > 0; i++) {
		uint8_t bits = fuzz_take_u8(&input);
		struct fuzz_input datagram = fuzz_take(&input, fuzz_take_u16(&input));
		struct fuzz_input hello = datagram;

		if ((bits & 4) != 0) {
			pass_time(engine, &now_ns, bits >> 4);
		}
		try_guard(&datagram, (bits & 1) != 0, (bits & 8) != 0);
		/* mlagd gets what follows the headers. */
		(void)fuzz_take(&hello, (bits & 1) == 0 ? 0 : (bits & 8) != 0 ? 48 : 28);
		if (hello.size > 0) {
			try_hello(hello.data, (uint32_t)hello.size);
			try_engine(engine, &hello, bits, now_ns);
		}
	}
	free(engine);
	return 0;
}
