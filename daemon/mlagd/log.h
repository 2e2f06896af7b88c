/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines of the daemon: to stderr, one line each, with sd-daemon prefixes ("<4>") only when the
 * journal listens (JOURNAL_STREAM).  The engine never logs; the adapter that gives up logs once.
 */
#ifndef MLAGD_LOG_H
#define MLAGD_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers are syslog's, which is what sd-daemon prefixes are. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/**
 * struct log_site - one place in the source that logs, for its rate limit
 * @window_ns: when the current window began, 0 before the first line
 * @lines: lines of the current window, written and suppressed
 */
struct log_site {
	uint64_t window_ns;
	uint32_t lines;
};

#define LOG_SITE_WINDOW_NS (UINT64_C(10) * 1000 * 1000 * 1000)
#define LOG_SITE_LINES_MAX 10

/**
 * log_set_level() - say how much is logged
 * @level: the least important level that is written; LOG_LEVEL_INFO at start
 */
void log_set_level(enum log_level level);

/**
 * log_write() - write one line; use the macros below
 * @site: of the caller, for at most LOG_SITE_LINES_MAX lines in LOG_SITE_WINDOW_NS; NULL for no
 *	limit.  How many lines were suppressed is said with the next line that is written
 * @level: importance
 * @format: as printf(), without a newline
 */
void log_write(struct log_site *site, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define LOG_LIMITED(level, ...)                              \
	do {                                                 \
		static struct log_site log_site_;            \
		log_write(&log_site_, (level), __VA_ARGS__); \
	} while (0)

#define log_error(...) LOG_LIMITED(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) LOG_LIMITED(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_write(NULL, LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(NULL, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(NULL, LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
