// SPDX-License-Identifier: BSD-2-Clause
/*
 * The room in the run directory (see rundir.h).  A daemon serves without any of what it keeps there, so
 * a full file system ends nothing; but the next start, mlag-guard and `mlagctl leave` would miss it, and
 * nobody reads a log line of last week.  Called by audit.c every second, and for `status`.
 */
#include "rundir.h"

#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "deadman.h"

#define RUNDIR_ROOM_MIN (16 * 1024) /* bytes: a lease and a few small files */

static bool is_full(const char *run_dir)
{
	struct statvfs room;

	if (statvfs(run_dir, &room) < 0) {
		return false; /* something else is wrong, which who writes there says */
	}
	return (uint64_t)room.f_bavail * room.f_frsize < RUNDIR_ROOM_MIN ||
	       (room.f_files > 0 && room.f_favail == 0);
}

void rundir_look(struct daemon *daemon)
{
	daemon->run_dir_full = is_full(daemon->run_dir);
	if (!daemon->run_dir_full && daemon->deadman == NULL && daemon->leave == NULL) {
		deadman_open(daemon);
	}
}

uint32_t rundir_problems(const struct daemon *daemon, struct links_problem *ret, uint32_t max)
{
	const char *what = NULL;

	if (daemon->run_dir_full || is_full(daemon->run_dir)) {
		what = "there is no room; what the next daemon, mlag-guard and leave need to know "
		       "is not kept";
	} else if (daemon->deadman == NULL) {
		what = "the lease cannot be made there; nobody watches over this daemon";
	}
	if (what == NULL || max == 0) {
		return 0;
	}
	ret->code = "run-directory";
	(void)snprintf(ret->text, sizeof(ret->text), "%.60s: %s", daemon->run_dir, what);
	return 1;
}
