// SPDX-License-Identifier: BSD-2-Clause
/*
 * Notes of what is held, a line each (see heldfile.h).  Called by holds.c.
 */
#include "kernel/heldfile.h"

#include "kernel/statefile.h"

struct heldfile_records {
	const struct holder_record *records;
	uint32_t count;
};

static void read_line(void *user, const char *line)
{
	struct holder_record record = {0};
	unsigned int leg_ifindex, ifindex, priority;

	if (sscanf(line, "device %u %u", &leg_ifindex, &ifindex) == 2) {
		record.leg_ifindex = leg_ifindex;
		record.ifindex = ifindex;
	} else if (sscanf(line, "priority %u %u", &leg_ifindex, &priority) == 2 &&
		   priority <= UINT16_MAX) {
		record.leg_ifindex = leg_ifindex;
		record.priority = (uint16_t)priority;
	}
	(void)holder_found(user, &record);
}

static void write_lines(void *user, FILE *file)
{
	const struct heldfile_records *held = user;

	for (uint32_t i = 0; i < held->count; i++) {
		const struct holder_record *record = &held->records[i];

		if (record->ifindex != 0) {
			(void)fprintf(file, "device %u %u\n", record->leg_ifindex, record->ifindex);
		} else {
			(void)fprintf(file, "priority %u %u\n", record->leg_ifindex,
				      record->priority);
		}
	}
}

void heldfile_load(const char *path, struct holder *holder)
{
	statefile_load(path, read_line, holder);
}

int heldfile_save(const char *path, const struct holder_record *records, uint32_t count)
{
	struct heldfile_records held = {records, count};

	return statefile_save(path, write_lines, &held);
}
