// SPDX-License-Identifier: BSD-2-Clause
/*
 * What ports were like before (see found.h).  ports.c owns the object, and asks it before it
 * changes something for the first time.
 */
#include "kernel/found.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/runfile.h"
#include "kernel/sorted.h"
#include "log.h"

#define FOUND_DEVICES_MAX 65536
#define FOUND_ALL (FOUND_LEG | FOUND_PEER_LINK | FOUND_BOND | FOUND_QDISC)

struct found {
	char path[RUNFILE_PATH_SIZE]; /* empty: nothing is kept */
	struct sorted devices;
	int file_error; /* why that failed last */
};

static int compare(const void *a, const void *b)
{
	const struct found_device *left = a, *right = b;

	return (left->ifindex > right->ifindex) - (left->ifindex < right->ifindex);
}

/* ---- the file ------------------------------------------------------------------------------ */

static void write_devices(FILE *file, const void *user)
{
	const struct found *found = user;

	for (uint32_t i = 0; i < found->devices.count; i++) {
		const struct found_device *device = sorted_at(&found->devices, i);
		const uint8_t *mac = device->system_mac.octets;

		(void)fprintf(file,
			      "%" PRIu32 " %" PRIu32 " %d %d %d %" PRIu32
			      " %d %d %02x:%02x:%02x:%02x:%02x:%02x %d\n",
			      device->ifindex, device->what, device->flood, device->mcast_flood,
			      device->bcast_flood, device->backup_ifindex, device->learning,
			      device->router, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
			      device->all_slaves_active);
	}
}

static bool read_device(FILE *file, struct found_device *ret)
{
	int flags[5];
	uint8_t mac[6];

	memset(ret, 0, sizeof(*ret));
	if (fscanf(file,
		   "%" SCNu32 " %" SCNu32 " %d %d %d %" SCNu32 " %d %d %" SCNx8 ":%" SCNx8
		   ":%" SCNx8 ":%" SCNx8 ":%" SCNx8 ":%" SCNx8 " %d",
		   &ret->ifindex, &ret->what, &flags[0], &flags[1], &flags[2], &ret->backup_ifindex,
		   &flags[3], &ret->router, &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5],
		   &flags[4]) != 15) {
		return false;
	}
	ret->what &= FOUND_ALL;
	ret->flood = flags[0] != 0;
	ret->mcast_flood = flags[1] != 0;
	ret->bcast_flood = flags[2] != 0;
	ret->learning = flags[3] != 0;
	ret->all_slaves_active = flags[4] != 0;
	memcpy(ret->system_mac.octets, mac, sizeof(mac));
	return ret->ifindex != 0 && ret->what != 0;
}

static void load(struct found *found)
{
	struct found_device device;
	char name[IF_NAMESIZE];
	FILE *file = runfile_read(found->path);
	void *there;

	if (file == NULL) {
		return;
	}
	while (read_device(file, &device)) {
		/* One that is gone took its settings along. */
		if (if_indextoname(device.ifindex, name) != NULL &&
		    sorted_put(&found->devices, &device, &there) < 0) {
			break;
		}
	}
	(void)fclose(file);
}

static int save(struct found *found)
{
	int error;

	if (found->path[0] == '\0') {
		return 0;
	}
	error = runfile_replace(found->path, write_devices, found);
	if (error < 0 && error != found->file_error) {
		log_warning("%s cannot be written: %s; 'mlagctl leave' after a restart would not "
			    "know how ports were found",
			    found->path, strerror(-error));
	}
	found->file_error = error;
	return error;
}

/* ---- the devices --------------------------------------------------------------------------- */

const struct found_device *found_get(const struct found *found, uint32_t ifindex)
{
	const struct found_device wanted = {.ifindex = ifindex};

	return sorted_find(&found->devices, &wanted);
}

const struct found_device *found_next(const struct found *found, uint32_t ifindex)
{
	const struct found_device wanted = {.ifindex = ifindex + 1};
	uint32_t index = sorted_lower(&found->devices, &wanted);

	return index < found->devices.count ? sorted_at(&found->devices, index) : NULL;
}

static void take(struct found_device *there, const struct found_device *device, uint32_t what)
{
	if ((what & FOUND_LEG) != 0) {
		there->flood = device->flood;
		there->mcast_flood = device->mcast_flood;
		there->bcast_flood = device->bcast_flood;
		there->backup_ifindex = device->backup_ifindex;
	}
	if ((what & FOUND_PEER_LINK) != 0) {
		there->learning = device->learning;
		there->router = device->router;
	}
	if ((what & FOUND_BOND) != 0) {
		there->system_mac = device->system_mac;
		there->all_slaves_active = device->all_slaves_active;
	}
	there->what |= what;
}

int found_add(struct found *found, const struct found_device *device)
{
	struct found_device fresh = {.ifindex = device->ifindex};
	struct found_device *there = sorted_find(&found->devices, &fresh);
	uint32_t what = device->what & ~(there != NULL ? there->what : 0);
	void *place;

	if (what == 0) {
		return 0;
	}
	if (there == NULL) {
		if (sorted_put(&found->devices, &fresh, &place) < 0) {
			return -ENOSPC;
		}
		there = place;
	}
	take(there, device, what);
	return save(found);
}

void found_drop(struct found *found, uint32_t ifindex, uint32_t what)
{
	const struct found_device wanted = {.ifindex = ifindex};
	struct found_device *there = sorted_find(&found->devices, &wanted);

	if (there == NULL || (there->what & what) == 0) {
		return;
	}
	there->what &= ~what;
	if (there->what == 0) {
		sorted_remove(&found->devices, sorted_lower(&found->devices, &wanted));
	}
	(void)save(found);
}

/* ---- life and death ------------------------------------------------------------------------ */

int found_open(struct found **ret, const char *directory)
{
	struct found *found = calloc(1, sizeof(*found));

	if (found == NULL) {
		return -ENOMEM;
	}
	found->devices.size = sizeof(struct found_device);
	found->devices.max = FOUND_DEVICES_MAX;
	found->devices.compare = compare;
	if (directory != NULL) {
		(void)snprintf(found->path, sizeof(found->path), "%s/found", directory);
		load(found);
	}
	*ret = found;
	return 0;
}

void found_close(struct found *found)
{
	if (found == NULL) {
		return;
	}
	sorted_fini(&found->devices);
	free(found);
}
