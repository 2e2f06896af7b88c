// SPDX-License-Identifier: BSD-2-Clause
/*
 * The table of commands and the reading of options.  A command is a line of the table: the method
 * of mlagd with the same name, how its answer is shown, what its help says.  Options may stand
 * before or after the command.  With -j a list is printed row by row as it arrives.
 */
#include "commands.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "client.h"
#include "explain.h"
#include "genkey.h"
#include "mlag.h"
#include "render.h"
#include "save.h"

#define FILTER_VLAN 1U
#define FILTER_LAG 2U
#define FILTER_MAC 4U

/**
 * struct command - one subcommand
 * @name: also the method
 * @filters: FILTER_… that it takes
 * @frames: it takes a frame (explain.h)
 * @argument, @argument_help: name of the one parameter that it needs, and what it may be; or NULL
 * @argument_optional: it may be left out
 * @may_force: it takes --force
 * @saves: the argument is a file that the rows go into (save.h)
 * @run: it asks no mlagd: does it all, with the argument or NULL; 0 or -errno
 * @show_row: for a list: prints a row as text
 * @show_result: otherwise: prints the answer as text
 * @empty: of a list: what to say when there are no rows
 * @summary, @help: for people
 */
struct command {
	const char *name;
	unsigned int filters;
	bool frames;
	const char *argument;
	const char *argument_help;
	bool argument_optional;
	bool may_force;
	bool saves;
	int (*run)(const char *argument, FILE *out, FILE *err);
	render_row_fn *show_row;
	void (*show_result)(FILE *out, const json_t *result);
	const char *empty;
	const char *summary;
	const char *help;
};

static const struct command commands[] = {
	{
		.name = "status",
		.show_result = render_status,
		.summary = "the pair at a glance; exit 0 when healthy, 1 when degraded",
		.help = "Shows verdict, role, peer, peer link and the synced tables, and every problem\n"
			"with what to do about it.\n",
	},
	{
		.name = "lags",
		.show_row = render_lag,
		.empty = "There are no LAGs.",
		.summary = "the LAGs and their legs on both members",
		.help = "STATE is dual (both legs up and open), local-only, peer-only, pending (the local\n"
			"leg is up but not open yet), down or held. ISOLATED: frames from the peer link\n"
			"do not leave by this leg, for the peer delivers them (rule R1).\n",
	},
	{
		.name = "macs",
		.filters = FILTER_VLAN | FILTER_LAG | FILTER_MAC,
		.show_row = render_mac,
		.empty = "There are no such MACs.",
		.summary = "the MAC addresses behind the pair",
		.help = "SEEN BY is local, peer or both. ATTACHED is dual for a MAC at a LAG both of\n"
			"whose legs are up, otherwise orphan.\n",
	},
	{
		.name = "neighbors",
		.filters = FILTER_VLAN | FILTER_MAC,
		.show_row = render_neighbor,
		.empty = "There are no such neighbors.",
		.summary = "the ARP and ND entries of both members",
		.help = "KNOWN BY is local, peer or both. STATE is that of the entry here: confirmed (it\n"
			"answered this member), known, static (somebody set it), heard (from the peer\n"
			"alone; verified when it is used), or none.\n",
	},
	{
		.name = "addresses",
		.show_row = render_address,
		.empty = "There are no addresses.",
		.summary = "the router MACs and IP addresses of both members",
		.help = "KIND is router-mac (of an interface in a VLAN), ip, or link-local; with last-resort\n"
			"on also svi-ip and default-route (the member takes part). OWNER is local,\n"
			"peer or both. DOMAIN is the routing domain: 0, or a number made of the name of a\n"
			"VRF, equal on both members.\n",
	},
	{
		.name = "gateways",
		.show_row = render_gateway,
		.empty = "There are no shared gateways.",
		.summary = "the gateway addresses that both members share",
		.help = "STATE is active, waiting (for the SVI, its VLAN or its carrier) or conflict\n"
			"(something has to be changed first); the line below says why. REDIRECTS is off\n"
			"when the kernel sends no ICMP redirects there (rule R27).\n",
	},
	{
		.name = "counters",
		.show_row = render_counter,
		.empty = "Nothing is counted yet.",
		.summary = "frames that the data plane did not simply pass, by port and reason",
		.help = "EXPECTED says whether it is the design at work (a copy that the peer delivers)\n"
			"or a loss that somebody should look at. RULE is a rule of the design.\n",
	},
	{
		.name = "explain",
		.frames = true,
		.show_result = render_explain,
		.summary = "what would become of a frame, and why",
		.help = "Follows a frame that arrives at a port: what the programs decide (they are run on it,\n"
			"where nothing is assumed), what the bridge and the routing do, where each copy\n"
			"ends, and what the peer would do with it. Nothing is sent, nothing is counted.\n"
			"Exit 1 when a program and the explanation differ, which would be a bug.\n",
	},
	{
		.name = "diff",
		.filters = FILTER_VLAN,
		.argument = "what",
		.argument_help = "TABLE|KEY",
		.argument_optional = true,
		.show_row = render_difference,
		.empty = "There is nothing to compare.",
		.summary = "a table or a key as both members see it",
		.help = "Asks the peer over the session. TABLE is legs, macs, addresses or neighbors: both\n"
			"members' counts and digests, and every row that differs; without it all of them.\n"
			"KEY is the device of a LAG, a MAC or an IP address: what each member claims, and\n"
			"what it has heard of the other's claim. A difference that is more than a moment\n"
			"old is repaired by mlagd itself, and named in its log. Exit 1 when something\n"
			"differs.\n",
	},
	{
		.name = "record",
		.argument = "file",
		.argument_help = "FILE",
		.saves = true,
		.show_row = render_nothing,
		.empty = "",
		.summary = "save what mlagd was told since it started, and last, to a file",
		.help = "FILE holds the engine's events, with MAC and IP addresses and interface numbers of\n"
			"the pair but no keys. 'make sim REPLAY=FILE' tells it as a story and goes\n"
			"through it step by step. After a crash such a file is events.crash in\n"
			"/var/lib/mlagd (mlagd(8), FILES).\n",
	},
	{
		.name = "reload",
		.show_result = render_reload,
		.summary = "make mlagd read its configuration again",
		.help = "Applies the difference, or nothing when the file is wrong; then its errors are\n"
			"shown and the exit code is 4.\n",
	},
	{
		.name = "role",
		.argument = "role",
		.argument_help = "primary",
		.show_result = render_role,
		.summary = "make this member the primary one, without loss",
		.help = "The role epoch of this member becomes higher than the peer's, and both agree at\n"
			"once. Refused (exit code 4) while the peer does not answer and may lead itself.\n",
	},
	{
		.name = "leave",
		.show_row = render_leave,
		.empty = "Nothing had to be done.",
		.summary = "leave the pair: mlagd ends, and this machine is a plain bridge again",
		.help = "Hands the traffic of all legs to the peer, takes their links down (they stay down),\n"
			"says goodbye, and takes back all that mlagd has programmed: programs, FDB entries,\n"
			"neighbors, routes, gateways, settings of ports, bonds and SVIs are as they were\n"
			"found. Then mlagd ends with exit code 0. Exit 4 when something could not be taken\n"
			"back; the steps say what.\n",
	},
	{
		.name = "drain",
		.argument = "lag",
		.argument_help = "LAG|all",
		.may_force = true,
		.show_result = render_drain,
		.summary = "take the legs of this member out of service, without loss",
		.help = "The peer takes over, the partner is told by LACP, then the link goes down, and stays so\n"
			"over restarts of mlagd until 'mlagctl undrain'. Refused (exit code 4) where the\n"
			"peer's leg does not serve, unless --force is given.\n",
	},
	{
		.name = "undrain",
		.argument = "lag",
		.argument_help = "LAG|all",
		.argument_optional = true,
		.show_result = render_drain,
		.summary = "put drained legs into service again",
		.help = "Undoes 'mlagctl drain', for all LAGs if none is named. A leg may stay out of service for\n"
			"another reason; 'mlagctl lags' says which.\n",
	},
	{
		.name = "genkey",
		.argument = "file",
		.argument_help = "FILE",
		.argument_optional = true,
		.run = genkey_run,
		.summary = "make a pre-shared key for a pair",
		.help = "Makes FILE, which only its owner can read and which must not be there yet, or\n"
			"prints the key. Both members need the same one ('key-file' of [peer] in\n"
			"mlagd.conf). No mlagd is asked.\n",
	},
};

/* Names that are promised, so that a script can tell "not yet" from "no such command". */
static const char *const later_commands[] = {
	"consistency",
	"monitor",
	"metrics",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct options {
	const char *socket_path;
	bool json;
	bool help;
	bool version;
	bool force;
	const char *vlan;
	const char *lag;
	const char *mac;
	struct explain_options explain;
};

/* An answer being shown. */
struct view {
	const struct command *command;
	FILE *out;
	bool json;
	uint64_t rows;
	bool degraded;
	bool cut_off;	   /* something of it could not be made into text */
	struct save *save; /* where rows go, NULL for @out */
};

static void print_usage(FILE *out)
{
	fprintf(out, "Usage: mlagctl [-S SOCKET] [-j] COMMAND\n\n"
		     "Asks mlagd, the daemon of an MLAG pair.\n\nCommands:\n");
	for (size_t i = 0; i < COUNT(commands); i++) {
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	}
	fprintf(out,
		"\nOptions:\n"
		"  -S, --socket SOCKET  the control socket (%s)\n"
		"  -j, --json           JSON, the stable form, instead of text\n"
		"  -h, --help           this, or with a command the help of the command\n"
		"      --version        the version\n\n"
		"Exit: 0 done or healthy, 1 degraded, 2 no daemon, 3 usage, 4 refused.\n",
		CLIENT_SOCKET_DEFAULT);
}

static void print_command_help(FILE *out, const struct command *command)
{
	static const struct {
		unsigned int filter;
		const char *usage;
		const char *help;
	} filters[] = {
		{FILTER_VLAN, " [--vlan VLAN]", "  --vlan VLAN  only this VLAN, 1 to 4094\n"},
		{FILTER_LAG, " [--lag LAG]",
		 "  --lag LAG    only this LAG, by its device or its number\n"},
		{FILTER_MAC, " [--mac MAC]",
		 "  --mac MAC    only this address, such as 44:38:39:ff:00:01\n"},
	};

	fprintf(out, "Usage: mlagctl [-S SOCKET] [-j] %s%s%s%s%s%s", command->name,
		command->argument == NULL    ? ""
		: command->argument_optional ? " ["
					     : " ",
		command->argument != NULL ? command->argument_help : "",
		command->argument_optional ? "]" : "", command->may_force ? " [--force]" : "",
		command->frames ? " --in PORT --dst-mac MAC [OPTIONS]" : "");
	for (size_t i = 0; i < COUNT(filters); i++) {
		fputs((command->filters & filters[i].filter) != 0 ? filters[i].usage : "", out);
	}
	fprintf(out, "\n\n%s%s", command->help, command->filters != 0 ? "\n" : "");
	if (command->frames) {
		explain_help(out);
	}
	fputs(command->may_force ? "\n  --force      also where hosts are cut off by it\n" : "",
	      out);
	for (size_t i = 0; i < COUNT(filters); i++) {
		fputs((command->filters & filters[i].filter) != 0 ? filters[i].help : "", out);
	}
}

static void on_row(void *user, const json_t *row)
{
	struct view *view = user;

	if (view->save != NULL) {
		save_row(view->save, row);
		return;
	}
	if (view->json) {
		fputs(view->rows == 0 ? "[" : ",\n ", view->out);
		view->cut_off = json_dumpf(row, view->out, JSON_COMPACT) < 0 || view->cut_off;
	} else {
		if (view->rows == 0) {
			view->command->show_row(view->out, NULL);
		}
		view->command->show_row(view->out, row);
	}
	view->rows++;
	view->degraded = view->degraded || json_is_false(json_object_get(row, "equal"));
}

static void on_result(void *user, const json_t *result)
{
	struct view *view = user;
	const char *health = json_string_value(json_object_get(result, "health"));

	if (view->save != NULL) {
		return;
	}
	if (view->command->show_row != NULL) {
		if (view->json) {
			fputs(view->rows == 0 ? "[]\n" : "]\n", view->out);
		} else if (view->rows == 0) {
			fprintf(view->out, "%s\n", view->command->empty);
		}
		return;
	}
	if (view->json) {
		view->cut_off = json_dumpf(result, view->out, JSON_INDENT(2)) < 0;
		fputc('\n', view->out);
	} else {
		view->command->show_result(view->out, result);
	}
	view->degraded = (health != NULL && strcmp(health, "ok") != 0) ||
			 json_is_false(json_object_get(result, "agrees"));
}

/* The parameters of a request; NULL: it was said why not. */
static json_t *make_params(const struct command *command, const struct options *options,
			   const char *argument, FILE *err)
{
	json_t *params;

	if (command->frames) {
		return explain_params(&options->explain, options->vlan, err);
	}
	params = json_pack("{s:s*,s:s*,s:s*}", "vlan", options->vlan, "lag", options->lag, "mac",
			   options->mac);
	if (params == NULL ||
	    (argument != NULL &&
	     json_object_set_new(params, command->argument, json_string(argument)) < 0) ||
	    (options->force && json_object_set_new(params, "force", json_true()) < 0)) {
		json_decref(params);
		fprintf(err, "mlagctl: %s: a parameter is not valid text\n", command->name);
		return NULL;
	}
	return params;
}

/* An answer that is not whole is not given for one. */
static enum client_exit end_output(const struct view *view, enum client_exit code, FILE *err)
{
	errno = 0;
	if (fflush(view->out) != 0 || ferror(view->out)) {
		fprintf(err, "mlagctl: the answer cannot be written: %s\n",
			errno != 0 ? strerror(errno) : "a part of it is missing");
	} else if (view->cut_off) {
		fprintf(err, "mlagctl: the answer is cut off: %s\n", strerror(ENOMEM));
	} else {
		return code == CLIENT_EXIT_DONE && view->degraded ? CLIENT_EXIT_DEGRADED : code;
	}
	return code != CLIENT_EXIT_DONE ? code : CLIENT_EXIT_REFUSED;
}

static int run_command(const struct command *command, const struct options *options,
		       const char *argument, FILE *out, FILE *err)
{
	struct view view = {.command = command, .out = out, .json = options->json};
	json_t *params = make_params(command, options, argument, err);
	const struct client_call call = {
		.socket_path = options->socket_path,
		.method = command->name,
		.params = params,
		.row = command->show_row != NULL ? on_row : NULL,
		.result = on_result,
		.user = &view,
		.errors = err,
	};
	enum client_exit code;

	if (params == NULL) {
		return CLIENT_EXIT_USAGE;
	}
	if (command->saves) {
		view.save = save_open(argument, err);
		if (view.save == NULL) {
			json_decref(params);
			return CLIENT_EXIT_REFUSED;
		}
	}
	code = client_run(&call);
	json_decref(params);
	if (view.save != NULL && save_close(view.save, code == CLIENT_EXIT_DONE, err) < 0) {
		code = code != CLIENT_EXIT_DONE ? code : CLIENT_EXIT_REFUSED;
	}
	return (int)end_output(&view, code, err);
}

/* Reads options; the command and its arguments end up at argv[optind]. */
static int read_options(int argc, char *argv[], struct options *ret, FILE *err)
{
	enum { OPTION_VERSION = 256, OPTION_VLAN, OPTION_LAG, OPTION_MAC, OPTION_FORCE };
	static const struct option long_options[] = {
		{"socket", required_argument, NULL, 'S'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, OPTION_VERSION},
		{"vlan", required_argument, NULL, OPTION_VLAN},
		{"lag", required_argument, NULL, OPTION_LAG},
		{"mac", required_argument, NULL, OPTION_MAC},
		{"force", no_argument, NULL, OPTION_FORCE},
		EXPLAIN_LONG_OPTIONS,
		{NULL, 0, NULL, 0},
	};
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "S:jh", long_options, NULL)) != -1) {
		switch (option) {
		case 'S':
			ret->socket_path = optarg;
			break;
		case 'j':
			ret->json = true;
			break;
		case 'h':
			ret->help = true;
			break;
		case OPTION_VERSION:
			ret->version = true;
			break;
		case OPTION_VLAN:
			ret->vlan = optarg;
			break;
		case OPTION_LAG:
			ret->lag = optarg;
			break;
		case OPTION_MAC:
			ret->mac = optarg;
			break;
		case OPTION_FORCE:
			ret->force = true;
			break;
		default:
			if (explain_take_option(&ret->explain, option, optarg)) {
				break;
			}
			fprintf(err,
				"mlagctl: option %s is unknown or lacks its value; see "
				"'mlagctl --help'\n",
				argv[optind - 1]);
			return -EINVAL;
		}
	}
	return 0;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

static int refuse_name(const char *name, FILE *err)
{
	for (size_t i = 0; i < COUNT(later_commands); i++) {
		if (strcmp(later_commands[i], name) == 0) {
			fprintf(err, "mlagctl: %s is not available in this release (%s)\n", name,
				MLAG_VERSION);
			return CLIENT_EXIT_REFUSED;
		}
	}
	fprintf(err, "mlagctl: there is no command %s; see 'mlagctl --help'\n", name);
	return CLIENT_EXIT_USAGE;
}

int commands_run(int argc, char *argv[], FILE *out, FILE *err)
{
	struct options options = {.socket_path = CLIENT_SOCKET_DEFAULT};
	const struct command *command;
	unsigned int given;

	if (read_options(argc, argv, &options, err) < 0) {
		return CLIENT_EXIT_USAGE;
	}
	if (options.version) {
		fprintf(out, "mlagctl %s\n", MLAG_VERSION);
		return CLIENT_EXIT_DONE;
	}
	if (optind >= argc) {
		print_usage(options.help ? out : err);
		return options.help ? CLIENT_EXIT_DONE : CLIENT_EXIT_USAGE;
	}
	command = find_command(argv[optind]);
	if (command == NULL) {
		return refuse_name(argv[optind], err);
	}
	if (options.help) {
		print_command_help(out, command);
		return CLIENT_EXIT_DONE;
	}
	if (command->argument != NULL && !command->argument_optional && argc - optind < 2) {
		fprintf(err, "mlagctl: %s: say which: %s\n", command->name, command->argument_help);
		return CLIENT_EXIT_USAGE;
	}
	if (argc - optind > (command->argument != NULL ? 2 : 1)) {
		fprintf(err, "mlagctl: %s takes no argument \"%s\"; see 'mlagctl %s --help'\n",
			command->name, argv[argc - 1], command->name);
		return CLIENT_EXIT_USAGE;
	}
	given = (options.vlan != NULL && !command->frames ? FILTER_VLAN : 0) |
		(options.lag != NULL ? FILTER_LAG : 0) | (options.mac != NULL ? FILTER_MAC : 0);
	if ((given & ~command->filters) != 0) {
		fprintf(err, "mlagctl: %s do%s not go with %s\n",
			command->filters != 0 ? "--lag" : "--vlan, --lag and --mac",
			command->filters != 0 ? "es" : "", command->name);
		return CLIENT_EXIT_USAGE;
	}
	if (!command->may_force && options.force) {
		fprintf(err, "mlagctl: --force does not go with %s\n", command->name);
		return CLIENT_EXIT_USAGE;
	}
	if (!command->frames && options.explain.is_used) {
		fprintf(err, "mlagctl: the options of explain do not go with %s\n", command->name);
		return CLIENT_EXIT_USAGE;
	}
	if (command->run != NULL) {
		return command->run(argc - optind > 1 ? argv[optind + 1] : NULL, out, err) < 0
			       ? CLIENT_EXIT_REFUSED
			       : CLIENT_EXIT_DONE;
	}
	return run_command(command, &options, argc - optind > 1 ? argv[optind + 1] : NULL, out,
			   err);
}
