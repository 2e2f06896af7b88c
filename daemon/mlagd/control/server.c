// SPDX-License-Identifier: BSD-2-Clause
/*
 * The control socket.  main.c makes one server and hands it a table of methods; here are sockets,
 * lines, buffers and limits only.
 *
 * A client is either being read (it asked for nothing) or being answered; never both, so a client
 * that does not read is not read from either.  An answer is made in turns: the buffer is filled,
 * then it drains, and only an empty buffer is filled again.  Between two turns the loop serves
 * everybody else.
 */
#include "control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* A question with one answer comes before bulk, a list takes turns with it. */
#define PRIORITY_ASK (SD_EVENT_PRIORITY_NORMAL - 10)
#define PRIORITY_LIST SD_EVENT_PRIORITY_NORMAL
#define ERROR_LINES_MAX 64
#define ERROR_LINE_SIZE_MAX 512
#define TEXT_SIZE_MAX 512
#define OUTPUT_RESERVE 8192 /* bytes kept for one more row and the last line */
#define ACCEPTS_PER_TURN_MAX 16

#define WAIT_US 5000 /* between two looks at what a call waits for */

struct client {
	struct control_server *server;
	sd_event_source *source;
	int fd;
	uint64_t progress_ns; /* when it last sent or took something */
	char input[CONTROL_REQUEST_SIZE_MAX];
	size_t input_size;
	char *output; /* CONTROL_OUTPUT_SIZE bytes while it is answered */
	size_t output_start;
	size_t output_end;
	const struct control_method *method; /* whose rows are being sent */
	json_t *request;
	json_t *result;
	struct control_call call;
	bool closing; /* after the output */
	bool waiting; /* for something that takes its time: asked again in a moment */
};

struct control_server {
	sd_event *event;
	sd_event_source *source;
	sd_event_source *waker; /* of those who wait */
	int fd;
	bool paused; /* out of descriptors: accepts nothing until a client goes */
	const struct control_method *methods;
	void *context;
	uint32_t clients_count;
	struct client *clients[CONTROL_CLIENTS_MAX];
	struct sockaddr_un address;
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* A JSON string of a text that may not be UTF-8. */
static json_t *json_text(const char *text)
{
	json_t *json = json_string(text);
	char ascii[TEXT_SIZE_MAX];
	size_t i;

	if (json != NULL) {
		return json;
	}
	for (i = 0; i < sizeof(ascii) - 1 && text[i] != '\0'; i++) {
		ascii[i] = (text[i] & 0x80) != 0 ? '?' : text[i];
	}
	ascii[i] = '\0';
	return json_string(ascii);
}

int control_call_fail(struct control_call *call, int error, const char *code, const char *format,
		      ...)
{
	va_list list;

	free(call->error_code);
	free(call->error_text);
	call->error_code = strdup(code);
	va_start(list, format);
	if (vasprintf(&call->error_text, format, list) < 0) {
		call->error_text = NULL;
	}
	va_end(list);
	return -error;
}

void control_call_add_line(struct control_call *call, const char *text)
{
	char line[ERROR_LINE_SIZE_MAX];

	if (call->error_lines == NULL) {
		call->error_lines = json_array();
	}
	if (json_array_size(call->error_lines) < ERROR_LINES_MAX) {
		snprintf(line, sizeof(line), "%s", text);
		json_array_append_new(call->error_lines, json_text(line));
	}
}

/* ---- a client's answer ---- */

static void end_call(struct client *client)
{
	json_decref(client->request);
	json_decref(client->result);
	json_decref(client->call.error_lines);
	free(client->call.error_code);
	free(client->call.error_text);
	free(client->call.state);
	memset(&client->call, 0, sizeof(client->call));
	client->request = NULL;
	client->result = NULL;
	client->method = NULL;
}

static void drop_client(struct client *client)
{
	struct control_server *server = client->server;

	for (uint32_t i = 0; i < server->clients_count; i++) {
		if (server->clients[i] == client) {
			server->clients[i] = server->clients[--server->clients_count];
			break;
		}
	}
	end_call(client);
	sd_event_source_disable_unref(client->source);
	close(client->fd);
	free(client->output);
	free(client);
	if (server->paused) {
		server->paused = false;
		sd_event_source_set_enabled(server->source, SD_EVENT_ON);
	}
}

/* Appends {"@key": value} as a line; takes @value, which may be NULL (no memory). */
static int put_line(struct client *client, const char *key, json_t *value)
{
	size_t room = CONTROL_OUTPUT_SIZE - client->output_end;
	json_t *line = json_pack("{s:o}", key, value);
	size_t size;

	if (line == NULL) {
		return -ENOMEM;
	}
	size = json_dumpb(line, client->output + client->output_end, room, JSON_COMPACT);
	json_decref(line);
	if (size == 0) {
		return -ENOMEM;
	}
	if (size >= room) {
		return -EMSGSIZE;
	}
	client->output[client->output_end + size] = '\n';
	client->output_end += size + 1;
	return 0;
}

static void put_error(struct client *client, const char *code, const char *text)
{
	json_t *error = json_pack("{s:s,s:o}", "code", code, "text", json_text(text));

	if (error != NULL && client->call.error_lines != NULL) {
		json_object_set(error, "lines", client->call.error_lines);
	}
	if (put_line(client, "error", error) < 0) {
		/* Rather end the connection than leave a client waiting. */
		client->closing = true;
	}
	end_call(client);
}

/* Ends a call that failed with @r. */
static void put_failure(struct client *client, int r)
{
	char *code = client->call.error_code;
	char *text = client->call.error_text;

	client->call.error_code = NULL;
	client->call.error_text = NULL;
	if (code != NULL && text != NULL) {
		put_error(client, code, text);
	} else {
		put_error(client, "internal", strerror(-r));
	}
	free(code);
	free(text);
}

static void put_result(struct client *client)
{
	json_t *result = client->result != NULL ? client->result : json_object();
	int r;

	client->result = NULL;
	r = put_line(client, "result", result);
	if (r < 0) {
		put_error(client, "internal", strerror(-r));
	}
	end_call(client);
}

/* Fills the empty buffer with rows, until it is full, the list ends or the turn is over. */
static void fill(struct client *client)
{
	for (uint32_t rows = 0; rows < CONTROL_ROWS_PER_TURN_MAX; rows++) {
		json_t *row = NULL;
		int r;

		if (CONTROL_OUTPUT_SIZE - client->output_end < OUTPUT_RESERVE) {
			return;
		}
		r = client->method->row(&client->call, &row);
		if (r == -EAGAIN || r == -EINPROGRESS) {
			client->waiting = r == -EINPROGRESS;
			return;
		}
		if (r == 0) {
			put_result(client);
			return;
		}
		if (r > 0) {
			r = put_line(client, "row", row);
		}
		if (r < 0) {
			put_failure(client, r);
			return;
		}
	}
}

static void start_call(struct client *client, const struct control_method *method, json_t *params)
{
	int r;

	client->call.context = client->server->context;
	client->call.params = params;
	r = method->begin(&client->call, &client->result);
	if (r < 0) {
		put_failure(client, r);
	} else if (method->row != NULL) {
		client->method = method;
	} else {
		put_result(client);
	}
}

/* ---- requests ---- */

static void read_request(struct client *client, const char *text, size_t size)
{
	const struct control_method *method = client->server->methods;
	json_t *params;
	const char *name;

	client->request = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	name = json_string_value(json_object_get(client->request, "method"));
	params = json_object_get(client->request, "params");
	if (name == NULL || (params != NULL && !json_is_object(params))) {
		client->closing = true;
		put_error(
			client, "bad-request",
			"not understood; a request is one line {\"method\": NAME, \"params\": {}}");
		return;
	}
	while (method->name != NULL && strcmp(method->name, name) != 0) {
		method++;
	}
	if (method->name == NULL) {
		put_error(client, "unknown-method", "there is no such method");
		return;
	}
	start_call(client, method, params);
}

static bool has_line(const struct client *client)
{
	return memchr(client->input, '\n', client->input_size) != NULL;
}

/* Takes the first line of the input, if there is a whole one. */
static int next_request(struct client *client)
{
	const char *end = memchr(client->input, '\n', client->input_size);
	size_t size;

	if (end == NULL && client->input_size < sizeof(client->input)) {
		return 0;
	}
	if (client->output == NULL) {
		client->output = malloc(CONTROL_OUTPUT_SIZE);
		if (client->output == NULL) {
			return -ENOMEM;
		}
	}
	if (end == NULL) {
		client->closing = true;
		client->input_size = 0;
		put_error(client, "bad-request", "the request is too long; allowed: 4095 bytes");
		return 0;
	}
	size = (size_t)(end - client->input);
	read_request(client, client->input, size);
	client->input_size -= size + 1;
	memmove(client->input, client->input + size + 1, client->input_size);
	return 0;
}

static int receive(struct client *client)
{
	ssize_t size = recv(client->fd, client->input + client->input_size,
			    sizeof(client->input) - client->input_size, MSG_DONTWAIT);

	if (size < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	if (size == 0) {
		return -EPIPE;
	}
	client->input_size += (size_t)size;
	client->progress_ns = clock_ns();
	return 0;
}

/* Sends what the socket takes; frees the buffer when there is nothing to do for the client. */
static int drain(struct client *client)
{
	if (client->output_start < client->output_end) {
		ssize_t size = send(client->fd, client->output + client->output_start,
				    client->output_end - client->output_start,
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (size < 0) {
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		}
		client->output_start += (size_t)size;
		client->progress_ns = clock_ns();
	}
	if (client->output_start == client->output_end) {
		client->output_start = 0;
		client->output_end = 0;
		if (client->closing) {
			return -EPIPE;
		}
		if (client->method == NULL) {
			free(client->output);
			client->output = NULL;
		}
	}
	return 0;
}

static bool is_idle(const struct client *client)
{
	return client->method == NULL && client->output_end == 0;
}

/* One turn for one client: at most one read, one filled buffer, one write. */
static int serve(struct client *client, uint32_t events)
{
	int r = 0;

	if (is_idle(client)) {
		if ((events & EPOLLIN) != 0 && !has_line(client)) {
			r = receive(client);
		}
		if (r == 0) {
			r = next_request(client);
		}
	}
	if (r == 0 && client->method != NULL && client->output_end == 0) {
		fill(client);
	}
	if (r == 0) {
		r = drain(client);
	}
	return r;
}

static int on_waker(sd_event_source *source, uint64_t usec, void *user)
{
	struct control_server *server = user;

	(void)source;
	(void)usec;
	for (uint32_t i = 0; i < server->clients_count; i++) {
		if (server->clients[i]->waiting) {
			server->clients[i]->waiting = false;
			(void)sd_event_source_set_enabled(server->clients[i]->source, SD_EVENT_ON);
		}
	}
	return 0;
}

/* Its turn comes when the waker fires; a waker that cannot be had makes it a turn like others. */
static void wait_a_moment(struct client *client)
{
	struct control_server *server = client->server;
	int r = 0;

	sd_event_source_set_io_events(client->source, EPOLLOUT);
	if (server->waker == NULL) {
		r = sd_event_add_time_relative(server->event, &server->waker, CLOCK_MONOTONIC,
					       WAIT_US, 1000, on_waker, server);
	} else {
		int enabled = SD_EVENT_OFF;

		(void)sd_event_source_get_enabled(server->waker, &enabled);
		if (enabled == SD_EVENT_OFF) {
			r = sd_event_source_set_time_relative(server->waker, WAIT_US);
			if (r >= 0) {
				r = sd_event_source_set_enabled(server->waker, SD_EVENT_ONESHOT);
			}
		}
	}
	if (r >= 0) {
		(void)sd_event_source_set_enabled(client->source, SD_EVENT_OFF);
	} else {
		client->waiting = false;
	}
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct client *client = user;
	bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0;

	(void)fd;
	if (gone || serve(client, events) < 0) {
		drop_client(client);
		return 0;
	}
	if (client->waiting) {
		wait_a_moment(client);
		return 0;
	}
	sd_event_source_set_priority(source, client->method != NULL ? PRIORITY_LIST : PRIORITY_ASK);
	/* With a request in hand, "it can take output" is the call for the next turn. */
	sd_event_source_set_io_events(source,
				      is_idle(client) && !has_line(client) ? EPOLLIN : EPOLLOUT);
	return 0;
}

/* ---- connections ---- */

/* Makes room for one more client: drops the longest idle one, or one that does not read. */
static bool make_room(struct control_server *server)
{
	uint64_t now_ns = clock_ns();
	struct client *victim = NULL;

	for (uint32_t i = 0; i < server->clients_count; i++) {
		struct client *client = server->clients[i];

		if (!is_idle(client) && now_ns - client->progress_ns < CONTROL_STALL_NS) {
			continue;
		}
		if (victim == NULL || (is_idle(client) && !is_idle(victim)) ||
		    (is_idle(client) == is_idle(victim) &&
		     client->progress_ns < victim->progress_ns)) {
			victim = client;
		}
	}
	if (victim == NULL) {
		return false;
	}
	drop_client(victim);
	return true;
}

static void refuse(int fd)
{
	static const char text[] =
		"{\"error\":{\"code\":\"busy\",\"text\":\"too many clients are being answered\"}}\n";

	send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void add_client(struct control_server *server, int fd)
{
	struct client *client;

	if (server->clients_count == CONTROL_CLIENTS_MAX && !make_room(server)) {
		refuse(fd);
		return;
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		close(fd);
		return;
	}
	client->server = server;
	client->fd = fd;
	client->progress_ns = clock_ns();
	if (sd_event_add_io(server->event, &client->source, fd, EPOLLIN, on_client, client) < 0) {
		close(fd);
		free(client);
		return;
	}
	sd_event_source_set_priority(client->source, PRIORITY_ASK);
	server->clients[server->clients_count++] = client;
}

static int on_listen(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct control_server *server = user;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN_MAX; i++) {
		int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client_fd >= 0) {
			add_client(server, client_fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE) {
			log_warning("control socket: %s; an idle client is dropped",
				    strerror(errno));
			if (!make_room(server) && server->clients_count > 0) {
				server->paused = true;
				sd_event_source_set_enabled(source, SD_EVENT_OFF);
			}
		}
		break;
	}
	return 0;
}

static void set_access(const char *path)
{
	const struct group *group = getgrnam(CONTROL_GROUP);

	if (group == NULL) {
		log_warning("control socket %s: there is no group \"%s\"; only root can use it",
			    path, CONTROL_GROUP);
	} else if (chown(path, (uid_t)-1, group->gr_gid) < 0) {
		log_warning("control socket %s: cannot be given to group \"%s\": %s", path,
			    CONTROL_GROUP, strerror(errno));
	}
	if (chmod(path, 0660) < 0) {
		log_warning("control socket %s: mode cannot be set: %s", path, strerror(errno));
	}
}

/* A new socket nobody but root may use until set_access(). */
static int listen_at(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r;

	if (fd < 0) {
		return -errno;
	}
	if (unlink(address->sun_path) < 0 && errno != ENOENT) {
		r = -errno;
		close(fd);
		return r;
	}
	mask = umask(0177);
	r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && listen(fd, CONTROL_CLIENTS_MAX) < 0) {
		r = -errno;
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int control_server_new(sd_event *event, const char *run_dir, const struct control_method *methods,
		       void *context, struct control_server **ret_server)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int size;
	int r;

	if (server == NULL) {
		return -ENOMEM;
	}
	server->fd = -1;
	server->methods = methods;
	server->context = context;
	server->event = sd_event_ref(event);
	server->address.sun_family = AF_UNIX;
	size = snprintf(server->address.sun_path, sizeof(server->address.sun_path), "%s/%s",
			run_dir, CONTROL_SOCKET_NAME);
	if (size < 0 || (size_t)size >= sizeof(server->address.sun_path)) {
		server->address.sun_path[0] = '\0';
		r = -ENAMETOOLONG;
		goto fail;
	}
	server->fd = listen_at(&server->address);
	if (server->fd < 0) {
		r = server->fd;
		goto fail;
	}
	set_access(server->address.sun_path);
	r = sd_event_add_io(event, &server->source, server->fd, EPOLLIN, on_listen, server);
	if (r < 0) {
		goto fail;
	}
	sd_event_source_set_priority(server->source, PRIORITY_ASK);
	*ret_server = server;
	return 0;
fail:
	control_server_free(server);
	return r;
}

void control_server_free(struct control_server *server)
{
	if (server == NULL) {
		return;
	}
	while (server->clients_count > 0) {
		drop_client(server->clients[0]); /* NOLINT: it takes itself off the list */
	}
	sd_event_source_disable_unref(server->waker);
	sd_event_source_disable_unref(server->source);
	if (server->fd >= 0) {
		close(server->fd);
		unlink(server->address.sun_path);
	}
	sd_event_unref(server->event);
	free(server);
}

uint32_t control_server_clients_count(const struct control_server *server)
{
	return server->clients_count;
}

/* ---- one daemon ---- */

static pid_t read_holder(int fd)
{
	char text[32] = "";
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
	long pid = size > 0 ? strtol(text, NULL, 10) : 0;

	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

int control_lock(const char *run_dir, int *ret_fd, pid_t *ret_holder)
{
	char *path = NULL;
	int fd, r;

	if (mkdir(run_dir, 0755) < 0 && errno != EEXIST) {
		return -errno;
	}
	if (asprintf(&path, "%s/%s", run_dir, CONTROL_LOCK_NAME) < 0) {
		return -ENOMEM;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	r = fd < 0 ? -errno : 0;
	free(path);
	if (r < 0) {
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		*ret_holder = read_holder(fd);
		close(fd);
		return r;
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		/* A full disk: the lock holds all the same, it only does not say whose it is. */
		log_warning("%s: the pid of this daemon cannot be written: %s", run_dir,
			    strerror(errno));
	}
	*ret_fd = fd;
	return 0;
}
