// SPDX-License-Identifier: BSD-2-Clause
/*
 * The control server with tiny methods of its own: garbage, crowds, clients that die or do not
 * read; and mlagctl against it, with answers as mlagd gives them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/mlagctl/commands.h"
#include "control/server.h"

#define ROWS_MANY 100000

static const char healthy[] =
	"{\"version\":\"0.1.0\",\"domain\":1,\"role\":\"primary\",\"verdict\":\"peered\","
	"\"since\":\"2024-01-02T03:04:05Z\",\"health\":\"ok\",\"problems\":[],"
	"\"member_id\":\"02:00:00:00:00:01\",\"peer\":{\"session\":\"up\",\"paths\":{"
	"\"peer_link\":\"alive\",\"backup\":\"none\"},\"member_id\":\"02:00:00:00:00:02\","
	"\"version\":\"0.1.0\"},\"peer_link\":{\"ifname\":\"pl\",\"carrier\":true,\"usable\":true},"
	"\"sync\":{\"macs\":{\"local\":2,\"remote\":3,\"match\":true},\"neighbors\":null,"
	"\"addresses\":{\"local\":4,\"remote\":5,\"match\":true}}}";

static const char degraded[] =
	"{\"version\":\"0.1.0\",\"domain\":1,\"role\":\"none\",\"verdict\":\"starting\","
	"\"since\":\"2024-01-02T03:04:05Z\",\"health\":\"degraded\",\"problems\":[{\"code\":"
	"\"session-down\",\"text\":\"there is no session with the peer\"}],\"peer\":{\"session\":"
	"\"down\",\"paths\":{\"peer_link\":\"dead\",\"backup\":\"none\"},\"member_id\":null,"
	"\"version\":null},\"peer_link\":{\"ifname\":\"pl\",\"carrier\":false,\"usable\":false}}";

/* What the methods do; set by the tests. */
static struct {
	const char *status;
	uint32_t rows;
	bool rows_fail;
	uint32_t again; /* looks without a row */
	bool wide;	/* rows of 4 kB, so that a few of them fill a socket */
} play;

static int play_status(struct control_call *call, json_t **ret_result)
{
	(void)call;
	*ret_result = json_loads(play.status, 0, NULL);
	return *ret_result != NULL ? 0 : -EINVAL;
}

static int play_begin(struct control_call *call, json_t **ret_result)
{
	const char *mac = json_string_value(json_object_get(call->params, "mac"));

	(void)ret_result;
	call->state = malloc(16); /* to be freed by the server */
	if (mac != NULL && strcmp(mac, "x") == 0) {
		return control_call_fail(call, EINVAL, "bad-params", "mac: not a MAC address");
	}
	return 0;
}

static int play_row(struct control_call *call, json_t **ret_row)
{
	char device[4001] = "bond1";

	if (play.again > 0) {
		play.again--;
		return -EAGAIN;
	}
	if (call->cursor == play.rows) {
		return play.rows_fail ? -EIO : 0;
	}
	if (play.wide) {
		memset(device, 'x', sizeof(device) - 1);
	}
	*ret_row = json_pack("{s:s,s:n,s:s,s:s,s:s,s:i}", "mac", "02:00:00:00:00:01", "vlan",
			     "ifname", device, "origin", "both", "attached", "dual", "lag_id",
			     (int)call->cursor++);
	return 1;
}

static int play_reload(struct control_call *call, json_t **ret_result)
{
	(void)ret_result;
	control_call_add_line(call, "F:3: [domain] id: \"x\" is not a number; allowed: \xff");
	return control_call_fail(call, EINVAL, "config", "nothing was changed: 1 error");
}

/* One row of each kind; the last as a newer daemon may send it. */
static int play_addresses_row(struct control_call *call, json_t **ret_row)
{
	static const char *const rows[] = {
		"{\"kind\":\"router-mac\",\"address\":\"02:00:00:00:00:05\",\"vlan\":10,"
		"\"domain\":4294967295,\"origin\":\"peer\"}",
		"{\"kind\":\"ip\",\"address\":\"2001:db8::1\",\"vlan\":null,\"domain\":0,"
		"\"origin\":\"both\"}",
		"{\"kind\":\"new\",\"more\":1}",
	};

	if (call->cursor == 3) {
		return 0;
	}
	*ret_row = json_loads(rows[call->cursor++], 0, NULL);
	return 1;
}

/* An explanation; what the programs say of it is the test's to choose. */
static int play_explain(struct control_call *call, json_t **ret_result)
{
	bool agrees = strcmp(json_string_value(json_object_get(call->params, "in")), "p") == 0;

	*ret_result = json_pack("{s:s,s:b,s:n,s:i}", "verdict", "bridged", "agrees", agrees,
				"not_run", "runs", 1);
	return 0;
}

static const struct control_method methods[] = {
	{"status", play_status, NULL},
	{"macs", play_begin, play_row},
	{"addresses", play_begin, play_addresses_row},
	{"explain", play_explain, NULL},
	{"reload", play_reload, NULL},
	{NULL, NULL, NULL},
};

/* ---- a server and its clients ---- */

struct fixture {
	char dir[32];
	char path[64];
	int lock_fd;
	sd_event *event;
	struct control_server *server;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	pid_t holder;

	assert_non_null(f);
	memset(&play, 0, sizeof(play));
	play.status = healthy;
	snprintf(f->dir, sizeof(f->dir), "/tmp/test_control.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, CONTROL_SOCKET_NAME);
	assert_int_equal(control_lock(f->dir, &f->lock_fd, &holder), 0);
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(control_server_new(f->event, f->dir, methods, NULL, &f->server), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[64];

	control_server_free(f->server);
	sd_event_unref(f->event);
	close(f->lock_fd);
	assert_int_equal(access(f->path, F_OK), -1); /* the socket went with the server */
	snprintf(path, sizeof(path), "%s/%s", f->dir, CONTROL_LOCK_NAME);
	unlink(path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* Runs the loop until nothing is left to do. */
static void settle(struct fixture *f)
{
	while (sd_event_run(f->event, 0) > 0) {
	}
}

static int open_client(struct fixture *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, f->path, strlen(f->path) + 1);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	settle(f);
	return fd;
}

static void say(struct fixture *f, int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	settle(f);
}

/* What has arrived; *ret_closed tells the end of the stream. */
static const char *hear(int fd, bool *ret_closed)
{
	static char text[65536];
	ssize_t size = recv(fd, text, sizeof(text) - 1, 0);
	char rest;

	*ret_closed = size == 0 || (size > 0 && recv(fd, &rest, 1, MSG_PEEK) == 0);
	text[size > 0 ? size : 0] = '\0';
	return text;
}

static void assert_starts(const char *text, const char *start)
{
	if (strncmp(text, start, strlen(start)) != 0) {
		fail_msg("\"%s\" does not start with \"%s\"", text, start);
	}
}

static void test_an_answer_and_another(void **state)
{
	struct fixture *f = *state;
	int fd = open_client(f);
	bool closed;

	play.rows = 2;
	say(f, fd, "{\"method\":\"status\"}\n");
	assert_starts(hear(fd, &closed), "{\"result\":{\"version\":\"0.1.0\"");
	assert_false(closed);
	say(f, fd, "{\"method\":\"macs\",\"params\":{}}\n");
	assert_string_equal(
		hear(fd, &closed),
		"{\"row\":{\"mac\":\"02:00:00:00:00:01\",\"vlan\":null,\"ifname\":\"bond1\",\"origin\":"
		"\"both\",\"attached\":\"dual\",\"lag_id\":0}}\n"
		"{\"row\":{\"mac\":\"02:00:00:00:00:01\",\"vlan\":null,\"ifname\":\"bond1\",\"origin\":"
		"\"both\",\"attached\":\"dual\",\"lag_id\":1}}\n"
		"{\"result\":{}}\n");
	/* A request in pieces, two requests at once, and one after the last word of the client. */
	say(f, fd, "{\"method\":");
	assert_string_equal(hear(fd, &closed), "");
	play.rows = 0;
	say(f, fd, "\"macs\"}\n{\"method\":\"macs\"}\n{\"met");
	assert_string_equal(hear(fd, &closed), "{\"result\":{}}\n{\"result\":{}}\n");
	say(f, fd, "hod\":\"macs\"}\n");
	assert_string_equal(hear(fd, &closed), "{\"result\":{}}\n");
	assert_int_equal(send(fd, "{\"method\":\"macs\"}\n", 18, 0), 18);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	settle(f);
	assert_string_equal(hear(fd, &closed), "{\"result\":{}}\n");
	assert_true(closed);
	close(fd);
}

static void test_garbage_is_answered_and_closed(void **state)
{
	static const char *const garbage[] = {
		"\n",
		"hello\n",
		"{\"method\":1}\n",
		"[]\n",
		"{}\n",
		"{\"method\":\"macs\"\n",
		"\xff\xfe\n",
		"{\"method\":\"macs\",\"params\":[]}\n",
		"{\"method\":\"macs\",\"method\":\"status\"}\n",
	};
	struct fixture *f = *state;
	char flood[CONTROL_REQUEST_SIZE_MAX + 1];
	bool closed;
	int fd;

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		fd = open_client(f);
		say(f, fd, garbage[i]);
		assert_starts(hear(fd, &closed), "{\"error\":{\"code\":\"bad-request\"");
		assert_true(closed);
		close(fd);
	}
	fd = open_client(f);
	memset(flood, 'x', sizeof(flood));
	flood[sizeof(flood) - 1] = '\0';
	say(f, fd, flood);
	assert_starts(hear(fd, &closed), "{\"error\":{\"code\":\"bad-request\"");
	assert_true(closed);
	close(fd);
	/* A method that is not there is a fair question. */
	fd = open_client(f);
	say(f, fd, "{\"method\":\"nothing\"}\n");
	assert_starts(hear(fd, &closed), "{\"error\":{\"code\":\"unknown-method\"");
	assert_false(closed);
	close(fd);
	settle(f);
	assert_int_equal(control_server_clients_count(f->server), 0);
}

static void test_a_method_that_fails(void **state)
{
	struct fixture *f = *state;
	int fd = open_client(f);
	bool closed;

	say(f, fd, "{\"method\":\"macs\",\"params\":{\"mac\":\"x\"}}\n");
	assert_string_equal(hear(fd, &closed),
			    "{\"error\":{\"code\":\"bad-params\",\"text\":\"mac: "
			    "not a MAC address\"}}\n");
	play.rows_fail = true;
	say(f, fd, "{\"method\":\"macs\"}\n");
	assert_starts(hear(fd, &closed), "{\"error\":{\"code\":\"internal\"");
	play.status = "not JSON";
	say(f, fd, "{\"method\":\"status\"}\n");
	assert_starts(hear(fd, &closed), "{\"error\":{\"code\":\"internal\"");
	/* Text that is not UTF-8 comes out as something that is. */
	say(f, fd, "{\"method\":\"reload\"}\n");
	assert_non_null(strstr(hear(fd, &closed), "allowed: ?\"]}}\n"));
	assert_false(closed);
	close(fd);
}

/* Reads @lines lines, running the loop; how the last one begins is checked. */
static void expect_lines(struct fixture *f, int fd, uint32_t lines, const char *last)
{
	char line[32] = "";
	size_t used = 0;

	while (lines > 0) {
		char text[8192];
		ssize_t size = recv(fd, text, sizeof(text), 0);

		assert_int_not_equal(size, 0);
		if (size < 0) {
			assert_int_equal(errno, EAGAIN);
			sd_event_run(f->event, 0);
		}
		for (ssize_t i = 0; i < size; i++) {
			if (used < sizeof(line) - 1 && lines == 1) {
				line[used++] = text[i];
			}
			lines -= text[i] == '\n';
		}
	}
	assert_string_equal(line, last);
}

static void test_a_long_list_is_streamed_and_others_are_served(void **state)
{
	struct fixture *f = *state;
	int slow = open_client(f), quick = open_client(f);
	bool closed;

	play.rows = ROWS_MANY;
	play.again = 5;
	say(f, slow, "{\"method\":\"macs\"}\n"); /* ends: the socket is full */
	say(f, quick, "{\"method\":\"status\"}\n");
	assert_starts(hear(quick, &closed), "{\"result\":{\"version\"");
	expect_lines(f, slow, ROWS_MANY + 1, "{\"result\":{}}\n");
	assert_false(closed);
	close(slow);
	close(quick);
}

static void test_dying_clients_are_harmless(void **state)
{
	struct fixture *f = *state;

	play.rows = ROWS_MANY;
	for (int i = 0; i < 50; i++) {
		char text[4096];
		int fd = open_client(f);

		if (i % 4 == 1) {
			say(f, fd, "{\"method\":\"ma");
		} else if (i % 4 == 2) {
			say(f, fd, "{\"method\":\"macs\"}\n");
			assert_true(recv(fd, text, sizeof(text), 0) > 0);
		} else if (i % 4 == 3) {
			/* Asks and goes before anybody looked. */
			assert_int_equal(send(fd, "{\"method\":\"macs\"}\n", 18, 0), 18);
		}
		close(fd);
		settle(f);
		assert_int_equal(control_server_clients_count(f->server), 0);
	}
}

static void test_one_too_many_drops_the_longest_idle(void **state)
{
	struct fixture *f = *state;
	int fds[CONTROL_CLIENTS_MAX];
	bool closed;
	int fd;

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = open_client(f);
	}
	assert_int_equal(control_server_clients_count(f->server), CONTROL_CLIENTS_MAX);
	/* The first one says something: now the second is idle for longest. */
	say(f, fds[0], "{\"method\":\"macs\"}\n");
	hear(fds[0], &closed);
	assert_false(closed);
	fd = open_client(f);
	say(f, fd, "{\"method\":\"macs\"}\n");
	assert_string_equal(hear(fd, &closed), "{\"result\":{}}\n");
	assert_int_equal(control_server_clients_count(f->server), CONTROL_CLIENTS_MAX);
	hear(fds[1], &closed);
	assert_true(closed);
	hear(fds[0], &closed);
	assert_false(closed);
	close(fd);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		close(fds[i]);
	}
	settle(f);
	assert_int_equal(control_server_clients_count(f->server), 0);
}

static void test_when_all_are_busy_the_next_is_refused(void **state)
{
	struct fixture *f = *state;
	int fds[CONTROL_CLIENTS_MAX];
	bool closed;
	int fd;

	play.rows = ROWS_MANY;
	play.wide = true;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = open_client(f);
		say(f, fds[i], "{\"method\":\"macs\"}\n");
	}
	fd = open_client(f);
	assert_starts(hear(fd, &closed), "{\"error\":{\"code\":\"busy\"");
	assert_true(closed);
	close(fd);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		close(fds[i]);
	}
	settle(f);
}

static void test_only_one_daemon(void **state)
{
	struct fixture *f = *state;
	pid_t holder = 0;
	char lines[16];
	int fd = -1;

	assert_int_equal(control_lock(f->dir, &fd, &holder), -EBUSY);
	assert_int_equal(holder, getpid());
	assert_int_equal(fd, -1);
	assert_int_equal(control_lock("/tmp/test_control.none/none", &fd, &holder), -ENOENT);
	/* The lock goes with its holder, and the pid is the new one's. */
	close(f->lock_fd);
	assert_int_equal(control_lock(f->dir, &f->lock_fd, &holder), 0);
	assert_true(pread(f->lock_fd, lines, sizeof(lines), 0) > 0);
}

static void test_a_stale_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat status;
	char path[128];

	control_server_free(f->server);
	f->server = NULL;
	memcpy(address.sun_path, f->path, strlen(f->path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* as a daemon that was killed */
	assert_int_equal(access(f->path, F_OK), 0);
	assert_int_equal(control_server_new(f->event, f->dir, methods, NULL, &f->server), 0);
	assert_int_equal(stat(f->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	close(open_client(f));
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_server_new(f->event, path, methods, NULL, &f->server),
			 -ENAMETOOLONG);
}

/* ---- mlagctl ---- */

#define ARGUMENTS_MAX 8

struct answer {
	int code;
	char out[16384];
	char err[4096];
	uint64_t out_lines;
};

static void read_back(FILE *file, char *ret_text, size_t size, uint64_t *ret_lines)
{
	size_t count;
	char c[4096];

	rewind(file);
	count = fread(ret_text, 1, size - 1, file);
	ret_text[count] = '\0';
	rewind(file);
	*ret_lines = 0;
	while ((count = fread(c, 1, sizeof(c), file)) > 0) {
		for (size_t i = 0; i < count; i++) {
			*ret_lines += c[i] == '\n';
		}
	}
	fclose(file);
}

/*
 * mlagctl has no memory for JSON once, just when it has begun to print.  Not before: jansson's parser
 * takes no notice of it (common/reserve.h).
 */
static bool starved;
static bool armed;

static void *allocate(size_t size)
{
	if (armed) {
		armed = false;
		return NULL;
	}
	return malloc(size);
}

static ssize_t write_and_arm(void *user, const char *data, size_t size)
{
	static bool begun;

	armed = armed || !begun;
	begun = true;
	return write(fileno(user), data, size);
}

static FILE *starve(FILE *out)
{
	const cookie_io_functions_t functions = {.write = write_and_arm};
	FILE *file = fopencookie(out, "w", functions);

	assert_non_null(file);
	(void)setvbuf(file, NULL, _IONBF, 0);
	json_set_alloc_funcs(allocate, free);
	return file;
}

/* Runs mlagctl in a process of its own, and the loop until it ends. */
static void ask(struct fixture *f, const char *const arguments[], struct answer *ret)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char *argv[ARGUMENTS_MAX + 4] = {"mlagctl", "-S", f->path};
	uint64_t lines;
	int status;
	int argc = 3;
	pid_t pid;

	assert_non_null(out);
	assert_non_null(err);
	for (int i = 0; i < ARGUMENTS_MAX && arguments[i] != NULL; i++) {
		argv[argc++] = strdup(arguments[i]);
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int code = commands_run(argc, argv, starved ? starve(out) : out, err);

		fflush(out);
		fflush(err);
		_exit(code);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		sd_event_run(f->event, 1000);
	}
	for (int i = 3; i < argc; i++) {
		free(argv[i]);
	}
	assert_true(WIFEXITED(status));
	ret->code = WEXITSTATUS(status);
	read_back(out, ret->out, sizeof(ret->out), &ret->out_lines);
	read_back(err, ret->err, sizeof(ret->err), &lines);
}

#define ASK(f, ret, ...) ask((f), (const char *const[]){__VA_ARGS__, NULL}, (ret))

static void test_mlagctl_gives_no_json_that_is_cut_off_for_a_whole_answer(void **state)
{
	struct fixture *f = *state;
	struct answer answer;

	play.rows = 2;
	starved = true;
	ASK(f, &answer, "-j", "macs");
	starved = false;
	assert_null(json_loads(answer.out, 0, NULL)); /* or memory was not short */
	assert_int_equal(answer.code, 4);
	assert_string_equal(answer.err, "mlagctl: the answer is cut off: Cannot allocate memory\n");
}

static void test_mlagctl_status(void **state)
{
	struct fixture *f = *state;
	struct answer answer;
	json_t *json;

	ASK(f, &answer, "status");
	assert_int_equal(answer.code, 0);
	assert_non_null(strstr(answer.out, "MLAG domain 1: healthy\n"));
	assert_non_null(strstr(answer.out, "peered since 2024-01-02T03:04:05Z"));
	assert_non_null(strstr(answer.out, "2 here, 3 at the peer, proven equal"));
	assert_non_null(strstr(answer.out, "Addresses    4 here, 5 at the peer, proven equal"));
	assert_non_null(strstr(answer.out, "Problems: none\n"));
	ASK(f, &answer, "status", "-j");
	assert_int_equal(answer.code, 0);
	json = json_loads(answer.out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "health")), "ok");
	json_decref(json);
	/* Degraded is exit 1, in both forms, and comes with a remedy. */
	play.status = degraded;
	ASK(f, &answer, "status");
	assert_int_equal(answer.code, 1);
	assert_non_null(strstr(answer.out, "MLAG domain 1: degraded\n"));
	assert_non_null(strstr(answer.out, "session-down: there is no session with the peer\n    "
					   "See that mlagd runs on the peer"));
	ASK(f, &answer, "-j", "status");
	assert_int_equal(answer.code, 1);
	assert_string_equal(answer.err, "");
}

static void test_mlagctl_lists(void **state)
{
	struct fixture *f = *state;
	struct answer answer;
	json_t *json;

	ASK(f, &answer, "-j", "macs");
	assert_int_equal(answer.code, 0);
	assert_string_equal(answer.out, "[]\n");
	ASK(f, &answer, "macs");
	assert_string_equal(answer.out, "There are no such MACs.\n");
	play.rows = 3;
	ASK(f, &answer, "macs", "-j", "--vlan", "10", "--lag=bond1");
	json = json_loads(answer.out, 0, NULL);
	assert_int_equal(json_array_size(json), 3);
	assert_true(json_is_null(json_object_get(json_array_get(json, 1), "vlan")));
	json_decref(json);
	ASK(f, &answer, "macs");
	assert_int_equal(answer.code, 0);
	assert_non_null(strstr(answer.out, "MAC               VLAN DEVICE          SEEN BY"));
	assert_non_null(strstr(answer.out, "02:00:00:00:00:01 -    bond1           both    dual"));
	play.rows = ROWS_MANY;
	ASK(f, &answer, "macs");
	assert_int_equal(answer.code, 0);
	assert_int_equal(answer.out_lines, ROWS_MANY + 1);
	/* A list that breaks off is an error. */
	play.rows_fail = true;
	ASK(f, &answer, "macs");
	assert_int_equal(answer.code, 4);
}

static void test_mlagctl_addresses(void **state)
{
	struct fixture *f = *state;
	struct answer answer;
	json_t *json;

	ASK(f, &answer, "addresses");
	assert_int_equal(answer.code, 0);
	assert_string_equal(answer.out, "KIND       VLAN DOMAIN     OWNER  ADDRESS\n"
					"router-mac 10   4294967295 peer   02:00:00:00:00:05\n"
					"ip         -    0          both   2001:db8::1\n"
					"new        -    -          -      -\n");
	ASK(f, &answer, "addresses", "-j");
	json = json_loads(answer.out, 0, NULL);
	assert_int_equal(json_array_size(json), 3);
	json_decref(json);
	ASK(f, &answer, "addresses", "--vlan", "10");
	assert_int_equal(answer.code, 3);
}

static void test_mlagctl_explain_exits_1_when_a_program_differs(void **state)
{
	struct fixture *f = *state;
	struct answer answer;

	ASK(f, &answer, "explain", "--in", "p", "--frame", "ff");
	assert_int_equal(answer.code, 0);
	assert_non_null(strstr(answer.out, "Verdict: bridged"));
	ASK(f, &answer, "explain", "--in", "q", "--frame", "ff");
	assert_int_equal(answer.code, 1);
	assert_non_null(strstr(answer.out, "a bug in mlag"));
	ASK(f, &answer, "-j", "explain", "--in", "q", "--frame", "ff");
	assert_int_equal(answer.code, 1);
}

static void test_mlagctl_exit_codes(void **state)
{
	struct fixture *f = *state;
	struct answer answer;

	ASK(f, &answer, "--version");
	assert_int_equal(answer.code, 0);
	assert_starts(answer.out, "mlagctl ");
	ASK(f, &answer, "--help");
	assert_int_equal(answer.code, 0);
	assert_non_null(strstr(answer.out, "counters"));
	assert_null(strstr(answer.out, "metrics"));
	ASK(f, &answer, "macs", "--help");
	assert_int_equal(answer.code, 0);
	assert_non_null(strstr(answer.out, "--vlan"));
	ASK(f, &answer, "nonsense");
	assert_int_equal(answer.code, 3);
	ASK(f, &answer, "--nonsense");
	assert_int_equal(answer.code, 3);
	ASK(f, &answer, "status", "extra");
	assert_int_equal(answer.code, 3);
	ASK(f, &answer, "status", "--vlan", "1");
	assert_int_equal(answer.code, 3);
	ASK(f, &answer, "macs", "--mac", "x");
	assert_int_equal(answer.code, 3);
	assert_non_null(strstr(answer.err, "not a MAC address"));
	ASK(f, &answer, "metrics");
	assert_int_equal(answer.code, 4);
	assert_non_null(strstr(answer.err, "metrics is not available in this release"));
	ASK(f, &answer, "lags"); /* which this server does not have */
	assert_int_equal(answer.code, 4);
	ASK(f, &answer, "reload");
	assert_int_equal(answer.code, 4);
	assert_starts(answer.err, "F:3: [domain] id: ");
	assert_non_null(strstr(answer.err, "mlagctl: reload: nothing was changed: 1 error\n"));
}

static void test_mlagctl_without_a_daemon(void **state)
{
	struct fixture *f = *state;
	struct answer answer;

	ASK(f, &answer, "-S", "/nonexistent/control.sock", "status");
	assert_int_equal(answer.code, 2);
	assert_non_null(strstr(answer.err, "/nonexistent/control.sock: No such file"));
	assert_non_null(strstr(answer.err, "Is mlagd running"));
	assert_string_equal(answer.out, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_answer_and_another),
		TEST(test_garbage_is_answered_and_closed),
		TEST(test_a_method_that_fails),
		TEST(test_a_long_list_is_streamed_and_others_are_served),
		TEST(test_dying_clients_are_harmless),
		TEST(test_one_too_many_drops_the_longest_idle),
		TEST(test_when_all_are_busy_the_next_is_refused),
		TEST(test_only_one_daemon),
		TEST(test_a_stale_socket_is_replaced),
		TEST(test_mlagctl_status),
		TEST(test_mlagctl_gives_no_json_that_is_cut_off_for_a_whole_answer),
		TEST(test_mlagctl_lists),
		TEST(test_mlagctl_addresses),
		TEST(test_mlagctl_explain_exits_1_when_a_program_differs),
		TEST(test_mlagctl_exit_codes),
		TEST(test_mlagctl_without_a_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
