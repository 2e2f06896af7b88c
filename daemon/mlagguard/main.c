/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mlag-guard: command line and loop.  A process of its own, so that nothing that kills mlagd, or that
 * mlagd waits for, is needed here: no configuration, no event library, no memory taken after the
 * start, and all of it locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "log.h"

#define RUN_DIR_DEFAULT "/run/mlagd"
#define PATH_SIZE 4096

static const char usage[] =
	"Usage: mlag-guard [--run-dir DIR] [--debug]\n"
	"Watches over mlagd: should it die or hang for good, and only while the peer serves the same\n"
	"hosts, takes this member's legs down and tells the peer so.\n"
	"\n"
	"      --run-dir DIR  that of mlagd (default " RUN_DIR_DEFAULT ")\n"
	"      --debug        log more\n"
	"      --version      print the version and exit\n"
	"  -h, --help         print this and exit\n"
	"\n"
	"SIGTERM ends the guard; what it took down stays down.\n"
	"Exit status: 0 ended as asked, 1 failed, 3 usage, 4 another guard has the run directory.\n"
	"See mlag-guard(8), mlagd(8).\n";

enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 3,
	STATUS_REFUSED = 4,
};

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	log_error("%s:%d: this cannot be: %s", file, line, expression);
	abort();
}

/* sd_notify(3) without its library. */
static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = path == NULL ? 0 : strlen(path);
	int fd;

	if (size == 0 || size >= sizeof(address.sun_path)) {
		return;
	}
	memcpy(address.sun_path, path, size);
	if (address.sun_path[0] == '@') {
		address.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
		(void)close(fd);
	}
}

/* One guard a run directory. */
static enum exit_status take_run_dir(const char *run_dir)
{
	char path[PATH_SIZE];
	int size = snprintf(path, sizeof(path), "%s/" LEASE_LOCK_FILE, run_dir);
	int fd;

	if (size < 0 || (size_t)size >= sizeof(path)) {
		log_error("%s: the name is too long", run_dir);
		return STATUS_FAILED;
	}
	(void)mkdir(run_dir, 0750);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		log_error("%s: %s", path, strerror(errno));
		return STATUS_FAILED;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		log_error("%s: another guard has this run directory", run_dir);
		return STATUS_REFUSED;
	}
	return STATUS_OK; /* open until the end */
}

/* Wait for a signal, for a hello if we listen, or until it is time to look again. */
static bool wait_for_something(const struct guard *guard, int signal_fd, uint64_t sleep_ns)
{
	struct pollfd fds[1 + PATHS_FDS_MAX] = {{.fd = signal_fd, .events = POLLIN}};
	uint32_t count = 1;
	struct timespec sleep = {
		.tv_sec = (time_t)(sleep_ns / UINT64_C(1000000000)),
		.tv_nsec = (long)(sleep_ns % UINT64_C(1000000000)),
	};

	if (guard->listens) {
		count += paths_fds(&guard->paths, fds + 1);
	}
	return ppoll(fds, count, &sleep, NULL) <= 0 || fds[0].revents == 0;
}

static enum exit_status run(const char *run_dir)
{
	static struct guard guard;
	enum exit_status status = take_run_dir(run_dir);
	uint64_t sleep_ns;
	sigset_t signals;
	int signal_fd, r;

	if (status != STATUS_OK) {
		return status;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	r = signal_fd < 0 ? -errno : guard_open(&guard, run_dir);
	if (r < 0) {
		log_error("%s: %s", run_dir, strerror(-r));
		return STATUS_FAILED;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0) {
		log_debug("memory cannot be locked: %s", strerror(errno));
	}
	sleep_ns = guard_look(&guard);
	log_notice("ready: watching over %s", run_dir);
	notify("READY=1");
	while (wait_for_something(&guard, signal_fd, sleep_ns)) {
		sleep_ns = guard_look(&guard);
		notify("WATCHDOG=1");
	}
	notify("STOPPING=1");
	log_notice("ending; what is down stays down");
	guard_close(&guard);
	(void)close(signal_fd);
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"run-dir", required_argument, NULL, 'r'},
		{"debug", no_argument, NULL, 'd'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *run_dir = RUN_DIR_DEFAULT;
	int option;

	while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (option) {
		case 'r':
			run_dir = optarg;
			break;
		case 'd':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'v':
			(void)printf("mlag-guard %s\n", MLAG_VERSION);
			return STATUS_OK;
		case 'h':
			(void)fputs(usage, stdout);
			return STATUS_OK;
		default:
			(void)fputs("Try 'mlag-guard --help'.\n", stderr);
			return STATUS_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr,
			      "mlag-guard: '%s': no arguments are expected; try 'mlag-guard "
			      "--help'\n",
			      argv[optind]);
		return STATUS_USAGE;
	}
	return (int)run(run_dir);
}
