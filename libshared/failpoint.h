/* failpoint.h - named places at which a test kills the process.
 *
 * Compiled in only with LEADWIRE_FAILPOINTS (the sanitize and tsan presets). There, a process whose environment has
 * LEADWIRE_FAILPOINT=name kills itself with SIGKILL when it comes to that place for the first time; with
 * LEADWIRE_FAILPOINT=name:N at the Nth time. */
#pragma once

#ifdef LEADWIRE_FAILPOINTS
void failpoint(const char *name);
#else
static inline void failpoint(const char *name)
{
    (void)name;
}
#endif
