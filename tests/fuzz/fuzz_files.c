/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets in the files of the run directory, which an earlier daemon or guard wrote and which a
 * disk, a crash or a hand may have damaged: the lease that mlagd shares with mlag-guard, what ports
 * were like ("found"), what is held ("held", "legs"), settings, and the record of an earlier run.
 * What is read is within its bounds, and what is written back is read as the same.
 *
 * The first octet says which file; the files of lines get the right first line, without which nothing
 * else would be read.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../daemon/mlagguard/guard.h"
#include "common/lease.h"
#include "kernel/found.h"
#include "kernel/heldfile.h"
#include "kernel/knobs.h"
#include "kernel/runfile.h"
#include "kernel/statefile.h"
#include "log.h"

static char directory[64];

static void remove_directory(void)
{
	static const char *const names[] = {LEASE_FILE, "found", "held", "lines", "settings"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(directory);
}

static const char *path_of(const char *name)
{
	static char path[128];

	if (directory[0] == '\0') {
		(void)snprintf(directory, sizeof(directory), "/dev/shm/mlag-fuzz-XXXXXX");
		fuzz_require(mkdtemp(directory) != NULL);
		(void)atexit(remove_directory);
		log_set_level(LOG_LEVEL_ERROR);
	}
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, const void *head, size_t head_size,
		       const struct fuzz_input *body)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_require(fd >= 0);
	fuzz_require(write(fd, head, head_size) == (ssize_t)head_size);
	fuzz_require(write(fd, body->data, body->size) == (ssize_t)body->size);
	fuzz_require(close(fd) == 0);
}

/* ---- files of lines -------------------------------------------------------------------------- */

static void write_nothing(FILE *file, const void *user)
{
	(void)file;
	(void)user;
}

/* The line that says which boot and namespace this is, as runfile.c and statefile.c write it. */
static size_t first_line(char *ret, size_t size)
{
	const char *path = path_of("lines");
	FILE *file;
	size_t length;

	fuzz_require(runfile_replace(path, write_nothing, NULL) == 0);
	file = fopen(path, "re");
	fuzz_require(file != NULL && fgets(ret, (int)size, file) != NULL);
	length = strlen(ret);
	fuzz_require(fclose(file) == 0);
	return length;
}

static void write_lines(const char *name, const struct fuzz_input *body)
{
	static char line[128];
	static size_t length;

	if (length == 0) {
		length = first_line(line, sizeof(line));
	}
	write_file(name, line, length, body);
}

static void try_found(const struct fuzz_input *body)
{
	struct found *found = NULL;
	const struct found_device *device;
	uint32_t before = 0;

	write_lines("found", body);
	fuzz_require(found_open(&found, directory) == 0);
	while ((device = found_next(found, before)) != NULL) {
		fuzz_require(device->ifindex > before && device->what != 0);
		fuzz_require(found_get(found, device->ifindex) == device);
		before = device->ifindex;
		if (before == UINT32_MAX) {
			break;
		}
	}
	found_drop(found, 1, UINT32_MAX);
	fuzz_require(found_get(found, 1) == NULL);
	found_close(found);
}

static void try_settings(const struct fuzz_input *body)
{
	struct knobs *knobs = NULL;

	write_lines("settings", body);
	fuzz_require(knobs_open(&knobs, directory) == 0);
	/* No call of knobs_end(): it would put settings of this very machine back. */
	knobs_close(knobs);
}

static void on_line(void *user, const char *line)
{
	uint32_t *count = user;

	fuzz_require(strchr(line, '\n') == NULL);
	++*count;
}

static int set_up(void *user, uint32_t ifindex, bool up)
{
	uint32_t *calls = user;

	++*calls;
	fuzz_require(ifindex != 0 && up);
	return 0;
}

static int get_priority(void *user, uint32_t ifindex, uint16_t *ret_priority)
{
	(void)user;
	(void)ifindex;
	*ret_priority = 1;
	return 0;
}

static int set_priority(void *user, uint32_t ifindex, uint16_t priority)
{
	(void)user;
	fuzz_require(ifindex != 0 && priority != 0);
	return 0;
}

static const char *error_text(void *user)
{
	(void)user;
	return "";
}

static int save_held(void *user, const struct holder_record *records, uint32_t count)
{
	(void)user;
	return heldfile_save(path_of("held"), records, count);
}

#define HELD_MAX 16384

/* What is recorded as held is given back, each leg once, and then nothing is left. */
static void try_held(const struct fuzz_input *body)
{
	static const struct holder_ops ops = {set_up, get_priority, set_priority, error_text,
					      save_held};
	struct holder *holder = NULL;
	uint32_t lines = 0, calls = 0, cursor = 0, ifindex;

	write_lines("held", body);
	statefile_load(path_of("held"), on_line, &lines);
	fuzz_require(holder_open(&holder, HELD_MAX, &ops, &calls) == 0);
	heldfile_load(path_of("held"), holder);
	for (uint32_t i = 0; (ifindex = holder_next_leg(holder, &cursor)) != 0; i++) {
		fuzz_require(i < HELD_MAX);
	}
	cursor = 0;
	ifindex = holder_next_leg(holder, &cursor);
	if (ifindex != 0) {
		struct holder_leg leg = {.ifindex = ifindex, .ifname = "leg"};

		for (uint64_t now_ns = 1; now_ns < 4; now_ns++) {
			(void)holder_apply(holder, &leg, now_ns * UINT64_C(1000000000));
		}
		fuzz_require(!holder_is_held(holder, ifindex));
	}
	holder_close(holder);
}

/* ---- the lease ------------------------------------------------------------------------------- */

static void check_terms(const struct lease_terms *terms)
{
	fuzz_require(terms->legs_count <= MLAG_LEGS_MAX &&
		     terms->hello_size <= MLAG_HELLO_SIZE_MAX);
	fuzz_require(terms->backup_size <= sizeof(terms->backup_local));
	fuzz_require(memchr(terms->link, '\0', sizeof(terms->link)) != NULL);
	fuzz_require(memchr(terms->backup_scope, '\0', sizeof(terms->backup_scope)) != NULL);
	for (uint32_t i = 0; i < terms->legs_count; i++) {
		fuzz_require(memchr(terms->legs[i].ifname, '\0', IFNAMSIZ) != NULL);
	}
}

/* Two octets say where, two how many follow: a page is large, and most of it zero. */
static void damage(struct lease_page *page, struct fuzz_input *body)
{
	uint8_t *octets = (uint8_t *)page;
	size_t head = offsetof(struct lease_page, renewed_ns);

	while (body->size > 4) {
		size_t at = head + fuzz_take_u16(body) % (sizeof(*page) - head);
		struct fuzz_input part = fuzz_take(body, fuzz_take_u16(body) % 512);

		if (part.size > sizeof(*page) - at) {
			part.size = sizeof(*page) - at;
		}
		memcpy(octets + at, part.data, part.size);
	}
}

static void try_lease(struct fuzz_input *body)
{
	static struct lease_terms terms;
	static struct guard guard;
	struct lease_page *page;
	int fd;

	(void)unlink(path_of(LEASE_FILE));
	fuzz_require(lease_open(directory, &page, &fd) == 0);
	damage(page, body);
	lease_close(page, fd);
	fuzz_require(lease_open(directory, &page, &fd) == 0);
	fuzz_require(atomic_load(&page->downs_count) <= LEASE_DOWNS_MAX);
	if (lease_read(page, &terms)) {
		check_terms(&terms);
	}
	(void)lease_guard(page, 1);
	lease_close(page, fd);
	/* A guard that starts there; what it would do to links is not done without any of these names. */
	memset(&guard, 0, sizeof(guard));
	fuzz_require(guard_open(&guard, directory) == 0);
	(void)guard_look(&guard);
	guard_close(&guard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input body = {data, size};

	switch (fuzz_take_u8(&body) % 4) {
	case 0:
		try_lease(&body);
		break;
	case 1:
		try_found(&body);
		break;
	case 2:
		try_held(&body);
		break;
	default:
		try_settings(&body);
		break;
	}
	return 0;
}
