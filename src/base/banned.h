/* banned.h - calls that have cost the world enough become compile errors. Included before every file of ours. */
#ifndef RUNG_BASE_BANNED_H
#define RUNG_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat strtok sprintf vsprintf gets
#pragma GCC poison atoi atol atof popen tmpnam mktemp asctime ctime gmtime localtime


#endif
