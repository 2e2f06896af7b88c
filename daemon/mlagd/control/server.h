/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: DIR/control.sock, an AF_UNIX stream.  A client sends one line of JSON,
 *	{"method": NAME, "params": {...}}
 * and gets lines of JSON: any number of {"row": {...}} and then one {"result": ...} or
 * {"error": {"code": ..., "text": ...}}.  After that it may ask again.
 *
 * Lists are made row by row as the socket drains: a slow reader costs one buffer, never a list.
 * The server knows nothing of what the methods say (control/methods.h).
 */
#ifndef MLAGD_CONTROL_SERVER_H
#define MLAGD_CONTROL_SERVER_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define CONTROL_SOCKET_NAME "control.sock"
#define CONTROL_LOCK_NAME "mlagd.lock"
#define CONTROL_GROUP "mlag"
#define CONTROL_RUN_DIR_DEFAULT "/run/mlagd"

#define CONTROL_CLIENTS_MAX 128	      /* one more drops the longest idle one */
#define CONTROL_REQUEST_SIZE_MAX 4096 /* bytes of a request line */
#define CONTROL_OUTPUT_SIZE 65536     /* bytes of output held for one client */
#define CONTROL_ROWS_PER_TURN_MAX 128 /* rows made for one client before others have their turn */
#define CONTROL_STALL_NS UINT64_C(5000000000) /* a client that does not read may be dropped */

/**
 * struct control_call - one request in progress
 * @context: as given to control_server_new()
 * @params: the request's parameters, an object, or NULL; borrowed, valid until the call ends
 * @cursor: for @row; starts at 0
 * @state: for @row; free()d when the call ends, however it ends
 */
struct control_call {
	void *context;
	const json_t *params;
	uint32_t cursor;
	void *state;
	/* private */
	char *error_code;
	char *error_text;
	json_t *error_lines;
};

/**
 * struct control_method - one method
 * @name: as in the request; a NULL name ends a table
 * @begin: called once.  Returns 0, or -errno after control_call_fail() (without it the client is
 *	told "internal").  With a @row, it may leave *ret_result alone: the result is then {}.
 *	Without a @row, *ret_result is the answer; the server takes it
 * @row: NULL, or called until it ends the list: 1 with a new object in *ret_row (the server takes
 *	it), 0 at the end, -EAGAIN when it looked at many and found none yet (it is called again in
 *	the next turn of the loop), -EINPROGRESS when it waits for something (it is called again after
 *	some milliseconds), another -errno as in @begin
 *
 * Context: in the event loop; must not block.
 */
struct control_method {
	const char *name;
	int (*begin)(struct control_call *call, json_t **ret_result);
	int (*row)(struct control_call *call, json_t **ret_row);
};

/**
 * control_call_fail() - say why a request is refused
 * @call: the call
 * @error: positive errno, returned negative
 * @code: stable word of the API
 * @format: text for people
 *
 * Return: -@error, so that a method can return it.
 */
int control_call_fail(struct control_call *call, int error, const char *code, const char *format,
		      ...) __attribute__((format(printf, 4, 5)));

/**
 * control_call_add_line() - add a line of detail to the error a call will end with
 * @call: the call
 * @text: the line; shown as "lines" of the error
 *
 * More than 64 lines are cut.
 */
void control_call_add_line(struct control_call *call, const char *text);

/**
 * control_lock() - make this process the only mlagd of a run directory
 * @run_dir: made (mode 0755) when it does not exist
 * @ret_fd: keep it open as long as the daemon lives; CLOEXEC
 * @ret_holder: with -EBUSY: pid of the daemon that has it, 0 when unknown
 *
 * Return: 0, -EBUSY when another has it, or -errno.
 */
int control_lock(const char *run_dir, int *ret_fd, pid_t *ret_holder);

struct control_server;

/**
 * control_server_new() - listen on RUN_DIR/control.sock
 * @event: the loop; referenced
 * @run_dir: exists, and its lock is held by the caller, so a socket that is there is stale
 * @methods: table ended by a NULL name; borrowed
 * @context: for the methods; borrowed
 * @ret_server: the server
 *
 * Mode 0660, group `mlag` where that exists (a warning otherwise).
 *
 * Return: 0, -ENAMETOOLONG when the path does not fit a socket address, or -errno.
 */
int control_server_new(sd_event *event, const char *run_dir, const struct control_method *methods,
		       void *context, struct control_server **ret_server);

/**
 * control_server_free() - drop all clients, stop listening, remove the socket
 * @server: may be NULL
 */
void control_server_free(struct control_server *server);

/**
 * control_server_clients_count() - how many clients are connected
 */
uint32_t control_server_clients_count(const struct control_server *server);

#endif
