// SPDX-License-Identifier: BSD-2-Clause
/*
 * From a file to a struct config.  Called by main.c at start and at reload, and by `mlagd --check`.
 * One pass reports everything that is wrong: lines (ini.c), values by the table (config_table.c),
 * and here what only shows when two of them are seen together.
 */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_gateways.h"
#include "config_table.h"
#include "ini.h"
#include "keyfile.h"

#define KEYS_MAX 32
#define TITLE_SIZE 64
#define MESSAGE_SIZE 1024
#define SHOWN_MAX 64 /* bytes of a wrong value that a message repeats */

/*
 * A file being read.
 *
 * @scratch takes the values of a section that does not count (it is there twice), so that its keys
 * are judged all the same.  @seen is the line of each key of the section being read, 0 when absent;
 * of [domain] and [peer] they are kept in @domain_seen and @peer_seen, for the checks at the end.
 */
struct reader {
	const char *file;
	config_error_fn *report;
	void *user;
	unsigned int errors;
	struct config *config;
	struct config *scratch;

	enum config_section_id section;
	bool section_is_scratch;
	uint32_t section_line;
	char section_title[TITLE_SIZE];
	void *section_base;
	uint32_t seen[KEYS_MAX];

	uint32_t lines_of[CONFIG_SECTIONS_COUNT]; /* of the first section of a kind */
	uint32_t domain_seen[KEYS_MAX];
	uint32_t peer_seen[KEYS_MAX];
	uint32_t lag_id_lines[MLAG_LEGS_MAX];
};

__attribute__((format(printf, 5, 0))) static void report_list(struct reader *reader,
							      enum config_severity severity,
							      uint32_t line, const char *where,
							      const char *format, va_list list)
{
	char text[MESSAGE_SIZE];
	int used;

	if (severity == CONFIG_SEVERITY_ERROR && reader->errors++ >= CONFIG_ERRORS_MAX) {
		return;
	}
	if (reader->report == NULL) {
		return;
	}
	used = snprintf(text, sizeof(text), "%s:%u: %s%s%s", reader->file, line,
			severity == CONFIG_SEVERITY_WARNING ? "warning: " : "", where,
			*where != '\0' ? ": " : "");
	if (used < 0 || (size_t)used >= sizeof(text)) {
		used = 0;
	}
	vsnprintf(text + used, sizeof(text) - (size_t)used, format, list);
	/* What a file says is not to be trusted with a terminal, nor to be UTF-8. */
	for (char *c = text + strnlen(reader->file, (size_t)used); *c != '\0'; c++) {
		if (!isascii((unsigned char)*c) || iscntrl((unsigned char)*c)) {
			*c = '?';
		}
	}
	reader->report(reader->user, severity, text);
}

/* Reports an error of a line or a section; @where is "" or "[section]" or "[section] key". */
__attribute__((format(printf, 4, 5))) static void fail(struct reader *reader, uint32_t line,
						       const char *where, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	report_list(reader, CONFIG_SEVERITY_ERROR, line, where, format, list);
	va_end(list);
}

__attribute__((format(printf, 4, 5))) static void warn(struct reader *reader, uint32_t line,
						       const char *where, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	report_list(reader, CONFIG_SEVERITY_WARNING, line, where, format, list);
	va_end(list);
}

/* "[section] key" of the section being read. */
static const char *where_key(const struct reader *reader, const char *key, char *ret_text)
{
	snprintf(ret_text, MESSAGE_SIZE / 2, "%s %.128s", reader->section_title, key);
	return ret_text;
}

static const struct config_key *find_key(enum config_section_id section, const char *name,
					 uint32_t *ret_index)
{
	for (uint32_t i = 0; i < config_keys_count; i++) {
		if (config_keys[i].section == section && strcmp(config_keys[i].name, name) == 0) {
			*ret_index = i;
			return &config_keys[i];
		}
	}
	return NULL;
}

/* Gives the keys of a section that have a default their default. */
static void set_defaults(enum config_section_id section, void *base)
{
	for (uint32_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->section == section && key->fallback != NULL) {
			config_value_parse(key, key->fallback, (char *)base + key->offset);
		}
	}
}

/* Lists words for a message: "domain, peer, lag". */
static void list_names(enum config_section_id section, char *ret_text, size_t size)
{
	size_t used = 0;
	uint32_t count = section != CONFIG_SECTION_NONE ? config_keys_count
							: (uint32_t)CONFIG_SECTIONS_COUNT;

	ret_text[0] = '\0';
	for (uint32_t i = 0; i < count && used < size; i++) {
		const char *name = section == CONFIG_SECTION_NONE      ? config_sections[i].name
				   : config_keys[i].section == section ? config_keys[i].name
								       : NULL;
		if (name != NULL) {
			int added = snprintf(ret_text + used, size - used, "%s%s",
					     used > 0 ? ", " : "", name);

			used += added > 0 ? (size_t)added : 0;
		}
	}
}

/* A required key that is not there is an error of the section's line. */
static void check_required(struct reader *reader, enum config_section_id section,
			   const uint32_t *seen, const char *title, uint32_t line)
{
	char allowed[CONFIG_ALLOWED_SIZE];
	char where[MESSAGE_SIZE / 2];

	for (uint32_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->section == section && key->required && seen[i] == 0) {
			config_key_allowed(key, allowed);
			snprintf(where, sizeof(where), "%s %s", title, key->name);
			fail(reader, line, where, "is missing and has no default; allowed: %s",
			     allowed);
		}
	}
}

/* The line of a key, or 0. */
static uint32_t key_line(enum config_section_id section, const char *name, const uint32_t *seen)
{
	uint32_t i;

	return find_key(section, name, &i) != NULL ? seen[i] : 0;
}

static void end_section(struct reader *reader)
{
	switch (reader->section) {
	case CONFIG_SECTION_NONE:
	case CONFIG_SECTIONS_COUNT:
		return;
	case CONFIG_SECTION_DOMAIN:
		/* It is checked at the end, for it may be absent as a whole; so is [peer]. */
		if (!reader->section_is_scratch) {
			memcpy(reader->domain_seen, reader->seen, sizeof(reader->seen));
		}
		return;
	case CONFIG_SECTION_PEER:
		if (!reader->section_is_scratch) {
			memcpy(reader->peer_seen, reader->seen, sizeof(reader->seen));
		}
		return;
	case CONFIG_SECTION_LAG:
		if (!reader->section_is_scratch) {
			reader->lag_id_lines[reader->config->lags_count - 1] =
				key_line(CONFIG_SECTION_LAG, "id", reader->seen);
		}
		break;
	case CONFIG_SECTION_GATEWAY:
		break;
	}
	check_required(reader, reader->section, reader->seen, reader->section_title,
		       reader->section_line);
}

/* Finds or makes the place for a [lag] or [gateway] section; NULL after an error. */
static void *add_device(struct reader *reader, enum config_section_id section, const char *device)
{
	struct config *config = reader->config;
	uint32_t *count = section == CONFIG_SECTION_LAG ? &config->lags_count
							: &config->gateways_count;

	if (!config_ifname_valid(device)) {
		fail(reader, reader->section_line, reader->section_title,
		     "is not named after a device; allowed: [%s DEVICE], a device name of 1 to 15 "
		     "characters",
		     config_sections[section].name);
		return NULL;
	}
	for (uint32_t i = 0; i < *count; i++) {
		const char *name = section == CONFIG_SECTION_LAG ? config->lags[i].ifname
								 : config->gateways[i].ifname;
		uint32_t line = section == CONFIG_SECTION_LAG ? config->lags[i].line
							      : config->gateways[i].line;
		if (strcmp(name, device) == 0) {
			fail(reader, reader->section_line, reader->section_title,
			     "is there twice, first in line %u; allowed: once", line);
			return NULL;
		}
	}
	if (*count >= config_sections[section].count_max) {
		fail(reader, reader->section_line, reader->section_title,
		     "is one too many; allowed: %u", config_sections[section].count_max);
		return NULL;
	}
	if (section == CONFIG_SECTION_LAG) {
		struct config_lag *lag = &config->lags[(*count)++];

		memcpy(lag->ifname, device, strlen(device) + 1);
		lag->line = reader->section_line;
		return lag;
	}
	struct config_gateway *gateway = &config->gateways[(*count)++];

	memcpy(gateway->ifname, device, strlen(device) + 1);
	gateway->line = reader->section_line;
	return gateway;
}

static void begin_section(struct reader *reader, const struct ini_item *item)
{
	enum config_section_id section = CONFIG_SECTION_NONE;
	char names[128];

	end_section(reader);
	memset(reader->seen, 0, sizeof(reader->seen));
	reader->section_line = item->line;
	snprintf(reader->section_title, TITLE_SIZE, "[%.24s%s%.32s]", item->name,
		 *item->value != '\0' ? " " : "", item->value);

	for (int i = CONFIG_SECTION_DOMAIN; i < CONFIG_SECTIONS_COUNT; i++) {
		if (strcmp(config_sections[i].name, item->name) == 0) {
			section = (enum config_section_id)i;
		}
	}
	reader->section = section;
	if (section == CONFIG_SECTION_NONE) {
		if (*item->name != '\0') {
			list_names(CONFIG_SECTION_NONE, names, sizeof(names));
			fail(reader, item->line, reader->section_title,
			     "is not a section; allowed: %s", names);
		}
		return;
	}
	reader->section_base = NULL;
	if (config_sections[section].device != NULL) {
		reader->section_base = add_device(reader, section, item->value);
	} else if (*item->value != '\0') {
		fail(reader, item->line, reader->section_title,
		     "has a word too many; allowed: [%s]", item->name);
	} else if (reader->lines_of[section] != 0) {
		fail(reader, item->line, reader->section_title,
		     "is there twice, first in line %u; allowed: once", reader->lines_of[section]);
	} else {
		reader->section_base = reader->config;
	}
	if (reader->lines_of[section] == 0) {
		reader->lines_of[section] = item->line;
	}
	reader->section_is_scratch = reader->section_base == NULL;
	if (reader->section_is_scratch) {
		memset(reader->scratch, 0, sizeof(*reader->scratch));
		reader->section_base =
			section == CONFIG_SECTION_LAG	    ? (void *)&reader->scratch->lags[0]
			: section == CONFIG_SECTION_GATEWAY ? (void *)&reader->scratch->gateways[0]
							    : (void *)reader->scratch;
	}
}

/* The place of the next address of a gateway; NULL after an error. */
static void *next_address(struct reader *reader, uint32_t line, const char *where)
{
	struct config_gateway *gateway = reader->section_base;

	if (gateway->addresses_count >= CONFIG_GATEWAY_ADDRESSES_MAX) {
		fail(reader, line, where, "is one too many; allowed: %d in a section",
		     CONFIG_GATEWAY_ADDRESSES_MAX);
		return NULL;
	}
	return &gateway->addresses[gateway->addresses_count];
}

static void check_new_address(struct reader *reader, uint32_t line, const char *where)
{
	struct config_gateway *gateway = reader->section_base;
	const struct config_prefix *last = &gateway->addresses[gateway->addresses_count];

	for (uint32_t i = 0; i < gateway->addresses_count; i++) {
		const struct config_prefix *other = &gateway->addresses[i];

		if (other->family == last->family &&
		    memcmp(&other->in6, &last->in6,
			   last->family == AF_INET ? sizeof(last->in) : sizeof(last->in6)) == 0) {
			fail(reader, line, where, "is there twice; allowed: each address once");
			return;
		}
	}
	gateway->addresses_count++;
}

static void read_value(struct reader *reader, const struct ini_item *item)
{
	char allowed[CONFIG_ALLOWED_SIZE];
	char where[MESSAGE_SIZE / 2];
	const struct config_key *key;
	const char *wrong;
	char names[256];
	void *member;
	uint32_t i;

	if (reader->section_line == 0) {
		fail(reader, item->line, "",
		     "the key \"%.64s\" is in no section; allowed: keys after a "
		     "[section]",
		     item->name);
		return;
	}
	if (reader->section == CONFIG_SECTION_NONE) {
		return; /* reported with the section */
	}
	where_key(reader, item->name, where);
	key = find_key(reader->section, item->name, &i);
	if (key == NULL) {
		list_names(reader->section, names, sizeof(names));
		fail(reader, item->line, where, "is not a key; allowed: %s", names);
		return;
	}
	if (reader->seen[i] != 0 && !key->repeated) {
		fail(reader, item->line, where, "is there twice, first in line %u; allowed: once",
		     reader->seen[i]);
		return;
	}
	reader->seen[i] = item->line;
	member = key->repeated ? next_address(reader, item->line, where)
			       : (char *)reader->section_base + key->offset;
	if (member == NULL) {
		return;
	}
	wrong = config_value_parse(key, item->value, member);
	if (wrong != NULL) {
		config_key_allowed(key, allowed);
		fail(reader, item->line, where, "\"%.*s\" %s; allowed: %s", SHOWN_MAX, item->value,
		     wrong, allowed);
	} else if (key->repeated) {
		check_new_address(reader, item->line, where);
	}
}

static void read_item(void *user, const struct ini_item *item)
{
	struct reader *reader = user;

	switch (item->type) {
	case INI_NONE:
		return;
	case INI_SECTION:
		begin_section(reader, item);
		return;
	case INI_VALUE:
		read_value(reader, item);
		return;
	case INI_ERROR:
		fail(reader, item->line, item->name == NULL ? reader->section_title : "", "%s",
		     item->value);
		return;
	}
}

/* The line of a key of [peer], or of the section, or 0. */
static uint32_t peer_line(const struct reader *reader, const char *name)
{
	uint32_t line = key_line(CONFIG_SECTION_PEER, name, reader->peer_seen);

	return line != 0 ? line : reader->lines_of[CONFIG_SECTION_PEER];
}

static bool same_host(const struct config_address *a, const struct config_address *b)
{
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->storage;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)&b->storage;

	if (a->storage.ss_family != b->storage.ss_family || strcmp(a->scope, b->scope) != 0) {
		return false;
	}
	if (a->storage.ss_family == AF_INET) {
		return ((const struct sockaddr_in *)a6)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b6)->sin_addr.s_addr;
	}
	return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* Two ends of one path: same family, same device, not the same address. */
static void check_ends(struct reader *reader, const struct config_address *local,
		       const struct config_address *remote, const char *prefix)
{
	char where[64], name[32];
	uint32_t line;

	if (local->size == 0 || remote->size == 0) {
		return; /* absent, or reported already */
	}
	snprintf(name, sizeof(name), "%sremote", prefix);
	snprintf(where, sizeof(where), "[peer] %s", name);
	line = peer_line(reader, name);
	if (local->storage.ss_family != remote->storage.ss_family) {
		fail(reader, line, where,
		     "is not of the family of %slocal; allowed: both IPv4 or both IPv6", prefix);
	} else if (strcmp(local->scope, remote->scope) != 0) {
		fail(reader, line, where,
		     "is not on the device of %slocal; allowed: the same after '%%', or none in both",
		     prefix);
	} else if (same_host(local, remote)) {
		fail(reader, line, where,
		     "is the same address as %slocal; allowed: the address of the other member",
		     prefix);
	}
}

static void check_backup(struct reader *reader)
{
	const struct config *config = reader->config;
	uint32_t remote_line = key_line(CONFIG_SECTION_PEER, "backup-remote", reader->peer_seen);
	uint32_t local_line = key_line(CONFIG_SECTION_PEER, "backup-local", reader->peer_seen);

	if (local_line != 0 && remote_line == 0) {
		fail(reader, local_line, "[peer] backup-local",
		     "is there without backup-remote; allowed: both or neither");
		return;
	}
	if (remote_line != 0 && local_line == 0) {
		fail(reader, remote_line, "[peer] backup-remote",
		     "is there without backup-local; allowed: both or neither");
		return;
	}
	check_ends(reader, &config->backup_local, &config->backup_remote, "backup-");
	if (config->backup_remote.size != 0 && config->remote.size != 0 &&
	    same_host(&config->backup_local, &config->local) &&
	    same_host(&config->backup_remote, &config->remote)) {
		fail(reader, remote_line, "[peer] backup-remote",
		     "makes the backup path the session's own; allowed: another path");
	}
}

static void check_peer(struct reader *reader)
{
	const struct config *config = reader->config;

	check_ends(reader, &config->local, &config->remote, "");
	check_backup(reader);
	if (config->link[0] != '\0' && strcmp(config->link, config->bridge) == 0) {
		fail(reader, config->link_line, "[peer] link",
		     "is the bridge itself; allowed: a port of it");
	}
}

static void check_lags(struct reader *reader)
{
	const struct config *config = reader->config;
	char where[TITLE_SIZE];

	for (uint32_t i = 0; i < config->lags_count; i++) {
		const struct config_lag *lag = &config->lags[i];

		snprintf(where, sizeof(where), "[lag %s]", lag->ifname);
		if (strcmp(lag->ifname, config->link) == 0) {
			fail(reader, lag->line, where,
			     "is the peer link ([peer] link); allowed: another port of the bridge");
		}
		if (strcmp(lag->ifname, config->bridge) == 0) {
			fail(reader, lag->line, where,
			     "is the bridge ([domain] bridge); allowed: a port of it");
		}
		for (uint32_t j = 0; j < i && lag->id != 0; j++) {
			if (config->lags[j].id == lag->id) {
				snprintf(where, sizeof(where), "[lag %s] id", lag->ifname);
				fail(reader, reader->lag_id_lines[i], where,
				     "%u is also the id of [lag %s] in line %u; allowed: a number "
				     "of its own",
				     lag->id, config->lags[j].ifname, reader->lag_id_lines[j]);
				break;
			}
		}
	}
}

static void report_gateway(void *user, enum config_severity severity, uint32_t line,
			   const char *where, const char *text)
{
	if (severity == CONFIG_SEVERITY_ERROR) {
		fail(user, line, where, "%s", text);
	} else {
		warn(user, line, where, "%s", text);
	}
}

/* What is right, and yet does not do what its writer hopes for. */
static void warn_unused(struct reader *reader)
{
	const struct config *config = reader->config;
	uint64_t dead_ns = config->hello_interval_ns * config->dead_multiplier;

	if (config->restart_hold_ns <= dead_ns) {
		warn(reader, peer_line(reader, "restart-hold"), "[peer] restart-hold",
		     "is not longer than the dead time (hello-interval times dead-multiplier)");
	}
}

static void set_port(struct config_address *address, uint16_t port)
{
	/* The port is in the same place in both families. */
	((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
}

static void check_whole(struct reader *reader, uint32_t last_line)
{
	struct config *config = reader->config;
	const uint32_t *lines = reader->lines_of;

	check_required(reader, CONFIG_SECTION_DOMAIN, reader->domain_seen, "[domain]",
		       lines[CONFIG_SECTION_DOMAIN] ? lines[CONFIG_SECTION_DOMAIN] : last_line);
	check_required(reader, CONFIG_SECTION_PEER, reader->peer_seen, "[peer]",
		       lines[CONFIG_SECTION_PEER] ? lines[CONFIG_SECTION_PEER] : last_line);
	config->system_mac_line =
		key_line(CONFIG_SECTION_DOMAIN, "system-mac", reader->domain_seen);
	config->domain_id_line = key_line(CONFIG_SECTION_DOMAIN, "id", reader->domain_seen);
	if (config->domain_id_line == 0) {
		config->domain_id_line = lines[CONFIG_SECTION_DOMAIN]; /* by default */
	}
	config->bridge_line = key_line(CONFIG_SECTION_DOMAIN, "bridge", reader->domain_seen);
	config->link_line = key_line(CONFIG_SECTION_PEER, "link", reader->peer_seen);
	config->key_file_line = peer_line(reader, "key-file");
	check_peer(reader);
	check_lags(reader);
	config_judge_gateways(config, report_gateway, reader);
	if (reader->errors > 0) {
		return;
	}
	set_port(&config->local, config->port);
	set_port(&config->remote, config->port);
	if (config->backup_local.size != 0) {
		set_port(&config->backup_local, config->port);
		set_port(&config->backup_remote, config->port);
	}
	warn_unused(reader);
}

int config_parse(const char *name, const char *text, size_t size, struct config *ret,
		 config_error_fn *report, void *user, unsigned int *ret_errors)
{
	struct reader reader = {.file = name, .report = report, .user = user};
	uint32_t last_line;

	if (config_keys_count > KEYS_MAX) {
		return -E2BIG;
	}
	reader.config = calloc(2, sizeof(*reader.config));
	if (reader.config == NULL) {
		fail(&reader, 0, "", "cannot be read: %s", strerror(ENOMEM));
		if (ret_errors != NULL) {
			*ret_errors = 1;
		}
		return -ENOMEM;
	}
	reader.scratch = &reader.config[1];
	set_defaults(CONFIG_SECTION_DOMAIN, reader.config);
	set_defaults(CONFIG_SECTION_PEER, reader.config);
	last_line = ini_read(text, size, read_item, &reader);
	end_section(&reader);
	check_whole(&reader, last_line);

	if (reader.errors == 0) {
		*ret = *reader.config;
	}
	free(reader.config);
	if (ret_errors != NULL) {
		*ret_errors = reader.errors;
	}
	return reader.errors == 0 ? 0 : -EINVAL;
}

static void warn_device(struct reader *reader, uint32_t line, const char *where, const char *ifname)
{
	if (if_nametoindex(ifname) == 0) {
		warn(reader, line, where, "device %s does not exist now; mlagd waits for it",
		     ifname);
	}
}

static void warn_devices(struct reader *reader, const struct config *config)
{
	char where[TITLE_SIZE];

	warn_device(reader, config->bridge_line, "[domain] bridge", config->bridge);
	warn_device(reader, config->link_line, "[peer] link", config->link);
	if (config->local.scope[0] != '\0') {
		warn_device(reader, config->link_line, "[peer] local", config->local.scope);
	}
	for (uint32_t i = 0; i < config->lags_count; i++) {
		snprintf(where, sizeof(where), "[lag %s]", config->lags[i].ifname);
		warn_device(reader, config->lags[i].line, where, config->lags[i].ifname);
	}
	for (uint32_t i = 0; i < config->gateways_count; i++) {
		snprintf(where, sizeof(where), "[gateway %s]", config->gateways[i].ifname);
		warn_device(reader, config->gateways[i].line, where, config->gateways[i].ifname);
	}
}

/* Reads a whole file of at most CONFIG_FILE_SIZE_MAX bytes. */
static int read_file(const char *path, char **ret_text, size_t *ret_size)
{
	struct stat status;
	size_t size = 0;
	char *text;
	int error = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &status) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	if (S_ISDIR(status.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	text = malloc(CONFIG_FILE_SIZE_MAX + 1);
	if (text == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (size <= CONFIG_FILE_SIZE_MAX) {
		ssize_t count = read(fd, text + size, CONFIG_FILE_SIZE_MAX + 1 - size);

		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count <= 0) {
			error = count < 0 ? -errno : 0;
			break;
		}
		size += (size_t)count;
	}
	close(fd);
	if (error == 0 && size > CONFIG_FILE_SIZE_MAX) {
		error = -EFBIG;
	}
	if (error < 0) {
		free(text);
		return error;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}

void config_free(struct config *config)
{
	if (config != NULL) {
		explicit_bzero(&config->key, sizeof(config->key));
		free(config);
	}
}

/* The key, where one is needed. */
static int load_key(struct reader *reader, struct config *config)
{
	char why[256];
	int r;

	if (config->security != CONFIG_SECURITY_PSK) {
		return 0;
	}
	r = keyfile_read(config->key_file, &config->key, why, sizeof(why));
	if (r < 0) {
		fail(reader, config->key_file_line, "[peer] key-file", "%s: %s", config->key_file,
		     why);
		return -EINVAL;
	}
	return 0;
}

int config_load(const char *path, struct config *ret, config_error_fn *report, void *user,
		unsigned int *ret_errors)
{
	struct reader reader = {.file = path, .report = report, .user = user};
	struct config *config;
	char *text = NULL;
	size_t size = 0;
	int r;

	config = calloc(1, sizeof(*config));
	r = config == NULL ? -ENOMEM : read_file(path, &text, &size);
	if (r < 0) {
		fail(&reader, 0, "", "cannot be read: %s", strerror(-r));
		if (ret_errors != NULL) {
			*ret_errors = 1;
		}
		config_free(config);
		return r;
	}
	r = config_parse(path, text, size, config, report, user, ret_errors);
	free(text);
	if (r == 0) {
		r = load_key(&reader, config);
		if (r < 0 && ret_errors != NULL) {
			*ret_errors = reader.errors;
		}
	}
	if (r == 0) {
		warn_devices(&reader, config);
		*ret = *config;
	}
	config_free(config);
	return r;
}

static void print_report(void *user, enum config_severity severity, const char *text)
{
	(void)user;
	(void)severity;
	fprintf(stderr, "%s\n", text);
}

int config_check(const char *path)
{
	struct config *config = calloc(1, sizeof(*config));
	unsigned int errors = 0;
	int r;

	if (config == NULL) {
		fprintf(stderr, "mlagd: no memory\n");
		return 1;
	}
	r = config_load(path, config, print_report, NULL, &errors);
	if (errors > CONFIG_ERRORS_MAX) {
		fprintf(stderr, "%s:0: %u errors in all\n", path, errors);
	}
	config_free(config);
	return r == 0 ? 0 : 1;
}

const struct config_lag *config_lag_by_id(const struct config *config, uint16_t id)
{
	for (uint32_t i = 0; i < config->lags_count; i++) {
		if (config->lags[i].id == id) {
			return &config->lags[i];
		}
	}
	return NULL;
}
