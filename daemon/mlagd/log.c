// SPDX-License-Identifier: BSD-2-Clause
/*
 * Log lines to stderr.  One write() a line, so that lines of the daemon and of whoever shares its
 * stderr do not mix.  A site that repeats itself is cut short, and says so: a storm of warnings
 * must neither fill a disk nor hold the event loop.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024

static enum log_level log_level_max = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	log_level_max = level;
}

static uint64_t log_now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0) {
		return 0;
	}
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Say whether this line may go out, and how many did not since the last one that did. */
static bool log_site_admit(struct log_site *site, uint32_t *ret_suppressed)
{
	uint64_t now_ns = log_now_ns();

	if (site->window_ns == 0 || now_ns - site->window_ns >= LOG_SITE_WINDOW_NS) {
		*ret_suppressed =
			site->lines > LOG_SITE_LINES_MAX ? site->lines - LOG_SITE_LINES_MAX : 0;
		site->window_ns = now_ns;
		site->lines = 1;
		return true;
	}
	if (site->lines < UINT32_MAX) {
		site->lines++;
	}
	*ret_suppressed = 0;
	return site->lines <= LOG_SITE_LINES_MAX;
}

/* What snprintf() stored, given what it wanted to store. */
static size_t log_stored(int wanted, size_t room)
{
	if (wanted < 0) {
		return 0;
	}
	return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

void log_write(struct log_site *site, enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	uint32_t suppressed = 0;
	size_t length = 0;
	va_list arguments;

	if (level > log_level_max || (site != NULL && !log_site_admit(site, &suppressed))) {
		return;
	}
	if (getenv("JOURNAL_STREAM") != NULL) {
		length = log_stored(snprintf(line, sizeof(line), "<%d>", (int)level), sizeof(line));
	}
	va_start(arguments, format);
	length += log_stored(vsnprintf(line + length, sizeof(line) - length, format, arguments),
			     sizeof(line) - length);
	va_end(arguments);
	if (suppressed > 0) {
		length += log_stored(snprintf(line + length, sizeof(line) - length,
					      " (%u similar lines were suppressed)", suppressed),
				     sizeof(line) - length);
	}
	line[length] = '\n';
	if (write(STDERR_FILENO, line, length + 1) < 0) {
		/* There is nobody left to tell. */
		return;
	}
}
