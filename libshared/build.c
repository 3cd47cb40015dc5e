/* build.c - see build.h. The only file that is compiled anew with each commit. */
#include "libshared/build.h"

const char *build_name(void)
{
    return LEADWIRE_BUILD;
}
