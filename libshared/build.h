/* build.h - which code this is. */
#pragma once

/* "0.1.0+62ee20c": the version, and the commit where it was built from a checkout; "0.1.0" from a tarball. */
const char *build_name(void);
