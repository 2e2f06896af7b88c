// SPDX-License-Identifier: BSD-2-Clause
/*
 * Settings of other people's devices (see knobs.h).  gateway.c says, at every change, which are
 * wanted; what is missing in that list is put back.  A record is about a device by its number, so
 * that one that was deleted and made again, or renamed, is not mistaken.
 */
#include "kernel/knobs.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/runfile.h"
#include "kernel/sorted.h"
#include "log.h"

#define KNOBS_RECORDS_MAX 65536
#define KNOBS_PATH_SIZE 256

/* What is required of a setting: to be @value exactly, or at least that. */
static const struct {
	const char *path;
	int value;
	bool or_more;
} rules[KNOBS_COUNT] = {
	[KNOBS_SEND_REDIRECTS] = {"ipv4/conf/%s/send_redirects", 0, false},
	[KNOBS_ARP_IGNORE] = {"ipv4/conf/%s/arp_ignore", 1, true},
	[KNOBS_ARP_ANNOUNCE] = {"ipv4/conf/%s/arp_announce", 2, true},
	[KNOBS_ARP_EVICT] = {"ipv4/conf/%s/arp_evict_nocarrier", 0, false},
	[KNOBS_KEEP_ADDRESSES] = {"ipv6/conf/%s/keep_addr_on_down", 1, true},
	[KNOBS_NDISC_EVICT] = {"ipv6/conf/%s/ndisc_evict_nocarrier", 0, false},
};

/**
 * struct knobs_record - a setting that was changed
 * @ifindex, @knob: the order of the table
 * @found: its value before
 * @wanted: since knobs_begin()
 * @due: it is to be changed by knobs_end()
 * @error: why that failed last, 0 if it did not
 */
struct knobs_record {
	uint32_t ifindex;
	uint32_t knob;
	int found;
	bool wanted;
	bool due;
	int error;
};

struct knobs {
	char path[RUNFILE_PATH_SIZE];
	struct sorted records;
	bool changed;	/* since the file was written */
	int file_error; /* why that failed last */
};

/* ---- one setting --------------------------------------------------------------------------- */

static int open_setting(const char *path, int flags)
{
	char full[KNOBS_PATH_SIZE];
	int size = snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	int fd;

	if (size < 0 || (size_t)size >= sizeof(full)) {
		return -ENAMETOOLONG;
	}
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int knobs_read(const char *path)
{
	char text[16];
	ssize_t size;
	long value;
	int fd = open_setting(path, O_RDONLY);

	if (fd < 0) {
		return fd;
	}
	size = read(fd, text, sizeof(text) - 1);
	if (size < 0) {
		size = -errno;
	}
	(void)close(fd);
	if (size <= 0) {
		return size < 0 ? (int)size : -EIO;
	}
	text[size] = '\0';
	value = strtol(text, NULL, 10);
	return value >= 0 && value <= INT32_MAX ? (int)value : -ERANGE;
}

int knobs_write(const char *path, int value)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%d\n", value);
	int fd = open_setting(path, O_WRONLY);
	int error = 0;

	if (fd < 0) {
		return fd;
	}
	if (write(fd, text, (size_t)size) < 0) {
		error = -errno;
	}
	(void)close(fd);
	return error;
}

static void setting_path(enum knobs_knob knob, const char *ifname, char ret[KNOBS_PATH_SIZE])
{
	const char *format = rules[knob].path;
	const char *place = strstr(format, "%s");

	(void)snprintf(ret, KNOBS_PATH_SIZE, "%.*s%s%s", (int)(place - format), format, ifname,
		       place + 2);
}

static bool does_as_well(enum knobs_knob knob, int value)
{
	return value == rules[knob].value || (rules[knob].or_more && value > rules[knob].value);
}

/* ---- the file ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	const struct knobs_record *left = a, *right = b;

	if (left->ifindex != right->ifindex) {
		return left->ifindex < right->ifindex ? -1 : 1;
	}
	return (left->knob > right->knob) - (left->knob < right->knob);
}

static void load(struct knobs *knobs)
{
	struct knobs_record record = {0};
	FILE *file = runfile_read(knobs->path);
	void *there;

	if (file == NULL) {
		return;
	}
	while (fscanf(file, "%u %u %d", &record.ifindex, &record.knob, &record.found) == 3 &&
	       record.knob > KNOBS_NONE && record.knob < KNOBS_COUNT) {
		if (sorted_put(&knobs->records, &record, &there) < 0) {
			break;
		}
	}
	(void)fclose(file);
}

static void write_records(FILE *file, const void *user)
{
	const struct knobs *knobs = user;

	for (uint32_t i = 0; i < knobs->records.count; i++) {
		const struct knobs_record *record = sorted_at(&knobs->records, i);

		(void)fprintf(file, "%u %u %d\n", record->ifindex, record->knob, record->found);
	}
}

/* It is written before a setting is changed. */
static int save(struct knobs *knobs)
{
	int error = runfile_replace(knobs->path, write_records, knobs);

	if (error < 0 && error != knobs->file_error) {
		log_warning("%s cannot be written: %s; settings of devices that are changed now "
			    "may stay so",
			    knobs->path, strerror(-error));
	}
	knobs->changed = error < 0;
	knobs->file_error = error;
	return error;
}

/* ---- what is wanted ------------------------------------------------------------------------ */

void knobs_begin(struct knobs *knobs)
{
	for (uint32_t i = 0; i < knobs->records.count; i++) {
		struct knobs_record *record = sorted_at(&knobs->records, i);

		record->wanted = false;
		record->due = false;
	}
}

int knobs_want(struct knobs *knobs, uint32_t ifindex, const char *ifname, enum knobs_knob knob)
{
	struct knobs_record fresh = {.ifindex = ifindex, .knob = knob};
	struct knobs_record *record = sorted_find(&knobs->records, &fresh);
	char path[KNOBS_PATH_SIZE];
	void *there;
	int value;

	if (record != NULL) {
		record->wanted = true;
	}
	setting_path(knob, ifname, path);
	value = knobs_read(path);
	if (value < 0 || does_as_well(knob, value)) {
		return value < 0 ? value : 0;
	}
	if (record != NULL) {
		record->due = true;
		return 0;
	}
	fresh.found = value;
	fresh.wanted = true;
	fresh.due = true;
	knobs->changed = true;
	return sorted_put(&knobs->records, &fresh, &there) < 0 ? -ENOSPC : 0;
}

/* The path of a record's setting; false when the device is gone, with its settings. */
static bool record_path(const struct knobs_record *record, char ret[KNOBS_PATH_SIZE])
{
	char name[IF_NAMESIZE] = "all";

	if (record->ifindex != KNOBS_ALL && if_indextoname(record->ifindex, name) == NULL) {
		return false;
	}
	setting_path((enum knobs_knob)record->knob, name, ret);
	return true;
}

static int change(struct knobs_record *record)
{
	char path[KNOBS_PATH_SIZE];
	int error;

	if (!record_path(record, path)) {
		return 0;
	}
	error = knobs_write(path, rules[record->knob].value);
	if (error < 0 && error != record->error) {
		log_warning("%s cannot be set to %d: %s; trying on", path,
			    rules[record->knob].value, strerror(-error));
	} else if (error == 0) {
		log_debug("%s: set to %d", path, rules[record->knob].value);
	}
	record->error = error;
	return error;
}

static void put_back(const struct knobs_record *record)
{
	char path[KNOBS_PATH_SIZE];

	if (record_path(record, path) && knobs_read(path) == rules[record->knob].value &&
	    knobs_write(path, record->found) == 0) {
		log_debug("%s: set to %d, as it was found", path, record->found);
	}
}

static int change_due(struct knobs *knobs)
{
	int first_error = 0;

	for (uint32_t i = 0; i < knobs->records.count; i++) {
		struct knobs_record *record = sorted_at(&knobs->records, i);
		int error = record->due ? change(record) : 0;

		record->due = false;
		first_error = first_error < 0 ? first_error : error;
	}
	return first_error;
}

int knobs_end(struct knobs *knobs)
{
	uint32_t i = 0;
	int error, save_error = 0;

	/* Written before anything is changed; without it things stay as they will be. */
	if (knobs->changed) {
		save_error = save(knobs);
	}
	error = change_due(knobs);
	while (i < knobs->records.count) {
		const struct knobs_record *record = sorted_at(&knobs->records, i);

		if (record->wanted) {
			i++;
			continue;
		}
		put_back(record);
		sorted_remove(&knobs->records, i);
		knobs->changed = true;
	}
	if (knobs->changed && save_error == 0) {
		save_error = save(knobs);
	}
	return error < 0 ? error : save_error;
}

/* ---- life and death ------------------------------------------------------------------------ */

int knobs_open(struct knobs **ret, const char *directory)
{
	struct knobs *knobs = calloc(1, sizeof(*knobs));

	if (knobs == NULL) {
		return -ENOMEM;
	}
	(void)snprintf(knobs->path, sizeof(knobs->path), "%s/settings", directory);
	knobs->records.size = sizeof(struct knobs_record);
	knobs->records.max = KNOBS_RECORDS_MAX;
	knobs->records.compare = compare;
	load(knobs);
	*ret = knobs;
	return 0;
}

void knobs_close(struct knobs *knobs)
{
	if (knobs == NULL) {
		return;
	}
	sorted_fini(&knobs->records);
	free(knobs);
}
