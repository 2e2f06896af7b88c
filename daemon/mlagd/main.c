/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mlagd: command line, start and end, and the wiring of adapters to the engine: what they see goes by
 * events.c to the engine, and what the engine answers is carried out by effects.c.
 *
 * On SIGTERM, SIGINT or a crash everything stays as it is: programs, maps, FDB and ports go on
 * forwarding by their last state (DESIGN §2).
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "answers.h"
#include "audit.h"
#include "common/reserve.h"
#include "control/server.h"
#include "daemon.h"
#include "datapath/trial.h"
#include "deadman.h"
#include "effects.h"
#include "events.h"
#include "fastpath.h"
#include "gateways.h"
#include "handover.h"
#include "holds.h"
#include "leave.h"
#include "log.h"
#include "recorder.h"
#include "reload.h"
#include "rundir.h"
#include "svis.h"

#define MAIN_NICE (-10)

static const char usage[] =
	"Usage: mlagd [-c FILE] [--run-dir DIR] [--debug]\n"
	"       mlagd --check [-c FILE]\n"
	"Makes this switch one half of an MLAG pair.  Runs in the foreground and logs to stderr.\n"
	"\n"
	"  -c, --config FILE  configuration (default " CONFIG_FILE_DEFAULT ")\n"
	"      --run-dir DIR  where control.sock and the lock live (default " CONTROL_RUN_DIR_DEFAULT
	")\n"
	"      --check        check the configuration, say every error with its line, and exit\n"
	"      --debug        log more\n"
	"      --version      print the version and exit\n"
	"  -h, --help         print this and exit\n"
	"\n"
	"SIGHUP reads the configuration again.  SIGTERM ends the daemon; forwarding stays as it is.\n"
	"Exit status: 0 ended as asked, 1 failed or configuration wrong, 3 usage,\n"
	"             4 another mlagd has the run directory.\n"
	"See mlagd(8), mlagd.conf(5), mlagctl(8).\n";

enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 3,
	STATUS_REFUSED = 4,
};

struct options {
	const char *config_path;
	const char *run_dir;
	bool check;
	bool debug;
};

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	log_error("%s:%d: this cannot be: %s", file, line, expression);
	abort();
}

uint64_t daemon_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;
	struct mlag_event event = {.type = MLAG_EVENT_TICK};

	(void)source;
	(void)usec;
	/* Nobody is dead before we tried to hear him after the deadline. */
	event.tick.read_ns = daemon_now_ns();
	channel_read(daemon->channel);
	hellos_read(daemon->hellos);
	daemon->timer_set = false; /* it was one shot */
	effects_message(daemon, &event);
	return 0;
}

/* ---- configuration ----------------------------------------------------------------------- */

int daemon_open_channel(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct channel_spec spec = {
		.local = config->local.storage,
		.remote = config->remote.storage,
		.size = config->local.size,
	};

	memcpy(spec.scope, config->local.scope, sizeof(spec.scope));
	if (config->security == CONFIG_SECURITY_PSK) {
		spec.key = &config->key;
		spec.domain_id = config->domain_id;
	}
	if (daemon->channel != NULL) {
		spec.counts = *channel_counts(daemon->channel);
	}
	return channel_open(&daemon->channel, daemon->event, &spec, &events_of_channel, daemon);
}

int daemon_open_hellos(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct channel_spec spec = {
		.local = config->backup_local.storage,
		.remote = config->backup_remote.storage,
		.size = config->backup_local.size,
	};
	int r;

	memcpy(spec.scope, config->backup_local.scope, sizeof(spec.scope));
	r = hellos_open(&daemon->hellos, daemon->event, spec.size != 0 ? &spec : NULL, events_hello,
			daemon);
	if (r == 0) {
		hellos_set_peer_link(daemon->hellos, daemon->peer_link.ifindex,
				     daemon->peer_link.incarnation);
	}
	return r;
}

static int promote(void *user, const char **ret_because)
{
	struct daemon *daemon = user;
	struct mlag_event event = {.type = MLAG_EVENT_PROMOTE};

	if (!mlag_may_promote(daemon->engine, ret_because)) {
		return -EBUSY;
	}
	effects_step(daemon, &event);
	return 0;
}

static void ask(void *user, const struct mlag_question *question)
{
	struct mlag_event event = {.type = MLAG_EVENT_ASK, .ask = question};

	effects_step(user, &event);
}

static enum mlag_answer answer(void *user, uint32_t id, struct mlag_row_view *ret_row)
{
	struct daemon *daemon = user;
	enum mlag_answer found =
		recorder_next_answer(daemon->recorder, daemon->engine, id, ret_row);

	if (found == MLAG_ANSWER_NONE) {
		effects_soon(daemon); /* perhaps the next question is due */
	}
	return found;
}

static const struct tls_counts *get_security(void *user)
{
	const struct daemon *daemon = user;

	return daemon->channel != NULL ? channel_counts(daemon->channel) : NULL;
}

static int copy_record(void *user, uint8_t **ret_data, uint32_t *ret_size)
{
	return recorder_copy(((struct daemon *)user)->recorder, ret_data, ret_size);
}

static void log_config_line(void *user, enum config_severity severity, const char *text)
{
	(void)user;
	switch (severity) {
	case CONFIG_SEVERITY_NONE:
		break;
	case CONFIG_SEVERITY_ERROR:
		log_write(NULL, LOG_LEVEL_ERROR, "%s", text);
		break;
	case CONFIG_SEVERITY_WARNING:
		log_write(NULL, LOG_LEVEL_WARNING, "%s", text);
		break;
	case CONFIG_SEVERITY_NOTE:
		log_notice("changed: %s", text);
		break;
	}
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	(void)source;
	(void)info;
	if (reload_config(user, log_config_line, NULL) < 0) {
		log_error("the configuration was not taken over; the old one stays in force");
	}
	return 0;
}

/* ---- start and end ----------------------------------------------------------------------- */

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct daemon *daemon = user;

	(void)source;
	log_notice("signal %u: ending; forwarding stays as it is", info->ssi_signo);
	return sd_event_exit(daemon->event, 0);
}

/* A leg that fails waits for nobody: what stands in the way of a failover is other processes. */
static void raise_priority(void)
{
	errno = 0;
	if (getpriority(PRIO_PROCESS, 0) > MAIN_NICE &&
	    setpriority(PRIO_PROCESS, 0, MAIN_NICE) < 0) {
		log_debug("nice %d is not permitted: %s", MAIN_NICE, strerror(errno));
	}
}

static int open_event_loop(struct daemon *daemon)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
		return -errno;
	}
	r = sd_event_new(&daemon->event);
	if (r < 0) {
		return r;
	}
	if ((r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_end, daemon)) < 0 ||
	    (r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_end, daemon)) < 0 ||
	    (r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_hangup, daemon)) < 0 ||
	    (r = sd_event_add_time(daemon->event, &daemon->timer, CLOCK_MONOTONIC, 0, 1000,
				   on_timer, daemon)) < 0 ||
	    /* Hellos are said and heard by time, whatever else there is to do. */
	    (r = sd_event_source_set_priority(daemon->timer, SD_EVENT_PRIORITY_IMPORTANT)) < 0 ||
	    (r = sd_event_set_watchdog(daemon->event, true)) < 0) {
		return r;
	}
	return 0;
}

static int open_engine(struct daemon *daemon)
{
	struct mlag_config config;
	void *memory;
	uint64_t now_ns;

	effects_identity(daemon->config, &config);
	if (getrandom(&config.boot_id, sizeof(config.boot_id), 0) < 0 ||
	    getrandom(&config.hash_seed, sizeof(config.hash_seed), 0) < 0) {
		return -errno;
	}
	config.boot_id |= 1; /* never 0 */
	daemon->engine_size = mlag_engine_size(&config);
	/* Pages are touched only as tables fill. */
	memory = mmap(NULL, daemon->engine_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		return -errno;
	}
	now_ns = daemon_now_ns();
	daemon->engine = mlag_engine_init(memory, &config, now_ns);
	daemon->recorder = recorder_open(daemon->run_dir, getenv("STATE_DIRECTORY"));
	recorder_config(daemon->recorder, &config, now_ns);
	return 0;
}

static void log_datapath(void *user, const char *text)
{
	(void)user;
	log_write(NULL, LOG_LEVEL_WARNING, "data plane: %s", text);
}

static void note_qdisc(void *user, uint32_t ifindex)
{
	struct daemon *daemon = user;

	ports_note_qdisc(daemon->ports, ifindex);
}

static int fail(const char *what, int r)
{
	log_error("%s: %s", what, strerror(-r));
	return r;
}

static int open_adapters(struct daemon *daemon)
{
	static struct links_spec spec;
	const struct datapath_spec datapath_spec = {
		.sources_max = daemon->config->macs_max,
		.domain_id = daemon->config->domain_id,
		.adopt = handover_accept,
		.log = log_datapath,
		.qdisc_made = note_qdisc,
		.user = daemon,
	};
	int r;

	reload_links_spec(daemon->config, &spec);
	r = ports_open(&daemon->ports, daemon->run_dir);
	if (r < 0) {
		return fail("netlink", r);
	}
	r = datapath_open(&daemon->datapath, &datapath_spec);
	if (r < 0) {
		return fail("the data plane cannot be loaded (root or CAP_BPF, CAP_NET_ADMIN?)", r);
	}
	r = answers_open(daemon);
	if (r < 0) {
		return fail("the programs that answer for the peer cannot be loaded", r);
	}
	r = holds_open(daemon);
	if (r < 0) {
		return fail("legs out of service", r);
	}
	r = fdb_open(&daemon->fdb, daemon->event, &events_of_fdb, daemon);
	if (r < 0) {
		return fail("netlink, FDB", r);
	}
	r = addresses_open(&daemon->addresses, daemon->event, &events_of_addresses, daemon);
	if (r < 0) {
		return fail("netlink, addresses", r);
	}
	r = neighbors_open(&daemon->neighbors, daemon->event, &events_of_neighbors, daemon);
	if (r < 0) {
		return fail("netlink, neighbours", r);
	}
	r = daemon_open_hellos(daemon);
	if (r < 0) {
		return fail("hellos", r);
	}
	r = routes_open(&daemon->routes, daemon->event, &events_of_routes, daemon);
	if (r < 0) {
		return fail("netlink, routes", r);
	}
	r = links_open(&daemon->links, daemon->event, &spec, &events_of_links, daemon);
	if (r < 0) {
		return fail("netlink, links", r);
	}
	r = svis_open(daemon);
	if (r == 0) {
		r = gateways_open(daemon);
	}
	if (r < 0) {
		return fail("shared gateways (root or CAP_NET_ADMIN, CAP_NET_RAW?)", r);
	}
	r = filters_open(&daemon->filters, daemon->event, &events_of_filters, daemon);
	if (r < 0) {
		return fail("netlink, filters", r);
	}
	r = daemon_open_channel(daemon);
	return r < 0 ? fail("peer", r) : 0;
}

static uint32_t port_problems(void *user, struct links_problem *ret, uint32_t max)
{
	uint32_t count = audit_problems(user, ret, max);

	count += fastpath_problems(user, ret + count, max - count);
	return count + rundir_problems(user, ret + count, max - count);
}

static int open_control(struct daemon *daemon)
{
	daemon->control_context = (struct control_context){
		.engine = daemon->engine,
		.links = daemon->links,
		.addresses = daemon->addresses,
		.neighbors = daemon->neighbors,
		.datapath = daemon->datapath,
		.routes = daemon->routes,
		.config = daemon->config,
		.now_ns = daemon_now_ns,
		.port_problems = port_problems,
		.gateway = gateways_view,
		.redirects_failed = svis_failed,
		.reload = reload_config,
		.guard = deadman_guard,
		.fenced = deadman_has_taken,
		.promote = promote,
		.leave = leave_begin,
		.leave_step = leave_get_step,
		.ask = ask,
		.answer = answer,
		.drain = holds_drain,
		.copy_record = copy_record,
		.security = get_security,
		.user = daemon,
	};
	return control_server_new(daemon->event, daemon->run_dir, control_methods,
				  &daemon->control_context, &daemon->control);
}

static void close_daemon(struct daemon *daemon)
{
	leave_close(daemon);
	control_server_free(daemon->control);
	channel_close(daemon->channel);
	hellos_close(daemon->hellos);
	filters_close(daemon->filters);
	gateways_close(daemon);
	svis_close(daemon);
	links_close(daemon->links);
	addresses_close(daemon->addresses);
	routes_close(daemon->routes);
	neighbors_close(daemon->neighbors);
	fdb_close(daemon->fdb);
	ports_close(daemon->ports);
	datapath_trial_close(daemon->control_context.trial);
	answers_close(daemon);
	holds_close(daemon);
	deadman_close(daemon);
	datapath_close(daemon->datapath);
	sd_event_source_disable_unref(daemon->timer);
	sd_event_source_disable_unref(daemon->more);
	audit_close(daemon);
	sd_event_unref(daemon->event);
	if (daemon->engine != NULL) {
		(void)munmap(daemon->engine, daemon->engine_size);
	}
	recorder_close(daemon->recorder);
	config_free(daemon->config);
	if (daemon->lock_fd >= 0) {
		(void)close(daemon->lock_fd);
	}
}

static int start(struct daemon *daemon)
{
	int r = open_event_loop(daemon);

	if (r < 0) {
		return fail("event loop", r);
	}
	r = open_engine(daemon);
	if (r < 0) {
		return fail("memory of the engine", r);
	}
	deadman_open(daemon);
	r = open_adapters(daemon);
	if (r < 0) {
		return r;
	}
	r = open_control(daemon);
	if (r < 0) {
		return fail("control socket", r);
	}
	/* Subscribe, read everything, then act: what was read in part would be acted on twice. */
	daemon->starting = true;
	daemon->starting_ns = daemon_now_ns();
	handover_begin(daemon);
	/* What an earlier daemon left must be seen before anything is decided. */
	r = effects_last_resort(daemon);
	if (r < 0) {
		return r;
	}
	for (uint32_t i = 0; i < daemon->config->lags_count; i++) {
		reload_configure_leg(daemon, MLAG_EVENT_LEG_CONFIGURE, daemon->config->lags[i].id);
	}
	handover_legs(daemon);
	r = links_start(daemon->links);
	if (r < 0) {
		return fail("the links cannot be read", r);
	}
	r = audit_start(daemon);
	if (r < 0) {
		return fail("a timer", r);
	}
	r = addresses_start(daemon->addresses);
	if (r < 0) {
		return fail("the addresses cannot be read", r);
	}
	if (daemon->peer_link.bridge_ifindex == 0) {
		/* There is no FDB to read yet; `status` names what is waited for. */
		daemon->fdb_dumped = true;
	}
	handover_end(daemon);
	daemon->starting = false;
	effects_more(daemon);
	return 0;
}

/* The run directory is ours alone, or somebody is named who has it. */
static enum exit_status take_run_dir(struct daemon *daemon)
{
	pid_t holder = 0;
	int r = control_lock(daemon->run_dir, &daemon->lock_fd, &holder);

	if (r == -EBUSY) {
		log_error("%s: another mlagd has this run directory: pid %d; end it, or use "
			  "--run-dir",
			  daemon->run_dir, (int)holder);
		return STATUS_REFUSED;
	}
	if (r < 0) {
		log_error("%s: the run directory cannot be used: %s", daemon->run_dir,
			  strerror(-r));
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

static enum exit_status run(const struct options *options)
{
	static struct daemon daemon;
	enum exit_status status;

	daemon.config_path = options->config_path;
	daemon.run_dir = options->run_dir;
	daemon.lock_fd = -1;
	raise_priority();
	json_set_alloc_funcs(reserve_malloc, reserve_free);
	daemon.config = calloc(1, sizeof(*daemon.config));
	if (daemon.config == NULL) {
		(void)fail("memory of the configuration", -ENOMEM);
		return STATUS_FAILED;
	}
	if (config_load(options->config_path, daemon.config, log_config_line, NULL, NULL) < 0) {
		config_free(daemon.config);
		return STATUS_FAILED;
	}
	status = take_run_dir(&daemon);
	if (status == STATUS_OK && start(&daemon) < 0) {
		status = STATUS_FAILED;
	}
	if (status == STATUS_OK) {
		int r = sd_event_loop(daemon.event);

		status = r < 0 ? (fail("event loop", r), STATUS_FAILED) : STATUS_OK;
	}
	(void)sd_notify(0, "STOPPING=1");
	if (status == STATUS_OK && !daemon.left) {
		daemon.kept_ns = 0; /* the lease runs from now */
		handover_keep(&daemon);
	}
	close_daemon(&daemon);
	return status;
}

/* Read the command line.  -1 to go on, otherwise the exit status. */
static int parse_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"run-dir", required_argument, NULL, 'r'},
		{"check", no_argument, NULL, 'k'},
		{"debug", no_argument, NULL, 'd'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			ret_options->config_path = optarg;
			break;
		case 'r':
			ret_options->run_dir = optarg;
			break;
		case 'k':
			ret_options->check = true;
			break;
		case 'd':
			ret_options->debug = true;
			break;
		case 'v':
			(void)printf("mlagd %s (protocol %d)\n", MLAG_VERSION,
				     MLAG_PROTOCOL_VERSION);
			return STATUS_OK;
		case 'h':
			(void)fputs(usage, stdout);
			return STATUS_OK;
		default:
			(void)fputs("Try 'mlagd --help'.\n", stderr);
			return STATUS_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr,
			      "mlagd: '%s': no arguments are expected; try 'mlagd --help'\n",
			      argv[optind]);
		return STATUS_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct options options = {
		.config_path = CONFIG_FILE_DEFAULT,
		.run_dir = CONTROL_RUN_DIR_DEFAULT,
	};
	int status = parse_options(argc, argv, &options);

	if (status >= 0) {
		return status;
	}
	if (options.check) {
		return config_check(options.config_path);
	}
	if (options.debug) {
		log_set_level(LOG_LEVEL_DEBUG);
	}
	return (int)run(&options);
}
