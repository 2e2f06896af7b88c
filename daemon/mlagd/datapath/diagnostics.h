/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the loader library prints.  Most of that is told to the user, but some objections are part
 * of the work (there is a clsact already, there is no filter to remove): around such a call the
 * lines are held, and told only if the call failed for another reason.
 */
#ifndef MLAG_DATAPATH_DIAGNOSTICS_H
#define MLAG_DATAPATH_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * diagnostics_hook() - have the loader library tell its diagnostics
 * @log: gets one line a call, without newline; NULL for silence
 * @user: handed to @log
 */
void diagnostics_hook(void (*log)(void *user, const char *text), void *user);

/**
 * diagnostics_unhook() - back to silence, if this is still who listens
 * @user: as in diagnostics_hook()
 */
void diagnostics_unhook(const void *user);

/** diagnostics_hold() - keep lines back until diagnostics_release() */
void diagnostics_hold(void);

/**
 * diagnostics_release() - go on telling lines
 * @tell: those that were held too
 */
void diagnostics_release(bool tell);

/**
 * diagnostics_take_reason() - the kernel's own words among the lines that are held
 * @ret: filled; empty when it had none
 * @size: of @ret
 */
void diagnostics_take_reason(char *ret, size_t size);

#endif
