// What every machine of the architecture has: SSE2 on x86-64, NEON on ARM.

#include "table.h"

#define CK(name) ck_##name##_baseline
#define WIDTH 4
#define LINES 4
#define VECTORS 2
#include "kernels_body.h"
