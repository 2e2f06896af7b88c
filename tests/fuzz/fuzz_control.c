/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients of the control socket that say anything, in pieces of any size, read as they like and go
 * when they like; the server and its methods are the real ones, on a real engine with some legs and
 * a table of MACs that takes many turns to list.
 *
 * Whatever they do: each line they get is JSON with one of row, result and error; a whole request is
 * answered by exactly one result or error; who goes leaves nothing behind; and the loop falls silent.
 *
 * The input is a list of steps: an operation, which client, a length, and octets.  How much of an
 * answer a write takes is the input's too: send() is ours.
 */
#include "fuzz.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/methods.h"
#include "engine.h"

#define CLIENTS 4
#define MACS 600
#define STEPS_MAX 64
#define TURNS_MAX 20000 /* of the loop; more means that it never falls silent */

static sd_event *loop;
static struct control_server *server;
static struct control_context context;
static struct config config;
static struct mlag_engine *engine;
static char directory[64];
static uint32_t write_size; /* what one write of the server takes; 0: all */

static struct fuzz_client {
	int fd; /* 0: none */
	uint32_t line_size;
	char line[CONTROL_OUTPUT_SIZE + 1];
} clients[CLIENTS];

/* The server's writes, as small as the input wants them. */
ssize_t send(int fd, const void *data, size_t size, int flags)
{
	if (write_size != 0 && size > write_size) {
		size = write_size;
	}
	return sendto(fd, data, size, flags, NULL, 0);
}

static uint64_t now_ns(void)
{
	return 1000000000;
}

static void step(const struct mlag_event *event)
{
	static struct mlag_effects effects;

	mlag_step(engine, event, now_ns(), &effects);
}

/* ---- what the methods call ------------------------------------------------------------------- */

static int reload(void *user, config_error_fn *report, void *report_user)
{
	(void)user;
	report(report_user, CONFIG_SEVERITY_ERROR, "fuzz:1: no");
	return -EINVAL;
}

static int promote(void *user, const char **ret_because)
{
	(void)user;
	*ret_because = "of the fuzzer";
	return -EBUSY;
}

static int leave(void *user)
{
	(void)user;
	return 0;
}

static int leave_step(void *user, uint32_t index, struct control_leave_step *ret)
{
	(void)user;
	*ret = (struct control_leave_step){.name = "step", .text = "done", .error = 0};
	return index < 3 ? 1 : 0;
}

static int copy_record(void *user, uint8_t **ret_data, uint32_t *ret_size)
{
	(void)user;
	*ret_size = 100000;
	*ret_data = calloc(1, *ret_size);
	return *ret_data != NULL ? 0 : -ENOMEM;
}

static void ask(void *user, const struct mlag_question *question)
{
	struct mlag_event event = {.type = MLAG_EVENT_ASK, .ask = question};

	(void)user;
	step(&event);
}

static enum mlag_answer answer(void *user, uint32_t id, struct mlag_row_view *ret_row)
{
	(void)user;
	return mlag_next_answer(engine, id, ret_row);
}

static int drain(void *user, uint16_t lag_id, bool on, bool force, uint16_t *ret_lag_id,
		 const char **ret_because)
{
	(void)user;
	(void)on;
	*ret_lag_id = lag_id;
	*ret_because = "the peer is not there";
	return force ? 0 : -EBUSY;
}

/* ---- the world ------------------------------------------------------------------------------- */

static void remove_directory(void)
{
	control_server_free(server);
	sd_event_unref(loop);
	free(engine);
	(void)rmdir(directory);
}

static void make_engine(void)
{
	struct mlag_config identity = {.system_mac = {{2, 0, 0, 0, 0, 1}},
				       .domain_id = 5,
				       .hello_interval_ns = 100000000,
				       .dead_multiplier = 3,
				       .restart_hold_ns = 3000000000,
				       .startup_wait_ns = 3000000000,
				       .boot_id = 1,
				       .hash_seed = 1,
				       .macs_max = 1024,
				       .neighbors_max = 64};
	struct mlag_event event = {.type = MLAG_EVENT_LEG_CONFIGURE};

	engine = mlag_engine_init(calloc(1, mlag_engine_size(&identity)), &identity, now_ns());
	event.leg_configure.lag_id = 7;
	step(&event);
	for (uint32_t i = 0; i < MACS; i++) {
		event = (struct mlag_event){.type = MLAG_EVENT_FDB};
		event.fdb.key.mac = (struct mlag_mac){{2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i}};
		event.fdb.entry.kind = MLAG_FDB_DYNAMIC;
		event.fdb.entry.ifindex = 30;
		step(&event);
	}
}

static void make_world(void)
{
	static const char text[] =
		"[domain]\nsystem-mac = 44:38:39:ff:00:01\nid = 5\nbridge = br0\n"
		"[peer]\nlink = pl\nlocal = 10.0.0.1\nremote = 10.0.0.2\n"
		"security = none\n[lag bond1]\nid = 7\n";

	fuzz_require(config_parse("F", text, strlen(text), &config, NULL, NULL, NULL) == 0);
	make_engine();
	context = (struct control_context){.engine = engine,
					   .config = &config,
					   .now_ns = now_ns,
					   .reload = reload,
					   .promote = promote,
					   .leave = leave,
					   .leave_step = leave_step,
					   .copy_record = copy_record,
					   .ask = ask,
					   .answer = answer,
					   .drain = drain};
	(void)snprintf(directory, sizeof(directory), "/tmp/mlag-fuzz-XXXXXX");
	fuzz_require(mkdtemp(directory) != NULL && sd_event_new(&loop) >= 0);
	fuzz_require(control_server_new(loop, directory, control_methods, &context, &server) == 0);
	(void)atexit(remove_directory);
}

/* ---- clients --------------------------------------------------------------------------------- */

static void close_client(struct fuzz_client *client)
{
	if (client->fd != 0) {
		(void)close(client->fd);
		client->fd = 0;
	}
}

static void connect_client(struct fuzz_client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	close_client(client);
	client->line_size = 0;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory,
		       CONTROL_SOCKET_NAME);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	fuzz_require(client->fd > 0);
	fuzz_require(connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
}

static void take_line(const char *line, uint32_t size)
{
	json_t *json = json_loadb(line, size, 0, NULL);

	fuzz_require(json_object_size(json) == 1);
	fuzz_require(json_is_object(json_object_get(json, "row")) ||
		     json_object_get(json, "result") != NULL ||
		     json_is_string(json_object_get(json_object_get(json, "error"), "code")));
	json_decref(json);
}

/* At most @size octets; each line that they end is looked at. */
static void read_client(struct fuzz_client *client, uint32_t size)
{
	char data[4096];
	ssize_t n;

	if (client->fd == 0) {
		return;
	}
	n = recv(client->fd, data, size < sizeof(data) ? size : sizeof(data), 0);
	for (ssize_t i = 0; i < n; i++) {
		if (data[i] == '\n') {
			take_line(client->line, client->line_size);
			client->line_size = 0;
			continue;
		}
		fuzz_require(client->line_size < CONTROL_OUTPUT_SIZE);
		client->line[client->line_size++] = data[i];
	}
}

static void say(struct fuzz_client *client, const void *data, size_t size)
{
	if (client->fd == 0) {
		connect_client(client);
	}
	(void)sendto(client->fd, data, size, MSG_NOSIGNAL, NULL, 0);
}

/* A whole request: of a method that there is, with parameters as they come. */
static void request(struct fuzz_client *client, uint8_t which, const struct fuzz_input *params)
{
	char text[CONTROL_REQUEST_SIZE_MAX * 2];
	uint32_t count = 0;
	int size;

	while (control_methods[count].name != NULL) {
		count++;
	}
	size = snprintf(text, sizeof(text), "{\"method\":\"%s\"%s%.*s}\n",
			control_methods[which % count].name, params->size > 0 ? ",\"params\":" : "",
			(int)params->size, (const char *)params->data);
	say(client, text, (size_t)size);
}

/* Until everybody who has gone is forgotten; one who was waiting for something is so a moment later. */
static void run_loop(void)
{
	uint32_t turns = 0;

	while (control_server_clients_count(server) > 0) {
		(void)sd_event_run(loop, 1000000);
		fuzz_require(++turns < TURNS_MAX);
	}
}

static void act(uint8_t operation, struct fuzz_client *client, struct fuzz_input *octets)
{
	switch (operation % 8) {
	case 0:
		connect_client(client);
		break;
	case 1:
		say(client, octets->data, octets->size);
		break;
	case 2:
	case 3:
		request(client, operation >> 3, octets);
		break;
	case 4:
		read_client(client, 1 + ((uint32_t)operation << 4));
		break;
	case 5:
		close_client(client);
		break;
	case 6:
		if (client->fd != 0) {
			(void)shutdown(client->fd, (operation & 8) != 0 ? SHUT_WR : SHUT_RDWR);
		}
		break;
	default:
		write_size = operation >> 3;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	if (loop == NULL) {
		make_world();
	}
	write_size = 0;
	for (uint32_t i = 0; i < STEPS_MAX && input.size > 0; i++) {
		uint8_t operation = fuzz_take_u8(&input);
		struct fuzz_client *client = &clients[fuzz_take_u8(&input) % CLIENTS];
		struct fuzz_input octets = fuzz_take(&input, fuzz_take_u8(&input));

		act(operation, client, &octets);
		for (uint32_t turn = 0; turn < 8; turn++) {
			(void)sd_event_run(loop, 0);
		}
	}
	write_size = 0;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		/* Who reads on gets the rest of his answer. */
		for (uint32_t turn = 0; turn < 64 && clients[i].fd != 0; turn++) {
			(void)sd_event_run(loop, 0);
			read_client(&clients[i], UINT32_MAX);
		}
		close_client(&clients[i]);
	}
	run_loop();
	return 0;
}
