// SPDX-License-Identifier: BSD-2-Clause
/*
 * The wire side of mlagctl: connects to the control socket, sends one request, and hands each line
 * of the answer on before it reads the next, so that a list of any length costs one line of memory.
 * What cannot be reached is explained: most people meet this file when mlagd does not run.
 */
#include "client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_SIZE_MAX (128 * 1024) /* more than mlagd ever puts in a line */
#define ANSWER_SECONDS_MAX 10	   /* of silence */

struct stream {
	int fd;
	size_t start;
	size_t end;
	char data[LINE_SIZE_MAX];
};

static void explain_connect(const struct client_call *call, int error)
{
	FILE *err = call->errors;

	fprintf(err, "mlagctl: mlagd cannot be reached at %s: %s\n", call->socket_path,
		strerror(error));
	switch (error) {
	case ENOENT:
		fprintf(err,
			"There is no such socket. Is mlagd running ('systemctl status mlagd')? "
			"With another --run-dir, say -S DIR/control.sock.\n");
		break;
	case ECONNREFUSED:
		fprintf(err, "The socket is there but nobody listens: mlagd is not running "
			     "('systemctl start mlagd').\n");
		break;
	case EACCES:
	case EPERM:
		fprintf(err, "Permission is missing: be root, or in the group mlag.\n");
		break;
	default:
		break;
	}
}

static int connect_to(const struct client_call *call)
{
	const struct timeval patience = {.tv_sec = ANSWER_SECONDS_MAX};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(call->socket_path) >= sizeof(address.sun_path)) {
		explain_connect(call, ENAMETOOLONG);
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, call->socket_path, strlen(call->socket_path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		explain_connect(call, error);
		if (fd >= 0) {
			close(fd);
		}
		return -error;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

static int send_request(int fd, const struct client_call *call)
{
	json_t *request = json_pack("{s:s,s:O*}", "method", call->method, "params", call->params);
	char *text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t size, sent = 0;
	json_free_t release;
	int r = 0;

	json_get_alloc_funcs(NULL, &release); /* the text is of JSON's memory */
	json_decref(request);
	if (text == NULL) {
		return -ENOMEM;
	}
	size = strlen(text);
	text[size++] = '\n'; /* in the place of its NUL */
	while (sent < size && r == 0) {
		ssize_t count = send(fd, text + sent, size - sent, MSG_NOSIGNAL);

		if (count >= 0) {
			sent += (size_t)count;
		} else if (errno != EINTR) {
			r = -errno;
		}
	}
	release(text);
	return r;
}

/* Reads the next line; *ret_line points into the stream, without the newline. */
static int read_line(struct stream *stream, const char **ret_line, size_t *ret_size)
{
	for (;;) {
		char *line = stream->data + stream->start;
		char *end = memchr(line, '\n', stream->end - stream->start);
		ssize_t count;

		if (end != NULL) {
			*ret_line = line;
			*ret_size = (size_t)(end - line);
			stream->start += *ret_size + 1;
			return 0;
		}
		stream->end -= stream->start;
		memmove(stream->data, line, stream->end);
		stream->start = 0;
		if (stream->end == sizeof(stream->data)) {
			return -EMSGSIZE;
		}
		count = recv(stream->fd, stream->data + stream->end,
			     sizeof(stream->data) - stream->end, 0);
		if (count == 0) {
			return -ECONNRESET;
		}
		if (count < 0 && errno != EINTR) {
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
		stream->end += count > 0 ? (size_t)count : 0;
	}
}

static enum client_exit show_error(const struct client_call *call, const json_t *error)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "text"));
	const json_t *lines = json_object_get(error, "lines");

	for (size_t i = 0; i < json_array_size(lines); i++) {
		const char *line = json_string_value(json_array_get(lines, i));

		fprintf(call->errors, "%s\n", line != NULL ? line : "");
	}
	fprintf(call->errors, "mlagctl: %s: %s\n", call->method, text != NULL ? text : "refused");
	if (code != NULL && strcmp(code, "bad-params") == 0) {
		return CLIENT_EXIT_USAGE;
	}
	return CLIENT_EXIT_REFUSED;
}

/* Handles one line of the answer; false when it was the last one. */
static bool take_line(const struct client_call *call, const json_t *line, enum client_exit *ret)
{
	const json_t *row = json_object_get(line, "row");
	const json_t *result = json_object_get(line, "result");
	const json_t *error = json_object_get(line, "error");

	if (row != NULL && call->row != NULL) {
		call->row(call->user, row);
		return true;
	}
	if (result != NULL) {
		call->result(call->user, result);
		*ret = CLIENT_EXIT_DONE;
	} else if (error != NULL) {
		*ret = show_error(call, error);
	} else {
		fprintf(call->errors, "mlagctl: the answer of mlagd is not understood; "
				      "are both of the same version?\n");
		*ret = CLIENT_EXIT_NO_DAEMON;
	}
	return false;
}

static enum client_exit take_answer(const struct client_call *call, struct stream *stream)
{
	enum client_exit code = CLIENT_EXIT_NO_DAEMON;
	bool more = true;

	while (more) {
		const char *text = NULL;
		size_t size = 0;
		json_t *line;
		int r = read_line(stream, &text, &size);

		if (r < 0) {
			fprintf(call->errors, "mlagctl: the answer of mlagd broke off: %s\n",
				strerror(-r));
			return CLIENT_EXIT_NO_DAEMON;
		}
		line = json_loadb(text, size, 0, NULL);
		more = take_line(call, line, &code);
		json_decref(line);
	}
	return code;
}

enum client_exit client_run(const struct client_call *call)
{
	enum client_exit code = CLIENT_EXIT_NO_DAEMON;
	struct stream *stream;
	int fd = connect_to(call);
	int r;

	if (fd < 0) {
		return CLIENT_EXIT_NO_DAEMON;
	}
	stream = calloc(1, sizeof(*stream));
	r = stream != NULL ? send_request(fd, call) : -ENOMEM;
	if (r == 0) {
		stream->fd = fd;
		code = take_answer(call, stream);
	} else {
		fprintf(call->errors, "mlagctl: the request cannot be sent: %s\n", strerror(-r));
	}
	free(stream);
	close(fd);
	return code;
}
